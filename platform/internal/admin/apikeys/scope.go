package apikeys

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// inAPI gives an operation that a key can call, or nil.
func (d *Desk) inAPI(name string) *gate.Meta {
	for _, m := range d.config.Catalogue() {
		if m.Name == name && m.Path != "" && (m.Permit == gate.ByRole || m.Permit == gate.SignedIn) {
			return m
		}
	}
	return nil
}

// checkScope cleans a scope, or notes what is wrong with it. What the role does
// not permit is allowed in it — the role may grow — and told by beyond_role.
func (d *Desk) checkScope(f *fault.Collector, scope []string) []string {
	f.Check(scope == nil || len(scope) > 0, "scope", "Name at least one operation; an empty scope would open nothing.")
	out := slices.Clone(scope)
	for i, name := range scope {
		if d.inAPI(name) == nil {
			f.Addf(fmt.Sprintf("scope[%d]", i), "The API has no operation of the name in place %d; the nearest is %s.", i+1, d.nearest(name))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// nearest is the operation of the API whose name is most like one that it does
// not have.
func (d *Desk) nearest(name string) string {
	var list []*gate.Meta
	for _, m := range d.config.Catalogue() {
		if m.Path != "" {
			list = append(list, m)
		}
	}
	return roles.Nearest(list, name)
}

// beyond is what a scope holds that the role does not permit in the API.
func (d *Desk) beyond(scope []string, role *policy.Role) []string {
	var out []string
	for _, name := range scope {
		if m := d.inAPI(name); m == nil || role == nil || !role.Rights.API.Has(m.Number) {
			out = append(out, name)
		}
	}
	return out
}

// refuseWidening refuses to let a key have, or get the secret of, one that may do
// more than itself, or from elsewhere. One rule that allows is enough, so that more
// rules can be wider too: they must be the same.
func (d *Desk) refuseWidening(c *gate.Call, scope []string, rules []id.IPRule) error {
	s := c.Subject()
	if s == nil || c.Who.APIKey == "" {
		return nil
	}
	wider := s.KeyScope != nil && scope == nil
	for _, name := range scope {
		m := d.inAPI(name)
		wider = wider || s.KeyScope != nil && (m == nil || !s.KeyScope.Has(m.Number))
	}
	if wider {
		return fault.New(fault.Denied, "wider_than_key", "This key is narrowed to a scope, and gives no key more than that; use a key without a scope, or the screens.")
	}
	if own := rulesOf(c, c.Who.APIKey); len(own) > 0 && !slices.Equal(slices.Sorted(slices.Values(own)), slices.Sorted(slices.Values(rules))) {
		return fault.New(fault.Denied, "wider_than_key", "This key is bound by address rules, and gives no key other ones; name the same, or use the screens.")
	}
	return nil
}

// ends gives when the key that calls ends; 0: never, or no key calls.
func ends(ctx context.Context, c *gate.Call) (int64, error) {
	if c.Who.APIKey == "" {
		return 0, nil
	}
	k, err := identity.KeyByID(ctx, c.Tx, c.Who.APIKey)
	return k.ExpiresAt, err
}

// refuseOutliving refuses to let a key have an end after that of the key that gives
// it: else whoever has read a key that ends has one for good.
func refuseOutliving(ctx context.Context, c *gate.Call, end int64) error {
	own, err := ends(ctx, c)
	if err == nil && own != 0 && (end == 0 || end > own) {
		err = fault.New(fault.Denied, "wider_than_key", "This key ends at "+instant(own)+", and gives no key a later end; name one as early, or use the screens.")
	}
	return err
}

// refuseOwnKey keeps a key from changing what it may do itself.
func refuseOwnKey(c *gate.Call, k id.APIKey) error {
	if c.Who.APIKey == k && k != "" {
		return fault.New(fault.Denied, "own_key", "A key does not change itself; use another one, or the screens.")
	}
	return nil
}

// mostNamed is how many operations a refusal names before it counts the others.
const mostNamed = 10

// refuseGiving keeps people from making keys for others with operations that
// they may not give away, or with rows that they do not see: whoever makes a key
// reads it.
func (d *Desk) refuseGiving(ctx context.Context, c *gate.Call, u id.User, role *policy.Role, scope []string) error {
	s := c.Subject()
	if s == nil || c.Who.User == u || role == nil {
		return nil
	}
	if s.Restricted() {
		bonds, err := policy.Bonds(ctx, c.Tx)
		if err != nil {
			return err
		}
		if b := bonds[u]; b == nil || admin.Beyond(s, b) {
			return fault.New(fault.Denied, "not_grantable", "Your search restrictions do not bind this user, and whoever makes a key reads it: it would show you what they hide. Somebody whom they do not bind makes the key.")
		}
	}
	var not []string
	for _, m := range d.config.Catalogue() {
		opens := m.Permit == gate.ByRole && role.Rights.API.Has(m.Number) && (scope == nil || slices.Contains(scope, m.Name))
		if opens && !s.MayGive(m.Name) {
			not = append(not, m.Name)
		}
	}
	if len(not) == 0 {
		return nil
	}
	words := strings.Join(not[:min(len(not), mostNamed)], ", ")
	if more := len(not) - mostNamed; more > 0 {
		words += " and " + strconv.Itoa(more) + " more"
	}
	return fault.New(fault.Denied, "not_grantable", "You may not give this to anybody, and whoever makes a key reads it: "+words+". Narrow the key by a scope, or have your grantable set made larger.")
}
