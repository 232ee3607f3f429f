package inquiry

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// lift finds the smallest change after which a layer no longer refuses, and has
// the trial go on as if it were made.
func (t *trial) lift(ctx context.Context, p *policy.Compiled, s *policy.Subject, step access.Step) (*Obstacle, error) {
	o := &Obstacle{Layer: step.Layer, Reason: step.Reason, Words: step.Mend}
	switch step.Reason {
	case access.TenantInactive:
		t.tenant, o.By = true, ByOperator
		o.Words = "Have whoever runs the house open the tenant; nobody inside of it can."
	case access.UserInactive:
		t.active = true
		o.Words = "Switch the user on."
		o.Change = t.change("user.update", string(t.q.User), o.Words, map[string]any{"active": true})
	case access.KeyExpired:
		t.key = true
		return o, t.liftKey(ctx, o)
	case access.ViewOnly:
		t.endView(o)
	case access.AddressDenied:
		t.liftDenied(o, p.IPRules()[step.Rule])
	case access.AddressNotAllowed:
		t.liftMissing(o, p, s)
	case access.PasswordExpired:
		t.password = true
		t.byPerson(o, "password.change", passwordPage, "Have the person set a new password.", "password")
	case access.FactorStale:
		t.factor = true
		return o, t.liftFactor(ctx, o)
	case access.StepUpNeeded:
		t.factor = true
		t.liftProof(o, s)
	case access.RoleLacksOperation, access.GrantExpired:
		if t.viewing() {
			t.endView(o)
			return o, nil
		}
		return o, t.liftRole(ctx, o, p, s)
	case access.ChannelUnknown:
		o.By = ByNobody
	case access.KeyScopeLacksOperation:
		t.liftScope(o, s)
		t.scope = true
	}
	return o, nil
}

// liftKey gives a key that lives in the place of one that has ended.
func (t *trial) liftKey(ctx context.Context, o *Obstacle) error {
	k, err := identity.KeyByID(ctx, t.c.Tx, t.q.Key)
	if err != nil {
		return err
	}
	o.Words = "Make a new API key for the person; this one has ended for good."
	in := map[string]any{"label": k.Label}
	if k.Server {
		in["server"] = true
	}
	if k.Scope != nil { // as narrow as it was, and with what is asked for
		in["scope"], t.scope = listed(append(k.Scope, t.q.Meta.Name)), true
	}
	var bound []id.IPRule
	for _, r := range t.c.Policy.IPRules() {
		if slices.Contains(r.Holders, policy.Holder{Kind: "key", ID: string(k.ID)}) {
			bound = append(bound, r.ID)
		}
	}
	if len(bound) > 0 {
		in["ip_rules"] = bound
	}
	o.Change = t.change("api_key.create", string(t.q.User), o.Words, in)
	return nil
}

// liftDenied takes the address out of the set that denies it, and nothing else.
func (t *trial) liftDenied(o *Obstacle, set *policy.IPRule) {
	as := *set
	as.Entries = nil
	for _, e := range set.Entries {
		as.Entries = append(as.Entries, without(e, t.q.Address)...)
	}
	o.Words = "Take " + t.q.Address.String() + " out of the address rule “" + set.Name + "”, which denies it."
	if len(as.Entries) == 0 { // nothing would be left to deny
		as.Entries, as.Active = set.Entries, false
		o.Words = "Switch off the address rule “" + set.Name + "”, which denies this address and no other."
	}
	t.replaceSet(o, &as)
}

// liftMissing puts the address into the first allowing set of the holder that
// misses it.
func (t *trial) liftMissing(o *Obstacle, p *policy.Compiled, s *policy.Subject) {
	word, lacking := t.lacking(p, s)
	if len(lacking) == 0 || !t.q.Address.IsValid() {
		return
	}
	as := *lacking[0]
	as.Entries = append(slices.Clone(as.Entries), t.q.Address.String())
	if len(as.Entries) > mostEntries {
		t.besideSet(o, &as)
		return
	}
	o.Words = "Add " + t.q.Address.String() + " to the address rule “" + as.Name + "” of " + word + "."
	t.replaceSet(o, &as)
}

