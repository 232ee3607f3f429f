//go:build bench

package bench

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/listing"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/onboarding"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/schedule"
)

// loans is the size of the book: a million, or what LENDKEEP_BENCH_LOANS says.
func loans() int {
	if n, err := strconv.Atoi(os.Getenv("LENDKEEP_BENCH_LOANS")); err == nil && n > 0 {
		return n
	}
	return 1_000_000
}

// crowd opens the shop with a million loans, and makes it on first use: it is
// kept in the folder for temporary files, and on the PostgreSQL server, because
// making it takes minutes.
func crowd(t testing.TB, e db.Engine) *shop {
	t.Helper()
	folder := filepath.Join(os.TempDir(), "lendkeep-bench", fmt.Sprintf("%s-%d", e, loans()))
	if e == db.PostgreSQL {
		u, err := url.Parse(os.Getenv(dbtest.Variable))
		must(t, err)
		folder += "-" + u.Port()
	}
	prefix := fmt.Sprintf("bench_%d_", loans())
	for again := 0; ; again++ {
		_, err := os.Stat(filepath.Join(folder, "people.json"))
		s := &shop{}
		if err == nil || again > 0 {
			s = open(t, e, folder, prefix)
		}
		if s.people.Ready {
			return s
		}
		if again > 0 {
			began := time.Now()
			s.crowd(t)
			fmt.Printf("%d loans on %s took %s\n", loans(), e, time.Since(began).Round(time.Second))
			s.people.Ready = true
			s.save(t)
			return s
		}
		if s.dir != nil {
			must(t, s.dir.Close())
		}
		must(t, os.RemoveAll(folder))
		if e == db.PostgreSQL {
			for _, name := range []string{"directory", "bench", "bench_keys"} {
				must(t, db.DropDatabase(ctx, os.Getenv(dbtest.Variable), prefix+name))
			}
		}
	}
}

// lens is a restriction and the person whom it binds.
type lens struct {
	name, visible string
	dated         bool
}

// lenses are what restricted people see: by one portfolio, by mixes of several
// (a loan is in up to four), the oldest loans alone, and by the date.
func lenses() []lens {
	oldest := civil.Must(2016, 1, 1)
	return []lens{
		{name: "12 %", visible: `loan.portfolios.overlaps(["Twelve"])`},
		{name: "0.1 %", visible: `loan.portfolios.overlaps(["Thousandth"])`},
		{name: "mix of five, 12 %", visible: `loan.portfolios.overlaps(["Blue", "Green", "Thousandth"]) && (loan.portfolios.overlaps(["Red", "Main"]) || loan.status == "on_hold")`},
		{name: "mix of four, 0.1 %", visible: `loan.portfolios.overlaps(["Thousandth"]) && loan.status == "active" || loan.portfolios.overlaps(["Blue"]) && loan.portfolios.overlaps(["Green"]) && loan.portfolios.overlaps(["Rare", "Red"])`},
		{name: "oldest 12 %", visible: `loan.portfolios.overlaps(["Oldest"])`},
		{name: "oldest 0.1 %", visible: `loan.opened_on < date("` + oldest.AddDays(4).String() + `")`},
		{name: "largest 0.1 %", visible: `loan.balance >= money("50684.00")`},
		{name: "past due 12 %", visible: `loan.days_past_due > 30`, dated: true},
		{name: "past due 0.1 %", visible: `loan.days_past_due > 120`, dated: true},
		{name: "past due or 12 %", visible: `loan.days_past_due > 30 || loan.portfolios.overlaps(["Twelve"])`, dated: true},
		{name: "in time, 12 %", visible: `loan.days_past_due <= 30 && loan.portfolios.overlaps(["Blue", "Twelve"])`, dated: true},
		{name: "in time, 0.1 %", visible: `loan.days_past_due <= 30 && loan.portfolios.overlaps(["Thousandth"])`, dated: true},
	}
}

func (x lens) key(s *shop) string { return s.people.Keys["lens "+x.name] }

