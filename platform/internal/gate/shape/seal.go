package shape

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/lendkeep/lendkeep/internal/secret"
)

// Seal opens every secret.Field of one output type. It is nil for types
// that hold none, so that most answers cost nothing here.
type Seal struct {
	open func(v reflect.Value, vis secret.Visibility)
}

// Apply opens the fields of an output, as far as the visibility goes.
func (p *Seal) Apply(out any, vis secret.Visibility) {
	if p != nil && p.open != nil {
		p.open(reflect.ValueOf(out).Elem(), vis)
	}
}

var (
	openable = reflect.TypeFor[secret.Openable]()
	jsoner   = reflect.TypeFor[json.Marshaler]()
	texter   = reflect.TypeFor[encoding.TextMarshaler]()
)

type opener = func(reflect.Value, secret.Visibility)

// Holds reports whether the type holds any sealed field.
func (p *Seal) Holds() bool { return p.open != nil }

// PlanSeal walks an output type. It refuses a leaf that is not classified:
// what nobody classified is secret.
func PlanSeal(t reflect.Type) (*Seal, error) {
	open, err := openerOf(t, "", false, map[reflect.Type]bool{})
	return &Seal{open: open}, err
}

func openerOf(t reflect.Type, path string, public bool, within map[reflect.Type]bool) (opener, error) {
	if reflect.PointerTo(t).Implements(openable) {
		return func(v reflect.Value, vis secret.Visibility) { v.Addr().Interface().(secret.Openable).Open(vis) }, nil
	}
	if t.Kind() == reflect.Pointer && t.Implements(openable) {
		return func(v reflect.Value, vis secret.Visibility) {
			if !v.IsNil() {
				v.Interface().(secret.Openable).Open(vis)
			}
		}, nil
	}
	if within[t] {
		return nil, nil // a recursive type: its first visit has the answer
	}
	leaf := t.Implements(jsoner) || t.Implements(texter) || reflect.PointerTo(t).Implements(jsoner)
	switch {
	case t.Kind() == reflect.Struct && !leaf:
		return structOpener(t, path, within)
	case t.Kind() == reflect.Pointer && !leaf:
		inner, err := openerOf(t.Elem(), path, public, within)
		if inner == nil || err != nil {
			return nil, err
		}
		return func(v reflect.Value, vis secret.Visibility) {
			if !v.IsNil() {
				inner(v.Elem(), vis)
			}
		}, nil
	case (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && !leaf:
		inner, err := openerOf(t.Elem(), path+"[]", public, within)
		if inner == nil || err != nil {
			return nil, err
		}
		return func(v reflect.Value, vis secret.Visibility) {
			for i := range v.Len() {
				inner(v.Index(i), vis)
			}
		}, nil
	case public:
		return nil, nil
	}
	return nil, fmt.Errorf(`%s (%s) has no class: tag it class:"public" or make it a secret.Field`, path, t)
}

func structOpener(t reflect.Type, path string, within map[reflect.Type]bool) (opener, error) {
	within[t] = true
	defer delete(within, t)
	type part struct {
		index int
		open  opener
	}
	var parts []part
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Tag.Get("json") == "-" {
			continue
		}
		open, err := openerOf(f.Type, path+"."+f.Name, f.Tag.Get("class") == "public", within)
		if err != nil {
			return nil, err
		}
		if open != nil {
			parts = append(parts, part{i, open})
		}
	}
	if parts == nil {
		return nil, nil
	}
	return func(v reflect.Value, vis secret.Visibility) {
		for _, p := range parts {
			p.open(v.Field(p.index), vis)
		}
	}, nil
}
