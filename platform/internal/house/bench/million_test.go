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
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/onboarding"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/schedule"
)

const million = 1_000_000

// crowd opens the shop with a million loans, and makes it on first use: it is
// kept in the folder for temporary files, and on the PostgreSQL server, because
// making it takes minutes.
func crowd(t testing.TB, e db.Engine) *shop {
	t.Helper()
	folder := filepath.Join(os.TempDir(), "lendkeep-bench", e.String())
	if e == db.PostgreSQL {
		u, err := url.Parse(os.Getenv(dbtest.Variable))
		must(t, err)
		folder += "-" + u.Port()
	}
	const prefix = "bench_million_"
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
			fmt.Printf("a million loans on %s took %s\n", e, time.Since(began).Round(time.Second))
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

// crowd fills the shop: a thousand borrowers from a file, whose keys are real,
// fifty thousand more, a million loans, of which one in a hundred is in Narrow
// and three in ten in Wide. The investor sees Narrow, the underwriter Wide.
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
	r := rand.New(rand.NewPCG(5, 6))
	ids := make([]id.Loan, million)
	number := func(i int) string { return fmt.Sprintf("L-%07d", i) }
	s.bulk(t, book.InsertLoanSQL, million, func(i int) []any {
		ids[i] = id.New[id.Loan](at + int64(i)*1000)
		k := i / (million / len(borrowers))
		principal := money.Amount(100_000 + r.IntN(5_000_000))
		l := book.Loan{ID: ids[i], Number: number(i), Borrower: borrowers[k], Company: id.SourceCompany(company), Status: book.Active,
			Terms:    schedule.Terms{Principal: principal, Rate: 7_350_000, Months: 60, Convention: "30/360", Contract: civil.Must(2026, 10, 1+i%28)},
			OpenedOn: civil.Must(2026, 10, 1+i%28), Payment: principal / 50, BorrowerKey: fmt.Sprintf("number%06d person", k), Region: "NY", Country: "US", CreatedAt: at,
			Cached: schedule.Cached{PrincipalBalance: principal - money.Amount(r.IntN(100_000)), NextDue: civil.Must(2027, 1, 1), NextAmount: principal / 50}}
		return l.Row()
	})
	type place struct {
		loan      int
		portfolio string
	}
	var places []place
	for i := range million {
		name := "Main"
		switch {
		case i%100 == 7:
			name = "Narrow"
		case i%10 < 3:
			name = "Wide"
		}
		places = append(places, place{i, portfolios[name]})
	}
	s.bulk(t, `INSERT INTO loan_portfolio (loan_id, portfolio_id, number) VALUES (?, ?, ?)`, len(places), func(i int) []any {
		return []any{ids[places[i].loan], places[i].portfolio, number(places[i].loan)}
	})
	must(t, s.t.DB.WriteExclusive(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE loan_tally SET loans = ?, borrowers = ? WHERE id = 1`, million, len(borrowers)+1000); err != nil {
			return err
		}
		for role, portfolio := range map[string]string{"investor": "Narrow", "underwriter": "Wide"} {
			x := policy.Restriction{ID: id.New[id.Restriction](tx.At), Name: portfolio, Visible: `loan.portfolios.overlaps(["` + portfolio + `"])`}
			if err := policy.InsertRestriction(ctx, tx, &x); err != nil {
				return err
			}
			if err := policy.Assign(ctx, tx, s.people.Users[role], []id.Restriction{x.ID}); err != nil {
				return err
			}
		}
		return policy.Bump(ctx, tx)
	}))
	s.analyze(t)
	must(t, s.desk.BuildVisibleSets(ctx, s.t))
	s.analyze(t)
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

func TestPages(t *testing.T) {
	engines(t, func(t *testing.T, e db.Engine) {
		s := crowd(t, e)
		s.audited(false)
		address := serve(t, s.api.Handler(), nil)
		l := lines(t, 1, address, nil)
		for _, sort := range []string{"", "-principal_balance", "borrower"} {
			page := func(role string) *side {
				return asking(role, l, [][]byte{get("/api/v1/loans?limit=50&sort="+sort, s.people.Keys[role])})
			}
			all, narrow, wide := page("manager"), page("investor"), page("underwriter")
			for role, want := range map[string]string{"manager": "1000000", "investor": "10000", "underwriter": "300000"} {
				body, err := l[0].answered(get("/api/v1/loans?limit=50&sort="+sort, s.people.Keys[role]), 200)
				must(t, err)
				if got := between(string(body), `"total":`, ","); got != want || between(string(body), `"total_is":"`, `"`) != "exact" {
					t.Fatalf("%s: total %s, want %s", role, got, want)
				}
			}
			duel(t, turns(), 40, 1, all, narrow, wide)
			by := "by number"
			if sort != "" {
				by = "by " + sort
			}
			for _, x := range []struct {
				what string
				*side
			}{{"page of 50 + total, 1 % of 1,000,000, ", narrow}, {"page of 50 + total, 30 % of 1,000,000, ", wide}} {
				r := 1 / share(x.side, all)
				tell(figure{"6", e.String(), x.what + by, us(x.median()), us(all.median()) + " (unrestricted)", fmt.Sprintf("%.2f×", r), "≤ 2×", met(r <= 2)})
			}
		}
	})
}

func TestFiftyUsers(t *testing.T) {
	engines(t, func(t *testing.T, e db.Engine) {
		s := crowd(t, e)
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
