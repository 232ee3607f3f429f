package gate

import (
	"net/netip"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// BenchmarkDecide is a decision as the gate asks for it, for a role that has
// the operation and for one that has not.
func BenchmarkDecide(b *testing.B) {
	g := &Gate{}
	rights := &access.Role{}
	rights.API.Set(7)
	s := &policy.Subject{Subject: access.Subject{Active: true, Role: rights}}
	a := netip.MustParseAddr("198.51.100.7")
	c := &Call{Channel: operation.API, Request: &Request{Address: httpserve.Address{Chosen: a}}, Who: Principal{Sort: Person},
		Policy: &policy.Compiled{Access: &access.Policy{TenantActive: true}}, subject: s, entry: &audit.Entry{}}
	for name, x := range map[string]struct {
		op   uint16
		want bool
	}{"allowed": {7, true}, "denied": {8, false}} {
		b.Run(name, func(b *testing.B) {
			m := &Meta{Number: x.op, Permit: ByRole}
			b.ReportAllocs()
			for b.Loop() {
				if d := g.decide(c, m, "loan/ln_1"); d.Allowed != x.want {
					b.Fatal(d)
				}
			}
		})
	}
}
