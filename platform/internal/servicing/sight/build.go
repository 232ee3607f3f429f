package sight

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// buildChunk is how many loans one transaction of a build looks at: few enough
// that nobody waits for it noticeably.
const buildChunk = 2000

// Build makes the sets that the tenant's people need and have not,
// in short transactions, and sweeps those that nobody needs. It may be stopped
// at any time and goes on where it was; call it after access has changed and at
// start.
func Build(ctx context.Context, t *tenant.Tenant) error {
	wanted, err := wantedSets(ctx, t)
	if err != nil {
		return fmt.Errorf("finding the sets to build: %w", err)
	}
	if err := declare(ctx, t, wanted); err != nil {
		return fmt.Errorf("declaring visible sets: %w", err)
	}
	for key, rules := range wanted {
		if err := build(ctx, t, key, rules); err != nil {
			return fmt.Errorf("building a visible set: %w", err)
		}
	}
	return sweepSets(ctx, t)
}

// wantedSets gives the rules of every restricted user, by key.
func wantedSets(ctx context.Context, t *tenant.Tenant) (map[string][]*rule.Expr, error) {
	wanted := map[string][]*rule.Expr{}
	err := t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
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
			if key := SetKey(rules, t.Today(tx.At)); key != "" {
				wanted[key] = rules
			}
		}
		return nil
	})
	return wanted, err
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
func declare(ctx context.Context, t *tenant.Tenant, wanted map[string][]*rule.Expr) error {
	return t.DB.WriteExclusive(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		sets, err := db.All(ctx, tx, scanSet, setColumns+`WHERE state < 2`)
		if err != nil {
			return err
		}
		have := map[string]bool{}
		for _, s := range sets {
			if wanted[s.Key] != nil && !have[s.Key] {
				have[s.Key] = true
			} else if _, err := tx.Exec(ctx, `UPDATE visible_set SET state = 2 WHERE id = ?`, s.ID); err != nil {
				return err
			}
		}
		for key, rules := range wanted {
			if have[key] {
				continue
			}
			texts := make([]string, len(rules))
			for i, e := range rules {
				texts[i] = e.Text()
			}
			stored, err := json.Marshal(texts)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO visible_set (id, set_key, rules, state, loans, built_to, made_at) VALUES (?, ?, ?, 0, 0, '', ?)`,
				string(id.New[id.Job](tx.At)), key, string(stored), tx.At); err != nil {
				return err
			}
		}
		return nil
	})
}

// build goes through the loans by id. Each piece is an exclusive write, so that
// no change of a loan runs beside it and is missed.
func build(ctx context.Context, t *tenant.Tenant, key string, rules []*rule.Expr) error {
	for done := false; !done; {
		err := t.DB.WriteExclusive(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			var s Set
			err := tx.One(ctx, setColumns+`WHERE set_key = ? AND state = 0`, []any{key}, &s.ID, &s.Key, &s.Rules, &s.State, &s.Loans, &s.BuiltTo)
			if errors.Is(err, sql.ErrNoRows) {
				done = true // ready, or given up meanwhile
				return nil
			}
			if err != nil {
				return err
			}
			done, err = s.piece(ctx, tx, condOf(rules, t.Today(tx.At)))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Set) piece(ctx context.Context, tx *db.Tx, c db.Cond) (last bool, err error) {
	var upTo string
	err = tx.One(ctx, `SELECT id FROM loan WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?`, []any{s.BuiltTo, buildChunk - 1}, &upTo)
	if errors.Is(err, sql.ErrNoRows) {
		last, upTo = true, "~" // after every id
	} else if err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `INSERT INTO visible_loan (set_id, number, loan_id) SELECT '`+s.ID+`', l.number, l.id FROM loan l WHERE `+c.SQL()+` AND l.id > ? AND l.id <= ? AND `+Landed,
		append(c.Args(), s.BuiltTo, upTo)...)
	if err != nil {
		return false, err
	}
	state := setBuilding
	if last {
		state = setReady
	}
	_, err = tx.Exec(ctx, `UPDATE visible_set SET loans = loans + ?, built_to = ?, state = ? WHERE id = ?`, n, upTo, state, s.ID)
	return last, err
}

// sweepSets removes void sets piece by piece.
func sweepSets(ctx context.Context, t *tenant.Tenant) error {
	for done := false; !done; {
		err := t.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			var sid string
			err := tx.One(ctx, `SELECT id FROM visible_set WHERE state = 2 ORDER BY id LIMIT 1`, nil, &sid)
			if errors.Is(err, sql.ErrNoRows) {
				done = true
				return nil
			}
			if err != nil {
				return err
			}
			var upTo string
			err = tx.One(ctx, `SELECT number FROM visible_loan WHERE set_id = ? ORDER BY number LIMIT 1 OFFSET ?`, []any{sid, buildChunk - 1}, &upTo)
			if errors.Is(err, sql.ErrNoRows) {
				if _, err := tx.Exec(ctx, `DELETE FROM visible_loan WHERE set_id = ?`, sid); err != nil {
					return err
				}
				_, err = tx.Exec(ctx, `DELETE FROM visible_set WHERE id = ?`, sid)
				return err
			}
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `DELETE FROM visible_loan WHERE set_id = ? AND number <= ?`, sid, upTo)
			return err
		})
		if err != nil {
			return fmt.Errorf("sweeping visible sets: %w", err)
		}
	}
	return nil
}
