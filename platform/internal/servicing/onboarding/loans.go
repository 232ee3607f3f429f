package onboarding

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/schedule"
)

// lent takes a file of loans.
type lent struct {
	at                    int64
	today                 civil.Date
	by                    string
	portfolios, companies map[string]string // name → id
	seen                  map[string]int    // number → line
	rows                  []loanRow
	placed                bool
	last                  int64 // instant of the last id
}

// tick gives the instant of the next id, a millisecond after the one before:
// ids that rise let every index that begins with one grow at its end, which is
// what makes a large file quick.
func (x *lent) tick() int64 {
	x.last = max(x.last+1000, x.at)
	return x.last
}

type loanRow struct {
	line      int
	loan      *book.Loan
	reference string
	places    []string
	entries   []book.Entry
}

func (*lent) columns() []column {
	return []column{{name: "number", required: true}, {name: "borrower_reference", required: true}, {name: "principal", required: true}, {name: "annual_rate", required: true},
		{name: "term_months", required: true}, {name: "contract_date", required: true}, {name: "first_due"}, {name: "convention"}, {name: "opened_on"}, {name: "status"},
		{name: "source_company"}, {name: "portfolios"}, {name: "payments_made"}}
}

func (x *lent) kept() int { return len(x.rows) }

func (x *lent) read(r *record) {
	row := loanRow{line: r.line, reference: r.fields["borrower_reference"]}
	terms, opened := x.terms(r)
	number, err := book.CheckNumber(r.fields["number"])
	if err != nil {
		r.add("number", "Use at most 40 bytes without control characters.")
	}
	company := x.named(r, "source_company", x.companies)
	for name := range strings.SplitSeq(r.fields["portfolios"], ";") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		p, known := x.portfolios[name]
		if !known {
			r.add("portfolios", "Name portfolios that exist, with a semicolon between them.")
		} else if !slices.Contains(row.places, p) {
			row.places = append(row.places, p)
		}
	}
	status := r.fields["status"]
	if status != "" && status != book.Active && status != book.OnHold && status != book.Bankruptcy {
		r.add("status", "Choose active, on_hold or bankruptcy.")
	}
	if len(r.bad) > 0 {
		return
	}
	if line, twice := x.seen[number]; twice {
		r.add("number", fmt.Sprintf("This number stands in line %d already.", line))
		return
	}
	if row.loan, row.entries = x.loan(r, terms, opened, status); len(r.bad) > 0 {
		return
	}
	row.loan.Number, row.loan.Company = number, id.SourceCompany(company)
	x.placed = x.placed || len(row.places) > 0
	x.seen[number] = r.line
	x.rows = append(x.rows, row)
}

func (x *lent) named(r *record, column string, known map[string]string) string {
	name := r.fields[column]
	if name == "" {
		return ""
	}
	found, ok := known[name]
	if !ok {
		r.add(column, "Name one that exists.")
	}
	return found
}

func (x *lent) terms(r *record) (t schedule.Terms, opened civil.Date) {
	var err error
	f := r.fields
	if t.Principal, err = money.Parse(f["principal"]); err != nil {
		r.add("principal", `Write an amount as "250.00".`)
	}
	if t.Rate, err = schedule.ParseRate(f["annual_rate"]); err != nil {
		r.add("annual_rate", `Write per cent a year as "7.35", between 0 and 100.`)
	}
	if t.Months, err = strconv.Atoi(f["term_months"]); err != nil {
		r.add("term_months", "Write a whole number of months.")
	}
	date := func(column string) (d civil.Date) {
		if f[column] == "" {
			return 0
		}
		if d, err = civil.Parse(f[column]); err != nil {
			r.add(column, "Write a date as YYYY-MM-DD.")
		}
		return d
	}
	t.Contract, t.FirstDue, opened = date("contract_date"), date("first_due"), date("opened_on")
	if t.Contract > x.today.AddDays(366) {
		r.add("contract_date", "Give a date at most one year ahead.")
	}
	t.Convention = schedule.Convention(f["convention"])
	if t.Convention == "" {
		t.Convention = schedule.Thirty360
	}
	return t, opened
}

