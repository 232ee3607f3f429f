package house_test

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
)

// TestWhatMayBeSeenAgreesWithAnOracleEverywhere holds random restrictions, up to
// three at once, own and through a team, with limits, over a book that lives,
// against plain Go: in every list, order, filter, search, total, cursor, direct
// read, nested object, export, preview, explanation and trail. A hidden row
// answers like one that is missing.
func TestWhatMayBeSeenAgreesWithAnOracleEverywhere(t *testing.T) {
	for name, engine := range map[string]db.Engine{"sqlite": db.SQLite, "postgres": db.PostgreSQL} {
		pairs := map[db.Engine]int{db.SQLite: 200, db.PostgreSQL: 50}[engine]
		if os.Getenv("LENDKEEP_PROVE") != "" {
			pairs *= 10
		}
		t.Run(name, func(t *testing.T) {
			if engine == db.PostgreSQL && os.Getenv("LENDKEEP_TEST_POSTGRES") == "" {
				t.Skip("LENDKEEP_TEST_POSTGRES names no PostgreSQL server")
			}
			w := settle(t, engine, 2026)
			for i := range pairs {
				w.live()
				e := w.bind(i)
				if w.IntN(3) == 0 {
					check(t, w.premises.house.Servicing.BuildVisibleSets(context.Background(), w.premises.tenant))
				}
				if ok := t.Run(strconv.Itoa(i), func(t *testing.T) { w.t = t; w.compare(e); w.t = t }); !ok {
					t.Fatalf("pair %d:\n%s", i, e)
				}
				w.t = t
			}
		})
	}
}

// String says the restrictions for the report of a failure.
func (e eyes) String() string {
	var b strings.Builder
	for _, x := range e {
		fmt.Fprintf(&b, "  visible %s\n", x.visible.text)
		for _, l := range x.limits {
			fmt.Fprintf(&b, "    %s level %d\n", l.area, l.level)
		}
	}
	return b.String()
}

// bind gives the asker new restrictions: the first of their own, the second
// through the team, the third either way.
func (w *sightseeing) bind(pair int) eyes {
	var e eyes
	n := 1 + w.IntN(3)
	for i, rid := range w.restrictions {
		users, teams := "[]", "[]"
		if i < n {
			b := w.restriction(i)
			e = append(e, b)
			w.must("PUT", "/search-restrictions/"+rid, b.json(i), nil)
			if i == 1 || i == 2 && w.IntN(2) == 0 {
				teams = `["` + w.team + `"]`
			} else {
				users = `["` + string(w.askerID) + `"]`
			}
		}
		w.must("PUT", "/search-restrictions/"+rid+"/holders", `{"users":`+users+`,"teams":`+teams+`}`, nil)
	}
	return e
}

