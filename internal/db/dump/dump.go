// Package dump writes every row of a database as one transaction sees it, and loads
// such rows into a database that is made for them, on either engine.
//
//	{"table":"loan","columns":[…]} row row row … end     for every table
//	end                                                  with the number of tables
//
// A value carries its own kind, so that rows of one engine can be loaded on the other.
// What the migrations' library keeps is left out: the schema is made by migrations.
//
// Invariants: the rows of all tables are of one snapshot; a database is loaded whole
// or its loader fails, and then nobody may use it; indexes, references and the counters
// of identity columns are afterwards as the migrations made them, and every reference
// was checked.
//
// It must not know a table, nor where the rows come from or go to.
package dump

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
)

// ErrForm is the error of rows that cannot be read.
var ErrForm = errors.New("the rows of the backup cannot be read")

// table is one table and its columns, in the order of the rows.
type table struct {
	Name    string   `json:"table"`
	Columns []string `json:"columns"`
}

// The first byte of a value says what it is, and before a row that there is one.
const (
	null = iota
	number
	text
	raw

	noRow = 0
	aRow  = 1
)

// mostBytes bounds one value.
const mostBytes = 1 << 30

const (
	liteTables = `SELECT t.name, c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
		WHERE t.type = 'table' AND substr(t.name, 1, 7) <> 'sqlite_' AND t.name <> 'goose_db_version' ORDER BY t.name, c.cid`
	pgTables = `SELECT t.relname::text, c.attname::text FROM pg_class AS t JOIN pg_attribute AS c ON c.attrelid = t.oid
		WHERE t.relkind = 'r' AND t.relnamespace = 'public'::regnamespace AND c.attnum > 0 AND NOT c.attisdropped AND t.relname <> 'goose_db_version'
		ORDER BY t.relname, c.attnum`
	lastMigration = `SELECT MAX(version_id) FROM goose_db_version`
)

// Version gives the number of the last migration.
func Version(ctx context.Context, tx *db.Tx) (n int64, err error) {
	return n, tx.One(ctx, lastMigration, nil, &n)
}

// Write writes every row that the transaction sees. wrote, if given, is told now and
// then how many there are.
func Write(ctx context.Context, tx *db.Tx, out io.Writer, wrote func(rows int64)) error {
	query := liteTables
	if tx.Engine() == db.PostgreSQL {
		query = pgTables
	}
	var list []table
	_, err := db.All(ctx, tx, func(r *db.Rows) (none struct{}, err error) {
		var name, column string
		err = r.Scan(&name, &column)
		list = gathered(list, name, column)
		return none, err
	}, query)
	if err != nil {
		return err
	}
	w := &writer{out: bufio.NewWriterSize(out, 1<<16), wrote: wrote}
	for _, t := range list {
		if err := w.table(ctx, tx, t); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	w.uvarint(0)
	w.uvarint(uint64(len(list)))
	return w.out.Flush()
}

// gathered adds a column to the table that came last, or begins the next one.
func gathered(list []table, name, column string) []table {
	if n := len(list); n == 0 || list[n-1].Name != name {
		list = append(list, table{Name: name})
	}
	last := &list[len(list)-1]
	last.Columns = append(last.Columns, column)
	return list
}

// quoted gives names as both engines read them.
func quoted(names ...string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = `"` + strings.ReplaceAll(n, `"`, `""`) + `"`
	}
	return strings.Join(out, ", ")
}

// now and then is every so many rows.
const nowAndThen = 10_000

type writer struct {
	out   *bufio.Writer
	wrote func(rows int64)
	rows  int64
	small [binary.MaxVarintLen64]byte
}

// A bufio.Writer keeps its first error until Flush, so that these need none.

func (w *writer) uvarint(n uint64) { w.out.Write(binary.AppendUvarint(w.small[:0], n)) }

func (w *writer) bytes(kind byte, b []byte) {
	w.out.WriteByte(kind)
	w.uvarint(uint64(len(b)))
	w.out.Write(b)
}

func (w *writer) table(ctx context.Context, tx *db.Tx, t table) error {
	j, err := json.Marshal(t)
	if err != nil {
		return err
	}
	w.uvarint(uint64(len(j)))
	w.out.Write(j)
	rows, err := tx.Query(ctx, `SELECT `+quoted(t.Columns...)+` FROM `+quoted(t.Name))
	if err != nil {
		return err
	}
	defer rows.Close()
	values, dest := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i := range values {
		dest[i] = &values[i]
	}
	count := uint64(0)
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		w.out.WriteByte(aRow)
		for i, v := range values {
			if err := w.value(v); err != nil {
				return fmt.Errorf("column %s: %w", t.Columns[i], err)
			}
		}
		count++
		if w.rows++; w.rows%nowAndThen == 0 {
			if err := w.breathe(ctx); err != nil {
				return err
			}
		}
	}
	w.out.WriteByte(noRow)
	w.uvarint(count)
	return rows.Err()
}

// breathe tells how far it is, and ends where nobody waits any more or cannot take more.
func (w *writer) breathe(ctx context.Context) error {
	if w.wrote != nil {
		w.wrote(w.rows)
	}
	if err := w.out.Flush(); err != nil {
		return err
	}
	return ctx.Err()
}

func (w *writer) value(v any) error {
	switch v := v.(type) {
	case nil:
		w.out.WriteByte(null)
	case int64:
		w.out.WriteByte(number)
		w.out.Write(binary.AppendVarint(w.small[:0], v))
	case int32: // PostgreSQL's INTEGER
		return w.value(int64(v))
	case string:
		w.out.WriteByte(text)
		w.uvarint(uint64(len(v)))
		w.out.WriteString(v)
	case []byte:
		w.bytes(raw, v)
	default:
		return fmt.Errorf("a %T cannot be backed up", v)
	}
	return nil
}
