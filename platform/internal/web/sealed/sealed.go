// Package sealed is personal fields on a page: masked, each with a button that asks
// why it is wanted in full, or in full once, on the answer to that question.
//
// Invariants: at most one field is shown in full; a button stands where the role's
// ceiling and the right to reveal both permit it.
package sealed

import (
	"slices"

	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// Line is one personal field as it is masked for who looks.
type Line struct{ Field, Label, Masked string }

// Person is the personal fields of one person.
type Person struct {
	Name   string
	Lines  []Line
	Action string         // where the reason is sent to
	Hidden []parts.Hidden // what is sent along
	Shown  Shown
	may    map[string]bool
}

// Shown is the field that was just asked for in full; the zero value is none.
type Shown struct{ Field, Value string }

// May takes in which fields can be asked for: none without the right to reveal, and
// never one that the role hides.
func (p *Person) May(page *gate.Page, operation, object string) {
	p.may = map[string]bool{}
	if !page.Can(operation, object) {
		return
	}
	ceiling := page.Call().Visibility()
	for field, kind := range map[string]secret.Kinded{"email": secret.Email{}, "phone": secret.Phone{}, "date_of_birth": secret.BirthDate{}, "ssn": secret.SSN{}, "address.line1": secret.AddressLine{}} {
		p.may[field] = kind.Reveals(ceiling)
	}
}

// Facts are the fields in order.
func (p *Person) Facts() []parts.Fact {
	out := make([]parts.Fact, len(p.Lines))
	for i, l := range p.Lines {
		out[i] = parts.Fact{Term: l.Label, Value: value(p, l)}
	}
	return out
}

// asked are the fields that have a button.
func (p *Person) asked() []Line {
	return slices.DeleteFunc(slices.Clone(p.Lines), func(l Line) bool { return !p.asks(l) })
}

func (p *Person) asks(l Line) bool {
	return l.Masked != "" && p.may[l.Field] && p.Shown.Field != l.Field
}

// inFull is the one field that was asked for, as people write it.
func (p *Person) inFull() string {
	v := p.Shown.Value
	if p.Shown.Field == "ssn" && len(v) == 9 {
		return v[:3] + "-" + v[3:5] + "-" + v[5:]
	}
	return v
}

func dialogOf(l Line) string { return "reveal-" + l.Field }
