package approval

import (
	"context"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// DecideIn decides one proposal.
type DecideIn struct {
	ID     id.Proposal `path:"id" json:"-"`
	Reason string      `json:"reason,omitempty" maxLength:"1000" doc:"needed for a rejection"`
}

// Decided is how a proposal ended.
type Decided struct {
	ID     id.Proposal `json:"id" class:"public"`
	State  string      `json:"state" class:"public" enum:"approved,rejected,withdrawn"`
	Object string      `json:"object" class:"public" doc:"what it is about; approved, what was changed or made"`
}

func (d *Desk) approve() *gate.Op[DecideIn, Decided] {
	o := decide("proposal.approve", "Approve proposal", "/proposals/{id}/approve", func(ctx context.Context, c *gate.Call, in *DecideIn) (*Decided, error) {
		p, err := policy.ProposalByID(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		if _, err := d.shown(ctx, c, p); err != nil {
			return nil, err
		}
		// Decided first: of two who approve at once, one is told that it is closed.
		if err := policy.DecideProposal(ctx, c.Tx, p.ID, policy.ProposalApproved, c.Who.User, in.Reason); err != nil {
			return nil, err
		}
		note(c, p, policy.ProposalApproved, in.Reason)
		object, err := d.config.Gate().Carry(ctx, c, p)
		if err != nil {
			return nil, err
		}
		return &Decided{ID: p.ID, State: policy.ProposalApproved, Object: object}, nil
	})
	o.StepUp = true
	return o
}

func (d *Desk) reject() *gate.Op[DecideIn, Decided] {
	return decide("proposal.reject", "Reject proposal", "/proposals/{id}/reject", func(ctx context.Context, c *gate.Call, in *DecideIn) (*Decided, error) {
		p, err := policy.ProposalByID(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		if p.ProposedBy == c.Who.User {
			return nil, fault.New(fault.Denied, "own_proposal", "Withdraw what you proposed yourself; a rejection is somebody else's.")
		}
		if _, err := d.shown(ctx, c, p); err != nil {
			return nil, err
		}
		if strings.TrimSpace(in.Reason) == "" {
			return nil, fault.Bad("reason", "Say why, for whoever proposed it and for the trail.")
		}
		note(c, p, policy.ProposalRejected, in.Reason)
		return &Decided{ID: p.ID, State: policy.ProposalRejected, Object: p.Object},
			policy.DecideProposal(ctx, c.Tx, p.ID, policy.ProposalRejected, c.Who.User, in.Reason)
	})
}

func (d *Desk) withdraw() *gate.Op[DecideIn, Decided] {
	o := decide("proposal.withdraw", "Withdraw proposal", "/proposals/{id}/withdraw", func(ctx context.Context, c *gate.Call, in *DecideIn) (*Decided, error) {
		p, err := policy.ProposalByID(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		if p.ProposedBy != c.Who.User {
			return nil, fault.Missing("proposal") // others reject; only the proposer withdraws
		}
		note(c, p, policy.ProposalWithdrawn, in.Reason)
		return &Decided{ID: p.ID, State: policy.ProposalWithdrawn, Object: p.Object},
			policy.DecideProposal(ctx, c.Tx, p.ID, policy.ProposalWithdrawn, c.Who.User, in.Reason)
	})
	o.Permit, o.Roles = gate.SignedIn, "" // whoever proposed it takes it back, and nobody else
	return o
}

func note(c *gate.Call, p *policy.Proposal, state, reason string) {
	c.Change("state", policy.ProposalOpen, state)
	c.Detail("operation", p.Operation)
	c.Detail("object", p.Object)
	c.Detail("proposed_by", "user/"+string(p.ProposedBy))
	c.Given(reason)
}
