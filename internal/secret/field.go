package secret

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

const sealedText = "[sealed]"

// ErasedText stands where a person was erased.
const ErasedText = "[erased]"

// Field is a sensitive value on its way out. A desk makes it with Seal; only
// the gate opens it, under the role's Visibility. Unopened it is null in JSON
// and "[sealed]" elsewhere; there is no way to read the whole value back.
type Field[K Kinded] struct {
	plain *string // a pointer, so that %v of a struct around it prints no content
	shown string
	open  bool
	gone  bool // the person was erased
}

// Openable is what the gate looks for in an output.
type Openable interface{ Open(Visibility) }

// Seal hides plain until the gate opens it.
func Seal[K Kinded](plain string) Field[K] { return Field[K]{plain: &plain} }

// Gone is a field of a person who was erased: it opens to "[erased]" for everybody.
func Gone[K Kinded]() Field[K] { return Field[K]{gone: true} }

// Open shows the masked form that the ceiling v leaves: never the whole value.
// An empty value opens to "".
func (f *Field[K]) Open(v Visibility) {
	f.open, f.shown = true, ""
	if f.gone {
		f.shown = ErasedText
	}
	if p := f.whole(); p != "" {
		var k K
		f.shown = k.Mask(p, v)
	}
}

// OpenFull shows the whole value if the ceiling v allows it, else the masked
// form; it reports which. The caller writes the audit entry for each one.
func (f *Field[K]) OpenFull(v Visibility) bool {
	var k K
	if f.gone || !k.Reveals(v) {
		f.Open(v)
		return false
	}
	f.open, f.shown = true, f.whole()
	return true
}

func (f *Field[K]) whole() string {
	if f.plain == nil {
		return ""
	}
	return *f.plain
}

// String gives what was opened, or "[sealed]".
func (f Field[K]) String() string {
	if !f.open {
		return sealedText
	}
	return f.shown
}

// GoString gives the same as String.
func (f Field[K]) GoString() string { return f.String() }

// Format prints the same as String, for every verb.
func (f Field[K]) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, f.String()) }

// LogValue gives "[sealed]" even when open: personal data is not for logs.
func (f Field[K]) LogValue() slog.Value { return slog.StringValue(sealedText) }

// MarshalJSON gives null unless opened.
func (f Field[K]) MarshalJSON() ([]byte, error) {
	if !f.open {
		return []byte("null"), nil
	}
	return json.Marshal(f.shown)
}
