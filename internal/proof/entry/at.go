package entry

import (
	"bytes"
	"math"
)

// At gives the instant of a stored body without decoding it; false if the body is not
// laid out as an encoder of this package writes it.
func At(stored []byte) (at int64, ok bool) {
	if len(stored) < 2 {
		return 0, false
	}
	rest, ok := bytes.CutPrefix(stored[1:], []byte(`{"id":`))
	if !ok {
		return 0, false
	}
	_, rest, ok = text(rest)
	if !ok {
		return 0, false
	}
	rest, ok = bytes.CutPrefix(rest, []byte(`,"at":`))
	digits := 0
	for ok && digits < len(rest) && '0' <= rest[digits] && rest[digits] <= '9' {
		if at > (math.MaxInt64-9)/10 {
			return 0, false
		}
		at = 10*at + int64(rest[digits]-'0')
		digits++
	}
	return at, ok && digits > 0 && digits < len(rest) && rest[digits] == ','
}
