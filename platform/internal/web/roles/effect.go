package roles

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/meanwhile"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// shownLines is how many lines of a replay the panel beside the editor shows.
const shownLines = 6

// impact answers the panel beside the editor, as the boxes are ticked.
func (r *Room) impact(v *visit.Visit) {
	visit.Tell(v, r.desk.Impact, func(out *roles.ImpactOut, err error) any {
		if err != nil {
			return parts.Counted{Headline: "Nothing is told until this is mended.", Meaning: "warn", Notes: mends(err)}
		}
		return counted(out)
	})
}

func mends(err error) []string {
	f := fault.As(err)
	if len(f.Fields) == 0 {
		return []string{f.Message}
	}
	var out []string
	for _, line := range f.Fields {
		out = append(out, line.Path+": "+line.Mend)
	}
	return out
}

// counted words an impact for the panel.
func counted(out *roles.ImpactOut) parts.Counted {
	c := parts.Counted{Headline: headline(out), Meaning: "neutral"}
	switch {
	case out.WouldBeLost:
		c.Meaning = "danger"
		c.Notes = append(c.Notes, "This would leave nobody who can administer access, so it cannot be saved.")
	case out.Replay.Denied > 0:
		c.Meaning = "warn"
	case changed(out):
		c.Meaning = "ok"
	}
	c.Notes = append(c.Notes, sentences(out)...)
	for _, l := range out.Replay.Lines[:min(len(out.Replay.Lines), shownLines)] {
		c.Rows = append(c.Rows, []string{l.Title + " (" + channelWord(l.Channel) + "), " + l.Name, parts.Count(int(l.Calls)), verdictWord(l.Verdict)})
	}
	if len(c.Rows) > 0 {
		c.Columns = []string{"Call", "Calls", "Would be"}
	}
	return c
}

func changed(out *roles.ImpactOut) bool {
	return len(out.UI.Gains)+len(out.UI.Loses)+len(out.API.Gains)+len(out.API.Loses)+len(out.Visibility) > 0
}

// headline is the sum of an impact: "Gains: 0. Loses: 2 people, 12 calls in 30 days."
func headline(out *roles.ImpactOut) string {
	if !changed(out) {
		return "No changes yet."
	}
	loses := people(out.PeopleLose)
	if n := out.Replay.Denied; n > 0 {
		loses += ", " + parts.Count(int(n)) + plural(int(n), " call", " calls") + " in 30 days"
	}
	return "Gains: " + people(out.PeopleGain) + ". Loses: " + loses + "."
}

func people(n int) string { return parts.Count(n) + plural(n, " holder", " holders") }

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func sentences(out *roles.ImpactOut) []string {
	var list []string
	for _, t := range []struct {
		words string
		names []string
	}{{"Gains on the screens: ", out.UI.Gains}, {"Loses on the screens: ", out.UI.Loses}, {"Gains in the API: ", out.API.Gains}, {"Loses in the API: ", out.API.Loses}} {
		if n := len(t.names); n > 0 {
			list = append(list, t.words+some(t.names, 8)+".")
		}
	}
	for _, d := range out.Visibility {
		list = append(list, fieldWord(d.Field)+": "+ceiling(d.Before)+" becomes "+lower(ceiling(d.After))+".")
	}
	if n := int(out.Replay.Denied); n > 0 {
		list = append(list, parts.Count(n)+plural(n, " call that was allowed would be denied.", " calls that were allowed would be denied."))
	}
	if n := int(out.Replay.Allowed); n > 0 {
		list = append(list, parts.Count(n)+plural(n, " call that was refused would be permitted by the role.", " calls that were refused would be permitted by the role."))
	}
	return list
}

func some(names []string, most int) string {
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

func channelWord(c string) string {
	if c == "api" {
		return "API"
	}
	return "screens"
}

func verdictWord(v string) string {
	if v == "denied" {
		return "✗ denied"
	}
	return "✓ allowed"
}

// effect shows the whole effect on a page of its own, with what was typed ready
// to be saved, looked through, or typed on.
func (r *Room) effect(v *visit.Visit) {
	visit.Act(v, r.desk.Impact, func(out *roles.ImpactOut) visit.Answer {
		form := kept(v.Form())
		return visit.Render(func(_ context.Context, p *gate.Page) (visit.View, error) {
			ref := "role/" + string(out.Role.ID)
			e := effect{out: out, titles: r.titles(), form: form, save: p.Can(r.desk.Update.Name, ref) && p.Who().Role != out.Role.ID, viewAs: p.Can(beginView, ref), trail: p.Can(listTrail, "")}
			view := under("What the change would do", effectPage(v, &e))
			view.Page.Crumbs = append(view.Page.Crumbs, parts.Link{Text: out.Role.Name, Href: home + "/" + string(out.Role.ID)})
			return view, nil
		})
	}, r.one(v, nil))
}

// edit goes on with what was typed.
func (r *Room) edit(v *visit.Visit) {
	visit.Act(v, r.desk.Impact, func(*roles.ImpactOut) visit.Answer {
		return visit.Render(r.one(v, kept(v.Form())))
	}, r.one(v, nil))
}

// kept is what was typed, without the front's own fields.
func kept(form url.Values) url.Values {
	out := url.Values{}
	for name, values := range form {
		if name == meanwhile.Field || !strings.HasPrefix(name, "_") {
			out[name] = slices.Clone(values)
		}
	}
	return out
}

// effect is the page of a change that is not saved.
type effect struct {
	out                 *roles.ImpactOut
	titles              titles
	form                url.Values
	save, viewAs, trail bool
}

// titles are the words of operations.
type titles map[string]string

func (r *Room) titles() titles {
	out := titles{}
	for _, m := range r.catalogue() {
		out[m.Name] = m.Title
	}
	return out
}

// of names operations for people, and by name.
func (t titles) of(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = t[name] + " · " + name
	}
	return out
}

