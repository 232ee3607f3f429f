package policy

import (
	"context"
	"database/sql"
	"errors"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
)

// Team is people who share search restrictions and address rules.
type Team struct {
	ID           id.Team
	Name         string
	Members      []id.User
	Restrictions []id.Restriction
}

// Teams lists the teams by name, with members and restrictions.
func Teams(ctx context.Context, tx *db.Tx) ([]*Team, error) {
	teams, err := db.All(ctx, tx, func(r *db.Rows) (*Team, error) { t := new(Team); return t, r.Scan(&t.ID, &t.Name) }, `SELECT id, name FROM team ORDER BY name`)
	if err != nil {
		return nil, err
	}
	byID := make(map[id.Team]*Team, len(teams))
	for _, t := range teams {
		byID[t.ID] = t
	}
	_, err = db.All(ctx, tx, func(r *db.Rows) (t id.Team, err error) {
		var u id.User
		err = r.Scan(&t, &u)
		byID[t].Members = append(byID[t].Members, u)
		return t, err
	}, `SELECT team_id, user_id FROM team_member ORDER BY team_id, user_id`)
	if err != nil {
		return nil, err
	}
	_, err = db.All(ctx, tx, func(r *db.Rows) (t id.Team, err error) {
		var s id.Restriction
		err = r.Scan(&t, &s)
		byID[t].Restrictions = append(byID[t].Restrictions, s)
		return t, err
	}, `SELECT team_id, restriction_id FROM team_restriction ORDER BY team_id, restriction_id`)
	return teams, err
}

// TeamByID reads one team; NotFound if there is none.
func TeamByID(ctx context.Context, tx *db.Tx, tid id.Team) (*Team, error) {
	t := &Team{ID: tid}
	err := tx.One(ctx, `SELECT name FROM team WHERE id = ?`, []any{tid}, &t.Name)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.Missing("team")
	}
	if err != nil {
		return nil, err
	}
	t.Members, err = db.All(ctx, tx, func(r *db.Rows) (u id.User, err error) { return u, r.Scan(&u) },
		`SELECT user_id FROM team_member WHERE team_id = ? ORDER BY user_id`, tid)
	if err != nil {
		return nil, err
	}
	t.Restrictions, err = db.All(ctx, tx, func(r *db.Rows) (s id.Restriction, err error) { return s, r.Scan(&s) },
		`SELECT restriction_id FROM team_restriction WHERE team_id = ? ORDER BY restriction_id`, tid)
	return t, err
}

// SaveTeam stores a new team or replaces an old one, members and restrictions
// included.
func SaveTeam(ctx context.Context, tx *db.Tx, t *Team, isNew bool) error {
	var err error
	if isNew {
		_, err = tx.Exec(ctx, `INSERT INTO team (id, name, created_at) VALUES (?, ?, ?)`, t.ID, t.Name, tx.At)
	} else {
		_, err = tx.Exec(ctx, `UPDATE team SET name = ? WHERE id = ?`, t.Name, t.ID)
	}
	if err != nil {
		return nameTaken(err, "team")
	}
	if err := emptyTeam(ctx, tx, t.ID); err != nil {
		return err
	}
	for _, u := range t.Members {
		if _, err := tx.Exec(ctx, `INSERT INTO team_member (team_id, user_id) VALUES (?, ?)`, t.ID, u); err != nil {
			return named(err, "members", "Name users that exist, each once.")
		}
	}
	for _, r := range t.Restrictions {
		if _, err := tx.Exec(ctx, `INSERT INTO team_restriction (team_id, restriction_id) VALUES (?, ?)`, t.ID, r); err != nil {
			return named(err, "search_restrictions", "Name search restrictions that exist, each once.")
		}
	}
	return nil
}

// DeleteTeam removes a team; the caller has made sure that nobody relies on it.
func DeleteTeam(ctx context.Context, tx *db.Tx, tid id.Team) error {
	if err := emptyTeam(ctx, tx, tid); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM ip_rule_holder WHERE kind = 'team' AND holder = ?`, tid); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM team WHERE id = ?`, tid)
	return err
}

func emptyTeam(ctx context.Context, tx *db.Tx, tid id.Team) error {
	if _, err := tx.Exec(ctx, `DELETE FROM team_member WHERE team_id = ?`, tid); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM team_restriction WHERE team_id = ?`, tid)
	return err
}

// TeamsOf gives the teams of a user.
func TeamsOf(ctx context.Context, tx *db.Tx, u id.User) ([]id.Team, error) {
	return db.All(ctx, tx, func(r *db.Rows) (t id.Team, err error) { return t, r.Scan(&t) },
		`SELECT team_id FROM team_member WHERE user_id = ? ORDER BY team_id`, u)
}

// JoinTeams puts a user into exactly these teams.
func JoinTeams(ctx context.Context, tx *db.Tx, u id.User, teams []id.Team) error {
	if _, err := tx.Exec(ctx, `DELETE FROM team_member WHERE user_id = ?`, u); err != nil {
		return err
	}
	for _, t := range teams {
		if _, err := tx.Exec(ctx, `INSERT INTO team_member (team_id, user_id) VALUES (?, ?)`, t, u); err != nil {
			return named(err, "teams", "Name teams that exist, each once.")
		}
	}
	return nil
}

// named turns a broken reference or a doubled row into words about the field.
func named(err error, field, mend string) error {
	if db.IsReference(err) || db.IsDuplicate(err) {
		return fault.Bad(field, mend)
	}
	return err
}
