package servicing

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/listing"
)

// restriction is a rule and what it means, said again in Go.
type restriction struct {
	text string
	mean func(l *LoanOut) bool
}

func in(name string) func(*LoanOut) bool {
	return func(l *LoanOut) bool { return slices.Contains(l.Portfolios, name) }
}

func restrictions() []restriction {
	return []restriction{
		{`loan.portfolios.overlaps(["Acme"])`, in("Acme")},
		{`!(loan.portfolios.overlaps(["Beta"])) && loan.status != "closed"`, func(l *LoanOut) bool { return !in("Beta")(l) && l.Status != "closed" }},
		{`loan.status == "active" && borrower.state == "NY"`, func(l *LoanOut) bool { return l.Status == "active" && l.State == "NY" }},
		{`loan.source_company in ["First"] || loan.balance < money("300.00")`, func(l *LoanOut) bool { return l.SourceCompany == "First" || l.PrincipalBalance < money.Must("300") }},
		{`custom.vip`, func(l *LoanOut) bool { return l.CustomFields[0].Value == "true" }},
		{`custom.tier in ["gold", "none"]`, func(l *LoanOut) bool { return l.CustomFields[0].Name == "tier" }}, // replaced below
		{`loan.days_past_due > 30`, func(l *LoanOut) bool { return l.DaysPastDue > 30 }},
		{`loan.portfolios.overlaps(["Acme", "Gamma"]) && (loan.portfolios.overlaps(["Beta"]) || loan.status != "on_hold")`, func(l *LoanOut) bool {
			return (in("Acme")(l) || in("Gamma")(l)) && (in("Beta")(l) || l.Status != "on_hold")
		}},
		{`loan.days_past_due > 60 && !(loan.portfolios.overlaps(["Acme"])) || loan.opened_on < date("2026-05-01")`, func(l *LoanOut) bool {
			return l.DaysPastDue > 60 && !in("Acme")(l) || l.OpenedOn < civil.Must(2026, 5, 1)
		}},
		{`loan.number.startsWith("LN-00000")`, func(l *LoanOut) bool { return strings.HasPrefix(l.Number, "LN-00000") }},
		{`true`, func(*LoanOut) bool { return true }},
		{`false`, func(*LoanOut) bool { return false }},
	}
}

func custom(l *LoanOut, name string) string {
	for _, f := range l.CustomFields {
		if f.Name == name {
			return f.Value
		}
	}
	return "?"
}

// crowd is a book with a random life.
type crowd struct {
	shop
	*rand.Rand
	people []id.Borrower
	loans  []id.Loan
}

func pick[T any](c *crowd, from ...T) T { return from[c.IntN(len(from))] }

func newCrowd(t *testing.T, s shop, seed uint64) *crowd {
	c := &crowd{shop: s, Rand: rand.New(rand.NewPCG(seed, 7))}
	for _, p := range []string{"Acme", "Beta", "Gamma"} {
		s.portfolio(t, p)
	}
	s.company(t, "First")
	s.company(t, "Second")
	for _, f := range []CustomFieldCreateIn{{Name: "vip", Kind: "bool", Class: "public", Default: ""}, {Name: "tier", Kind: "text", Class: "public", Default: "none"}, {Name: "diagnosis", Kind: "text", Class: "personal", Default: ""}} {
		ok[CustomFieldOut](t)(gatetest.Do(s.House, s.d.CustomFieldMake, s.Key("manager"), f))
	}
	for i := range 6 {
		c.people = append(c.people, s.borrower(t, BorrowerCreateIn{FirstName: pick(c, "Ann", "ann", "Bob", "Éva"), LastName: fmt.Sprintf("%s%d", pick(c, "Lee", "lee", "Kim"), i),
			Email: fmt.Sprintf("p%d@example.com", i), Phone: fmt.Sprintf("212 555 010%d", i), Address: AddressIn{Region: pick(c, "NY", "CA"), Country: "US"}}))
	}
	for range 14 {
		c.open(t)
	}
	return c
}

