package api

import (
	"fmt"
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/api/measure"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

const schemaPrefix = "#/components/schemas/"

// How the ground's types stand in JSON.
type (
	amountForm struct{}
	dateForm   struct{}
	secretForm struct{}
)

// Schema implements huma.SchemaProvider.
func (amountForm) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: measure.Amount, Pattern: `^-?[0-9]{1,13}(\.[0-9]{1,2})?$`,
		Description: "An amount in the tenant's currency, in decimal units.", Examples: []any{"250.00"}}
}

// Schema implements huma.SchemaProvider.
func (dateForm) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: measure.Date, Examples: []any{"2026-11-22"}}
}

// Schema implements huma.SchemaProvider.
func (secretForm) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "password", WriteOnly: true}
}

// book is the schemas of one list of operations and the plan of each.
type book struct {
	registry huma.Registry
	plans    map[string]*plan
	problem  *huma.Schema
	proposal *huma.Schema // of what waits for a second person
}

// newBook makes the schemas and plans of a list. It does not start with input
// types that contradict their operation's route.
func newBook(list []*gate.Meta) (*book, error) {
	b := &book{registry: huma.NewMapRegistry(schemaPrefix, schemaName), plans: map[string]*plan{}}
	b.registry.RegisterTypeAlias(reflect.TypeFor[money.Amount](), reflect.TypeFor[amountForm]())
	b.registry.RegisterTypeAlias(reflect.TypeFor[civil.Date](), reflect.TypeFor[dateForm]())
	b.registry.RegisterTypeAlias(reflect.TypeFor[secret.Text](), reflect.TypeFor[secretForm]())
	seen := map[reflect.Type]bool{}
	for _, m := range list {
		b.openFields(m.Out, seen)
	}
	for _, m := range list {
		p, err := b.describe(m)
		if err != nil {
			return nil, fmt.Errorf("api: %s: %w", m.Name, err)
		}
		b.plans[m.Name] = p
	}
	b.problem = b.registry.Schema(reflect.TypeFor[Problem](), true, "Problem")
	b.proposal = b.registry.Schema(reflect.TypeFor[Waiting](), true, "Waiting")
	b.settle()
	shapes := measure.Of(b.registry)
	for _, p := range b.plans {
		p.compile(shapes)
	}
	return b, nil
}

// schemaName names a type by its desk and its own name: "servicing.LoanListIn".
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := huma.DefaultSchemaNamer(t, hint)
	if t.Name() == "" || t.PkgPath() == "" {
		return hint
	}
	if t == reflect.TypeFor[Problem]() || t == reflect.TypeFor[ProblemField]() || t == reflect.TypeFor[Waiting]() {
		return name
	}
	return path.Base(t.PkgPath()) + "." + name
}

// openFields has every secret.Field below an output type documented as the
// text that the gate makes of it.
func (b *book) openFields(t reflect.Type, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	if reflect.PointerTo(t).Implements(reflect.TypeFor[secret.Openable]()) {
		b.registry.RegisterTypeAlias(t, reflect.TypeFor[string]())
		return
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		b.openFields(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() {
				b.openFields(f.Type, seen)
			}
		}
	}
}

// schemaOf is registry.Schema, with the panics that bad tags cause as errors.
func (b *book) schemaOf(t reflect.Type, hint string) (s *huma.Schema, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("schema of %s: %v", hint, cause)
		}
	}()
	if s = b.registry.Schema(t, true, hint); s == nil {
		return nil, fmt.Errorf("%s has no JSON form", t)
	}
	return s, nil
}

// settle says what the schemas get wrong about this API: a list is never null;
// what only answers hold may have no date and may grow new fields.
func (b *book) settle() {
	inputs := map[string]bool{}
	for _, p := range b.plans {
		b.reach(p.bodySchema, inputs)
	}
	for name, s := range b.registry.Map() {
		settle(s, !inputs[schemaPrefix+name])
	}
	for _, p := range b.plans {
		for _, q := range p.query {
			settle(q.schema, false)
		}
	}
}

func settle(s *huma.Schema, answer bool) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	if answer && s.Format == measure.Date {
		s.Nullable = true
	}
	if extra, ok := s.AdditionalProperties.(bool); ok && !extra && answer {
		s.AdditionalProperties = nil
	}
	if extra, ok := s.AdditionalProperties.(*huma.Schema); ok {
		settle(extra, answer)
	}
	settle(s.Items, answer)
	for _, property := range s.Properties {
		settle(property, answer)
	}
}

// reach notes every named schema that a schema leads to.
func (b *book) reach(s *huma.Schema, into map[string]bool) {
	if s == nil {
		return
	}
	if s.Ref != "" {
		if into[s.Ref] {
			return
		}
		into[s.Ref] = true
		s = b.registry.SchemaFromRef(s.Ref)
	}
	b.reach(s.Items, into)
	if extra, ok := s.AdditionalProperties.(*huma.Schema); ok {
		b.reach(extra, into)
	}
	for _, property := range s.Properties {
		b.reach(property, into)
	}
}

// noun is what an operation is about, in words: "search restriction".
func noun(operation string) string {
	first, _, _ := strings.Cut(operation, ".")
	return strings.NewReplacer("_", " ", "-", " ").Replace(first)
}
