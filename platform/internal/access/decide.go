package access

import (
	"net/netip"

	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/internal/operation"
)

// Decide answers one query. It does not allocate. It asks the layers one after
// the other in plain sight, because a loop over them costs as much as they do, and
// writes into its result, because copying that at the end costs a third more.
func Decide(p *Policy, s *Subject, q *Query) (d Decision) {
	d.Op, d.Channel, d.Rule = q.Op, q.Channel, -1
	if p == nil || s == nil {
		return d
	}
	d.Version = p.Version
	if d.Reason = tenant(p); d.Reason != OK {
		d.Layer = Tenant
		return d
	}
	if d.Reason = principal(s, q); d.Reason != OK {
		d.Layer = Principal
		return d
	}
	if d.Reason, d.Rule = addresses(p, s, q); d.Reason != OK {
		d.Layer = Address
		return d
	}
	if d.Reason = factors(s, q); d.Reason != OK {
		d.Layer = Factor
		return d
	}
	if d.Reason, d.Granted = permission(s, q); d.Reason != OK {
		d.Layer = Permission
		return d
	}
	if d.Reason = scope(s, q); d.Reason != OK {
		d.Layer, d.Granted = Key, false
		return d
	}
	if d.Reason = stepUp(s, q); d.Reason != OK {
		d.Layer, d.Granted = StepUp, false
		return d
	}
	d.Allowed, d.FourEyes = true, p.FourEyes.Has(q.Op)
	return d
}

func tenant(p *Policy) Reason {
	if !p.TenantActive {
		return TenantInactive
	}
	return OK
}

func principal(s *Subject, q *Query) Reason {
	switch {
	case !s.Active:
		return UserInactive
	case s.KeyExpired:
		return KeyExpired
	case s.SessionEnded:
		return SessionEnded
	case q.ViewOnly:
		return ViewOnly
	}
	return OK
}

// onScreens reports whether a person sits before the call: passwords and second
// factors bind people, never keys, jobs or borrowers.
func onScreens(q *Query) bool {
	return q.Channel == operation.UI || q.Channel == operation.Walkthrough
}

func factors(s *Subject, q *Query) Reason {
	switch {
	case !onScreens(q) || q.Mends:
		return OK
	case s.PasswordEnds != 0 && q.At >= s.PasswordEnds:
		return PasswordExpired
	case s.FactorNeeded && q.FactorAt == 0 && q.At >= s.ExceptUntil:
		return FactorStale
	}
	return OK
}

// stepUp asks for a proof within the last five minutes. Only under an exception
// that still stands does the password count as one.
func stepUp(s *Subject, q *Query) Reason {
	if !q.StepUp || !onScreens(q) {
		return OK
	}
	proved := q.FactorAt
	if !s.FactorNeeded || q.At < s.ExceptUntil {
		proved = max(proved, q.ProvedAt)
	}
	if proved == 0 || q.At-proved > StepUpWithin {
		return StepUpNeeded
	}
	return OK
}

func scope(s *Subject, q *Query) Reason {
	if s.KeyScope != nil && !s.KeyScope.Has(q.Op) {
		return KeyScopeLacksOperation
	}
	return OK
}

// addresses asks every holder; a deny anywhere is told before a missing allow,
// because deny beats allow. Jobs and the command line have no address, and the
// rules of a tenant bind staff and keys, never borrowers' pages.
func addresses(p *Policy, s *Subject, q *Query) (Reason, int32) {
	switch q.Channel {
	case operation.Job, operation.Console, operation.Portal:
		return OK, -1
	}
	a := ipset.Plain(q.Address)
	if s.reach != nil && s.reach.policy == p {
		return s.reach.verdict(a)
	}
	missing := false
	for _, rules := range [...]*[]IPRule{&p.TenantIP, &s.RoleIP, &s.UserIP, &s.KeyIP} {
		if len(*rules) == 0 {
			continue
		}
		verdict, index := holder(*rules, a)
		if verdict == AddressDenied {
			return AddressDenied, index
		}
		missing = missing || verdict == AddressNotAllowed
	}
	if missing {
		return AddressNotAllowed, -1
	}
	return OK, -1
}

// holder judges one holder's rules about a plain address: any deny set that matches refuses, and
// where there is any allow set, one of them must match.
func holder(rules []IPRule, a netip.Addr) (Reason, int32) {
	if !a.IsValid() {
		return AddressNotAllowed, -1
	}
	allows, matched := false, false
	for i := range rules {
		r := &rules[i]
		if !r.Deny {
			if allows = true; matched {
				continue
			}
		}
		if !r.Set.ContainsPlain(a) {
			continue
		}
		if r.Deny {
			return AddressDenied, r.Index
		}
		matched = true
	}
	if allows && !matched {
		return AddressNotAllowed, -1
	}
	return OK, -1
}

// permission asks the role for the channel, then, on the screens alone, the
// grants. Jobs, the console and the borrowers' pages are permitted by the
// operation itself, which the gate has checked.
func permission(s *Subject, q *Query) (reason Reason, byGrant bool) {
	switch q.Channel {
	case operation.Job, operation.Console, operation.Portal:
		return OK, false
	case operation.API:
		if s.Role != nil && s.Role.API.Has(q.Op) {
			return OK, false
		}
		return RoleLacksOperation, false
	case operation.UI, operation.Walkthrough:
		if s.Role != nil && s.Role.UI.Has(q.Op) {
			return OK, false
		}
		return granted(s.Grants, q)
	}
	return ChannelUnknown, false
}

// granted looks for a grant of exactly this operation, object and session. No
// grant is for no object or no session.
func granted(grants []Grant, q *Query) (reason Reason, byGrant bool) {
	reason = RoleLacksOperation
	for i := range grants {
		g := &grants[i]
		if g.Op != q.Op || g.Object != q.Object || g.Session != q.Session || g.Object == "" || g.Session == "" {
			continue
		}
		if q.At < g.Until {
			return OK, true
		}
		reason = GrantExpired
	}
	return reason, false
}