func (c *crowd) open(t *testing.T) {
	l := c.lend(t, pick(c, c.people...), func(in *LoanCreateIn) {
		in.Principal = money.Amount(10_000 + c.IntN(90_000))
		in.ContractDate = civil.Must(2026, 3, 1).AddDays(c.IntN(240))
		in.SourceCompany = pick(c, "", "First", "Second")
		for _, p := range []string{"Acme", "Beta", "Gamma"} {
			if c.IntN(3) == 0 {
				in.Portfolios = append(in.Portfolios, p)
			}
		}
	})
	c.loans = append(c.loans, l.ID)
}

// live lets something happen to the book.
func (c *crowd) live(t *testing.T) {
	l := string(pick(c, c.loans...))
	var err error
	switch c.IntN(11) {
	case 10:
		err = c.unthinned()
	case 9:
		err = c.halfBuilt(l)
	case 0:
		c.open(t)
	case 1:
		_, err = gatetest.Do(c.House, c.d.PaymentLog, c.Key("agent"), PaymentLogIn{ID: l, Amount: money.Amount(1 + c.IntN(30_000))})
	case 2:
		_, err = gatetest.Do(c.House, c.d.StatusSet, c.Key("manager"), StatusSetIn{ID: l, Status: pick(c, "active", "closed", "on_hold"), Reason: "x"})
	case 3:
		_, err = gatetest.Do(c.House, c.d.PortfolioSet, c.Key("manager"), PortfolioSetIn{ID: l, Portfolios: pick(c, nil, []string{"Acme"}, []string{"Beta", "Gamma"}, []string{"Acme", "Beta", "Acme"})})
	case 4:
		_, err = gatetest.Do(c.House, c.d.CustomSet, c.Key("manager"), CustomSetIn{ID: l, Fields: []CustomIn{{"vip", pick(c, "true", "false")}, {"tier", pick(c, "gold", "none", "tin")}}})
	case 5:
		region := pick(c, "NY", "CA", "")
		name := pick(c, "Lee", "Zed", "kim")
		_, err = gatetest.Do(c.House, c.d.BorrowerUpdate, c.Key("agent"), BorrowerUpdateIn{ID: string(pick(c, c.people...)), LastName: &name, Address: &AddressPatch{Region: &region}})
	case 6:
		_, err = gatetest.Do(c.House, c.d.AdjustmentPost, c.Key("manager"), AdjustmentPostIn{ID: l, Amount: money.Amount(c.IntN(20_000) - 15_000), Reason: "x"})
	case 7:
		_, err = gatetest.Do(c.House, c.d.WriteOff, c.Key("manager"), WriteOffIn{ID: l, Reason: "x"})
	case 8:
		c.buildSets(t)
	}
	if err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Conflict) {
		t.Fatal(err)
	}
}

