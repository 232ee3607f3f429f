package api

import (
	"encoding"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/platform/internal/api/measure"
	"github.com/lendkeep/lendkeep/platform/internal/api/strict"
)

// param is one path or query parameter of an operation.
type param struct {
	name     string
	index    []int // of the field in the input struct
	schema   *huma.Schema
	shape    *measure.Shape
	set      setFunc
	required bool
	preset   string // taken when a query parameter is absent
}

// setFunc puts a parameter's text into a field; false: it does not fit.
type setFunc func(v reflect.Value, text string) bool

var texted = reflect.TypeFor[encoding.TextUnmarshaler]()

// setter finds how a type is read from text. Lists are separated by commas.
func setter(t reflect.Type) (setFunc, error) {
	if reflect.PointerTo(t).Implements(texted) {
		return func(v reflect.Value, text string) bool {
			return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)) == nil
		}, nil
	}
	switch t.Kind() {
	case reflect.String:
		return func(v reflect.Value, text string) bool { v.SetString(text); return true }, nil
	case reflect.Bool:
		return func(v reflect.Value, text string) bool {
			v.SetBool(text == "true")
			return text == "true" || text == "false"
		}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(v reflect.Value, text string) bool {
			n, err := strconv.ParseInt(text, 10, t.Bits())
			v.SetInt(n)
			return err == nil
		}, nil
	case reflect.Pointer:
		inner, err := setter(t.Elem())
		return func(v reflect.Value, text string) bool {
			v.Set(reflect.New(t.Elem()))
			return inner(v.Elem(), text)
		}, err
	case reflect.Slice:
		inner, err := setter(t.Elem())
		return func(v reflect.Value, text string) bool {
			parts := strings.Split(text, ",")
			v.Set(reflect.MakeSlice(t, len(parts), len(parts)))
			for i, part := range parts {
				if !inner(v.Index(i), part) {
					return false
				}
			}
			return true
		}, err
	}
	return nil, fmt.Errorf("%s is no type of a parameter", t)
}

// bindPath binds the path parameters. Text that no id of ours could be is
// answered like an id that is not there, and goes no further: a card number in
// a path must not reach the trail.
func (p *plan) bindPath(in any, value func(string) string) error {
	v := reflect.ValueOf(in).Elem()
	for _, q := range p.path {
		text := value(q.name)
		if !plainID(text) || !q.set(v.FieldByIndex(q.index), text) {
			return fault.Missing(noun(p.meta.Name))
		}
	}
	return nil
}

// plainID reports text that may stand for an object in a path.
func plainID(s string) bool {
	if s == "" || len(s) > 100 || pan.Contains(s) {
		return false
	}
	for i := range len(s) {
		if !strict.NameByte(s[i]) && s[i] != '@' && s[i] != ':' {
			return false
		}
	}
	return true
}

// readQuery binds the query parameters from the raw query.
func (p *plan) readQuery(in any, raw string) error {
	given, err := url.ParseQuery(raw)
	if err != nil {
		return fault.New(fault.Malformed, "malformed_query", "Write the query as name=value pairs joined by &, percent-encoded.")
	}
	return p.bindQuery(in, given)
}

func (p *plan) bindQuery(in any, given url.Values) error {
	var c fault.Collector
	v := reflect.ValueOf(in).Elem()
	for _, q := range p.query {
		texts, sent := given[q.name]
		delete(given, q.name)
		switch {
		case len(texts) > 1:
			c.Add(q.name, "Send this parameter once.")
		case sent && (texts[0] != "" || q.shape.FreeText()):
			q.read(v, texts[0], &c)
		case q.required:
			c.Add(q.name, "This parameter is required.")
		case q.preset != "":
			q.read(v, q.preset, &c)
		}
	}
	strangers := 0
	for name := range given {
		if strangers++; strangers <= maxFaults {
			c.Add(strict.Field(name, "an unknown parameter"), "There is no such parameter.")
		}
	}
	return c.Err()
}

// read holds one parameter's text to its schema and binds it.
func (q *param) read(v reflect.Value, text string, c *fault.Collector) {
	if !utf8.ValidString(text) {
		c.Add(q.name, "Send valid UTF-8 text.")
		return
	}
	value, ok := q.shape.Parse(text)
	if !ok {
		c.Add(q.name, q.shape.Wants())
		return
	}
	var own fault.Collector
	q.shape.Check(value, q.name, &own)
	if err := own.Err(); err != nil {
		c.Merge("", err)
		return
	}
	if !q.set(v.FieldByIndex(q.index), text) {
		c.Add(q.name, q.shape.Wants())
	}
}
