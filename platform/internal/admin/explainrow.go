package admin

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// explainRow adds the row layer: whether the object is within the user's
// search restrictions. It runs inside the asker's own scope: what the asker may
// not see is not there.
func (d *Desk) explainRow(ctx context.Context, c *gate.Call, in *ExplainIn, s *policy.Subject, out *ExplainOut) (*ExplainOut, error) {
	l := Layer{Layer: "row", Reached: out.Allowed, Passed: true, Why: "No search restriction binds this user."}
	defer func() { out.Layers = append(out.Layers, l) }()
	noun, ref, _ := strings.Cut(in.Object, "/")
	if in.Object == "" {
		l.Why = "No object was named."
		return out, nil
	}
	query, mine, theirs := rowQuery(noun, c.Scope, gate.ScopeFor(c, s))
	if query == "" {
		l.Why = "Search restrictions do not bind this sort of object."
		return out, nil
	}
	seen := func(cond db.Cond) (bool, error) {
		var one int64
		err := c.Tx.One(ctx, query+cond.SQL(), append([]any{ref}, cond.Args()...), &one)
		if errors.Is(err, sql.ErrNoRows) {
			return false, nil
		}
		return err == nil, err
	}
	visible, err := seen(mine)
	if err != nil {
		return nil, err
	}
	if !visible {
		l.Passed, l.Why = false, "There is no such "+noun+" within what you may see yourself."
		out.Allowed = false
		return out, nil
	}
	if !s.Restricted() {
		return out, nil
	}
	if l.Passed, err = seen(theirs); err != nil {
		return nil, err
	}
	names := make([]string, len(s.Restrictions))
	for i, r := range s.Restrictions {
		names[i] = "“" + r.Name + "”: " + r.Visible
	}
	l.Why = "Visible under " + strings.Join(names, " and ")
	if !l.Passed {
		l.Why = "Hidden by " + strings.Join(names, " and ")
		if out.Allowed {
			out.WouldAllow = "Change or take away the search restriction, or change the fields of the object that it reads."
		}
		out.Allowed = false
	}
	return out, nil
}

func rowQuery(noun string, mine, theirs gate.Scope) (string, db.Cond, db.Cond) {
	switch noun {
	case "loan":
		return "SELECT 1 FROM loan l WHERE l.id = ? AND ", mine.Loans(), theirs.Loans()
	case "borrower":
		return "SELECT 1 FROM borrower b WHERE b.id = ? AND ", mine.Borrowers(), theirs.Borrowers()
	case "application":
		return "SELECT 1 FROM application a WHERE a.id = ? AND ", mine.Applications(), theirs.Applications()
	}
	return "", db.Cond{}, db.Cond{}
}
