package settings

import (
	"context"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

func (r *Room) roleList(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.roles.List)
		if err != nil {
			return visit.View{}, err
		}
		return view(p, v, "Roles", roleTable(out)), nil
	}
}

func (r *Room) rolePage(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.roles.View)
		if err != nil {
			return visit.View{}, err
		}
		list := r.catalogue()
		page := under(parts.Link{Text: "Roles", Href: roles}, out.Name, rolePage(out, screenTree(list, out.UI), apiTree(list, out.API)))
		page.Page.Subtitle = out.Description
		return page, nil
	}
}

// screenTree puts the operations that a role can hold in the screens under
// their area and place.
func screenTree(list []*gate.Meta, held []string) []parts.Node {
	var top []parts.Node
	for _, m := range list {
		if m.Permit == gate.ByRole && m.Screen != "" {
			top = plant(top, append([]string{m.Area}, strings.Split(m.Screen, "/")...), leaf(m.Title, m.Name, slices.Contains(held, m.Name)))
		}
	}
	return grown(top)
}

// apiTree puts them under their area, as routes.
func apiTree(list []*gate.Meta, held []string) []parts.Node {
	var top []parts.Node
	for _, m := range list {
		if m.Permit == gate.ByRole && m.Path != "" {
			top = plant(top, []string{m.Area}, leaf(m.Method+" "+m.Path, m.Title, slices.Contains(held, m.Name)))
		}
	}
	return grown(top)
}

func leaf(label, detail string, held bool) parts.Node {
	n := parts.Node{Label: label, Detail: detail}
	if held {
		n.Passing = parts.Passed
	}
	return n
}

func plant(nodes []parts.Node, place []string, n parts.Node) []parts.Node {
	if len(place) == 0 {
		return append(nodes, n)
	}
	at := slices.IndexFunc(nodes, func(o parts.Node) bool { return o.Label == place[0] && (o.Children != nil || o.Open) })
	if at < 0 {
		at = len(nodes)
		nodes = append(nodes, parts.Node{Label: place[0], Open: true})
	}
	nodes[at].Children = plant(nodes[at].Children, place[1:], n)
	return nodes
}

// grown sorts the tree and says of each branch whether all, some or none of it
// is held.
func grown(nodes []parts.Node) []parts.Node {
	for i := range nodes {
		n := &nodes[i]
		if n.Children == nil {
			continue
		}
		n.Children = grown(n.Children)
		all, none := true, true
		for _, c := range n.Children {
			all = all && c.Passing == parts.Passed && !c.Some
			none = none && c.Passing != parts.Passed && !c.Some
		}
		n.Some = !all && !none
		if all {
			n.Passing = parts.Passed
		}
		n.Open = !none // what is not held steps back
	}
	slices.SortStableFunc(nodes, func(a, b parts.Node) int { return strings.Compare(a.Label, b.Label) })
	return nodes
}
