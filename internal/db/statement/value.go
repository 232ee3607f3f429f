package statement

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"unicode/utf8"

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

// Plain makes an argument one of nil, int64, float64, string and []byte, the
// same on both engines.
func Plain(arg any) (any, error) {
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
		return Plain(inner)
	}
	switch rv.Kind() {
	case reflect.Pointer:
		return Plain(rv.Elem().Interface())
	case reflect.String:
		return rv.String(), fitText(rv.String())
	case reflect.Bool:
		return Plain(rv.Bool())
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
			return Plain(rv.Bytes())
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
