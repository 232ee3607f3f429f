// Package money holds amounts in minor units and the few exact operations that
// a ledger needs on them.
//
// An Amount is an integer number of cents of the tenant's one currency; it is
// never a float. Text and JSON are decimal strings with two places ("250.00").
// Arithmetic that could overflow goes through Sum, and Parse refuses anything
// beyond Max, so that sums of stored amounts stay far from the edge of int64.
package money

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
)

// Amount is an amount of money in minor units (cents).
type Amount int64

// Max is the greatest amount that a single input may name: 1,000,000,000,000.00.
const Max Amount = 100_000_000_000_000

// Errors of Parse and Sum.
var (
	ErrAmount   = errors.New(`not an amount of money written as "250.00"`)
	ErrRange    = errors.New("an amount beyond 1,000,000,000,000.00")
	ErrOverflow = errors.New("the sum of the amounts is out of range")
)

// Parse reads a decimal with at most two places and an optional leading minus:
// "250", "250.5", "250.00", "-3.10". No plus, no separators, no exponent.
func Parse(s string) (Amount, error) {
	neg := false
	if s != "" && s[0] == '-' {
		neg, s = true, s[1:]
	}
	if s == "" || s[0] == '.' {
		return 0, ErrAmount
	}
	var v Amount
	places, dot := 0, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '.' && !dot && i+1 < len(s):
			dot = true
		case c >= '0' && c <= '9':
			if dot {
				places++
			}
			if places > 2 {
				return 0, ErrAmount
			}
			v = min(v*10+Amount(c-'0'), Max*100) // far beyond what is accepted, far below the edge
		default:
			return 0, ErrAmount
		}
	}
	for ; places < 2; places++ {
		v *= 10
	}
	if v > Max {
		return 0, ErrRange
	}
	if neg {
		v = -v
	}
	return v, nil
}

// Must is Parse for constants and tests; it panics on text that is no amount.
func Must(s string) Amount {
	a, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return a
}

// String gives "250.00".
func (a Amount) String() string {
	b := make([]byte, 0, 20)
	u := uint64(a)
	if a < 0 {
		b = append(b, '-')
		u = -u
	}
	b = strconv.AppendUint(b, u/100, 10)
	return string(append(b, '.', byte('0'+u%100/10), byte('0'+u%10)))
}

// Grouped gives "1,250.00", as screens show it.
func (a Amount) Grouped() string {
	s := a.String()
	neg := s[0] == '-'
	if neg {
		s = s[1:]
	}
	whole, cents := s[:len(s)-3], s[len(s)-3:]
	out := make([]byte, 0, len(s)+6)
	if neg {
		out = append(out, '-')
	}
	for i := 0; i < len(whole); i++ {
		if i > 0 && (len(whole)-i)%3 == 0 {
			out = append(out, ',')
		}
		out = append(out, whole[i])
	}
	return string(append(out, cents...))
}

// Sum adds amounts and refuses a result that does not fit.
func Sum(amounts ...Amount) (Amount, error) {
	var t Amount
	for _, a := range amounts {
		n := t + a
		if (a > 0 && n < t) || (a < 0 && n > t) {
			return 0, ErrOverflow
		}
		t = n
	}
	return t, nil
}

// MarshalText writes the amount as String does.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what Parse reads.
func (a *Amount) UnmarshalText(b []byte) error {
	v, err := Parse(string(b))
	if err != nil {
		return err
	}
	*a = v
	return nil
}

// Value stores the amount as minor units.
func (a Amount) Value() (driver.Value, error) { return int64(a), nil }

// Scan reads minor units.
func (a *Amount) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("money: cannot scan %T into an amount", src)
	}
	*a = Amount(n)
	return nil
}