// replaceSet recommends an address rule as it would be; a set that is too large
// to send whole is left to its editor.
func (t *trial) replaceSet(o *Obstacle, as *policy.IPRule) {
	t.propose(as)
	if len(as.Entries) > mostEntries {
		return
	}
	o.Change = t.change("ip_rule.update", string(as.ID), o.Words, setInput(as))
}

// besideSet recommends a small allowing set beside one that is too large to send
// whole: whoever is bound passes if one of them holds the address.
func (t *trial) besideSet(o *Obstacle, large *policy.IPRule) {
	as := &policy.IPRule{ID: id.New[id.IPRule](t.now), Name: large.Name + ", and " + t.q.Address.String(), Entries: []string{t.q.Address.String()}, Active: true, Holders: large.Holders}
	o.Words = "Add an address rule that allows " + t.q.Address.String() + " beside “" + large.Name + "”."
	t.propose(as)
	o.Change = t.change("ip_rule.create", "", o.Words, setInput(as))
}

func (t *trial) propose(as *policy.IPRule) {
	t.x.IPRules = append(slices.DeleteFunc(slices.Clone(t.x.IPRules), func(r *policy.IPRule) bool { return r.ID == as.ID }), as)
}

// setInput is an address rule as the operations of address rules take it.
func setInput(as *policy.IPRule) map[string]any {
	mode := "allow"
	if as.Deny {
		mode = "deny"
	}
	held := []any{}
	for _, h := range as.Holders {
		one := map[string]any{"kind": h.Kind}
		if h.ID != "" {
			one["id"] = h.ID
		}
		held = append(held, one)
	}
	return map[string]any{"name": as.Name, "mode": mode, "entries": as.Entries, "active": as.Active, "holders": held}
}

// without gives what is left of an entry when an address is taken out of it.
func without(entry string, a netip.Addr) []string {
	set, err := ipset.Parse(entry)
	if err != nil || !set.Contains(a) {
		return []string{entry}
	}
	low, high, ok := bounds(entry)
	if !ok {
		return nil
	}
	var out []string
	span := func(from, to netip.Addr) {
		switch {
		case from == to:
			out = append(out, from.String())
		case from.Less(to):
			out = append(out, from.String()+"-"+to.String())
		}
	}
	if a != low {
		span(low, a.Prev())
	}
	if a != high {
		span(a.Next(), high)
	}
	return out
}

// bounds gives the first and the last address of an entry: an address, a prefix
// or a range.
func bounds(entry string) (low, high netip.Addr, ok bool) {
	entry = strings.TrimSpace(entry)
	if from, to, isRange := strings.Cut(entry, "-"); isRange {
		low, err := netip.ParseAddr(strings.TrimSpace(from))
		high, err2 := netip.ParseAddr(strings.TrimSpace(to))
		return low, high, err == nil && err2 == nil
	}
	if a, err := netip.ParseAddr(entry); err == nil {
		return a, a, true
	}
	x, err := netip.ParsePrefix(entry)
	if err != nil {
		return low, high, false
	}
	last := x.Masked().Addr().AsSlice()
	for i := x.Bits(); i < len(last)*8; i++ {
		last[i/8] |= 0x80 >> (i % 8)
	}
	high, ok = netip.AddrFromSlice(last)
	return x.Masked().Addr(), high, ok
}

