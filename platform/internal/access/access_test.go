package access

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/internal/operation"
)

const (
	viewLoan uint16 = 3
	pay      uint16 = 70
)

func set(t testing.TB, entries ...string) *ipset.Set {
	t.Helper()
	s, err := ipset.Parse(entries...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// office is an agent at her desk: she may view loans on the screens and log
// payments through the API, and a walkthrough lends her a payment on one loan.
func office() (*Policy, *Subject, *Query) {
	p := &Policy{Version: 7, TenantActive: true}
	s := &Subject{Active: true, Role: &Role{UI: NewBits(viewLoan), API: NewBits(pay)},
		Grants: []Grant{{Op: pay, Object: "loan/ln_1", Session: "se_1", Until: 1000}}}
	q := &Query{Op: viewLoan, Channel: operation.UI, Address: netip.MustParseAddr("203.0.113.10"), Object: "loan/ln_1", Session: "se_1", At: 999}
	return p, s, q
}

func TestPrecedence(t *testing.T) {
	in, out := set(t, "203.0.113.0/24"), set(t, "198.51.100.0/24")
	type state struct {
		p *Policy
		s *Subject
		q *Query
	}
	for _, c := range []struct {
		story  string
		change func(state)
		reason Reason
		layer  Layer
		rule   int32
	}{
		{"an agent views a loan", func(state) {}, OK, NoLayer, -1},
		{"the tenant was shut", func(x state) { x.p.TenantActive = false; x.s.Active = false }, TenantInactive, Tenant, -1},
		{"the agent left", func(x state) { x.s.Active = false }, UserInactive, Principal, -1},
		{"the key ran out", func(x state) { x.s.KeyExpired = true }, KeyExpired, Principal, -1},
		{"the session was revoked", func(x state) { x.s.SessionEnded = true }, SessionEnded, Principal, -1},
		{"the tenant allows the office", func(x state) { x.p.TenantIP = []IPRule{{Set: in, Index: 1}} }, OK, NoLayer, -1},
		{"one of two allow sets is enough", func(x state) { x.p.TenantIP = []IPRule{{Set: out, Index: 1}, {Set: in, Index: 2}} }, OK, NoLayer, -1},
		{"the user's own rules must pass too", func(x state) {
			x.p.TenantIP, x.s.UserIP = []IPRule{{Set: in, Index: 1}}, []IPRule{{Set: out, Index: 2}}
		}, AddressNotAllowed, Address, -1},
		{"deny beats allow", func(x state) { x.s.RoleIP = []IPRule{{Set: in, Index: 1}, {Set: in, Deny: true, Index: 2}} }, AddressDenied, Address, 2},
		{"a key's deny is told before a tenant's missing allow", func(x state) {
			x.p.TenantIP, x.s.KeyIP = []IPRule{{Set: out, Index: 1}}, []IPRule{{Set: in, Deny: true, Index: 9}}
		}, AddressDenied, Address, 9},
		{"a deny elsewhere does not matter", func(x state) { x.s.UserIP = []IPRule{{Set: out, Deny: true}} }, OK, NoLayer, -1},
		{"no address where rules stand", func(x state) { x.s.UserIP = []IPRule{{Set: out, Deny: true}}; x.q.Address = netip.Addr{} }, AddressNotAllowed, Address, -1},
		{"an empty allow set allows nobody", func(x state) { x.s.UserIP = []IPRule{{Set: set(t)}} }, AddressNotAllowed, Address, -1},
		{"an IPv4-mapped address is the same address", func(x state) {
			x.s.UserIP, x.q.Address = []IPRule{{Set: in, Deny: true, Index: 4}}, netip.MustParseAddr("::ffff:203.0.113.10")
		}, AddressDenied, Address, 4},
		{"the address is judged before the factors", func(x state) { x.s.UserIP, x.s.FactorNeeded = []IPRule{{Set: out}}, true }, AddressNotAllowed, Address, -1},
		{"the password is 90 days old", func(x state) { x.s.PasswordEnds, x.s.FactorNeeded = 999, true }, PasswordExpired, Factor, -1},
		{"an old password stops no key", func(x state) { x.s.PasswordEnds, x.q.Channel, x.q.Op = 1, operation.API, pay }, OK, NoLayer, -1},
		{"nor the setting of a new one", func(x state) { x.s.PasswordEnds, x.q.Mends = 1, true }, OK, NoLayer, -1},
		{"a password has a day left", func(x state) { x.s.PasswordEnds = 1000 }, OK, NoLayer, -1},
		{"no second factor yet", func(x state) { x.s.FactorNeeded = true }, FactorStale, Factor, -1},
		{"the factor was given", func(x state) { x.s.FactorNeeded, x.q.FactorAt = true, 900 }, OK, NoLayer, -1},
		{"an exception stands", func(x state) { x.s.FactorNeeded, x.s.ExceptUntil = true, 1000 }, OK, NoLayer, -1},
		{"the exception has ended", func(x state) { x.s.FactorNeeded, x.s.ExceptUntil, x.q.ProvedAt = true, 999, 998 }, FactorStale, Factor, -1},
		{"a factor stops no key", func(x state) { x.s.FactorNeeded, x.q.Channel, x.q.Op = true, operation.API, pay }, OK, NoLayer, -1},
		{"a fresh proof is asked for", func(x state) { x.q.StepUp = true }, StepUpNeeded, StepUp, -1},
		{"and given", func(x state) { x.q.StepUp, x.q.FactorAt = true, 990 }, OK, NoLayer, -1},
		{"and too long ago", func(x state) { x.q.StepUp, x.q.FactorAt, x.q.At = true, 1, 2+StepUpWithin }, StepUpNeeded, StepUp, -1},
		{"a password is no proof of one who has factors", func(x state) {
			x.q.StepUp, x.s.FactorNeeded, x.q.FactorAt, x.q.ProvedAt, x.q.At = true, true, 1, StepUpWithin, 2+StepUpWithin
		}, StepUpNeeded, StepUp, -1},
		{"but of one under an exception", func(x state) { x.q.StepUp, x.s.FactorNeeded, x.s.ExceptUntil, x.q.ProvedAt = true, true, 1000, 998 }, OK, NoLayer, -1},
		{"a key proves itself by being shown", func(x state) { x.q.StepUp, x.q.Channel, x.q.Op = true, operation.API, pay }, OK, NoLayer, -1},
		{"a permission that lacks is told before a proof is asked for", func(x state) { x.q.StepUp, x.q.Op, x.s.Grants = true, pay, nil }, RoleLacksOperation, Permission, -1},
		{"through other eyes nothing is changed", func(x state) { x.q.ViewOnly = true }, ViewOnly, Principal, -1},
		{"screens do not open the API", func(x state) { x.q.Channel = operation.API }, RoleLacksOperation, Permission, -1},
		{"the API does not open the screens", func(x state) { x.q.Op, x.s.Grants = pay, nil }, RoleLacksOperation, Permission, -1},
		{"a payment through the API", func(x state) { x.q.Op, x.q.Channel = pay, operation.API }, OK, NoLayer, -1},
		{"no role permits nothing", func(x state) { x.s.Role = nil }, RoleLacksOperation, Permission, -1},
		{"a channel of no name", func(x state) { x.q.Channel = 0 }, ChannelUnknown, Permission, -1},
		{"a channel beyond the list", func(x state) { x.q.Channel = 200 }, ChannelUnknown, Permission, -1},
		{"a walkthrough lends a payment", func(x state) { x.q.Op, x.q.Channel = pay, operation.Walkthrough }, OK, NoLayer, -1},
		{"it lends no other operation", func(x state) { x.q.Op, x.q.Channel = pay+1, operation.Walkthrough }, RoleLacksOperation, Permission, -1},
		{"nor another loan", func(x state) { x.q.Op, x.q.Object = pay, "loan/ln_2" }, RoleLacksOperation, Permission, -1},
		{"nor another session", func(x state) { x.q.Op, x.q.Session = pay, "se_2" }, RoleLacksOperation, Permission, -1},
		{"nor for ever", func(x state) { x.q.Op, x.q.At = pay, 1000 }, GrantExpired, Permission, -1},
		{"nor through the API", func(x state) { x.q.Op, x.q.Channel, x.s.Role = pay, operation.API, &Role{} }, RoleLacksOperation, Permission, -1},
		{"nor past an IP rule", func(x state) { x.q.Op, x.s.UserIP = pay, []IPRule{{Set: out}} }, AddressNotAllowed, Address, -1},
		{"nor past a missing factor", func(x state) { x.q.Op, x.s.FactorNeeded = pay, true }, FactorStale, Factor, -1},
		{"a grant for no object and no session is none", func(x state) {
			x.q.Op, x.q.Object, x.q.Session = pay, "", ""
			x.s.Grants = []Grant{{Op: pay, Until: 1 << 60}}
		}, RoleLacksOperation, Permission, -1},
		{"the key's scope holds it", func(x state) { x.s.KeyScope = NewBits(viewLoan) }, OK, NoLayer, -1},
		{"the key's scope lacks it", func(x state) { x.s.KeyScope = NewBits(pay) }, KeyScopeLacksOperation, Key, -1},
		{"an empty scope permits nothing", func(x state) { x.s.KeyScope = NewBits() }, KeyScopeLacksOperation, Key, -1},
		{"the scope bounds what a grant lends", func(x state) { x.q.Op, x.s.KeyScope = pay, NewBits(viewLoan) }, KeyScopeLacksOperation, Key, -1},
		{"a job needs no role and no address", func(x state) {
			x.q.Channel, x.q.Address, x.s.Role, x.p.TenantIP = operation.Job, netip.Addr{}, nil, []IPRule{{Set: in}}
		}, OK, NoLayer, -1},
		{"a borrower's page is not bound by tenant rules", func(x state) {
			x.q.Channel, x.s.Role, x.p.TenantIP = operation.Portal, nil, []IPRule{{Set: out}}
		}, OK, NoLayer, -1},
		{"the console is", func(x state) { x.q.Channel, x.s.Role = operation.Console, nil }, OK, NoLayer, -1},
	} {
		p, s, q := office()
		c.change(state{p, s, q})
		d := Decide(p, s, q)
		want := Decision{Allowed: c.reason == OK, Reason: c.reason, Layer: c.layer, Channel: q.Channel, Op: q.Op, Rule: c.rule, Version: 7,
			Granted: c.reason == OK && q.Op == pay && q.Channel != operation.API}
		if diff := cmp.Diff(want, d); diff != "" {
			t.Errorf("%s: %s", c.story, diff)
		}
	}
}

func TestNothingIsAllowedByNothing(t *testing.T) {
	p, s, q := office()
	for _, d := range []Decision{Decide(nil, s, q), Decide(p, nil, q), Decide(&Policy{}, s, q), Decide(p, &Subject{}, q), Decide(p, s, &Query{}), {}} {
		if d.Allowed || d.Reason == OK {
			t.Errorf("%+v", d)
		}
	}
	for _, step := range Explain(nil, s, q) {
		if step.State != NotReached {
			t.Errorf("%+v", step)
		}
	}
}

func TestEveryReasonHasACodeAndWords(t *testing.T) {
	codes := map[string]bool{}
	for r := range reasons {
		if codes[r.String()] || r.String() == "unknown" || strings.ToLower(r.String()) != r.String() || !strings.HasSuffix(r.Words(), ".") {
			t.Errorf("reason %d: %q %q", r, r, r.Words())
		}
		codes[r.String()] = true
	}
	if Reason(reasons).String() != "unknown" || Layer(99).String() != "unknown" || State(9).String() != "unknown" {
		t.Error("a value beyond the list has a name")
	}
}

func TestBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOf(rapid.Uint16Range(0, 700))
		x, y := numbers.Draw(t, "x"), numbers.Draw(t, "y")
		a, b := NewBits(x...), NewBits(y...)
		and, or := a.And(b), a.Or(b)
		inX, inY := map[uint16]bool{}, map[uint16]bool{}
		for _, n := range x {
			inX[n] = true
		}
		for _, n := range y {
			inY[n] = true
		}
		for n := range uint16(800) {
			if a.Has(n) != inX[n] || and.Has(n) != (inX[n] && inY[n]) || or.Has(n) != (inX[n] || inY[n]) {
				t.Fatalf("%d: %v %v %v", n, a.Has(n), and.Has(n), or.Has(n))
			}
		}
	})
	if Bits(nil).Has(0) || NewBits() == nil || Bits(nil).And(nil) == nil {
		t.Error("the empty set")
	}
}

