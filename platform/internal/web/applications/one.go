package applications

import (
	"cmp"
	"context"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/web/papers"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/sealed"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// folder is one application with what the person may see and do.
type folder struct {
	*origination.ApplicationOut
	queue                                *queue
	v                                    *visit.Visit
	related                              *origination.RelatedOut
	history                              *origination.HistoryOut
	owed                                 templ.Component // the tab of privacy
	mayPrivacy                           bool
	fields                               sealed.Person
	papers                               templ.Component // the documents, or why they are kept from the person; nil: the role has none
	daysLeft                             *int
	mayCheck, mayDecision                bool
	mayRelated, mayHistory               bool
	mayApprove, mayReject, mayReprocess  bool
	mayEvidence, mayEnter                bool
	mayRules, mayRulesHistory, mayOpenUp bool // the rules; the loan
	maySchedule                          bool // the loan's schedule
}

func (f *folder) object() string { return "application/" + string(f.ID) }

// name is the applicant's.
func (f *folder) name() string {
	return strings.TrimSpace(f.Applicant.FirstName + " " + f.Applicant.LastName)
}

// one is the page of an application beside the list it was chosen from.
func (r *Room) one(v *visit.Visit) visit.Screen { return r.page(v, nil) }

// page shows one personal field in full: the one that was just asked for.
func (r *Room) page(v *visit.Visit, shown *origination.RevealOut) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.View)
		if err != nil {
			return visit.View{}, err
		}
		f := &folder{ApplicationOut: out, v: v, mayPrivacy: p.Can(r.owed.View(), "application/"+string(out.ID))}
		f.fields = f.sealedFields(p, shown)
		f.ask(p)
		if p.Can("application.list", "") {
			if f.queue, err = r.look(ctx, v, p); err != nil {
				return visit.View{}, err
			}
		} else {
			f.queue = &queue{filters: url.Values{}, v: v, chosen: string(out.ID), out: &origination.ListOut{}, tab: v.R.URL.Query().Get("tab"), now: p.Call().At}
		}
		if err := r.more(ctx, v, p, f); err != nil {
			return visit.View{}, err
		}
		if !out.NoticeDue.IsZero() && out.Status != "approved" {
			left := out.NoticeDue.Sub(p.Call().Today)
			f.daysLeft = &left
		}
		return visit.View{Page: f.page(), Body: onePage(f)}, nil
	}
}

// ask finds out what the person may do with this application as it stands.
func (f *folder) ask(p *gate.Page) {
	may := func(name string) bool { return p.Can(name, f.object()) }
	f.mayCheck, f.mayDecision = f.NetworkCheck != nil, f.Decision != nil
	f.NetworkCheck, f.Decision = cmp.Or(f.NetworkCheck, new(origination.NetworkCheckOut)), cmp.Or(f.Decision, new(origination.DecisionOut))
	f.mayRelated, f.mayHistory = may("application.related.list"), may("application.history")
	f.mayEvidence, f.mayEnter = f.mayCheck && f.mayDecision && may("application.evidence"), p.Can("application.submit", "")
	open := f.Status != "approved"
	f.mayApprove = open && may("application.approve")
	f.mayReject = open && !(f.Status == "rejected" && f.DecidedAt != "") && may("application.reject")
	f.mayReprocess = open && may("application.reprocess")
	f.mayRules, f.mayRulesHistory = p.Can("decision_engine.view", ""), p.Can("decision_engine.history", "")
	f.maySchedule = f.Loan != "" && p.Can("loan.schedule.view", "loan/"+string(f.Loan))
	f.mayOpenUp = f.Loan != "" && p.Can("loan.view", "loan/"+string(f.Loan))
}

// more reads what the open tab shows beside the application itself.
func (r *Room) more(ctx context.Context, v *visit.Visit, p *gate.Page, f *folder) (err error) {
	ref := &origination.Ref{ID: f.ID}
	switch f.tab() {
	case tabSummary:
		if f.mayRelated {
			f.related, err = gate.Look(ctx, p, r.desk.RelatedList, ref)
		}
	case tabTransitions:
		f.history, err = gate.Look(ctx, p, r.desk.History, ref)
	case tabDocuments:
		return r.documents(ctx, v, p, f)
	case tabPrivacy:
		f.owed, err = r.owed.Look(ctx, v, p, string(f.ID))
		if body, kept := v.Withheld(err); kept {
			f.owed, err = body, nil
		}
	}
	return err
}

// documents reads what was kept about the applicant.
func (r *Room) documents(ctx context.Context, v *visit.Visit, p *gate.Page, f *folder) error {
	if !p.Can(r.papers.List(), "") {
		return nil
	}
	tab, err := r.papers.Look(ctx, v, p, string(f.ID))
	if body, kept := v.Withheld(err); kept {
		f.papers = body
		return nil
	}
	if err == nil {
		f.papers = papers.Body(tab)
	}
	return err
}

// The tabs, as the address names them.
const (
	tabSummary     = "summary"
	tabRisk        = "risk"
	tabCustomer    = "customer"
	tabDocuments   = "documents"
	tabSchedule    = "schedule"
	tabTransitions = "transitions"
	tabPrivacy     = "privacy"
)

// tabs are those that the person may open.
func (f *folder) tabs() []parts.Tab {
	var out []parts.Tab
	for _, t := range []struct {
		name, label string
		may         bool
	}{{tabSummary, "Summary", true}, {tabRisk, "Risk score", f.mayCheck || f.mayDecision}, {tabCustomer, "Customer", true}, {tabDocuments, "Documents", true},
		{tabSchedule, "Schedule", true}, {tabTransitions, "Transitions", f.mayHistory}, {tabPrivacy, "Privacy", f.mayPrivacy}} {
		if t.may {
			out = append(out, parts.Tab{Label: t.label, Href: f.queue.to(string(f.ID), t.name), Current: f.tab() == t.name})
		}
	}
	return out
}

