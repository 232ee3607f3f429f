package keys

import "fmt"

// Rewrap says how the ciphertext of one table is found and sealed again, so that
// a rotation can reach every row and prove it. Each owner of a table states its
// own; the program gathers them into one Register.
type Rewrap struct {
	Table   string   // table that holds ciphertext
	Row     string   // column that names the row in the associated data
	Columns []string // columns that hold ciphertext
	Under   Purpose  // the tenant's purpose that seals them; Persons = the person's own key
	Person  string   // with Persons: the column that names the person
}

// Register is the full list of tables with ciphertext. It is a value built at
// the roof, not a registry that packages write to.
type Register []Rewrap

// Stored lists the tables of this package: the wrapped keys themselves.
func Stored() Rewrap {
	return Rewrap{Table: "person_key", Row: "person", Columns: []string{"wrapped"}, Under: Persons}
}

// Check refuses entries that could not be rotated, and tables named twice.
func (g Register) Check() error {
	seen := map[string]bool{}
	for _, r := range g {
		switch {
		case r.Table == "" || r.Row == "" || len(r.Columns) == 0 || r.Under == "":
			return fmt.Errorf("rewrap of table %q: table, row, columns and purpose are all needed", r.Table)
		case r.Under == Persons && r.Person == "" && r.Table != Stored().Table:
			return fmt.Errorf("rewrap of table %q: name the column that holds the person", r.Table)
		case seen[r.Table+"\x00"+string(r.Under)]:
			return fmt.Errorf("rewrap of table %q: named twice", r.Table)
		}
		seen[r.Table+"\x00"+string(r.Under)] = true
	}
	return nil
}