// A scene is a case before it is compiled, for the oracle to read plainly.
type scene struct {
	ip     map[string][]ipLine // by holder
	role   map[operation.Channel]map[uint16]bool
	noRole bool
	scope  map[uint16]bool
	p      Policy
	s      Subject
	q      Query
}

type ipLine struct {
	deny   bool
	prefix netip.Prefix
	index  int32
}

func drawScene(t *rapid.T) *scene {
	c := &scene{ip: map[string][]ipLine{}, role: map[operation.Channel]map[uint16]bool{operation.UI: {}, operation.API: {}}}
	mostly := func(label string) bool { return rapid.IntRange(0, 9).Draw(t, label) > 0 }
	op := rapid.SampledFrom([]uint16{0, 1, 63, 64, 200})
	c.p = Policy{Version: int64(rapid.IntRange(0, 9).Draw(t, "version")), TenantActive: !rapid.SampledFrom([]bool{false, false, false, false, false, false, false, false, true}).Draw(t, "shut")}
	index := int32(0)
	for _, name := range []string{"tenant", "role", "user", "key"} {
		for range max(0, rapid.IntRange(-3, 3).Draw(t, name)) {
			index++
			c.ip[name] = append(c.ip[name], ipLine{deny: rapid.IntRange(0, 3).Draw(t, "deny") == 0, index: index,
				prefix: rapid.SampledFrom([]netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("203.0.113.8/29"),
					netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("198.51.100.0/24")}).Draw(t, "prefix")})
		}
	}
	c.p.TenantIP, c.s.RoleIP, c.s.UserIP, c.s.KeyIP = compiled(t, c.ip["tenant"]), compiled(t, c.ip["role"]), compiled(t, c.ip["user"]), compiled(t, c.ip["key"])
	seldom := rapid.SampledFrom([]bool{false, false, false, false, false, false, false, false, false, true})
	c.s.Active, c.s.KeyExpired, c.s.SessionEnded = !seldom.Draw(t, "left"), seldom.Draw(t, "key expired"), seldom.Draw(t, "session ended")
	ends := rapid.SampledFrom([]int64{0, 11, 20, 20, 20})
	if c.s.FactorNeeded, c.s.PasswordEnds = rapid.Bool().Draw(t, "needs factor"), ends.Draw(t, "password"); !mostly("password") {
		c.s.PasswordEnds = 10
	}
	c.s.ExceptUntil = rapid.SampledFrom([]int64{0, 0, 10, 11}).Draw(t, "exception")
	if c.noRole = !mostly("role"); !c.noRole {
		c.s.Role = &Role{UI: drawBits(t, op, c.role[operation.UI]), API: drawBits(t, op, c.role[operation.API])}
	}
	if rapid.Bool().Draw(t, "scoped") {
		c.scope = map[uint16]bool{}
		c.s.KeyScope = drawBits(t, op, c.scope)
	}
	object, session := rapid.SampledFrom([]string{"", "loan/1", "loan/2"}), rapid.SampledFrom([]id.Session{"", "se_1", "se_2"})
	for range rapid.IntRange(0, 3).Draw(t, "grants") {
		c.s.Grants = append(c.s.Grants, Grant{Op: op.Draw(t, "op"), Object: object.Draw(t, "object"), Session: session.Draw(t, "session"), Until: rapid.Int64Range(8, 12).Draw(t, "until")})
	}
	defer func() {
		c.q.FactorAt, c.q.ProvedAt = rapid.SampledFrom([]int64{0, 5, 9, 9, 9}).Draw(t, "factor at"), rapid.SampledFrom([]int64{0, 5, 9}).Draw(t, "proved at")
		seldom := rapid.SampledFrom([]bool{false, false, false, false, false, false, false, true})
		c.q.StepUp, c.q.Mends, c.q.ViewOnly = rapid.Bool().Draw(t, "step up"), seldom.Draw(t, "mends"), seldom.Draw(t, "view")
		if rapid.Bool().Draw(t, "long ago") {
			c.q.FactorAt, c.q.ProvedAt = min(c.q.FactorAt, 10-StepUpWithin-1), min(c.q.ProvedAt, 10-StepUpWithin-1)
		}
	}()
	c.q = Query{Op: op.Draw(t, "op"), Channel: rapid.SampledFrom([]operation.Channel{operation.UI, operation.API, operation.UI, operation.Walkthrough, operation.UI, operation.Walkthrough, 0, operation.Job, operation.Console, operation.Portal, 7}).Draw(t, "channel"), Object: object.Draw(t, "object"),
		Session: session.Draw(t, "session"), At: 10, Address: rapid.SampledFrom([]netip.Addr{{}, netip.MustParseAddr("203.0.113.10"),
			netip.MustParseAddr("203.0.113.99"), netip.MustParseAddr("::ffff:203.0.113.10"), netip.MustParseAddr("2001:db8::1")}).Draw(t, "address")}
	return c
}

