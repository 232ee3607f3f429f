package inquiry

import (
	"reflect"
	"strings"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Who can lift an obstacle.
const (
	ByAdministrator = "administrator" // whoever administers access, with a right to the operation
	ByPerson        = "person"        // only the person whose call it is
	ByOperator      = "operator"      // whoever runs the house, outside of every list
	ByNobody        = "nobody"        // what the house does not let anybody do
)

// Change is one call of the list of operations that would lift an obstacle. Input
// is the body; the path has its parameters filled in. What only the person can do
// has a screen and names what they fill in there: no secret stands in an Input.
type Change struct {
	Operation string   `json:"operation" class:"public"`
	Title     string   `json:"title" class:"public"`
	By        string   `json:"by" class:"public" enum:"administrator,person" doc:"who makes it"`
	Method    string   `json:"method" class:"public" doc:"empty: the API does not have it"`
	Path      string   `json:"path" class:"public" doc:"below /api/v1"`
	Screen    string   `json:"screen,omitempty" class:"public" doc:"the page on which the person does it"`
	Input     any      `json:"input" class:"public"`
	Gives     []string `json:"gives,omitempty" class:"public" doc:"what the person fills in: one of these"`
	Words     string   `json:"words" class:"public"`
	Paired    bool     `json:"four_eyes" class:"public" doc:"a second person must approve it"`
}

// change makes the call of an operation on one object; nil if the list does not
// have it.
func (t *trial) change(operation, ref, words string, input map[string]any) *Change {
	m := t.d.Meta(operation)
	if m == nil || m.Path == "" {
		return nil
	}
	return &Change{Operation: m.Name, Title: m.Title, By: ByAdministrator, Method: m.Method, Path: strings.Replace(m.Path, "{id}", ref, 1), Input: input, Words: words,
		Paired: t.c.Policy.Access.FourEyes.Has(m.Number)}
}

// own makes the call of an operation that the person makes for themselves, on a
// screen; nil if the list does not have it.
func (t *trial) own(operation, screen, words string, gives ...string) *Change {
	m := t.d.Meta(operation)
	if m == nil {
		return nil
	}
	return &Change{Operation: m.Name, Title: m.Title, By: ByPerson, Method: m.Method, Path: m.Path, Screen: screen, Input: map[string]any{}, Gives: gives, Words: words}
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
