// Package register says of every column of every table whether it holds anything
// about a borrower or an applicant, and what becomes of it when that person is
// erased. The same list makes the erasure and the export, so that neither can
// forget a table that the other knows.
//
// Invariants:
//   - A column stands in exactly one list of its table; a test holds the register
//     against the schema of both engines. What is not classed is refused.
//   - What is overwritten was readable by whoever holds the database; what is
//     sealed was readable with the person's key alone, and is emptied all the same.
//   - An erasure touches the rows of its person and no others.
//
// It must not know why somebody is erased, nor whether they may be.
package register

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/secret"
)

// Person is everybody and everything that goes with one erasure or one export.
type Person struct {
	Borrower     id.Borrower // "" for an applicant who never became a borrower
	Applications []id.Application
	Loans        []id.Loan
}

// Keys names the person's keys: a borrower's, and one of each application.
func (p *Person) Keys() []string {
	var out []string
	if p.Borrower != "" {
		out = append(out, string(p.Borrower))
	}
	for _, a := range p.Applications {
		out = append(out, string(a))
	}
	return out
}

// Objects names what the trail and others know the person's matters by.
func (p *Person) Objects() []string {
	var out []string
	if p.Borrower != "" {
		out = append(out, "borrower/"+string(p.Borrower))
	}
	for _, a := range p.Applications {
		out = append(out, "application/"+string(a))
	}
	for _, l := range p.Loans {
		out = append(out, "loan/"+string(l))
	}
	return out
}

// Whose says by which set of a person's ids a column finds rows.
type Whose uint8

// The sets.
const (
	Borrowers Whose = iota + 1
	Applications
	Loans
	Objects
)

// Table says what one table holds about people. The lists hold names of columns;
// a name may end in a sign that says how an export writes it: $ money, % a rate in
// millionths of one per cent, # a date, @ an instant, :name,size a JSON object, of which
// it tells these members.
type Table struct {
	Name  string
	Title string // how an export calls its rows; "" where it tells nothing of them
	By    string // the column that finds a person's rows; "" for a table about nobody
	Whose Whose
	Also  string // a further condition, trusted SQL
	Order string // by which an export lists rows
	Row   string // what names a row where columns are sealed: a column, or trusted SQL
	Key   string // what names the person's key there; "" where By is it

	Sealed string // under the person's own key: opened in an export, emptied
	Files  string // under the person's own key, what a stored file holds: emptied, not exported as text
	Tenant string // sealed under a key of the tenant: emptied
	Words  string // tells who somebody is: overwritten with "[erased]"
	Blank  string // the same, emptied
	Lists  string // the same, a JSON list: emptied
	Copies string // copies for sorting: overwritten, not exported
	Index  string // bytes made of personal values: emptied, not exported
	Kept   string // about the person's matters and not who they are: exported, kept
	Inner  string // the house's own marks on such rows: kept, not exported
	Never  string // nothing about a borrower or an applicant

	Beside string // tells who somebody is, and is erased by other means, which How says
	How    string
	Gone   bool // rows are removed as a whole
}

// column is a column without its sign.
func column(name string) string {
	name, _, _ = strings.Cut(name, ":")
	return strings.TrimRight(name, "$%#@")
}

// Columns gives every column with the list that it stands in.
func (t *Table) Columns() map[string][]string {
	out := map[string][]string{}
	for list, names := range map[string]string{"sealed": t.Sealed, "files": t.Files, "tenant": t.Tenant, "words": t.Words, "blank": t.Blank, "lists": t.Lists, "copies": t.Copies,
		"index": t.Index, "kept": t.Kept, "inner": t.Inner, "never": t.Never, "beside": t.Beside} {
		for _, n := range strings.Fields(names) {
			out[column(n)] = append(out[column(n)], list)
		}
	}
	return out
}

// Check refuses a register that would erase the wrong rows or forget some.
func Check(tables []Table) error {
	seen := map[string]bool{}
	for _, t := range tables {
		personal := t.Sealed + t.Files + t.Tenant + t.Words + t.Blank + t.Lists + t.Copies + t.Index
		switch {
		case t.Name == "" || seen[t.Name]:
			return fmt.Errorf("register of persons: table %q is without a name or named twice", t.Name)
		case t.By == "" && personal != "":
			return fmt.Errorf("register of persons: nothing finds a person's rows of %s", t.Name)
		case (t.Beside == "") != (t.How == ""):
			return fmt.Errorf("register of persons: %s must say by what other means it is erased", t.Name)
		case t.By != "" && (t.Whose == 0 || t.Order == "" || t.Title == "" && t.Sealed+t.Words+t.Blank+t.Lists+t.Kept != ""):
			return fmt.Errorf("register of persons: %s needs whose ids it is found by, an order, and a title for what an export tells", t.Name)
		case t.Sealed != "" && t.Row == "":
			return fmt.Errorf("register of persons: %s must say what names a sealed row", t.Name)
		}
		seen[t.Name] = true
		for c, lists := range t.Columns() {
			if len(lists) != 1 {
				slices.Sort(lists)
				return fmt.Errorf("register of persons: %s.%s stands in %s", t.Name, c, strings.Join(lists, " and "))
			}
		}
	}
	return nil
}

// mine finds a person's rows of a table.
func (t *Table) mine(p *Person) db.Cond {
	var cond db.Cond
	switch t.Whose {
	case Borrowers:
		cond = db.Where(t.By+" = ? AND "+t.By+" <> ''", p.Borrower)
	case Applications:
		cond = db.In(t.By, p.Applications)
	case Loans:
		cond = db.In(t.By, p.Loans)
	case Objects:
		cond = db.In(t.By, p.Objects())
	}
	if t.Also != "" {
		cond = db.And(cond, db.Where(t.Also))
	}
	return cond
}

// Erase overwrites what every table holds about a person, in the caller's
// transaction, and gives the number of rows. Doing it twice is no error.
func Erase(ctx context.Context, tx *db.Tx, tables []Table, p *Person) (rows int64, err error) {
	for i := range tables {
		t := &tables[i]
		sets, args := t.overwriting()
		if t.By == "" || (len(sets) == 0 && !t.Gone) {
			continue
		}
		cond := t.mine(p)
		query := `UPDATE ` + t.Name + ` SET ` + strings.Join(sets, ", ")
		if t.Gone {
			query, args = `DELETE FROM `+t.Name, nil
		}
		n, err := tx.Exec(ctx, query+` WHERE `+cond.SQL(), append(args, cond.Args()...)...)
		if err != nil {
			return rows, fmt.Errorf("erasing from %s: %w", t.Name, err)
		}
		rows += n
	}
	return rows, nil
}

// overwriting gives what an erasure sets; a text that is empty stays so.
func (t *Table) overwriting() (sets []string, args []any) {
	for _, c := range strings.Fields(t.Words + " " + t.Copies) {
		sets = append(sets, column(c)+` = CASE WHEN `+column(c)+` = '' THEN '' ELSE '`+secret.ErasedText+`' END`)
	}
	for _, c := range strings.Fields(t.Blank) {
		sets = append(sets, column(c)+` = ''`)
	}
	for _, c := range strings.Fields(t.Lists) {
		sets = append(sets, column(c)+` = '[]'`)
	}
	for _, c := range strings.Fields(t.Sealed + " " + t.Files + " " + t.Tenant + " " + t.Index) {
		sets, args = append(sets, column(c)+` = ?`), append(args, []byte{})
	}
	return sets, args
}
