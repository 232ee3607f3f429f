package apikeys

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// CreateIn asks for a key.
type CreateIn struct {
	ID        id.User     `path:"id" json:"-"`
	Label     string      `json:"label" minLength:"1" maxLength:"100" example:"nightly export"`
	Server    bool        `json:"server,omitempty" doc:"a server key hands in applications for applicants and must name their address"`
	ExpiresAt string      `json:"expires_at,omitempty" format:"date-time" doc:"empty: never; made with a key that ends, it ends no later"`
	Scope     []string    `json:"scope,omitempty" maxItems:"1000" doc:"operations to narrow it to; left out: what its user may do" example:"[\"loan.list\"]"`
	IPRules   []id.IPRule `json:"ip_rules,omitempty" maxItems:"100" doc:"address rules of the key itself, beside those of its user, role and tenant"`
}

// UpdateIn changes a key; what is left out stays.
type UpdateIn struct {
	ID        id.APIKey    `path:"id" json:"-"`
	Label     *string      `json:"label,omitempty" maxLength:"100"`
	ExpiresAt *string      `json:"expires_at,omitempty" format:"date-time" doc:"empty: never"`
	Scope     *[]string    `json:"scope,omitempty" maxItems:"1000"`
	Unscoped  bool         `json:"unscoped,omitempty" doc:"takes the scope away: the key does what its user may"`
	IPRules   *[]id.IPRule `json:"ip_rules,omitempty" maxItems:"100"`
}

// RotateIn asks for a key in the place of another.
type RotateIn struct {
	ID           id.APIKey `path:"id" json:"-"`
	OverlapHours int       `json:"overlap_hours" minimum:"0" maximum:"720" doc:"how long the old key stays good; 0 ends it at once" example:"24"`
}

// Limits of rotation, in hours and microseconds.
const (
	longestOverlap = 30 * 24
	hour           = 60 * 60 * 1_000_000
)

