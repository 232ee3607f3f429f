// Package clean makes texts fit to be recorded: what an entry says is kept for ever
// and shown anywhere, so it holds no card number, no character that hides or moves
// others, and no more than its bounds.
package clean

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/internal/pii"
)

// Limits of recorded texts, in bytes after escaping, and of lists.
const (
	Name  = 200  // ids, names, codes
	Agent = 400  // user agents
	Value = 2000 // values, reasons, paths
	Keys  = 64   // of a map
	List  = 500  // changes, operations
)

// Text makes a text fit to be kept for ever and shown anywhere: card numbers
// masked, control, bidirectional and invisible characters escaped, bounded.
func Text(s string, limit int) string {
	if len(s) <= limit && printable(s) && !pan.Contains(s) {
		return s
	}
	if most := 4 * limit; len(s) > most {
		s = s[:most] // bounds the work; the end is cut again below
	}
	s = escape(pan.Mask(s))
	if len(s) <= limit {
		return s
	}
	cut := limit - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// Said is Text for what people and strangers type where nobody asked for personal
// data: reasons, paths, filters, names of programs. What names or reaches a person
// is replaced, since an entry lies open in the trail and in every export of it.
func Said(s string, limit int) string {
	if most := 4 * limit; len(s) > most {
		s = s[:most]
	}
	return Text(pii.Mask(s), limit)
}

// printable reports whether s is printable ASCII: nearly every text that is recorded.
func printable(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

func escape(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsGraphic(r) && !unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += size
	}
	return b.String()
}

// Open is Map for details that are not sealed.
func Open(m map[string]string) map[string]string {
	out := Map(m)
	for k, v := range out {
		out[k] = Said(v, Value)
	}
	return out
}

// Map bounds and cleans a map; what is left out is said, not dropped.
func Map(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]string, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if len(out) == Keys {
			out["left_out"] = fmt.Sprintf("%d more", len(m)-Keys)
			break
		}
		out[Text(k, Name)] = Text(m[k], Value)
	}
	return out
}
