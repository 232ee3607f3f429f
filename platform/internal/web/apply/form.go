package apply

import (
	"crypto/rand"
	"net/netip"
	"net/url"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// Names of the form's own fields; what begins with "_" is not the desk's.
const (
	onceName    = "_once"
	networkName = "_network"
)

const mayType = 300 // characters of one field that are kept

// question is one field of the form, with the words for when it is empty.
type question struct {
	parts.Field
	missing string
}

// aboutYou are the questions of the first step that stand above the address.
func aboutYou() []question {
	return []question{
		{parts.Field{Name: "applicant.first_name", Label: "First name", Fill: "given-name", Required: true, MaxLength: 100}, "Enter your first name."},
		{parts.Field{Name: "applicant.last_name", Label: "Last name", Fill: "family-name", Required: true, MaxLength: 100}, "Enter your last name."},
		{parts.Field{Name: "applicant.email", Label: "E-mail", Kind: parts.Email, Fill: "email", Required: true, MaxLength: 254, Hint: "We write to you here."}, "Enter your e-mail address."},
		{parts.Field{Name: "applicant.phone", Label: "Phone", Kind: parts.Phone, Fill: "tel", Required: true, MaxLength: 40}, "Enter your phone number."},
		{parts.Field{Name: "applicant.date_of_birth", Label: "Date of birth", Kind: parts.Date, Fill: "bday", Required: true, MaxLength: 10, Hint: "YYYY-MM-DD, for example 1990-04-01"}, "Enter your date of birth."},
		{parts.Field{Name: "applicant.ssn", Label: "Social Security number", Required: true, Short: true, MaxLength: 11, Hint: "Nine digits. We store it encrypted."}, "Enter your Social Security number."},
	}
}

// aboutHome are the questions about the address.
func aboutHome() []question {
	return []question{
		{parts.Field{Name: "applicant.address.line1", Label: "Street and number", Fill: "street-address", Required: true, MaxLength: 200}, "Enter your street and number."},
		{parts.Field{Name: "applicant.address.city", Label: "City", Fill: "address-level2", Required: true, MaxLength: 100}, "Enter your city."},
		{parts.Field{Name: "applicant.address.region", Label: "State", Fill: "address-level1", Short: true, Required: true, MaxLength: 100, Hint: "Two letters, for example NY. Outside the United States leave it empty if there is none."}, ""},
		{parts.Field{Name: "applicant.address.postal_code", Label: "ZIP or postal code", Fill: "postal-code", Short: true, Required: true, MaxLength: 20}, ""},
		{parts.Field{Name: "applicant.address.country", Label: "Country", Fill: "country", Required: true, Value: "US", Options: countries()}, "Choose your country."},
	}
}

// aboutLoan are the questions of the second step.
func aboutLoan() []question {
	return []question{
		{parts.Field{Name: "requested.amount", Label: "How much do you need?", Kind: parts.Money, Unit: "USD", Required: true, MaxLength: 14}, "Enter the amount that you need."},
		{parts.Field{Name: "requested.term_months", Label: "Over how many months?", Required: true, Short: true, Value: "24", Options: terms()}, "Choose a number of months."},
		{parts.Field{Name: "requested.purpose", Label: "What is it for?", MaxLength: 200}, ""},
	}
}

func terms() []parts.Option {
	var out []parts.Option
	for _, n := range []string{"6", "12", "18", "24", "36", "48", "60"} {
		out = append(out, parts.Option{Value: n, Label: n + " months"})
	}
	return out
}

// countries are those that the form offers; the desk takes any.
func countries() []parts.Option {
	var out []parts.Option
	for line := range strings.SplitSeq("US United States,CA Canada,MX Mexico,AU Australia,AT Austria,BE Belgium,BR Brazil,CL Chile,CN China,CO Colombia,CZ Czechia,DK Denmark,"+
		"FI Finland,FR France,DE Germany,GR Greece,HU Hungary,IN India,IE Ireland,IT Italy,JP Japan,NL Netherlands,NZ New Zealand,NO Norway,PH Philippines,PL Poland,"+
		"PT Portugal,RO Romania,SG Singapore,ZA South Africa,KR South Korea,ES Spain,SE Sweden,CH Switzerland,GB United Kingdom", ",") {
		code, name, _ := strings.Cut(line, " ")
		out = append(out, parts.Option{Value: code, Label: name})
	}
	return out
}

// networks are the demo's addresses with what its stand-in says of them.
func networks() []parts.Option {
	return []parts.Option{
		{Value: "", Label: "my own connection"}, {Value: "203.0.113.10", Label: "203.0.113.10 – clean, New York"}, {Value: "203.0.113.20", Label: "203.0.113.20 – proxy"},
		{Value: "203.0.113.30", Label: "203.0.113.30 – Tor"}, {Value: "203.0.113.40", Label: "203.0.113.40 – crawler"}, {Value: "203.0.113.50", Label: "203.0.113.50 – threat level medium"},
		{Value: "203.0.113.60", Label: "203.0.113.60 – threat level high"}, {Value: "203.0.113.70", Label: "203.0.113.70 – another country"},
		{Value: "203.0.113.80", Label: "203.0.113.80 – no security facts"}, {Value: "203.0.113.90", Label: "203.0.113.90 – quota used up"},
		{Value: "203.0.113.100", Label: "203.0.113.100 – never answers"}, {Value: "203.0.113.110", Label: "203.0.113.110 – broken answer"},
		{Value: "2001:db8::10", Label: "2001:db8::10 – clean, IPv6"},
	}
}

// chosenNetwork is the address that the demo's form names, out of the list only.
func chosenNetwork(text string) (netip.Addr, bool) {
	for _, o := range networks() {
		if o.Value == text && text != "" {
			a, err := netip.ParseAddr(text)
			return a, err == nil
		}
	}
	return netip.Addr{}, false
}

// draft is the form as it was typed so far, and what is wrong with it.
type draft struct {
	typed  url.Values
	errors map[string]string
	lines  []parts.Problem
}

// newDraft is an empty form with the key that makes a second press harmless.
func newDraft() *draft { return &draft{typed: url.Values{onceName: {rand.Text()}}} }

// draftOf keeps of a form what it asks for, and nothing else.
func draftOf(form url.Values) *draft {
	d := newDraft()
	if once := form.Get(onceName); once != "" && len(once) <= 60 {
		d.typed.Set(onceName, once)
	}
	for _, name := range names() {
		if text := strings.ToValidUTF8(form.Get(name), "?"); form.Has(name) && len(text) <= mayType {
			d.typed.Set(name, text)
		}
	}
	return d
}

func names() []string {
	var out []string
	for _, list := range [][]question{aboutYou(), aboutHome(), aboutLoan()} {
		for _, q := range list {
			out = append(out, q.Name)
		}
	}
	return append(out, networkName)
}

func (d *draft) get(name string) string { return strings.TrimSpace(d.typed.Get(name)) }

func (d *draft) wrong(name, mend string) {
	if d.errors == nil {
		d.errors = map[string]string{}
	}
	if mend != "" && d.errors[name] == "" {
		d.errors[name] = mend
		d.lines = append(d.lines, parts.Problem{Field: name, Text: mend})
	}
}

// check looks at the answers as far as it takes no rule: the desk looks at
// all of it again.
func (d *draft) check(list ...[]question) {
	for _, qs := range list {
		for _, q := range qs {
			if q.missing != "" && d.get(q.Name) == "" && q.Value == "" {
				d.wrong(q.Name, q.missing)
			}
		}
	}
	if d.get("applicant.address.country") == "US" {
		for _, q := range [][2]string{{"applicant.address.region", "Enter your state as two letters, for example NY."}, {"applicant.address.postal_code", "Enter your ZIP code."}} {
			if d.get(q[0]) == "" {
				d.wrong(q[0], q[1])
			}
		}
	}
	if text := d.get("applicant.email"); text != "" && !strings.Contains(text, "@") {
		d.wrong("applicant.email", "Write an e-mail address like name@example.com.")
	}
	if text := d.get("applicant.date_of_birth"); text != "" {
		if _, err := civil.Parse(text); err != nil {
			d.wrong("applicant.date_of_birth", "Enter your date of birth as YYYY-MM-DD, for example 1990-04-01.")
		}
	}
	if text := d.get("applicant.ssn"); text != "" && digits(text) != 9 {
		d.wrong("applicant.ssn", "Enter the nine digits of your Social Security number.")
	}
}

func digits(s string) (n int) {
	for _, r := range s {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	return n
}

// take sorts the faults of the desk to the questions. It reports whether one of
// them belongs to the first step.
func (d *draft) take(err error) (first bool) {
	f := fault.As(err)
	for _, field := range f.Fields {
		known := false
		for _, name := range names() {
			known = known || name == field.Path
		}
		if !known {
			d.lines = append(d.lines, parts.Problem{Text: field.Mend})
			continue
		}
		mend := field.Mend
		if d.get(field.Path) == "" {
			mend = missing(field.Path, mend)
		}
		d.wrong(field.Path, mend)
		first = first || strings.HasPrefix(field.Path, "applicant.")
	}
	if len(f.Fields) == 0 {
		d.lines = append(d.lines, parts.Problem{Text: f.Message})
	}
	return first
}

// forgetCards empties every answer that holds a card number: it was refused, and
// must not come back on a page.
func (d *draft) forgetCards() {
	for name, v := range d.typed {
		if pan.Contains(v[0]) {
			d.typed.Set(name, "")
		}
	}
}

func missing(name, otherwise string) string {
	for _, qs := range [][]question{aboutYou(), aboutHome(), aboutLoan()} {
		for _, q := range qs {
			if q.Name == name && q.missing != "" {
				return q.missing
			}
		}
	}
	return otherwise
}

// field completes a question with what was typed and what is wrong.
func (d *draft) field(q question) parts.Field {
	f := q.Field
	if d.typed.Has(f.Name) {
		f.Value = d.typed.Get(f.Name)
	}
	f.Error = d.errors[f.Name]
	return f
}

// carry are the hidden fields of a step: what the other one asks for.
func (d *draft) carry(lists ...[]question) []parts.Hidden {
	out := []parts.Hidden{{Name: onceName, Value: d.typed.Get(onceName)}}
	for _, qs := range lists {
		for _, q := range qs {
			if d.typed.Has(q.Name) {
				out = append(out, parts.Hidden{Name: q.Name, Value: d.typed.Get(q.Name)})
			}
		}
	}
	return out
}

// values are the fields as the desk takes them. People group and mark amounts:
// "$5,000" is what the desk calls 5000.
func (d *draft) values() url.Values {
	out := url.Values{}
	for name, v := range d.typed {
		if !strings.HasPrefix(name, "_") {
			out[name] = []string{strings.TrimSpace(v[0])}
		}
	}
	out.Set("requested.amount", plainAmount(d.get("requested.amount")))
	if d.get("applicant.address.country") == "US" {
		out.Set("applicant.address.region", strings.ToUpper(d.get("applicant.address.region")))
	}
	return out
}

// plainAmount takes the dollar sign and separators in groups of three away.
func plainAmount(text string) string {
	text = strings.TrimSpace(strings.TrimPrefix(text, "$"))
	whole, rest, point := strings.Cut(text, ".")
	groups := strings.Split(whole, ",")
	for i, g := range groups {
		if i > 0 && len(g) != 3 || i == 0 && (len(g) == 0 || len(g) > 3 && len(groups) > 1) {
			return text
		}
	}
	whole = strings.Join(groups, "")
	if point {
		return whole + "." + rest
	}
	return whole
}