func (d *Desk) create(ctx context.Context, c *gate.Call, in *CreateIn) (*Made, error) {
	of, err := owners(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	if !of[in.ID].active {
		return nil, fault.New(fault.Conflict, "user_inactive", "This user is switched off; switch the user on first.")
	}
	var f fault.Collector
	k := identity.Key{User: in.ID, Label: checkLabel(&f, in.Label), Server: in.Server, Scope: d.checkScope(&f, in.Scope), ExpiresAt: checkEnd(&f, in.ExpiresAt, c.At)}
	checkRules(&f, c, in.IPRules)
	if err := f.Err(); err != nil {
		return nil, err
	}
	if err := d.refuseWidening(c, k.Scope, in.IPRules); err != nil {
		return nil, err
	}
	if err := refuseOutliving(ctx, c, k.ExpiresAt); err != nil {
		return nil, err
	}
	if err := d.refuseGiving(ctx, c, k.User, of[in.ID].role, k.Scope); err != nil {
		return nil, err
	}
	text, k, err := insert(ctx, c, k, in.IPRules)
	if err != nil {
		return nil, err
	}
	c.Change("api_key", "", string(k.ID)+" "+k.Label)
	record(c, identity.Key{}, k, nil, in.IPRules)
	return d.made(ctx, c, k, in.IPRules, text)
}

// insert stores a new key and its rules.
func insert(ctx context.Context, c *gate.Call, k identity.Key, rules []id.IPRule) (secret.Text, identity.Key, error) {
	text, locator, hash := identity.NewKey()
	k.ID, k.Locator, k.CreatedAt = id.New[id.APIKey](c.At), locator, c.At
	switch {
	case k.CreatedBy != "": // a key that rotates itself has the maker that it had
	case c.Who.APIKey != "":
		k.CreatedBy = identity.MadeByKey + string(c.Who.APIKey)
	default:
		k.CreatedBy = c.Who.String()
	}
	if err := identity.InsertKey(ctx, c.Tx, k, hash); err != nil {
		return text, k, err
	}
	return text, k, policy.Bind(ctx, c.Tx, holder(k.ID), rules, c.Who.Name)
}

func holder(k id.APIKey) policy.Holder { return policy.Holder{Kind: "key", ID: string(k)} }

// made is the answer that shows a key. The policy of this call does not know its
// rules yet.
func (d *Desk) made(ctx context.Context, c *gate.Call, k identity.Key, rules []id.IPRule, text secret.Text) (*Made, error) {
	shown, err := d.one(ctx, c, k)
	if err != nil {
		return nil, err
	}
	shown.IPRules = bound(c, rules)
	return &Made{Key: *shown, Secret: text.Reveal()}, nil
}

func (d *Desk) update(ctx context.Context, c *gate.Call, in *UpdateIn) (*Key, error) {
	before, err := identity.KeyByID(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := refuseOwnKey(c, in.ID); err != nil {
		return nil, err
	}
	if err := live(before, c.At); err != nil {
		return nil, err
	}
	after, had := before, rulesOf(c, in.ID)
	rules := had
	var f fault.Collector
	if in.Label != nil {
		after.Label = checkLabel(&f, *in.Label)
	}
	if in.ExpiresAt != nil {
		after.ExpiresAt = checkEnd(&f, *in.ExpiresAt, c.At)
	}
	f.Check(in.Scope == nil || !in.Unscoped, "unscoped", "Name a scope or take it away, not both.")
	if in.Scope != nil {
		after.Scope = d.checkScope(&f, append([]string{}, *in.Scope...))
	}
	if in.Unscoped {
		after.Scope = nil
	}
	if in.IPRules != nil {
		rules = *in.IPRules
		checkRules(&f, c, rules)
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	if err := d.refuseMore(ctx, c, before, after, rules); err != nil {
		return nil, err
	}
	record(c, before, after, had, rules)
	if err := identity.UpdateKey(ctx, c.Tx, after); err != nil {
		return nil, err
	}
	if err := policy.Bind(ctx, c.Tx, holder(after.ID), rules, c.Who.Name); err != nil {
		return nil, err
	}
	out, err := d.one(ctx, c, after)
	if err == nil {
		out.IPRules = bound(c, rules)
	}
	return out, err
}

// refuseMore asks whether the caller may let the key do what it could not do
// before.
func (d *Desk) refuseMore(ctx context.Context, c *gate.Call, before, after identity.Key, rules []id.IPRule) error {
	if err := d.refuseWidening(c, after.Scope, rules); err != nil {
		return err
	}
	if longer := after.ExpiresAt == 0 || after.ExpiresAt > before.ExpiresAt; longer && before.ExpiresAt != 0 {
		if err := refuseOutliving(ctx, c, after.ExpiresAt); err != nil {
			return err
		}
	}
	if before.Scope == nil || after.Scope != nil && !slices.ContainsFunc(after.Scope, func(n string) bool { return !slices.Contains(before.Scope, n) }) {
		return nil
	}
	of, err := owners(ctx, c, after.User)
	if err != nil {
		return err
	}
	return d.refuseGiving(ctx, c, after.User, of[after.User].role, after.Scope)
}

func (d *Desk) rotate(ctx context.Context, c *gate.Call, in *RotateIn) (*Made, error) {
	old, err := identity.KeyByID(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	of, err := owners(ctx, c, old.User)
	if err != nil {
		return nil, err
	}
	if err := d.refuseRotation(ctx, c, old, of[old.User], in.OverlapHours); err != nil {
		return nil, err
	}
	next := identity.Key{User: old.User, Label: old.Label, Server: old.Server, Scope: old.Scope}
	if old.ExpiresAt != 0 {
		next.ExpiresAt = c.At + (old.ExpiresAt - old.CreatedAt) // it lives as long as the old one was meant to
	}
	own, err := ends(ctx, c)
	if err != nil {
		return nil, err
	}
	if own != 0 && (next.ExpiresAt == 0 || next.ExpiresAt > own) {
		next.ExpiresAt = own // nor longer than the key that reads it
	}
	if old.ID == c.Who.APIKey {
		next.CreatedBy = old.CreatedBy
	}
	rules := rulesOf(c, old.ID)
	text, next, err := insert(ctx, c, next, rules)
	if err != nil {
		return nil, err
	}
	before := old
	old.Successor = next.ID
	if end := c.At + int64(in.OverlapHours)*hour; old.ExpiresAt == 0 || end < old.ExpiresAt {
		old.ExpiresAt = end
	}
	record(c, before, old, rules, rules)
	c.Change("successor", "", string(next.ID))
	if err := identity.UpdateKey(ctx, c.Tx, old); err != nil {
		return nil, err
	}
	return d.made(ctx, c, next, rules, text)
}

func (d *Desk) refuseRotation(ctx context.Context, c *gate.Call, k identity.Key, of owner, overlap int) error {
	if overlap < 0 || overlap > longestOverlap {
		return fault.Bad("overlap_hours", "Give whole hours from 0 to 720, which is 30 days.")
	}
	if !of.active {
		return fault.New(fault.Conflict, "user_inactive", "This user is switched off; switch the user on first.")
	}
	if k.Successor != "" && k.RevokedAt == 0 {
		return fault.New(fault.Conflict, "already_rotated", "This key has been rotated already; rotate the one that took its place.")
	}
	if err := live(k, c.At); err != nil {
		return err
	}
	if err := d.refuseWidening(c, k.Scope, rulesOf(c, k.ID)); err != nil {
		return err
	}
	return d.refuseGiving(ctx, c, k.User, of.role, k.Scope)
}

func (d *Desk) revoke(ctx context.Context, c *gate.Call, in *Ref) (*Key, error) {
	k, err := identity.KeyByID(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	if k.RevokedAt == 0 {
		if err := identity.RevokeKey(ctx, c.Tx, in.ID); err != nil {
			return nil, err
		}
		if err := policy.Bind(ctx, c.Tx, holder(in.ID), nil, c.Who.Name); err != nil { // a dead key keeps no rule in use
			return nil, err
		}
		k.RevokedAt = c.At
		c.Change("revoked_at", "", instant(c.At))
	}
	out, err := d.one(ctx, c, k)
	if err == nil {
		out.State, out.RevokedAt, out.IPRules = "revoked", instant(k.RevokedAt), []Bound{}
	}
	return out, err
}

// revokeOwn revokes a key of the caller; anybody else's is not there.
func (d *Desk) revokeOwn(ctx context.Context, c *gate.Call, in *Ref) (*Key, error) {
	k, err := identity.KeyByID(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	if k.User != c.Who.User {
		return nil, fault.Missing("API key")
	}
	return d.revoke(ctx, c, in)
}

func checkLabel(f *fault.Collector, label string) string {
	label = strings.TrimSpace(label)
	f.Check(label != "" && utf8.RuneCountInString(label) <= 100 && !strings.ContainsFunc(label, unicode.IsControl), "label", "Give it a label of at most 100 characters, without control characters.")
	return label
}

func checkEnd(f *fault.Collector, text string, at int64) int64 {
	if text == "" {
		return 0
	}
	t, err := time.Parse(time.RFC3339, text)
	f.Check(err == nil && t.UnixMicro() > at, "expires_at", "Give an instant in the future such as 2027-01-31T00:00:00Z.")
	return t.UnixMicro()
}

func checkRules(f *fault.Collector, c *gate.Call, rules []id.IPRule) {
	for i, r := range rules {
		exists := slices.ContainsFunc(c.Policy.IPRules(), func(x *policy.IPRule) bool { return x.ID == r })
		f.Check(exists && slices.Index(rules, r) == i, fmt.Sprintf("ip_rules[%d]", i), "Name address rules that exist, each once.")
	}
}

// rulesOf are the address rules of a key itself.
func rulesOf(c *gate.Call, k id.APIKey) []id.IPRule {
	var out []id.IPRule
	for _, r := range c.Policy.IPRules() {
		if slices.Contains(r.Holders, holder(k)) {
			out = append(out, r.ID)
		}
	}
	return out
}

func bound(c *gate.Call, rules []id.IPRule) []Bound {
	out := []Bound{}
	for _, r := range c.Policy.IPRules() {
		if slices.Contains(rules, r.ID) {
			out = append(out, Bound{ID: r.ID, Name: r.Name})
		}
	}
	return out
}

// record notes a change for the trail.
func record(c *gate.Call, before, after identity.Key, had, has []id.IPRule) {
	join := func(list []id.IPRule) string {
		words := make([]string, len(list))
		for i, r := range list {
			words[i] = string(r)
		}
		slices.Sort(words)
		return strings.Join(words, ", ")
	}
	if before.ID != "" {
		c.Change("label", before.Label, after.Label)
	}
	c.Change("scope", strings.Join(before.Scope, ", "), strings.Join(after.Scope, ", "))
	c.Change("expires_at", instant(before.ExpiresAt), instant(after.ExpiresAt))
	c.Change("ip_rules", join(had), join(has))
}
