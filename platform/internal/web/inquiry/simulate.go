package inquiry

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin/rehearsal"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// trying is what the simulate page asks, and the answer if there is one.
type trying struct {
	roles, rules, limits, people []parts.Option

	asked url.Values
	out   *rehearsal.SimulateOut
}

// simulate tries a change that is not saved; it asks by GET, so that an answer can
// be linked to.
func (r *Room) simulate(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		t := trying{asked: v.R.URL.Query()}
		staff, err := r.staff(ctx, p)
		if err != nil {
			return visit.View{}, err
		}
		t.people = []parts.Option{{Value: "", Label: "Whoever holds it"}}
		for _, u := range staff {
			t.people = append(t.people, parts.Option{Value: string(u.ID), Label: u.Name + " · " + u.Role})
		}
		if err := t.stored(ctx, p, r.stored); err != nil {
			return visit.View{}, err
		}
		if t.asked.Get("of") == "" {
			if !p.Can(r.Rehearsal.Simulate.Name, "") {
				_, err = visit.Look(ctx, v, p, r.Rehearsal.Simulate)
			}
			return view(p, v, "Simulate", simulatePage(v, t)), err
		}
		in := t.change(p)
		in.Key = id.APIKey(strings.TrimSpace(t.asked.Get("api_key")))
		t.out, err = gate.Look(ctx, p, r.Rehearsal.Simulate, &in)
		if fault.Is(err, fault.Invalid) || fault.Is(err, fault.NotFound) {
			v.Back(t.asked.Get("of"), err)
			t.out, err = nil, nil
		}
		return view(p, v, "Simulate", simulatePage(v, t)), err
	}
}

// stored lists what can be tried as it would be with changes.
func (t *trying) stored(ctx context.Context, p *gate.Page, restrictions func(context.Context, *gate.Page) ([]parts.Option, error)) error {
	t.roles = []parts.Option{{Value: "", Label: "Choose a role"}}
	t.rules = []parts.Option{{Value: "", Label: "A new rule for everybody"}}
	t.limits = []parts.Option{{Value: "", Label: "A new one"}}
	for _, r := range p.Call().Policy.Roles() {
		if p.Can("role.list", "") {
			t.roles = append(t.roles, parts.Option{Value: string(r.ID), Label: r.Name})
		}
	}
	for _, r := range p.Call().Policy.IPRules() {
		if p.Can("ip_rule.list", "") {
			t.rules = append(t.rules, parts.Option{Value: string(r.ID), Label: r.Name})
		}
	}
	more, err := restrictions(ctx, p)
	t.limits = append(t.limits, more...)
	return err
}

// stored lists the search restrictions that the person may list.
func (r *Room) stored(ctx context.Context, p *gate.Page) (out []parts.Option, err error) {
	if !p.Can("search_restriction.list", "") {
		return nil, nil
	}
	list, err := policy.Restrictions(ctx, p.Call().Tx)
	for _, x := range list {
		out = append(out, parts.Option{Value: string(x.ID), Label: x.Name})
	}
	return out, err
}

// change reads the proposed change out of the address.
func (t *trying) change(p *gate.Page) rehearsal.SimulateIn {
	in := rehearsal.SimulateIn{}
	if u := t.asked.Get("user"); u != "" {
		in.Users = []id.User{id.User(u)}
	}
	if o := t.asked.Get("object"); o != "" {
		in.Objects = []string{o}
	}
	switch t.asked.Get("of") {
	case "role":
		in.Role = roleDraft(p, t.asked)
	case "restriction":
		in.Restriction = &rehearsal.RestrictionDraft{ID: id.Restriction(t.asked.Get("restriction"))}
		if text := t.asked.Get("visible"); text != "" || in.Restriction.ID == "" {
			in.Restriction.Visible = &text // left empty, a stored one stays as it is
		}
	default:
		entries, mode := strings.Fields(t.asked.Get("entries")), t.asked.Get("mode")
		in.IPRule = &rehearsal.IPRuleDraft{ID: id.IPRule(t.asked.Get("rule")), Entries: &entries, Mode: &mode}
		switch key := strings.TrimSpace(t.asked.Get("api_key")); {
		case in.IPRule.ID == "" && key != "": // a rule of the key itself
			in.IPRule.Holders = &[]policy.Holder{{Kind: "key", ID: key}}
		case in.IPRule.ID == "":
			in.IPRule.Holders = tenantWide()
		}
	}
	return in
}

// roleDraft gives a stored role with operations added and taken away.
func roleDraft(p *gate.Page, asked url.Values) *rehearsal.RoleDraft {
	d := &rehearsal.RoleDraft{ID: id.Role(asked.Get("role"))}
	is := p.Call().Policy.Role(d.ID)
	if is == nil {
		return d
	}
	changed := func(list []string) *[]string {
		out := slices.DeleteFunc(slices.Clone(list), func(o string) bool { return slices.Contains(strings.Fields(asked.Get("takes")), o) })
		return &out
	}
	ui, api := changed(is.UI), changed(is.API)
	*ui = append(*ui, strings.Fields(asked.Get("gives"))...)
	d.UI, d.API = ui, api
	return d
}

// effects lists what the change would mean to each person.
func effects(t trying) parts.Table {
	table := parts.Table{Caption: "What would change", Columns: []parts.Column{{Head: "Person"}, {Head: "May"}, {Head: "May no more"}, {Head: "Loans", Align: parts.Right}, {Head: "Would be", Align: parts.Right}, {Head: "Locked out at"}},
		Empty: parts.Empty{Title: "Nobody holds it", Text: "Choose a person to try it on."}}
	for _, e := range t.out.Users {
		var gains, loses []string
		for _, d := range e.Decisions {
			if d.After == "ok" && d.Before != "ok" {
				gains = append(gains, d.Operation+" ("+d.Channel+")")
			} else if d.Before == "ok" && d.After != "ok" {
				loses = append(loses, d.Operation+" ("+d.Channel+")")
			}
		}
		name := parts.Words(e.Name)
		if e.Key != "" {
			name = parts.Two(e.Name, "with the API key “"+e.KeyLabel+"”")
		}
		table.Rows = append(table.Rows, parts.Row{Cells: cells(name, some(gains), some(loses), parts.Words(parts.Count(int(e.LoansBefore))), parts.Words(parts.Count(int(e.LoansAfter))), some(e.LockedOut))})
	}
	return table
}

// objects lists how much of each object that was named people see, area by area.
func objects(t trying) parts.Table {
	table := parts.Table{Caption: "The objects", Columns: []parts.Column{{Head: "Person"}, {Head: "Object"}, {Head: "Is found"}, {Head: "Would be"}, {Head: "Areas that are narrowed"}}}
	for _, e := range t.out.Users {
		for _, o := range e.Objects {
			table.Rows = append(table.Rows, parts.Row{Cells: cells(parts.Words(e.Name), parts.Code(t.asked.Get("object")), parts.Words(yes(o.Before)), parts.Words(yes(o.After)), some(narrowed(o)))})
		}
	}
	return table
}

func yes(is bool) string {
	if is {
		return "Yes"
	}
	return "No"
}

// narrowed tells the areas that are not whole, before or after.
func narrowed(o rehearsal.Seen) (out []string) {
	levels := map[string]string{"none": "nothing", "view": "view only", "full": "everything"}
	for _, a := range o.Areas {
		switch {
		case a.Before != a.After:
			out = append(out, a.Area+": "+levels[a.Before]+" → "+levels[a.After])
		case a.Before != "full":
			out = append(out, a.Area+": "+levels[a.Before])
		}
	}
	return out
}
