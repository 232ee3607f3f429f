package roles

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// channel is one of the two trees.
type channel struct {
	held, was []string
	give      func(operation string) bool // may the person give it?
	keep      []string                    // what this role must keep here
}

// plant makes both trees of a page, with what was typed if the form came back
// or goes on.
func (r *Room) plant(v *visit.Visit, p *gate.Page, f *facts, form url.Values) {
	if s := v.Form(); form == nil && s.Get("_form") == "role" {
		form = s
	}
	if form != nil {
		f.draft = typed(form)
	}
	give := func(string) bool { return false }
	if s := p.Call().Subject(); s != nil {
		give = s.MayGive
	}
	var keep []string
	if role := p.Call().Policy.Role(f.held.ID); role != nil && role.Shipped == policy.Admin {
		keep = roles.Essential()
	}
	f.screens = screenTree(r.catalogue(), channel{f.draft.UI, f.held.UI, give, keep})
	f.api = apiTree(r.catalogue(), channel{f.draft.API, f.held.API, give, nil})
}

// typed takes a content out of a form.
func typed(form url.Values) roles.Content {
	return roles.Content{Name: form.Get("name"), Description: form.Get("description"), UI: form["ui"], API: form["api"],
		Visibility: &roles.Visibility{SSN: form.Get("visibility.ssn"), BankAccount: form.Get("visibility.bank_account"), DateOfBirth: form.Get("visibility.date_of_birth")}}
}

// screenTree puts what a role can give on the screens under its area and its
// place, down to single buttons.
func screenTree(list []*gate.Meta, c channel) []parts.Permission {
	var top []parts.Permission
	for _, m := range list {
		if m.Permit == gate.ByRole && m.Screen != "" {
			leaf := c.leaf(m)
			top = plant(top, append([]string{m.Area}, strings.Split(m.Screen, "/")...), leaf)
		}
	}
	return grown(top, byTitle)
}

// apiTree puts what a role can give in the API under its area and its path, an
// endpoint and a method a leaf.
func apiTree(list []*gate.Meta, c channel) []parts.Permission {
	var top []parts.Permission
	for _, m := range list {
		if m.Permit == gate.ByRole && m.Path != "" {
			leaf := c.leaf(m)
			leaf.Endpoint = m.Method + " " + m.Path
			first, _, _ := strings.Cut(strings.TrimPrefix(m.Path, "/"), "/")
			top = plant(top, []string{m.Area, "/" + first}, leaf)
		}
	}
	return grown(top, byEndpoint)
}

func (c channel) leaf(m *gate.Meta) parts.Permission {
	b := parts.PermissionBox{Held: slices.Contains(c.held, m.Name), Was: slices.Contains(c.was, m.Name)}
	switch {
	case !b.Was && !c.give(m.Name):
		b.Locked, b.Held = "Not yours to give", false
	case b.Was && slices.Contains(c.keep, m.Name):
		b.Locked, b.Held = "Administering needs it", true
	}
	return parts.Permission{Title: m.Title, Name: m.Name, Writes: m.Kind == operation.Write, Sensitivity: grave(m.Sensitivity), Boxes: []parts.PermissionBox{b}}
}

func grave(s operation.Sensitivity) parts.Badge {
	switch s {
	case operation.Personal:
		return parts.Badge{Meaning: parts.Warn, Word: "personal data"}
	case operation.Money:
		return parts.Badge{Meaning: parts.Warn, Word: "money"}
	case operation.Security:
		return parts.Badge{Meaning: parts.Danger, Word: "security"}
	}
	return parts.Badge{}
}

// plant puts a leaf below the branches that its place names.
func plant(nodes []parts.Permission, place []string, leaf parts.Permission) []parts.Permission {
	if len(place) == 0 {
		return append(nodes, leaf)
	}
	at := slices.IndexFunc(nodes, func(n parts.Permission) bool { return n.Name == "" && n.Title == place[0] })
	if at < 0 {
		at = len(nodes)
		nodes = append(nodes, parts.Permission{Title: place[0]})
	}
	nodes[at].Children = plant(nodes[at].Children, place[1:], leaf)
	return nodes
}

func byTitle(a, b parts.Permission) int {
	return cmp.Or(cmp.Compare(a.Title, b.Title), cmp.Compare(a.Name, b.Name))
}

func byEndpoint(a, b parts.Permission) int {
	path := func(n parts.Permission) string { _, p, _ := strings.Cut(n.Endpoint, " "); return p }
	return cmp.Or(cmp.Compare(path(a), path(b)), cmp.Compare(a.Endpoint, b.Endpoint), byTitle(a, b))
}

// grown sorts a tree and unfolds the branches of which some is held.
func grown(nodes []parts.Permission, order func(a, b parts.Permission) int) []parts.Permission {
	for i := range nodes {
		if n := &nodes[i]; n.Name == "" {
			n.Children = grown(n.Children, order)
			some, all := share(n.Children)
			n.Open = some && !all
		}
	}
	slices.SortStableFunc(nodes, order)
	return nodes
}

// share reports whether some and whether all of what stands in a tree is held.
func share(nodes []parts.Permission) (some, all bool) {
	all = true
	for _, n := range nodes {
		if n.Name != "" {
			some, all = some || n.Boxes[0].Held, all && n.Boxes[0].Held
			continue
		}
		s, a := share(n.Children)
		some, all = some || s, all && a
	}
	return some, all
}

// fixed is a tree to be read and not changed.
func fixed(nodes []parts.Permission) []parts.Node {
	out := make([]parts.Node, len(nodes))
	for i, n := range nodes {
		out[i] = parts.Node{Label: n.Title, Open: n.Open}
		if n.Name != "" {
			out[i].Detail = cmp.Or(n.Endpoint, n.Name)
			if n.Boxes[0].Was {
				out[i].Passing = parts.Passed
			}
			continue
		}
		some, all := share(n.Children)
		if out[i].Some = some && !all; all {
			out[i].Passing = parts.Passed
		}
		out[i].Children = fixed(n.Children)
	}
	return out
}
