package servicing

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

func TestABorrowerIsMaskedByRoleAndRevealedOneFieldAtATime(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		b := string(s.borrower(t, ann()))
		s.lend(t, id.Borrower(b))
		for role, want := range map[string][2]string{"manager": {"•••-••-1120", "1980-••-••"}, "agent": {"•••-••-1120", "••••-05-17"}, "investor": {"•••-••-1120", "••••-••-••"}} {
			v := ok[BorrowerOut](t)(gatetest.Do(s.House, s.d.BorrowerView, s.Key(role), BorrowerRef{ID: b}))
			if got := [2]string{v.SSN.String(), v.DateOfBirth.String()}; got != want {
				t.Errorf("%s sees %v", role, got)
			}
			if shown, _ := json.Marshal(v); bytes.Contains(shown, []byte("Ann@Example.com")) || bytes.Contains(shown, []byte("1 Main Street")) || bytes.Contains(shown, []byte("078")) {
				t.Errorf("%s sees %s", role, shown)
			}
		}
		reveal := func(role, field string) (*RevealOut, error) {
			return gatetest.Do(s.House, s.d.BorrowerReveal, s.Key(role), BorrowerRevealIn{ID: b, Field: field, Reason: "caller asked"})
		}
		for field, want := range map[string]string{"ssn": "078051120", "email": "Ann@Example.com", "date_of_birth": "1980-05-17", "address.line1": "1 Main Street", "phone": "+1 (212) 555-0123"} {
			if got := ok[RevealOut](t)(reveal("manager", field)); got.Value != want {
				t.Errorf("%s: %q", field, got.Value)
			}
		}
		refusedAs[RevealOut](t, fault.Denied, "")(reveal("agent", "ssn"))
		refusedAs[RevealOut](t, fault.Denied, "")(reveal("investor", "email"))
		refusedAs[RevealOut](t, fault.Invalid, "field")(reveal("manager", "password"))
		trail := s.Trail(t, audit.Filter{Operation: "borrower.reveal"})
		allowed, denied := 0, 0
		for _, e := range trail {
			switch e.Outcome.String() {
			case "allowed":
				allowed++
			case "denied":
				denied++
			}
			if e.Object != "borrower/"+b {
				t.Errorf("an entry about %s", e.Object)
			}
		}
		if allowed != 5 || denied != 2 {
			t.Errorf("%d allowed and %d denied entries", allowed, denied)
		}
	})
}

func TestPersonalFieldsLieSealed(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		b := s.borrower(t, ann())
		l := s.lend(t, b)
		ok[NoteOut](t)(gatetest.Do(s.House, s.d.NoteAdd, s.Key("agent"), NoteAddIn{ID: string(l.ID), Body: "moved in with her sister"}))
		ok[CustomFieldOut](t)(gatetest.Do(s.House, s.d.CustomFieldMake, s.Key("manager"), CustomFieldCreateIn{Name: "diagnosis", Kind: "text", Class: "personal"}))
		set := ok[CustomSetOut](t)(gatetest.Do(s.House, s.d.CustomSet, s.Key("manager"), CustomSetIn{ID: string(l.ID), Fields: []CustomIn{{"diagnosis", "asthma"}}}))
		if set.Fields[0].Value != "" || set.Fields[0].Hidden.String() != "•••" {
			t.Fatalf("shown %+v", set)
		}
		err := s.Write(func(ctx context.Context, tx *db.Tx) error {
			for _, q := range []string{`SELECT email FROM borrower`, `SELECT phone FROM borrower`, `SELECT date_of_birth FROM borrower`, `SELECT ssn FROM borrower`, `SELECT line1 FROM borrower`, `SELECT body FROM note`, `SELECT sealed FROM custom_value`} {
				var stored []byte
				if err := tx.One(ctx, q, nil, &stored); err != nil {
					return err
				}
				for _, plain := range []string{"Ann@", "555", "1980", "078", "Main", "sister", "asthma"} {
					if len(stored) < 20 || bytes.Contains(stored, []byte(plain)) {
						t.Errorf("%s holds %q", q, stored)
					}
				}
			}
			var text string
			return tx.One(ctx, `SELECT text_value FROM custom_value WHERE text_value = ''`, nil, &text)
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Tenant.Persons.Destroy(context.Background(), string(b)); err != nil {
			t.Fatal(err)
		}
		if v := ok[BorrowerOut](t)(gatetest.Do(s.House, s.d.BorrowerView, s.Key("manager"), BorrowerRef{ID: string(b)})); v.SSN.String() != "" || v.Name != "Ann Ångström" {
			t.Fatalf("an erased borrower shows %+v", v)
		}
		notes := ok[NoteListOut](t)(gatetest.Do(s.House, s.d.NoteList, s.Key("agent"), NoteListIn{ID: string(l.ID)}))
		if notes.Total != 1 || notes.Items[0].Body != "" {
			t.Fatalf("notes of an erased borrower %+v", notes)
		}
		refusedAs[NoteOut](t, fault.Conflict, "")(gatetest.Do(s.House, s.d.NoteAdd, s.Key("agent"), NoteAddIn{ID: string(l.ID), Body: "x"}))
		s.view(t, l.ID)
	})
}

