// Package civil is the calendar of the lending business: dates without a time
// of day or a zone, as they stand in a contract.
//
// It knows no clock: "today" is handed in by whoever holds the transaction's
// instant and the tenant's time zone. Years run from 1900 to 2299, so that
// every stored date sorts, prints and parses the same everywhere.
package civil

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Date is a day, counted in days since 1 January of the year 1 (day 1). The
// zero Date means "no date". It is stored as that integer on both engines and
// written to JSON as "2026-11-22", or null when zero.
type Date int32

// The first and the last date that the house accepts.
const (
	MinYear = 1900
	MaxYear = 2299
)

// ErrDate is what Parse gives for text that is no date in range.
var ErrDate = errors.New("not a date between 1900-01-01 and 2299-12-31 written as YYYY-MM-DD")

const unixDay = 719163 // Date of 1970-01-01

// Of gives the date of a year, month and day; the day must exist.
func Of(year int, month time.Month, day int) (Date, error) {
	if year < MinYear || year > MaxYear || month < 1 || month > 12 || day < 1 || day > DaysIn(year, month) {
		return 0, ErrDate
	}
	return Date(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix()/86400 + unixDay), nil
}

// Must is Of for constants and tests; it panics on a date that does not exist.
func Must(year int, month time.Month, day int) Date {
	d, err := Of(year, month, day)
	if err != nil {
		panic(err)
	}
	return d
}

// Parse reads "YYYY-MM-DD" and nothing else.
func Parse(s string) (Date, error) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return 0, ErrDate
	}
	n := [3]int{}
	for i, part := range [3]string{s[:4], s[5:7], s[8:]} {
		for _, c := range []byte(part) {
			if c < '0' || c > '9' {
				return 0, ErrDate
			}
			n[i] = n[i]*10 + int(c-'0')
		}
	}
	return Of(n[0], time.Month(n[1]), n[2])
}

// Mend says what to do about a text that Parse refuses, without repeating it.
func Mend(s string) string {
	if len(s) == 10 && s[4] == '-' && s[7] == '-' && strings.Trim(s, "-0123456789") == "" {
		return "This day does not exist: enter one of the calendar as YYYY-MM-DD."
	}
	return "Enter the date as YYYY-MM-DD."
}

// In gives the date of an instant (unix microseconds) in a zone.
func In(micros int64, zone *time.Location) Date {
	t := time.UnixMicro(micros).In(zone)
	return Date(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix()/86400 + unixDay)
}

// DaysIn gives the number of days of a month.
func DaysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func (d Date) utc() time.Time { return time.Unix(int64(d-unixDay)*86400, 0).UTC() }

// IsZero reports whether there is no date.
func (d Date) IsZero() bool { return d == 0 }

// YMD gives year, month and day.
func (d Date) YMD() (int, time.Month, int) { return d.utc().Date() }

// String gives "2026-11-22", or "" for no date.
func (d Date) String() string {
	if d == 0 {
		return ""
	}
	return d.utc().Format(time.DateOnly)
}

// AddDays moves by n days.
func (d Date) AddDays(n int) Date { return d + Date(n) }

// Sub gives the number of days from e to d.
func (d Date) Sub(e Date) int { return int(d - e) }

// AddMonths moves by n months and keeps the day of the month, or the last day
// where the month is shorter: 31 January + 1 month is 28 or 29 February. Count
// from the contract date each time, else the day is lost after a February.
func (d Date) AddMonths(n int) Date {
	y, m, day := d.YMD()
	total := y*12 + int(m) - 1 + n
	y, m = total/12, time.Month(total%12+1)
	if last := DaysIn(y, m); day > last {
		day = last
	}
	return Date(time.Date(y, m, day, 0, 0, 0, 0, time.UTC).Unix()/86400 + unixDay)
}

// MarshalText writes the date as String does.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a date; empty text is no date.
func (d *Date) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = 0
		return nil
	}
	v, err := Parse(string(b))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// MarshalJSON writes "2026-11-22", or null for no date.
func (d Date) MarshalJSON() ([]byte, error) {
	if d == 0 {
		return []byte("null"), nil
	}
	return []byte(`"` + d.String() + `"`), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (d *Date) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*d = 0
		return nil
	}
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return ErrDate
	}
	v, err := Parse(string(b[1 : len(b)-1]))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// Value stores the date as its day number.
func (d Date) Value() (driver.Value, error) { return int64(d), nil }

// Scan reads a day number.
func (d *Date) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("civil: cannot scan %T into a date", src)
	}
	if int64(Date(n)) != n {
		return ErrDate
	}
	*d = Date(n)
	return nil
}
