package onboarding

import (
	"context"
	"fmt"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// people takes a file of borrowers.
type people struct {
	t     *tenant.Tenant
	today civil.Date
	seen  map[string]int // reference → line
	rows  []personRow
	last  int64
}

type personRow struct {
	line int
	p    book.Person
}

func (*people) columns() []column {
	return []column{{name: "reference", required: true}, {name: "first_name", required: true}, {name: "last_name", required: true},
		{name: "email"}, {name: "phone", plus: true}, {name: "date_of_birth"}, {name: "ssn"},
		{name: "line1"}, {name: "city"}, {name: "region"}, {name: "postal_code"}, {name: "country"}}
}

func (x *people) kept() int { return len(x.rows) }

func (x *people) read(r *record) {
	f := r.fields
	p := book.Person{Reference: f["reference"], First: f["first_name"], Last: f["last_name"], Email: f["email"], Phone: f["phone"], SSN: f["ssn"],
		Address: book.Address{Line1: f["line1"], City: f["city"], Region: f["region"], PostalCode: f["postal_code"], Country: f["country"]}}
	if text := f["date_of_birth"]; text != "" {
		d, err := civil.Parse(text)
		if err != nil {
			r.add("date_of_birth", "Write a date as YYYY-MM-DD.")
		}
		p.Birth = d
	}
	if err := p.Check(x.today); err != nil {
		for _, bad := range fault.As(err).Fields {
			r.add(strings.TrimPrefix(bad.Path, "address."), bad.Mend)
		}
	}
	if len(r.bad) > 0 {
		return
	}
	if line, twice := x.seen[p.Reference]; twice {
		r.add("reference", fmt.Sprintf("This reference stands in line %d already.", line))
		return
	}
	x.seen[p.Reference] = r.line
	x.rows = append(x.rows, personRow{r.line, p})
}

func (x *people) store(ctx context.Context, tx *db.Tx, run string, write bool, refuse func(int, string, string)) (int64, error) {
	rows := x.rows
	defer func() { x.rows = x.rows[:0] }()
	refs := make([]string, len(rows))
	for i, r := range rows {
		refs[i] = r.p.Reference
	}
	taken, err := existing(ctx, tx, "borrower", "reference", refs)
	if err != nil {
		return 0, err
	}
	var good []personRow
	var ids []string
	for _, r := range rows {
		if taken[r.p.Reference] {
			refuse(r.line, "reference", "Another borrower has this reference already.")
			continue
		}
		good = append(good, r)
		x.last = max(x.last+1000, tx.At) // ids that rise: see lent.tick
		ids = append(ids, string(id.New[id.Borrower](x.last)))
	}
	if !write || len(good) == 0 {
		return 0, nil
	}
	keys, err := x.t.Persons.Create(ctx, ids...)
	if err != nil {
		return 0, err
	}
	bulk := make([][]any, len(good))
	for i, r := range good {
		if bulk[i], err = book.BorrowerRow(x.t.Ring, keys[ids[i]], id.Borrower(ids[i]), r.p, run, tx.At); err != nil {
			return 0, err
		}
	}
	return int64(len(good)), tx.Bulk(ctx, book.InsertBorrowerSQL, bulk)
}

// existing finds which of the values stand in a column. Table and column are
// ours.
func existing(ctx context.Context, tx *db.Tx, table, column string, values []string) (map[string]bool, error) {
	in := db.In(column, values)
	found := map[string]bool{}
	_, err := db.All(ctx, tx, func(r *db.Rows) (struct{}, error) {
		var s string
		err := r.Scan(&s)
		found[s] = true
		return struct{}{}, err
	}, `SELECT `+column+` FROM `+table+` WHERE `+in.SQL(), in.Args()...)
	return found, err
}