// tab is the open one; an unknown or closed one is the summary.
func (f *folder) tab() string {
	switch t := f.v.R.URL.Query().Get("tab"); t {
	case tabRisk:
		if f.mayCheck || f.mayDecision {
			return t
		}
	case tabTransitions:
		if f.mayHistory {
			return t
		}
	case tabPrivacy:
		if f.mayPrivacy {
			return t
		}
	case tabCustomer, tabDocuments, tabSchedule:
		return t
	}
	return tabSummary
}

func (f *folder) page() parts.Page {
	state := statusBadge(f.Status)
	page := parts.Page{Title: f.Number + " " + f.name(), State: &state, Crumbs: []parts.Link{{Text: "Applications", Href: address(home, f.queue.filters)}},
		Subtitle: f.Requested.Amount.Grouped() + " " + currency + " over " + months(f.Requested.TermMonths)}
	if f.mayApprove {
		page.Actions = append(page.Actions, parts.Button{Label: "Approve…", Kind: parts.Primary, Opens: "approve"})
	}
	if f.mayReject {
		page.Actions = append(page.Actions, parts.Button{Label: "Reject…", Opens: "reject"})
	}
	var items []parts.Item
	if f.mayReprocess {
		items = append(items, parts.Item{Label: "Send for reprocessing…", Detail: "The rules in force decide again", Opens: "reprocess"})
	}
	if f.mayEvidence {
		items = append(items, parts.Item{Label: "Evidence as PDF", Href: f.evidence("pdf")}, parts.Item{Label: "Evidence as JSON", Href: f.evidence("json")})
	}
	if f.mayEnter {
		items = append(items, parts.Item{Label: "Enter another application", Href: home + "/new"})
	}
	if len(items) > 0 {
		page.More = parts.MenuButton(parts.Menu{Label: "⋯", AriaLabel: "More", Items: items})
	}
	return page
}

func (f *folder) evidence(format string) string {
	return home + "/" + string(f.ID) + "/evidence?format=" + format
}

// rules and rulesHistory are links for whoever may follow them.
func (f *folder) rules() string {
	if f.mayRules {
		return "/settings/decision-engine"
	}
	return ""
}

func (f *folder) rulesHistory() string {
	if f.mayRulesHistory {
		return "/settings/decision-engine/history"
	}
	return ""
}

// evidence hands the file out.
func (r *Room) evidence(v *visit.Visit) {
	v.Show(func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.Evidence)
		if err != nil {
			return visit.View{}, err
		}
		return visit.View{File: &visit.File{Name: out.Name, Kind: out.ContentType, Body: out.Body}}, nil
	})
}

// back is where an act leads to: the application, with the list as it was.
func back(v *visit.Visit) string {
	return address(home+"/"+v.R.PathValue("id"), v.R.URL.Query())
}

func (r *Room) approve(v *visit.Visit) {
	visit.Act(v, r.desk.Approve, func(out *origination.ActedOut) visit.Answer {
		return visit.Told(back(v), parts.Toast{Meaning: parts.OK, Text: "Approved. Its loan is made.", Link: &parts.Link{Text: "Open the loan", Href: "/loans/" + string(out.Loan)}})
	}, r.one(v), func(form url.Values, in *origination.ApproveIn) error {
		form.Set("amount", plainAmount(form.Get("amount")))
		form.Set("annual_rate", strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(form.Get("annual_rate")), "%")))
		return decode(form, in)
	})
}

func (r *Room) reject(v *visit.Visit) {
	visit.Act(v, r.desk.Reject, func(out *origination.ActedOut) visit.Answer {
		said := "Rejected."
		if !out.NoticeDue.IsZero() {
			said = "Rejected. Notice is due by " + out.NoticeDue.String() + "."
		}
		return visit.Go(back(v), said)
	}, r.one(v), func(form url.Values, in *origination.RejectIn) error { return decode(form, in) })
}

// reveal shows one personal field of the applicant in full, once.
func (r *Room) reveal(v *visit.Visit) {
	visit.Act(v, r.desk.Reveal, func(out *origination.RevealOut) visit.Answer { return visit.Render(r.page(v, out)) }, r.one(v),
		func(form url.Values, in *origination.RevealIn) error { return decode(form, in) })
}

func (r *Room) reprocess(v *visit.Visit) {
	visit.Act(v, r.desk.Reprocess, func(out *origination.ActedOut) visit.Answer {
		return visit.Go(back(v), "Sent for reprocessing. It stands at: "+statusWord(out.Status)+".")
	}, r.one(v), func(form url.Values, in *origination.ReprocessIn) error { return decode(form, in) })
}

// decode takes a form by its tags, but asks for the reason in plain words.
func decode(form url.Values, in any) error {
	var c fault.Collector
	c.Merge("", visit.Decode(form, in))
	if c.Check(strings.TrimSpace(form.Get("reason")) != "", "reason", "Say why, in a sentence."); c.Err() == nil {
		return nil
	}
	return c.Err()
}

// plainAmount takes separators in groups of three away: people write "5,000".
func plainAmount(text string) string {
	text = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "$"))
	whole, _, _ := strings.Cut(text, ".")
	for i, g := range strings.Split(whole, ",") {
		if i > 0 && len(g) != 3 || i == 0 && len(g) > 3 && strings.Contains(whole, ",") {
			return text
		}
	}
	return strings.ReplaceAll(text, ",", "")
}
