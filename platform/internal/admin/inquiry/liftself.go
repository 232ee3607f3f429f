package inquiry

import (
	"context"
	"time"

	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// The pages on which people mend their own way in.
const (
	passwordPage = "/password"
	factorPage   = "/factor"
	proofPage    = "/step-up"
	viewPage     = "/my-access" // every page has the button while a view lasts
)

// byPerson recommends what only the person can do.
func (t *trial) byPerson(o *Obstacle, operation, page, words string, gives ...string) {
	o.By, o.Words = ByPerson, words
	o.Change = t.own(operation, page, words, gives...)
}

// viewing reports whether the session looks through other eyes, in this trial.
func (t *trial) viewing() bool { return t.q.ViewAs != "" && !t.view }

// endView recommends to look with one's own eyes again.
func (t *trial) endView(o *Obstacle) {
	t.view = true
	t.byPerson(o, "view_as.end", viewPage, "Have the person end the view: it changes nothing, and shows no more than both may see.")
}

// liftFactor has the person give a second factor, or make the first one. Whoever
// administers access can stand in for it with a recorded exception.
func (t *trial) liftFactor(ctx context.Context, o *Obstacle) error {
	list, err := identity.FactorsOf(ctx, t.c.Tx, t.q.User)
	if err != nil {
		return err
	}
	t.byPerson(o, "factor.code.begin", factorPage, "Have the person add a second factor.")
	for _, f := range list {
		if f.Active {
			t.byPerson(o, "factor.give", factorPage, "Have the person give the second factor.", "code", "passkey", "recovery")
		}
	}
	until := instant(t.now + (24 * time.Hour).Microseconds())
	except := t.change("factor_exception.grant", string(t.q.User), "Approve that the person needs no second factor for a day.",
		map[string]any{"reason": "The second factor is not at hand; approved for a day.", "until": until})
	if except != nil && t.q.User != t.c.Who.User {
		o.Others = append(o.Others, *except)
	}
	return nil
}

// liftProof has the person prove once more who they are, as the gate counts proofs.
func (t *trial) liftProof(o *Obstacle, s *policy.Subject) {
	const words = "Have the person prove who they are once more."
	if s.FactorNeeded && t.q.At >= s.ExceptUntil {
		t.byPerson(o, "factor.give", proofPage, words, "code", "passkey", "recovery")
		return
	}
	t.byPerson(o, "password.prove", proofPage, words, "password")
}

// closedView is the obstacle of a row or a limit that a view brings with it.
func (t *trial) closedView(layer access.Layer, reason access.Reason) *Obstacle {
	o := &Obstacle{Layer: layer, Reason: reason}
	t.endView(o)
	return o
}