// crowd fills the shop: a thousand borrowers from a file, whose keys are real,
// fifty thousand more, a million loans opened over ten years, the oldest with
// the lowest numbers, one in eight past due. For each lens there is a person.
func (s *shop) crowd(t testing.TB) {
	t.Helper()
	s.names(t)
	_, err := s.board.ImportBorrowers(ctx, s.t, s.t.DB.Now(), bytes.NewReader(borrowersFile(1000)), onboarding.ImportOptions{})
	must(t, err)
	at := s.t.DB.Now()
	borrowers := make([]id.Borrower, 50_000)
	s.bulk(t, book.InsertBorrowerSQL, len(borrowers), func(i int) []any {
		borrowers[i] = id.New[id.Borrower](at + int64(i)*1000)
		row, err := book.BorrowerRow(s.t.Ring, nil, borrowers[i], book.Person{Reference: fmt.Sprintf("K-%06d", i), First: "Person", Last: fmt.Sprintf("Number%06d", i), Address: book.Address{Region: "NY", Country: "US"}}, "", at)
		must(t, err)
		return row
	})
	portfolios, company := map[string]string{}, ""
	must(t, s.t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		list, err := book.Portfolios(ctx, tx)
		for _, p := range list {
			portfolios[p.Name] = p.ID
		}
		if err != nil {
			return err
		}
		companies, err := book.Companies(ctx, tx)
		company = companies[0].ID
		return err
	}))
	total := loans()
	r := rand.New(rand.NewPCG(5, 6))
	ids := make([]id.Loan, total)
	today := s.t.Today(at)
	number := func(i int) string { return fmt.Sprintf("L-%07d", i) }
	s.bulk(t, book.InsertLoanSQL, total, func(i int) []any {
		ids[i] = id.New[id.Loan](at + int64(i)*1000)
		k := i * len(borrowers) / total
		principal := money.Amount(100_000 + r.IntN(5_000_000))
		opened := civil.Must(2016, 1, 1).AddDays(int(int64(i) * 3900 / int64(total)))
		l := book.Loan{ID: ids[i], Number: number(i), Borrower: borrowers[k], Company: id.SourceCompany(company), Status: book.Active,
			Terms:    schedule.Terms{Principal: principal, Rate: 7_350_000, Months: 240, Convention: "30/360", Contract: today.AddDays(-20)},
			OpenedOn: opened, Payment: principal / 50, BorrowerKey: fmt.Sprintf("number%06d person", k), Region: "NY", Country: "US", CreatedAt: at,
			Cached: schedule.Cached{PrincipalBalance: principal - money.Amount(r.IntN(100_000)), NextDue: civil.Must(2027, 1, 1), NextAmount: principal / 50}}
		switch c := r.IntN(1000); {
		case c == 0:
			l.Cached.OldestUnpaidDue = today.AddDays(-121 - r.IntN(200))
		case c < 120:
			l.Cached.OldestUnpaidDue = today.AddDays(-31 - r.IntN(90))
		case c < 140:
			l.Cached.OldestUnpaidDue = today.AddDays(-1 - r.IntN(30))
		}
		if r.IntN(50) == 0 {
			l.Status = book.OnHold
		}
		return l.Row()
	})
	type place struct {
		loan      int
		portfolio string
	}
	var places []place
	for i := range total {
		for name, in := range map[string]bool{
			"Main": i%2 == 0, "Twelve": r.IntN(100) < 12, "Thousandth": i%1000 == 7, "Oldest": i < total*12/100,
			"Blue": r.IntN(100) < 12, "Green": r.IntN(100) < 12, "Red": r.IntN(100) < 7, "Rare": r.IntN(1000) < 3,
		} {
			if in {
				places = append(places, place{i, portfolios[name]})
			}
		}
	}
	s.bulk(t, `INSERT INTO loan_portfolio (loan_id, portfolio_id, number) VALUES (?, ?, ?)`, len(places), func(i int) []any {
		return []any{ids[places[i].loan], places[i].portfolio, number(places[i].loan)}
	})
	must(t, s.t.DB.WriteExclusive(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE loan_tally SET loans = ?, borrowers = ? WHERE id = 1`, total, len(borrowers)+1000); err != nil {
			return err
		}
		return s.audience(ctx, tx)
	}))
	s.analyze(t)
}

// build makes the sets of today, where there are none.
func (s *shop) build(t testing.TB) {
	t.Helper()
	_, err := s.exec(`UPDATE visible_set SET state = 1 WHERE state = 3`) // parked by a run that was broken off
	must(t, err)
	began := time.Now()
	must(t, s.desk.BuildVisibleSets(ctx, s.t))
	if took := time.Since(began); took > 10*time.Second {
		fmt.Printf("the sets of %d loans on %s took %s\n", loans(), s.engine, took.Round(time.Second))
		s.analyze(t)
	}
}

// audience makes a person for every lens. The investor sees 12 %.
func (s *shop) audience(ctx context.Context, tx *db.Tx) error {
	investor, err := identity.StaffByID(ctx, tx, s.people.Users["investor"])
	if err != nil {
		return err
	}
	for i, l := range lenses() {
		x := policy.Restriction{ID: id.New[id.Restriction](tx.At), Name: l.name, Visible: l.visible}
		if err := policy.InsertRestriction(ctx, tx, &x); err != nil {
			return err
		}
		u := identity.Staff{ID: id.New[id.User](tx.At), Email: fmt.Sprintf("lens%d@%s", i, host), Name: l.name, Role: investor.Role, Active: true, CreatedAt: tx.At}
		if err := identity.InsertStaff(ctx, tx, u); err != nil {
			return err
		}
		key, locator, hash := identity.NewKey()
		if err := identity.InsertKey(ctx, tx, identity.Key{ID: id.New[id.APIKey](tx.At), User: u.ID, Locator: locator, Label: "bench"}, hash); err != nil {
			return err
		}
		if err := policy.Assign(ctx, tx, u.ID, []id.Restriction{x.ID}); err != nil {
			return err
		}
		if i == 0 {
			if err := policy.Assign(ctx, tx, s.people.Users["investor"], []id.Restriction{x.ID}); err != nil {
				return err
			}
		}
		s.people.Keys["lens "+l.name] = key.Reveal()
	}
	return policy.Bump(ctx, tx)
}

// bulk stores n rows, twenty thousand in a transaction.
func (s *shop) bulk(t testing.TB, query string, n int, row func(i int) []any) {
	t.Helper()
	const piece = 20_000
	for from := 0; from < n; from += piece {
		rows := make([][]any, 0, piece)
		for i := from; i < min(from+piece, n); i++ {
			rows = append(rows, row(i))
		}
		must(t, s.t.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error { return tx.Bulk(ctx, query, rows) }))
	}
}

// analyze does what autovacuum does on a server that runs for a while.
func (s *shop) analyze(t testing.TB) {
	if s.engine != db.PostgreSQL {
		return
	}
	c, err := pgx.ParseConfig(os.Getenv(dbtest.Variable))
	must(t, err)
	c.Database = s.prefix + "bench"
	conn, err := pgx.ConnectConfig(ctx, c)
	must(t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "VACUUM ANALYZE")
	must(t, err)
}

// TestPages times a page of 50 with its exact total, first and deep, in every
// order, for somebody unrestricted and through every lens.
func TestPages(t *testing.T) {
	engines(t, func(t *testing.T, e db.Engine) {
		s := crowd(t, e)
		s.audited(false)
		s.build(t)
		l := lines(t, 1, serve(t, s.api.Handler(), nil), nil)[0]
		worst := map[string]float64{}
		for _, sort := range listing.Sorts() {
			for _, dash := range []string{"", "-"} {
				s.sorted(t, l, dash+sort, worst)
			}
		}
		for _, x := range lenses() {
			tell(figure{"6", e.String(), "worst of all orders, first and deep, " + x.name, "", "", fmt.Sprintf("%.2f×", worst[x.name]), "≤ 2×", met(worst[x.name] <= 2)})
		}
	})
}

func (s *shop) sorted(t testing.TB, l *line, sort string, worst map[string]float64) {
	all := s.pager(t, l, s.people.Keys["manager"], sort, 10_000)
	sides := []*side{all[0], all[1]}
	var restricted [][2]*side
	for _, x := range lenses() {
		deep := 10_000
		if strings.Contains(x.name, "0.1 %") {
			deep = loans() / 2500
		}
		p := s.pager(t, l, x.key(s), sort, deep)
		restricted = append(restricted, p)
		sides = append(sides, p[0], p[1])
	}
	duel(t, turns(), 4, 1, sides...)
	for i, x := range lenses() {
		for k, where := range []string{"first", "deep"} {
			ours := restricted[i][k]
			r := 1 / share(ours, all[k])
			worst[x.name] = max(worst[x.name], r)
			tell(figure{"6", s.engine.String(), where + " page by " + sort + ", " + x.name, us(ours.median()), us(all[k].median()) + " (unrestricted)", fmt.Sprintf("%.2f×", r), "≤ 2×", met(r <= 2)})
		}
	}
}

// pager gives the first page of 50, and the one after so many rows.
func (s *shop) pager(t testing.TB, l *line, key, sort string, deep int) [2]*side {
	t.Helper()
	path, cursor := "/api/v1/loans?limit=50&sort="+sort, ""
	size := min(deep, 200)
	for range deep / size {
		body, err := l.answered(get("/api/v1/loans?limit="+num(size)+"&sort="+sort+cursor, key), 200)
		must(t, err)
		next := between(string(body), `"next":"`, `"`)
		if next == "" {
			t.Fatalf("by %s there is no page so deep: %s", sort, between(string(body), `"total":`, ","))
		}
		cursor = "&cursor=" + next
	}
	ask := func(name, path string) *side {
		return asking(name, []*line{l}, [][]byte{get(path, key)})
	}
	return [2]*side{ask("first", path), ask("deep", path+cursor)}
}

func TestFiftyUsers(t *testing.T) {
	engines(t, func(t *testing.T, e db.Engine) {
		s := crowd(t, e)
		s.build(t)
		s.audited(true)
		s.sequencing(t)
		const users = 50
		ls := lines(t, users, serve(t, s.api.Handler(), nil), nil)
		requests := [][]byte{get("/api/v1/loans?limit=50", s.people.Keys["investor"])}
		flat := asking("back to back", ls, requests)
		duel(t, max(turns()/5, 1), users*20, users, flat)
		calm := &side{name: "a page a second each", call: func(k, n int) error { _, err := ls[k].answered(requests[0], 200); return err }}
		times := paced(t, calm, users, 10)
		p99 := quantile(times, 0.99)
		tell(figure{"6", e.String(), "p99, 50 users, a page a second each, audited", us(p99), "median " + us(median(times)), us(p99), "≤ 100 ms", met(p99 <= 100*time.Millisecond)})
		p99 = quantile(flat.times, 0.99)
		tell(figure{"6", e.String(), "p99, 50 users without a pause, audited", us(p99), fmt.Sprintf("%.0f pages/s", flat.rate()), us(p99), "≤ 100 ms", met(p99 <= 100*time.Millisecond)})
	})
}

// paced has each caller call once a second, at moments spread over it.
func paced(t testing.TB, s *side, callers, calls int) []time.Duration {
	t.Helper()
	out := make(chan time.Duration, callers*calls)
	errs := make(chan error, callers)
	for k := range callers {
		go func() {
			time.Sleep(time.Duration(k) * time.Second / time.Duration(callers))
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for n := range calls {
				began := time.Now()
				if err := s.call(k, n); err != nil {
					errs <- err
					return
				}
				out <- time.Since(began)
				<-tick.C
			}
			errs <- nil
		}()
	}
	for range callers {
		must(t, <-errs)
	}
	close(out)
	var all []time.Duration
	for d := range out {
		all = append(all, d)
	}
	return all
}
