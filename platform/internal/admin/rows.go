package admin

import (
	"context"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Rows watches a change of access by somebody whom search restrictions bind: nobody
// ends up seeing rows by it that they do not see themselves. Else they would make
// a user whom nothing binds, and look through those eyes.
type Rows struct{ before map[id.User]*policy.Bond }

// WatchRows begins before the change is written. Whoever is not restricted, and the
// house itself, is not watched.
func WatchRows(ctx context.Context, c *gate.Call) (w Rows, err error) {
	if s := c.Subject(); s != nil && s.Restricted() {
		w.before, err = policy.Bonds(ctx, c.Tx)
	}
	return w, err
}

// Beyond reports that somebody with a bond sees rows that a subject does not see, as
// far as restrictions say: one that binds the subject does not bind them, or hides
// less from them.
func Beyond(s *policy.Subject, b *policy.Bond) bool {
	return slices.ContainsFunc(s.Restrictions, func(r *policy.Restriction) bool {
		return !slices.Contains(b.Restrictions, r.ID) || slices.ContainsFunc(b.Lent, func(l id.Loan) bool { return !slices.Contains(r.Lent, l) })
	})
}

// Bound gives whom a restriction binds.
func (w Rows) Bound(r id.Restriction) (users []id.User) {
	for u, b := range w.before {
		if slices.Contains(b.Restrictions, r) {
			users = append(users, u)
		}
	}
	return users
}

// mostShown is how many people a refusal names before it counts the others.
const mostShown = 10

// Refuse ends after it: whoever came in, or whom something binds no more, must be
// bound by all that binds the caller, and so must those who gained something else.
// Who saw more before, and gains nothing, may see more after.
func (w Rows) Refuse(ctx context.Context, c *gate.Call, gained ...id.User) error {
	if w.before == nil {
		return nil
	}
	after, err := policy.Bonds(ctx, c.Tx)
	if err != nil {
		return err
	}
	var names []string
	for u, is := range after {
		was := w.before[u]
		loosened := was == nil || !was.Active || slices.Contains(gained, u) ||
			slices.ContainsFunc(was.Restrictions, func(r id.Restriction) bool { return !slices.Contains(is.Restrictions, r) })
		if is.Active && loosened && Beyond(c.Subject(), is) {
			names = append(names, is.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	words := strings.Join(names[:min(len(names), mostShown)], ", ")
	if len(names) > mostShown {
		words += " and others"
	}
	return fault.New(fault.Denied, "not_grantable", "Your search restrictions would not bind "+words+", who would see what they hide from you. Give them the same search restrictions, or have somebody do it whom they do not bind.")
}
