package secret

import (
	"strings"
	"unicode/utf8"
)

// The words of a Visibility.
const (
	Full            = "full"
	Last4           = "last4"
	Hidden          = "hidden"
	YearHidden      = "year_hidden"
	DayYearHidden   = "day_year_hidden"
	MonthYearHidden = "month_year_hidden"
)

// Visibility is a role's ceiling over personal fields. A word that is not known
// hides. The zero Visibility hides everything, contact data included.
type Visibility struct {
	SSN         string `json:"ssn"`           // full | last4
	BankAccount string `json:"bank_account"`  // last4 | hidden
	BirthDate   string `json:"date_of_birth"` // full | hidden | year_hidden | day_year_hidden | month_year_hidden
}

// Kinded is one kind of sensitive output. Mask gives what pages and lists show,
// which is never the whole value; Reveals says whether a role with the ceiling
// v may see the whole value, one at a time.
type Kinded interface {
	Mask(plain string, v Visibility) string
	Reveals(v Visibility) bool
}

// The kinds.
type (
	SSN         struct{} // US social security number, digits with or without dashes
	BirthDate   struct{} // ISO date
	Email       struct{}
	Phone       struct{} // any notation; the last four digits are shown
	AddressLine struct{} // street and house number
	BankAccount struct{} // only its last four digits exist here
)

const dots = "•••"

// Mask shows the last four digits: "•••-••-6789".
func (SSN) Mask(plain string, v Visibility) string {
	if v.SSN != Full && v.SSN != Last4 {
		return "•••-••-••••"
	}
	return "•••-••-" + lastDigits(plain, 9)
}

// Reveals is true for the ceiling "full".
func (SSN) Reveals(v Visibility) bool { return v.SSN == Full }

// Mask hides the parts that the ceiling names; under "full" it leaves the year,
// which a page needs for the age. Text that is no ISO date is hidden whole.
func (BirthDate) Mask(plain string, v Visibility) string {
	const year, month, day = "••••", "••", "••"
	p := strings.Split(plain, "-")
	if len(p) != 3 || len(p[0]) != 4 || len(p[1]) != 2 || len(p[2]) != 2 {
		return year + "-" + month + "-" + day
	}
	switch v.BirthDate {
	case Full:
		return p[0] + "-" + month + "-" + day
	case YearHidden:
		return year + "-" + p[1] + "-" + p[2]
	case DayYearHidden:
		return year + "-" + p[1] + "-" + day
	case MonthYearHidden:
		return year + "-" + month + "-" + p[2]
	default:
		return year + "-" + month + "-" + day
	}
}

// Reveals is true for the ceiling "full".
func (BirthDate) Reveals(v Visibility) bool { return v.BirthDate == Full }

// Mask leaves the first letter and the domain: "a•••@example.com".
func (Email) Mask(plain string, v Visibility) string {
	at := strings.LastIndexByte(plain, '@')
	if v == (Visibility{}) || at < 1 {
		return dots
	}
	first, size := utf8.DecodeRuneInString(plain)
	if first == utf8.RuneError || size >= len(plain) {
		return dots
	}
	return string(first) + dots + plain[at:]
}

// Reveals is true for every ceiling but the zero one.
func (Email) Reveals(v Visibility) bool { return v != (Visibility{}) }

// Mask leaves the last four digits: "••• ••• 0123".
func (Phone) Mask(plain string, v Visibility) string {
	if v == (Visibility{}) {
		return "••• ••• ••••"
	}
	return "••• ••• " + lastDigits(plain, 7)
}

// Reveals is true for every ceiling but the zero one.
func (Phone) Reveals(v Visibility) bool { return v != (Visibility{}) }

// Mask hides the whole line.
func (AddressLine) Mask(string, Visibility) string { return dots }

// Reveals is true for every ceiling but the zero one.
func (AddressLine) Reveals(v Visibility) bool { return v != (Visibility{}) }

// Mask shows the last four digits under the ceiling "last4".
func (BankAccount) Mask(plain string, v Visibility) string {
	if v.BankAccount != Last4 {
		return "••••"
	}
	return "••••" + lastDigits(plain, 4)
}

// Reveals is never true: no whole account number is held here.
func (BankAccount) Reveals(Visibility) bool { return false }

// lastDigits gives the last four digits of s, or dots where s holds fewer than
// need digits, because four of five would be nearly all of it.
func lastDigits(s string, need int) string {
	digits := make([]byte, 0, len(s))
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			digits = append(digits, s[i])
		}
	}
	if len(digits) < need {
		return "••••"
	}
	return string(digits[len(digits)-4:])
}

// Narrower gives what both of two ceilings let be seen.
func Narrower(a, b Visibility) Visibility {
	least := func(x, y, open, less string) string {
		switch {
		case x == y:
			return x
		case x == open:
			return y
		case y == open:
			return x
		}
		return less
	}
	return Visibility{SSN: least(a.SSN, b.SSN, Full, Last4), BankAccount: least(a.BankAccount, b.BankAccount, Last4, Hidden),
		BirthDate: least(a.BirthDate, b.BirthDate, Full, Hidden)}
}
