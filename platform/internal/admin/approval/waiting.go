package approval

import (
	"context"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Waiting counts the proposals that the caller may decide, as List does, but
// without opening any: one statement for the inbox at the top of every page, and
// none for people who hold no operation that could wait.
func (d *Desk) Waiting(ctx context.Context, c *gate.Call) (n int, err error) {
	s := c.Subject()
	if s == nil {
		return 0, nil
	}
	held := map[string][]string{} // by the area that limits speak of
	for _, m := range d.config.Gate().Catalogue() {
		if m.Pairing != gate.Alone && (s.Role.Rights.UI.Has(m.Number) || s.Role.Rights.API.Has(m.Number)) {
			held[m.Part] = append(held[m.Part], m.Name)
		}
	}
	if len(held) == 0 {
		return 0, nil
	}
	mine := db.False()
	for _, part := range append([]string{""}, policy.Areas()...) {
		if names := held[part]; len(names) > 0 {
			mine = db.Or(mine, db.And(db.In("p.operation", names), db.Not(limited(c, part))))
		}
	}
	cond := db.And(mine, visible(c.Scope))
	return n, c.Tx.One(ctx, `SELECT COUNT(*) FROM proposal p WHERE p.state = 'open' AND p.ends_at > ? AND p.proposed_by <> ? AND `+cond.SQL(),
		append([]any{c.At, c.Who.User}, cond.Args()...), &n)
}

// limited is the condition, over alias p, of the proposals that a limit on an area
// keeps the caller from deciding; see gate.Call.LimitOf, which asks it of one.
func limited(c *gate.Call, part string) db.Cond {
	out := db.False()
	for _, l := range c.Subject().Limits(part) {
		if l.Allows() >= policy.Full {
			continue
		}
		if l.Rule == nil {
			out = db.Or(out, db.Where("p.object <> ''"))
			continue
		}
		rule := l.Rule.SQL(c.Today)
		if part == "application" { // its rules speak of applications, all others of loans
			out = db.Or(out, about("application", "a", rule))
			continue
		}
		loans := c.Scope.Loans()
		out = db.Or(out, about("loan", "l", rule), about("borrower", "b", db.Or(gate.WithLoan(db.And(loans, rule)), db.Not(gate.WithLoan(loans)))))
	}
	return out
}

// visible is the condition, over alias p, of the proposals whose object the
// scope shows; see gate.Call.Sees, which asks it of one.
func visible(s gate.Scope) db.Cond {
	return db.Or(
		db.Where("(p.object NOT LIKE 'loan/%' AND p.object NOT LIKE 'borrower/%' AND p.object NOT LIKE 'application/%')"),
		about("loan", "l", db.And(db.Where(gate.Landed), s.Loans())), about("borrower", "b", s.Borrowers()), about("application", "a", s.Applications()))
}

// about is the condition that a proposal is about a row, of the table that is
// called as the noun is, that meets another under an alias.
func about(noun, alias string, c db.Cond) db.Cond {
	return db.And(db.Where("p.object LIKE '"+noun+"/%'"),
		db.Where("EXISTS (SELECT 1 FROM "+noun+" "+alias+" WHERE "+alias+".id = substr(p.object, "+strconv.Itoa(len(noun)+2)+") AND "+c.SQL()+")", c.Args()...))
}
