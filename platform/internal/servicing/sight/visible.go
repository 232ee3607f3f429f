package sight

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// States of a visible set.
const (
	setBuilding = 0
	setReady    = 1
	setVoid     = 2
)

// Keeper keeps the membership of visible sets true while loans change. It
// remembers compiled rules; the zero Keeper is ready for use.
type Keeper struct {
	mu       sync.Mutex // guards compiled
	compiled map[*rule.Vocabulary]map[string]*rule.Expr
}

const keptVocabularies = 8

// compile gives the expressions of a stored set under a vocabulary.
func (k *Keeper) compile(v *rule.Vocabulary, texts []string) ([]*rule.Expr, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.compiled[v] == nil {
		if len(k.compiled) >= keptVocabularies || k.compiled == nil {
			k.compiled = map[*rule.Vocabulary]map[string]*rule.Expr{}
		}
		k.compiled[v] = map[string]*rule.Expr{}
	}
	out := make([]*rule.Expr, len(texts))
	for i, text := range texts {
		e := k.compiled[v][text]
		if e == nil {
			var err error
			if e, err = v.Compile(text); err != nil {
				return nil, err
			}
			k.compiled[v][text] = e
		}
		out[i] = e
	}
	return out, nil
}

// condOf is the condition of rules that do not depend on the date, as the
// gate's Scope builds it.
func condOf(rules []*rule.Expr, today civil.Date) db.Cond {
	out := db.True()
	for _, e := range rules {
		out = db.And(out, e.SQL(today))
	}
	return out
}

// SetKey names the set that rules show, equal to the Key of a Scope under them.
// It is empty for rules that depend on the date.
func SetKey(rules []*rule.Expr, today civil.Date) string {
	for _, e := range rules {
		if e.Dated() {
			return ""
		}
	}
	c := condOf(rules, today)
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%v", c.SQL(), c.Args())
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Set is a visible set's row.
type Set struct {
	ID, Key, Rules string
	State, Loans   int64
	All            int64 // loans of the whole book, for choosing a way
	BuiltTo        string
}

const setColumns = `SELECT id, set_key, rules, state, loans, built_to FROM visible_set `

func scanSet(r *db.Rows) (s Set, err error) {
	return s, r.Scan(&s.ID, &s.Key, &s.Rules, &s.State, &s.Loans, &s.BuiltTo)
}

// Ready finds the set of a scope if it has been built.
func Ready(ctx context.Context, tx *db.Tx, sc gate.Scope) (s Set, ok bool, err error) {
	key := sc.Key()
	if key == "" {
		return s, false, nil
	}
	err = tx.One(ctx, `SELECT id, loans, (SELECT t.loans FROM loan_tally t WHERE t.id = 1) FROM visible_set WHERE set_key = ? AND state = 1`, []any{key}, &s.ID, &s.Loans, &s.All)
	if errors.Is(err, sql.ErrNoRows) {
		return s, false, nil
	}
	return s, err == nil, err
}

// Keep brings the sets up to date after a change of loans, in its transaction.
// The loans must be locked by it. Whatever a restriction can read counts as a
// change: status, balance, portfolios, custom fields, the borrower's state.
func (k *Keeper) Keep(ctx context.Context, tx *db.Tx, v *rule.Vocabulary, today civil.Date, loans ...id.Loan) error {
	if len(loans) == 0 {
		return nil
	}
	sets, err := db.All(ctx, tx, scanSet, setColumns+`WHERE state < 2 ORDER BY id`)
	if err != nil {
		return err
	}
	for _, s := range sets {
		var texts []string
		if err := json.Unmarshal([]byte(s.Rules), &texts); err != nil {
			return err
		}
		rules, err := k.compile(v, texts)
		if err != nil || SetKey(rules, today) != s.Key {
			// The words mean something else by now: this set serves nobody.
			if _, err := tx.Exec(ctx, `UPDATE visible_set SET state = 2 WHERE id = ?`, s.ID); err != nil {
				return err
			}
			continue
		}
		if err := s.keep(ctx, tx, condOf(rules, today), loans); err != nil {
			return fmt.Errorf("keeping a visible set: %w", err)
		}
	}
	return nil
}

func (s *Set) keep(ctx context.Context, tx *db.Tx, c db.Cond, loans []id.Loan) error {
	delta := int64(0)
	for _, l := range loans {
		if s.State == setBuilding && string(l) > s.BuiltTo {
			continue // the build will come by
		}
		var number string
		var now, was int64
		args := append(c.Args(), s.ID, l)
		err := tx.One(ctx, `SELECT l.number, CASE WHEN `+c.SQL()+` AND `+Landed+` THEN 1 ELSE 0 END,
			CASE WHEN EXISTS (SELECT 1 FROM visible_loan v WHERE v.set_id = ? AND v.number = l.number AND v.loan_id = l.id) THEN 1 ELSE 0 END
			FROM loan l WHERE l.id = ?`, args, &number, &now, &was)
		if err != nil {
			return err
		}
		switch {
		case now > was:
			_, err = tx.Exec(ctx, `INSERT INTO visible_loan (set_id, number, loan_id) VALUES (?, ?, ?)`, s.ID, number, l)
		case now < was:
			_, err = tx.Exec(ctx, `DELETE FROM visible_loan WHERE set_id = ? AND number = ? AND loan_id = ?`, s.ID, number, l)
		}
		if err != nil {
			return err
		}
		delta += now - was
	}
	if delta == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE visible_set SET loans = loans + ? WHERE id = ?`, delta, s.ID)
	return err
}

// Void gives up every set, because many loans have changed at once; they
// are built anew in the background, and until then rules are pushed down.
func Void(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `UPDATE visible_set SET state = 2 WHERE state < 2`)
	return err
}
