package hands

import (
	"context"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
)

// makers asks the trail who can have come to act as whom.
type makers struct {
	tx    *db.Tx
	trail *audit.Trail
	acts  []Act
	from  int64
}

// behind adds to people whoever could act as one of them up to an instant, and
// whoever could act as those: who makes somebody who makes somebody stands behind
// both.
func (m makers) behind(ctx context.Context, people []string, until int64) ([]string, error) {
	for i := 0; i < len(people); i++ {
		more, err := m.of(ctx, people[i], until)
		if err != nil {
			return nil, err
		}
		for _, one := range more {
			if !slices.Contains(people, one) {
				people = append(people, one)
			}
		}
	}
	return people, nil
}

// of gives whoever did something to a user that lets them act as that user. What
// went through two people already is not one person's doing.
func (m makers) of(ctx context.Context, user string, until int64) (out []string, err error) {
	var names []string
	for _, a := range m.acts {
		if a.Field != "" {
			names = append(names, a.Operation)
		}
	}
	within := db.In("operation", names)
	f := audit.Filter{Object: user, Outcome: operation.Allowed.String(), Within: &within, From: m.from, To: until + 1, Limit: 500}
	for {
		page, err := m.trail.List(ctx, m.tx, f)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Entries {
			if f.BeforeAt, f.BeforeID = e.At, e.ID; !m.counts(&e) {
				continue
			}
			key := id.APIKey("")
			if e.Channel == operation.API {
				key = id.APIKey(e.Credential)
			}
			people, err := of(ctx, m.tx, id.User(strings.TrimPrefix(e.Actor, userPrefix)), key)
			if err != nil {
				return nil, err
			}
			out = append(out, people...)
		}
		if !page.More {
			return out, nil
		}
	}
}

// counts reports whether one person alone did what an entry tells, and whether it
// opened the user's sign-in.
func (m makers) counts(e *audit.Entry) bool {
	if !strings.HasPrefix(e.Actor, userPrefix) || e.For != "" && e.Detail["proposal"] != "" {
		return false
	}
	at := slices.IndexFunc(m.acts, func(a Act) bool { return a.Operation == e.Operation })
	return at >= 0 && slices.ContainsFunc(e.Changes, func(c audit.Change) bool { return c.Field == m.acts[at].Field })
}
