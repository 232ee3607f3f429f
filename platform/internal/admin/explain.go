package admin

import (
	"context"
	"net/netip"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// ExplainIn asks what the gate would say to somebody.
type ExplainIn struct {
	User      id.User `json:"user"`
	Operation string  `json:"operation" minLength:"1" maxLength:"100" example:"loan.payment.log"`
	Object    string  `json:"object,omitempty" maxLength:"100" example:"loan/ln_…"`
	Address   string  `json:"address,omitempty" maxLength:"60" doc:"empty: the asker's own"`
	Channel   string  `json:"channel,omitempty" enum:"ui,api" doc:"empty: ui"`
}

// Layer is one layer of the gate and what it says.
type Layer struct {
	Layer   string `json:"layer" class:"public"`
	Passed  bool   `json:"passed" class:"public"`
	Reached bool   `json:"reached" class:"public" doc:"false: an earlier layer had already said no"`
	Why     string `json:"why" class:"public"`
}

// ExplainOut is the answer, layer by layer.
type ExplainOut struct {
	Allowed    bool    `json:"allowed" class:"public"`
	Layers     []Layer `json:"layers"`
	WouldAllow string  `json:"would_allow" class:"public" doc:"the smallest change that would allow it; empty if allowed"`
}

func (d *Desk) explain() *gate.Op[ExplainIn, ExplainOut] {
	return &gate.Op[ExplainIn, ExplainOut]{
		Name: "access.explain", Title: "Explain access", Area: "Access", Screen: "Explain", Method: "POST", Path: "/access/explain",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: d.explained,
	}
}

func (d *Desk) explained(ctx context.Context, c *gate.Call, in *ExplainIn) (*ExplainOut, error) {
	c.Detail("user", string(in.User))
	c.Detail("operation", in.Operation)
	meta := d.metaOf(in.Operation)
	if meta == nil {
		return nil, fault.Bad("operation", "Name an operation of the catalogue, for example loan.payment.log.")
	}
	q := access.Query{Op: meta.Number, Channel: operation.UI, Address: c.Request.Address.Chosen, Object: in.Object, At: c.At, FactorAt: c.At, StepUp: meta.StepUp, Mends: meta.Mends || meta.Leaves}
	if in.Channel == "api" {
		q.Channel = operation.API
	}
	if in.Address != "" {
		a, err := netip.ParseAddr(in.Address)
		if err != nil || a.Zone() != "" {
			return nil, fault.Bad("address", "Give an IP address such as 203.0.113.9.")
		}
		q.Address = a.Unmap()
	}
	s, err := c.Policy.Subject(ctx, c.Tx, in.User, "")
	if err != nil {
		return nil, err
	}
	out := &ExplainOut{Allowed: c.DecideAs(s, meta, &q).Allowed}
	for _, step := range access.Explain(c.Policy.Access, &s.Subject, &q) {
		l := Layer{Layer: step.Layer.String(), Passed: step.State == access.Passed, Reached: step.State != access.NotReached, Why: step.Why}
		out.Layers = append(out.Layers, l)
		if step.State == access.Refused {
			out.WouldAllow = remedy(step, meta, s.Role.Name, q.Channel)
		}
	}
	return d.explainRow(ctx, c, in, s, out)
}

func (d *Desk) metaOf(name string) *gate.Meta {
	for _, m := range d.config.Catalogue() {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// remedy names the smallest change that lifts a layer's no.
func remedy(step access.Step, m *gate.Meta, role string, ch operation.Channel) string {
	if step.Layer != access.Permission {
		return step.Mend
	}
	tree := "Screens"
	if ch == operation.API {
		tree = "API"
	}
	return "Give “" + m.Title + "” (" + m.Name + ") to the role “" + role + "” in " + tree + ", or assign another role."
}
