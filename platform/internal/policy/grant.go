package policy

import (
	"context"
	"slices"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/access"
)

// Grant lends operations and fields on one named object, to one person in one
// session, until an instant. It widens nothing else: rows, addresses and
// factors bind as before. Walkthroughs issue grants.
type Grant struct {
	ID         id.Grant
	User       id.User
	Session    id.Session
	Object     string   // "loan/ln_…"
	Operations []string // names
	Fields     []string // "ssn", "date_of_birth": seen whole beyond the role
	Source     string   // what lends it: "walkthrough_run/…"
	MadeAt     int64
	Until      int64
	EndedAt    int64 // 0 while it lives
}

const grantColumns = `SELECT id, user_id, session_id, object, operations, fields, source, made_at, until, ended_at FROM access_grant `

func scanGrant(r *db.Rows) (Grant, error) {
	var g Grant
	var operations, fields string
	err := r.Scan(&g.ID, &g.User, &g.Session, &g.Object, &operations, &fields, &g.Source, &g.MadeAt, &g.Until, &g.EndedAt)
	if err != nil {
		return g, err
	}
	if g.Operations, err = decode[[]string](operations); err != nil {
		return g, err
	}
	g.Fields, err = decode[[]string](fields)
	return g, err
}

// GrantsOf lists the grants of a user that have not ended.
func GrantsOf(ctx context.Context, tx *db.Tx, u id.User) ([]Grant, error) {
	return db.All(ctx, tx, scanGrant, grantColumns+`WHERE user_id = ? AND ended_at = 0 AND until > ? ORDER BY id`, u, tx.At)
}

// Grants lists all grants that have not ended, newest first.
func Grants(ctx context.Context, tx *db.Tx) ([]Grant, error) {
	return db.All(ctx, tx, scanGrant, grantColumns+`WHERE ended_at = 0 AND until > ? ORDER BY id DESC`, tx.At)
}

// Lend issues a grant. Access, key, audit and four-eyes operations can never be
// lent. The caller's operation must bump the policy version.
func (p *Compiled) Lend(ctx context.Context, tx *db.Tx, g Grant) error {
	var c fault.Collector
	c.Check(g.Object != "", "object", "Name the object, for example loan/ln_….")
	c.Check(g.Session != "" && g.User != "", "session", "Name the person and the session.")
	c.Check(g.Until > tx.At, "until", "Give an end that lies ahead.")
	for _, name := range g.Operations {
		i := slices.IndexFunc(p.config.Operations, func(o Operation) bool { return o.Name == name })
		c.Check(i >= 0 && p.config.Operations[i].Lendable, "operations", "Name operations of the catalogue that may be lent: never those of access, keys, audit or four eyes.")
	}
	if err := c.Err(); err != nil {
		return err
	}
	if g.Fields == nil {
		g.Fields = []string{}
	}
	_, err := tx.Exec(ctx, `INSERT INTO access_grant (id, user_id, session_id, object, operations, fields, source, made_at, until, ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
		g.ID, g.User, g.Session, g.Object, encode(g.Operations), encode(g.Fields), g.Source, tx.At, g.Until)
	return err
}

// EndGrant ends a grant before its time; NotFound if it does not live. The
// caller's operation must bump the policy version.
func EndGrant(ctx context.Context, tx *db.Tx, g id.Grant) error {
	n, err := tx.Exec(ctx, `UPDATE access_grant SET ended_at = ? WHERE id = ? AND ended_at = 0 AND until > ?`, tx.At, g, tx.At)
	if err == nil && n == 0 {
		return fault.Missing("grant")
	}
	return err
}

// lent compiles the grants of a subject.
func (p *Compiled) lent(grants []Grant) []access.Grant {
	var out []access.Grant
	for _, g := range grants {
		for _, o := range p.config.Operations {
			if o.Lendable && slices.Contains(g.Operations, o.Name) {
				out = append(out, access.Grant{Op: o.Number, Object: g.Object, Session: g.Session, Until: g.Until})
			}
		}
	}
	return out
}
