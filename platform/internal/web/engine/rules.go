package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
	"github.com/lendkeep/lendkeep/platform/internal/origination/rulebook"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// previewDays is how far back a preview looks.
const previewDays = 90

// lists are the rules of both sections, by section.
type lists [2][]rulebook.RuleRow

// draft is what stands in the form, if it is not what is stored.
type draft struct {
	lists   lists
	kept    [2]string // what was stored when the form was made, by fingerprint
	version int64
	which   decision.Section // the section that was sent to be saved, with saving
	saving  bool
	outlook *parts.Outlook
	notice  string
}

// take reads the form. It reports whether a threshold was only added or removed.
func (d *draft) take(form url.Values) (reshaped bool) {
	d.version, _ = strconv.ParseInt(form.Get("version"), 10, 64)
	for _, which := range []decision.Section{decision.Applicant, decision.Network} {
		if !form.Has("_kept_" + which.String()) {
			continue
		}
		if d.lists[which] = read(which, form); !form.Has(d.lists[which][0].Rule + ".on_unknown") {
			d.lists[which] = nil // shown, but not this person's to edit
			continue
		}
		d.kept[which] = form.Get("_kept_" + which.String())
		reshaped = reshape(d.lists[which], form) || reshaped
	}
	return reshaped
}

// fill puts a preset into the network rules.
func (d *draft) fill(preset string) {
	if s, ok := decision.Preset(preset); ok {
		d.lists[decision.Network] = written(s.Network)
		d.notice = "“" + presetTitle(preset) + "” is filled in under Network security rules. Nothing is saved yet."
	}
}

// fingerprint tells whether a list was edited.
func fingerprint(list []rulebook.RuleRow) string {
	b, err := json.Marshal(list)
	if err != nil {
		panic(err) // rules are texts
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:8])
}

func other(which decision.Section) decision.Section { return 1 - which }

func (r *Room) open(v *visit.Visit) {
	d := &draft{}
	d.fill(v.R.URL.Query().Get("preset"))
	v.Show(r.rules(v, d))
}

// preview shows what the rules of the form would have done.
func (r *Room) preview(v *visit.Visit) {
	d := &draft{}
	visit.Act(v, r.desk.Preview, func(out *rulebook.PreviewOut) visit.Answer {
		if d.outlook == nil {
			return visit.Render(r.rules(v, d))
		}
		*d.outlook = outlook(out)
		return visit.Render(r.rules(v, d))
	}, r.rules(v, d), func(form url.Values, in *rulebook.PreviewIn) error {
		if d.take(form) {
			return nil // nothing to decide yet: a threshold came or went
		}
		d.fill(form.Get("preset"))
		d.outlook = &parts.Outlook{Why: "Mend what is marked below, then press Preview again."}
		in.ApplicantRules, in.NetworkRules, in.Days = d.lists[decision.Applicant], d.lists[decision.Network], previewDays
		return nil
	})
}

func outlook(out *rulebook.PreviewOut) parts.Outlook {
	o := parts.Outlook{Days: out.Days, Applications: int(out.Applications), Rejected: int(out.Rejected), WasRejected: int(out.Was.Rejected), Review: int(out.Review), WasReview: int(out.Was.Review)}
	if out.Applications == 0 {
		o.Why = "No applications in the last " + strconv.Itoa(out.Days) + " days to try these rules on."
	}
	return o
}

// save stores one section as the next version.
func (r *Room) save(v *visit.Visit, which decision.Section, o *gate.Op[rulebook.RulesIn, rulebook.RulesOut]) {
	d := &draft{which: which, saving: true}
	visit.Act(v, o, func(out *rulebook.RulesOut) visit.Answer {
		said := "Saved as v" + strconv.FormatInt(out.Version, 10) + "."
		if out.Version == d.version {
			said = "Nothing was changed: the rules stay at v" + strconv.FormatInt(out.Version, 10) + "."
		}
		rest := other(which)
		if d.lists[rest] == nil || fingerprint(d.lists[rest]) == d.kept[rest] {
			return visit.Go(home, said)
		}
		d.lists[which], d.saving = nil, false
		d.notice = said + " What you changed under " + title(rest) + " is not saved yet."
		return visit.Render(r.rules(v, d))
	}, r.rules(v, d), func(form url.Values, in *rulebook.RulesIn) error {
		d.take(form)
		in.Version, in.Rules = d.version, d.lists[which]
		return nil
	})
}

func title(which decision.Section) string {
	if which == decision.Network {
		return "Network security rules"
	}
	return "Applicant rules"
}

// rules is the page with the rules in force, or with what was typed.
func (r *Room) rules(v *visit.Visit, d *draft) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		network, err := visit.Look(ctx, v, p, r.desk.NetworkRules)
		if err != nil {
			return visit.View{}, err
		}
		applicant, err := visit.Look(ctx, v, p, r.desk.ApplicantRules)
		if err != nil {
			return visit.View{}, err
		}
		e := editor{Version: network.Version, MayPreview: p.Can("decision_engine.preview", ""), Notice: d.notice}
		may := [2]bool{decision.Applicant: p.Can("decision_engine.applicant.update", "settings/decision-engine"), decision.Network: p.Can("decision_engine.update", "settings/decision-engine")}
		stored := lists{decision.Applicant: applicant.Rules, decision.Network: network.Rules}
		for _, which := range []decision.Section{decision.Applicant, decision.Network} {
			e.Sections = append(e.Sections, r.section(v, d, which, stored[which], may[which], e.MayPreview))
			e.MaySave = e.MaySave || may[which]
		}
		e.MayPreview = e.MayPreview && e.MaySave
		e.Outlook = d.outlook
		if f := v.Fault(); f != nil && fault.Is(f, fault.Conflict) {
			if err := r.overtaken(ctx, v, p, d, &e); err != nil {
				return visit.View{}, err
			}
		} else if f != nil && len(fault.As(f).Fields) == 0 {
			e.Problems = append(e.Problems, parts.Problem{Text: fault.As(f).Message})
		}
		for _, s := range e.Sections {
			e.Problems = append(e.Problems, s.Problems...)
		}
		last, err := r.lastChange(ctx, p)
		if err != nil {
			return visit.View{}, err
		}
		return visit.View{Page: head(v, p, network.Version, last), Body: page(e)}, nil
	}
}

