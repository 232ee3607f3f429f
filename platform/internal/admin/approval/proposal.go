package approval

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Change is one field before and after. Personal values are masked: whoever must
// see them whole reveals them on the person's own page.
type Change struct {
	Field  string `json:"field" class:"public"`
	Before string `json:"before" class:"public"`
	After  string `json:"after" class:"public"`
}

// Proposal is a call that waits for a second person, or has waited.
type Proposal struct {
	ID           id.Proposal `json:"id" class:"public"`
	Operation    string      `json:"operation" class:"public"`
	Title        string      `json:"title" class:"public" doc:"the operation in words"`
	Object       string      `json:"object" class:"public"`
	Number       string      `json:"number,omitempty" class:"public" doc:"of the loan that it is about, where the caller sees it"`
	State        string      `json:"state" class:"public" enum:"open,approved,rejected,withdrawn,expired"`
	Reason       string      `json:"reason" class:"public" doc:"given by whoever proposed it"`
	ProposedBy   id.User     `json:"proposed_by" class:"public"`
	ProposerName string      `json:"proposer_name" class:"public"`
	ProposedAt   string      `json:"proposed_at" class:"public"`
	EndsAt       string      `json:"ends_at" class:"public"`
	DecidedBy    id.User     `json:"decided_by,omitempty" class:"public"`
	DeciderName  string      `json:"decider_name,omitempty" class:"public"`
	DecidedAt    string      `json:"decided_at,omitempty" class:"public"`
	Remark       string      `json:"remark,omitempty" class:"public"`
	Mine         bool        `json:"mine" class:"public" doc:"the caller proposed it, and so may not approve it"`
	MayDecide    bool        `json:"may_decide" class:"public"`
	Changes      []Change    `json:"changes" doc:"as the rehearsal foresaw it, without the ids of what is made only when it is approved; empty for a proposer who may not see the object any more"`
}

// ListIn narrows the list.
type ListIn struct {
	State string `query:"state" enum:"open,all" doc:"empty: open"`
}

// ListOut is the proposals that concern the caller, newest first.
type ListOut struct {
	Items   []Proposal `json:"items"`
	Total   int        `json:"total" class:"public"`
	Waiting int        `json:"waiting" class:"public" doc:"open ones that the caller may decide"`
	Next    string     `json:"next" class:"public"`
}

// mostListed bounds a list; older ones are found in the trail.
const mostListed = 500

func (d *Desk) list() *gate.Op[ListIn, ListOut] {
	o := look("proposal.list", "List proposals", "Proposals", "/proposals", func(ctx context.Context, c *gate.Call, in *ListIn) (*ListOut, error) {
		stored, err := policy.Proposals(ctx, c.Tx, in.State != "all", mostListed)
		if err != nil {
			return nil, err
		}
		out := &ListOut{Items: []Proposal{}}
		for _, p := range stored {
			shown, err := d.shown(ctx, c, p)
			if fault.Is(err, fault.NotFound) {
				continue // not theirs to see
			}
			if err != nil {
				return nil, err
			}
			if out.Items = append(out.Items, *shown); shown.MayDecide {
				out.Waiting++
			}
		}
		out.Total = len(out.Items)
		return out, named(ctx, c, out.Items)
	})
	o.Roles = everybody
	return o
}

