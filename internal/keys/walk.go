package keys

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
)

// Walk goes through every row that a purpose of one tenant holds, chunk by
// chunk, beside the tenant's traffic: to seal it again under the version in use,
// and to count what is not yet.
//
// A chunk is read, sealed again with no transaction open, and written in one
// short transaction by compare and swap, so that whoever wrote a row meanwhile
// wins: what they wrote is under the version in use already. Going over a chunk
// twice does no harm.
type Walk struct {
	DB       *db.DB // the tenant's database
	Persons  *Store
	Ring     *Ring
	Register Register
	Rows     int // in a chunk; 0 = 200
}

// Mark is where a walk stands: in which of the places that the purpose holds, and
// behind which row. Its zero value is the beginning.
type Mark struct {
	Place int    `json:"place"`
	Row   string `json:"row"`
}

// Chunk tells what one chunk held.
type Chunk struct {
	Next   Mark
	End    bool   // there is nothing behind it
	In     string // the table, or column, as Register.Holding names it
	Rows   int64  // rows that hold something of the purpose
	Left   int64  // of them, not under the version in use
	Broken int64  // of those left, refused: altered, or its key is not there
	First  string // the first row that is left
}

// change is one value to be replaced.
type change struct {
	column, row string
	old, new    []byte
}

// Turn seals the chunk behind a mark again. also runs in the transaction that
// writes it, where that is one of the tenant's database, and else after it: to
// note how far the walk has come.
func (w *Walk) Turn(ctx context.Context, p Purpose, from Mark, also func(context.Context, *db.Tx, Chunk) error) (Chunk, error) {
	c, list, table, err := w.look(ctx, p, from)
	if err != nil {
		return c, err
	}
	note := func(ctx context.Context, tx *db.Tx) error { return also(ctx, tx, c) }
	write := func(ctx context.Context, tx *db.Tx) error {
		for _, x := range list {
			_, err := tx.Exec(ctx, `UPDATE `+table.name+` SET `+x.column+` = ? WHERE `+table.row+` = ? AND `+x.column+` = ?`, x.new, x.row, x.old)
			if err != nil {
				return err
			}
		}
		return nil
	}
	if table.name == storeTable {
		if len(list) > 0 {
			if err := w.Persons.DB.Write(ctx, 0, write); err != nil {
				return c, fmt.Errorf("seal %s again: %w", c.In, err)
			}
		}
		return c, w.DB.Write(ctx, 0, note)
	}
	err = w.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		if err := write(ctx, tx); err != nil {
			return err
		}
		return note(ctx, tx)
	})
	if err != nil {
		return c, fmt.Errorf("seal %s again: %w", c.In, err)
	}
	return c, nil
}

// Count looks at the chunk behind a mark and changes nothing.
func (w *Walk) Count(ctx context.Context, p Purpose, from Mark) (Chunk, error) {
	c, _, _, err := w.look(ctx, p, from)
	return c, err
}

// walked is how the rows of a place are named in SQL.
type walked struct{ name, row string }

// look reads the chunk behind a mark, and works out what would have to be
// written.
func (w *Walk) look(ctx context.Context, p Purpose, from Mark) (Chunk, []change, walked, error) {
	n := from.Place
	for i := range w.Register.Sealed {
		if r := &w.Register.Sealed[i]; r.turns(p) {
			if n == 0 {
				c, list, err := w.sealed(ctx, p, r, from)
				return c, list, walked{r.Table, r.Row}, err
			}
			n--
		}
	}
	if p == BlindIndex && n < len(w.Register.Indexed) {
		b := &w.Register.Indexed[n]
		c, list, err := w.indexed(ctx, b, from)
		return c, list, walked{b.Table, b.Row}, err
	}
	return Chunk{Next: from, End: true}, nil, walked{}, nil
}

// next moves the mark behind the rows that were read.
func (w *Walk) next(c *Chunk, from Mark, read int, last string) {
	c.Next = Mark{Place: from.Place, Row: last}
	if read < w.rows() {
		c.Next = Mark{Place: from.Place + 1}
	}
}

