// Package inquiry is the room of questions about access: why a call is denied,
// what a change would do, what another person sees, asking for a right, and what
// oneself may do.
//
// Invariants. The room decides nothing and changes no right: it shows answers of
// the desk of inquiry and leads to the page where the change is made. A question
// stands in the address, so that an answer can be linked to. What a person may
// not ask has no page for them; asking for a right and seeing one's own access are
// everybody's.
package inquiry

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/platform/internal/admin/inquiry"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/admin/rehearsal"
	"github.com/lendkeep/lendkeep/platform/internal/admin/requests"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/admin/vantage"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Config is what the room is made of.
type Config struct {
	Inquiry   *inquiry.Desk
	Requests  *requests.Desk
	Vantage   *vantage.Desk
	Rehearsal *rehearsal.Desk
	People    *people.Desk
	Roles     *roles.Desk
	Catalogue func() []*gate.Meta // the gate's list
}

// Room is the pages of inquiry.
type Room struct{ Config }

// New makes the room.
func New(c Config) *Room { return &Room{c} }

// The pages.
const (
	settings    = "/settings"
	explain     = "/settings/explain"
	simulate    = "/settings/simulate"
	viewAs      = "/settings/view-as"
	viewPost    = "/view-as"
	request     = "/access/request"
	requestList = "/access/requests"
	lendLoan    = "/access/lent-loans"
	myAccess    = "/my-access"
)

// Routes registers the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	show := func(path string, s func(v *visit.Visit) visit.Screen) {
		m.Get(path, func(v *visit.Visit) { v.Show(s(v)) })
	}
	show(explain, r.explain)
	show(simulate, r.simulate)
	show(viewAs, r.eyes)
	m.Post(viewPost, r.beginView)
	m.Post(viewPost+"/end", r.endView)
	show(request, r.ask)
	m.Post(request, r.send)
	show(requestList, r.requests)
	show(requestList+"/{id}", r.one)
	show(lendLoan, r.lend)
	m.Post(lendLoan+"/{id}", r.lendIt)
	m.Post(lendLoan+"/{id}/{loan}/end", r.endLent)
	m.Post(requestList+"/{id}/grant", r.grant)
	m.Post(requestList+"/{id}/refuse", r.refuse)
	m.Post(requestList+"/{id}/withdraw", r.withdraw)
	show(myAccess, r.mine)
}

// view makes a page of the settings: under the tabs.
func view(p *gate.Page, v *visit.Visit, title string, body templ.Component, actions ...parts.Button) visit.View {
	return visit.View{Page: parts.Page{Title: title, Crumbs: []parts.Link{{Text: "Settings", Href: settings}}, Tabs: visit.SettingsTabs(p.Can, v.R.URL.Path), Actions: actions}, Body: body}
}

// staff lists the people whom the person may list.
func (r *Room) staff(ctx context.Context, p *gate.Page) ([]people.User, error) {
	if !p.Can(r.People.UserList.Name, "") {
		return nil, nil
	}
	out, err := gate.Look(ctx, p, r.People.UserList, &people.Nothing{})
	if err != nil {
		return nil, err
	}
	return out.Items, nil
}

// operations are what can be asked about.
func (r *Room) operations() []parts.Option {
	out := []parts.Option{}
	for _, m := range r.Catalogue() {
		if m.Permit == gate.ByRole {
			out = append(out, parts.Option{Value: m.Name, Label: m.Area + ": " + m.Title + " (" + m.Name + ")"})
		}
	}
	slices.SortFunc(out, func(a, b parts.Option) int { return strings.Compare(a.Label, b.Label) })
	return append([]parts.Option{{Value: "", Label: "Choose an operation"}}, out...)
}

// layerName gives a layer's word as it begins a line.
func layerName(layer string) string {
	switch layer {
	case "address":
		return "Addresses"
	case "factor":
		return "Password and second factor"
	case "grant":
		return "Lent rights"
	case "key":
		return "API key’s scope"
	case "step_up":
		return "Fresh proof"
	case "four_eyes":
		return "Four eyes"
	case "row":
		return "Search restrictions"
	case "":
		return "Layer"
	}
	return strings.ToUpper(layer[:1]) + strings.ReplaceAll(layer[1:], "_", " ")
}

// placeOf is the page on which a change is made.
func placeOf(c *inquiry.Change) string {
	noun, _, _ := strings.Cut(c.Operation, ".")
	ref := ""
	if list := strings.Split(c.Path, "/"); len(list) > 2 {
		ref = list[2]
	}
	pages := map[string]string{"role": "/settings/roles/", "user": "/settings/users/", "search_restriction": "/settings/search-restrictions/",
		"ip_rule": "/settings/address-rules/", "api_key": "/settings/users/", "factor_exception": "/settings/users/"}
	switch in, _ := c.Input.(map[string]any); {
	case c.By == inquiry.ByPerson:
		return "" // a page that only the person can use
	case c.Operation == "ip_rule.create":
		return "/settings/address-rules/new"
	case c.Operation == "lent_loan.grant":
		loan, _ := in["loan"].(string)
		until, _ := in["until"].(string)
		return lendLoan + "?" + url.Values{"user": {ref}, "loan": {loan}, "until": {until}}.Encode()
	}
	if pages[noun] == "" || ref == "" || strings.HasPrefix(ref, "ak_") {
		return ""
	}
	return pages[noun] + ref
}
