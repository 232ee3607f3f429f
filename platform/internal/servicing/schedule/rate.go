package schedule

import (
	"errors"
	"strconv"
)

// Rate is a yearly interest rate in millionths of one per cent: 7.35 % is
// 7_350_000 and 100 % is 100_000_000. It is stored as that integer and written
// as per cent in decimal text, "7.35".
type Rate int64

// MaxRate is the highest rate that a loan may bear: 100 % a year.
const MaxRate Rate = 100_000_000

// ErrRate is what ParseRate gives for text that is no rate.
var ErrRate = errors.New(`not a yearly rate in per cent between 0 and 100, with at most six decimals, written as "7.35"`)

// ParseRate reads per cent as decimal text: "7.35", "0", "12.125". No sign, no
// per cent sign, no exponent, no superfluous leading zero.
func ParseRate(s string) (Rate, error) {
	var r Rate
	places, dot := 0, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '.' && !dot && i > 0 && i+1 < len(s):
			dot = true
		case c >= '0' && c <= '9':
			if !dot && i > 0 && s[0] == '0' {
				return 0, ErrRate
			}
			if dot {
				places++
			}
			r = r*10 + Rate(c-'0')
			if places > 6 || r > MaxRate {
				return 0, ErrRate
			}
		default:
			return 0, ErrRate
		}
	}
	if s == "" {
		return 0, ErrRate
	}
	for ; places < 6; places++ {
		r *= 10
	}
	if r > MaxRate {
		return 0, ErrRate
	}
	return r, nil
}

// MustRate is ParseRate for constants and tests; it panics on text that is no rate.
func MustRate(s string) Rate {
	r, err := ParseRate(s)
	if err != nil {
		panic(err)
	}
	return r
}

// String gives per cent with at least two decimals: "7.35", "7.00", "12.125".
func (r Rate) String() string {
	neg := r < 0
	if neg {
		r = -r
	}
	whole := strconv.FormatInt(int64(r/1_000_000), 10)
	rest := strconv.FormatInt(int64(r%1_000_000)+1_000_000, 10)[1:]
	for len(rest) > 2 && rest[len(rest)-1] == '0' {
		rest = rest[:len(rest)-1]
	}
	if neg {
		whole = "-" + whole
	}
	return whole + "." + rest
}

// MarshalText writes the rate as String does.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what ParseRate reads.
func (r *Rate) UnmarshalText(b []byte) error {
	v, err := ParseRate(string(b))
	if err != nil {
		return err
	}
	*r = v
	return nil
}