func TestBorrowersThatAreRefused(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		s.borrower(t, ann())
		for field, spoil := range map[string]func(*BorrowerCreateIn){
			"first_name":          func(in *BorrowerCreateIn) { in.FirstName = "  " },
			"last_name":           func(in *BorrowerCreateIn) { in.LastName = strings.Repeat("x", 101) },
			"reference":           func(in *BorrowerCreateIn) { in.Reference = "a\nb" },
			"email":               func(in *BorrowerCreateIn) { in.Email = "ann at example" },
			"phone":               func(in *BorrowerCreateIn) { in.Phone = "call me" },
			"ssn":                 func(in *BorrowerCreateIn) { in.SSN = "12-345" },
			"date_of_birth":       func(in *BorrowerCreateIn) { in.DateOfBirth = civil.Must(2026, 11, 22) },
			"address.country":     func(in *BorrowerCreateIn) { in.Address.Country = "U1" },
			"address.postal_code": func(in *BorrowerCreateIn) { in.Address.PostalCode = strings.Repeat("1", 21) },
			"address.line1":       func(in *BorrowerCreateIn) { in.Address.Line1 = "4111-1111-1111-1111" },
			"address.city":        func(in *BorrowerCreateIn) { in.Address.City = "\xff" },
		} {
			in := ann()
			in.Reference = ""
			spoil(&in)
			refusedAs[BorrowerMade](t, fault.Invalid, field)(gatetest.Do(s.House, s.d.BorrowerCreate, s.Key("manager"), in))
		}
		refusedAs[BorrowerMade](t, fault.Conflict, "")(gatetest.Do(s.House, s.d.BorrowerCreate, s.Key("manager"), ann()))
		out := ok[BorrowerListOut](t)(gatetest.Do(s.House, s.d.BorrowerList, s.Key("agent"), BorrowerListIn{}))
		if out.Total != 1 || len(out.Items) != 1 {
			t.Fatalf("%+v", out)
		}
	})
}

func TestBorrowersAreListedByNameAndFound(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		for _, name := range []string{"Zoe Adams", "Ann Lee", "Bob lee", "Cy Zed"} {
			first, last, _ := strings.Cut(name, " ")
			s.borrower(t, BorrowerCreateIn{FirstName: first, LastName: last, Email: first + "@example.com"})
		}
		list := func(in BorrowerListIn) (names []string) {
			in.Limit = 3
			for {
				out := ok[BorrowerListOut](t)(gatetest.Do(s.House, s.d.BorrowerList, s.Key("agent"), in))
				for _, b := range out.Items {
					names = append(names, b.Name)
				}
				if in.Cursor = out.Next; in.Cursor == "" {
					return names
				}
			}
		}
		for _, c := range []struct {
			in   BorrowerListIn
			want []string
		}{
			{BorrowerListIn{}, []string{"Zoe Adams", "Ann Lee", "Bob lee", "Cy Zed"}},
			{BorrowerListIn{Sort: "-name"}, []string{"Cy Zed", "Bob lee", "Ann Lee", "Zoe Adams"}},
			{BorrowerListIn{Q: "LEE"}, []string{"Ann Lee", "Bob lee"}},
			{BorrowerListIn{Q: "zo"}, []string{"Zoe Adams"}},
			{BorrowerListIn{Q: "bob@EXAMPLE.com"}, []string{"Bob lee"}},
			{BorrowerListIn{Q: "bob@example.co"}, nil},
		} {
			if d := cmp.Diff(c.want, list(c.in)); d != "" {
				t.Errorf("%+v: %s", c.in, d)
			}
		}
	})
}

