package book

import (
	"context"
	"errors"
	"regexp"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/money"
)

// CustomField is a field of the tenant's own on loans. Only public ones can
// stand in a restriction; the values of others are sealed.
type CustomField struct {
	ID            id.CustomField
	Name          string
	Kind          string // text, int, money, date, bool
	Class         string // public, personal, sensitive
	DefaultText   string
	DefaultNumber int64
	CreatedAt     int64
}

// CustomKinds lists the kinds of custom fields.
func CustomKinds() []string { return []string{"text", "int", "money", "date", "bool"} }

// CustomFields lists all custom fields by name.
func CustomFields(ctx context.Context, tx *db.Tx) ([]CustomField, error) {
	return db.All(ctx, tx, func(r *db.Rows) (f CustomField, err error) {
		return f, r.Scan(&f.ID, &f.Name, &f.Kind, &f.Class, &f.DefaultText, &f.DefaultNumber, &f.CreatedAt)
	}, `SELECT id, name, kind, class, default_text, default_number, created_at FROM custom_field ORDER BY name`)
}

var customName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// AddCustomField stores a checked custom field; Conflict if the name is taken.
func AddCustomField(ctx context.Context, tx *db.Tx, f CustomField) (id.CustomField, error) {
	f.ID = id.New[id.CustomField](tx.At)
	_, err := tx.Exec(ctx, `INSERT INTO custom_field (id, name, kind, class, default_text, default_number, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		f.ID, f.Name, f.Kind, f.Class, f.DefaultText, f.DefaultNumber, tx.At)
	return f.ID, taken(err, "custom field")
}

// CheckCustomField checks a new field and reads its default.
func CheckCustomField(name, kind, class, standard string) (CustomField, error) {
	var c fault.Collector
	f := CustomField{Name: name, Kind: kind, Class: class}
	c.Check(customName.MatchString(name) && !reservedWord(name), "name", "Use lower-case letters, digits and underscores, beginning with a letter (at most 40); words of the expression language are taken.")
	c.Check(class == "public" || class == "personal" || class == "sensitive", "class", "Choose public, personal or sensitive.")
	var err error
	switch kind {
	case "text", "int", "money", "date", "bool":
		if standard != "" || kind == "text" {
			f.DefaultText, f.DefaultNumber, err = f.Read(standard)
			c.Merge("default", err)
		}
	default:
		c.Add("kind", "Choose text, int, money, date or bool.")
	}
	return f, c.Err()
}

func reservedWord(s string) bool {
	switch s {
	case "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop", "package", "namespace", "null", "return", "true", "var", "void", "while":
		return true
	}
	return false
}

// Read reads a value as people write it: text as it is, a whole number, an
// amount, a date, true or false.
func (f CustomField) Read(given string) (text string, number int64, err error) {
	switch f.Kind {
	case "int":
		n, err := strconv.ParseInt(given, 10, 64)
		if err != nil {
			return "", 0, fault.Bad("", "Give a whole number.")
		}
		return "", n, nil
	case "money":
		a, err := money.Parse(given)
		if err != nil {
			return "", 0, fault.Bad("", `Give an amount written as "250.00".`)
		}
		return "", int64(a), nil
	case "date":
		d, err := civil.Parse(given)
		if err != nil {
			return "", 0, fault.Bad("", "Give a date written as YYYY-MM-DD.")
		}
		return "", int64(d), nil
	case "bool":
		if given != "true" && given != "false" {
			return "", 0, fault.Bad("", "Give true or false.")
		}
		n, _ := map[string]int64{"true": 1, "false": 0}[given]
		return "", n, nil
	}
	if !Plain(given, 500) {
		return "", 0, fault.Bad("", "Use at most 500 bytes without control characters.")
	}
	return given, 0, nil
}

// Write gives a stored value as people write it.
func (f CustomField) Write(text string, number int64) string {
	switch f.Kind {
	case "int":
		return strconv.FormatInt(number, 10)
	case "money":
		return money.Amount(number).String()
	case "date":
		return civil.Date(number).String()
	case "bool":
		return strconv.FormatBool(number == 1)
	}
	return text
}

// CustomValue is a field and its value on one loan, as people write it.
type CustomValue struct {
	Field CustomField
	Value string
}

// CustomValues gives every custom field with its value on a loan, defaults
// included. Values that are not public are opened under the borrower's key; an
// erased borrower's are empty.
func CustomValues(ctx context.Context, tx *db.Tx, store *keys.Store, l *Loan) ([]CustomValue, error) {
	type row struct {
		CustomValue
		sealed []byte
	}
	s := customValues(l.ID)
	rows, err := db.All(ctx, tx, func(r *db.Rows) (x row, err error) {
		f := &x.Field
		var text string
		var number int64
		err = r.Scan(&f.ID, &f.Name, &f.Kind, &f.Class, &text, &number, &x.sealed)
		x.Value = f.Write(text, number)
		return x, err
	}, s.Query, s.Args...)
	if err != nil {
		return nil, err
	}
	out := make([]CustomValue, len(rows))
	for i, x := range rows {
		out[i] = x.CustomValue
		if x.Field.Class == "public" || len(x.sealed) == 0 {
			continue
		}
		key, err := store.Open(ctx, string(l.Borrower))
		if errors.Is(err, keys.ErrDestroyed) {
			out[i].Value = ""
			continue
		}
		if err != nil {
			return nil, err
		}
		plain, err := key.Unseal("custom_value", string(l.ID)+"/"+string(x.Field.ID), "sealed", x.sealed)
		if err != nil {
			return nil, err
		}
		out[i].Value = string(plain)
	}
	return out, nil
}

func customValues(l id.Loan) db.Statement {
	return db.Statement{Query: `SELECT f.id, f.name, f.kind, f.class, COALESCE(v.text_value, f.default_text), COALESCE(v.number_value, f.default_number), v.sealed
		FROM custom_field f LEFT JOIN custom_value v ON v.field_id = f.id AND v.loan_id = ? ORDER BY f.name`, Args: []any{l}}
}

// SetCustom stores a value on a locked loan.
func SetCustom(ctx context.Context, tx *db.Tx, store *keys.Store, l *Loan, f CustomField, given string) error {
	text, number, err := f.Read(given)
	if err != nil {
		return err
	}
	sealed := []byte{}
	if f.Class != "public" {
		key, err := store.Open(ctx, string(l.Borrower))
		if errors.Is(err, keys.ErrDestroyed) {
			return ErrErased()
		}
		if err != nil {
			return err
		}
		if sealed, err = key.Seal("custom_value", string(l.ID)+"/"+string(f.ID), "sealed", []byte(f.Write(text, number))); err != nil {
			return err
		}
		text, number = "", 0
	}
	_, err = tx.Exec(ctx, `INSERT INTO custom_value (loan_id, field_id, text_value, number_value, sealed) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (loan_id, field_id) DO UPDATE SET text_value = excluded.text_value, number_value = excluded.number_value, sealed = excluded.sealed`,
		l.ID, f.ID, text, number, sealed)
	return err
}
