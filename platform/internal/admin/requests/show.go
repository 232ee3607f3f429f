package requests

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/inquiry"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// The ways in which a request is granted.
const (
	lends  = "lend"    // a role is lent, restrictions are paused: until the end, by itself
	byHand = "by_hand" // the granter makes the change elsewhere and says so
)

// Request is a request for access.
type Request struct {
	ID          id.AccessRequest `json:"id" class:"public"`
	User        id.User          `json:"user" class:"public"`
	UserName    string           `json:"user_name" class:"public"`
	Operation   string           `json:"operation" class:"public"`
	Title       string           `json:"title" class:"public"`
	Channel     string           `json:"channel" class:"public"`
	Object      string           `json:"object" class:"public"`
	Number      string           `json:"number,omitempty" class:"public" doc:"of the loan that it is about, where the caller sees it"`
	Layer       string           `json:"layer" class:"public" doc:"the layer that said no when it was asked"`
	Reason      string           `json:"reason" class:"public"`
	Until       string           `json:"until" class:"public"`
	State       string           `json:"state" class:"public" enum:"open,granted,refused,withdrawn"`
	MadeAt      string           `json:"made_at" class:"public"`
	Decision    id.Decision      `json:"decision,omitempty" class:"public"`
	DecidedBy   id.User          `json:"decided_by,omitempty" class:"public"`
	DeciderName string           `json:"decider_name,omitempty" class:"public"`
	DecidedAt   string           `json:"decided_at,omitempty" class:"public"`
	Remark      string           `json:"remark,omitempty" class:"public"`
	Mine        bool             `json:"mine" class:"public"`
	MayDecide   bool             `json:"may_decide" class:"public"`
	How         string           `json:"how,omitempty" class:"public" doc:"lend: by itself, until the end; by_hand: by a change made elsewhere. For whoever may decide"`
	Would       string           `json:"would_allow,omitempty" class:"public" doc:"what stands in the way; for whoever may decide"`
	Change      *inquiry.Change  `json:"change,omitempty" doc:"the smallest change; for whoever may decide"`
	Rows        *Rows            `json:"rows,omitempty" doc:"what granting would show the person; for whoever may decide"`
}

// Rows is what the person finds now, and what they would find once it is granted,
// of what the asker may see.
type Rows struct {
	LoansNow         int64  `json:"loans_now" class:"public"`
	LoansThen        int64  `json:"loans_then" class:"public"`
	ApplicationsNow  int64  `json:"applications_now" class:"public"`
	ApplicationsThen int64  `json:"applications_then" class:"public"`
	Said             string `json:"said" class:"public" example:"1 loan more"`
}

// ListIn narrows a list.
type ListIn struct {
	State string `query:"state" enum:"open,all" required:"false" doc:"open unless told"`
}

// ListOut is one's own requests and those that one can decide, newest first.
type ListOut struct {
	Items   []Request `json:"items"`
	Total   int       `json:"total" class:"public"`
	Next    string    `json:"next" class:"public"`
	Waiting int       `json:"waiting" class:"public" doc:"open ones that the caller can decide"`
}

// deed is how a request was granted, and with which key the call was made.
type deed struct {
	Key          id.APIKey        `json:"api_key,omitempty"`
	How          string           `json:"how,omitempty"`
	Role         string           `json:"role,omitempty"`
	Restrictions []id.Restriction `json:"paused,omitempty"`
	Loan         id.Loan          `json:"loan,omitempty"`
}

func (d deed) String() string {
	b, err := json.Marshal(d)
	if err != nil {
		return "{}" // a struct of texts always marshals
	}
	return string(b)
}

// deed reads what is kept; what cannot be read says nothing.
func (r *row) deed() (d deed) {
	if json.Unmarshal([]byte(r.change), &d) != nil {
		return deed{}
	}
	return d
}

func (d *Desk) list(ctx context.Context, c *gate.Call, in *ListIn) (*ListOut, error) {
	rows, err := newest(ctx, c.Tx, in.State != "all")
	if err != nil {
		return nil, err
	}
	out := &ListOut{Items: []Request{}}
	for _, r := range rows {
		one, err := d.shown(ctx, c, r, false)
		if fault.Is(err, fault.NotFound) {
			continue // another's, and not theirs to decide
		}
		if err != nil {
			return nil, err
		}
		if one.MayDecide && one.State == Open {
			out.Waiting++
		}
		out.Items = append(out.Items, *one)
	}
	out.Total = len(out.Items)
	return out, nil
}

