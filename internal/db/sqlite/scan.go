package sqlite

import (
	"database/sql"
	"fmt"
	"reflect"

	"github.com/ncruces/go-sqlite3"
)

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
		if n := s.ColumnInt64(i); typ == sqlite3.INTEGER && (n == 0 || n == 1) {
			*d = n == 1
			return nil
		}
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
		return fmt.Errorf("sqlite: cannot scan into a %T", dest)
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
		var b bool
		err := scanColumn(s, i, &b)
		e.SetBool(b)
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
	return fmt.Errorf("sqlite: cannot scan %v into a %T", typ, dest)
}