func (e *effect) path() string { return home + "/" + string(e.out.Role.ID) }

// hidden carries what was typed, in order.
func (e *effect) hidden() []parts.Hidden {
	out := []parts.Hidden{{Name: "_form", Value: "role"}}
	names := make([]string, 0, len(e.form))
	for name := range e.form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range e.form[name] {
			out = append(out, parts.Hidden{Name: name, Value: value})
		}
	}
	return out
}

// draft is the role as it would be, for looking through it.
func (e *effect) draft() []parts.Hidden {
	b, err := json.Marshal(typed(e.form))
	if err != nil {
		return nil // lists of strings always marshal
	}
	return []parts.Hidden{{Name: "draft", Value: string(b)}}
}

func (e *effect) lists() []parts.ListChange {
	var out []parts.ListChange
	for _, t := range []struct {
		field string
		turn  roles.Turn
	}{{"Screens", e.out.UI}, {"API", e.out.API}} {
		if len(t.turn.Gains)+len(t.turn.Loses) > 0 {
			out = append(out, parts.ListChange{Field: t.field, Added: e.titles.of(t.turn.Gains), Removed: e.titles.of(t.turn.Loses)})
		}
	}
	return out
}

func (e *effect) visibility() []parts.DiffRow { return visibilityRows(e.out.Visibility) }

func visibilityRows(list []roles.Differs) []parts.DiffRow {
	var out []parts.DiffRow
	for _, d := range list {
		out = append(out, parts.DiffRow{Field: fieldWord(d.Field), Before: ceiling(d.Before), After: ceiling(d.After)})
	}
	return out
}

func (e *effect) people(v *visit.Visit) parts.Table {
	t := parts.Table{ID: "people", Caption: "Holders of the role", Columns: []parts.Column{{Head: "Holder"}, {Head: "Screens"}, {Head: "API"}, {Head: "Calls denied", Align: parts.Right}, {Head: "Calls allowed", Align: parts.Right}},
		Empty: parts.Empty{Title: "Nobody holds this role", Text: "So nobody gains or loses anything."}}
	for _, p := range e.out.People {
		name := parts.Words(p.Name)
		switch {
		case !p.Active:
			name = parts.Two(p.Name, "Off: may do nothing now")
		case p.Machine:
			name = parts.Two(p.Name, "Program")
		}
		api := parts.PermissionSum(p.APIGain, p.APILose)
		if p.Keys == 0 {
			api = "No live key"
		}
		screens := parts.PermissionSum(p.ScreensGain, p.ScreensLose)
		if p.Machine {
			screens = "No sign-in"
		}
		t.Rows = append(t.Rows, parts.Row{Quiet: !p.Active, Cells: []templComponent{name, parts.Words(quietly(screens)), parts.Words(quietly(api)), parts.Figures(parts.Count(int(p.Denied))), parts.Figures(parts.Count(int(p.Allowed)))}})
	}
	return t
}

func quietly(sum string) string {
	if sum == parts.PermissionSum(0, 0) {
		return "Nothing changes"
	}
	return sum
}

func (e *effect) calls(v *visit.Visit) parts.Table {
	r := e.out.Replay
	t := parts.Table{ID: "calls", Caption: "Recorded calls that would be decided otherwise", Columns: []parts.Column{{Head: "Call"}, {Head: "By"}, {Head: "Channel", Narrow: true}, {Head: "Would be", Narrow: true}, {Head: "Calls", Align: parts.Right}, {Head: "Newest"}},
		Empty: parts.Empty{Title: "No call would be decided otherwise", Text: "The role was asked for " + parts.Count(int(r.Decisions)) + " decisions since " + moment(v, r.Since).Text + "."}}
	for _, l := range r.Lines {
		verdict := parts.Badge{Meaning: parts.OK, Word: "Allowed"}
		if l.Verdict == "denied" {
			verdict = parts.Badge{Meaning: parts.Danger, Word: "Denied"}
		}
		call := parts.Two(l.Title, l.Operation)
		if l.Already {
			call = parts.Two(l.Title, "So it is with the role as it is now")
		}
		newest := parts.Time(moment(v, l.Newest))
		if e.trail && l.Entry != "" {
			newest = parts.Anchor(parts.Link{Text: moment(v, l.Newest).Text, Href: "/audit/" + string(l.Entry)})
		}
		t.Rows = append(t.Rows, parts.Row{Cells: []templComponent{call, parts.Words(l.Name), parts.Words(channelWord(l.Channel)), parts.Verdict(verdict), parts.Figures(parts.Count(int(l.Calls))), parts.TwoOf(newest, l.Object)}})
	}
	return t
}
