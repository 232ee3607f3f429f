package inquiry

import (
	"reflect"
	"strings"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Change is one call of the list of operations that would lift an obstacle. Input
// is the body; the path has its parameters filled in.
type Change struct {
	Operation string `json:"operation" class:"public"`
	Title     string `json:"title" class:"public"`
	Method    string `json:"method" class:"public"`
	Path      string `json:"path" class:"public" doc:"below /api/v1"`
	Input     any    `json:"input" class:"public"`
	Words     string `json:"words" class:"public"`
	Paired    bool   `json:"four_eyes" class:"public" doc:"a second person must approve it"`
}

// change makes the call of an operation on one object; nil if the list does not
// have it.
func (t *trial) change(operation, ref, words string, input map[string]any) *Change {
	m := t.d.Meta(operation)
	if m == nil || m.Path == "" {
		return nil
	}
	return &Change{Operation: m.Name, Title: m.Title, Method: m.Method, Path: strings.Replace(m.Path, "{id}", ref, 1), Input: input, Words: words,
		Paired: t.c.Policy.Access.FourEyes.Has(m.Number)}
}

// takes reports whether an operation of the list takes a field in its body.
func takes(m *gate.Meta, field string) bool {
	if m == nil {
		return false
	}
	for _, f := range reflect.VisibleFields(m.In) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name == field {
			return true
		}
	}
	return false
}
