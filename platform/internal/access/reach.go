package access

import (
	"math/bits"
	"net/netip"

	"github.com/lendkeep/lendkeep/internal/ipset"
)

// reach is the address rules of all holders that bind one subject under one
// policy, joined, so that one search answers for all of them.
type reach struct {
	policy *Policy
	joint  *ipset.Joint
	deny   uint64    // the rules that deny
	allow  [4]uint64 // the rules of a holder that allow; 0 where it has none
	index  []int32   // of each rule, by its bit
}

// Join compiles what the policy's and the subject's rules say about addresses
// together. Whoever compiles a subject calls it last, before anybody else has
// the subject; rules that are changed afterwards would not be seen. Without it,
// under another policy, and with large sets, each rule is asked for itself.
func (s *Subject) Join(p *Policy) {
	r := &reach{policy: p}
	var sets []*ipset.Set
	for holder, rules := range [...][]IPRule{p.TenantIP, s.RoleIP, s.UserIP, s.KeyIP} {
		for _, rule := range rules {
			bit := uint64(1) << len(sets)
			if rule.Deny {
				r.deny |= bit
			} else {
				r.allow[holder] |= bit
			}
			sets, r.index = append(sets, rule.Set), append(r.index, rule.Index)
		}
	}
	if r.joint = ipset.Join(sets...); r.joint == nil {
		r = nil
	}
	s.reach = r
}

// verdict is what addresses would find by asking each rule; a is plain. The
// lowest bit is the first rule that denies, in the order of the holders.
func (r *reach) verdict(a netip.Addr) (Reason, int32) {
	switch {
	case len(r.index) == 0:
		return OK, -1
	case !a.IsValid():
		return AddressNotAllowed, -1
	}
	held := r.joint.Holding(a)
	if denied := held & r.deny; denied != 0 {
		return AddressDenied, r.index[bits.TrailingZeros64(denied)]
	}
	for _, allow := range &r.allow {
		if allow != 0 && held&allow == 0 {
			return AddressNotAllowed, -1
		}
	}
	return OK, -1
}