func TestAChangedBorrowerIsFoundByTheNewAddressAlone(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		b := s.borrower(t, ann())
		email, region := "new@example.org", "CA"
		ok[BorrowerOut](t)(gatetest.Do(s.House, s.d.BorrowerUpdate, s.Key("agent"), BorrowerUpdateIn{ID: string(b), Email: &email, Address: &AddressPatch{Region: &region}}))
		for q, want := range map[string]int64{"new@example.org": 1, "ann@example.com": 0} {
			if out := ok[BorrowerListOut](t)(gatetest.Do(s.House, s.d.BorrowerList, s.Key("agent"), BorrowerListIn{Q: q})); out.Total != want {
				t.Errorf("%s finds %d", q, out.Total)
			}
		}
		e := s.Trail(t, audit.Filter{Operation: "borrower.update"})
		if len(e) != 1 || len(e[0].Changes) != 2 {
			t.Fatalf("the trail: %+v", e)
		}
		empty := ""
		refusedAs[BorrowerOut](t, fault.Invalid, "first_name")(gatetest.Do(s.House, s.d.BorrowerUpdate, s.Key("agent"), BorrowerUpdateIn{ID: string(b), FirstName: &empty}))
		refusedAs[BorrowerOut](t, fault.NotFound, "")(gatetest.Do(s.House, s.d.BorrowerUpdate, s.Key("agent"), BorrowerUpdateIn{ID: "bo_x"}))
	})
}

func TestLoansThatAreRefused(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		b := s.borrower(t, ann())
		s.lend(t, b, func(in *LoanCreateIn) { in.Number = "A-1" })
		good := LoanCreateIn{BorrowerID: string(b), Principal: money.Must("100"), AnnualRate: "5", TermMonths: 12}
		for _, c := range []struct {
			field string
			spoil func(*LoanCreateIn)
		}{
			{"principal", func(in *LoanCreateIn) { in.Principal = 0 }},
			{"principal", func(in *LoanCreateIn) { in.Principal = -100 }},
			{"principal", func(in *LoanCreateIn) { in.Principal = 1<<63 - 1 }},
			{"annual_rate", func(in *LoanCreateIn) { in.AnnualRate = "101" }},
			{"annual_rate", func(in *LoanCreateIn) { in.AnnualRate = "" }},
			{"term_months", func(in *LoanCreateIn) { in.TermMonths = 0 }},
			{"term_months", func(in *LoanCreateIn) { in.TermMonths = 601 }},
			{"convention", func(in *LoanCreateIn) { in.Convention = "30/365" }},
			{"contract_date", func(in *LoanCreateIn) { in.ContractDate = civil.Must(2299, 1, 1) }},
			{"first_due", func(in *LoanCreateIn) { in.FirstDue = civil.Must(2020, 1, 1) }},
			{"borrower_id", func(in *LoanCreateIn) { in.BorrowerID = "bo_nobody" }},
			{"borrower_id", func(in *LoanCreateIn) { in.BorrowerID = string(id.New[id.Borrower](1)) }},
			{"number", func(in *LoanCreateIn) { in.Number = strings.Repeat("9", 41) }},
			{"source_company", func(in *LoanCreateIn) { in.SourceCompany = "Nobody" }},
			{"portfolios[1]", func(in *LoanCreateIn) { in.Portfolios = []string{"Acme", "Nobody's"} }},
		} {
			if c.field == "portfolios[1]" {
				s.portfolio(t, "Acme")
			}
			in := good
			c.spoil(&in)
			refusedAs[LoanMade](t, fault.Invalid, c.field)(gatetest.Do(s.House, s.d.LoanCreate, s.Key("manager"), in))
		}
		good.Number = "A-1"
		refusedAs[LoanMade](t, fault.Conflict, "")(gatetest.Do(s.House, s.d.LoanCreate, s.Key("manager"), good))
		if out := ok[LoanListOut](t)(gatetest.Do(s.House, s.d.LoanList, s.Key("agent"), LoanListIn{})); out.Total != 1 {
			t.Fatalf("%d loans", out.Total)
		}
	})
}

