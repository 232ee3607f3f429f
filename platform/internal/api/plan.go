package api

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"github.com/lendkeep/lendkeep/platform/internal/api/measure"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/parcel"
)

// plan is how one operation's input is found in a request.
type plan struct {
	meta       *gate.Meta
	entry      gate.Entry
	path       []*param
	query      []*param
	bodySchema *huma.Schema // nil: the operation has no body
	body       *measure.Shape
	needsBody  bool  // some field of the body is required
	parcel     []int // index of the file that comes in a multipart form; nil: the body is JSON
	outSchema  *huma.Schema
}

// field is one leaf of an input struct, embedded ones flattened.
type field struct {
	reflect.StructField
	index []int
}

func fieldsOf(t reflect.Type, index []int) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(slices.Clone(index), i)
		switch {
		case f.Anonymous && f.Type.Kind() == reflect.Struct && f.Tag.Get("json") == "":
			out = append(out, fieldsOf(f.Type, at)...)
		case f.IsExported():
			out = append(out, field{f, at})
		}
	}
	return out
}

// describe makes an operation's schemas and finds its parameters. Shapes come
// later, when the schemas of the whole list are settled.
func (b *book) describe(m *gate.Meta) (*plan, error) {
	p := &plan{meta: m}
	var body []reflect.StructField
	all := fieldsOf(m.In, nil)
	for _, f := range all {
		var err error
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Type == reflect.TypeFor[parcel.File]():
			p.parcel = f.index
		case f.Tag.Get("path") != "":
			err = b.add(&p.path, f, f.Tag.Get("path"))
		case f.Tag.Get("query") != "":
			err = b.add(&p.query, f, f.Tag.Get("query"))
		case name != "" && name != "-":
			plain := f.StructField
			plain.Index, plain.Offset, plain.Anonymous = nil, 0, false
			body = append(body, plain)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := p.checkRoute(len(body) > 0 || p.parcel != nil); err != nil {
		return nil, err
	}
	if len(body) > 0 && p.parcel != nil {
		return nil, errors.New("a form with a file holds nothing else: tag the other fields with query")
	}
	if len(body) > 0 {
		t := m.In
		if len(body) < len(all) {
			t = reflect.StructOf(body)
		}
		var err error
		if p.bodySchema, err = b.schemaOf(t, schemaName(m.In, "")); err != nil {
			return nil, err
		}
	}
	return p, b.describeOut(p)
}

func (b *book) add(to *[]*param, f field, name string) error {
	s, err := b.schemaOfField(f.StructField)
	if err != nil {
		return fmt.Errorf("parameter %s: %w", name, err)
	}
	set, err := setter(f.Type)
	if err != nil {
		return fmt.Errorf("parameter %s: %w", name, err)
	}
	s.Nullable = false
	*to = append(*to, &param{name: name, index: f.index, schema: s, set: set, required: f.Tag.Get("required") == "true", preset: f.Tag.Get("default")})
	return nil
}

func (b *book) schemaOfField(f reflect.StructField) (s *huma.Schema, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("tags: %v", cause)
		}
	}()
	if s = huma.SchemaFromField(b.registry, f, f.Name); s == nil || s.Ref != "" {
		return nil, fmt.Errorf("%s is no type of a parameter", f.Type)
	}
	return s, nil
}

// checkRoute refuses a path whose placeholders are not the path parameters,
// and a body where a method has none.
func (p *plan) checkRoute(body bool) error {
	if p.meta.Path == "" {
		return nil
	}
	if !strings.HasPrefix(p.meta.Path, "/") || strings.HasSuffix(p.meta.Path, "/") {
		return errors.New("the path must begin with a slash and not end with one")
	}
	var holes []string
	for segment := range strings.SplitSeq(p.meta.Path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			holes = append(holes, strings.TrimSuffix(name, "}"))
		}
	}
	if len(holes) != len(p.path) {
		return errors.New("the path's placeholders are not the input's path parameters")
	}
	for _, q := range p.path {
		if !slices.Contains(holes, q.name) {
			return fmt.Errorf("path parameter %s is not in the path", q.name)
		}
	}
	switch p.meta.Method {
	case http.MethodGet:
		if body {
			return errors.New("a GET has no body: tag the fields with query")
		}
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return fmt.Errorf("method %s is none of GET, POST, PUT, PATCH and DELETE", p.meta.Method)
	}
	return nil
}

// describeOut documents the answer and tries both types once, so that one that
// can never be encoded does not wait for its first caller.
func (b *book) describeOut(p *plan) error {
	if err := json.Unmarshal([]byte("{}"), reflect.New(p.meta.In).Interface()); err != nil {
		return fmt.Errorf("input cannot be decoded: %w", err)
	}
	if p.file() {
		return nil
	}
	if _, err := encode(reflect.New(p.meta.Out).Interface()); err != nil {
		return fmt.Errorf("output cannot be encoded: %w", err)
	}
	var err error
	p.outSchema, err = b.schemaOf(p.meta.Out, schemaName(p.meta.Out, "Answer"))
	return err
}

// file reports whether the answer is a document and not JSON.
func (p *plan) file() bool {
	return p.meta.Out == reflect.TypeFor[gate.File]() || p.meta.Out == reflect.TypeFor[gate.Chunk]()
}

// compile makes the shapes that input is held to.
func (p *plan) compile(shapes *measure.Shapes) {
	for _, q := range append(slices.Clone(p.path), p.query...) {
		q.shape = shapes.Shape(q.schema)
	}
	p.body = measure.Empty()
	if p.bodySchema != nil {
		p.body = shapes.Shape(p.bodySchema)
		p.needsBody = p.body.Demanding()
	}
}