func (d *Desk) view(ctx context.Context, c *gate.Call, in *Ref) (*Request, error) {
	r, err := byID(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	return d.shown(ctx, c, r, true)
}

// told is what the owner and whoever decides see alike.
func (d *Desk) told(ctx context.Context, c *gate.Call, r *row) (*Request, error) {
	out := &Request{ID: r.id, User: r.user, Operation: r.operation, Title: r.operation, Channel: r.channel, Object: r.object, Layer: r.layer, Reason: r.reason, Until: instant(r.until),
		State: r.state, MadeAt: instant(r.madeAt), Decision: r.decision, DecidedBy: r.decidedBy, DecidedAt: instant(r.decidedAt), Remark: r.remark, Mine: r.user == c.Who.User}
	if m := d.config.Inquiry.Meta(r.operation); m != nil {
		out.Title = m.Title
	}
	about, err := admin.Located(ctx, c, r.object)
	if err != nil {
		return nil, err
	}
	if out.Number, err = admin.LoanNumber(ctx, c, about); err != nil {
		return nil, err
	}
	names, err := identity.NamesOf(ctx, c.Tx, []string{"user/" + string(r.user), "user/" + string(r.decidedBy)})
	if err != nil {
		return nil, err
	}
	out.UserName, out.DeciderName = names["user/"+string(r.user)], names["user/"+string(r.decidedBy)]
	return out, nil
}

// shown gives a request to its owner, or to somebody who can decide it, who is told
// how many rows it would show the person if they are to be counted.
func (d *Desk) shown(ctx context.Context, c *gate.Call, r *row, count bool) (*Request, error) {
	out, err := d.told(ctx, c, r)
	if err != nil || out.Mine {
		return out, err
	}
	p, err := d.plan(ctx, c, r, count && r.state == Open)
	if err != nil {
		return nil, err
	}
	if !p.may && (r.state == Open || !p.sees) {
		return nil, missing()
	}
	if out.MayDecide = r.state == Open; out.MayDecide {
		out.How, out.Would = p.how, p.answer.Words()
		out.Change, _ = p.answer.Change()
		if count {
			out.Rows = rowsOf(p.answer)
		}
		if p.answer.Allowed {
			out.Would = "The call is allowed by now."
		}
	}
	return out, nil
}

// rowsOf tells what granting shows; nil where it shows no other rows.
func rowsOf(a *inquiry.Answer) *Rows {
	if !slices.ContainsFunc(a.Obstacles, func(o inquiry.Obstacle) bool { return len(o.Hiding) > 0 }) {
		return nil
	}
	r := &Rows{LoansNow: a.Now.Loans, LoansThen: a.Then.Loans, ApplicationsNow: a.Now.Applications, ApplicationsThen: a.Then.Applications}
	r.Said = more(r.LoansThen-r.LoansNow, "loan")
	if n := r.ApplicationsThen - r.ApplicationsNow; n > 0 {
		r.Said += " and " + more(n, "application")
	}
	r.Said += fmt.Sprintf(": %d loans and %d applications instead of %d and %d.", r.LoansThen, r.ApplicationsThen, r.LoansNow, r.ApplicationsNow)
	return r
}

func more(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s more", n, noun)
}

// plan is how a request could be granted by the caller.
type plan struct {
	may    bool // the caller can grant it
	sees   bool // the caller grants such requests, and sees what this one is about
	how    string
	answer *inquiry.Answer
	meta   *gate.Meta
}

// plan asks what stands in the way, within the caller's own scope, and whether the
// caller may lift it.
func (d *Desk) plan(ctx context.Context, c *gate.Call, r *row, count bool) (*plan, error) {
	p := &plan{how: byHand, answer: &inquiry.Answer{}}
	if !d.mayDecide(c, r) {
		return p, nil
	}
	q, err := d.question(ctx, c, r)
	if fault.Is(err, fault.Conflict) {
		p.may, p.sees = true, true // to refuse it
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	p.meta, q.Count = q.Meta, count
	if p.answer, err = d.config.Inquiry.Ask(ctx, c, q); err != nil {
		return nil, err
	}
	if !p.answer.Seen && !c.Scope.Everything() {
		return p, nil // about what is not there for the caller
	}
	p.how, p.may, p.sees = lends, true, true
	left := 0 // obstacles that granting is to lift
	for _, o := range p.answer.Obstacles {
		if o.By == inquiry.ByPerson {
			continue // their password or factor: what is lent waits for them behind it
		}
		left++
		switch {
		case o.Layer == access.Permission && o.Change != nil && !paired(c, d, "role.update", "user.update"):
			p.may = p.may && canAny(c, "role.update", "user.update")
		case o.Layer == access.Row && o.Loan != "" && !paired(c, d, d.Lend.Name):
			p.may = p.may && c.Can(d.Lend.Name, "")
		case o.Layer == access.Row && o.Loan == "" && len(o.Hiding) > 0 && !paired(c, d, "search_restriction.update", "search_restriction.assign", "user.update"):
			p.may = p.may && canAny(c, "search_restriction.update", "search_restriction.assign", "user.update")
		default:
			p.how = byHand
			p.may = p.may && (o.Change == nil || c.Can(o.Change.Operation, ""))
		}
	}
	if left == 0 {
		p.how = byHand
	}
	return p, nil
}

// mayDecide reports whether the caller grants requests for this operation at all.
func (d *Desk) mayDecide(c *gate.Call, r *row) bool {
	s := c.Subject()
	return s != nil && r.user != c.Who.User && c.Can("access_request.grant", "") && s.MayGive(r.operation)
}

func canAny(c *gate.Call, operations ...string) bool {
	return slices.ContainsFunc(operations, func(name string) bool { return c.Can(name, "") })
}

// paired reports whether the tenant wants two people for what granting would do.
func paired(c *gate.Call, d *Desk, operations ...string) bool {
	return slices.ContainsFunc(operations, func(name string) bool {
		m := d.config.Inquiry.Meta(name)
		return m != nil && c.Policy.Access.FourEyes.Has(m.Number)
	})
}

// about names what a request is for, in mail and in the trail.
func (d *Desk) about(r *row) string {
	title := r.operation
	if m := d.config.Inquiry.Meta(r.operation); m != nil {
		title = m.Title
	}
	return strings.TrimSpace("“" + title + "”")
}