func (w *Walk) rows() int {
	if w.Rows > 0 {
		return w.Rows
	}
	return 200
}

// left notes a row that is not under the version in use.
func (c *Chunk) left(row string, broken bool) {
	if c.Left++; c.First == "" {
		c.First = row
	}
	if broken {
		c.Broken++
	}
}

// sealed is a chunk of a table with ciphertext.
func (w *Walk) sealed(ctx context.Context, p Purpose, r *Rewrap, from Mark) (Chunk, []change, error) {
	c := Chunk{In: r.Table}
	type row struct {
		id    string
		cells [][]byte
	}
	some := make([]string, len(r.Columns))
	for i, column := range r.Columns {
		some[i] = "length(" + column + ") > 0"
	}
	query := `SELECT ` + r.Row + `, ` + strings.Join(r.Columns, ", ") + ` FROM ` + r.Table + ` WHERE ` + r.Row + ` > ? AND (` + strings.Join(some, " OR ") + `) ORDER BY 1 LIMIT ?`
	d := w.DB
	if r.Table == storeTable {
		d = w.Persons.DB
	}
	var rows []row
	err := d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = db.All(ctx, tx, func(s *db.Rows) (row, error) {
			x := row{cells: make([][]byte, len(r.Columns))}
			to := []any{&x.id}
			for i := range x.cells {
				to = append(to, &x.cells[i])
			}
			return x, s.Scan(to...)
		}, query, from.Row, w.rows())
		return err
	})
	if err != nil {
		return c, nil, fmt.Errorf("read %s: %w", r.Table, err)
	}
	var list []change
	last := ""
	for _, x := range rows {
		c.Rows++
		old, broken := false, false
		for i, cell := range x.cells {
			fresh, found, err := w.again(p, r, x.id, r.Columns[i], cell)
			switch {
			case err == ErrRefused:
				broken = true
			case err != nil:
				return c, nil, err
			case fresh != nil:
				list = append(list, change{column: r.Columns[i], row: x.id, old: cell, new: fresh})
			}
			old = old || found
		}
		if last = x.id; old {
			c.left(x.id, broken)
		}
	}
	w.next(&c, from, len(rows), last)
	return c, list, nil
}

// part is one ciphertext of a grouped column.
type part struct {
	Person string `json:"person,omitempty"`
	Cipher []byte `json:"cipher"`
}

// again seals one cell again. old reports whether anything in it is not under
// the version in use; ErrRefused that it cannot be opened.
func (w *Walk) again(p Purpose, r *Rewrap, row, column string, cell []byte) (fresh []byte, old bool, err error) {
	if len(cell) == 0 {
		return nil, false, nil
	}
	if !r.Grouped {
		return w.one(p, r, row, column, cell)
	}
	var parts []part
	if err := json.Unmarshal(cell, &parts); err != nil {
		return nil, true, ErrRefused
	}
	for i := range parts {
		if parts[i].Person != "" {
			continue
		}
		b, found, err := w.one(p, r, row, column, parts[i].Cipher)
		if err != nil {
			return nil, true, err
		}
		if old = old || found; b != nil {
			parts[i].Cipher = b
		}
	}
	if !old {
		return nil, false, nil
	}
	fresh, err = json.Marshal(parts)
	return fresh, true, err
}

func (w *Walk) one(p Purpose, r *Rewrap, row, column string, cipher []byte) (fresh []byte, old bool, err error) {
	use := versionOf(w.Ring.Using(p).Key)
	if v, ok := version(cipher); ok && v == use {
		return nil, false, nil
	}
	plain, err := w.Ring.unseal(p, cipher, r.place(), row, column)
	if err != nil {
		return nil, true, err
	}
	fresh, err = w.Ring.seal(p, plain, r.place(), row, column)
	clear(plain)
	return fresh, true, err
}

