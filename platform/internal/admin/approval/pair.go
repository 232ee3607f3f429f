package approval

import (
	"context"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Pair is one operation that may need a second person.
type Pair struct {
	Operation string `json:"operation" class:"public"`
	Title     string `json:"title" class:"public"`
	Area      string `json:"area" class:"public"`
	On        bool   `json:"on" class:"public"`
	Always    bool   `json:"always" class:"public" doc:"cannot be switched off"`
}

// PairsOut is every operation that may need a second person.
type PairsOut struct {
	Items  []Pair   `json:"items"`
	Total  int      `json:"total" class:"public"`
	Next   string   `json:"next" class:"public"`
	Alone  []string `json:"alone" class:"public" doc:"operations that one person does alone and by which they can come to act as a second person, as long as anything is asked of two: ask for a second person here too"`
	Around []string `json:"around" class:"public" doc:"operations that move money and that one person does alone, as long as another that moves money is asked of two: by them one person can bring about what two must"`
}

// PairIn names operations whose demand for a second person changes.
type PairIn struct {
	Operations []string `json:"operations" minItems:"1" maxItems:"100" example:"[\"loan.write_off\"]"`
	Reason     string   `json:"reason,omitempty" maxLength:"1000"`
}

func (d *Desk) pairs() *gate.Op[Nothing, PairsOut] {
	return look("four_eyes.list", "List four-eyes operations", "Settings", "/settings/four-eyes", func(_ context.Context, c *gate.Call, _ *Nothing) (*PairsOut, error) {
		return d.listed(c.Policy.Setting().FourEyes), nil
	})
}

func (d *Desk) listed(on []string) *PairsOut {
	out := &PairsOut{Items: []Pair{}, Alone: []string{}, Around: []string{}}
	money := false // somewhere it takes two to move it
	for _, m := range d.config.Gate().Catalogue() {
		if m.Pairing == gate.Alone {
			continue
		}
		always := m.Pairing == gate.AlwaysPair
		two := always || slices.Contains(on, m.Name)
		out.Items = append(out.Items, Pair{Operation: m.Name, Title: m.Title, Area: m.Area, On: two, Always: always})
		if !two && m.Hands != "" && len(on) > 0 {
			out.Alone = append(out.Alone, m.Name)
		}
		switch moves := m.Audit == operation.Moved; {
		case moves && two:
			money = true
		case moves:
			out.Around = append(out.Around, m.Name)
		}
	}
	if !money {
		out.Around = []string{}
	}
	out.Total = len(out.Items)
	return out
}

func (d *Desk) change(name, title, method string, do func(on []string, named []string) []string) *gate.Op[PairIn, PairsOut] {
	return &gate.Op[PairIn, PairsOut]{Name: name, Title: title, Area: "Four eyes", Screen: "Settings", Method: method, Path: "/settings/four-eyes",
		Kind: operation.Write, Audit: operation.Access, Permit: gate.ByRole, Sensitivity: operation.Security, StepUp: true,
		Object: func(*PairIn) string { return "settings/four-eyes" },
		Do: func(ctx context.Context, c *gate.Call, in *PairIn) (*PairsOut, error) {
			for _, n := range in.Operations {
				e := d.config.Gate().ByName(n)
				if e == nil || e.Meta().Pairing != gate.MayPair {
					return nil, fault.Bad("operations", "Name operations that may be switched: GET /settings/four-eyes lists them.")
				}
			}
			s, err := policy.ReadSetting(ctx, c.Tx)
			if err != nil {
				return nil, err
			}
			before := slices.Clone(s.FourEyes)
			s.FourEyes = do(s.FourEyes, in.Operations)
			slices.Sort(s.FourEyes)
			s.FourEyes = slices.Compact(s.FourEyes)
			c.Change("four_eyes", strings.Join(before, ", "), strings.Join(s.FourEyes, ", "))
			c.Given(in.Reason)
			return d.listed(s.FourEyes), policy.SaveSetting(ctx, c.Tx, s)
		}}
}

// demand asks for a second person from now on.
func (d *Desk) demand() *gate.Op[PairIn, PairsOut] {
	o := d.change("four_eyes.demand", "Ask for a second person", "POST", func(on, named []string) []string { return append(on, named...) })
	do := o.Do
	o.Do = func(ctx context.Context, c *gate.Call, in *PairIn) (*PairsOut, error) {
		if err := d.refuseLockout(ctx, c, in.Operations); err != nil {
			return nil, err
		}
		return do(ctx, c, in)
	}
	return o
}

// refuseLockout keeps a tenant with one person from asking for a second where only
// these operations could make one: nobody could be added any more, nor the demand be
// taken back.
func (d *Desk) refuseLockout(ctx context.Context, c *gate.Call, named []string) error {
	staff, err := identity.AllStaff(ctx, c.Tx)
	if err != nil {
		return err
	}
	approve := d.Approve.Meta().Number
	for _, name := range named {
		e, n := d.config.Gate().ByName(name), 0
		if e == nil || e.Meta().Hands == "" {
			continue
		}
		for _, s := range staff {
			if !s.Active || s.Machine || s.PasswordHash == "" {
				continue
			}
			who, err := c.Policy.Subject(ctx, c.Tx, s.ID, "")
			if err != nil {
				return err
			}
			if r := who.Role.Rights; r.UI.Has(e.Meta().Number) && r.UI.Has(approve) {
				n++
			}
		}
		if n < 2 {
			return fault.New(fault.Conflict, "no_second_person", "Fewer than two people could do “"+e.Meta().Title+"” together, so that nobody could become the second one any more. First add somebody whose role has it, and have them choose a password.")
		}
	}
	return nil
}

// waive ceases to ask, which needs a second person itself.
func (d *Desk) waive() *gate.Op[PairIn, PairsOut] {
	o := d.change("four_eyes.waive", "Cease to ask for a second person", "DELETE", func(on, named []string) []string {
		return slices.DeleteFunc(on, func(n string) bool { return slices.Contains(named, n) })
	})
	o.Pairing = gate.AlwaysPair
	return o
}
