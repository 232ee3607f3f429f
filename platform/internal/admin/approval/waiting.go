package approval

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Waiting counts the proposals that the caller may decide, as List does, but
// without opening any: one statement for the inbox at the top of every page, and
// none for people who hold no operation that could wait.
func (d *Desk) Waiting(ctx context.Context, c *gate.Call) (n int, err error) {
	s := c.Subject()
	if s == nil {
		return 0, nil
	}
	var held []string
	for _, m := range d.config.Gate().Catalogue() {
		if m.Pairing != gate.Alone && (s.Role.Rights.UI.Has(m.Number) || s.Role.Rights.API.Has(m.Number)) {
			held = append(held, m.Name)
		}
	}
	if len(held) == 0 {
		return 0, nil
	}
	cond := db.And(db.In("p.operation", held), visible(c.Scope))
	return n, c.Tx.One(ctx, `SELECT COUNT(*) FROM proposal p WHERE p.state = 'open' AND p.ends_at > ? AND p.proposed_by <> ? AND `+cond.SQL(),
		append([]any{c.At, c.Who.User}, cond.Args()...), &n)
}

// visible is the condition, over alias p, of the proposals whose object the
// scope shows; see holds, which asks it of one.
func visible(s gate.Scope) db.Cond {
	loans, borrowers, applications := s.Loans(), s.Borrowers(), s.Applications()
	return db.Or(
		db.Where("(p.object NOT LIKE 'loan/%' AND p.object NOT LIKE 'borrower/%' AND p.object NOT LIKE 'application/%')"),
		db.And(db.Where("p.object LIKE 'loan/%'"), db.Where("EXISTS (SELECT 1 FROM loan l WHERE l.id = substr(p.object, 6) AND "+gate.Landed+" AND "+loans.SQL()+")", loans.Args()...)),
		db.And(db.Where("p.object LIKE 'borrower/%'"), db.Where("EXISTS (SELECT 1 FROM borrower b WHERE b.id = substr(p.object, 10) AND "+borrowers.SQL()+")", borrowers.Args()...)),
		db.And(db.Where("p.object LIKE 'application/%'"), db.Where("EXISTS (SELECT 1 FROM application a WHERE a.id = substr(p.object, 13) AND "+applications.SQL()+")", applications.Args()...)))
}
