package inquiry

import (
	"context"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// liftRow shows the person the object, or raises the limit on it.
func (t *trial) liftRow(ctx context.Context, s *policy.Subject, r sight) (*Obstacle, error) {
	switch {
	case !r.mine:
		return t.notThere(r)
	case !r.theirs && t.viewing():
		return t.closedView(access.Row, access.NotVisible), nil
	case !r.theirs:
		return t.liftHidden(ctx, s, r)
	case r.limit != nil && t.viewing():
		return t.closedView(access.Limit, access.LimitTooLow), nil
	case r.limit != nil:
		return t.liftLimit(ctx, s, r)
	}
	return nil, nil
}

// notThere is the obstacle of an object that the asker does not see: there is no
// change, and nothing behind it is looked at.
func (t *trial) notThere(r sight) (*Obstacle, error) {
	if t.q.Object == "" {
		return nil, nil
	}
	t.q.Object = ""
	return &Obstacle{Layer: access.Row, Reason: access.NotVisible, By: ByNobody, Words: "Name a " + r.noun + " that you may see yourself."}, nil
}

// liftHidden lends the person the one loan for a day: nobody else sees more, and
// nothing else is seen. It could be named in the restriction as well. A borrower or
// an application cannot be named in an expression, so there the restriction is
// taken from the person.
func (t *trial) liftHidden(ctx context.Context, s *policy.Subject, r sight) (*Obstacle, error) {
	x := r.hides
	o := &Obstacle{Layer: access.Row, Reason: access.NotVisible, Hiding: []id.Restriction{x.ID}}
	away, err := t.takeAway(ctx, s, x)
	if err != nil {
		return nil, err
	}
	var wider *Change
	as, words := t.widened(ctx, r)
	if as != nil && !t.binds(x.ID) {
		wider = t.change("search_restriction.update", string(x.ID), words, restrictionInput(as))
	}
	lend := t.lend(r)
	switch {
	case lend != nil:
		o.Change = lend
		_, ref, _ := strings.Cut(t.q.Object, "/")
		o.Loan = id.Loan(ref)
		t.x.Loans = map[id.User][]id.Loan{t.q.User: {o.Loan}}
		o.Others = present(wider, away)
	case wider != nil:
		o.Change, o.Others = wider, present(away)
		t.replaceRestriction(as)
	default:
		o.Change, o.Words = away, "Take the search restriction “"+x.Name+"” from the person."
		t.hold(s, x.ID)
	}
	if o.Change != nil {
		o.Words = o.Change.Words
	}
	return o, nil
}

func present(list ...*Change) (out []Change) {
	for _, c := range list {
		if c != nil {
			out = append(out, *c)
		}
	}
	return out
}

// lend makes the call that shows the person the one loan until the end of the next
// day; nil for what is no loan, for oneself, and where a restriction is broken.
func (t *trial) lend(r sight) *Change {
	if r.noun != "loan" || r.hides.Broken || t.q.User == t.c.Who.User {
		return nil
	}
	until := max(t.c.Tenant.Today(t.now), t.c.Today).AddDays(1).String()
	return t.change("lent_loan.grant", string(t.q.User), "Lend the person this one loan until "+until+": no search restriction hides it from them then.",
		map[string]any{"loan": strings.TrimPrefix(t.q.Object, "loan/"), "until": until, "reason": "A call that was denied: " + t.q.Meta.Title + "."})
}

// binds reports whether a restriction binds the asker, who then may not change it.
func (t *trial) binds(rid id.Restriction) bool {
	me := t.c.Subject()
	return me != nil && slices.ContainsFunc(me.Restrictions, func(x *policy.Restriction) bool { return x.ID == rid })
}

// widened gives the restriction that hides a loan as one that shows it too, and
// says so; nil for what is no loan and for what would become too long.
func (t *trial) widened(ctx context.Context, r sight) (*policy.Restriction, string) {
	_, ref, _ := strings.Cut(t.q.Object, "/")
	if r.noun != "loan" || r.hides.Broken {
		return nil, ""
	}
	as := *r.hides
	as.Limits = slices.Clone(as.Limits)
	var raised []string
	for i := range as.Limits {
		if l := &as.Limits[i]; l.Area == policy.Summary && l.Allows() == policy.None {
			if holds, err := t.holds(ctx, l, ref); err == nil && holds {
				l.Level = "view"
				raised = append(raised, "“"+conditionOf(l)+"”")
			}
		}
	}
	words := "Raise the limit on the summary where " + strings.Join(raised, " and ") + " to view in the search restriction “" + as.Name + "”."
	if len(raised) == 0 {
		as.Visible = "(" + as.Visible + `) || loan.id == "` + ref + `"`
		words = "Have the search restriction “" + as.Name + "” show this loan too."
	}
	if check := as; check.Compile(t.c.Policy.Vocabulary()) != nil {
		return nil, ""
	}
	return &as, words
}

func (t *trial) holds(ctx context.Context, l *policy.Limit, ref string) (bool, error) {
	if l.Rule == nil {
		return false, nil
	}
	cond := l.Rule.SQL(t.c.Today)
	n := int64(0)
	err := t.c.Tx.One(ctx, "SELECT COUNT(*) FROM loan l WHERE l.id = ? AND "+cond.SQL(), append([]any{ref}, cond.Args()...), &n)
	return n > 0, err
}

func (t *trial) replaceRestriction(as *policy.Restriction) {
	t.x.Restrictions = append(slices.DeleteFunc(slices.Clone(t.x.Restrictions), func(r *policy.Restriction) bool { return r.ID == as.ID }), as)
}

// hold has the person hold what binds them but for one restriction.
func (t *trial) hold(s *policy.Subject, but id.Restriction) {
	held := []id.Restriction{}
	for _, r := range s.Restrictions {
		if r.ID != but {
			held = append(held, r.ID)
		}
	}
	t.x.Held = map[id.User][]id.Restriction{t.q.User: held}
}

// takeAway takes a restriction from the person: their own, or by leaving the
// teams that bring it.
func (t *trial) takeAway(ctx context.Context, s *policy.Subject, x *policy.Restriction) (*Change, error) {
	own, err := policy.Assigned(ctx, t.c.Tx, t.q.User)
	if err != nil {
		return nil, err
	}
	in, words := map[string]any{}, []string{}
	if i := slices.Index(own, x.ID); i >= 0 {
		in["search_restrictions"] = slices.Delete(slices.Clone(own), i, i+1)
		words = append(words, "Take the search restriction “"+x.Name+"” from the person")
	}
	stay, left, err := staying(ctx, t.c.Tx, s.Teams, x.ID)
	if err != nil {
		return nil, err
	}
	if len(left) > 0 {
		if !takes(t.d.Meta("user.update"), "teams") {
			return nil, nil
		}
		in["teams"] = stay
		words = append(words, "take the person out of the team "+quoted(left))
	}
	if len(in) == 0 {
		return nil, nil
	}
	text := strings.Join(words, " and ")
	return t.change("user.update", string(t.q.User), strings.ToUpper(text[:1])+text[1:]+".", in), nil
}

// staying gives the teams that do not bring a restriction, and the names of those
// that do.
func staying(ctx context.Context, tx *db.Tx, teams []id.Team, x id.Restriction) (stay []id.Team, left []string, err error) {
	stay = []id.Team{}
	for _, tid := range teams {
		team, err := policy.TeamByID(ctx, tx, tid)
		if err != nil {
			return nil, nil, err
		}
		if slices.Contains(team.Restrictions, x) {
			left = append(left, team.Name)
		} else {
			stay = append(stay, tid)
		}
	}
	return stay, left, nil
}

// liftLimit raises the limit to what the operation needs; where the restriction
// binds the asker, who then may not change it, it is taken from the person.
func (t *trial) liftLimit(ctx context.Context, s *policy.Subject, r sight) (*Obstacle, error) {
	o := &Obstacle{Layer: access.Limit, Reason: access.LimitTooLow}
	needs := "view"
	if t.q.Meta.Kind == operation.Write {
		needs = "full"
	}
	as := *r.of
	as.Limits = slices.Clone(as.Limits)
	for i := range as.Limits {
		if &r.of.Limits[i] == r.limit {
			as.Limits[i].Level = needs
		}
	}
	if t.binds(as.ID) {
		away, err := t.takeAway(ctx, s, r.of)
		if err != nil {
			return nil, err
		}
		o.Change, o.Words = away, "Take the search restriction “"+as.Name+"” from the person."
		t.hold(s, as.ID)
		return o, nil
	}
	o.Words = "Raise the limit on the area " + r.limit.Area + " to " + needs + " in the search restriction “" + as.Name + "”."
	o.Change = t.change("search_restriction.update", string(as.ID), o.Words, restrictionInput(&as))
	t.replaceRestriction(&as)
	return o, nil
}

// restrictionInput is a restriction as the operations of restrictions take it.
func restrictionInput(r *policy.Restriction) map[string]any {
	in := map[string]any{"name": r.Name, "visible": r.Visible}
	if r.Borrowers != "" {
		in["borrowers"] = r.Borrowers
	}
	if r.Applications != "" {
		in["applications"] = r.Applications
	}
	limits := []any{}
	for _, l := range r.Limits {
		limits = append(limits, map[string]any{"area": l.Area, "when": l.When, "level": l.Level, "message": l.Message})
	}
	in["limits"] = limits
	return in
}