func compiled(t *rapid.T, lines []ipLine) (rules []IPRule) {
	for _, l := range lines {
		s, err := ipset.Parse(l.prefix.String())
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, IPRule{Deny: l.deny, Set: s, Index: l.index})
	}
	return rules
}

func drawBits(t *rapid.T, op *rapid.Generator[uint16], into map[uint16]bool) Bits {
	b := NewBits()
	for _, n := range rapid.SliceOfN(op, 0, 4).Draw(t, "bits") {
		b.Set(n)
		into[n] = true
	}
	return b
}

// oracle is the published rule, read sentence by sentence: the set of layers
// that refuse, each asked for itself.
func (c *scene) oracle() map[Layer]bool {
	q, s := c.q, c.s
	bound := q.Channel != operation.Job && q.Channel != operation.Console && q.Channel != operation.Portal
	no := map[Layer]bool{Tenant: !c.p.TenantActive, Principal: !s.Active || s.KeyExpired || s.SessionEnded || q.ViewOnly,
		Key: c.scope != nil && !c.scope[q.Op]}
	if q.Channel == operation.UI || q.Channel == operation.Walkthrough {
		excepted := !s.FactorNeeded || q.At < s.ExceptUntil
		no[Factor] = !q.Mends && (s.PasswordEnds > 0 && q.At >= s.PasswordEnds || !excepted && q.FactorAt == 0)
		recent := func(at int64) bool { return at != 0 && q.At-at <= StepUpWithin }
		no[StepUp] = q.StepUp && !recent(q.FactorAt) && !(excepted && recent(q.ProvedAt))
	}
	for _, lines := range c.ip {
		allows, passes := 0, 0
		for _, l := range lines {
			hit := q.Address.IsValid() && l.prefix.Contains(q.Address.Unmap())
			if l.deny && hit || !q.Address.IsValid() {
				no[Address] = no[Address] || bound
			}
			if !l.deny {
				allows++
				if hit {
					passes++
				}
			}
		}
		no[Address] = no[Address] || bound && allows > 0 && passes == 0
	}
	channel := q.Channel
	if channel == operation.Walkthrough {
		channel = operation.UI
	}
	permits := !bound || !c.noRole && c.role[channel][q.Op]
	for _, g := range s.Grants {
		same := g.Op == q.Op && g.Object == q.Object && g.Session == q.Session && g.Object != "" && g.Session != ""
		permits = permits || same && q.At < g.Until && channel == operation.UI
	}
	no[Permission] = !permits
	return no
}

