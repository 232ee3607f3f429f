// Package hands tells whether one person may stand on both sides of a pair of
// eyes: whoever makes an API key reads it, and can call as somebody else; whoever
// adds a user, or mends another's sign-in, can come to be that user.
//
// It must not know operations or roles: what makes somebody is told by the list.
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

// Act is an operation on a user and the field of its entry whose change lets
// whoever did it act as that user; no field, no such operation.
type Act struct{ Operation, Field string }

// day is how long before a proposal an act counts, in microseconds.
const day = 24 * 60 * 60 * 1_000_000

// Apart refuses an approval by a user, with a key or without one, behind which a
// person may stand who stands behind the proposal too.
func Apart(ctx context.Context, tx *db.Tx, trail *audit.Trail, acts []Act, p *policy.Proposal, user id.User, key id.APIKey) error {
	if p.ProposedBy == user {
		return fault.New(fault.Denied, "own_proposal", "Nobody approves what they proposed; a second person must.")
	}
	by, err := proposedWith(ctx, tx, trail, p)
	if err != nil {
		return err
	}
	theirs, err := of(ctx, tx, p.ProposedBy, by)
	if err != nil {
		return err
	}
	mine, err := of(ctx, tx, user, key)
	if err != nil {
		return err
	}
	if meet(mine, theirs) {
		return fault.New(fault.Denied, "own_proposal", "One person has made a key that was used here, and stands on the other side too; approve it on the screens, or let a third person do it.")
	}
	m := makers{tx: tx, trail: trail, acts: acts, from: p.ProposedAt - day}
	if theirs, err = m.behind(ctx, theirs, p.ProposedAt); err != nil {
		return err
	}
	if mine, err = m.behind(ctx, mine, tx.At); err != nil {
		return err
	}
	if meet(mine, theirs) {
		return fault.New(fault.Denied, "same_hands", "One person stands on both sides: whoever alone adds, invites or switches on a user, or takes away what their sign-in asks for, can come to act as them. Let somebody else approve it, or have it proposed anew when a day has gone by since.")
	}
	return nil
}

func meet(a, b []string) bool {
	return slices.ContainsFunc(a, func(one string) bool { return slices.Contains(b, one) })
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
	out := []string{userPrefix + string(u)}
	for key != "" {
		k, err := identity.KeyByID(ctx, tx, key)
		if err != nil {
			return nil, err
		}
		out = append(out, userPrefix+string(k.User))
		maker, byKey := strings.CutPrefix(k.CreatedBy, identity.MadeByKey)
		if !byKey {
			if strings.HasPrefix(maker, userPrefix) {
				out = append(out, maker)
			}
			break
		}
		key = id.APIKey(maker)
	}
	return out, nil
}

// userPrefix begins the name of a user in the trail, as who acts and as what is
// acted on.
const userPrefix = "user/"
