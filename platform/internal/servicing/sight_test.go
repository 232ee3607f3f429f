package servicing

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/listing"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/sight"
)

// audience restricts people in different ways at once, so that a loan is in
// several sets.
func (c *crowd) audience(t *testing.T) {
	for role, visible := range map[string]string{
		"investor":    `loan.portfolios.overlaps(["Acme", "Beta"])`,
		"underwriter": `loan.portfolios.overlaps(["Beta"]) && loan.balance < money("500.00") || custom.vip`,
		"admin":       `loan.days_past_due > 30 || borrower.state == "CA"`,
		policy.Intake: `loan.status in ["active", "on_hold"]`,
	} {
		c.Restrict(t, role, policy.Restriction{Name: role, Visible: visible})
	}
}

// TestKeptSetsAreWhatTheirRulesShow lets a book live beside sets that are being
// built, are ready, or are given up, over several days, and holds every place,
// bit and tally against the rule after each event.
func TestKeptSetsAreWhatTheirRulesShow(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		c := newCrowd(t, s, 11)
		c.audience(t)
		c.buildSets(t)
		moves := 0
		for step := range 120 {
			c.live(t)
			if step%15 == 14 {
				c.Advance(11 * time.Hour) // rules that read the date turn over
			}
			moves += c.held(t, step)
		}
		if moves < 500 {
			t.Errorf("only %d places were looked at", moves)
		}
	})
}