// Decide, Explain and the oracle agree on every case, and the case named first
// in the order of layers is the one that is told.
func TestDecideExplainAndTheOracleAgree(t *testing.T) {
	cases, allowed, byLayer := 0, 0, map[Layer]int{}
	rapid.Check(t, func(t *rapid.T) {
		for range 500 { // so that even the short run's 20 draws are enough
			c := drawScene(t)
			d := Decide(&c.p, &c.s, &c.q)
			no, first := c.oracle(), NoLayer
			for l := StepUp; l >= Tenant; l-- {
				if no[l] {
					first = l
				}
			}
			if d.Layer != first || d.Allowed != (first == NoLayer) || (d.Reason == OK) != d.Allowed {
				t.Fatalf("decided %+v, the oracle says %s", d, first)
			}
			if denied := d.Reason == AddressDenied; denied != (d.Rule >= 0) || denied && !c.denies(d.Rule) {
				t.Fatalf("rule %d for %s", d.Rule, d.Reason)
			}
			c.explained(t, d)
			cases++
			byLayer[d.Layer]++
			if d.Allowed {
				allowed++
			}
		}
	})
	if cases < 10_000 {
		t.Errorf("only %d cases", cases)
	}
	for l := NoLayer; l <= StepUp; l++ {
		if times := int(1 + l/StepUp*4); byLayer[l]*200*times < cases {
			t.Errorf("layer %q decided %d of %d cases: too few to prove anything", l, byLayer[l], cases)
		}
	}
	t.Logf("%d cases, %d allowed, by layer %v", cases, allowed, byLayer)
}

