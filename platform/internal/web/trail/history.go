package trail

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/records"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

const historyPath = home + "/of/"

// HistoryTab leads from an object's page to its history, for whoever may look through
// the trail; one to be put behind the tab of the page itself.
func HistoryTab(p *gate.Page, ref, label string) []parts.Tab {
	if !p.Can("audit.list", "") {
		return nil
	}
	return historyTabs(ref, label, false)
}

func historyTabs(ref, label string, there bool) []parts.Tab {
	out := []parts.Tab{{Label: label, Href: pageOf(ref), Current: !there}, {Label: "History", Href: historyPath + ref, Current: there}}
	if strings.HasPrefix(ref, "user/") {
		out = append(out, parts.Tab{Label: "What they did", Href: home + "?actor=" + url.QueryEscape(ref)})
	}
	return out
}

// history is the timeline of one object.
func (r *Room) history(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		ref := v.R.PathValue("noun") + "/" + v.R.PathValue("object")
		out, err := visit.Look(ctx, v, p, r.desk.AuditList, func(in *records.AuditListIn) {
			*in = records.AuditListIn{Narrow: records.Narrow{Object: ref}, Cursor: in.Cursor, Limit: in.Limit}
		})
		if err != nil {
			return visit.View{}, err
		}
		titles, _ := r.operations()
		h := &historyView{ref: ref, events: Events(out.Items, titles, v.Zone())}
		at, _ := strconv.Atoi(v.R.URL.Query().Get(atName))
		if at = max(at, 0); len(out.Items) > 0 {
			h.pager = parts.Pager{From: at + 1, To: at + len(out.Items), Total: int(out.Total), AtLeast: out.TotalIs == "at_least"}
		}
		if out.Next != "" {
			h.pager.Next = historyPath + ref + "?" + url.Values{"cursor": {out.Next}, atName: {strconv.Itoa(at + len(out.Items))}}.Encode()
		}
		if at > 0 {
			h.pager.Previous = historyPath + ref
		}
		page := parts.Page{Title: "History of " + noun(ref), Subtitle: ref, Crumbs: []parts.Link{{Text: "Audit", Href: home}}}
		if tabs := r.pages[v.R.PathValue("noun")]; tabs != nil {
			page.Tabs = tabs(p, v.R.PathValue("object"))
		} else if pageOf(ref) != "" {
			page.Tabs = historyTabs(ref, noun(ref), true)
		}
		return visit.View{Page: page, Body: historyPage(h)}, nil
	}
}

// historyView is a page of an object's timeline.
type historyView struct {
	ref    string
	events []parts.Event
	pager  parts.Pager
}

// noun is the word for what a reference names: "loan", "address rule".
func noun(ref string) string {
	word, _, _ := strings.Cut(ref, "/")
	return sentence(strings.ReplaceAll(word, "ip_rule", "address_rule"))
}

// Events are entries as a timeline. Looks at one thing by one person after each other
// stand as one line, so that what was done is not lost among them.
func Events(items []records.Entry, titles map[string]string, zone *time.Location) []parts.Event {
	title := func(name string) string {
		if t := titles[name]; t != "" {
			return t
		}
		return name
	}
	var out []parts.Event
	times := 1
	for i, e := range items {
		ev := event(e, title, zone)
		if i > 0 && again(items[i-1], e) {
			times++
			out[len(out)-1].Detail = parts.Count(times) + " times since " + ev.At.Text
			continue
		}
		times = 1
		out = append(out, ev)
	}
	return out
}

// again reports whether an entry is but one more look of the same kind.
func again(newer, older records.Entry) bool {
	look := func(e records.Entry) bool { return e.Outcome == "allowed" && len(e.After) == 0 && e.Given == "" }
	return look(newer) && look(older) && newer.Actor == older.Actor && newer.Operation == older.Operation &&
		newer.Channel == older.Channel && newer.Address == older.Address && slices.Equal(newer.Operations, older.Operations)
}

func event(e records.Entry, title func(string) string, zone *time.Location) parts.Event {
	what := title(e.Operation)
	for _, also := range e.Operations {
		if also != e.Operation {
			what += ", " + strings.ToLower(title(also))
		}
	}
	given := ""
	if e.Given != "" {
		given = "“" + e.Given + "”"
	}
	ev := parts.Event{At: parts.At(e.At, zone), Who: joined(e.ActorName, channel(e.Channel), e.Address), What: what, Href: home + "/" + string(e.ID),
		Detail: joined(changes(e), given)}
	switch {
	case e.Outcome == "denied":
		ev.Meaning, ev.What, ev.Detail = parts.Danger, what+": denied", joined(sentence(e.Reason), ev.Detail)
	case e.Outcome == "failed":
		ev.Meaning, ev.What, ev.Detail = parts.Warn, what+": failed", joined(sentence(e.Reason), ev.Detail)
	case len(e.After) > 0:
		ev.Meaning = parts.OK
	}
	return ev
}

// changes says what an entry changed, field by field.
func changes(e records.Entry) string {
	fields := make([]string, 0, len(e.After))
	for f := range e.After {
		if f != "entry" && f != "reverses" && f != "loan" { // ids; the entry's own page has them
			fields = append(fields, f)
		}
	}
	slices.Sort(fields)
	var out []string
	for _, f := range fields {
		before, after, word := e.Before[f], e.After[f], sentence(strings.TrimPrefix(f, "custom."))
		switch {
		case before == "" || before == after: // sealed values look alike
			out = append(out, word+" "+after)
		case after == "":
			out = append(out, word+" "+before+" removed")
		default:
			out = append(out, word+" "+before+" → "+after)
		}
	}
	return strings.Join(out, ", ")
}

// sentence makes a name of the desks a text: "first_due" is "First due".
func sentence(name string) string {
	name = strings.ReplaceAll(name, "_", " ")
	first, n := utf8.DecodeRuneInString(name)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + name[n:]
}

// joined puts what is there between dots.
func joined(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(t string) bool { return t == "" }), " · ")
}