func (b *bound) json(i int) string {
	type limit struct {
		Area    string `json:"area"`
		When    string `json:"when"`
		Level   string `json:"level"`
		Message string `json:"message"`
	}
	in := map[string]any{"name": fmt.Sprintf("Restriction %d", i), "visible": b.visible.text, "confirm": "hides_everything"}
	if b.borrowers != nil {
		in["borrowers"] = b.borrowers.text
	}
	if b.applications != nil {
		in["applications"] = b.applications.text
	}
	limits := []limit{}
	for _, l := range b.limits {
		x := limit{Area: l.area, Level: []string{"none", "view", "full"}[l.level], Message: l.message}
		if l.loans != nil {
			x.When = l.loans.text
		} else {
			x.When = l.applications.text
		}
		limits = append(limits, x)
	}
	in["limits"] = limits
	text, err := json.Marshal(in)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (w *sightseeing) compare(e eyes) {
	var shown, hidden []*bookLoan
	for _, l := range w.loans {
		if e.loan(l) {
			shown = append(shown, l)
		} else {
			hidden = append(hidden, l)
		}
	}
	w.lists(e, shown)
	w.export(shown)
	w.preview(e, len(shown))
	w.borrowers(e)
	w.dockets(e)
	if len(shown) > 0 {
		w.direct(e, oneOf(w.dice, shown...))
	}
	if len(hidden) > 0 {
		w.missing(oneOf(w.dice, hidden...))
	}
}

// listed is an item of a list of loans.
type listedLoan struct {
	Number, Status, State string
	Portfolios            []string
	Borrower              struct {
		ID, Name string
		Withheld bool
	}
}

// pages follows the cursors of a list to its end and holds the total.
func pages[T any](w *sightseeing, path string, q url.Values) []T {
	w.t.Helper()
	all, total := []T{}, -1
	for {
		var page struct {
			Items   []T
			Total   int
			TotalIs string `json:"total_is"`
			Next    string
		}
		w.look(path+"?"+q.Encode(), &page)
		if total >= 0 && page.Total != total || page.TotalIs != "exact" {
			w.t.Fatalf("%s %v: the total is %d %s, it was %d", path, q, page.Total, page.TotalIs, total)
		}
		all, total = append(all, page.Items...), page.Total
		if page.Next == "" {
			break
		}
		q.Set("cursor", page.Next)
	}
	if total != len(all) {
		w.t.Fatalf("%s %v: the total is %d of %d", path, q, total, len(all))
	}
	return all
}

func numbersOf(list []*bookLoan) []string {
	out := []string{}
	for _, l := range list {
		out = append(out, l.number)
	}
	return out
}

// inOrder sorts as a list does; within equal days the number runs with the date.
func inOrder(list []*bookLoan, by string, down bool) []*bookLoan {
	due := func(l *bookLoan) int64 {
		if l.oldest.IsZero() {
			return math.MaxInt64
		}
		return int64(l.oldest)
	}
	out := slices.Clone(list)
	slices.SortFunc(out, func(a, b *bookLoan) int {
		first, number := 0, strings.Compare(a.number, b.number)
		switch by {
		case "borrower":
			first = strings.Compare(strings.ToLower(a.owner.last+" "+a.owner.first), strings.ToLower(b.owner.last+" "+b.owner.first))
		case "principal_balance":
			first = cmp.Compare(a.balance, b.balance)
		case "days_past_due":
			first, number = cmp.Compare(due(b), due(a)), -number
		case "opened_on":
			first = cmp.Compare(a.opened, b.opened)
		case "status":
			first = strings.Compare(a.status, b.status)
		}
		return cmp.Or(first, number)
	})
	if down {
		slices.Reverse(out)
	}
	return out
}

// lists holds a random order, and every filter in a random order, against the
// oracle.
func (w *sightseeing) lists(e eyes, shown []*bookLoan) {
	named := func(l *bookLoan) bool { level, _ := e.limit(l, "borrower"); return level > 0 }
	who := oneOf(w.dice, w.people...)
	filters := []struct {
		name, value string
		keep        func(*bookLoan) bool
	}{
		{"", "", func(*bookLoan) bool { return true }},
		{"status", "on_hold", func(l *bookLoan) bool { return l.status == "on_hold" }},
		{"portfolio", "Beta", func(l *bookLoan) bool { return slices.Contains(l.portfolios, "Beta") }},
		{"source_company", "First", func(l *bookLoan) bool { return l.company == "First" }},
		{"borrower", who.id, func(l *bookLoan) bool { return l.owner == who && named(l) }},
		{"q", who.email, func(l *bookLoan) bool { return l.owner == who && named(l) }},
		{"q", "lee", func(l *bookLoan) bool { return strings.HasPrefix(l.owner.last, "Lee") && named(l) }},
		{"q", "Ann", func(l *bookLoan) bool { return l.owner.first == "Ann" && named(l) }},
		{"q", "ln-00001", func(l *bookLoan) bool { return strings.HasPrefix(l.number, "LN-00001") }},
	}
	for i, f := range filters {
		sort, down := oneOf(w.dice, "number", "borrower", "principal_balance", "days_past_due", "opened_on", "status"), w.IntN(2) == 0
		q := url.Values{"limit": {oneOf(w.dice, "7", "50")}, "sort": {sort}}
		if down {
			q.Set("sort", "-"+sort)
		}
		if f.name != "" {
			q.Set(f.name, f.value)
		}
		if sort == "borrower" && e.hidesBorrowers() {
			w.refusedBy(e, "/loans?"+q.Encode())
			continue
		}
		var want []*bookLoan
		for _, l := range shown {
			if f.keep(l) {
				want = append(want, l)
			}
		}
		got := pages[listedLoan](w, "/loans", q)
		numbers := []string{}
		for _, l := range got {
			numbers = append(numbers, l.Number)
		}
		if d := diff.Diff(numbersOf(inOrder(want, sort, down)), numbers); d != "" {
			w.t.Fatalf("%v: %s", q, d)
		}
		if i == 0 {
			w.nested(e, got)
		}
	}
}

// nested holds what a list says beside the loan itself.
func (w *sightseeing) nested(e eyes, got []listedLoan) {
	for _, item := range got {
		l := w.loans[slices.IndexFunc(w.loans, func(l *bookLoan) bool { return l.number == item.Number })]
		level, _ := e.limit(l, "borrower")
		told := item.Borrower.ID == l.owner.id && item.Borrower.Name == l.owner.first+" "+l.owner.last && item.State == l.region && !item.Borrower.Withheld
		kept := item.Borrower.ID == "" && item.Borrower.Name == "" && item.State == "" && item.Borrower.Withheld
		if level > 0 && !told || level == 0 && !kept {
			w.t.Fatalf("loan %s, borrower at level %d: %+v", l.number, level, item)
		}
		if item.Status != l.status || !slices.Equal(item.Portfolios, l.portfolios) && len(item.Portfolios)+len(l.portfolios) > 0 {
			w.t.Fatalf("loan %s is shown as %+v, and is %+v", l.number, item, l)
		}
	}
}

// refusedBy wants a refusal by a limit, in the words of one.
func (w *sightseeing) refusedBy(e eyes, path string) {
	w.t.Helper()
	got := w.ask(w.asker, "GET", path, "")
	if got.status != 403 || !strings.Contains(got.body, `"limit_too_low"`) || !strings.Contains(got.body, "Limit ") {
		w.t.Fatalf("%s should be refused by a limit: %d %s", path, got.status, got.body)
	}
}

func (w *sightseeing) export(shown []*bookLoan) {
	got := w.ask(w.asker, "GET", "/loans/export", "")
	rows, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
	if err != nil || got.status != 200 {
		w.t.Fatalf("the export: %d %v", got.status, err)
	}
	numbers := []string{}
	for _, r := range rows[1:] {
		numbers = append(numbers, r[0])
	}
	if d := diff.Diff(numbersOf(inOrder(shown, "number", false)), numbers); d != "" {
		w.t.Fatalf("the export: %s", d)
	}
}

// preview counts what the asker could give to others: never more than they see,
// and nobody who is withheld from them.
func (w *sightseeing) preview(e eyes, loans int) {
	var out struct {
		Loans, Borrowers, Applications struct{ Shown, Of int }
	}
	got := w.ask(w.asker, "POST", "/search-restrictions/preview", `{"visible":"true","applications":"true"}`)
	if got.status != 200 {
		w.t.Fatalf("preview: %d %s", got.status, got.body)
	}
	check(w.t, json.Unmarshal([]byte(got.body), &out))
	people, applications := 0, 0
	for _, p := range w.people {
		if e.person(p, w.loans) && !e.withheld(p, w.loans) {
			people++
		}
	}
	for _, a := range w.applications {
		if e.application(a) {
			applications++
		}
	}
	if out.Loans.Shown != loans || out.Loans.Of != loans || out.Borrowers.Of != people || out.Applications.Shown != applications || out.Applications.Of != applications {
		w.t.Fatalf("preview says %+v, want %d loans, %d borrowers, %d applications", out, loans, people, applications)
	}
}

func (w *sightseeing) borrowers(e eyes) {
	want := []string{}
	for i, p := range w.people {
		seen := e.person(p, w.loans)
		if seen && !e.withheld(p, w.loans) {
			want = append(want, p.id)
		}
		if (i+w.IntN(3))%3 != 0 {
			continue
		}
		switch got := w.ask(w.asker, "GET", "/borrowers/"+p.id, ""); {
		case !seen:
			w.same("/borrowers/"+p.id, "/borrowers/"+string(id.New[id.Borrower](w.now.Load())))
		case e.withheld(p, w.loans):
			w.refusedBy(e, "/borrowers/"+p.id)
		case got.status != 200 || !strings.Contains(got.body, p.last):
			w.t.Fatalf("borrower %s: %d %s", p.last, got.status, got.body)
		}
	}
	got := []string{}
	for _, b := range pages[struct{ ID string }](w, "/borrowers", url.Values{"limit": {"5"}}) {
		got = append(got, b.ID)
	}
	slices.Sort(want)
	slices.Sort(got)
	if d := diff.Diff(want, got); d != "" {
		w.t.Fatalf("the list of borrowers: %s", d)
	}
}

func (w *sightseeing) dockets(e eyes) {
	var want []*bookApplication
	for _, a := range w.applications {
		at := "/applications/" + a.id
		level := e.applicationLevel(a)
		if e.application(a) && level > 0 {
			want = append(want, a)
		}
		if w.IntN(3) > 0 {
			continue
		}
		switch {
		case !e.application(a):
			w.same(at, "/applications/"+string(id.New[id.Application](w.now.Load())))
		case level == 0:
			w.refusedBy(e, at)
		default:
			if got := w.ask(w.asker, "GET", at, ""); got.status != 200 {
				w.t.Fatalf("application: %d %s", got.status, got.body)
			}
		}
	}
	slices.SortFunc(want, func(a, b *bookApplication) int {
		return cmp.Or(cmp.Compare(a.amount, b.amount), cmp.Compare(a.seq, b.seq))
	})
	ids := []string{}
	for _, a := range want {
		ids = append(ids, a.id)
	}
	got := []string{}
	for _, a := range pages[struct{ ID string }](w, "/applications", url.Values{"limit": {"3"}, "sort": {"amount"}}) {
		got = append(got, a.ID)
	}
	if d := diff.Diff(ids, got); d != "" {
		w.t.Fatalf("the list of applications: %s", d)
	}
}

// direct reads a visible loan in each of its areas.
func (w *sightseeing) direct(e eyes, l *bookLoan) {
	for path, area := range map[string]string{"": "summary", "/schedule": "schedule", "/payments": "payments", "/payoff": "payments", "/notes": "notes"} {
		at := "/loans/" + l.id + path
		level, _ := e.limit(l, area)
		if level == 0 {
			w.refusedBy(e, at)
			continue
		}
		got := w.ask(w.asker, "GET", at, "")
		if got.status != 200 {
			w.t.Fatalf("%s at level %d: %d %s", at, level, got.status, got.body)
		}
		if b, _ := e.limit(l, "borrower"); path == "" && strings.Contains(got.body, l.owner.last) != (b > 0) {
			w.t.Fatalf("loan %s, borrower at level %d: %s", l.number, b, got.body)
		}
	}
	if level, words := e.limit(l, "notes"); level < 2 {
		got := w.ask(w.asker, "POST", "/loans/"+l.id+"/notes", `{"body":"not to be written"}`)
		if got.status != 403 || !slices.ContainsFunc(words, func(s string) bool { return strings.Contains(got.body, s) }) {
			w.t.Fatalf("a note under a limit: %d %s", got.status, got.body)
		}
	}
	if w.trail(l.id) == 0 {
		w.t.Fatalf("there is no trail of the visible loan %s", l.number)
	}
}

func (w *sightseeing) trail(loan string) int {
	var out struct{ Total int }
	w.look("/audit?object=loan/"+loan, &out)
	return out.Total
}

// missing holds every way to a hidden loan against the same way to none.
func (w *sightseeing) missing(l *bookLoan) {
	none := string(id.New[id.Loan](w.now.Load()))
	for _, path := range []string{"", "/schedule", "/payments", "/payoff", "/notes"} {
		w.same("/loans/"+l.id+path, "/loans/"+none+path)
	}
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/notes", `{"body":"x"}`}, {"POST", "/payments", `{"amount":"1.00","method":"cash"}`}, {"PUT", "/status", `{"status":"on_hold","reason":"x"}`},
		{"PUT", "/portfolios", `{"portfolios":["Acme"]}`}, {"PUT", "/custom-fields", `{"fields":[{"name":"vip","value":"true"}]}`}, {"POST", "/write-off", `{"reason":"x"}`},
	} {
		w.alike(c.method+" "+c.path, w.ask(w.asker, c.method, "/loans/"+l.id+c.path, c.body), w.ask(w.asker, c.method, "/loans/"+none+c.path, c.body), l.id, none)
	}
	move := func(loan string) seen {
		return w.ask(w.asker, "POST", "/loans/portfolios", `{"loans":["`+loan+`"],"add":["Acme"]}`)
	}
	w.alike("move", move(l.id), move(none), l.id, none)
	w.alike("move by number", move(l.number), move("LN-999999"), l.number, "LN-999999")
	why := func(loan string) seen {
		return w.ask(w.asker, "POST", "/access/explain", `{"user":"`+string(w.askerID)+`","operation":"loan.view","object":"loan/`+loan+`"}`)
	}
	w.alike("explain", why(l.id), why(none), l.id, none)
	if n := w.trail(l.id); n != 0 {
		w.t.Fatalf("the trail of the hidden loan %s has %d entries", l.number, n)
	}
}

