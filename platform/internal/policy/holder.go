package policy

import (
	"context"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
)

// HeldBy is a user or a team that a restriction is assigned to.
type HeldBy struct{ ID, Name string }

// Holding is who holds one restriction: users of their own, and teams.
type Holding struct{ Users, Teams []HeldBy }

// Empty reports that nobody holds it.
func (h *Holding) Empty() bool { return len(h.Users)+len(h.Teams) == 0 }

// Holdings gives who holds which restriction, by name; restrictions that nobody
// holds are left out.
func Holdings(ctx context.Context, tx *db.Tx) (map[id.Restriction]*Holding, error) {
	out := map[id.Restriction]*Holding{}
	gather := func(query string, put func(*Holding, HeldBy)) error {
		_, err := db.All(ctx, tx, func(r *db.Rows) (rid id.Restriction, err error) {
			var h HeldBy
			if err = r.Scan(&rid, &h.ID, &h.Name); err != nil {
				return rid, err
			}
			if out[rid] == nil {
				out[rid] = &Holding{}
			}
			put(out[rid], h)
			return rid, nil
		}, query)
		return err
	}
	err := gather(`SELECT s.restriction_id, u.id, u.name FROM staff_restriction s JOIN staff u ON u.id = s.user_id ORDER BY u.name, u.id`,
		func(x *Holding, h HeldBy) { x.Users = append(x.Users, h) })
	if err != nil {
		return nil, err
	}
	return out, gather(`SELECT s.restriction_id, t.id, t.name FROM team_restriction s JOIN team t ON t.id = s.team_id ORDER BY t.name, t.id`,
		func(x *Holding, h HeldBy) { x.Teams = append(x.Teams, h) })
}

// Hold gives a restriction to exactly these users and teams.
func Hold(ctx context.Context, tx *db.Tx, rid id.Restriction, users []id.User, teams []id.Team) error {
	for _, clear := range []string{`DELETE FROM staff_restriction WHERE restriction_id = ?`, `DELETE FROM team_restriction WHERE restriction_id = ?`} {
		if _, err := tx.Exec(ctx, clear, rid); err != nil {
			return err
		}
	}
	for _, u := range users {
		if _, err := tx.Exec(ctx, `INSERT INTO staff_restriction (user_id, restriction_id) VALUES (?, ?)`, u, rid); err != nil {
			return named(err, "users", "Name users that exist, each once.")
		}
	}
	for _, t := range teams {
		if _, err := tx.Exec(ctx, `INSERT INTO team_restriction (team_id, restriction_id) VALUES (?, ?)`, t, rid); err != nil {
			return named(err, "teams", "Name teams that exist, each once.")
		}
	}
	return nil
}

// Binds reports whether a restriction is a user's, own or through a team; one
// that is paused still is.
func Binds(ctx context.Context, tx *db.Tx, rid id.Restriction, u id.User) (bool, error) {
	var n int64
	err := tx.One(ctx, `SELECT COUNT(*) FROM search_restriction r WHERE r.id = ? AND r.id IN `+held, []any{rid, u, u}, &n)
	return n > 0, err
}

// InUse is the Conflict of deleting what somebody holds; it names them.
func (h *Holding) InUse(what string) error {
	return fault.New(fault.Conflict, "in_use", "This "+what+" is held by "+h.String()+"; take it from them first.")
}

// mostNamed is how many holders a message names before it counts the others.
const mostNamed = 10

// String names the holders: "Ann Lee, Ben Ray and team Denver".
func (h *Holding) String() string {
	var names []string
	for _, u := range h.Users {
		names = append(names, u.Name)
	}
	for _, t := range h.Teams {
		names = append(names, "team "+t.Name)
	}
	if more := len(names) - mostNamed; more > 0 {
		names = append(names[:mostNamed], strconv.Itoa(more)+" more")
	}
	if last := len(names) - 1; last > 0 {
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
	return strings.Join(names, "")
}
