package audit

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/pan"
)

// Limits of recorded texts, in bytes after escaping.
const (
	nameLimit  = 200  // ids, names, codes
	agentLimit = 400  // user agents
	textLimit  = 2000 // values, reasons, paths
	mapLimit   = 64   // keys of Detail and SealedDetail
	listLimit  = 500  // changes, operations
)

// clean makes a text fit to be kept for ever and shown anywhere: card numbers
// masked, control, bidirectional and invisible characters escaped, bounded.
func clean(s string, limit int) string {
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

// cleanMap bounds and cleans a map; what is left out is said, not dropped.
func cleanMap(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]string, len(m))
	for _, k := range sortedKeys(m) {
		if len(out) == mapLimit {
			out["left_out"] = fmt.Sprintf("%d more", len(m)-mapLimit)
			break
		}
		out[clean(k, nameLimit)] = clean(m[k], textLimit)
	}
	return out
}
