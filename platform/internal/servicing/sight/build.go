package sight

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// How many loans one transaction of a build looks at, and how many places it
// makes at most if the loans before are a measure: few enough that nobody waits
// for it noticeably.
const (
	buildChunk  = 2000
	placesChunk = 3000
	sweepChunk  = 3000
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
	sets, err := wantedSets(ctx, t)
	if err != nil {
		return fmt.Errorf("finding the sets to build: %w", err)
	}
	if err := declare(ctx, t, sets); err != nil {
		return fmt.Errorf("declaring visible sets: %w", err)
	}
	for key, w := range sets {
		if err := build(ctx, t, key, w); err != nil {
			return fmt.Errorf("building a visible set: %w", err)
		}
	}
	return sweepSets(ctx, t)
}

// wantedSets gives the sets of every restricted user, by key.
func wantedSets(ctx context.Context, t *tenant.Tenant) (map[string]wanted, error) {
	sets := map[string]wanted{}
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
		return nil
	})
	return sets, err
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
		kept, err := db.All(ctx, tx, scanSet, setColumns+`WHERE state < 2`)
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
			if _, err := tx.Exec(ctx, `INSERT INTO visible_set (set_no, set_key, rules, day, state, loans, built_to, made_at)
				VALUES ((SELECT COALESCE(MAX(o.set_no), 0) + 1 FROM visible_set o), ?, ?, ?, 0, 0, '', ?)`, key, string(stored), w.day, tx.At); err != nil {
				return err
			}
		}
		return nil
	})
}

// build goes through the loans by id. Each piece is an exclusive write, so that
// no change of a loan runs beside it and is missed.
func build(ctx context.Context, t *tenant.Tenant, key string, w wanted) error {
	size := buildChunk / 4
	for done := false; !done; {
		err := t.DB.WriteExclusive(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			var s Set
			err := tx.One(ctx, setColumns+`WHERE set_key = ? AND state = 0`, []any{key}, s.dest()...)
			if errors.Is(err, sql.ErrNoRows) {
				done = true // ready, or given up meanwhile
				return nil
			}
			if err != nil {
				return err
			}
			var places int64
			places, done, err = s.piece(ctx, tx, w.cond(), size)
			size = min(buildChunk, placesChunk*size/int(max(places, 1)))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// piece places the visible ones among the next loans.
func (s *Set) piece(ctx context.Context, tx *db.Tx, c db.Cond, size int) (places int64, last bool, err error) {
	var upTo string
	err = tx.One(ctx, `SELECT id FROM loan WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?`, []any{s.BuiltTo, size - 1}, &upTo)
	if errors.Is(err, sql.ErrNoRows) {
		last, upTo = true, "~" // after every id
	} else if err != nil {
		return 0, false, err
	}
	span := db.Where("l.id > ? AND l.id <= ?", s.BuiltTo, upTo)
	visible := db.And(span, c, db.Where(Landed))
	if places, err = tx.Exec(ctx, placing(s.No)+visible.SQL(), visible.Args()...); err != nil {
		return 0, false, err
	}
	placed := db.And(span, db.Where(`EXISTS (SELECT 1 FROM visible_place p WHERE `+in("?", "l.number")+`)`, s.No))
	if _, err := tx.Exec(ctx, remembering()+placed.SQL(), placed.Args()...); err != nil {
		return 0, false, err
	}
	state := setBuilding
	if last {
		state = setReady
	}
	_, err = tx.Exec(ctx, `UPDATE visible_set SET loans = loans + ?, built_to = ?, state = ? WHERE set_no = ?`, places/int64(len(Orders())), upTo, state, s.No)
	return places, last, err
}

// sweepSets removes void sets piece by piece.
func sweepSets(ctx context.Context, t *tenant.Tenant) error {
	for done := false; !done; {
		// An exclusive write, because a number is given again: whoever still
		// keeps the set must have come to an end before its row is gone.
		err := t.DB.WriteExclusive(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			var no int64
			err := tx.One(ctx, `SELECT set_no FROM visible_set WHERE state = 2 ORDER BY set_no LIMIT 1`, nil, &no)
			if errors.Is(err, sql.ErrNoRows) {
				done = true
				return nil
			}
			if err != nil {
				return err
			}
			return sweep(ctx, tx, no)
		})
		if err != nil {
			return fmt.Errorf("sweeping visible sets: %w", err)
		}
	}
	return nil
}

// sweep removes the next places of a void set, at last the set itself.
func sweep(ctx context.Context, tx *db.Tx, no int64) error {
	var sort, num int64
	var txt, number string
	err := tx.One(ctx, `SELECT sort, num, txt, number FROM visible_place WHERE set_no = ? ORDER BY sort, num, txt, number LIMIT 1 OFFSET ?`,
		[]any{no, sweepChunk - 1}, &sort, &num, &txt, &number)
	switch {
	case err == nil:
		_, err = tx.Exec(ctx, `DELETE FROM visible_place WHERE set_no = ? AND (sort, num, txt, number) <= (?, ?, ?, ?)`, no, sort, num, txt, number)
	case errors.Is(err, sql.ErrNoRows):
		if _, err = tx.Exec(ctx, `DELETE FROM visible_place WHERE set_no = ?`, no); err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM visible_set WHERE set_no = ?`, no)
		}
	}
	return err
}
