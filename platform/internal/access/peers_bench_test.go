package access

import (
	"encoding/json"
	"net/netip"
	"os"
	"testing"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/internal/operation"
)

// peersOffice is bench/office.json: the office about which casbin, cedar-go and
// OPA decide too, with the calls and the answers that everybody must give.
type peersOffice struct {
	Operations, UI, API []string
	Rules               []struct {
		Holder   string
		Deny     bool
		Prefixes []string
	}
	Grant struct {
		Operation, Object string
		Session           id.Session
		Until             int64 // unix seconds
	}
	Call  peersCall
	Cases []struct {
		Story   string
		But     json.RawMessage
		Reason  string
		Granted bool
	}
}

type peersCall struct {
	TenantActive  bool `json:"tenant_active"`
	UserActive    bool `json:"user_active"`
	KeyExpired    bool `json:"key_expired"`
	SessionEnded  bool `json:"session_ended"`
	PasswordStale bool `json:"password_stale"`
	FactorMissing bool `json:"factor_missing"`
	Channel       string
	Operation     string
	Object        string
	Session       id.Session
	Address       netip.Addr
	At            int64
}

func thePeersOffice(t testing.TB) *peersOffice {
	t.Helper()
	b, err := os.ReadFile("../../../bench/office.json")
	if err != nil {
		t.Fatal(err)
	}
	o := &peersOffice{}
	if err := json.Unmarshal(b, o); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *peersOffice) number(t testing.TB, name string) uint16 {
	t.Helper()
	for i, op := range o.Operations {
		if op == name {
			return uint16(i)
		}
	}
	t.Fatalf("the office knows no operation %q", name)
	return 0
}

// compiled gives a story's call in our own terms.
func (o *peersOffice) compiled(t testing.TB, but json.RawMessage) (*Policy, *Subject, *Query) {
	t.Helper()
	const second = 1_000_000
	c := o.Call
	if err := json.Unmarshal(but, &c); err != nil {
		t.Fatal(err)
	}
	p := &Policy{Version: 7, TenantActive: c.TenantActive}
	s := &Subject{Active: c.UserActive, KeyExpired: c.KeyExpired, SessionEnded: c.SessionEnded, Role: &Role{}, FactorNeeded: true,
		PasswordEnds: (c.At + 1) * second, Grants: []Grant{{Op: o.number(t, o.Grant.Operation), Object: o.Grant.Object,
			Session: o.Grant.Session, Until: o.Grant.Until * second}}}
	q := &Query{Op: o.number(t, c.Operation), Channel: operation.UI, Address: c.Address, Object: c.Object, Session: c.Session,
		At: c.At * second, FactorAt: (c.At - 1) * second}
	if c.Channel == "api" {
		q.Channel = operation.API
	}
	if c.PasswordStale {
		s.PasswordEnds = q.At
	}
	if c.FactorMissing {
		q.FactorAt = 0
	}
	for _, op := range o.UI {
		s.Role.UI.Set(o.number(t, op))
	}
	for _, op := range o.API {
		s.Role.API.Set(o.number(t, op))
	}
	holders := map[string]*[]IPRule{"tenant": &p.TenantIP, "role": &s.RoleIP, "user": &s.UserIP, "key": &s.KeyIP}
	for i, r := range o.Rules {
		set, err := ipset.Parse(r.Prefixes...)
		if err != nil {
			t.Fatal(err)
		}
		rules := holders[r.Holder]
		*rules = append(*rules, IPRule{Deny: r.Deny, Set: set, Index: int32(i)})
	}
	s.Join(p)
	return p, s, q
}

// Ours answers every story of the peers' table, so the same work is measured.
func TestOursDecidesAsThePeersTableSays(t *testing.T) {
	o := thePeersOffice(t)
	if len(o.Cases) < 25 || len(o.Rules) != 8 || len(o.Operations) < 90 {
		t.Fatalf("%d stories, %d rules, %d operations", len(o.Cases), len(o.Rules), len(o.Operations))
	}
	for _, c := range o.Cases {
		p, s, q := o.compiled(t, c.But)
		d := Decide(p, s, q)
		if d.Reason.String() != c.Reason || d.Granted != c.Granted || d.Allowed != (c.Reason == "ok") {
			t.Errorf("%s: %+v, want %s granted=%t", c.Story, d, c.Reason, c.Granted)
		}
	}
}

// BenchmarkBesidePeers is what `make bench-decisions` runs in turns with them.
func BenchmarkBesidePeers(b *testing.B) {
	o := thePeersOffice(b)
	for name, story := range map[string]string{
		"granted": "a walkthrough lends a payment on one loan",
		"role":    "the role views a loan on the screens",
		"denied":  "the key's rule, the eighth, denies a part of what all allow",
	} {
		for _, c := range o.Cases {
			if c.Story != story {
				continue
			}
			b.Run(name, func(b *testing.B) {
				p, s, q := o.compiled(b, c.But)
				allowed := c.Reason == "ok"
				b.ReportAllocs()
				for b.Loop() {
					if d := Decide(p, s, q); d.Allowed != allowed {
						b.Fatal(d)
					}
				}
			})
		}
	}
}