func (c *scene) denies(index int32) bool {
	for _, lines := range c.ip {
		for _, l := range lines {
			if l.index == index {
				return l.deny && l.prefix.Contains(c.q.Address.Unmap())
			}
		}
	}
	return false
}

// explained holds Explain to the decision.
func (c *scene) explained(t *rapid.T, d Decision) {
	steps := Explain(&c.p, &c.s, &c.q)
	if len(steps) != int(FourEyes) {
		t.Fatalf("%d steps", len(steps))
	}
	for i, step := range steps {
		want := Passed
		switch {
		case d.Allowed || step.Layer < d.Layer:
		case step.Layer == d.Layer:
			want = Refused
		default:
			want = NotReached
		}
		if step.Layer != Layer(i+1) || step.State != want || step.Why == "" || (step.State == Refused) != (step.Mend != "" || step.Reason == ChannelUnknown) {
			t.Fatalf("step %+v of %+v", step, d)
		}
		if want == Refused && (step.Reason != d.Reason || step.Rule != d.Rule) {
			t.Fatalf("step %+v of %+v", step, d)
		}
	}
}

// desk is the benchmark's case: eight IP rules, and a grant that decides.
func desk(t testing.TB) (*Policy, *Subject, *Query) {
	p, s, q := office()
	in, out := set(t, "203.0.113.0/24", "192.0.2.0/24", "2001:db8::/32"), set(t, "198.51.100.0/24")
	pair := func(i int32) []IPRule { return []IPRule{{Set: out, Deny: true, Index: i}, {Set: in, Index: i + 1}} }
	p.TenantIP, s.RoleIP, s.UserIP, s.KeyIP = pair(0), pair(2), pair(4), pair(6)
	q.Op, q.Channel = pay, operation.Walkthrough
	q.Object = strings.Clone("loan/ln_01jabcdefghjkmnpqrstvwxyz0")
	s.Grants = []Grant{{Op: pay, Object: strings.Clone(q.Object), Session: q.Session, Until: 1 << 60}}
	return p, s, q
}

func TestDecideDoesNotAllocate(t *testing.T) {
	p, s, q := desk(t)
	if d := Decide(p, s, q); !d.Allowed || !d.Granted {
		t.Fatalf("%+v", d)
	}
	if n := testing.AllocsPerRun(100, func() { Decide(p, s, q) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDecide(b *testing.B) {
	b.Run("8 IP rules and a grant", func(b *testing.B) {
		p, s, q := desk(b)
		b.ReportAllocs()
		for b.Loop() {
			if d := Decide(p, s, q); !d.Allowed {
				b.Fatal(d)
			}
		}
	})
	b.Run("no IP rules, role", func(b *testing.B) {
		p, s, q := office()
		b.ReportAllocs()
		for b.Loop() {
			if d := Decide(p, s, q); !d.Allowed {
				b.Fatal(d)
			}
		}
	})
	b.Run("denied by the eighth IP rule", func(b *testing.B) {
		p, s, q := desk(b)
		s.KeyIP = []IPRule{s.KeyIP[1], {Set: set(b, "203.0.113.10"), Deny: true, Index: 7}}
		b.ReportAllocs()
		for b.Loop() {
			if d := Decide(p, s, q); d.Reason != AddressDenied {
				b.Fatal(d)
			}
		}
	})
}
