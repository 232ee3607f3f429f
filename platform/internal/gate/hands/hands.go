// Package hands tells whether one person may stand on both sides of a pair of
// eyes: whoever makes an API key reads it, and can call as somebody else.
//
// It must not know operations or roles.
package hands

import (
	"context"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Apart refuses an approval by a user, with a key or without one, behind which the
// person may stand who stands behind the proposal.
func Apart(ctx context.Context, tx *db.Tx, trail *audit.Trail, p *policy.Proposal, user id.User, key id.APIKey) error {
	by, err := proposedWith(ctx, tx, trail, p)
	if err != nil {
		return err
	}
	theirs, err := of(ctx, tx, p.ProposedBy, by)
	if err != nil {
		return err
	}
	mine, err := of(ctx, tx, user, key)
	if err == nil && slices.ContainsFunc(mine, func(one string) bool { return slices.Contains(theirs, one) }) {
		return fault.New(fault.Denied, "own_proposal", "One person has made a key that was used here, and stands on the other side too; approve it on the screens, or let a third person do it.")
	}
	return err
}

// proposedWith gives the key of the call that became a proposal; empty for a screen.
func proposedWith(ctx context.Context, tx *db.Tx, trail *audit.Trail, p *policy.Proposal) (id.APIKey, error) {
	found, err := trail.List(ctx, tx, audit.Filter{Actor: "user/" + string(p.ProposedBy), Operation: p.Operation, From: p.ProposedAt, To: p.ProposedAt + 1, Limit: 500})
	for _, e := range found.Entries {
		if e.Channel == operation.API && e.Detail["proposal"] == string(p.ID) {
			return id.APIKey(e.Credential), err
		}
	}
	return "", err
}

// of gives the people who can have made a call: its user and, with a key, whoever
// made the key, or the key that made it.
func of(ctx context.Context, tx *db.Tx, u id.User, key id.APIKey) ([]string, error) {
	out := []string{"user/" + string(u)}
	for key != "" {
		k, err := identity.KeyByID(ctx, tx, key)
		if err != nil {
			return nil, err
		}
		out = append(out, "user/"+string(k.User))
		maker, byKey := strings.CutPrefix(k.CreatedBy, identity.MadeByKey)
		if !byKey {
			if strings.HasPrefix(maker, "user/") {
				out = append(out, maker)
			}
			break
		}
		key = id.APIKey(maker)
	}
	return out, nil
}
