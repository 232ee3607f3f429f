package engine

import (
	"context"
	"strconv"
	"time"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/provider"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// link is the page of the connection to ipstack.
type link struct {
	*provider.ConnectionOut
	MayChange, MayTest bool
	zone               *time.Location
}

func (r *Room) showConnection(v *visit.Visit) { v.Show(r.connection(v)) }

func (r *Room) connection(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.ConnectionView)
		if err != nil {
			return visit.View{}, err
		}
		l := link{out, p.Can("ipstack.update", "connection/ipstack"), p.Can("ipstack.test", "connection/ipstack"), v.Zone()}
		page := parts.Page{Title: "ipstack", Crumbs: []parts.Link{{Text: "Settings", Href: "/settings"}}, Tabs: visit.SettingsTabs(p.Can, connection), State: l.state()}
		return visit.View{Page: page, Body: connectionPage(v.Sheet("ipstack"), v.Sheet("test"), l)}, nil
	}
}

// state is how the check stands, in a word; nothing but a good test is green.
func (l link) state() *parts.Badge {
	switch {
	case l.Alert != nil:
		return &parts.Badge{Meaning: parts.Danger, Word: "not working"}
	case !l.KeySet:
		return &parts.Badge{Meaning: parts.Unknown, Word: "not set up"}
	case l.LastTest == nil:
		return &parts.Badge{Meaning: parts.Unknown, Word: "not tested"}
	case l.LastTest.OK:
		return &parts.Badge{Meaning: parts.OK, Word: "works"}
	}
	return &parts.Badge{Meaning: parts.Danger, Word: "test failed"}
}

// alert says what has stopped working and until when.
func (l link) alert() string {
	text := l.Alert.Words
	if at := l.when(l.Alert.At); at != "" {
		text += " Since " + at
		if until := l.when(l.Alert.Until); until != "" {
			text += "; nothing is asked until " + until
		}
		text += "."
	}
	return text + " Meanwhile the facts of applications that meet it are unknown, and the rules treat them so."
}

func (l link) when(at string) string {
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return ""
	}
	return parts.At(t.UnixMicro(), l.zone).Text
}

func (l link) tested() parts.Fact {
	f := parts.Fact{Term: "Last test"}
	if l.LastTest == nil {
		f.Value = parts.Verdict(parts.Badge{Meaning: parts.Unknown, Word: "not tested since it was last changed"})
		return f
	}
	b := parts.Badge{Meaning: parts.Danger, Word: l.LastTest.Words}
	if l.LastTest.OK {
		b.Meaning = parts.OK
	}
	f.Value, f.Note = parts.Verdict(b), l.when(l.LastTest.At)
	return f
}

func (l link) facts() []parts.Fact {
	key := parts.Fact{Term: "Key", Value: parts.Words("stored; it is never shown")}
	if !l.KeySet {
		key.Value = parts.Verdict(parts.Badge{Meaning: parts.Unknown, Word: "none yet"})
	}
	use := parts.Fact{Term: "Use in decisions", Value: parts.Words("not confirmed: its facts are shown and can ask for a review, but reject nobody")}
	if l.UseConfirmed {
		use.Value, use.Note = parts.Words("confirmed by "+l.ConfirmedBy), l.when(l.ConfirmedAt)
	}
	return []parts.Fact{key, use, l.tested()}
}

func (l link) timeout() string { return strconv.FormatInt(l.TimeoutMS, 10) }

func (r *Room) setConnection(v *visit.Visit) {
	visit.Act(v, r.desk.ConnectionSet, func(out *provider.ConnectionOut) visit.Answer {
		if !out.KeySet {
			return visit.Told(connection, parts.Toast{Meaning: parts.Warn, Text: "Saved, but there is no key for this address. Enter the key."})
		}
		return visit.Go(connection, "Saved. Press Test to see whether it works.")
	}, r.connection(v))
}

func (r *Room) testConnection(v *visit.Visit) {
	visit.Act(v, r.desk.ConnectionTest, func(out *provider.TestOut) visit.Answer {
		if out.OK {
			return visit.Go(connection, "ipstack answers.")
		}
		return visit.Told(connection, parts.Toast{Meaning: parts.Danger, Text: "The test failed: see what it says below."})
	}, r.connection(v))
}
