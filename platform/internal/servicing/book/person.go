package book

import (
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
)

// Address is where a borrower lives. Line1 is personal, the rest is plain.
type Address struct {
	Line1      string
	City       string
	Region     string // state or region, "NY"
	PostalCode string
	Country    string // two letters, ISO 3166-1
}

// Person is what is known about a borrower, opened. Empty fields are unknown.
type Person struct {
	Reference string
	First     string
	Last      string
	Email     string
	Phone     string
	Birth     civil.Date
	SSN       string // nine digits
	Address   Address
}

// Name gives the name as screens print it.
func (p Person) Name() string { return strings.TrimSpace(p.First + " " + p.Last) }

// Check normalizes a person and gives an Invalid fault that names every field
// that needs mending. today bounds the date of birth.
func (p *Person) Check(today civil.Date) error {
	var c fault.Collector
	trim := func(fields ...*string) {
		for _, f := range fields {
			*f = strings.TrimSpace(*f)
		}
	}
	a := &p.Address
	trim(&p.Reference, &p.First, &p.Last, &p.Email, &p.Phone, &p.SSN, &a.Line1, &a.City, &a.Region, &a.PostalCode, &a.Country)
	c.Check(p.First != "" && Plain(p.First, 100), "first_name", "Give the first name, at most 100 bytes, without control characters.")
	c.Check(p.Last != "" && Plain(p.Last, 100), "last_name", "Give the last name, at most 100 bytes, without control characters.")
	c.Check(Plain(p.Reference, 64), "reference", "Use at most 64 bytes without control characters.")
	c.Check(p.Email == "" || emailForm(p.Email), "email", "Write an e-mail address like name@example.com.")
	c.Check(p.Phone == "" || (len(p.Phone) <= 40 && Plain(p.Phone, 40) && phoneDigits(p.Phone)), "phone", "Write a telephone number of 7 to 15 digits.")
	c.Check(Plain(a.Line1, 200), "address.line1", "Use at most 200 bytes without control characters.")
	c.Check(Plain(a.City, 100), "address.city", "Use at most 100 bytes without control characters.")
	c.Check(Plain(a.Region, 100), "address.region", "Use at most 100 bytes without control characters.")
	c.Check(Plain(a.PostalCode, 20), "address.postal_code", "Use at most 20 bytes without control characters.")
	a.Country = strings.ToUpper(a.Country)
	c.Check(a.Country == "" || letters(a.Country, 2), "address.country", "Use the two letters of ISO 3166-1, for example US.")
	if p.SSN != "" {
		digits, ok := socialSecurity(p.SSN)
		c.Check(ok, "ssn", "Write nine digits, with or without dashes.")
		p.SSN = digits
	}
	c.Check(p.Birth.IsZero() || (p.Birth < today && today.Sub(p.Birth) < 130*366), "date_of_birth", "Give a date in the past, at most 130 years ago.")
	return c.Err()
}

func emailForm(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return Plain(s, 254) && at > 0 && at < len(s)-3 && strings.IndexByte(s[at:], '.') > 1 && !strings.ContainsAny(s, " \t<>,;\"") && !strings.HasSuffix(s, ".") && strings.Count(s, "@") == 1
}

func phoneDigits(s string) bool {
	n := 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			n++
		case !strings.ContainsRune("+-(). /x", r):
			return false
		}
	}
	return n >= 7 && n <= 15
}

func letters(s string, n int) bool {
	for _, r := range s {
		if r < 'A' || r > 'Z' {
			return false
		}
	}
	return len(s) == n
}

// socialSecurity gives the nine digits of a US social security number.
func socialSecurity(s string) (string, bool) {
	if len(s) == 11 && s[3] == '-' && s[6] == '-' {
		s = s[:3] + s[4:6] + s[7:]
	}
	if len(s) != 9 || strings.Trim(s, "0123456789") != "" {
		return "", false
	}
	return s, true
}

// The normalized forms that blind indexes are made of.

func emailKey(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// phoneKey keeps the digits; the leading 1 of a North American number is left
// out, so that it is found with and without.
func phoneKey(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= '0' && r <= '9' {
			b.WriteRune(r)
		}
	}
	d := b.String()
	if len(d) == 11 && d[0] == '1' {
		return d[1:]
	}
	return d
}
