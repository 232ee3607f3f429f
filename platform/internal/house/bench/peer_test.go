//go:build bench

package bench

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/db/sqlite"
)

// bare is the peer: what a handler costs that asks the database and answers,
// and does nothing that a lender could rely on: no caller, no right, no scope,
// no snapshot, no sealed field, no entry.
type bare interface {
	// loan gives the columns of one loan, its borrower and source company, then
	// (with all) the names of its portfolios and its custom fields.
	loan(r *http.Request, id string, how int) (*bareLoan, error)
}

// How the peer asks: one SELECT for loan, borrower and source company; the
// three that our answer needs, one after the other; or these in one round trip.
const (
	justOne = iota
	oneByOne
	together
)

const bareColumns = `SELECT l.id, l.number, l.borrower_id, l.source_company_id, l.application_id, l.status,
	l.principal, l.annual_rate, l.term_months, l.convention, l.contract_date, l.first_due, l.opened_on,
	l.principal_balance, l.fees_due, l.oldest_unpaid_due, l.next_due, l.next_amount, l.level_payment,
	l.borrower_key, l.borrower_region, l.borrower_country, l.import_id, l.created_at,
	b.id, b.reference, b.first_name, b.last_name, b.city, b.region, b.postal_code, b.country, b.created_at, b.updated_at, b.email, b.phone, b.date_of_birth, b.ssn, b.line1,
	COALESCE(sc.name, '')
	FROM loan l JOIN borrower b ON b.id = l.borrower_id LEFT JOIN source_company sc ON sc.id = l.source_company_id WHERE l.id = `
const bareLanded = ` AND (l.import_id = '' OR EXISTS (SELECT 1 FROM import_run r WHERE r.id = l.import_id AND r.landed_at > 0))`
const barePortfolios = `SELECT lp.loan_id, p.name FROM loan_portfolio lp JOIN portfolio p ON p.id = lp.portfolio_id WHERE lp.loan_id = `
const bareCustom = `SELECT f.id, f.name, f.kind, f.class, COALESCE(v.text_value, f.default_text), COALESCE(v.number_value, f.default_number), v.sealed
	FROM custom_field f LEFT JOIN custom_value v ON v.field_id = f.id AND v.loan_id = `

// bareLoan is the answer: as many fields as ours.
type bareLoan struct {
	ID, Number, BorrowerID, CompanyID, Application, Status                               string
	Principal, Rate, Months                                                              int64
	Convention                                                                           string
	Contract, FirstDue, Opened, Balance, Fees, Oldest, NextDue, NextAmount, LevelPayment int64
	Key, Region, Country, Import                                                         string `json:"-"`
	CreatedAt                                                                            int64
	Borrower                                                                             bareBorrower
	Company                                                                              string
	Portfolios                                                                           []string
	Custom                                                                               []string
}

type bareBorrower struct {
	ID, Reference, First, Last, City, Region, Postal, Country string
	CreatedAt, UpdatedAt                                      int64
	Email, Phone, Birth, SSN, Line1                           []byte
}

func (l *bareLoan) dest() []any {
	b := &l.Borrower
	return []any{&l.ID, &l.Number, &l.BorrowerID, &l.CompanyID, &l.Application, &l.Status, &l.Principal, &l.Rate, &l.Months, &l.Convention,
		&l.Contract, &l.FirstDue, &l.Opened, &l.Balance, &l.Fees, &l.Oldest, &l.NextDue, &l.NextAmount, &l.LevelPayment, &l.Key, &l.Region, &l.Country, &l.Import, &l.CreatedAt,
		&b.ID, &b.Reference, &b.First, &b.Last, &b.City, &b.Region, &b.Postal, &b.Country, &b.CreatedAt, &b.UpdatedAt, &b.Email, &b.Phone, &b.Birth, &b.SSN, &b.Line1, &l.Company}
}

// bareHandler serves the loan in each of these ways.
func bareHandler(p bare) http.Handler {
	mux := http.NewServeMux()
	serve := func(how int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			l, err := p.loan(r, r.PathValue("id"), how)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			body, err := json.Marshal(l)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			_, _ = w.Write(body)
		}
	}
	mux.HandleFunc("GET /one/{id}", serve(justOne))
	mux.HandleFunc("GET /all/{id}", serve(oneByOne))
	mux.HandleFunc("GET /together/{id}", serve(together))
	return mux
}