// A restricted manager makes no loan that the restriction would hide.
func TestNobodyMakesALoanThatTheyMayNotSee(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		s.portfolio(t, "Acme")
		b := s.borrower(t, ann())
		s.lend(t, b, func(in *LoanCreateIn) { in.Portfolios = []string{"Acme"} })
		s.Restrict(t, "manager", policy.Restriction{Visible: `loan.portfolios.overlaps(["Acme"])`})
		in := LoanCreateIn{BorrowerID: string(b), Principal: money.Must("100"), AnnualRate: "5", TermMonths: 12}
		refusedAs[LoanMade](t, fault.Denied, "")(gatetest.Do(s.House, s.d.LoanCreate, s.Key("manager"), in))
		in.Portfolios = []string{"Acme"}
		ok[LoanMade](t)(gatetest.Do(s.House, s.d.LoanCreate, s.Key("manager"), in))
	})
}

// The number of a loan that is hidden cannot be told from a free one by making a
// loan where it would be hidden too; where it would be seen, numbers are the house's.
func TestAHiddenNumberIsNoOracle(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		s.portfolio(t, "Acme")
		b := s.borrower(t, ann())
		s.lend(t, b, func(in *LoanCreateIn) { in.Portfolios = []string{"Acme"} })
		s.lend(t, b, func(in *LoanCreateIn) { in.Number = "H-1" })
		s.Restrict(t, "manager", policy.Restriction{Visible: `loan.portfolios.overlaps(["Acme"])`})
		try := func(number string, portfolios ...string) string {
			t.Helper()
			_, err := gatetest.Do(s.House, s.d.LoanCreate, s.Key("manager"), LoanCreateIn{BorrowerID: string(b), Principal: money.Must("100"), AnnualRate: "5", TermMonths: 12, Number: number, Portfolios: portfolios})
			if err == nil {
				return "made"
			}
			return fault.As(err).Reason
		}
		for _, c := range []struct{ number, portfolio, want string }{
			{"H-1", "", "outside_restriction"}, {"H-2", "", "outside_restriction"}, {"H-1", "Acme", "number_taken"}, {"H-2", "Acme", "made"}, {"H-2", "", "outside_restriction"},
		} {
			var in []string
			if c.portfolio != "" {
				in = []string{c.portfolio}
			}
			if got := try(c.number, in...); got != c.want {
				t.Errorf("%s in %q: %s, want %s", c.number, c.portfolio, got, c.want)
			}
		}
	})
}

