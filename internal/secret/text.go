// Package secret holds values that must not leak: texts that cannot be printed,
// the classes of fields, and output values that only the gate opens.
//
// Invariants: a Text or an unopened Field prints, logs, formats and marshals as
// a placeholder or not at all, also as a private member of another struct; a
// field that nobody classified is Secret; the zero Visibility shows nothing.
//
// It knows no I/O, no clock, no role and no key: who may see what is decided
// elsewhere and arrives here as a Visibility.
package secret

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// ErrMarshal is what every encoder gets that tries to write a Text.
var ErrMarshal = errors.New("a secret text cannot be marshalled")

const hiddenText = "[secret]"

// Text is a string that can be compared and revealed, and nothing else: a
// password, a token, an access key. The zero Text is the empty string. Do not
// compare two Texts with ==; use Equal.
type Text struct {
	p *string // a pointer, so that %v of a struct around it prints no content
}

// NewText hides s.
func NewText(s string) Text { return Text{p: &s} }

// Reveal gives the hidden string. Every call of it is a place to review.
func (t Text) Reveal() string {
	if t.p == nil {
		return ""
	}
	return *t.p
}

// Empty reports whether the hidden string is "".
func (t Text) Empty() bool { return t.Reveal() == "" }

// Equal compares in constant time for texts of equal length.
func (t Text) Equal(u Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(u.Reveal())) == 1
}

// String gives the placeholder.
func (t Text) String() string { return hiddenText }

// GoString gives the placeholder.
func (t Text) GoString() string { return hiddenText }

// Format prints the placeholder for every verb and flag.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hiddenText) }

// LogValue gives the placeholder to slog.
func (t Text) LogValue() slog.Value { return slog.StringValue(hiddenText) }

// MarshalJSON always fails with ErrMarshal.
func (t Text) MarshalJSON() ([]byte, error) { return nil, ErrMarshal }

// MarshalText always fails with ErrMarshal.
func (t Text) MarshalText() ([]byte, error) { return nil, ErrMarshal }

// MarshalBinary always fails with ErrMarshal.
func (t Text) MarshalBinary() ([]byte, error) { return nil, ErrMarshal }

// UnmarshalJSON reads a JSON string, so that an input may have a write-only field.
func (t *Text) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errors.New("must be a string") // never the value
	}
	*t = NewText(s)
	return nil
}

// UnmarshalText takes the bytes as they are (flags, environment).
func (t *Text) UnmarshalText(b []byte) error {
	*t = NewText(string(b))
	return nil
}