// bareOf opens the shop's own database beside it.
func bareOf(t testing.TB, s *shop) bare {
	t.Helper()
	if s.engine == db.PostgreSQL {
		c, err := pgxpool.ParseConfig(os.Getenv(dbtest.Variable))
		must(t, err)
		c.ConnConfig.Database = s.prefix + "bench"
		c.MaxConns = 8
		pool, err := pgxpool.NewWithConfig(ctx, c)
		must(t, err)
		t.Cleanup(pool.Close)
		return barePostgres{pool}
	}
	files, err := filepath.Glob(filepath.Join(s.folder, "*.db"))
	must(t, err)
	var found []string
	err = filepath.WalkDir(s.folder, func(p string, e os.DirEntry, err error) error {
		if filepath.Base(p) == "bench.db" || filepath.Base(p) == "tenant.db" {
			found = append(found, p)
		}
		return err
	})
	must(t, err)
	if len(found) != 1 {
		t.Fatalf("which file holds the loans? %v %v", files, found)
	}
	f, err := sqlite.Open(sqlite.Config{Path: found[0], Key: s.t.Ring.PageKey(), Fit: func(a any) (any, error) { return a, nil }, Admit: func(string) error { return nil }})
	must(t, err)
	t.Cleanup(f.Close)
	p := bareSQLite{make(chan *sqlite.Conn, 4)}
	for range 4 {
		c, err := f.Connect(ctx, true)
		must(t, err)
		t.Cleanup(func() { _ = c.Close() })
		p.conns <- c
	}
	return p
}

type bareSQLite struct{ conns chan *sqlite.Conn }

func (p bareSQLite) loan(r *http.Request, id string, how int) (*bareLoan, error) {
	c := <-p.conns
	defer func() { p.conns <- c }()
	l := new(bareLoan)
	rows := func(query string, row func() []any, keep func()) error {
		st, err := c.Start(query, []any{id})
		if err != nil {
			return err
		}
		defer st.Release()
		for {
			if more, err := st.Step(r.Context()); !more {
				return err
			}
			if err := st.Scan(row()); err != nil {
				return err
			}
			keep()
		}
	}
	err := rows(bareColumns+"?"+bareLanded, l.dest, func() {})
	if err != nil || how == justOne {
		return l, err
	}
	return l, l.rest("?", rows)
}

// rest asks for portfolios and custom fields.
func (l *bareLoan) rest(mark string, rows func(query string, row func() []any, keep func()) error) error {
	var of, name, kind, class, text string
	var number int64
	var sealed []byte
	err := rows(barePortfolios+mark+" ORDER BY p.name", func() []any { return []any{&of, &name} }, func() { l.Portfolios = append(l.Portfolios, name) })
	if err != nil {
		return err
	}
	return rows(bareCustom+mark+" ORDER BY f.name", func() []any { return []any{&of, &name, &kind, &class, &text, &number, &sealed} }, func() { l.Custom = append(l.Custom, name, text) })
}

type barePostgres struct{ pool *pgxpool.Pool }

func (p barePostgres) loan(r *http.Request, id string, how int) (*bareLoan, error) {
	l := new(bareLoan)
	if how == together {
		return l, p.batch(r, id, l)
	}
	if err := p.pool.QueryRow(r.Context(), bareColumns+"$1"+bareLanded, id).Scan(l.dest()...); err != nil || how == justOne {
		return l, err
	}
	return l, l.rest("$1", func(query string, row func() []any, keep func()) error {
		rows, err := p.pool.Query(r.Context(), query, id)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := rows.Scan(row()...); err != nil {
				return err
			}
			keep()
		}
		return rows.Err()
	})
}

// batch sends all three at once.
func (p barePostgres) batch(r *http.Request, id string, l *bareLoan) error {
	b := &pgx.Batch{}
	b.Queue(bareColumns+"$1"+bareLanded, id)
	b.Queue(barePortfolios+"$1 ORDER BY p.name", id)
	b.Queue(bareCustom+"$1 ORDER BY f.name", id)
	results := p.pool.SendBatch(r.Context(), b)
	defer results.Close()
	if err := results.QueryRow().Scan(l.dest()...); err != nil {
		return err
	}
	return l.rest("", func(_ string, row func() []any, keep func()) error {
		rows, err := results.Query()
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := rows.Scan(row()...); err != nil {
				return err
			}
			keep()
		}
		return rows.Err()
	})
}
