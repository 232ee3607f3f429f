// Package measure holds input to a JSON Schema and says, field by field, what to
// do about what does not fit.
//
// Invariants. The schemas are those of the published document, so that the
// document and the check cannot differ. A value that is refused is never
// repeated; a name only as strict lets it be said. The package knows no
// operation and no HTTP.
package measure

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

// The formats that are known beside those of JSON Schema.
const (
	Amount = "decimal"
	Date   = "date"
)

// maxListed is how many values a list in the query may have.
const maxListed = 100

// Shape is a schema made ready to hold input to it. The schemas are huma's; the
// check is our own, because huma's takes names in any case and puts values into
// its words.
type Shape struct {
	kind     string // "" takes anything
	null     bool
	format   string
	pattern  *regexp.Regexp
	enum     []any
	schema   *huma.Schema // bounds
	items    *Shape
	members  map[string]*Shape
	required []string
	extra    *Shape // what a member of another name must be; nil: there is none
}

// Shapes makes shapes of the schemas of one registry.
type Shapes struct {
	registry huma.Registry
	made     map[string]*Shape // by reference
}

// Of begins the shapes of a registry, whose schemas must be settled by then.
func Of(registry huma.Registry) *Shapes {
	return &Shapes{registry: registry, made: map[string]*Shape{}}
}

// Empty is the shape of an object without members.
func Empty() *Shape { return &Shape{kind: huma.TypeObject} }

// Shape compiles a schema; types that hold themselves end in their own shape.
func (b *Shapes) Shape(s *huma.Schema) *Shape {
	if s.Ref != "" {
		if have := b.made[s.Ref]; have != nil {
			return have
		}
		out := new(Shape)
		b.made[s.Ref] = out
		b.fill(out, b.registry.SchemaFromRef(s.Ref))
		return out
	}
	out := new(Shape)
	b.fill(out, s)
	return out
}

func (b *Shapes) fill(out *Shape, s *huma.Schema) {
	*out = Shape{kind: s.Type, null: s.Nullable, format: s.Format, enum: s.Enum, schema: s, required: s.Required}
	if s.Pattern != "" {
		out.pattern = regexp.MustCompile(s.Pattern) // huma has compiled it before
	}
	if s.Items != nil {
		out.items = b.Shape(s.Items)
	}
	if s.Type != huma.TypeObject {
		return
	}
	out.members = make(map[string]*Shape, len(s.Properties))
	for name, property := range s.Properties {
		out.members[name] = b.Shape(property)
	}
	if extra, ok := s.AdditionalProperties.(*huma.Schema); ok {
		out.extra = b.Shape(extra)
	}
}

// Demanding reports an object that some member must be in.
func (s *Shape) Demanding() bool { return len(s.required) > 0 }

// FreeText reports a shape that an empty text fits as well as any other.
func (s *Shape) FreeText() bool { return s.kind == huma.TypeString && s.format == "" }

// Check notes what is wrong with a value that scan has read.
func (s *Shape) Check(v any, where string, c *fault.Collector) {
	if s.kind == "" || v == nil && s.null {
		return
	}
	switch v := v.(type) {
	case *strict.Object:
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
	c.Add(strict.Place(where), s.Wants())
}

// Wants says what a field takes.
func (s *Shape) Wants() string {
	switch {
	case s.format == Amount:
		return `Send an amount as text, for example "250.00".`
	case s.format == Date:
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

func (s *Shape) choices() string {
	words := make([]string, len(s.enum))
	for i, e := range s.enum {
		words[i] = fmt.Sprint(e)
	}
	return strings.Join(words, ", ")
}

func (s *Shape) checkObject(o *strict.Object, where string, c *fault.Collector) {
	v := o.Members
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
			member.Check(value, strict.Inside(where, name), c)
		case s.extra != nil:
			s.extra.Check(value, strict.Inside(where, name), c)
		default:
			c.Add(strict.Inside(where, name), s.stranger(name, o))
		}
	}
	within(c, where, len(v), s.schema, "entries", func(s *huma.Schema) (*int, *int) { return s.MinProperties, s.MaxProperties })
}

// stranger tells a misspelt case from an unknown name. A name that is not repeated
// is told by its place in the object and by the known one that is most like it.
func (s *Shape) stranger(name string, in *strict.Object) string {
	for known := range s.members {
		if strings.EqualFold(known, name) {
			return `Write this name as "` + known + `".`
		}
	}
	if strict.Field(name, "") == name {
		return "There is no such field."
	}
	place := "Name " + strconv.Itoa(slices.Index(in.Names, name)+1) + " of the object is a field that this operation does not know"
	if near := s.nearest(name); near != "" {
		place += `; the nearest that it knows is "` + near + `"`
	}
	return place + "."
}

// nearest gives the known name that begins most like another, case and what is
// neither letter nor digit aside; empty where none begins like it.
func (s *Shape) nearest(name string) (near string) {
	const least = 3
	best, bare := least-1, letters(name)
	for _, known := range slices.Sorted(maps.Keys(s.members)) {
		k := letters(known)
		same := 0
		for same < min(len(k), len(bare)) && k[same] == bare[same] {
			same++
		}
		if same > best || same == best && near != "" && len(known) < len(near) {
			near, best = known, same
		}
	}
	return near
}

// letters gives the letters and digits of a name, in lower case.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(name))
}

func (s *Shape) checkList(v []any, where string, c *fault.Collector) {
	within(c, where, len(v), s.schema, "entries", func(s *huma.Schema) (*int, *int) { return s.MinItems, s.MaxItems })
	seen := map[any]bool{}
	for i, item := range v {
		at := where + "[" + strconv.Itoa(i) + "]"
		if s.items != nil {
			s.items.Check(item, at, c)
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
	case *strict.Object, []any:
		return false
	}
	return true
}

func (s *Shape) checkText(v, where string, c *fault.Collector) {
	if len(s.enum) > 0 && !slices.Contains(s.enum, any(v)) {
		c.Add(strict.Place(where), s.Wants())
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

func (s *Shape) patternMend() string {
	switch {
	case s.format == Amount:
		return s.Wants()
	case s.schema.PatternDescription != "":
		return "Send " + s.schema.PatternDescription + "."
	}
	return "Send a text of the form " + s.schema.Pattern + "."
}

// fits reports text of a format; formats that are not known take any.
func fits(format, v string) bool {
	var err error
	switch format {
	case Date:
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

func (s *Shape) formatMend() string {
	switch s.format {
	case "date-time":
		return `Send a time as "2026-11-22T09:30:00Z".`
	case "email":
		return `Send an e-mail address, for example "name@example.com".`
	case "ip":
		return "Send an IPv4 or IPv6 address."
	}
	return s.Wants()
}

func (s *Shape) checkNumber(n float64, where string, c *fault.Collector) {
	b := s.schema
	switch {
	case len(s.enum) > 0 && !slices.Contains(s.enum, any(n)):
		c.Add(strict.Place(where), s.Wants())
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

// Parse makes of a parameter's text what it would be in JSON.
func (s *Shape) Parse(text string) (any, bool) {
	switch s.kind {
	case huma.TypeBoolean:
		return text == "true", text == "true" || text == "false"
	case huma.TypeInteger:
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil
	case huma.TypeArray:
		parts := strings.Split(text, ",")
		if len(parts) > maxListed {
			return nil, false
		}
		out := make([]any, len(parts))
		for i, part := range parts {
			var ok bool
			if out[i], ok = s.items.Parse(part); !ok || part == "" {
				return nil, false
			}
		}
		return out, true
	}
	return text, true
}
