package keys

import (
	"fmt"
	"slices"
)

// Rewrap says how the ciphertext of one table is found and sealed again, so that
// a rotation can reach every row and prove it. Each owner of a table states its
// own; the program gathers them into one Register. Row and Person are a column,
// or trusted SQL over the table.
type Rewrap struct {
	Table   string   // table that holds ciphertext
	Row     string   // what names the row in the associated data; no two rows alike
	Columns []string // columns that hold ciphertext, empty for none
	Under   Purpose  // the tenant's purpose that seals them; Persons = the person's own key
	Person  string   // with Persons: what names the person
	Place   string   // the table's name in the associated data, if it is not Table: rows that move keep theirs
	Grouped bool     // a column holds JSON [{"person","cipher"}]; what names a person lies under the person's key
}

// Blind says how the blind index of one column is made again from the sealed
// value that it stands for.
type Blind struct {
	Table  string
	Row    string // as in Rewrap
	Column string // the column that holds the index, empty for none
	Person string // what names the person under whose key the value lies
	Sealed Place  // where the value is sealed: expressions over Table
	Field  string // the field's name in BlindIndex
	Normal func(plain string) string
}

// Place is where one sealed value lies: its ciphertext and the row that it is
// bound to are columns of a table, or trusted SQL; table and column are names in
// the associated data.
type Place struct{ Cipher, Row, Table, Column string }

// Register is the full list of what is sealed and of what is indexed. It is a
// value built at the roof, not a registry that packages write to.
type Register struct {
	Sealed  []Rewrap
	Indexed []Blind
}

// Stored lists the tables of this package: the wrapped keys themselves.
func Stored() Rewrap {
	return Rewrap{Table: storeTable, Row: "person", Columns: []string{"wrapped"}, Under: Persons}
}

// storeTable lies in the key store; every other table in the tenant's database.
const storeTable = "person_key"

// place is the table's name in the associated data.
func (r *Rewrap) place() string {
	if r.Place != "" {
		return r.Place
	}
	return r.Table
}

// turns reports whether a rotation of the purpose seals the table's rows again.
// A person's own key stays as it is: only its wrapping is turned.
func (r *Rewrap) turns(p Purpose) bool {
	return r.Under == p && (p != Persons || r.Table == storeTable)
}

// Holding names the tables, or columns with an index, that a purpose holds.
func (g Register) Holding(p Purpose) []string {
	var out []string
	for _, r := range g.Sealed {
		if r.turns(p) {
			out = append(out, r.Table)
		}
	}
	for _, b := range g.Indexed {
		if p == BlindIndex {
			out = append(out, b.Table+"."+b.Column)
		}
	}
	return out
}

// Check refuses entries that could not be rotated, and tables named twice.
func (g Register) Check() error {
	seen := map[string]bool{}
	once := func(name string) error {
		if seen[name] {
			return fmt.Errorf("rewrap of %q: named twice", name)
		}
		seen[name] = true
		return nil
	}
	for _, r := range g.Sealed {
		switch {
		case r.Table == "" || r.Row == "" || len(r.Columns) == 0 || slices.Contains(r.Columns, "") || !r.Under.known():
			return fmt.Errorf("rewrap of table %q: table, row, columns and purpose are all needed", r.Table)
		case r.Under == Persons && r.Person == "" && r.Table != storeTable:
			return fmt.Errorf("rewrap of table %q: name the column that holds the person", r.Table)
		}
		for _, c := range r.Columns {
			if err := once(r.Table + "." + c); err != nil {
				return err
			}
		}
	}
	for _, b := range g.Indexed {
		if b.Table == "" || b.Row == "" || b.Column == "" || b.Person == "" || b.Field == "" || b.Normal == nil || b.Sealed.Cipher == "" || b.Sealed.Row == "" || b.Sealed.Table == "" || b.Sealed.Column == "" {
			return fmt.Errorf("index %s.%s: it must say from which sealed value of which person it is made", b.Table, b.Column)
		}
		if err := once(b.Table + "." + b.Column); err != nil {
			return err
		}
	}
	return nil
}
