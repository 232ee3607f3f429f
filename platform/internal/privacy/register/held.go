package register

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/secret"
)

// Value is one column of one row, as an export writes it.
type Value struct{ Name, Text string }

// Section is what one table holds about a person.
type Section struct {
	Title    string
	Personal bool // holds columns that tell who somebody is
	Rows     [][]Value
}

// Held reads everything that is held about a person, opened. What was sealed
// under a destroyed key reads "[erased]".
func Held(ctx context.Context, tx *db.Tx, store *keys.Store, tables []Table, p *Person) ([]Section, error) {
	opened, err := store.OpenMany(ctx, p.Keys())
	if err != nil {
		return nil, err
	}
	var out []Section
	for i := range tables {
		t := &tables[i]
		if t.By == "" || t.Title == "" {
			continue
		}
		s, err := t.held(ctx, tx, opened, p)
		if err != nil {
			return nil, fmt.Errorf("what %s holds about a person: %w", t.Name, err)
		}
		if len(s.Rows) > 0 {
			out = append(out, s)
		}
	}
	return out, nil
}

func (t *Table) held(ctx context.Context, tx *db.Tx, opened map[string]*keys.PersonKey, p *Person) (Section, error) {
	s := Section{Title: t.Title, Personal: t.Sealed+t.Words+t.Blank+t.Lists != ""}
	plain := strings.Fields(t.Words + " " + t.Blank + " " + t.Lists + " " + t.Kept)
	sealed := strings.Fields(t.Sealed)
	row, person := t.Row, t.Key
	if row == "" {
		row = "''"
	}
	if person == "" {
		person = t.By
	}
	list := []string{row, person}
	for _, c := range plain {
		list = append(list, `CAST(`+column(c)+` AS TEXT)`)
	}
	for _, c := range sealed {
		list = append(list, column(c))
	}
	cond := t.mine(p)
	var err error
	s.Rows, err = db.All(ctx, tx, func(r *db.Rows) ([]Value, error) {
		var row, person string
		texts, ciphers := make([]string, len(plain)), make([][]byte, len(sealed))
		dest := []any{&row, &person}
		for i := range texts {
			dest = append(dest, &texts[i])
		}
		for i := range ciphers {
			dest = append(dest, &ciphers[i])
		}
		if err := r.Scan(dest...); err != nil {
			return nil, err
		}
		var out []Value
		for i, c := range sealed {
			text, err := unsealed(opened[person], t.Name, row, column(c), ciphers[i])
			if err != nil {
				return nil, err
			}
			values, err := parted(c, text)
			if err != nil {
				return nil, err
			}
			out = append(out, values...)
		}
		for i, c := range plain {
			text, err := written(c, texts[i])
			if err != nil {
				return nil, err
			}
			out = append(out, Value{column(c), text})
		}
		return out, nil
	}, `SELECT `+strings.Join(list, ", ")+` FROM `+t.Name+` WHERE `+cond.SQL()+` ORDER BY `+t.Order, cond.Args()...)
	return s, err
}

func unsealed(key *keys.PersonKey, table, row, column string, cipher []byte) (string, error) {
	if len(cipher) == 0 {
		return "", nil
	}
	if key == nil {
		return secret.ErasedText, nil
	}
	plain, err := key.Unseal(table, row, column, cipher)
	return string(plain), err
}

// parted gives a sealed value, or the members of one that is a JSON object.
func parted(name, text string) ([]Value, error) {
	_, members, object := strings.Cut(name, ":")
	list := strings.Split(members, ",")
	switch {
	case !object:
		return []Value{{name, text}}, nil
	case text == "" || text == secret.ErasedText:
		return []Value{{list[0], text}}, nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, errors.New(column(name) + " is not the JSON object that the register says")
	}
	out := make([]Value, 0, len(list))
	for _, m := range list {
		word := string(all[m])
		var said string
		if json.Unmarshal(all[m], &said) == nil {
			word = said
		}
		out = append(out, Value{m, word})
	}
	return out, nil
}

// percent writes millionths of one per cent: 7350000 is "7.35%".
func percent(n int64) string {
	rest := strings.TrimRight(fmt.Sprintf("%06d", n%1_000_000), "0")
	return fmt.Sprintf("%d.%s%%", n/1_000_000, rest+"00"[min(len(rest), 2):])
}

// written gives a stored value as people write it.
func written(name, text string) (string, error) {
	if !strings.ContainsAny(name[len(name)-1:], "$%#@") {
		return text, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return "", errors.New(column(name) + " is not the number that the register says")
	case strings.HasSuffix(name, "$"):
		return money.Amount(n).String(), nil
	case strings.HasSuffix(name, "%"):
		return percent(n), nil
	case n == 0:
		return "", nil
	case strings.HasSuffix(name, "#"):
		return civil.Date(n).String(), nil
	}
	return time.UnixMicro(n).UTC().Format(time.RFC3339), nil
}
