package sight

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// wanted is a set that somebody needs.
type wanted struct {
	rules []*rule.Expr
	day   civil.Date // zero unless the rules read the date
}

func (w wanted) cond() db.Cond { return condOf(w.rules, w.day) }

// Build makes the sets that the tenant's people need and have not,
// in short transactions, and sweeps those that nobody needs. It may be stopped
// at any time and goes on where it was; call it at start, after access has
// changed, and once a day: rules that read the date have a set for today and
// one for tomorrow.
func Build(ctx context.Context, t *tenant.Tenant) error {
	sets, idle, err := wantedSets(ctx, t)
	if err != nil {
		return fmt.Errorf("finding the sets to build: %w", err)
	}
	if idle {
		return nil
	}
	if err := declare(ctx, t, sets); err != nil {
		return fmt.Errorf("declaring visible sets: %w", err)
	}
	if err := build(ctx, t, sets); err != nil {
		return fmt.Errorf("building visible sets: %w", err)
	}
	return sweepSets(ctx, t)
}

// wantedSets gives the sets of every restricted user, by key, and whether all of
// them are there and nothing else.
func wantedSets(ctx context.Context, t *tenant.Tenant) (sets map[string]wanted, idle bool, err error) {
	sets = map[string]wanted{}
	err = t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		p, err := currentPolicy(ctx, tx, t)
		if err != nil {
			return err
		}
		users, err := policy.RestrictedUsers(ctx, tx)
		if err != nil {
			return err
		}
		for _, u := range users {
			subject, err := p.Subject(ctx, tx, u, "")
			if err != nil {
				return err
			}
			var rules []*rule.Expr
			whole := true
			for _, r := range subject.Restrictions {
				whole = whole && !r.Broken && r.Loan != nil
				rules = append(rules, r.Loan)
			}
			if !whole || len(rules) == 0 {
				continue
			}
			days := []civil.Date{0}
			if dated(rules) {
				today := t.Today(tx.At)
				days = []civil.Date{today, today.AddDays(1)}
			}
			for _, day := range days {
				w := wanted{rules, day}
				sets[keyOf(w.cond())] = w
			}
		}
		idle, err = complete(ctx, tx, sets)
		return err
	})
	return sets, idle, err
}

// complete reports whether there is nothing to build and nothing to sweep, so
// that whoever asks in vain holds up no write.
func complete(ctx context.Context, tx *db.Tx, sets map[string]wanted) (bool, error) {
	kept, err := db.All(ctx, tx, scanSet, `SELECT `+setColumns+` FROM visible_set s`)
	if err != nil || len(kept) != len(sets) {
		return false, err
	}
	for _, s := range kept {
		if w, ok := sets[s.Key]; !ok || w.day != s.Day || s.State != setReady {
			return false, nil
		}
		for _, o := range Orders() {
			var left int64
			if !s.Walks(o) {
				continue
			}
			if err := tx.One(ctx, `SELECT COUNT(*) FROM (SELECT 1 AS one FROM visible_place p WHERE p.set_no = ? AND p.sort = ? LIMIT 1) counted`, []any{s.No, o.No}, &left); err != nil || left > 0 {
				return false, err
			}
		}
	}
	return true, nil
}

// currentPolicy compiles the policy that the transaction sees.
func currentPolicy(ctx context.Context, tx *db.Tx, t *tenant.Tenant) (*policy.Compiled, error) {
	var version, active int64
	if err := tx.One(ctx, `SELECT version, tenant_active FROM policy_version WHERE id = 1`, nil, &version, &active); err != nil {
		return nil, err
	}
	return t.Policies.At(ctx, tx, version, active == 1)
}

// declare makes rows for sets that are missing and voids those that are not
// wanted any more.
func declare(ctx context.Context, t *tenant.Tenant, sets map[string]wanted) error {
	return t.DB.WriteExclusive(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		kept, err := db.All(ctx, tx, scanSet, `SELECT `+setColumns+` FROM visible_set s WHERE s.state < 2`)
		if err != nil {
			return err
		}
		have := map[string]bool{}
		for _, s := range kept {
			if w, ok := sets[s.Key]; ok && w.day == s.Day && !have[s.Key] {
				have[s.Key] = true
			} else if _, err := tx.Exec(ctx, `UPDATE visible_set SET state = 2 WHERE set_no = ?`, s.No); err != nil {
				return err
			}
		}
		for key, w := range sets {
			if have[key] {
				continue
			}
			texts := make([]string, len(w.rules))
			for i, e := range w.rules {
				texts[i] = e.Text()
			}
			stored, err := json.Marshal(texts)
			if err != nil {
				return err
			}
			bit, err := freeBit(ctx, tx)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO visible_set (set_no, set_key, rules, day, state, loans, bit, walked, built_to, made_at)
				VALUES ((SELECT COALESCE(MAX(o.set_no), 0) + 1 FROM visible_set o), ?, ?, ?, 0, 0, ?, 0, '', ?)`, key, string(stored), w.day, bit, tx.At); err != nil {
				return err
			}
		}
		return nil
	})
}

// freeBit gives a bit of loan.shown that no set has, also no void one, whose
// bits have not been taken from the loans yet; 0 if all are taken.
func freeBit(ctx context.Context, tx *db.Tx) (int64, error) {
	taken, err := db.All(ctx, tx, func(r *db.Rows) (bit int64, err error) { return bit, r.Scan(&bit) }, `SELECT bit FROM visible_set`)
	for n := range 63 {
		if bit := int64(1) << n; !slices.Contains(taken, bit) {
			return bit, err
		}
	}
	return 0, err
}
