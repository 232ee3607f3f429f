// Package approvals is the room of four eyes: the inbox for both sides, one
// proposal with its difference, which operations ask for a second person, and
// the rights that are lent at the moment.
//
// Invariants. Nothing is approved from a list: whoever decides has the whole
// difference before them. What may not be done has no button, and the page says
// why. Switching off the second person is itself proposed, never done. The room
// knows the desk of four eyes and no other; what a proposal would do it takes
// from the proposal.
package approvals

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin/approval"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Room is the pages of four eyes.
type Room struct {
	desk      *approval.Desk
	catalogue func() []*gate.Meta
}

// New makes the room; catalogue gives the gate's list, for the words of
// operations.
func New(d *approval.Desk, catalogue func() []*gate.Meta) *Room { return &Room{d, catalogue} }

// The pages.
const (
	home     = "/approvals"
	pairs    = "/settings/four-eyes"
	lent     = "/settings/lent-rights"
	requests = "/access/requests" // the room of inquiry answers it
)

// Routes registers the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	m.Get(home, func(v *visit.Visit) { v.Show(r.inbox(v)) })
	m.Get(home+"/{id}", func(v *visit.Visit) { v.Show(r.one(v)) })
	m.Post(home+"/{id}/approve", r.approve)
	m.Post(home+"/{id}/reject", r.reject)
	m.Post(home+"/{id}/withdraw", r.withdraw)
	m.Get(pairs, func(v *visit.Visit) { v.Show(r.pairList(v)) })
	m.Post(pairs+"/demand", r.demand)
	m.Post(pairs+"/waive", r.waive)
	m.Get(lent, func(v *visit.Visit) { v.Show(r.grantList(v)) })
	m.Post(lent+"/{id}/end", r.endGrant)
}

// box is the inbox as it is shown: what is open, or what is decided.
type box struct {
	decided        bool
	titles         map[string]string // of operations
	toDecide, mine []approval.Proposal
	done           []approval.Proposal
}

func (r *Room) inbox(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.List)
		if err != nil {
			return visit.View{}, err
		}
		b := box{decided: v.R.URL.Query().Get("state") == "all", titles: r.titles()}
		for _, one := range out.Items {
			switch {
			case one.State != "open":
				b.done = append(b.done, one)
			case one.Mine:
				b.mine = append(b.mine, one)
			default:
				b.toDecide = append(b.toDecide, one)
			}
		}
		tabs := []parts.Tab{{Label: "Open", Href: home, Current: !b.decided, Count: len(b.toDecide)}, {Label: "Decided", Href: home + "?state=all", Current: b.decided}}
		if p.Can("access_request.list", "") {
			tabs = append(tabs, parts.Tab{Label: "Access requests", Href: requests})
		}
		return visit.View{Page: parts.Page{Title: "Approvals", Tabs: tabs}, Body: inboxPage(v, b)}, nil
	}
}

// setting makes a page of the settings, under their tabs.
func setting(v *visit.Visit, p *gate.Page, title string, body templ.Component) visit.View {
	return visit.View{Page: parts.Page{Title: title, Crumbs: []parts.Link{{Text: "Settings", Href: "/settings"}}, Tabs: visit.SettingsTabs(p.Can, v.R.URL.Path)}, Body: body}
}

func (r *Room) pairList(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.Pairs)
		if err != nil {
			return visit.View{}, err
		}
		slices.SortStableFunc(out.Items, func(a, b approval.Pair) int { return strings.Compare(a.Area+"\x00"+a.Title, b.Area+"\x00"+b.Title) })
		return setting(v, p, "Four eyes", pairPage(v, out, p.Can(r.desk.Demand.Name, ""), p.Can(r.desk.Waive.Name, ""))), nil
	}
}

func (r *Room) demand(v *visit.Visit) {
	visit.Act(v, r.desk.Demand, func(*approval.PairsOut) visit.Answer {
		return visit.Go(pairs, "From now on a second person must approve it.")
	}, r.pairList(v))
}

func (r *Room) waive(v *visit.Visit) {
	visit.Act(v, r.desk.Waive, func(*approval.PairsOut) visit.Answer {
		return visit.Go(pairs, "Nobody asks for a second person any more.")
	}, r.pairList(v))
}

func (r *Room) grantList(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.Grants)
		if err != nil {
			return visit.View{}, err
		}
		return setting(v, p, "Lent rights", grantPage(v, out, r.titles(), p.Can(r.desk.EndGrant.Name, ""))), nil
	}
}

func (r *Room) endGrant(v *visit.Visit) {
	visit.Act(v, r.desk.EndGrant, func(*approval.Done) visit.Answer {
		return visit.Go(lent, "The lent right has ended.")
	}, r.grantList(v))
}

// titles are the operations in words.
func (r *Room) titles() map[string]string {
	out := map[string]string{}
	for _, m := range r.catalogue() {
		out[m.Name] = m.Title
	}
	return out
}

// moment shows an instant that the desk gave as text.
func moment(v *visit.Visit, text string) parts.Moment {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return parts.Moment{}
	}
	return parts.At(t.UnixMicro(), v.Zone())
}

// thing says what a proposal or a grant is about, and leads to its page.
func thing(ref string) *parts.Link {
	noun, oid, named := strings.Cut(ref, "/")
	if ref == "" {
		return nil
	}
	pages := map[string]string{"loan": "/loans/", "borrower": "/borrowers/", "application": "/applications/", "user": "/settings/users/", "role": "/settings/roles/",
		"search_restriction": "/settings/search-restrictions/", "ip_rule": "/settings/address-rules/"}
	words := strings.NewReplacer("_", " ", "-", " ").Replace(noun)
	switch {
	case !named || oid == "":
		return &parts.Link{Text: words}
	case ref == "settings/four-eyes":
		return &parts.Link{Text: "settings of four eyes", Href: pairs}
	case pages[noun] != "":
		return &parts.Link{Text: words + " " + oid, Href: pages[noun] + url.PathEscape(oid)}
	}
	return &parts.Link{Text: words + " " + oid}
}

// known is thing with the number of a loan that the person sees.
func known(p *approval.Proposal) *parts.Link {
	l := thing(p.Object)
	if l != nil && p.Number != "" {
		l.Text = "loan " + p.Number
	}
	return l
}

// about is known without its link.
func about(p *approval.Proposal) string {
	if l := known(p); l != nil {
		return l.Text
	}
	return "something new"
}

// thingWords is thing without its link.
func thingWords(ref string) string { return about(&approval.Proposal{Object: ref}) }

func pageOf(pid id.Proposal) string { return home + "/" + url.PathEscape(string(pid)) }

func state(word string) parts.Badge {
	switch word {
	case "open":
		return parts.Badge{Meaning: parts.Warn, Word: "Waiting"}
	case "approved":
		return parts.Badge{Meaning: parts.OK, Word: "Approved"}
	case "rejected":
		return parts.Badge{Meaning: parts.Danger, Word: "Rejected"}
	case "withdrawn":
		return parts.Badge{Word: "Withdrawn"}
	case "expired":
		return parts.Badge{Word: "Waited too long"}
	}
	return parts.Badge{Meaning: parts.Unknown, Word: word}
}
