package admin

import (
	"context"
	"fmt"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// IPRule is an address rule as the API shows one.
type IPRule struct {
	ID      id.IPRule       `json:"id" class:"public"`
	Name    string          `json:"name" class:"public"`
	Mode    string          `json:"mode" class:"public" enum:"allow,deny"`
	Entries []string        `json:"entries" class:"public"`
	Active  bool            `json:"active" class:"public"`
	Holders []policy.Holder `json:"holders"`
}

// IPRuleIn is a new address rule and whom it binds.
type IPRuleIn struct {
	Name    string          `json:"name" minLength:"1" maxLength:"200" example:"Denver office"`
	Mode    string          `json:"mode" enum:"allow,deny"`
	Entries []string        `json:"entries" minItems:"1" maxItems:"10000" doc:"addresses, prefixes or ranges a-b" example:"[\"203.0.113.0/24\"]"`
	Active  bool            `json:"active"`
	Holders []policy.Holder `json:"holders,omitempty" maxItems:"1000"`
}

// IPRuleUpdateIn replaces an address rule.
type IPRuleUpdateIn struct {
	ID id.IPRule `path:"id" json:"-"`
	IPRuleIn
}

// IPRuleRef names one in a path.
type IPRuleRef struct {
	ID id.IPRule `path:"id"`
}

// IPRuleListOut is all address rules by name.
type IPRuleListOut struct {
	Items []IPRule `json:"items"`
	Total int      `json:"total" class:"public"`
	Next  string   `json:"next" class:"public"`
}

func shownIPRule(r *policy.IPRule) IPRule {
	out := IPRule{ID: r.ID, Name: r.Name, Mode: "allow", Entries: r.Entries, Active: r.Active, Holders: r.Holders}
	if r.Deny {
		out.Mode = "deny"
	}
	if out.Holders == nil {
		out.Holders = []policy.Holder{}
	}
	return out
}

func (d *Desk) ipRuleList() *gate.Op[Nothing, IPRuleListOut] {
	return look("ip_rule.list", "List address rules", "Address rules", "/ip-rules", func(ctx context.Context, c *gate.Call, _ *Nothing) (*IPRuleListOut, error) {
		list, err := policy.IPRules(ctx, c.Tx)
		if err != nil {
			return nil, err
		}
		out := &IPRuleListOut{Items: make([]IPRule, 0, len(list)), Total: len(list)}
		for _, r := range list {
			out.Items = append(out.Items, shownIPRule(r))
		}
		return out, nil
	})
}

func checkedIPRule(c *gate.Call, in *IPRuleIn) (*policy.IPRule, error) {
	r := &policy.IPRule{Name: strings.TrimSpace(in.Name), Deny: in.Mode == "deny", Entries: in.Entries, Active: in.Active, Holders: in.Holders}
	var f fault.Collector
	f.Check(personName(r.Name), "name", "Give it a name, without control characters.")
	f.Check(in.Mode == "allow" || in.Mode == "deny", "mode", "Say allow or deny.")
	f.Check(len(r.Entries) > 0, "entries", "Name at least one address.")
	f.Merge("", r.Compile())
	for i, h := range r.Holders {
		ok := (h.Kind == "tenant" && h.ID == "") || (h.ID != "" && (h.Kind == "role" || h.Kind == "user" || h.Kind == "key"))
		f.Check(ok, fmt.Sprintf("holders[%d]", i), "Say tenant without an id, or role, user or key with one.")
	}
	return r, f.Err()
}

// refuseLockOut refuses a rule under which its own editor could not call again.
func refuseLockOut(c *gate.Call, r *policy.IPRule) error {
	if !r.Active || c.Subject() == nil {
		return nil
	}
	for _, h := range r.Holders {
		mine := h.Kind == "tenant" || (h.Kind == "user" && h.ID == string(c.Who.User)) || (h.Kind == "role" && h.ID == string(c.Who.Role)) || (h.Kind == "key" && h.ID == string(c.Who.APIKey))
		if mine && r.Contains(c.Request.Address.Chosen) == r.Deny {
			return fault.New(fault.Conflict, "would_lock_out", "Under this rule you could not call from your present address; take your address into it first.")
		}
	}
	return nil
}

func (d *Desk) ipRuleCreate() *gate.Op[IPRuleIn, IPRule] {
	o := edit("ip_rule.create", "Add address rule", "Address rules", "POST", "/ip-rules", func(ctx context.Context, c *gate.Call, in *IPRuleIn) (*IPRule, error) {
		r, err := checkedIPRule(c, in)
		if err != nil {
			return nil, err
		}
		r.ID = id.New[id.IPRule](c.At)
		return saveIPRule(ctx, c, IPRule{}, r, true)
	})
	o.Status = 201
	return o
}

func (d *Desk) ipRuleUpdate() *gate.Op[IPRuleUpdateIn, IPRule] {
	o := edit("ip_rule.update", "Change address rule", "Address rules", "PUT", "/ip-rules/{id}", func(ctx context.Context, c *gate.Call, in *IPRuleUpdateIn) (*IPRule, error) {
		before, err := findIPRule(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		r, err := checkedIPRule(c, &in.IPRuleIn)
		if err != nil {
			return nil, err
		}
		r.ID = in.ID
		return saveIPRule(ctx, c, shownIPRule(before), r, false)
	})
	o.Object = func(in *IPRuleUpdateIn) string { return "ip_rule/" + string(in.ID) }
	return o
}

func findIPRule(ctx context.Context, c *gate.Call, rid id.IPRule) (*policy.IPRule, error) {
	list, err := policy.IPRules(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		if r.ID == rid {
			return r, nil
		}
	}
	return nil, fault.Missing("address rule")
}

func saveIPRule(ctx context.Context, c *gate.Call, before IPRule, r *policy.IPRule, isNew bool) (*IPRule, error) {
	if err := refuseLockOut(c, r); err != nil {
		return nil, err
	}
	out := shownIPRule(r)
	c.Object("ip_rule/" + string(r.ID))
	c.Change("name", before.Name, out.Name)
	c.Change("mode", before.Mode, out.Mode)
	c.Change("entries", strings.Join(before.Entries, ", "), strings.Join(out.Entries, ", "))
	c.Change("active", yes(before.Active), yes(out.Active))
	c.Change("holders", holderWords(before.Holders), holderWords(out.Holders))
	return &out, policy.SaveIPRule(ctx, c.Tx, r, isNew)
}

// holderWords names whom a rule binds, as references of the trail: "tenant,
// role/ro_…".
func holderWords(list []policy.Holder) string {
	words := make([]string, len(list))
	for i, h := range list {
		words[i] = h.Kind
		if h.ID != "" {
			words[i] += "/" + h.ID
		}
	}
	return strings.Join(words, ", ")
}

func (d *Desk) ipRuleDelete() *gate.Op[IPRuleRef, Done] {
	o := edit("ip_rule.delete", "Delete address rule", "Address rules", "DELETE", "/ip-rules/{id}", func(ctx context.Context, c *gate.Call, in *IPRuleRef) (*Done, error) {
		found, err := policy.DeleteIPRule(ctx, c.Tx, in.ID)
		if err == nil && !found {
			err = fault.Missing("address rule")
		}
		return &Done{Done: true}, err
	})
	o.Object = func(in *IPRuleRef) string { return "ip_rule/" + string(in.ID) }
	return o
}