// An answer that was kept under an Idempotency-Key is not given about a loan that is
// hidden by now, whether the call was on it or made it; and nothing is done again.
func TestAKeptAnswerTellsNothingOfWhatIsHidden(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		b := s.borrower(t, ann())
		keyed := func(key string) *gate.Request {
			r := s.Key("manager")
			r.IdempotencyKey = key
			return r
		}
		lend := func() (*LoanMade, error) {
			return gatetest.Do(s.House, s.d.LoanCreate, keyed("k-0"), LoanCreateIn{BorrowerID: string(b), Principal: money.Must("1200"), AnnualRate: "0", TermMonths: 12})
		}
		loan := ok[LoanMade](t)(lend())
		pay := func(key string) (*PostedOut, error) {
			return gatetest.Do(s.House, s.d.PaymentLog, keyed(key), PaymentLogIn{ID: string(loan.ID), Amount: money.Must("10"), Method: "cash"})
		}
		first, second := ok[PostedOut](t)(pay("k-1")), ok[PostedOut](t)(pay("k-2"))
		if again := ok[PostedOut](t)(pay("k-1")); again.Entry.ID != first.Entry.ID {
			t.Fatalf("repeated: %s is not %s", again.Entry.ID, first.Entry.ID)
		}
		if again := ok[LoanMade](t)(lend()); again.ID != loan.ID {
			t.Fatalf("made anew: %s is not %s", again.ID, loan.ID)
		}
		back := func(e id.Entry) error {
			_, err := gatetest.Do(s.House, s.d.EntryReverse, keyed("k-3"), EntryReverseIn{ID: string(loan.ID), Entry: string(e), Reason: "bounced"})
			return err
		}
		if err := back(first.Entry.ID); err != nil {
			t.Fatal(err)
		}
		if err := back(second.Entry.ID); fault.As(err) == nil || fault.As(err).Reason != "idempotency_key_reused" {
			t.Errorf("one key for the reversal of two entries: %v", err)
		}
		rule := s.Restrict(t, "manager", policy.Restriction{Visible: `loan.status == "closed"`})
		_, plain := pay("")
		for key, try := range map[string]func() error{
			"k-0": func() error { _, err := lend(); return err }, "k-1": func() error { _, err := pay("k-1"); return err }, "k-3": func() error { return back(first.Entry.ID) },
		} {
			if err := try(); !fault.Is(err, fault.NotFound) || fault.As(err).Message != fault.As(plain).Message {
				t.Errorf("%s, hidden: %v, want %v", key, err, plain)
			}
		}
		own := func() (*BorrowerMade, error) {
			return gatetest.Do(s.House, s.d.BorrowerCreate, keyed("k-4"), BorrowerCreateIn{FirstName: "Ben", LastName: "Example"})
		}
		if one, two := ok[BorrowerMade](t)(own()), ok[BorrowerMade](t)(own()); one.ID != two.ID {
			t.Errorf("a borrower whom the maker never saw: %s and %s", one.ID, two.ID)
		}
		if err := s.Write(func(ctx context.Context, tx *db.Tx) error {
			if _, err := tx.Exec(ctx, `DELETE FROM staff_restriction WHERE restriction_id = ?`, rule); err != nil {
				return err
			}
			return policy.Bump(ctx, tx)
		}); err != nil {
			t.Fatal(err)
		}
		if again := ok[PostedOut](t)(pay("k-1")); again.Entry.ID != first.Entry.ID {
			t.Errorf("shown again: %s is not %s", again.Entry.ID, first.Entry.ID)
		}
		if out := ok[LoanListOut](t)(gatetest.Do(s.House, s.d.LoanList, s.Key("agent"), LoanListIn{})); out.Total != 1 {
			t.Errorf("%d loans", out.Total)
		}
	})
}

