package sight

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/rule"
)

// Keeper keeps visible sets true while loans change. It remembers what the sets
// mean; the zero Keeper is ready for use.
type Keeper struct {
	mu    sync.Mutex // guards known
	known map[*rule.Vocabulary]*learned
}

// learned is what the sets mean, and the statements that ask them, which are long
// and the same for every loan of a day.
type learned struct {
	sets  []meaning
	asked [2]asking // all that a set can be asked; what an entry of the ledger can change
}

// asking is a statement of judge up to the loans that it asks about.
type asking struct {
	day  civil.Date
	text string
	args []any
}

const keptVocabularies = 8

// meaning is a set's rules as compiled. A set whose words mean something else
// by now, or nothing, has a false one.
type meaning struct {
	no, made int64 // the set, by its number and its birth: a number is given again
	day      civil.Date
	cond     db.Cond
	money    bool // the rules read what an entry of the ledger moves
	right    bool
}

// meanings compiles every set that is kept.
func meanings(ctx context.Context, tx *db.Tx, v *rule.Vocabulary) ([]meaning, error) {
	sets, err := db.All(ctx, tx, scanSet, `SELECT `+setColumns+` FROM visible_set s WHERE s.state < 2 ORDER BY s.set_no`)
	if err != nil {
		return nil, err
	}
	out := make([]meaning, len(sets))
	for i := range sets {
		if out[i], err = meaningOf(v, &sets[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func meaningOf(v *rule.Vocabulary, s *Set) (meaning, error) {
	m := meaning{no: s.No, made: s.MadeAt, day: s.Day}
	var texts []string
	if err := json.Unmarshal([]byte(s.Rules), &texts); err != nil {
		return m, err
	}
	rules := make([]*rule.Expr, len(texts))
	for i, text := range texts {
		e, err := v.Compile(text)
		if err != nil {
			return m, nil
		}
		rules[i] = e
		for _, f := range e.Fields() {
			m.money = m.money || slices.Contains(moneyFields(), f)
		}
	}
	m.cond = condOf(rules, s.Day)
	m.right = keyOf(m.cond) == s.Key && dated(rules) == !s.Day.IsZero()
	return m, nil
}

// moneyFields are the words of rules for what an entry of the ledger moves.
func moneyFields() []string { return []string{"loan.status", "loan.balance", "loan.days_past_due"} }

// question gives the statement of judge as it was learned last, made anew with the
// day.
func (k *Keeper) question(v *rule.Vocabulary, today civil.Date, posted bool) asking {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.known[v]
	if l == nil {
		return question(nil, today, posted)
	}
	a := &l.asked[0]
	if posted {
		a = &l.asked[1]
	}
	if a.text == "" || a.day != today {
		*a = question(l.sets, today, posted)
	}
	return *a
}

func (k *Keeper) learn(v *rule.Vocabulary, sets []meaning) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil || k.known[v] == nil && len(k.known) >= keptVocabularies {
		k.known = map[*rule.Vocabulary]*learned{}
	}
	k.known[v] = &learned{sets: sets}
}

// keepChunk bounds the loans of one statement.
const keepChunk = 500

// Keep brings the sets up to date after a change of loans, in its transaction.
// The loans must be locked by it. Whatever a restriction can read and whatever
// lists sort by counts as a change: status, balance, portfolios, custom fields,
// the borrower's name and state.
func (k *Keeper) Keep(ctx context.Context, tx *db.Tx, v *rule.Vocabulary, today civil.Date, loans ...id.Loan) error {
	return k.keep(ctx, tx, v, today, false, loans)
}

// Posted is Keep after an entry of the ledger, which moves nothing but a loan's
// balance, oldest unpaid date and status: sets whose rules read none of these
// are not asked whether they show the loan still.
func (k *Keeper) Posted(ctx context.Context, tx *db.Tx, v *rule.Vocabulary, today civil.Date, loan id.Loan) error {
	return k.keep(ctx, tx, v, today, true, []id.Loan{loan})
}

func (k *Keeper) keep(ctx context.Context, tx *db.Tx, v *rule.Vocabulary, today civil.Date, posted bool, loans []id.Loan) error {
	for some := range slices.Chunk(loans, keepChunk) {
		found, err := k.judge(ctx, tx, v, today, posted, some)
		if err != nil {
			return fmt.Errorf("asking what visible sets show: %w", err)
		}
		if err := settle(ctx, tx, found); err != nil {
			return fmt.Errorf("keeping visible sets: %w", err)
		}
	}
	return nil
}

// judged is what a set has to do with a loan.
type judged struct {
	Set
	loan     id.Loan
	number   string
	was, now bool
	moved    int64 // one bit an order: the loan's key is another than it was placed under
	fit      bool  // the set means what it says, today
}

// What question answers about a set, beside 0 and 1.
const (
	asItWas = 2 // it cannot have changed its mind
	unfit   = 3 // it does not mean what it says, or its day is over
	strange = 4 // it was not there when the question was made
)

// judge asks every set about loans, in one statement, made for the sets that
// there were last time; if there are others by now they are learned and it is
// made again. Only sets that have something to do answer.
func (k *Keeper) judge(ctx context.Context, tx *db.Tx, v *rule.Vocabulary, today civil.Date, posted bool, loans []id.Loan) ([]judged, error) {
	which := db.In("l.id", loans)
	ask := k.question(v, today, posted)
	for {
		learn := false
		found, err := db.All(ctx, tx, func(r *db.Rows) (j judged, err error) {
			var was, now int64
			err = r.Scan(&j.No, &j.MadeAt, &j.Bit, &j.Walked, &j.loan, &j.number, &j.moved, &was, &now)
			learn = learn || now == strange
			j.was, j.now, j.fit = was == 1, now == 1 || now == asItWas && was == 1, now != unfit
			j.moved &^= j.Walked
			return j, err
		}, ask.text+which.SQL()+answered, append(slices.Clip(ask.args), which.Args()...)...)
		if err != nil || !learn {
			slices.SortStableFunc(found, func(a, b judged) int { return cmp.Compare(a.No, b.No) })
			return found, err
		}
		sets, err := meanings(ctx, tx, v)
		if err != nil {
			return nil, err
		}
		k.learn(v, sets)
		ask = question(sets, today, posted) // and not what another transaction may have learned meanwhile
	}
}

// question is the statement of judge. The loan comes first in the join: it is the
// longer row, and so is read once.
func question(sets []meaning, today civil.Date, posted bool) asking {
	a := asking{day: today}
	var now strings.Builder
	for _, m := range sets {
		fmt.Fprintf(&now, " WHEN s.set_no = %d AND s.made_at = %d THEN ", m.no, m.made)
		switch {
		case !m.right || !m.day.IsZero() && m.day < today:
			now.WriteString(strconv.Itoa(unfit))
		case posted && !m.money:
			now.WriteString(strconv.Itoa(asItWas))
		default:
			now.WriteString("CASE WHEN " + m.cond.SQL() + " AND " + Landed + " THEN 1 ELSE 0 END")
			a.args = append(a.args, m.cond.Args()...)
		}
	}
	a.text = fmt.Sprintf(`SELECT set_no, made_at, bit, walked, id, number, moved, was, now FROM (
		SELECT s.set_no, s.made_at, s.bit, s.walked, CASE WHEN s.state = 0 AND l.id > s.built_to THEN 1 ELSE 0 END AS ahead, l.id, l.number, %s AS moved,
			CASE WHEN s.bit <> 0 THEN CASE WHEN (l.shown & s.bit) <> 0 THEN 1 ELSE 0 END
				WHEN EXISTS (SELECT 1 FROM visible_place p WHERE p.set_no = s.set_no AND p.sort = 0 AND p.num = 0 AND p.txt = '' AND p.number = l.number) THEN 1 ELSE 0 END AS was,
			CASE%s WHEN 1 = 1 THEN %d END AS now
		FROM loan l CROSS JOIN visible_set s WHERE s.state < 2 AND `, moved(), now.String(), strange)
	return a
}

// answered ends the statement of judge: only sets that have something to do are
// told. One whose build has yet to come by the loan has not.
const answered = `) j WHERE now > 2 OR ahead = 0 AND (now < 2 AND now <> was OR was = 1 AND (moved & ~walked) <> 0)`

// change is what sets need for a change of loans.
type change struct {
	sets         map[int64]*Set
	enter, leave map[int64][]id.Loan
	stay         []judged
	placed       []id.Loan
	void         []int64
}

func settle(ctx context.Context, tx *db.Tx, found []judged) error {
	c := change{sets: map[int64]*Set{}, enter: map[int64][]id.Loan{}, leave: map[int64][]id.Loan{}}
	for _, j := range found {
		c.sets[j.No] = &j.Set
		switch {
		case !j.fit:
			if !slices.Contains(c.void, j.No) {
				c.void = append(c.void, j.No)
			}
			continue
		case j.now && !j.was:
			c.enter[j.No] = append(c.enter[j.No], j.loan)
		case j.was && !j.now:
			c.leave[j.No] = append(c.leave[j.No], j.loan)
		case !j.was || j.moved == 0:
			continue
		default:
			c.stay = append(c.stay, j)
		}
		if j.now {
			c.placed = append(c.placed, j.loan)
		}
	}
	return c.store(ctx, tx)
}

// store writes a change. When no loan enters or leaves a set, its statements
// travel with COMMIT: they read what they need when they run, so that a second
// change of the same loan in the same transaction finds nothing amiss.
func (c *change) store(ctx context.Context, tx *db.Tx) error {
	run := func(query string, args ...any) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	}
	if len(c.enter)+len(c.leave)+len(c.void) == 0 {
		run = func(query string, args ...any) error {
			return tx.Last(ctx, func(err error) error { return fmt.Errorf("keeping visible sets: %w", err) }, query, args...)
		}
	}
	for _, no := range c.void {
		if err := run(`UPDATE visible_set SET state = 2 WHERE set_no = ?`, no); err != nil {
			return err
		}
	}
	for no, loans := range sorted(c.leave) {
		which := db.In("l.id", loans)
		if err := run(c.sets[no].leaving()+which.SQL()+`)`, which.Args()...); err != nil {
			return err
		}
		if err := run(`UPDATE loan AS l SET shown = l.shown & ? WHERE `+which.SQL(), append([]any{^c.sets[no].Bit}, which.Args()...)...); err != nil {
			return err
		}
	}
	if err := c.move(run); err != nil {
		return err
	}
	if len(c.placed) > 0 {
		slices.Sort(c.placed)
		which := db.In("l.id", slices.Compact(c.placed))
		if err := run(`UPDATE loan AS l SET `+remembering()+` WHERE `+which.SQL(), which.Args()...); err != nil {
			return err
		}
	}
	for no, loans := range sorted(c.enter) {
		which := db.In("l.id", loans)
		if err := run(c.sets[no].placing()+which.SQL(), which.Args()...); err != nil {
			return err
		}
		if err := run(`UPDATE loan AS l SET shown = l.shown | ? WHERE `+which.SQL(), append([]any{c.sets[no].Bit}, which.Args()...)...); err != nil {
			return err
		}
	}
	return c.count(run)
}

// move gives loans that stay in their sets their new places.
func (c *change) move(run func(string, ...any) error) error {
	type step struct {
		loan   id.Loan
		number string
		order  int
	}
	sets := map[step][]int64{}
	var steps []step
	for _, j := range c.stay {
		for _, o := range Orders() {
			if j.moved&(1<<o.No) == 0 {
				continue
			}
			x := step{j.loan, j.number, o.No}
			if sets[x] == nil {
				steps = append(steps, x)
			}
			sets[x] = append(sets[x], j.No)
		}
	}
	orders := Orders()
	for _, x := range steps {
		which := db.In("set_no", sets[x])
		if err := run(orders[x.order].moving()+which.SQL(), append([]any{x.loan, x.loan, x.number}, which.Args()...)...); err != nil {
			return err
		}
	}
	return nil
}

// count moves the tallies of sets that loans have entered or left.
func (c *change) count(run func(string, ...any) error) error {
	delta := map[int64]int{}
	for no, loans := range c.enter {
		delta[no] += len(loans)
	}
	for no, loans := range c.leave {
		delta[no] -= len(loans)
	}
	for no, n := range sorted(delta) {
		if err := run(`UPDATE visible_set SET loans = loans + ? WHERE set_no = ?`, n, no); err != nil {
			return err
		}
	}
	return nil
}

// sorted goes through a map by key, so that transactions lock sets in one order.
func sorted[V any](m map[int64]V) iter.Seq2[int64, V] {
	return func(yield func(int64, V) bool) {
		for _, no := range slices.Sorted(maps.Keys(m)) {
			if !yield(no, m[no]) {
				return
			}
		}
	}
}
