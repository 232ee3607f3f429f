package form_test

import (
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/origination/form"
)

var today = civil.Must(2026, 11, 22)

func good() form.ApplicantIn {
	return form.ApplicantIn{FirstName: "Ada", LastName: "Example", Email: "ada@example.com", Phone: "(212) 555-0123", DateOfBirth: "1990-04-01", SSN: "123456789",
		Address: form.AddressIn{Line1: "5 Example Street", City: "New York", Region: "ny", PostalCode: "10001-1234", Country: "us"}}
}

func TestAGoodApplicantIsNormalized(t *testing.T) {
	var f fault.Collector
	in := good()
	a, p := form.CheckApplicant(&f, &in, today)
	if err := f.Err(); err != nil {
		t.Fatal(err)
	}
	if a.Region != "NY" || a.Country != "US" || a.PostalCode != "10001-1234" || p.Phone != "+12125550123" || p.SSN != "123456789" || p.Birth != "1990-04-01" {
		t.Errorf("%+v %+v", a, p)
	}
}

func TestPeopleFromElsewhereCanApply(t *testing.T) {
	for _, x := range []struct{ region, code, country, phone string }{
		{"", "SW1A 1AA", "GB", "+44 20 7946 0958"}, {"Bayern", "80331", "DE", "+49 89 123456"}, {"ON", "K1A 0B1", "CA", "+1 613 555 0123"},
		{"", "", "IE", "+353 1 234 5678"}, {"", "", "HK", "+852 2345 6789"}, {"São Paulo", "01310-100", "BR", "+55 11 91234-5678"},
	} {
		in := good()
		in.Address.Region, in.Address.PostalCode, in.Address.Country, in.Phone = x.region, x.code, x.country, x.phone
		in.FirstName, in.LastName = "Ægir", "Þórðarson"
		var f fault.Collector
		form.CheckApplicant(&f, &in, today)
		if err := f.Err(); err != nil {
			t.Errorf("%s: %v", x.country, err)
		}
	}
}

func TestFullYearsBeginOnTheBirthday(t *testing.T) {
	birth := civil.Must(2008, 11, 23)
	if n := form.FullYears(birth, today); n != 17 {
		t.Errorf("the day before: %d", n)
	}
	if n := form.FullYears(birth, today.AddDays(1)); n != 18 {
		t.Errorf("on the day: %d", n)
	}
}

func FuzzNoInputIsRepeatedOrBreaksTheForm(f *testing.F) {
	f.Add("Ada", "ada@example.com", "+1 212 555 0123", "1990-04-01", "123-45-6789", "NY", "10001", "US", "5000.00")
	f.Add("\u202eevil", "@", "+", "0000-00-00", "000000000", "", "", "", "1e9")
	f.Add(strings.Repeat("\xff", 300), "a@b", "((((", "9999-99-99", "---", "ÅÅ", "\x00", "ZZ", "-0.00")
	f.Fuzz(func(t *testing.T, name, mail, phone, birth, ssn, region, code, country, amount string) {
		in := good()
		in.FirstName, in.Email, in.Phone, in.DateOfBirth, in.SSN = name, mail, phone, birth, ssn
		in.Address.Region, in.Address.PostalCode, in.Address.Country = region, code, country
		var c fault.Collector
		a, p := form.CheckApplicant(&c, &in, today)
		got := form.Amount(&c, "requested.amount", amount)
		err := c.Err()
		if err == nil {
			if len(p.SSN) != 9 || len(a.Country) != 2 || p.Phone[0] != '+' || len(p.Phone) > 16 || got <= 0 || a.First == "" {
				t.Errorf("accepted %+v %+v %s", a, p, got)
			}
			return
		}
		for _, x := range fault.As(err).Fields {
			for _, value := range []string{name, mail, phone, ssn} {
				if len(value) > 12 && strings.Contains(x.Mend, value) && value != "+1 212 555 0123" && value != "name@example.com" {
					t.Errorf("%s repeats its value", x.Path)
				}
			}
		}
	})
}
