package addresses

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Rule is an address rule as the API shows one.
type Rule struct {
	ID       id.IPRule `json:"id" class:"public"`
	Name     string    `json:"name" class:"public"`
	Mode     string    `json:"mode" class:"public" enum:"allow,deny"`
	Entries  []string  `json:"entries" class:"public"`
	Active   bool      `json:"active" class:"public"`
	Holders  []Holder  `json:"holders" doc:"whom the rule binds"`
	Covers   Covers    `json:"covers"`
	Overlaps []Other   `json:"overlaps,omitempty" doc:"other rules that hold some of the same addresses; not in lists"`
	WayBack  *WayBack  `json:"way_back,omitempty" doc:"after a change that shuts out whoever made it"`
	Version  int64     `json:"version" class:"public" doc:"changes with every change; send it back with an edit"`
}

// Holder is whom a rule binds, by name.
type Holder struct {
	Kind string `json:"kind" class:"public" enum:"tenant,role,team,user,key"`
	ID   string `json:"id,omitempty" class:"public"`
	Name string `json:"name" class:"public"`
}

// Covers is how many different addresses a rule names, as whole numbers.
type Covers struct {
	IPv4 string `json:"ipv4" class:"public" example:"256"`
	IPv6 string `json:"ipv6" class:"public" example:"18446744073709551616"`
}

// Other is another rule that overlaps.
type Other struct {
	ID   id.IPRule `json:"id" class:"public"`
	Name string    `json:"name" class:"public"`
	Mode string    `json:"mode" class:"public"`
}

// Content is what somebody may decide about a rule.
type Content struct {
	Name    string          `json:"name" minLength:"1" maxLength:"200" example:"Denver office"`
	Mode    string          `json:"mode" enum:"allow,deny" doc:"allow: its holders must call from these addresses; deny: they must not"`
	Entries []string        `json:"entries" minItems:"1" maxItems:"10000" doc:"addresses, prefixes or ranges a-b" example:"[\"203.0.113.0/24\"]"`
	Active  bool            `json:"active"`
	Holders []policy.Holder `json:"holders,omitempty" maxItems:"1000" doc:"whom it binds"`
}

// Ref names a rule in a path.
type Ref struct {
	ID id.IPRule `path:"id"`
}

func (r *Ref) object() string { return object(r.ID) }

func object(r id.IPRule) string { return "ip_rule/" + string(r) }

// ListOut is all rules by name.
type ListOut struct {
	Items []Rule `json:"items"`
	Total int    `json:"total" class:"public"`
	Next  string `json:"next" class:"public"`
}

// Check holds a content against the rules of notation and makes a compiled rule
// of it, without an id. The fault names each field and the mend; an address in
// another notation comes with the right one. Whether the holders exist is asked
// by Names.
func Check(in *Content) (*policy.IPRule, error) {
	r := &policy.IPRule{Name: strings.TrimSpace(in.Name), Deny: in.Mode == "deny", Entries: in.Entries, Active: in.Active}
	var f fault.Collector
	f.Check(r.Name != "" && utf8.RuneCountInString(r.Name) <= 200 && !strings.ContainsFunc(r.Name, unicode.IsControl), "name", "Give it a name of at most 200 characters, without control characters.")
	f.Check(in.Mode == "allow" || in.Mode == "deny", "mode", "Say allow or deny.")
	f.Check(len(in.Entries) > 0, "entries", "Name at least one address.")
	if err := r.Compile(); err != nil {
		f.Merge("", err)
	} else {
		r.Entries = r.Set().Entries()
	}
	for i, h := range in.Holders {
		ok := (h.Kind == "tenant" && h.ID == "") || (h.ID != "" && slices.Contains([]string{"role", "team", "user", "key"}, h.Kind))
		f.Check(ok, fmt.Sprintf("holders[%d]", i), "Say tenant without an id, or role, team, user or key with one.")
		if !slices.Contains(r.Holders, h) {
			r.Holders = append(r.Holders, h)
		}
	}
	return r, f.Err()
}

// checked is Check, and that whom the rule binds exists.
func checked(ctx context.Context, c *gate.Call, in *Content) (*policy.IPRule, names, error) {
	r, err := Check(in)
	if err != nil {
		return nil, nil, err
	}
	known, err := Names(ctx, c.Tx, r.Holders)
	if err != nil {
		return nil, nil, err
	}
	var f fault.Collector
	for i, h := range in.Holders {
		_, exists := known[h]
		f.Check(exists, fmt.Sprintf("holders[%d]", i), "There is no such "+called(h.Kind)+"; take it out or name one that exists.")
	}
	return r, known, f.Err()
}

func mode(deny bool) string {
	if deny {
		return "deny"
	}
	return "allow"
}

func shown(r *policy.IPRule, known names) Rule {
	return Rule{ID: r.ID, Name: r.Name, Mode: mode(r.Deny), Entries: r.Entries, Active: r.Active, Holders: known.holders(r.Holders), Covers: covers(r.Set()), Version: r.ChangedAt}
}

func covers(s *ipset.Set) Covers {
	n := s.Cover()
	return Covers{IPv4: fmt.Sprint(n.IPv4), IPv6: n.IPv6.String()}
}

// overlapping are the other rules that hold some of the same addresses.
func overlapping(c *gate.Call, r *policy.IPRule) []Other {
	var out []Other
	for _, o := range c.Policy.IPRules() {
		if o.ID != r.ID && o.Set().Overlaps(r.Set()) {
			out = append(out, Other{ID: o.ID, Name: o.Name, Mode: mode(o.Deny)})
		}
	}
	return out
}

func list(ctx context.Context, c *gate.Call, _ *admin.Nothing) (*ListOut, error) {
	rules := c.Policy.IPRules()
	var all []policy.Holder
	for _, r := range rules {
		all = append(all, r.Holders...)
	}
	known, err := Names(ctx, c.Tx, all)
	if err != nil {
		return nil, err
	}
	out := &ListOut{Items: make([]Rule, 0, len(rules)), Total: len(rules)}
	for _, r := range rules {
		out.Items = append(out.Items, shown(r, known))
	}
	return out, nil
}

func view(ctx context.Context, c *gate.Call, in *Ref) (*Rule, error) {
	r, err := held(c, in.ID)
	if err != nil {
		return nil, err
	}
	known, err := Names(ctx, c.Tx, r.Holders)
	if err != nil {
		return nil, err
	}
	out := shown(r, known)
	out.Overlaps = overlapping(c, r)
	return &out, nil
}

// held finds a rule of the policy of this call.
func held(c *gate.Call, rid id.IPRule) (*policy.IPRule, error) {
	for _, r := range c.Policy.IPRules() {
		if r.ID == rid {
			return r, nil
		}
	}
	return nil, fault.Missing("address rule")
}
