package outline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/fault"
)

// Bounds of an outline's JSON. Every expression that compiles stays below them:
// it may have 24 parentheses inside one another, 256 conditions and 1,536 words.
const (
	MaxBytes  = 64 << 10
	MaxDepth  = 52   // groups inside one another
	MaxParts  = 4096 // groups and conditions together
	MaxValues = 1536 // values of all conditions together
)

// MarshalJSON writes the part as the package comment says.
func (p Part) MarshalJSON() ([]byte, error) {
	not := p.Not && p.Join != None
	switch p.Join {
	case All:
		return json.Marshal(struct {
			All []Part `json:"all"`
			Not bool   `json:"not,omitempty"`
		}{append([]Part{}, p.Parts...), not})
	case Any:
		return json.Marshal(struct {
			Any []Part `json:"any"`
			Not bool   `json:"not,omitempty"`
		}{append([]Part{}, p.Parts...), not})
	}
	return json.Marshal(struct {
		Field   string     `json:"field"`
		Compare Comparison `json:"compare"`
		Values  []string   `json:"values"`
	}{p.Field, p.Compare, append([]string{}, p.Values...)})
}

// UnmarshalJSON reads what Decode accepts.
func (p *Part) UnmarshalJSON(b []byte) error {
	read, err := Decode(b)
	if err == nil {
		*p = read
	}
	return err
}

// Decode reads an outline strictly: unknown and repeated keys, keys in other
// case, other types, invalid UTF-8, and anything after the end are refused. Its
// faults are Malformed and repeat nothing that was written.
func Decode(b []byte) (Part, error) {
	if len(b) > MaxBytes {
		return Part{}, malformed(fmt.Sprintf("the outline is too large: at most %d bytes", MaxBytes))
	}
	if !utf8.Valid(b) {
		return Part{}, malformed("the outline is not valid UTF-8 text")
	}
	r := &reader{json: json.NewDecoder(bytes.NewReader(b))}
	p, err := r.part(0)
	if err != nil {
		return Part{}, err
	}
	if _, err := r.json.Token(); !errors.Is(err, io.EOF) {
		return Part{}, malformed("something stands after the end of the outline")
	}
	return p, nil
}

func malformed(what string) error {
	return fault.New(fault.Malformed, "outline", "Send an outline: "+what+".")
}

// reader walks the tokens once, so that nothing is built before it is bounded.
type reader struct {
	json          *json.Decoder
	parts, values int
}

func (r *reader) token() (json.Token, error) {
	t, err := r.json.Token()
	if err != nil {
		return nil, malformed("it is not JSON")
	}
	return t, nil
}

func (r *reader) expect(d json.Delim) error {
	t, err := r.token()
	if err == nil && t != d {
		err = malformed(fmt.Sprintf("a %q is needed", d))
	}
	return err
}

func (r *reader) part(depth int) (Part, error) {
	var p Part
	if r.parts++; depth > MaxDepth || r.parts > MaxParts {
		return p, malformed("it is nested too deeply or has too many parts")
	}
	if err := r.expect('{'); err != nil {
		return p, err
	}
	seen := map[string]bool{}
	for r.json.More() {
		t, err := r.token()
		if err != nil {
			return p, err
		}
		key, ok := t.(string)
		if !ok || seen[key] {
			return p, malformed("a key stands twice")
		}
		seen[key] = true
		if err := r.member(&p, key, depth); err != nil {
			return p, err
		}
	}
	group := seen["all"] != seen["any"] && !seen["field"] && !seen["compare"] && !seen["values"]
	condition := seen["field"] && seen["compare"] && seen["values"] && len(seen) == 3
	if !group && !condition {
		return p, malformed(`a part has either "all" or "any", or else "field", "compare" and "values"`)
	}
	return p, r.expect('}')
}

func (r *reader) member(p *Part, key string, depth int) (err error) {
	switch key {
	case "all", "any":
		p.Join = All
		if key == "any" {
			p.Join = Any
		}
		p.Parts, err = list(r, func() (Part, error) { return r.part(depth + 1) })
	case "values":
		p.Values, err = list(r, func() (string, error) {
			if r.values++; r.values > MaxValues {
				return "", malformed("it has too many values")
			}
			return r.text()
		})
	case "field":
		p.Field, err = r.text()
	case "compare":
		var s string
		s, err = r.text()
		p.Compare = Comparison(s)
	case "not":
		var t json.Token
		if t, err = r.token(); err == nil {
			var ok bool
			if p.Not, ok = t.(bool); !ok {
				err = malformed(`"not" is true or false`)
			}
		}
	default:
		err = malformed("it has a key that is not known")
	}
	return err
}

func (r *reader) text() (string, error) {
	t, err := r.token()
	s, ok := t.(string)
	if err == nil && !ok {
		err = malformed("a text is needed, and values are texts too")
	}
	return s, err
}

// list reads an array; an empty one is nil, as an outline's empty lists are.
func list[T any](r *reader, item func() (T, error)) ([]T, error) {
	if err := r.expect('['); err != nil {
		return nil, err
	}
	var out []T
	for r.json.More() {
		x, err := item()
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, r.expect(']')
}