// liftRole gives the operation to the role, or to the person by another role
// where the asker may not change this one.
func (t *trial) liftRole(ctx context.Context, o *Obstacle, p *policy.Compiled, s *policy.Subject) error {
	m, r := t.q.Meta, s.Role
	if on := p.Role(r.From); on != nil {
		r = on // a lent role holds what the one below it holds
	}
	has := m.Screen != "" && t.q.Channel != operation.API || m.Path != "" && t.q.Channel == operation.API
	if m.Permit != gate.ByRole || !has {
		o.Words, o.By = t.sayRole(s, access.Step{State: access.Refused}), ByNobody
		t.given = true
		return nil
	}
	mine, err := t.bears(ctx, r.ID)
	if err != nil {
		return err
	}
	as := holding(r, m, t.q.Channel)
	give := t.change("role.update", string(r.ID), "Give “"+m.Title+"” ("+m.Name+") to the role “"+r.Name+"” in "+tree(t.q.Channel)+".", content(as))
	var assign *Change
	other := t.otherRole(p, r)
	if other != nil {
		assign = t.change("user.update", string(t.q.User), "Assign the role “"+other.Name+"”.", map[string]any{"role": string(other.ID)})
	}
	switch {
	case give != nil && (!mine || assign == nil):
		o.Change, o.Words = give, give.Words
		if assign != nil {
			o.Others = append(o.Others, *assign)
			o.Words = strings.TrimSuffix(give.Words, ".") + ", or assign another role."
		}
	case assign != nil:
		o.Change, o.Words = assign, assign.Words
		t.x.RoleOf = map[id.User]id.Role{t.q.User: other.ID}
		return nil
	}
	t.x.Roles = append(slices.Clone(t.x.Roles), as)
	return nil
}

// bears reports whether the asker holds a role: nobody changes their own.
func (t *trial) bears(ctx context.Context, rid id.Role) (bool, error) {
	list, err := policy.Bearers(ctx, t.c.Tx, rid)
	return slices.ContainsFunc(list, func(b policy.Bearer) bool { return b.User == t.c.Who.User }), err
}

// holding gives a role with the operation added in the channel's tree.
func holding(r *policy.Role, m *gate.Meta, ch operation.Channel) *policy.Role {
	as := *r
	as.Customized = as.Shipped != ""
	as.UI, as.API = slices.Clone(r.UI), slices.Clone(r.API)
	if ch == operation.API {
		as.API = append(as.API, m.Name)
	} else {
		as.UI = append(as.UI, m.Name)
	}
	return &as
}

// content is a role as the operations of roles take it.
func content(r *policy.Role) map[string]any {
	v := r.Visibility
	return map[string]any{"name": r.Name, "description": r.Description, "ui": listed(r.UI), "api": listed(r.API),
		"visibility": map[string]any{"ssn": v.SSN, "bank_account": v.BankAccount, "date_of_birth": v.BirthDate}}
}

func listed(names []string) []string {
	out := slices.Clone(names)
	slices.Sort(out)
	if out == nil {
		return []string{}
	}
	return slices.Compact(out)
}

// otherRole gives the role with the operation that takes the least from the
// person and then gives the least more; nil if no role has it.
func (t *trial) otherRole(p *policy.Compiled, is *policy.Role) *policy.Role {
	n := t.q.Meta.Number
	var best *policy.Role
	distance := func(r *policy.Role) int { return 1000*len(lost(is, r)) + len(lost(r, is)) }
	for _, r := range p.Roles() {
		has := r.Rights.UI.Has(n) && t.q.Channel != operation.API || r.Rights.API.Has(n) && t.q.Channel == operation.API
		if has && r.ID != is.ID && r.Shipped != policy.Intake && (best == nil || cmp.Compare(distance(r), distance(best)) < 0) {
			best = r
		}
	}
	return best
}

// lost gives what the first role holds and the second does not.
func lost(a, b *policy.Role) []string {
	var out []string
	for _, x := range a.UI {
		if !slices.Contains(b.UI, x) {
			out = append(out, x)
		}
	}
	for _, x := range a.API {
		if !slices.Contains(b.API, x) {
			out = append(out, x)
		}
	}
	return out
}

// liftScope adds the operation to the scope of the key.
func (t *trial) liftScope(o *Obstacle, s *policy.Subject) {
	o.Words = "Add “" + t.q.Meta.Title + "” (" + t.q.Meta.Name + ") to the API key's scope."
	o.Change = t.change("api_key.update", string(t.q.Key), o.Words, map[string]any{"scope": listed(append(t.d.namesIn(s.KeyScope), t.q.Meta.Name))})
}