// halfBuilt puts every set back to where a build had come to a loan: while it
// marked them, or gave them their places.
func (c *crowd) halfBuilt(l string) error {
	do := []string{`DELETE FROM visible_place WHERE set_no IN (SELECT s.set_no FROM visible_set s WHERE s.state < 2)`,
		`UPDATE loan SET shown = 0 WHERE id > ?`,
		`UPDATE loan SET placed_borrower = borrower_key, placed_balance = principal_balance, placed_due = due_key, placed_opened = opened_on, placed_status = status`,
		`UPDATE visible_set SET state = 0, walked = 0, built_to = CASE WHEN built_to < ? THEN built_to ELSE ? END WHERE state < 2`,
		`UPDATE visible_set SET loans = (SELECT COUNT(*) FROM loan l WHERE (l.shown & visible_set.bit) <> 0) WHERE state < 2`}
	if c.IntN(2) == 0 {
		do = []string{`DELETE FROM visible_place WHERE number IN (SELECT l.number FROM loan l WHERE l.id > ?) AND set_no IN (SELECT s.set_no FROM visible_set s WHERE s.state = 1)`,
			`UPDATE visible_set SET state = 0, built_to = '~~' || ? WHERE state = 1`}
	}
	return c.Write(func(ctx context.Context, tx *db.Tx) error {
		for _, query := range do {
			args := make([]any, strings.Count(query, "?"))
			for i := range args {
				args[i] = l
			}
			if _, err := tx.Exec(ctx, query, args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// unthinned puts every ready set back to where a build has just placed its loans
// in every order, and nobody has looked yet which orders are as good walked.
func (c *crowd) unthinned() error {
	return c.Write(func(ctx context.Context, tx *db.Tx) error {
		for _, x := range []struct {
			sort        int
			key, placed string
		}{{2, "principal_balance", "placed_balance"}, {3, "due_key", "placed_due"}} {
			if _, err := tx.Exec(ctx, fmt.Sprintf(`INSERT INTO visible_place (set_no, sort, num, txt, number)
				SELECT s.set_no, %d, l.%s, '', l.number FROM visible_set s JOIN loan l ON (l.shown & s.bit) <> 0 WHERE s.state = 1 AND (s.walked & %d) <> 0`, x.sort, x.key, 1<<x.sort)); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, fmt.Sprintf(`UPDATE loan SET %s = %s`, x.placed, x.key)); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `UPDATE visible_set SET walked = 0 WHERE state = 1`)
		return err
	})
}

// TestWhatARestrictionHidesStaysHidden holds every way to a loan against the
// rule said again in Go, over loans read one by one by somebody unrestricted.
func TestWhatARestrictionHidesStaysHidden(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		c := newCrowd(t, s, 2026)
		for i, r := range restrictions() {
			switch r.text {
			case `custom.vip`:
				r.mean = func(l *LoanOut) bool { return custom(l, "vip") == "true" }
			case `custom.tier in ["gold", "none"]`:
				r.mean = func(l *LoanOut) bool { return custom(l, "tier") != "tin" }
			}
			s.Restrict(t, "investor", policy.Restriction{Name: fmt.Sprint("rule ", i), Visible: r.text})
			if c.IntN(4) > 0 {
				c.buildSets(t) // a set is ready before most lives begin
			}
			for range 5 {
				c.live(t)
			}
			t.Run(r.text, func(t *testing.T) { c.compare(t, r) })
			c.buildSets(t)
			s.d.few = 1 // as in a book of millions, where two matches are many
			t.Run(r.text+" built", func(t *testing.T) { c.compare(t, r) })
			s.d.few = 0
		}
		s.rebuilt(t)
	})
}

func (c *crowd) compare(t *testing.T, r restriction) {
	c.Advance(time.Minute) // nobody calls so much in a second
	var shown, hidden []*LoanOut
	for _, l := range c.loans {
		if v := c.view(t, l); r.mean(v) {
			shown = append(shown, v)
		} else {
			hidden = append(hidden, v)
		}
	}
	for _, sort := range append([]string{""}, listing.Sorts()...) {
		for _, dash := range []string{"", "-"} {
			if sort == "" && dash == "-" {
				continue
			}
			for name, narrow := range map[string]struct {
				LoanListIn
				keep func(*LoanOut) bool
			}{
				"all":       {LoanListIn{}, func(*LoanOut) bool { return true }},
				"status":    {LoanListIn{Status: "active"}, func(l *LoanOut) bool { return l.Status == "active" }},
				"portfolio": {LoanListIn{Portfolio: "Beta"}, in("Beta")},
			} {
				narrow.Sort = dash + sort
				want := numbers(ordered(slices.DeleteFunc(slices.Clone(shown), func(l *LoanOut) bool { return !narrow.keep(l) }), sort, dash == "-"))
				if d := diff.Diff(want, c.pages(t, narrow.LoanListIn, int64(len(want)))); d != "" {
					t.Fatalf("%s sorted by %s%s: %s", name, dash, sort, d)
				}
			}
		}
	}
	filter := func(name string, in LoanListIn, keep func(*LoanOut) bool) {
		t.Helper()
		var want []*LoanOut
		for _, l := range shown {
			if keep(l) {
				want = append(want, l)
			}
		}
		if d := diff.Diff(numbers(ordered(want, "", false)), c.pages(t, in, int64(len(want)))); d != "" {
			t.Fatalf("%s: %s", name, d)
		}
	}
	filter("company", LoanListIn{SourceCompany: "Second"}, func(l *LoanOut) bool { return l.SourceCompany == "Second" })
	filter("borrower", LoanListIn{Borrower: string(c.people[1])}, func(l *LoanOut) bool { return l.Borrower.ID == c.people[1] })
	filter("number", LoanListIn{Q: "ln-00001"}, func(l *LoanOut) bool { return strings.HasPrefix(l.Number, "LN-00001") })
	filter("first name", LoanListIn{Q: "ANN"}, func(l *LoanOut) bool { return strings.EqualFold(l.Borrower.FirstName, "ann") })
	filter("last name", LoanListIn{Q: "k"}, func(l *LoanOut) bool { return strings.HasPrefix(strings.ToLower(l.Borrower.LastName), "k") })
	filter("accents", LoanListIn{Q: "éva"}, func(l *LoanOut) bool { return l.Borrower.FirstName == "Éva" })
	filter("wildcards", LoanListIn{Q: "%"}, func(*LoanOut) bool { return false })
	filter("e-mail", LoanListIn{Q: "P1@EXAMPLE.com"}, func(l *LoanOut) bool { return l.Borrower.ID == c.people[1] })
	filter("telephone", LoanListIn{Q: "+1 (212) 555-0102"}, func(l *LoanOut) bool { return l.Borrower.ID == c.people[2] })
	c.direct(t, shown, hidden)
}

// direct reads each loan, its ledger, schedule and borrower by id.
func (c *crowd) direct(t *testing.T, shown, hidden []*LoanOut) {
	c.Advance(time.Minute)
	people := map[id.Borrower]bool{}
	for _, l := range shown {
		people[l.Borrower.ID] = true
		v := ok[LoanOut](t)(gatetest.Do(c.House, c.d.LoanView, c.Key("investor"), LoanRef{ID: string(l.ID)}))
		if v.Borrower.ID != l.Borrower.ID || v.PrincipalBalance != l.PrincipalBalance {
			t.Fatalf("shown %+v", v)
		}
	}
	for _, l := range hidden {
		ref := LoanRef{ID: string(l.ID)}
		refusedAs[LoanOut](t, fault.NotFound, "")(gatetest.Do(c.House, c.d.LoanView, c.Key("investor"), ref))
		refusedAs[ScheduleOut](t, fault.NotFound, "")(gatetest.Do(c.House, c.d.ScheduleView, c.Key("investor"), ref))
		refusedAs[EntryListOut](t, fault.NotFound, "")(gatetest.Do(c.House, c.d.PaymentList, c.Key("investor"), EntryListIn{ID: ref.ID}))
	}
	for _, b := range c.people {
		_, err := gatetest.Do(c.House, c.d.BorrowerView, c.Key("investor"), BorrowerRef{ID: string(b)})
		if people[b] != (err == nil) || err != nil && !fault.Is(err, fault.NotFound) {
			t.Fatalf("a borrower of a visible loan: %v; got %v", people[b], err)
		}
	}
}

// pages follows the cursors of a list to its end.
func (c *crowd) pages(t *testing.T, in LoanListIn, total int64) []string {
	t.Helper()
	got := []string{}
	in.Limit = 4
	c.Advance(time.Second)
	for {
		out := ok[LoanListOut](t)(gatetest.Do(c.House, c.d.LoanList, c.Key("investor"), in))
		if out.Total != total || out.TotalIs != "exact" {
			t.Fatalf("%+v: the total is %d %s, want %d", in, out.Total, out.TotalIs, total)
		}
		for _, l := range out.Items {
			got = append(got, l.Number)
		}
		if in.Cursor = out.Next; in.Cursor == "" {
			return got
		}
	}
}

func numbers(list []*LoanOut) []string {
	out := []string{}
	for _, l := range list {
		out = append(out, l.Number)
	}
	return out
}

func ordered(list []*LoanOut, by string, down bool) []*LoanOut {
	due := func(l *LoanOut) int {
		if l.OldestUnpaidDue.IsZero() {
			return -9_999_999
		}
		return -int(l.OldestUnpaidDue)
	}
	out := slices.Clone(list)
	slices.SortFunc(out, func(a, b *LoanOut) int {
		first := 0
		byNumber := strings.Compare(a.Number, b.Number)
		switch by {
		case "borrower":
			first = strings.Compare(book.Fold(a.Borrower.LastName, a.Borrower.FirstName), book.Fold(b.Borrower.LastName, b.Borrower.FirstName))
		case "principal_balance":
			first = cmp.Compare(a.PrincipalBalance, b.PrincipalBalance)
		case "days_past_due":
			// Within equal days the number runs with the stored date, against the days.
			first, byNumber = cmp.Compare(due(a), due(b)), -byNumber
		case "opened_on":
			first = cmp.Compare(a.OpenedOn, b.OpenedOn)
		case "status":
			first = strings.Compare(a.Status, b.Status)
		}
		return cmp.Or(first, byNumber)
	})
	if down {
		slices.Reverse(out)
	}
	return out
}

// The kept rows make pages quick and decide nothing: a row too many is not
// shown, and the set's tally is what the total says.
func TestAKeptSetIsUsedAndCannotLeak(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		s.portfolio(t, "Acme")
		b := s.borrower(t, ann())
		mine := s.lend(t, b, func(in *LoanCreateIn) { in.Portfolios = []string{"Acme"} })
		other := s.lend(t, b)
		s.Restrict(t, "investor", policy.Restriction{Visible: `loan.portfolios.overlaps(["Acme"])`})
		s.buildSets(t)
		err := s.Write(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO visible_place (set_no, sort, num, txt, number) SELECT set_no, 0, 0, '', ? FROM visible_set WHERE state = 1`, other.Number)
			if err == nil {
				_, err = tx.Exec(ctx, `UPDATE loan SET shown = (SELECT bit FROM visible_set WHERE state = 1) WHERE id = ?`, other.ID)
			}
			if err == nil {
				_, err = tx.Exec(ctx, `UPDATE visible_set SET loans = 41 WHERE state = 1`)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, sort := range listing.Sorts() {
			for _, in := range []LoanListIn{{Sort: sort}, {Sort: "-" + sort}, {Sort: sort, Status: "active"}} {
				out := ok[LoanListOut](t)(gatetest.Do(s.House, s.d.LoanList, s.Key("investor"), in))
				if len(out.Items) != 1 || out.Items[0].ID != mine.ID || in.Status == "" && out.Total != 41 {
					t.Fatalf("%+v: %+v", in, out)
				}
			}
		}
	})
}

func TestCursorsAreBoundToCallerAndFilter(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		b := s.borrower(t, ann())
		for range 3 {
			s.lend(t, b)
		}
		in := LoanListIn{Paging: Paging{Limit: 1}}
		in.Cursor = ok[LoanListOut](t)(gatetest.Do(s.House, s.d.LoanList, s.Key("agent"), in)).Next
		ok[LoanListOut](t)(gatetest.Do(s.House, s.d.LoanList, s.Key("agent"), in))
		refusedAs[LoanListOut](t, fault.Invalid, "cursor")(gatetest.Do(s.House, s.d.LoanList, s.Key("manager"), in))
		other := in
		other.Status = "active"
		refusedAs[LoanListOut](t, fault.Invalid, "cursor")(gatetest.Do(s.House, s.d.LoanList, s.Key("agent"), other))
		other = in
		other.Sort = "-number"
		refusedAs[LoanListOut](t, fault.Invalid, "cursor")(gatetest.Do(s.House, s.d.LoanList, s.Key("agent"), other))
		for _, bad := range []string{"x", strings.Repeat("A", 400), in.Cursor + "A", in.Cursor[1:]} {
			other = in
			other.Cursor = bad
			refusedAs[LoanListOut](t, fault.Invalid, "cursor")(gatetest.Do(s.House, s.d.LoanList, s.Key("agent"), other))
		}
		for field, bad := range map[string]LoanListIn{"limit": {Paging: Paging{Limit: 201}}, "sort": {Sort: "-"}, "status": {Status: "nice"}, "portfolio": {Portfolio: "Nobody's"}, "source_company": {SourceCompany: "Nobody"}, "total": {Paging: Paging{Total: "some"}}} {
			refusedAs[LoanListOut](t, fault.Invalid, field)(gatetest.Do(s.House, s.d.LoanList, s.Key("agent"), bad))
		}
	})
}