func (d *Desk) view() *gate.Op[Ref, Proposal] {
	o := look("proposal.view", "View proposal", "Proposals", "/proposals/{id}", func(ctx context.Context, c *gate.Call, in *Ref) (*Proposal, error) {
		p, err := policy.ProposalByID(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		shown, err := d.shown(ctx, c, p)
		if err != nil {
			return nil, err
		}
		one := []Proposal{*shown}
		return &one[0], named(ctx, c, one)
	})
	o.Object = func(in *Ref) string { return "proposal/" + string(in.ID) }
	o.Permit = gate.SignedIn // whoever proposed it sees it, whatever their role holds by now
	return o
}

// shown gives a proposal as the caller may see it; NotFound for whoever neither
// made it nor could decide it.
func (d *Desk) shown(ctx context.Context, c *gate.Call, p *policy.Proposal) (*Proposal, error) {
	mine := p.ProposedBy == c.Who.User
	holds, err := d.holds(ctx, c, p)
	if err != nil {
		return nil, err
	}
	if !mine && !holds {
		return nil, fault.Missing("proposal")
	}
	changes, err := d.difference(ctx, c, p, holds)
	if err != nil {
		return nil, err
	}
	out := &Proposal{ID: p.ID, Operation: p.Operation, Title: p.Operation, Object: p.Object, State: p.State, Reason: p.Reason,
		ProposedBy: p.ProposedBy, ProposedAt: instant(p.ProposedAt), EndsAt: instant(p.EndsAt), DecidedBy: p.DecidedBy, DecidedAt: instant(p.DecidedAt),
		Remark: p.Remark, Mine: mine, MayDecide: !mine && p.State == policy.ProposalOpen, Changes: []Change{}}
	if e := d.config.Gate().ByName(p.Operation); e != nil {
		out.Title = e.Meta().Title
	}
	if out.Number, err = admin.LoanNumber(ctx, c, p.Object); err != nil {
		return nil, err
	}
	for _, ch := range changes {
		if !rehearsed(ch, p.ProposedAt) {
			out.Changes = append(out.Changes, masked(ch))
		}
	}
	return out, nil
}

// difference gives what a proposal would change, and nothing to a proposer who may
// not see it any more.
func (d *Desk) difference(ctx context.Context, c *gate.Call, p *policy.Proposal, holds bool) ([]audit.Change, error) {
	if len(p.Difference) == 0 {
		return nil, nil // none is left of what spoke of somebody who was erased
	}
	if e := d.config.Gate().ByName(p.Operation); e != nil && !holds {
		look := *e.Meta()
		look.Kind = operation.Read
		if reads, err := within(ctx, c, &look, p.Object); err != nil || !reads {
			return nil, err
		}
	}
	return c.Difference(p)
}

// holds reports whether the caller holds the operation itself, in any channel,
// sees the object, and is kept from it by no limit.
func (d *Desk) holds(ctx context.Context, c *gate.Call, p *policy.Proposal) (bool, error) {
	e, s := d.config.Gate().ByName(p.Operation), c.Subject()
	if e == nil || s == nil {
		return false, nil
	}
	if r := s.Role.Rights; !r.UI.Has(e.Meta().Number) && !r.API.Has(e.Meta().Number) {
		return false, nil
	}
	return within(ctx, c, e.Meta(), p.Object)
}

// within reports whether the caller's scope shows the object and no limit refuses
// the operation on it.
func within(ctx context.Context, c *gate.Call, m *gate.Meta, object string) (bool, error) {
	if seen, err := c.Sees(ctx, c.Scope, object); err != nil || !seen {
		return false, err
	}
	l, err := c.LimitOf(ctx, c.Subject(), c.Scope, m, object)
	return err == nil && l == nil, err
}

// rehearsed reports whether a change names what the rehearsal of a proposal made:
// it was given up, and what an approval makes has another id.
func rehearsed(ch audit.Change, proposed int64) bool {
	made := ch.After[strings.LastIndexByte(ch.After, '/')+1:]
	return ch.Before == "" && !ch.Sealed && id.MadeAt(made) == proposed/1000*1000
}

func masked(ch audit.Change) Change {
	if !ch.Sealed {
		return Change{Field: ch.Field, Before: ch.Before, After: ch.After}
	}
	hide := func(s string) string {
		if s == "" {
			return ""
		}
		return secret.AddressLine{}.Mask(s, secret.Visibility{})
	}
	return Change{Field: ch.Field, Before: hide(ch.Before), After: hide(ch.After)}
}

// named fills in what the people are called now.
func named(ctx context.Context, c *gate.Call, list []Proposal) error {
	var actors []string
	for _, p := range list {
		actors = append(actors, "user/"+string(p.ProposedBy), "user/"+string(p.DecidedBy))
	}
	names, err := identity.NamesOf(ctx, c.Tx, slices.Compact(actors))
	if err != nil {
		return err
	}
	for i := range list {
		list[i].ProposerName = names["user/"+string(list[i].ProposedBy)]
		list[i].DeciderName = names["user/"+string(list[i].DecidedBy)]
	}
	return nil
}

// instant prints an instant as the API writes it; empty for never.
func instant(micros int64) string {
	if micros == 0 {
		return ""
	}
	return time.UnixMicro(micros).UTC().Format(time.RFC3339)
}
