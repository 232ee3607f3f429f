package settings

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Fields for whom an address rule binds: boxes "role/ro_…", and one more user.
const (
	holdersName = "_holders"
	anotherName = "_another"
)

func (r *Room) addressList(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.IPRuleList)
		if err != nil {
			return visit.View{}, err
		}
		c, err := r.choices(ctx, p, true)
		if err != nil {
			return visit.View{}, err
		}
		return view(p, v, "Address rules", addressTable(out, c, p.Can(r.desk.IPRuleCreate.Name, "")),
			button(p, r.desk.IPRuleCreate.Name, parts.Button{Label: "Add address rule", Kind: parts.Primary, Href: addresses + "/new"})...), nil
	}
}

type addressFacts struct {
	held           admin.IPRule // zero: a new one
	change, remove bool
	choices        choices
	mine           string // the address that the editor calls from
}

func (r *Room) addressNew(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		c, err := r.choices(ctx, p, true)
		if err != nil {
			return visit.View{}, err
		}
		f := addressFacts{held: admin.IPRule{Mode: "allow", Active: true}, change: true, choices: c, mine: p.Call().Request.Address.Chosen.String()}
		return under(parts.Link{Text: "Address rules", Href: addresses}, "Add address rule", addressPage(v, f)), nil
	}
}

func (r *Room) addressPage(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.IPRuleList)
		if err != nil {
			return visit.View{}, err
		}
		at := slices.IndexFunc(out.Items, func(one admin.IPRule) bool { return string(one.ID) == v.R.PathValue("id") })
		if at < 0 {
			return visit.View{}, fault.Missing("address rule")
		}
		ref := "ip_rule/" + string(out.Items[at].ID)
		f := addressFacts{held: out.Items[at], change: p.Can(r.desk.IPRuleUpdate.Name, ref), remove: p.Can(r.desk.IPRuleDelete.Name, ref), mine: p.Call().Request.Address.Chosen.String()}
		if f.choices, err = r.choices(ctx, p, true); err != nil {
			return visit.View{}, err
		}
		page := under(parts.Link{Text: "Address rules", Href: addresses}, f.held.Name, addressPage(v, f))
		badge := state(f.held.Active)
		page.Page.State = &badge
		if f.remove {
			page.Page.Actions = []parts.Button{{Label: "Delete…", Opens: "delete"}}
		}
		return page, nil
	}
}

func (r *Room) addressAdd(v *visit.Visit) {
	visit.Act(v, r.desk.IPRuleCreate, func(out *admin.IPRule) visit.Answer {
		return visit.Go(addresses+"/"+string(out.ID), "Address rule added.")
	}, r.addressNew(v), func(form url.Values, in *admin.IPRuleIn) error {
		err := visit.Decode(form, in)
		in.Holders = holders(form)
		return err
	})
}

func (r *Room) addressChange(v *visit.Visit) {
	visit.Act(v, r.desk.IPRuleUpdate, func(out *admin.IPRule) visit.Answer {
		return visit.Go(addresses+"/"+string(out.ID), "Address rule changed.")
	}, r.addressPage(v), func(form url.Values, in *admin.IPRuleUpdateIn) error {
		err := visit.Decode(form, in)
		in.Holders = holders(form)
		return err
	})
}

func (r *Room) addressDelete(v *visit.Visit) {
	visit.Act(v, r.desk.IPRuleDelete, func(*admin.Done) visit.Answer {
		return visit.Go(addresses, "Address rule deleted.")
	}, r.addressPage(v))
}

// holders reads whom the rule binds; what is no holder is left to the desk to
// refuse.
func holders(form url.Values) []policy.Holder {
	out := []policy.Holder{}
	add := func(text string) {
		kind, hid, _ := strings.Cut(text, "/")
		if h := (policy.Holder{Kind: kind, ID: hid}); text != "" && !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	for _, text := range form[holdersName] {
		add(text)
	}
	add(form.Get(anotherName))
	return out
}

// holderBox is one box of the form.
type holderBox struct {
	value, label string
	held         bool
}

// boxes are the tenant, the roles, and whoever else holds the rule already.
func (f *addressFacts) boxes() []holderBox {
	held := func(kind, hid string) bool {
		return slices.Contains(f.held.Holders, policy.Holder{Kind: kind, ID: hid})
	}
	out := []holderBox{{"tenant", "Everybody here, and every API key", held("tenant", "")}}
	for _, r := range f.choices.roles {
		out = append(out, holderBox{"role/" + string(r.ID), "Role " + r.Name, held("role", string(r.ID))})
	}
	for _, h := range f.held.Holders {
		if h.Kind == "user" || h.Kind == "key" {
			out = append(out, holderBox{h.Kind + "/" + h.ID, f.choices.holder(h), true})
		}
	}
	return out
}

func (c choices) holder(h policy.Holder) string {
	switch h.Kind {
	case "tenant":
		return "Everybody"
	case "role":
		return "Role " + c.role(h.ID)
	case "user":
		return c.person(h.ID)
	}
	return "Key " + h.ID
}

// others are the users that can be added.
func (f *addressFacts) others() []parts.Option {
	out := []parts.Option{{Value: "", Label: "Nobody"}}
	for _, u := range f.choices.people {
		if !slices.Contains(f.held.Holders, policy.Holder{Kind: "user", ID: string(u.ID)}) {
			out = append(out, parts.Option{Value: "user/" + string(u.ID), Label: u.Name + " · " + u.Role})
		}
	}
	return out
}
