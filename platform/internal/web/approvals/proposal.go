package approvals

import (
	"context"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/admin/approval"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// facts is what the page of one proposal shows.
type facts struct {
	p                         *approval.Proposal
	approve, reject, withdraw bool
	titles                    map[string]string // of operations
	trouble                   string            // why a decision came back, where no form can mend it
}

func (r *Room) one(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.View)
		if err != nil {
			return visit.View{}, err
		}
		object, open := "proposal/"+string(out.ID), out.State == "open"
		f := facts{p: out, titles: r.titles(), trouble: trouble(v.Fault()),
			approve:  out.MayDecide && p.Can(r.desk.Approve.Name, object) && p.Can(out.Operation, out.Object), // approving does it, in this channel
			reject:   out.MayDecide && p.Can(r.desk.Reject.Name, object),
			withdraw: open && out.Mine && p.Can(r.desk.Withdraw.Name, object)}
		badge := state(out.State)
		page := parts.Page{Title: out.Title, Subtitle: about(out), State: &badge, Crumbs: []parts.Link{{Text: "Approvals", Href: home}}}
		if f.approve {
			page.Actions = append(page.Actions, parts.Button{Label: "Approve", Kind: parts.Primary, Opens: "approve"})
		}
		if f.reject {
			page.Actions = append(page.Actions, parts.Button{Label: "Reject…", Opens: "reject"})
		}
		if f.withdraw {
			page.Actions = append(page.Actions, parts.Button{Label: "Withdraw…", Opens: "withdraw"})
		}
		return visit.View{Page: page, Body: proposalPage(v, f)}, nil
	}
}

// trouble says what came between: nothing that was typed can mend it.
func trouble(err error) string {
	f := fault.As(err)
	if err == nil || f.Kind != fault.Conflict {
		return ""
	}
	switch f.Reason {
	case "object_moved":
		return "What this would change has changed since it was proposed, so nothing was done. Reject it and have it proposed again on what stands there now."
	case "proposer_may_not":
		return "Whoever proposed this may not do it any more, so nothing was done. Reject it; somebody who may can propose it anew."
	case "proposal_closed":
		return "Somebody has decided this meanwhile, or it has waited too long; the page shows how it ended."
	}
	return f.Message
}

func (r *Room) approve(v *visit.Visit) {
	visit.Act(v, r.desk.Approve, decided("Approved and done."), r.one(v))
}

func (r *Room) reject(v *visit.Visit) {
	visit.Act(v, r.desk.Reject, decided("Rejected; nothing has changed."), r.one(v))
}

func (r *Room) withdraw(v *visit.Visit) {
	visit.Act(v, r.desk.Withdraw, decided("Withdrawn; nothing has changed."), r.one(v))
}

func decided(said string) func(*approval.Decided) visit.Answer {
	return func(out *approval.Decided) visit.Answer { return visit.Go(pageOf(out.ID), said) }
}

// sheet is the form of a decision. A fault that no form can mend stands on the
// page and not in the dialog, which then stays closed.
func (f facts) sheet(v *visit.Visit, name string) *visit.Sheet {
	if f.trouble != "" {
		name += "-anew"
	}
	return v.Sheet(name)
}

// effect says what an approval does.
func (f facts) effect() string {
	what := "“" + f.p.Title + "” is carried out on " + about(f.p) + " at once, as " + f.p.ProposerName + " proposed it"
	rows := changes(f.titles, f.p.Changes)
	switch n := len(rows); n {
	case 0:
		return what + "."
	case 1:
		return what + ": " + change(rows[0]) + "."
	default:
		return what + ": " + change(rows[0]) + " and " + strconv.Itoa(n-1) + " more, as this page shows."
	}
}

func change(c parts.DiffRow) string {
	switch {
	case c.Before == "":
		return c.Field + " becomes " + c.After
	case c.After == "":
		return c.Field + " " + c.Before + " goes"
	}
	return c.Field + " " + c.Before + " becomes " + c.After
}

// events is what has happened to a proposal, newest first.
func events(v *visit.Visit, p *approval.Proposal) []parts.Event {
	out := []parts.Event{{At: moment(v, p.ProposedAt), Who: p.ProposerName, What: "Proposed", Detail: p.Reason}}
	switch p.State {
	case "open":
		return out
	case "expired":
		return append([]parts.Event{{At: moment(v, p.EndsAt), What: "Waited too long", Detail: "Nobody decided within seven days."}}, out...)
	}
	b := state(p.State)
	return append([]parts.Event{{At: moment(v, p.DecidedAt), Who: p.DeciderName, What: b.Word, Detail: p.Remark, Meaning: b.Meaning}}, out...)
}
