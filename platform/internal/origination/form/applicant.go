// Package form is what an application form asks for, and what makes an answer
// faulty: every faulty field is named at once, with its mend and never its value.
//
// It is pure: no I/O, no clock. Whether an applicant is too young or asks for too
// much is for the rules; here only what cannot be is refused.
package form

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/language"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/geo"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
)

// AddressIn is where the applicant says to live.
type AddressIn struct {
	Line1      string `json:"line1" maxLength:"200" example:"5 Example Street"`
	City       string `json:"city" maxLength:"100" example:"New York"`
	Region     string `json:"region" maxLength:"100" required:"false" doc:"In the US the two letters of the state." example:"NY"`
	PostalCode string `json:"postal_code" maxLength:"20" required:"false" example:"10001"`
	Country    string `json:"country" maxLength:"20" doc:"Two letters, ISO 3166-1." example:"US"`
}

// ApplicantIn is who applies.
type ApplicantIn struct {
	FirstName   string    `json:"first_name" maxLength:"200"`
	LastName    string    `json:"last_name" maxLength:"200"`
	Email       string    `json:"email" maxLength:"300"`
	Phone       string    `json:"phone" maxLength:"60" example:"+1 212 555 0123"`
	DateOfBirth string    `json:"date_of_birth" maxLength:"40" example:"1990-04-01"`
	SSN         string    `json:"ssn" maxLength:"40" doc:"Nine digits, with or without dashes."`
	Address     AddressIn `json:"address"`
}

// RequestedIn is what is applied for.
type RequestedIn struct {
	Amount     string `json:"amount" maxLength:"40" example:"5000.00"`
	TermMonths int    `json:"term_months" minimum:"1" maximum:"120"`
	Purpose    string `json:"purpose,omitempty" maxLength:"200"`
}

var (
	mailForm = regexp.MustCompile(`^[^\s@<>,;:"()\[\]\\]{1,64}@([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z0-9-]{2,63}$`)
	callForm = regexp.MustCompile(`^\+?[0-9(][0-9 ().-]*[0-9]$`)
	decimal  = regexp.MustCompile(`^[0-9]{1,7}(\.[0-9]{1,2})?$`)
	anyCode  = regexp.MustCompile(`^[A-Z0-9]([A-Z0-9 -]{0,8}[A-Z0-9])?$`)
	ssnForm  = regexp.MustCompile(`^([0-9]{3})-?([0-9]{2})-?([0-9]{4})$`)
	// postal codes of the countries whose form is checked; there one is required
	postalForms = map[string]*regexp.Regexp{
		"US": regexp.MustCompile(`^[0-9]{5}(-[0-9]{4})?$`),
		"CA": regexp.MustCompile(`^[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]$`),
		"GB": regexp.MustCompile(`^[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}$`),
		"DE": regexp.MustCompile(`^[0-9]{5}$`), "FR": regexp.MustCompile(`^[0-9]{5}$`), "ES": regexp.MustCompile(`^[0-9]{5}$`),
		"IT": regexp.MustCompile(`^[0-9]{5}$`), "MX": regexp.MustCompile(`^[0-9]{5}$`), "AU": regexp.MustCompile(`^[0-9]{4}$`),
	}
)

// states are the codes that the US post knows: states, the district, territories
// and military mail.
const states = " AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC AS GU MP PR VI UM AA AE AP "

// maxAmount is the most that can be applied for.
const maxAmount money.Amount = 1_000_000_00

// CheckApplicant checks and normalizes who applies, into a docket row and what will
// be sealed. Faults are named below prefix; no value is repeated.
func CheckApplicant(f *fault.Collector, in *ApplicantIn, today civil.Date) (docket.Application, docket.Personal) {
	var a docket.Application
	var p docket.Personal
	a.First = Plain(f, "applicant.first_name", in.FirstName, 100, true)
	a.Last = Plain(f, "applicant.last_name", in.LastName, 100, true)
	p.Email = strings.TrimSpace(in.Email)
	f.Check(len(p.Email) <= 254 && mailForm.MatchString(p.Email) && !strings.Contains(p.Email, ".."), "applicant.email", "Write an e-mail address like name@example.com.")
	var ok bool
	p.Phone, ok = phone(in.Phone)
	f.Check(ok, "applicant.phone", "Write a telephone number with its country code, for example +1 212 555 0123; without one it is taken as a US number.")
	birth, err := civil.Parse(strings.TrimSpace(in.DateOfBirth))
	f.Check(err == nil && birth <= today, "applicant.date_of_birth", "Write a date in the past as YYYY-MM-DD.")
	p.Birth = birth.String()
	p.SSN, ok = socialSecurity(in.SSN)
	f.Check(ok, "applicant.ssn", "Write the nine digits of a social security number that can exist.")
	address(f, &in.Address, &a, &p)
	return a, p
}

