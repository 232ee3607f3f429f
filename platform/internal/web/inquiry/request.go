package inquiry

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin/requests"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// ask is the page that asks for access, prefilled from a denial; without one the
// person names what they need.
func (r *Room) ask(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		a := asking{decision: v.R.URL.Query().Get("decision"), list: r.operations(), today: p.Call().Today.String()}
		if a.decision == "" && v.Form() != nil {
			a.decision = v.Form().Get("decision")
		}
		if a.decision != "" {
			out, err := visit.Look(ctx, v, p, r.Requests.Prepare, func(in *requests.PrepareIn) { in.Decision = id.Decision(a.decision) })
			switch {
			case fault.Is(err, fault.NotFound), fault.Is(err, fault.Conflict):
				a.decision = "" // not theirs, or nothing to ask for: they name it themselves
			case err != nil:
				return visit.View{}, err
			default:
				a.draft = out
			}
		}
		return visit.View{Page: parts.Page{Title: "Request access", Crumbs: []parts.Link{{Text: "My access", Href: myAccess}}}, Body: askPage(v, a)}, nil
	}
}

// asking is what the page that asks for access shows.
type asking struct {
	decision string
	draft    *requests.Draft
	list     []parts.Option
	today    string
}

func (r *Room) send(v *visit.Visit) {
	visit.Act(v, r.Requests.Create, func(*requests.Request) visit.Answer {
		return visit.Go(requestList, "Request sent. You are told by mail when it is decided.")
	}, r.ask(v))
}

// requests lists what one has asked for, and what one can decide.
func (r *Room) requests(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.Requests.List)
		if err != nil {
			return visit.View{}, err
		}
		all := v.R.URL.Query().Get("state") == "all"
		tabs := []parts.Tab{{Label: "Waiting", Href: requestList, Current: !all}, {Label: "All", Href: requestList + "?state=all", Current: all}}
		if p.Can(r.Requests.Lent.Name, "") {
			tabs = append(tabs, parts.Tab{Label: "Lent loans", Href: lendLoan})
		}
		page := parts.Page{Title: "Access requests", Tabs: tabs, Actions: []parts.Button{{Label: "Request access", Href: request}}}
		return visit.View{Page: page, Body: requestsPage(v, out)}, nil
	}
}

// one is the page of one request.
func (r *Room) one(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.Requests.View)
		if err != nil {
			return visit.View{}, err
		}
		state := stateOf(out.State)
		page := parts.Page{Title: out.Title, Subtitle: "for " + out.UserName, State: &state, Crumbs: []parts.Link{{Text: "Access requests", Href: requestList}}}
		return visit.View{Page: page, Body: requestPage(v, out, p.Can(r.Requests.Refuse.Name, "access_request/"+string(out.ID)))}, nil
	}
}

func (r *Room) grant(v *visit.Visit) {
	visit.Act(v, r.Requests.Grant, func(out *requests.Request) visit.Answer {
		return visit.Go(requestList+"/"+string(out.ID), "Granted. The person is told by mail.")
	}, r.one(v))
}

func (r *Room) refuse(v *visit.Visit) {
	visit.Act(v, r.Requests.Refuse, func(out *requests.Request) visit.Answer {
		return visit.Go(requestList+"/"+string(out.ID), "Refused. The person is told by mail.")
	}, r.one(v))
}

func (r *Room) withdraw(v *visit.Visit) {
	visit.Act(v, r.Requests.Withdraw, func(out *requests.Request) visit.Answer {
		return visit.Go(requestList+"/"+string(out.ID), "Request withdrawn.")
	}, r.one(v), func(url.Values, *requests.Ref) error { return nil })
}

func stateOf(state string) parts.Badge {
	switch state {
	case requests.Granted:
		return parts.Badge{Meaning: parts.OK, Word: "Granted"}
	case requests.Refused:
		return parts.Badge{Meaning: parts.Danger, Word: "Refused"}
	case requests.Withdrawn:
		return parts.Badge{Word: "Withdrawn"}
	}
	return parts.Badge{Meaning: parts.Warn, Word: "Waiting"}
}

// inbox is requests as the list prints them.
func inbox(v *visit.Visit, list []requests.Request, mine bool) []parts.Request {
	var out []parts.Request
	for _, q := range list {
		if q.Mine != mine {
			continue
		}
		made, until := moment(q.MadeAt), moment(q.Until)
		one := parts.Request{Title: q.Title, Href: requestList + "/" + string(q.ID), State: stateOf(q.State), Who: q.UserName, Reason: q.Reason,
			When: parts.At(made.UnixMicro(), v.Zone()), Note: q.Remark}
		if !until.IsZero() {
			last := parts.Ends(until.UnixMicro(), v.Zone())
			one.Ends = &last
		}
		if q.Object != "" {
			one.Object = &parts.Link{Text: about(&q)}
		}
		out = append(out, one)
	}
	return out
}

func requestFacts(v *visit.Visit, q *requests.Request) []parts.Fact {
	where := "In the screens"
	if q.Channel == "api" {
		where = "In the API"
	}
	facts := []parts.Fact{{Term: "Who", Value: parts.Words(q.UserName)}, {Term: "Asks for", Value: parts.Words(q.Title), Note: q.Operation}, {Term: "Where", Value: parts.Words(where)},
		{Term: "On", Value: wordsOrDash(about(q))}, {Term: "Because", Value: parts.Words(q.Reason)}, {Term: "Until", Value: ends(v, q.Until)},
		{Term: "Asked", Value: when(v, q.MadeAt)}, {Term: "Refused then by", Value: parts.Words(layerName(q.Layer))}}
	if q.DeciderName != "" {
		facts = append(facts, parts.Fact{Term: "Decided by", Value: parts.Words(q.DeciderName)}, parts.Fact{Term: "Decided", Value: when(v, q.DecidedAt)})
	}
	if q.Remark != "" {
		facts = append(facts, parts.Fact{Term: "Remark", Value: parts.Words(q.Remark)})
	}
	return facts
}

func wordsOrDash(text string) templ.Component {
	if text == "" {
		return nil
	}
	return parts.Words(text)
}

// dateOf is the last day of an end, as a date field holds it.
func dateOf(v *visit.Visit, until string) string {
	at := moment(until)
	if at.IsZero() {
		return ""
	}
	return at.Add(-time.Second).In(v.Zone()).Format("2006-01-02")
}

// about names what a request is about: a loan by its number, where that is known.
func about(q *requests.Request) string {
	if q.Number != "" {
		return "loan " + q.Number
	}
	return strings.Replace(q.Object, "/", " ", 1)
}
