package db

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/ncruces/go-sqlite3"

	"github.com/lendkeep/lendkeep/internal/fault"
)

// Bool is a boolean that is stored as BIGINT 0 or 1 on both engines.
type Bool bool

// Scan reads 0 or 1, and what a comparison gives on PostgreSQL.
func (b *Bool) Scan(src any) error {
	switch v := src.(type) {
	case bool:
		*b = Bool(v)
		return nil
	case int64:
		if v == 0 || v == 1 {
			*b = v == 1
			return nil
		}
	}
	return errors.New("db: a boolean column holds something else than 0 or 1")
}

// Value gives 0 or 1.
func (b Bool) Value() (driver.Value, error) {
	if b {
		return int64(1), nil
	}
	return int64(0), nil
}

// LikeEscape makes text stand for itself inside a LIKE pattern. The statement
// must say `LIKE ? ESCAPE '\'`.
func LikeEscape(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}

// plain makes an argument one of nil, int64, float64, string and []byte, the
// same on both engines.
func plain(arg any) (any, error) {
	switch v := arg.(type) {
	case nil, int64, float64:
		return v, nil
	case string:
		return v, fitText(v)
	case []byte:
		if v == nil {
			return nil, nil
		}
		return v, nil
	case int:
		return int64(v), nil
	case bool:
		n, _ := Bool(v).Value()
		return n, nil
	}
	rv := reflect.ValueOf(arg)
	if rv.Kind() == reflect.Pointer && rv.IsNil() {
		return nil, nil
	}
	if v, ok := arg.(driver.Valuer); ok {
		inner, err := v.Value()
		if err != nil {
			return nil, err
		}
		if _, again := inner.(driver.Valuer); again {
			return nil, fmt.Errorf("db: a %T cannot be stored", arg)
		}
		return plain(inner)
	}
	switch rv.Kind() {
	case reflect.Pointer:
		return plain(rv.Elem().Interface())
	case reflect.String:
		return rv.String(), fitText(rv.String())
	case reflect.Bool:
		return plain(rv.Bool())
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int, reflect.Int64:
		return rv.Int(), nil
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint, reflect.Uint64:
		if rv.Uint() <= math.MaxInt64 {
			return int64(rv.Uint()), nil
		}
	case reflect.Float32, reflect.Float64:
		return rv.Float(), nil
	case reflect.Slice:
		if rv.Type().Elem().Kind() == reflect.Uint8 {
			return plain(rv.Bytes())
		}
	}
	return nil, fmt.Errorf("db: a %T cannot be stored: instants are int64 microseconds, the rest is text, bytes or a number", arg)
}

// fitText refuses what PostgreSQL cannot store, on both engines.
func fitText(s string) error {
	if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
		return fault.New(fault.Invalid, "text", "Some text holds characters that cannot be stored. Remove control characters and try again.")
	}
	return nil
}

// bind gives argument i (from 1) to a statement.
func bind(s *sqlite3.Stmt, i int, arg any) error {
	v, err := plain(arg)
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case string:
		return s.BindText(i, v)
	case int64:
		return s.BindInt64(i, v)
	case []byte:
		return s.BindBlob(i, v)
	case float64:
		return s.BindFloat(i, v)
	}
	return s.BindNull(i)
}

// scanColumn copies column i (from 0) to dest, as strictly as PostgreSQL would.
func scanColumn(s *sqlite3.Stmt, i int, dest any) error {
	typ := s.ColumnType(i)
	switch d := dest.(type) {
	case *string:
		if typ == sqlite3.TEXT {
			*d = s.ColumnText(i)
			return nil
		}
	case *int64:
		if typ == sqlite3.INTEGER {
			*d = s.ColumnInt64(i)
			return nil
		}
	case *[]byte:
		switch typ {
		case sqlite3.NULL:
			*d = nil
			return nil
		case sqlite3.BLOB, sqlite3.TEXT:
			*d = append([]byte{}, s.ColumnRawBlob(i)...)
			return nil
		}
	case *bool:
		return (*Bool)(d).Scan(column(s, i, typ))
	case *any:
		*d = column(s, i, typ)
		return nil
	case sql.Scanner:
		return d.Scan(column(s, i, typ))
	default:
		return scanKind(s, i, typ, dest)
	}
	return misfit(typ, dest)
}

// column gives a column's value as database/sql knows it.
func column(s *sqlite3.Stmt, i int, typ sqlite3.Datatype) any {
	switch typ {
	case sqlite3.INTEGER:
		return s.ColumnInt64(i)
	case sqlite3.FLOAT:
		return s.ColumnFloat(i)
	case sqlite3.TEXT:
		return s.ColumnText(i)
	case sqlite3.BLOB:
		return append([]byte{}, s.ColumnRawBlob(i)...)
	}
	return nil
}

// scanKind is scanColumn for named types and pointers to pointers.
func scanKind(s *sqlite3.Stmt, i int, typ sqlite3.Datatype, dest any) error {
	rv := reflect.ValueOf(dest)
	if rv.Kind() != reflect.Pointer || rv.IsNil() {
		return fmt.Errorf("db: cannot scan into a %T", dest)
	}
	e := rv.Elem()
	switch k := e.Kind(); {
	case k == reflect.Pointer:
		if typ == sqlite3.NULL {
			e.SetZero()
			return nil
		}
		p := reflect.New(e.Type().Elem())
		if err := scanColumn(s, i, p.Interface()); err != nil {
			return err
		}
		e.Set(p)
		return nil
	case k == reflect.String && typ == sqlite3.TEXT:
		e.SetString(s.ColumnText(i))
		return nil
	case e.CanInt() && typ == sqlite3.INTEGER && !e.OverflowInt(s.ColumnInt64(i)):
		e.SetInt(s.ColumnInt64(i))
		return nil
	case e.CanUint() && typ == sqlite3.INTEGER && s.ColumnInt64(i) >= 0 && !e.OverflowUint(uint64(s.ColumnInt64(i))):
		e.SetUint(uint64(s.ColumnInt64(i)))
		return nil
	case e.CanFloat() && (typ == sqlite3.FLOAT || typ == sqlite3.INTEGER):
		e.SetFloat(s.ColumnFloat(i))
		return nil
	case k == reflect.Bool:
		var b Bool
		err := b.Scan(column(s, i, typ))
		e.SetBool(bool(b))
		return err
	case k == reflect.Slice && e.Type().Elem().Kind() == reflect.Uint8:
		var b []byte
		err := scanColumn(s, i, &b)
		e.SetBytes(b)
		return err
	}
	return misfit(typ, dest)
}

func misfit(typ sqlite3.Datatype, dest any) error {
	return fmt.Errorf("db: cannot scan %v into a %T", typ, dest)
}
