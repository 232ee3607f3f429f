package gate

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate/hands"
	"github.com/lendkeep/lendkeep/platform/internal/gate/rate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/shape"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Config is what a gate needs beside its list.
type Config struct {
	Now    func() time.Time // the only clock below the fronts
	Log    *slog.Logger
	Limits rate.Limits
}

// Gate holds the one list of operations and everything that stands before it.
type Gate struct {
	now     func() time.Time
	log     *slog.Logger
	rates   *rate.Rates
	list    []Entry
	byName  map[string]Entry
	acts    []hands.Act
	callers callers
}

// New makes a gate from the one list. It refuses an operation without a
// permission or an audit form, a doubled name or route, an output leaf that is
// neither class:"public" nor a secret.Field, and a kept (idempotent) answer
// that holds sealed fields: a house that would leak does not start.
func New(c Config, list ...Entry) (*Gate, error) {
	if c.Now == nil || c.Log == nil {
		return nil, errors.New("gate: a clock and a log are required")
	}
	g := &Gate{now: c.Now, log: c.Log, rates: rate.New(c.Limits, c.Now), byName: make(map[string]Entry, len(list))}
	routes := map[string]string{}
	slices.SortFunc(list, func(a, b Entry) int { return strings.Compare(a.describe().Name, b.describe().Name) })
	for i, e := range list {
		m := e.describe()
		m.Number = uint16(i)
		if err := check(m); err != nil {
			return nil, err
		}
		if _, twice := g.byName[m.Name]; twice {
			return nil, fmt.Errorf("gate: operation %s is in the list twice", m.Name)
		}
		if m.Path != "" {
			route := m.Method + " " + m.Path
			if other, twice := routes[route]; twice {
				return nil, fmt.Errorf("gate: %s is the route of both %s and %s", route, other, m.Name)
			}
			routes[route] = m.Name
		}
		e.enter(m)
		g.byName[m.Name], g.acts = e, append(g.acts, hands.Act{Operation: m.Name, Field: m.Hands})
	}
	g.list = list
	return g, nil
}

func check(m *Meta) error {
	switch {
	case m.Name == "" || m.Title == "" || m.Area == "":
		return fmt.Errorf("gate: operation %q needs a name, a title and an area", m.Name)
	case m.Kind != operation.Read && m.Kind != operation.Write:
		return fmt.Errorf("gate: operation %s is neither a read nor a write, or does nothing", m.Name)
	case m.Permit < ByRole || m.Permit > House:
		return fmt.Errorf("gate: operation %s has no permission", m.Name)
	case m.Audit < operation.Looked || m.Audit > operation.Decided:
		return fmt.Errorf("gate: operation %s has no audit form", m.Name)
	case (m.Method == "") != (m.Path == ""):
		return fmt.Errorf("gate: operation %s needs both a method and a path, or neither", m.Name)
	case m.Pairing != Alone && (m.Kind != operation.Write || m.prepares):
		return fmt.Errorf("gate: operation %s cannot wait for a second person: it must be a write that prepares nothing", m.Name)
	case m.Part != "" && !slices.Contains(policy.Areas(), m.Part):
		return fmt.Errorf("gate: operation %s names no area that limits know: %s", m.Name, m.Part)
	case m.Kind == operation.Read && m.Audit != operation.Looked && m.Audit != operation.Entered:
		return fmt.Errorf("gate: read %s must be audited as looked", m.Name)
	}
	var err error
	if m.seal, err = shape.PlanSeal(m.Out); err != nil {
		return fmt.Errorf("gate: output of %s: %w", m.Name, err)
	}
	if m.texts, err = shape.PlanTexts(m.In); err != nil {
		return fmt.Errorf("gate: input of %s: %w", m.Name, err)
	}
	if m.Idempotent && m.seal.Holds() {
		// A kept answer is public text; sealed values would come back empty.
		return fmt.Errorf("gate: operation %s honours an Idempotency-Key and answers with sealed fields, which cannot be kept: answer with the id", m.Name)
	}
	return nil
}

// List gives every operation, sorted by name; its index is Meta.Number.
func (g *Gate) List() []Entry { return g.list }

// ByName finds an operation, or nil.
func (g *Gate) ByName(name string) Entry { return g.byName[name] }

// Catalogue gives the descriptions of all operations, sorted by name.
func (g *Gate) Catalogue() []*Meta { return Catalogue(g.list) }

// Catalogue gives the descriptions of a list; policy compiles roles from it.
func Catalogue(list []Entry) []*Meta {
	out := make([]*Meta, len(list))
	for i, e := range list {
		out[i] = e.Meta()
	}
	return out
}

// ForPolicy gives what policy needs to know of the list.
func ForPolicy(list []Entry) []policy.Operation {
	out := make([]policy.Operation, 0, len(list))
	for _, m := range Catalogue(list) {
		out = append(out, policy.Operation{Number: m.Number, Name: m.Name, UI: m.Screen != "", API: m.Path != "",
			ByRole: m.Permit == ByRole, Every: m.Permit == SignedIn, Roles: strings.Fields(m.Roles),
			Lendable: m.Permit == ByRole && !m.Bumps && m.Sensitivity != operation.Security && m.Area != "Audit", Paired: m.Pairing == AlwaysPair})
	}
	return out
}
