package shape

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/internal/secret"
)

// Texts visits every text of one input type: the card-number guard stands
// here, before any desk has seen the input.
type Texts struct {
	visit visitor
}

// text is one text of an input, by the caller's name for it. A table is read by
// its desk cell by cell, and guarded there: see onboarding.
type text struct {
	path, value string
	table, key  bool
	secret      bool // nothing of it may be recorded
}

// beside reports a text that stands beside others in a form: the names of what
// is told in a list or a map part their values for nobody.
func (t text) beside() bool {
	return !t.key && !t.secret && !strings.HasSuffix(t.path, "].name")
}

// sign is what the trail may tell of a card number in it.
func (t text) sign() string {
	if t.secret {
		return pan.Hidden
	}
	return pan.Sign(t.value)
}

// tableTag marks a text that its desk reads cell by cell: `guard:"cells"`.
const tableTag = "cells"

// Check refuses card numbers, broken UTF-8 and misleading characters in any
// text of the input, and card numbers that are split over neighbouring texts. The
// fault names the fields, never what stood in them.
func (p *Texts) Check(in any) error {
	if p == nil || p.visit == nil {
		return nil
	}
	var c fault.Collector
	var seen Sighting
	var room [16]pan.Field
	texts := room[:0]
	p.visit(reflect.ValueOf(in).Elem(), "", func(t text) {
		switch {
		case t.secret && !pan.Contains(t.value): // what a password consists of is not ours to say
		case !utf8.ValidString(t.value):
			c.Add(t.path, "Send valid UTF-8 text.")
		case strings.ContainsRune(t.value, 0):
			c.Add(t.path, "Leave out the null character.")
		case strings.ContainsFunc(t.value, misleading):
			c.Add(t.path, "Leave out the marks that change the direction of text, or nothing would look as it is.")
		case t.table:
		case pan.Contains(t.value):
			seen.Add(t.path, t.sign())
			c.Add(t.path, leaveOut)
		case t.beside():
			texts = append(texts, pan.Field{Name: t.path, Text: t.value})
		}
	})
	if from, to, ok := pan.Across(texts); ok {
		for _, f := range texts[from : to+1] {
			seen.Add(f.Name, pan.Hidden)
			c.Add(f.Name, leaveOut)
		}
	}
	err := c.Err()
	if err != nil {
		seen.Mark(fault.As(err))
	}
	return err
}

// misleading reports the characters that make a text look other than it is on
// a screen or in the trail: embeddings, overrides and isolates of direction
// (Unicode's Bidi_Control without the plain marks that right-to-left scripts
// need), and the byte-order mark.
func misleading(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\ufeff'
}

var secretText = reflect.TypeFor[secret.Text]()

type visitor = func(v reflect.Value, path string, found func(text))

// PlanTexts walks an input type, which must be a struct.
func PlanTexts(t reflect.Type) (*Texts, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%s is not a struct", t)
	}
	return &Texts{visit: visitorOf(t, map[reflect.Type]bool{})}, nil
}

func visitorOf(t reflect.Type, within map[reflect.Type]bool) visitor {
	if t == secretText {
		return visitSecret
	}
	if within[t] {
		return nil
	}
	switch t.Kind() {
	case reflect.String:
		return func(v reflect.Value, path string, found func(text)) {
			if s := v.String(); s != "" {
				found(text{path: path, value: s})
			}
		}
	case reflect.Pointer:
		inner := visitorOf(t.Elem(), within)
		if inner == nil {
			return nil
		}
		return func(v reflect.Value, path string, found func(text)) {
			if !v.IsNil() {
				inner(v.Elem(), path, found)
			}
		}
	case reflect.Slice, reflect.Array:
		inner := visitorOf(t.Elem(), within)
		if inner == nil {
			return nil
		}
		return func(v reflect.Value, path string, found func(text)) {
			for i := range v.Len() {
				inner(v.Index(i), path+"["+strconv.Itoa(i)+"]", found)
			}
		}
	case reflect.Map:
		return visitMap(visitorOf(t.Key(), within), visitorOf(t.Elem(), within))
	case reflect.Struct:
		return visitStruct(t, within)
	}
	return nil
}

// visitSecret looks at a password or a key: a card number is neither, whatever a
// person takes for one.
func visitSecret(v reflect.Value, path string, found func(text)) {
	if s := v.Interface().(secret.Text); !s.Empty() {
		found(text{path: path, value: s.Reveal(), secret: true})
	}
}

// visitMap looks at keys and values; a key that is a card number must not be
// named in the path either.
func visitMap(key, value visitor) visitor {
	if key == nil && value == nil {
		return nil
	}
	return func(v reflect.Value, path string, found func(text)) {
		keys := v.MapKeys() // in one order, so that neighbours are always the same
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, k := range keys {
			if key != nil {
				key(k, path, func(t text) {
					t.key = true
					found(t)
				})
			}
			if value != nil {
				value(v.MapIndex(k), path, found)
			}
		}
	}
}

func visitStruct(t reflect.Type, within map[reflect.Type]bool) visitor {
	within[t] = true
	defer delete(within, t)
	type part struct {
		index int
		name  string
		visit visitor
	}
	var parts []part
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		if visit := visitorOf(f.Type, within); visit != nil {
			if f.Tag.Get("guard") == tableTag {
				visit = asTable(visit)
			}
			parts = append(parts, part{i, inputName(f), visit})
		}
	}
	if parts == nil {
		return nil
	}
	return func(v reflect.Value, path string, found func(text)) {
		for _, p := range parts {
			name := p.name
			if path != "" && name != "" {
				name = path + "." + name
			} else if name == "" {
				name = path
			}
			p.visit(v.Field(p.index), name, found)
		}
	}
}

// asTable marks the texts of a field as tables.
func asTable(visit visitor) visitor {
	return func(v reflect.Value, path string, found func(text)) {
		visit(v, path, func(t text) {
			t.table = true
			found(t)
		})
	}
}

// inputName is the caller's own word for a field; "" for an embedded struct.
func inputName(f reflect.StructField) string {
	for _, tag := range []string{"json", "path", "query"} {
		if name, _, _ := strings.Cut(f.Tag.Get(tag), ","); name != "" && name != "-" {
			return name
		}
	}
	if f.Anonymous {
		return ""
	}
	return strings.ToLower(f.Name)
}
