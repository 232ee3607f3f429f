package apikeys

import (
	"slices"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/admin/apikeys"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// narrowName is the front's own field: whether the key has a scope.
const narrowName = "_narrow"

// endOf turns a date into the instant at which it is over; anything else stays
// as it is, for the desk to refuse.
func endOf(text string, zone *time.Location) string {
	d, err := civil.Parse(strings.TrimSpace(text))
	if err != nil {
		return text
	}
	y, m, day := d.AddDays(1).YMD()
	return time.Date(y, m, day, 0, 0, 0, 0, zone).UTC().Format(time.RFC3339)
}

// dateOf is the last day before an instant, for the form; empty for never.
func dateOf(v *visit.Visit, text string) string {
	if text == "" {
		return ""
	}
	return parts.At(instant(text)-1, v.Zone()).Text[:10]
}

// instant reads what the desk writes; 0 for never.
func instant(text string) int64 {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0
	}
	return t.UnixMicro()
}

func moment(v *visit.Visit, text string) parts.Moment {
	if text == "" {
		return parts.Moment{}
	}
	return parts.At(instant(text), v.Zone())
}

// day leaves the time of day to the hover.
func day(m parts.Moment) parts.Moment {
	if len(m.Text) > 10 {
		m.Text = m.Text[:10]
	}
	return m
}

func state(k apikeys.Key) parts.Badge {
	switch k.State {
	case "revoked":
		return parts.Badge{Word: "Revoked"}
	case "expired":
		return parts.Badge{Word: "Expired"}
	case "stopped":
		return parts.Badge{Meaning: parts.Warn, Word: "Stopped", Title: "Its user is switched off. It works again when the user is switched on, unless it is revoked."}
	case "replaced":
		return parts.Badge{Meaning: parts.Warn, Word: "Rotated", Title: "Still good until the overlap ends."}
	}
	return parts.Badge{Meaning: parts.OK, Word: "In force"}
}

// lastUse says when and from where a key was used: "Used 3 minutes ago from
// 203.0.113.9".
func lastUse(v *visit.Visit, k apikeys.Key, at int64) string {
	if k.UsedAt == "" {
		return "Never used"
	}
	use := "Used just now"
	if instant(k.UsedAt) <= at-60_000_000 {
		use = "Used " + parts.Ago(instant(k.UsedAt), at, v.Zone()).Text + " ago"
	}
	if k.UsedAddress != "" {
		use += " from " + k.UsedAddress
	}
	return use
}

// scopeWords says in short what a key may do.
func scopeWords(k apikeys.Key) string {
	switch len(k.Scope) {
	case 0:
		return "All that its user may"
	case 1:
		return "1 operation"
	}
	return parts.Count(len(k.Scope)) + " operations"
}

func boundWords(k apikeys.Key) string {
	names := make([]string, len(k.IPRules))
	for i, r := range k.IPRules {
		names[i] = r.Name
	}
	return strings.Join(names, ", ")
}

// filter is what the address of the list of everybody's keys asks for. The desk
// gives all keys, so the room narrows them.
type filter struct {
	q, state string
	found    []apikeys.Key
}

func filterOf(v *visit.Visit, out *apikeys.ListOut) *filter {
	q := v.R.URL.Query()
	f := &filter{q: q.Get("q"), state: q.Get("state")}
	if !q.Has("state") {
		f.state = "live"
	}
	word := strings.ToLower(strings.TrimSpace(f.q))
	for _, k := range out.Items {
		live := k.State != "revoked" && k.State != "expired"
		fits := word == "" || strings.Contains(strings.ToLower(k.Label+" "+k.UserName+" "+k.Begins), word)
		if fits && (f.state == "" || f.state == k.State || f.state == "live" && live) {
			f.found = append(f.found, k)
		}
	}
	return f
}

func (f *filter) bar() parts.FilterBar {
	return parts.FilterBar{Action: all, Search: &parts.Field{Name: "q", Label: "Label, user or beginning", Value: f.q}, Filters: []parts.Filter{
		{Name: "state", Label: "State", Value: f.state, Options: []parts.Option{{Value: "live", Label: "Not ended"}, {Value: "active", Label: "In force"}, {Value: "replaced", Label: "Rotated"},
			{Value: "stopped", Label: "Stopped"}, {Value: "expired", Label: "Expired"}, {Value: "revoked", Label: "Revoked"}, {Value: "", Label: "any"}}},
	}}
}

// tree is what a key can be narrowed to: what the user's role permits in the
// API, and what stands in the scope already.
func (f *facts) tree(s *visit.Sheet) parts.Permissions {
	p := parts.Permissions{ID: "scope", Label: "Operations of this key", Columns: []parts.PermissionColumn{{Name: "scope", Label: "This key"}}}
	for _, m := range f.catalogue {
		held := f.key != nil && slices.Contains(f.key.Scope, m.Name)
		permitted := m.Permit == gate.SignedIn || m.Permit == gate.ByRole && slices.Contains(f.owner.Operations, m.Name)
		if m.Path == "" || !permitted && !held {
			continue
		}
		leaf := parts.Permission{Title: m.Title, Name: m.Name, Endpoint: m.Method + " " + m.Path, Writes: m.Kind == operation.Write,
			Boxes: []parts.PermissionBox{{Held: s.Ticked("scope", m.Name, held), Was: held}}}
		if !permitted && m.Permit == gate.ByRole {
			leaf.Sensitivity = parts.Badge{Meaning: parts.Warn, Word: "Not in the role"}
		}
		at := slices.IndexFunc(p.Nodes, func(n parts.Permission) bool { return n.Title == m.Area })
		if at < 0 {
			at = len(p.Nodes)
			p.Nodes = append(p.Nodes, parts.Permission{Title: m.Area})
		}
		p.Nodes[at].Children = append(p.Nodes[at].Children, leaf)
	}
	slices.SortFunc(p.Nodes, func(a, b parts.Permission) int { return strings.Compare(a.Title, b.Title) })
	return p
}

func (f *facts) narrowed() string {
	if f.key != nil && len(f.key.Scope) > 0 {
		return "yes"
	}
	return "no"
}

func (f *facts) bound(rule string) bool {
	return f.key != nil && slices.ContainsFunc(f.key.IPRules, func(b apikeys.Bound) bool { return string(b.ID) == rule })
}

func siteState(on bool) parts.Badge {
	if on {
		return parts.Badge{Meaning: parts.OK, Word: "In force"}
	}
	return parts.Badge{Word: "Revoked"}
}

func siteVerb(s *apikeys.Site) string {
	if s.Active {
		return "Revoke"
	}
	return "Put in force again"
}