func TestCustomFieldsHaveDefaultsAndKinds(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		for _, bad := range []struct {
			field string
			in    CustomFieldCreateIn
		}{
			{"name", CustomFieldCreateIn{Name: "Vip", Kind: "bool", Class: "public", Default: ""}}, {"name", CustomFieldCreateIn{Name: "in", Kind: "bool", Class: "public", Default: ""}}, {"kind", CustomFieldCreateIn{Name: "x", Kind: "blob", Class: "public", Default: ""}},
			{"class", CustomFieldCreateIn{Name: "x", Kind: "int", Class: "", Default: ""}}, {"default", CustomFieldCreateIn{Name: "x", Kind: "int", Class: "public", Default: "one"}}, {"default", CustomFieldCreateIn{Name: "x", Kind: "date", Class: "public", Default: "2026-02-30"}},
		} {
			refusedAs[CustomFieldOut](t, fault.Invalid, bad.field)(gatetest.Do(s.House, s.d.CustomFieldMake, s.Key("manager"), bad.in))
		}
		for _, f := range []CustomFieldCreateIn{{Name: "a", Kind: "money", Class: "public", Default: "12.5"}, {Name: "b", Kind: "date", Class: "public", Default: ""}, {Name: "c", Kind: "bool", Class: "public", Default: "true"}, {Name: "d", Kind: "int", Class: "public", Default: "-7"}, {Name: "e", Kind: "text", Class: "public", Default: "it's"}} {
			ok[CustomFieldOut](t)(gatetest.Do(s.House, s.d.CustomFieldMake, s.Key("manager"), f))
		}
		l := s.lend(t, s.borrower(t, ann()))
		values := func() (out []string) {
			for _, f := range s.view(t, l.ID).CustomFields {
				out = append(out, f.Value)
			}
			return out
		}
		if d := cmp.Diff([]string{"12.50", "", "true", "-7", "it's"}, values()); d != "" {
			t.Fatal(d)
		}
		refusedAs[CustomSetOut](t, fault.Invalid, "fields[1].value")(gatetest.Do(s.House, s.d.CustomSet, s.Key("manager"), CustomSetIn{ID: string(l.ID), Fields: []CustomIn{{"a", "1"}, {"d", "x"}}}))
		refusedAs[CustomSetOut](t, fault.Invalid, "fields[0].name")(gatetest.Do(s.House, s.d.CustomSet, s.Key("manager"), CustomSetIn{ID: string(l.ID), Fields: []CustomIn{{"zz", "1"}}}))
		ok[CustomSetOut](t)(gatetest.Do(s.House, s.d.CustomSet, s.Key("manager"), CustomSetIn{ID: string(l.ID), Fields: []CustomIn{{"b", "2026-01-31"}, {"c", "false"}}}))
		ok[CustomSetOut](t)(gatetest.Do(s.House, s.d.CustomSet, s.Key("manager"), CustomSetIn{ID: string(l.ID), Fields: []CustomIn{{"b", "2026-02-28"}}}))
		if d := cmp.Diff([]string{"12.50", "2026-02-28", "false", "-7", "it's"}, values()); d != "" {
			t.Fatal(d)
		}
	})
}

func TestNotesAreReadNewestFirst(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		l := s.lend(t, s.borrower(t, ann()))
		for _, body := range []string{"one", "two\nlines", "three"} {
			ok[NoteOut](t)(gatetest.Do(s.House, s.d.NoteAdd, s.Key("agent"), NoteAddIn{ID: string(l.ID), Body: body}))
		}
		in := NoteListIn{ID: string(l.ID), Paging: Paging{Limit: 2}}
		first := ok[NoteListOut](t)(gatetest.Do(s.House, s.d.NoteList, s.Key("agent"), in))
		in.Cursor = first.Next
		second := ok[NoteListOut](t)(gatetest.Do(s.House, s.d.NoteList, s.Key("agent"), in))
		if first.Total != 3 || first.Items[0].Body != "three" || first.Items[1].Body != "two\nlines" || second.Items[0].Body != "one" || second.Next != "" {
			t.Fatalf("%+v %+v", first, second)
		}
		refusedAs[NoteOut](t, fault.Invalid, "body")(gatetest.Do(s.House, s.d.NoteAdd, s.Key("agent"), NoteAddIn{ID: string(l.ID), Body: " \n"}))
		refusedAs[NoteOut](t, fault.Invalid, "body")(gatetest.Do(s.House, s.d.NoteAdd, s.Key("agent"), NoteAddIn{ID: string(l.ID), Body: "card 5555 5555 5555 4444"}))
	})
}

func FuzzPerson(f *testing.F) {
	f.Add("Ann", "ann@example.com", "+1 212 555 0123", "078-05-1120", "us")
	f.Add("\x00", "@", "x", "---------", "U")
	f.Fuzz(func(t *testing.T, name, email, phone, ssn, country string) {
		p := book.Person{First: name, Last: name, Email: email, Phone: phone, SSN: ssn, Address: book.Address{Country: country}}
		if p.Check(civil.Must(2026, 11, 22)) != nil {
			return
		}
		again := p
		if err := again.Check(civil.Must(2026, 11, 22)); err != nil || again != p {
			t.Fatalf("checked twice: %+v, %v", again, err)
		}
		if p.SSN != "" && len(p.SSN) != 9 || strings.ContainsAny(p.First, "\x00\n") {
			t.Fatalf("accepted %+v", p)
		}
	})
}
