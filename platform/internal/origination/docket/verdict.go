package docket

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/pii"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
)

// Actor is who decided or moved something.
type Actor struct{ ID, Name string }

// Verdict is one decision, of the engine or of a person.
type Verdict struct {
	ID          id.Verdict
	Application id.Application
	Check       id.Check
	Rules       int64 // version of the rule set
	Input       decision.Input
	Results     []decision.RuleResult
	Outcome     decision.Outcome
	Reasons     []decision.Reason
	Automatic   bool
	By          Actor
	Note        string // the reason that a person gave
	At          int64
}

const verdictColumns = `id, application_id, check_id, rules_version, input, results, outcome, reasons, automatic, actor, actor_name, note, at`

// AddVerdict appends a decision.
func AddVerdict(ctx context.Context, tx *db.Tx, v *Verdict) error {
	input, err := json.Marshal(v.Input)
	if err != nil {
		return err
	}
	results, err := json.Marshal(v.Results)
	if err != nil {
		return err
	}
	if v.Reasons == nil {
		v.Reasons = []decision.Reason{}
	}
	reasons, err := json.Marshal(v.Reasons)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO verdict (`+verdictColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		v.ID, v.Application, v.Check, v.Rules, string(input), string(results), v.Outcome.String(), string(reasons), db.Bool(v.Automatic), v.By.ID, v.By.Name, pii.Mask(v.Note), v.At)
	return err
}

// VerdictByID reads a decision of an application that the caller may see.
func VerdictByID(ctx context.Context, tx *db.Tx, vid id.Verdict) (*Verdict, error) {
	var v *Verdict
	rows, err := db.All(ctx, tx, scanVerdict, `SELECT `+verdictColumns+` FROM verdict WHERE id = ?`, vid)
	if err == nil && len(rows) == 1 {
		v = rows[0]
	}
	return v, err
}

// Results gives what the rules found in the decisions of a list, by decision.
func Results(ctx context.Context, tx *db.Tx, list []*Application) (map[id.Verdict][]decision.RuleResult, error) {
	out := map[id.Verdict][]decision.RuleResult{}
	wanted := make([]id.Verdict, len(list))
	for i, a := range list {
		wanted[i] = a.Verdict
	}
	cond := db.In("id", wanted)
	_, err := db.All(ctx, tx, func(r *db.Rows) (v id.Verdict, err error) {
		var text string
		if err = r.Scan(&v, &text); err != nil {
			return v, err
		}
		var found []decision.RuleResult
		err = json.Unmarshal([]byte(text), &found)
		out[v] = found
		return v, err
	}, `SELECT id, results FROM verdict WHERE `+cond.SQL(), cond.Args()...)
	return out, err
}

// Verdicts gives all decisions of an application that the caller may see,
// oldest first.
func Verdicts(ctx context.Context, tx *db.Tx, aid id.Application) ([]*Verdict, error) {
	return db.All(ctx, tx, scanVerdict, `SELECT `+verdictColumns+` FROM verdict WHERE application_id = ? ORDER BY at, id`, aid)
}

func scanVerdict(r *db.Rows) (*Verdict, error) {
	v := &Verdict{}
	var input, results, outcome, reasons string
	var automatic db.Bool
	if err := r.Scan(&v.ID, &v.Application, &v.Check, &v.Rules, &input, &results, &outcome, &reasons, &automatic, &v.By.ID, &v.By.Name, &v.Note, &v.At); err != nil {
		return nil, err
	}
	v.Automatic = bool(automatic)
	for _, p := range []struct {
		text string
		to   any
	}{{input, &v.Input}, {results, &v.Results}, {strconv.Quote(outcome), &v.Outcome}, {reasons, &v.Reasons}} {
		if err := json.Unmarshal([]byte(p.text), p.to); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// Move is one change of status.
type Move struct {
	N        int64
	From, To string
	By       Actor
	Reason   string
	At       int64
}

// AddMove appends a change of status of a locked application.
func AddMove(ctx context.Context, tx *db.Tx, aid id.Application, m Move) error {
	_, err := tx.Exec(ctx, `INSERT INTO application_transition (application_id, n, from_status, to_status, actor, actor_name, reason, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		aid, m.N, m.From, m.To, m.By.ID, m.By.Name, pii.Mask(m.Reason), m.At)
	return err
}

// Moves gives all changes of status of an application that the caller may see,
// oldest first.
func Moves(ctx context.Context, tx *db.Tx, aid id.Application) ([]Move, error) {
	return db.All(ctx, tx, func(r *db.Rows) (m Move, err error) {
		err = r.Scan(&m.N, &m.From, &m.To, &m.By.ID, &m.By.Name, &m.Reason, &m.At)
		return m, err
	}, `SELECT n, from_status, to_status, actor, actor_name, reason, at FROM application_transition WHERE application_id = ? ORDER BY n`, aid)
}

// Group is how many applications have the same pinned input and outcome.
type Group struct {
	Input   string // JSON of a decision.Input
	Outcome string // as the engine decided
	N       int64
}

const selectPinned = `SELECT v.input, v.outcome, COUNT(*) FROM application a JOIN verdict v ON v.id = a.machine_id WHERE `

// Pinned gives the inputs of the newest automatic decisions on applications
// within the scope since an instant, equal ones together.
func Pinned(ctx context.Context, tx *db.Tx, sc gate.Scope, since int64) ([]Group, error) {
	seen := sc.Applications()
	return db.All(ctx, tx, func(r *db.Rows) (g Group, err error) {
		err = r.Scan(&g.Input, &g.Outcome, &g.N)
		return g, err
	}, selectPinned+seen.SQL()+` AND a.created_at >= ? GROUP BY v.input, v.outcome`, append(seen.Args(), since)...)
}