// indexed is a chunk of a column with blind indexes: each is made again from the
// value that it stands for, which is its proof too. Where that value cannot be
// had any more, the person was erased and the index goes.
func (w *Walk) indexed(ctx context.Context, b *Blind, from Mark) (Chunk, []change, error) {
	c := Chunk{In: b.Table + "." + b.Column}
	type row struct {
		id, person, bound string
		index, cipher     []byte
	}
	query := `SELECT ` + b.Row + `, ` + b.Person + `, ` + b.Column + `, ` + b.Sealed.Cipher + `, ` + b.Sealed.Row + ` FROM ` + b.Table +
		` WHERE ` + b.Row + ` > ? AND length(` + b.Column + `) > 0 ORDER BY 1 LIMIT ?`
	var rows []row
	err := w.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = db.All(ctx, tx, func(s *db.Rows) (x row, err error) {
			err = s.Scan(&x.id, &x.person, &x.index, &x.cipher, &x.bound)
			return x, err
		}, query, from.Row, w.rows())
		return err
	})
	if err != nil {
		return c, nil, fmt.Errorf("read %s: %w", c.In, err)
	}
	var persons []string
	for _, x := range rows {
		persons = append(persons, x.person)
	}
	found := map[string]*PersonKey{}
	if len(persons) > 0 {
		if found, _, err = w.Persons.load(ctx, persons, false); err != nil {
			return c, nil, err
		}
	}
	var list []change
	last := ""
	for _, x := range rows {
		c.Rows++
		last = x.id
		fresh, err := w.reindexed(b, found[x.person], x.bound, x.cipher)
		if err != nil {
			c.left(x.id, true)
		} else if !bytes.Equal(fresh, x.index) {
			c.left(x.id, false)
			list = append(list, change{column: b.Column, row: x.id, old: x.index, new: fresh})
		}
	}
	w.next(&c, from, len(rows), last)
	return c, list, nil
}

func (w *Walk) reindexed(b *Blind, key *PersonKey, row string, cipher []byte) ([]byte, error) {
	if key == nil || len(cipher) == 0 {
		return []byte{}, nil
	}
	plain, err := key.Unseal(b.Sealed.Table, row, b.Sealed.Column, cipher)
	if err != nil {
		return nil, err
	}
	normal := b.Normal(string(plain))
	clear(plain)
	if normal == "" {
		return []byte{}, nil
	}
	return w.Ring.BlindIndex(b.Field, normal), nil
}

// Held is how many rows of a place hold something.
type Held struct {
	In   string
	Rows int64
	More bool // the place is larger than was looked at
}

// Held counts what a purpose holds, looking at no more rows of a place than most.
// tx is one of the tenant's database.
func (w *Walk) Held(ctx context.Context, tx *db.Tx, p Purpose, most int) ([]Held, error) {
	var out []Held
	count := func(in, table string, columns ...string) error {
		h, looked := Held{In: in}, int64(0)
		query := `SELECT COUNT(*), COALESCE(SUM(CASE WHEN length(` + strings.Join(columns, ") > 0 OR length(") + `) > 0 THEN 1 ELSE 0 END), 0)
			FROM (SELECT ` + strings.Join(columns, ", ") + ` FROM ` + table + ` LIMIT ?) AS looked`
		ask := func(ctx context.Context, tx *db.Tx) error {
			return tx.One(ctx, query, []any{most + 1}, &looked, &h.Rows)
		}
		var err error
		if table == storeTable {
			err = w.Persons.DB.Read(ctx, 0, ask)
		} else {
			err = ask(ctx, tx)
		}
		if h.More = looked > int64(most); h.More {
			h.Rows = min(h.Rows, int64(most))
		}
		out = append(out, h)
		return err
	}
	for _, r := range w.Register.Sealed {
		if r.turns(p) {
			if err := count(r.Table, r.Table, r.Columns...); err != nil {
				return nil, err
			}
		}
	}
	for _, b := range w.Register.Indexed {
		if p == BlindIndex {
			if err := count(b.Table+"."+b.Column, b.Table, b.Column); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
