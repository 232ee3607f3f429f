package policy

import (
	"context"
	"database/sql"
	"errors"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/pii"
)

// States of a proposal. A decision is an event; no proposal is ever deleted.
const (
	ProposalOpen      = "open"
	ProposalApproved  = "approved"
	ProposalRejected  = "rejected"
	ProposalWithdrawn = "withdrawn"
	ProposalExpired   = "expired"
)

// ProposalLife is how long a proposal waits for the second person.
const ProposalLife = 7 * day

// Proposal is a call that waits for a second person.
type Proposal struct {
	ID         id.Proposal
	Operation  string
	Object     string
	Input      []byte // what was asked for, sealed under the tenant's ring
	Difference []byte // what it would change, sealed likewise
	Reason     string
	State      string
	ProposedBy id.User
	ProposedAt int64
	EndsAt     int64
	DecidedBy  id.User
	DecidedAt  int64
	Remark     string
}

const proposalColumns = `SELECT id, operation, object, input, difference, reason, state, proposed_by, proposed_at, ends_at, decided_by, decided_at, remark FROM proposal `

func scanProposal(scan func(...any) error) (*Proposal, error) {
	p := new(Proposal)
	return p, scan(&p.ID, &p.Operation, &p.Object, &p.Input, &p.Difference, &p.Reason, &p.State, &p.ProposedBy, &p.ProposedAt, &p.EndsAt, &p.DecidedBy, &p.DecidedAt, &p.Remark)
}

// InsertProposal stores a proposal.
func InsertProposal(ctx context.Context, tx *db.Tx, p *Proposal) error {
	_, err := tx.Exec(ctx, `INSERT INTO proposal (id, operation, object, input, difference, reason, state, proposed_by, proposed_at, ends_at, decided_by, decided_at, remark)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, '')`, p.ID, p.Operation, p.Object, p.Input, p.Difference, pii.Mask(p.Reason), p.State, p.ProposedBy, p.ProposedAt, p.EndsAt)
	return err
}

// ProposalByID reads a proposal; NotFound if there is none. One that has waited
// too long reads as expired.
func ProposalByID(ctx context.Context, tx *db.Tx, pid id.Proposal) (*Proposal, error) {
	p, err := scanProposal(func(dest ...any) error { return tx.One(ctx, proposalColumns+`WHERE id = ?`, []any{pid}, dest...) })
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.Missing("proposal")
	}
	if err == nil {
		p.age(tx.At)
	}
	return p, err
}

// Proposals lists proposals, newest first; open ones alone if asked, at most
// limit.
func Proposals(ctx context.Context, tx *db.Tx, openOnly bool, limit int) ([]*Proposal, error) {
	where, args := `ORDER BY proposed_at DESC, id DESC LIMIT ?`, []any{limit}
	if openOnly {
		where, args = `WHERE state = 'open' AND ends_at > ? ORDER BY proposed_at DESC, id DESC LIMIT ?`, []any{tx.At, limit}
	}
	return db.All(ctx, tx, func(r *db.Rows) (*Proposal, error) {
		p, err := scanProposal(r.Scan)
		if err == nil {
			p.age(tx.At)
		}
		return p, err
	}, proposalColumns+where, args...)
}

func (p *Proposal) age(at int64) {
	if p.State == ProposalOpen && at >= p.EndsAt {
		p.State = ProposalExpired
	}
}

// DecideProposal moves an open proposal to its end; Conflict if it is not open
// any more.
func DecideProposal(ctx context.Context, tx *db.Tx, pid id.Proposal, state string, by id.User, remark string) error {
	n, err := tx.Exec(ctx, `UPDATE proposal SET state = ?, decided_by = ?, decided_at = ?, remark = ? WHERE id = ? AND state = 'open' AND ends_at > ?`,
		state, by, tx.At, pii.Mask(remark), pid, tx.At)
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "proposal_closed", "This proposal has been decided already or has waited too long.")
	}
	return err
}
