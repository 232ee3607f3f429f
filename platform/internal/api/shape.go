package api

import (
	"fmt"
	"maps"
	"net/mail"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/api/strict"
)

// shape is a schema made ready to hold input to it. The schemas are huma's, so
// that the document and the check cannot differ; the check is our own, because
// huma's takes names in any case and puts values into its words.
type shape struct {
	kind     string // "" takes anything
	null     bool
	format   string
	pattern  *regexp.Regexp
	enum     []any
	schema   *huma.Schema // bounds
	items    *shape
	members  map[string]*shape
	required []string
	extra    *shape // what a member of another name must be; nil: there is none
}

// shape compiles a schema; types that hold themselves end in their own shape.
func (b *book) shape(s *huma.Schema) *shape {
	if s.Ref != "" {
		if have := b.shapes[s.Ref]; have != nil {
			return have
		}
		out := new(shape)
		b.shapes[s.Ref] = out
		b.fill(out, b.registry.SchemaFromRef(s.Ref))
		return out
	}
	out := new(shape)
	b.fill(out, s)
	return out
}

func (b *book) fill(out *shape, s *huma.Schema) {
	*out = shape{kind: s.Type, null: s.Nullable, format: s.Format, enum: s.Enum, schema: s, required: s.Required}
	if s.Pattern != "" {
		out.pattern = regexp.MustCompile(s.Pattern) // huma has compiled it before
	}
	if s.Items != nil {
		out.items = b.shape(s.Items)
	}
	if s.Type != huma.TypeObject {
		return
	}
	out.members = make(map[string]*shape, len(s.Properties))
	for name, property := range s.Properties {
		out.members[name] = b.shape(property)
	}
	if extra, ok := s.AdditionalProperties.(*huma.Schema); ok {
		out.extra = b.shape(extra)
	}
}

// check notes what is wrong with a value that scan has read.
func (s *shape) check(v any, where string, c *fault.Collector) {
	if s.kind == "" || v == nil && s.null {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		if s.kind == huma.TypeObject {
			s.checkObject(v, where, c)
			return
		}
	case []any:
		if s.kind == huma.TypeArray {
			s.checkList(v, where, c)
			return
		}
	case string:
		if s.kind == huma.TypeString {
			s.checkText(v, where, c)
			return
		}
	case int64:
		if s.kind == huma.TypeInteger || s.kind == huma.TypeNumber {
			s.checkNumber(float64(v), where, c)
			return
		}
	case float64:
		if s.kind == huma.TypeNumber {
			s.checkNumber(v, where, c)
			return
		}
	case bool:
		if s.kind == huma.TypeBoolean {
			return
		}
	}
	c.Add(strict.Place(where), s.wants())
}

// wants says what a field takes.
func (s *shape) wants() string {
	switch {
	case s.format == formatAmount:
		return `Send an amount as text, for example "250.00".`
	case s.format == formatDate:
		return `Send a date from 1900 to 2299 as "2026-11-22".`
	case len(s.enum) > 0:
		return "Send one of: " + s.choices() + "."
	}
	switch s.kind {
	case huma.TypeString:
		return "Send a text."
	case huma.TypeInteger:
		return "Send a whole number."
	case huma.TypeNumber:
		return "Send a number."
	case huma.TypeBoolean:
		return "Send true or false."
	case huma.TypeArray:
		return "Send a list."
	}
	return "Send an object."
}

func (s *shape) choices() string {
	words := make([]string, len(s.enum))
	for i, e := range s.enum {
		words[i] = fmt.Sprint(e)
	}
	return strings.Join(words, ", ")
}

func (s *shape) checkObject(v map[string]any, where string, c *fault.Collector) {
	for _, name := range s.required {
		if value, sent := v[name]; !sent || value == nil && !s.members[name].null {
			c.Add(strict.Inside(where, name), "This field is required.")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v)) { // the same answer every time
		value := v[name]
		member := s.members[name]
		switch {
		case member != nil && value == nil:
			// an optional field that is null is one that is not there
		case member != nil:
			member.check(value, strict.Inside(where, name), c)
		case s.extra != nil:
			s.extra.check(value, strict.Inside(where, name), c)
		default:
			c.Add(strict.Inside(where, name), s.stranger(name))
		}
	}
	within(c, where, len(v), s.schema, "entries", func(s *huma.Schema) (*int, *int) { return s.MinProperties, s.MaxProperties })
}

