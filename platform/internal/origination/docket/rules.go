package docket

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
)

// RuleSet is one stored version of the rules and who made it.
type RuleSet struct {
	decision.RuleSet
	By Actor // empty as shipped
	At int64
}

// first is the version of the rules as shipped.
const first = 1

const ruleSetColumns = `version, applicant, network, by_id, by_name, at`

func scanRules(r *db.Rows) (RuleSet, error) {
	var s RuleSet
	var applicant, network string
	if err := r.Scan(&s.Version, &applicant, &network, &s.By.ID, &s.By.Name, &s.At); err != nil {
		return s, err
	}
	if err := json.Unmarshal([]byte(applicant), &s.Applicant); err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(network), &s.Network)
}

// shipped is what holds before anybody has stored a rule set.
func shipped() RuleSet {
	s := RuleSet{RuleSet: decision.Turnkey().Normalize()}
	s.Version = first
	return s
}

// CurrentRules gives the rules in force.
func CurrentRules(ctx context.Context, tx *db.Tx) (RuleSet, error) {
	list, err := db.All(ctx, tx, scanRules, `SELECT `+ruleSetColumns+` FROM rule_set ORDER BY version DESC LIMIT 1`)
	if err != nil || len(list) > 0 {
		return append(list, RuleSet{})[0], err
	}
	return shipped(), nil
}

// PinRules gives the rules in force for a decision, and stores them first if
// they are still those of the program: a version that decided must not change
// with the next program.
func PinRules(ctx context.Context, tx *db.Tx) (RuleSet, error) {
	s, err := CurrentRules(ctx, tx)
	if err != nil || s.Version != first {
		return s, err
	}
	var stored int64
	err = tx.One(ctx, `SELECT version FROM rule_set WHERE version = ?`, []any{first}, &stored)
	if errors.Is(err, sql.ErrNoRows) {
		s.At = tx.At
		return s, insertRules(ctx, tx, s, ` ON CONFLICT (version) DO NOTHING`)
	}
	return s, err
}

// RulesOf gives a stored version.
func RulesOf(ctx context.Context, tx *db.Tx, version int64) (RuleSet, error) {
	list, err := db.All(ctx, tx, scanRules, `SELECT `+ruleSetColumns+` FROM rule_set WHERE version = ?`, version)
	switch {
	case err != nil:
		return RuleSet{}, err
	case len(list) == 1:
		return list[0], nil
	case version == first:
		return shipped(), nil
	}
	return RuleSet{}, fault.Missing("version of the rules")
}

// AddRules stores the next version. Somebody else's at the same moment is a
// Conflict.
func AddRules(ctx context.Context, tx *db.Tx, s RuleSet) error {
	err := insertRules(ctx, tx, s, "")
	if db.IsDuplicate(err) {
		return StaleRules()
	}
	return err
}

// StaleRules says that the rules have moved on since they were read.
func StaleRules() error {
	return fault.New(fault.Conflict, "rules_changed", "Somebody has changed the rules since you read them; read them again and repeat your change.")
}

func insertRules(ctx context.Context, tx *db.Tx, s RuleSet, more string) error {
	applicant, err := json.Marshal(s.Applicant)
	if err != nil {
		return err
	}
	network, err := json.Marshal(s.Network)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO rule_set (`+ruleSetColumns+`) VALUES (?, ?, ?, ?, ?, ?)`+more, s.Version, string(applicant), string(network), s.By.ID, s.By.Name, s.At)
	return err
}

// RuleSets gives stored versions below one, newest first; before 0 means all.
func RuleSets(ctx context.Context, tx *db.Tx, before int64, limit int) ([]RuleSet, error) {
	if before == 0 {
		before = 1 << 62
	}
	list, err := db.All(ctx, tx, scanRules, `SELECT `+ruleSetColumns+` FROM rule_set WHERE version < ? ORDER BY version DESC LIMIT ?`, before, limit)
	if err == nil && len(list) == 0 && before > first {
		list = []RuleSet{shipped()}
	}
	return list, err
}
