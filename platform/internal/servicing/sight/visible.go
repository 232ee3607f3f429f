package sight

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// States of a visible set.
const (
	setBuilding = 0
	setReady    = 1
	setVoid     = 2
)

// Set is a visible set's row.
type Set struct {
	No      int64
	Key     string
	Rules   string     // as written, a JSON list
	Day     civil.Date // zero unless the rules read the date
	State   int64
	Loans   int64
	Bit     int64 // in loan.shown; 0: none was free
	Walked  int64 // see Walks
	BuiltTo string
	MadeAt  int64
}

const setColumns = `s.set_no, s.set_key, s.rules, s.day, s.state, s.loans, s.bit, s.walked, s.built_to, s.made_at`

func (s *Set) dest() []any {
	return []any{&s.No, &s.Key, &s.Rules, &s.Day, &s.State, &s.Loans, &s.Bit, &s.Walked, &s.BuiltTo, &s.MadeAt}
}

func scanSet(r *db.Rows) (s Set, err error) { return s, r.Scan(s.dest()...) }

// condOf is the condition of rules on a day, as the gate's Scope builds it.
func condOf(rules []*rule.Expr, day civil.Date) db.Cond {
	out := db.True()
	for _, e := range rules {
		out = db.And(out, e.SQL(day))
	}
	return out
}

// keyOf names a set by the condition that makes it. The day of a rule that
// reads the date is among the arguments.
func keyOf(c db.Cond) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%v", c.SQL(), c.Args())
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func dated(rules []*rule.Expr) bool {
	for _, e := range rules {
		if e.Dated() {
			return true
		}
	}
	return false
}

// Ready finds the set of a scope if it has been built.
func Ready(ctx context.Context, tx *db.Tx, sc gate.Scope) (s Set, ok bool, err error) {
	key := sc.Key()
	if key == "" && sc.Dated() {
		key = keyOf(condOf(sc.LoanRules(), sc.Today()))
	}
	if key == "" {
		return s, false, nil
	}
	err = tx.One(ctx, `SELECT set_no, loans, bit, walked FROM visible_set WHERE set_key = ? AND state = 1`, []any{key}, &s.No, &s.Loans, &s.Bit, &s.Walked)
	if errors.Is(err, sql.ErrNoRows) {
		return s, false, nil
	}
	return s, err == nil, err
}

// Void gives up every set, because many loans have changed at once; they
// are built anew in the background, and until then rules are pushed down.
func Void(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `UPDATE visible_set SET state = 2 WHERE state < 2`)
	return err
}