// section is one list as it is shown: as typed, or else as stored.
func (r *Room) section(v *visit.Visit, d *draft, which decision.Section, stored []rulebook.RuleRow, may, tries bool) section {
	s := section{Which: which, Title: title(which), MaySave: may, Presets: which == decision.Network && may, Kept: fingerprint(stored)}
	s.Note = "From what the applicant told us"
	if which == decision.Network {
		s.Note, s.SaveKind = "From where the application was sent", parts.Primary
	}
	list := stored
	var errs mistakes
	if typed := d.lists[which]; typed != nil {
		list = shown(typed)
		switch {
		case d.saving && d.which == which:
			errs, s.Problems = sortOut(v.Fault(), "", list)
		case !d.saving:
			errs, s.Problems = sortOut(v.Fault(), which.String()+"_", list)
		}
	}
	s.Rows = rows(which, list, !may, !tries, errs)
	return s
}

// overtaken says what others have saved since the form was opened. What was
// typed stays, now on top of their version.
func (r *Room) overtaken(ctx context.Context, v *visit.Visit, p *gate.Page, d *draft, e *editor) error {
	e.Notice, e.NoticeMeaning = "Somebody saved v"+strconv.FormatInt(e.Version, 10)+" while you were editing v"+strconv.FormatInt(d.version, 10)+
		". What you typed is kept below; saving it now replaces theirs where they differ.", parts.Warn
	if !p.Can("decision_engine.history", "") {
		return nil
	}
	out, err := visit.Look(ctx, v, p, r.desk.RulesHistory)
	if err != nil {
		return err
	}
	for _, item := range out.Items {
		if item.Version > d.version {
			e.Since = append(e.Since, differences(item.Changes)...)
		}
	}
	return nil
}

// lastChange is the newest version, for those who may see the history.
func (r *Room) lastChange(ctx context.Context, p *gate.Page) (rulebook.VersionOut, error) {
	if !p.Can("decision_engine.history", "") {
		return rulebook.VersionOut{}, nil
	}
	out, err := gate.Look(ctx, p, r.desk.RulesHistory, &rulebook.RulesHistoryIn{})
	if err != nil || len(out.Items) == 0 {
		return rulebook.VersionOut{}, err
	}
	return out.Items[0], nil
}

func head(v *visit.Visit, p *gate.Page, version int64, last rulebook.VersionOut) parts.Page {
	page := parts.Page{Title: "Decision engine", Crumbs: []parts.Link{{Text: "Settings", Href: "/settings"}}, Tabs: visit.SettingsTabs(p.Can, home),
		Subtitle: "v" + strconv.FormatInt(version, 10) + " · " + changed(v, last.By, last.At)}
	if p.Can("decision_engine.history", "") {
		page.Actions = []parts.Button{{Label: "History", Href: home + "/history"}}
	}
	return page
}

// changed says who made a version.
func changed(v *visit.Visit, by, at string) string {
	if by == "" {
		return "as shipped"
	}
	text := "changed by " + by
	if t, err := time.Parse(time.RFC3339, at); err == nil {
		text += ", " + parts.At(t.UnixMicro(), v.Zone()).Text
	}
	return text
}

func (r *Room) history(v *visit.Visit) {
	v.Show(func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.RulesHistory)
		if err != nil {
			return visit.View{}, err
		}
		var list []version
		for _, i := range out.Items {
			ver := version{Title: "v" + strconv.FormatInt(i.Version, 10), Note: changed(v, i.By, i.At), First: i.Version == 1, Changes: differences(i.Changes)}
			list = append(list, ver)
		}
		next := ""
		if out.Next != "" {
			next = home + "/history?cursor=" + url.QueryEscape(out.Next)
		}
		return visit.View{Page: parts.Page{Title: "History of the rules", Tabs: visit.SettingsTabs(p.Can, home),
			Crumbs: []parts.Link{{Text: "Settings", Href: "/settings"}, {Text: "Decision engine", Href: home}}}, Body: history(list, next)}, nil
	})
}

// differences takes the desk's words, "Proxy: switched off (was on)", apart into
// rule, before and after.
func differences(words []string) []parts.DiffRow {
	out := make([]parts.DiffRow, 0, len(words))
	for _, w := range words {
		rule, text, _ := strings.Cut(w, ": ")
		row := parts.DiffRow{Field: rule, After: text}
		if i := strings.LastIndex(text, " (was "); i >= 0 && strings.HasSuffix(text, ")") {
			row.After, row.Before = text[:i], text[i+len(" (was "):len(text)-1]
		}
		out = append(out, row)
	}
	return out
}
