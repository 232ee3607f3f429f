package access

import (
	"net/netip"

	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/internal/operation"
)

// Decide answers one query. It does not allocate. It asks the layers one after
// the other in plain sight, because a loop over them costs as much as they do.
func Decide(p *Policy, s *Subject, q *Query) Decision {
	d := Decision{Op: q.Op, Channel: q.Channel, Rule: -1}
	if p == nil || s == nil {
		return d
	}
	d.Version = p.Version
	if d.Reason = tenant(p); d.Reason != OK {
		d.Layer = Tenant
		return d
	}
	if d.Reason = principal(s); d.Reason != OK {
		d.Layer = Principal
		return d
	}
	if d.Reason, d.Rule = addresses(p, s, q); d.Reason != OK {
		d.Layer = Address
		return d
	}
	if d.Reason = factors(s); d.Reason != OK {
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
	d.Allowed = true
	return d
}

func tenant(p *Policy) Reason {
	if !p.TenantActive {
		return TenantInactive
	}
	return OK
}

func principal(s *Subject) Reason {
	switch {
	case !s.Active:
		return UserInactive
	case s.KeyExpired:
		return KeyExpired
	case s.SessionEnded:
		return SessionEnded
	}
	return OK
}

func factors(s *Subject) Reason {
	switch {
	case s.PasswordStale:
		return PasswordExpired
	case s.FactorStale:
		return FactorStale
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
	missing := false
	a := ipset.Plain(q.Address)
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