func (w *sightseeing) same(hidden, none string) {
	w.t.Helper()
	w.alike(hidden, w.ask(w.asker, "GET", hidden, ""), w.ask(w.asker, "GET", none, ""), hidden, none)
}

// alike holds status and body of two answers together; ids, instants and the ids of
// decisions differ always.
func (w *sightseeing) alike(what string, hidden, none seen, hiddenID, noneID string) {
	w.t.Helper()
	plain := func(s seen, x string) seen {
		return seen{s.status, strings.ReplaceAll(moments.ReplaceAllString(s.body, ""), x, "X")}
	}
	a, b := plain(hidden, hiddenID), plain(none, noneID)
	if hidden.status/100 == 2 && what != "explain" || a != b {
		w.t.Fatalf("%s: hidden and missing differ:\n%d %s\n%d %s", what, a.status, a.body, b.status, b.body)
	}
}

// TestAHiddenLoanTakesAsLongAsAMissingOne compares the times of direct reads by
// ranks (Mann and Whitney), of loans, borrowers and applications: neither sort is
// quicker. Only where the whole N runs.
func TestAHiddenLoanTakesAsLongAsAMissingOne(t *testing.T) {
	if os.Getenv("LENDKEEP_PROVE") == "" {
		t.Skip("times are compared by make prove")
	}
	for name, engine := range map[string]db.Engine{"sqlite": db.SQLite, "postgres": db.PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			if engine == db.PostgreSQL && os.Getenv("LENDKEEP_TEST_POSTGRES") == "" {
				t.Skip("LENDKEEP_TEST_POSTGRES names no PostgreSQL server")
			}
			w := settle(t, engine, 7)
			w.must("PUT", "/search-restrictions/"+w.restrictions[0], `{"name":"Restriction 0","visible":"loan.portfolios.overlaps([\"Acme\"])","applications":"application.state == \"NY\""}`, nil)
			w.must("PUT", "/search-restrictions/"+w.restrictions[0]+"/holders", `{"users":["`+string(w.askerID)+`"],"teams":[]}`, nil)
			acme := func(l *bookLoan) bool { return slices.Contains(l.portfolios, "Acme") }
			loan := w.loans[slices.IndexFunc(w.loans, func(l *bookLoan) bool { return !acme(l) })]
			person := w.people[slices.IndexFunc(w.people, func(p *bookPerson) bool {
				return !slices.ContainsFunc(w.loans, func(l *bookLoan) bool { return l.owner == p && acme(l) })
			})]
			application := w.applications[slices.IndexFunc(w.applications, func(a *bookApplication) bool { return a.region != "NY" })]
			at := w.now.Load()
			for _, x := range []struct{ path, hidden, none string }{
				{"/loans/", loan.id, string(id.New[id.Loan](at))}, {"/borrowers/", person.id, string(id.New[id.Borrower](at))}, {"/applications/", application.id, string(id.New[id.Application](at))},
			} {
				z := w.told(x.path+x.hidden, x.path+x.none)
				t.Logf("%s: z = %.2f", x.path, z)
				if math.Abs(z) > 4 {
					t.Errorf("a hidden row under %s and a missing one take different times: z = %.1f", x.path, z)
				}
			}
		})
	}
}

// told gives by how many standard deviations the ranks of the times of one read
// are beyond what chance makes of two that take the same.
func (w *sightseeing) told(hidden, none string) float64 {
	type timed struct {
		took   time.Duration
		hidden bool
	}
	var all []timed
	for i := range 3000 {
		path, isHidden := none, i%2 == 0
		if isHidden {
			path = hidden
		}
		begin := time.Now()
		got := w.ask(w.asker, "GET", path, "")
		all = append(all, timed{time.Since(begin), isHidden})
		if got.status != 404 {
			w.t.Fatalf("%s: %d %s", path, got.status, got.body)
		}
	}
	slices.SortFunc(all, func(a, b timed) int { return cmp.Compare(a.took, b.took) })
	ranks := 0.0
	for i, x := range all {
		if x.hidden {
			ranks += float64(i + 1)
		}
	}
	n := float64(len(all) / 2)
	return (ranks - n*(2*n+1)/2) / math.Sqrt(n*n*(2*n+1)/12)
}