// loan makes the loan with the payments that its history says were made, each
// on its due date.
func (x *lent) loan(r *record, t schedule.Terms, opened civil.Date, status string) (*book.Loan, []book.Entry) {
	l, err := book.Fresh(t, opened, x.today)
	if err != nil {
		for _, bad := range fault.As(err).Fields {
			r.add(bad.Path, bad.Mend)
		}
		if len(r.bad) == 0 {
			r.add("", "These terms make no loan.")
		}
		return nil, nil
	}
	if status != "" {
		l.Status = status
	}
	l.ID, l.CreatedAt = id.New[id.Loan](x.tick()), x.at
	made := r.fields["payments_made"]
	if made == "" || made == "0" {
		return l, nil
	}
	n, err := strconv.Atoi(made)
	plan, planErr := t.Plan()
	if err != nil || planErr != nil || n < 0 || n > len(plan.Instalments) || plan.Instalments[max(n-1, 0)].Due > x.today {
		r.add("payments_made", "Give the number of instalments paid, at most those due until today.")
		return nil, nil
	}
	g := book.Ledger{}
	for _, row := range plan.Instalments[:n] {
		if row.Payment == 0 {
			continue
		}
		g.Entries = append(g.Entries, book.Entry{Loan: l.ID, Method: "other", Memo: "from the imported history", By: x.by,
			Posting: schedule.Posting{ID: id.New[id.Entry](x.tick()), Kind: schedule.Payment, Amount: row.Payment, Effective: row.Due, Posted: x.at}})
	}
	s, err := g.Replay(l, x.today)
	if err != nil {
		r.add("payments_made", "The payments of this history do not fit the terms.")
		return nil, nil
	}
	l.Take(s)
	return l, g.Entries
}

// debtor is what a loan copies from its borrower.
type debtor struct{ id, first, last, region, country string }

func debtors(ctx context.Context, tx *db.Tx, refs []string) (map[string]debtor, error) {
	in := db.In("b.reference", refs)
	found := map[string]debtor{}
	_, err := db.All(ctx, tx, func(r *db.Rows) (struct{}, error) {
		var ref string
		var d debtor
		err := r.Scan(&ref, &d.id, &d.first, &d.last, &d.region, &d.country)
		found[ref] = d
		return struct{}{}, err
	}, `SELECT b.reference, b.id, b.first_name, b.last_name, b.region, b.country FROM borrower b WHERE `+in.SQL()+`
		AND NOT EXISTS (SELECT 1 FROM import_run ir WHERE ir.id = b.import_id AND ir.landed_at = 0)`, in.Args()...)
	return found, err
}

func (x *lent) store(ctx context.Context, tx *db.Tx, run string, write bool, refuse func(int, string, string)) (int64, error) {
	rows := x.rows
	defer func() { x.rows = x.rows[:0] }()
	numbers, refs := make([]string, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		numbers[i], refs[i] = r.loan.Number, r.reference
	}
	taken, err := existing(ctx, tx, "loan", "number", numbers)
	if err != nil {
		return 0, err
	}
	known, err := debtors(ctx, tx, refs)
	if err != nil {
		return 0, err
	}
	var stored int64
	var loanRows, entryRows, placeRows [][]any
	for _, r := range rows {
		d, there := known[r.reference]
		switch {
		case taken[r.loan.Number]:
			refuse(r.line, "number", "Another loan has this number already.")
			continue
		case !there:
			refuse(r.line, "borrower_reference", "Give the reference of a borrower who exists; import borrowers first.")
			continue
		}
		l := r.loan
		l.Borrower, l.BorrowerKey, l.Region, l.Country, l.Import = id.Borrower(d.id), book.Fold(d.last, d.first), d.region, d.country, run
		loanRows = append(loanRows, l.Row())
		for i := range r.entries {
			entryRows = append(entryRows, r.entries[i].Row())
		}
		for _, p := range r.places {
			placeRows = append(placeRows, []any{l.ID, p, l.Number})
		}
		stored++
	}
	if !write || stored == 0 {
		return 0, nil
	}
	if err := tx.Bulk(ctx, book.InsertLoanSQL, loanRows); err != nil {
		return 0, err
	}
	if err := tx.Bulk(ctx, book.InsertEntrySQL, entryRows); err != nil {
		return 0, err
	}
	return stored, tx.Bulk(ctx, book.InsertPlaceSQL, placeRows)
}
