package visit

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// Names of the front's own fields.
const (
	formName  = "_form"
	onceName  = "_once"
	boxesName = "_boxes"
)

// Sheet is one form on a page. Its name tells it from the other forms of the
// page and stands in the ids of its fields.
type Sheet struct {
	name  string
	typed url.Values // nil unless this very form came back
	err   error
	once  string
	boxes []string
}

// Sheet gives the form of that name: as it was typed if it came back.
func (v *Visit) Sheet(name string) *Sheet {
	s := &Sheet{name: name}
	if v.err != nil && v.typed.Get(formName) == name {
		s.typed, s.err, s.once = v.typed, v.err, v.typed.Get(onceName)
	}
	if s.once == "" || len(s.once) > 60 {
		if v.once == "" {
			v.once = rand.Text()
		}
		s.once = v.once + "-" + name
	}
	return s
}

// Back marks a form that is sent by GET as come back: its page is shown with
// what the address holds and what is wrong with it.
func (v *Visit) Back(name string, err error) {
	v.typed = v.R.URL.Query()
	v.back(err)
	v.typed.Set(formName, name)
}

// back keeps why a form comes back. What holds a card number was refused and
// must not come back on a page: such fields are emptied, and so are those
// that the guard named, who may read a field together with another one.
func (v *Visit) back(err error) {
	v.err = err
	Forget(v.typed)
	if f := fault.As(err); f.Reason == "card_number" {
		for _, field := range f.Fields {
			if v.typed.Has(field.Path) {
				v.typed[field.Path] = []string{""}
			}
		}
	}
}

// Forget empties what holds a card number, so that no page says it again. It
// reports whether there was any.
func Forget(typed url.Values) (any bool) {
	for name, values := range typed {
		if pan.Contains(name) {
			delete(typed, name)
			any = true
			continue
		}
		if slices.ContainsFunc(values, pan.Contains) || pan.Contains(strings.Join(values, "\n")) {
			typed[name] = []string{""}
			any = true
		}
	}
	return any
}

// without gives the request for a page without the card numbers of its address:
// what a page was asked for stands in its links and fields again.
func without(r *http.Request) *http.Request {
	query := r.URL.Query()
	if r.URL.RawQuery == "" || !Forget(query) {
		return r
	}
	r = r.Clone(r.Context())
	r.URL.RawQuery = query.Encode()
	return r
}

// Open reports that this form came back with a fault.
func (s *Sheet) Open() bool { return s.err != nil }

// Value gives what was typed into a field, or else what it holds.
func (s *Sheet) Value(name, held string) string {
	if s.typed == nil {
		return held
	}
	return s.typed.Get(name)
}

// Ticked reports whether a box was ticked with that value, or else is.
func (s *Sheet) Ticked(name, value string, held bool) bool {
	if s.typed == nil {
		return held
	}
	return slices.Contains(s.typed[name], value)
}

// Error gives what is wrong with a field; a fault below it counts as its own.
func (s *Sheet) Error(name string) string {
	for _, f := range s.faults() {
		if f.Path == name || strings.HasPrefix(f.Path, name+"[") || strings.HasPrefix(f.Path, name+".") {
			return f.Mend
		}
	}
	return ""
}

func (s *Sheet) faults() []fault.Field {
	if s.err == nil {
		return nil
	}
	return fault.As(s.err).Fields
}

func (s *Sheet) key(name string) string { return s.name + "-" + name }

// Field completes a field: its id, what was typed, what is wrong with it.
func (s *Sheet) Field(f parts.Field) parts.Field {
	if f.ID == "" {
		f.ID = parts.FieldID(s.key(f.Name))
	}
	f.Value = s.Value(f.Name, f.Value)
	if f.Error == "" {
		f.Error = s.Error(f.Name)
	}
	return f
}

// Box completes a box; Value is what it sends, "on" if empty. Boxes of a list
// share a name, so the value stands in the id.
func (s *Sheet) Box(f parts.Field) parts.Field {
	sent := f.Value
	if sent == "" {
		sent = "on"
	}
	if f.ID == "" {
		f.ID = parts.FieldID(s.key(f.Name))
		if f.Value != "" {
			f.ID += "-" + f.Value
		}
	}
	f.Checked = s.Ticked(f.Name, sent, f.Checked)
	if f.Error == "" && f.Value == "" {
		f.Error = s.Error(f.Name)
	}
	return f
}

// Boxes names fields that are boxes and whose absence means "not ticked": only
// needed where the operation leaves absent fields as they are.
func (s *Sheet) Boxes(names ...string) *Sheet {
	s.boxes = append(s.boxes, names...)
	return s
}

// Problems are the lines of the error summary.
func (s *Sheet) Problems() []parts.Problem {
	if s.err == nil || s.err == (proved{}) {
		return nil
	}
	list := s.faults()
	if len(list) == 0 {
		return []parts.Problem{{Text: fault.As(s.err).Message}}
	}
	out := make([]parts.Problem, len(list))
	for i, f := range list {
		out[i] = parts.Problem{Text: f.Mend}
		if name := s.nearest(f.Path); name != "" {
			out[i].Field = s.key(name)
			if first := s.typed.Get(name); slices.Contains(s.boxes, name) && first != "on" {
				out[i].Field += "-" + first // of a list of boxes, the first that was ticked
			}
		}
	}
	return out
}

// nearest finds the field of the form that a path lies in.
func (s *Sheet) nearest(path string) string {
	for path != "" {
		if s.typed.Has(path) {
			return path
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return ""
}

// Hidden are the values that the form carries along.
func (s *Sheet) Hidden(more ...parts.Hidden) []parts.Hidden {
	out := []parts.Hidden{{Name: formName, Value: s.name}, {Name: onceName, Value: s.once}}
	for _, b := range s.boxes {
		out = append(out, parts.Hidden{Name: boxesName, Value: b})
	}
	return append(out, more...)
}

// Form completes a form.
func (s *Sheet) Form(f parts.Form) parts.Form {
	f.Hidden = s.Hidden(f.Hidden...)
	f.Problems = append(f.Problems, s.Problems()...)
	return f
}

// Confirm completes a dialog; it opens again with its errors.
func (s *Sheet) Confirm(c parts.Confirm) parts.Confirm {
	c.Hidden = s.Hidden(c.Hidden...)
	c.Problems = append(c.Problems, s.Problems()...)
	c.Open = c.Open || s.Open()
	return c
}
