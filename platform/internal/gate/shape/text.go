package shape

import (
	"fmt"
	"reflect"
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
	visit func(v reflect.Value, path string, found func(path, text string))
}

// Check refuses card numbers, broken UTF-8 and misleading characters in any
// text of the input. The fault names the fields, never what stood in them.
func (p *Texts) Check(in any) error {
	if p == nil || p.visit == nil {
		return nil
	}
	var c fault.Collector
	card := false
	p.visit(reflect.ValueOf(in).Elem(), "", func(path, text string) {
		switch {
		case !utf8.ValidString(text):
			c.Add(path, "Send valid UTF-8 text.")
		case strings.ContainsRune(text, 0):
			c.Add(path, "Leave out the null character.")
		case strings.ContainsFunc(text, misleading):
			c.Add(path, "Leave out the marks that change the direction of text, or nothing would look as it is.")
		case pan.Contains(text):
			card = true
			c.Add(path, "Leave out the card number: cards are kept in Secure Payments only.")
		}
	})
	err := c.Err()
	if card {
		fault.As(err).Reason = "card_number"
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

type visitor = func(v reflect.Value, path string, found func(path, text string))

// PlanTexts walks an input type, which must be a struct.
func PlanTexts(t reflect.Type) (*Texts, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%s is not a struct", t)
	}
	return &Texts{visit: visitorOf(t, map[reflect.Type]bool{})}, nil
}

func visitorOf(t reflect.Type, within map[reflect.Type]bool) visitor {
	if t == secretText || within[t] {
		return nil
	}
	switch t.Kind() {
	case reflect.String:
		return func(v reflect.Value, path string, found func(string, string)) {
			if s := v.String(); s != "" {
				found(path, s)
			}
		}
	case reflect.Pointer:
		inner := visitorOf(t.Elem(), within)
		if inner == nil {
			return nil
		}
		return func(v reflect.Value, path string, found func(string, string)) {
			if !v.IsNil() {
				inner(v.Elem(), path, found)
			}
		}
	case reflect.Slice, reflect.Array:
		inner := visitorOf(t.Elem(), within)
		if inner == nil {
			return nil
		}
		return func(v reflect.Value, path string, found func(string, string)) {
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

// visitMap looks at keys and values; a key that is a card number must not be
// named in the path either.
func visitMap(key, value visitor) visitor {
	if key == nil && value == nil {
		return nil
	}
	return func(v reflect.Value, path string, found func(string, string)) {
		for it := v.MapRange(); it.Next(); {
			if key != nil {
				key(it.Key(), path, found)
			}
			if value != nil {
				value(it.Value(), path, found)
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
			parts = append(parts, part{i, inputName(f), visit})
		}
	}
	if parts == nil {
		return nil
	}
	return func(v reflect.Value, path string, found func(string, string)) {
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