func address(f *fault.Collector, in *AddressIn, a *docket.Application, p *docket.Personal) {
	p.Line1 = Plain(f, "applicant.address.line1", in.Line1, 200, false)
	a.City = Plain(f, "applicant.address.city", in.City, 100, true)
	a.Country = strings.ToUpper(strings.TrimSpace(in.Country))
	f.Check(isCountry(a.Country), "applicant.address.country", "Use the two letters of ISO 3166-1, for example US.")
	a.Region = strings.TrimSpace(in.Region)
	if a.Country == "US" {
		a.Region = strings.ToUpper(a.Region)
		f.Check(len(a.Region) == 2 && strings.Contains(states, " "+a.Region+" "), "applicant.address.region", "Use the two letters of the state, for example NY.")
	} else if a.Region != "" {
		a.Region = Plain(f, "applicant.address.region", a.Region, 100, false)
	}
	a.PostalCode = strings.ToUpper(strings.TrimSpace(in.PostalCode))
	form := postalForms[a.Country]
	switch {
	case form != nil:
		f.Check(form.MatchString(a.PostalCode), "applicant.address.postal_code", "Write the postal code as that country writes it, for example 10001 in the US.")
	case a.PostalCode != "":
		f.Check(anyCode.MatchString(a.PostalCode), "applicant.address.postal_code", "Use up to ten letters, digits, spaces and hyphens.")
	}
}

// Plain takes a required text of at most most bytes without control or direction
// characters; a name has a letter in it.
func Plain(f *fault.Collector, field, text string, most int, name bool) string {
	text = strings.Join(strings.Fields(text), " ")
	clean := true
	for part := text; part != ""; {
		n := min(len(part), 100)
		for n < len(part) && n > 0 && part[n]&0xC0 == 0x80 {
			n-- // not within a rune
		}
		clean = clean && geo.Text("x"+part[:n]+"x") == "x"+part[:n]+"x"
		part = part[n:]
	}
	switch {
	case text == "":
		f.Add(field, "This cannot be left empty.")
	case len(text) > most || !clean:
		f.Addf(field, "Use at most %d bytes without control characters.", most)
	case name && strings.IndexFunc(text, unicode.IsLetter) < 0:
		f.Add(field, "Write it with letters.")
	}
	return text
}

// phone brings a number to E.164; one without a country code is a US one.
func phone(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if len(text) > 40 || !callForm.MatchString(text) {
		return "", false
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
	switch {
	case text[0] == '+':
	case len(digits) == 10:
		digits = "1" + digits
	case len(digits) != 11 || digits[0] != '1':
		return "", false
	}
	return "+" + digits, len(digits) >= 8 && len(digits) <= 15 && digits[0] != '0'
}

// socialSecurity gives the nine digits of a number that the administration could
// have issued: no area 000, 666 or 9xx, no group 00, no serial 0000. Numbers that
// became known from advertisements pass: whether somebody is who they say is not
// for a form to decide.
func socialSecurity(text string) (string, bool) {
	m := ssnForm.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil || m[1] == "000" || m[1] == "666" || m[1][0] == '9' || m[2] == "00" || m[3] == "0000" {
		return "", false
	}
	return m[1] + m[2] + m[3], true
}

func isCountry(code string) bool {
	r, err := language.ParseRegion(code)
	return err == nil && len(code) == 2 && r.String() == code && r.IsCountry()
}

// CheckRequested checks what is applied for and takes it into the row.
func CheckRequested(f *fault.Collector, in *RequestedIn, a *docket.Application) {
	a.Amount = Amount(f, "requested.amount", in.Amount)
	f.Check(in.TermMonths >= 1 && in.TermMonths <= 120, "requested.term_months", "Give a number of months between 1 and 120.")
	a.Term = in.TermMonths
	if strings.TrimSpace(in.Purpose) != "" {
		a.Purpose = Plain(f, "requested.purpose", in.Purpose, 200, false)
	}
}

// FullYears is an age on a day.
func FullYears(birth, on civil.Date) int64 {
	by, bm, bd := birth.YMD()
	y, m, d := on.YMD()
	years := y - by
	if m < bm || m == bm && d < bd {
		years--
	}
	return int64(years)
}

// Amount reads an amount that can be applied for.
func Amount(f *fault.Collector, field, text string) money.Amount {
	text = strings.TrimSpace(text)
	amount, err := money.Parse(text)
	f.Check(err == nil && decimal.MatchString(text) && amount > 0 && amount <= maxAmount, field, "Give an amount above 0.00 and up to 1000000.00, with at most two places.")
	return amount
}