// stranger tells a misspelt case from an unknown name.
func (s *shape) stranger(name string) string {
	for known := range s.members {
		if strings.EqualFold(known, name) {
			return `Write this name as "` + known + `".`
		}
	}
	return "There is no such field."
}

func (s *shape) checkList(v []any, where string, c *fault.Collector) {
	within(c, where, len(v), s.schema, "entries", func(s *huma.Schema) (*int, *int) { return s.MinItems, s.MaxItems })
	seen := map[any]bool{}
	for i, item := range v {
		at := where + "[" + strconv.Itoa(i) + "]"
		if s.items != nil {
			s.items.check(item, at, c)
		}
		if !s.schema.UniqueItems || !simple(item) {
			continue
		}
		if seen[item] {
			c.Add(at, "Send each entry once.")
		}
		seen[item] = true
	}
}

// simple reports values that may be compared.
func simple(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

func (s *shape) checkText(v, where string, c *fault.Collector) {
	if len(s.enum) > 0 && !slices.Contains(s.enum, any(v)) {
		c.Add(strict.Place(where), s.wants())
		return
	}
	within(c, where, utf8.RuneCountInString(v), s.schema, "characters", func(s *huma.Schema) (*int, *int) { return s.MinLength, s.MaxLength })
	switch {
	case s.pattern != nil && !s.pattern.MatchString(v):
		c.Add(strict.Place(where), s.patternMend())
	case !fits(s.format, v):
		c.Add(strict.Place(where), s.formatMend())
	}
}

func (s *shape) patternMend() string {
	switch {
	case s.format == formatAmount:
		return s.wants()
	case s.schema.PatternDescription != "":
		return "Send " + s.schema.PatternDescription + "."
	}
	return "Send a text of the form " + s.schema.Pattern + "."
}

// fits reports text of a format; formats that are not known take any.
func fits(format, v string) bool {
	var err error
	switch format {
	case formatDate:
		_, err = civil.Parse(v)
	case "date-time":
		_, err = time.Parse(time.RFC3339, v)
	case "email":
		var a *mail.Address
		if a, err = mail.ParseAddress(v); err == nil && a.Address != v {
			return false
		}
	case "ip":
		_, err = netip.ParseAddr(v)
	}
	return err == nil
}

func (s *shape) formatMend() string {
	switch s.format {
	case "date-time":
		return `Send a time as "2026-11-22T09:30:00Z".`
	case "email":
		return `Send an e-mail address, for example "name@example.com".`
	case "ip":
		return "Send an IPv4 or IPv6 address."
	}
	return s.wants()
}

func (s *shape) checkNumber(n float64, where string, c *fault.Collector) {
	b := s.schema
	switch {
	case len(s.enum) > 0 && !slices.Contains(s.enum, any(n)):
		c.Add(strict.Place(where), s.wants())
	case b.Minimum != nil && n < *b.Minimum:
		c.Add(strict.Place(where), "Send at least "+plain(*b.Minimum)+".")
	case b.ExclusiveMinimum != nil && n <= *b.ExclusiveMinimum:
		c.Add(strict.Place(where), "Send more than "+plain(*b.ExclusiveMinimum)+".")
	case b.Maximum != nil && n > *b.Maximum:
		c.Add(strict.Place(where), "Send at most "+plain(*b.Maximum)+".")
	case b.ExclusiveMaximum != nil && n >= *b.ExclusiveMaximum:
		c.Add(strict.Place(where), "Send less than "+plain(*b.ExclusiveMaximum)+".")
	}
}

// plain writes a bound as people do, without an exponent.
func plain(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// within holds a count to its bounds.
func within(c *fault.Collector, where string, n int, s *huma.Schema, what string, bounds func(*huma.Schema) (*int, *int)) {
	if s == nil {
		return
	}
	least, most := bounds(s)
	switch {
	case least != nil && n < *least && n == 0:
		c.Add(strict.Place(where), "This must not be empty.")
	case least != nil && n < *least:
		c.Addf(strict.Place(where), "Send at least %d %s.", *least, what)
	case most != nil && n > *most:
		c.Addf(strict.Place(where), "Send at most %d %s.", *most, what)
	}
}