// held checks every set that is kept, and gives the number of places.
func (c *crowd) held(t *testing.T, step int) (places int) {
	t.Helper()
	err := c.Write(func(ctx context.Context, tx *db.Tx) error {
		words, err := book.Vocabulary(ctx, tx)
		if err != nil {
			return err
		}
		sets, err := db.All(ctx, tx, func(r *db.Rows) (s sight.Set, err error) {
			return s, r.Scan(&s.No, &s.Rules, &s.Day, &s.State, &s.Loans, &s.Bit, &s.Walked, &s.BuiltTo)
		}, `SELECT set_no, rules, day, state, loans, bit, walked, built_to FROM visible_set WHERE state < 2 ORDER BY set_no`)
		for _, s := range sets {
			if !s.Day.IsZero() && s.Day < c.Tenant.Today(tx.At) {
				continue // serves nobody any more
			}
			n, err := c.holds(ctx, t, tx, words.Loans, s, step)
			if err != nil {
				return err
			}
			places += n
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return places
}

func (c *crowd) holds(ctx context.Context, t *testing.T, tx *db.Tx, words *rule.Vocabulary, s sight.Set, step int) (int, error) {
	t.Helper()
	var texts []string
	if err := json.Unmarshal([]byte(s.Rules), &texts); err != nil {
		return 0, err
	}
	cond := db.Where(gate.Landed)
	for _, text := range texts {
		e, err := words.Compile(text)
		if err != nil {
			return 0, err
		}
		cond = db.And(cond, e.SQL(s.Day))
	}
	placed, halfPlaced := strings.CutPrefix(s.BuiltTo, "~~")
	if s.State == 0 && !halfPlaced { // the loans so far are marked, and few have places
		return c.marked(ctx, t, tx, s, db.And(cond, db.Where("l.id <= ?", s.BuiltTo)), step)
	}
	line := func(r *db.Rows) (string, error) {
		var num int64
		var txt, number string
		err := r.Scan(&num, &txt, &number)
		return fmt.Sprint(num, txt, number), err
	}
	places := 0
	for _, o := range sight.Orders() {
		num, txt := "0", "''"
		switch {
		case o.Key != "" && o.Text:
			txt = "l." + o.Key
		case o.Key != "":
			num = "l." + o.Key
		}
		key := num + ", " + txt + ", l.number"
		want, err := db.All(ctx, tx, line, `SELECT `+key+` FROM loan l WHERE `+cond.SQL()+` ORDER BY `+strings.ReplaceAll(strings.ReplaceAll(key, "0, ", ""), "'', ", ""), cond.Args()...)
		if err != nil {
			return 0, err
		}
		query, args := `SELECT num, txt, number FROM visible_place WHERE set_no = ? AND sort = ? ORDER BY num, txt, number`, []any{s.No, o.No}
		if s.Walks(o) {
			query, args = `SELECT `+key+` FROM loan l WHERE (l.shown & ?) <> 0 ORDER BY l.`+o.Key+`, l.number`, []any{s.Bit}
		}
		got, err := db.All(ctx, tx, line, query, args...)
		if err != nil {
			return 0, err
		}
		if s.State == 0 && !s.Walks(o) { // what changed since the build passed may have its place already
			due, err := db.All(ctx, tx, line, `SELECT `+key+` FROM loan l WHERE `+cond.SQL()+` AND l.id <= ?`, append(cond.Args(), placed)...)
			if err != nil {
				return 0, err
			}
			for _, x := range want {
				if !slices.Contains(due, x) && !slices.Contains(got, x) {
					got = append(got, x)
				}
			}
			slices.Sort(want)
			slices.Sort(got)
		}
		if d := diff.Diff(want, got); d != "" {
			t.Fatalf("after event %d the set of %s, %s, state %d, does not lie by %s as its rule says: %s", step, s.Rules, s.Day, s.State, o.Sort, d)
		}
		if int64(len(want)) != s.Loans {
			t.Fatalf("after event %d the set of %s counts %d loans, its rule shows %d", step, s.Rules, s.Loans, len(want))
		}
		places += len(got)
	}
	return places, nil
}

// marked checks a set whose build still judges the loans: its bits and its tally.
func (c *crowd) marked(ctx context.Context, t *testing.T, tx *db.Tx, s sight.Set, cond db.Cond, step int) (int, error) {
	t.Helper()
	name := func(r *db.Rows) (n string, err error) { return n, r.Scan(&n) }
	want, err := db.All(ctx, tx, name, `SELECT l.number FROM loan l WHERE `+cond.SQL()+` ORDER BY l.number`, cond.Args()...)
	if err != nil {
		return 0, err
	}
	got, err := db.All(ctx, tx, name, `SELECT l.number FROM loan l WHERE (l.shown & ?) <> 0 ORDER BY l.number`, s.Bit)
	if d := diff.Diff(want, got); d != "" || int64(len(want)) != s.Loans {
		t.Fatalf("after event %d the set of %s, %s, marked to %s, counts %d loans and is not what its rule says: %s", step, s.Rules, s.Day, s.BuiltTo, s.Loans, d)
	}
	return len(got), err
}

// A set of a rule that reads the date serves its own day alone.
func TestTheDateTurnsOver(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		b := s.borrower(t, ann())
		soon := s.lend(t, b, func(in *LoanCreateIn) { in.ContractDate = civil.Must(2026, 9, 22) }) // a month past due today, 31 days tomorrow
		late := s.lend(t, b)
		s.Restrict(t, "investor", policy.Restriction{Visible: `loan.days_past_due > 31`})
		s.buildSets(t)
		list := func() string {
			s.Advance(time.Second)
			out := ok[LoanListOut](t)(gatetest.Do(s.House, s.d.LoanList, s.Key("investor"), LoanListIn{Sort: "-days_past_due"}))
			var names []string
			for _, l := range out.Items {
				names = append(names, l.Number)
			}
			return fmt.Sprint(out.Total, names)
		}
		before, after := fmt.Sprint(1, []string{late.Number}), fmt.Sprint(2, []string{late.Number, soon.Number})
		if got := list(); got != before {
			t.Fatalf("today: %s, want %s", got, before)
		}
		for day := range 3 {
			s.Advance(24 * time.Hour)
			if got := list(); got != after {
				t.Fatalf("%d days later: %s, want %s", day+1, got, after)
			}
			ok[PostedOut](t)(gatetest.Do(s.House, s.d.PaymentLog, s.Key("agent"), PaymentLogIn{ID: string(late.ID), Amount: 1}))
			if got := list(); got != after {
				t.Fatalf("%d days later, after a payment: %s, want %s", day+1, got, after)
			}
		}
		s.buildSets(t)
		if got := list(); got != after {
			t.Fatalf("built anew: %s, want %s", got, after)
		}
	})
}

// TestARuleOfTheDateWithoutItsSet holds lists of rules that read the date while no
// set of the day stands: every loan is there in every order, a total that stopped
// counting says so and is never more than there is, and one that is asked for
// exactly is exact. Once the set stands all totals are.
func TestARuleOfTheDateWithoutItsSet(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		c := newCrowd(t, s, 5)
		bounded := 0
		for i, r := range []restriction{
			{`loan.days_past_due > 30`, func(l *LoanOut) bool { return l.DaysPastDue > 30 }},
			{`loan.days_past_due <= 60 && loan.portfolios.overlaps(["Acme", "Beta"])`, func(l *LoanOut) bool { return l.DaysPastDue <= 60 && (in("Acme")(l) || in("Beta")(l)) }},
			{`loan.days_past_due > 30 || loan.portfolios.overlaps(["Gamma"])`, func(l *LoanOut) bool { return l.DaysPastDue > 30 || in("Gamma")(l) }},
		} {
			s.Restrict(t, "investor", policy.Restriction{Name: fmt.Sprint("rule ", i), Visible: r.text})
			var shown []*LoanOut
			for _, l := range c.loans {
				if v := c.view(t, l); r.mean(v) {
					shown = append(shown, v)
				}
			}
			for _, built := range []bool{false, true} {
				if built {
					c.buildSets(t)
				}
				for _, few := range []int{1, len(shown), 0} {
					for _, sort := range listing.Sorts() {
						s.d.few = few
						bounded += c.unset(t, LoanListIn{Sort: sort}, numbers(ordered(shown, sort, false)), few, built)
						s.d.few = 0
					}
				}
			}
		}
		if bounded < 30 {
			t.Errorf("only %d totals stopped counting", bounded)
		}
	})
}

// unset follows a list to its end and gives how many of its totals stopped counting.
func (c *crowd) unset(t *testing.T, in LoanListIn, want []string, few int, built bool) (bounded int) {
	t.Helper()
	for _, exact := range []string{"", "exact"} {
		in.Paging = Paging{Limit: 4, Total: exact}
		var got []string
		for {
			c.Advance(time.Second)
			out := ok[LoanListOut](t)(gatetest.Do(c.House, c.d.LoanList, c.Key("investor"), in))
			for _, l := range out.Items {
				got = append(got, l.Number)
			}
			said, is := int64(len(want)), "exact"
			if !built && exact == "" && few > 0 && len(want) > few {
				said, is = int64(few), "at_least"
				bounded++
			}
			if out.Total != said || out.TotalIs != is {
				t.Fatalf("%+v: the total is %d %s, want %d %s", in, out.Total, out.TotalIs, said, is)
			}
			if in.Cursor = out.Next; in.Cursor == "" {
				break
			}
		}
		if d := diff.Diff(want, got); d != "" {
			t.Fatalf("%+v: %s", in, d)
		}
	}
	return bounded
}
