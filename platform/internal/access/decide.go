package access

import (
	"net/netip"

	"github.com/lendkeep/lendkeep/internal/operation"
)

// Decide answers one query. It does not allocate.
func Decide(p *Policy, s *Subject, q *Query) Decision {
	d := Decision{Op: q.Op, Channel: q.Channel, Rule: -1}
	if p == nil || s == nil {
		return d
	}
	d.Version = p.Version
	for l := Tenant; l <= Key; l++ {
		if d.Reason = ask(l, p, s, q, &d); d.Reason != OK {
			d.Layer, d.Granted = l, false
			return d
		}
	}
	d.Allowed = true
	return d
}

// ask puts the query to one layer; OK means that it passes. Explain asks the
// same layers in the same way.
func ask(l Layer, p *Policy, s *Subject, q *Query, d *Decision) Reason {
	switch l {
	case Tenant:
		if !p.TenantActive {
			return TenantInactive
		}
	case Principal:
		return principal(s)
	case Address:
		return addresses(p, s, q, d)
	case Factor:
		if s.PasswordStale {
			return PasswordExpired
		}
		if s.FactorStale {
			return FactorStale
		}
	case Permission:
		return permission(s, q, d)
	case Key:
		if s.KeyScope != nil && !s.KeyScope.Has(q.Op) {
			return KeyScopeLacksOperation
		}
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

// addresses asks every holder; a deny anywhere is told before a missing allow,
// because deny beats allow. Jobs and the command line have no address, and the
// rules of a tenant bind staff and keys, never borrowers' pages.
func addresses(p *Policy, s *Subject, q *Query, d *Decision) Reason {
	switch q.Channel {
	case operation.Job, operation.Console, operation.Portal:
		return OK
	}
	missing := false
	for _, rules := range [...][]IPRule{p.TenantIP, s.RoleIP, s.UserIP, s.KeyIP} {
		if len(rules) == 0 {
			continue
		}
		verdict, index := holder(rules, q.Address)
		if verdict == AddressDenied {
			d.Rule = index
			return AddressDenied
		}
		missing = missing || verdict == AddressNotAllowed
	}
	if missing {
		return AddressNotAllowed
	}
	return OK
}

// holder judges one holder's rules: any deny set that matches refuses, and
// where there is any allow set, one of them must match.
func holder(rules []IPRule, a netip.Addr) (Reason, int32) {
	if !a.IsValid() {
		return AddressNotAllowed, -1
	}
	allows, matched := false, false
	for i := range rules {
		r := &rules[i]
		if !r.Deny {
			allows = true
			if matched {
				continue
			}
		}
		if !r.Set.Contains(a) {
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
func permission(s *Subject, q *Query, d *Decision) Reason {
	switch q.Channel {
	case operation.Job, operation.Console, operation.Portal:
		return OK
	case operation.API:
		if s.Role != nil && s.Role.API.Has(q.Op) {
			return OK
		}
		return RoleLacksOperation
	case operation.UI, operation.Walkthrough:
		if s.Role != nil && s.Role.UI.Has(q.Op) {
			return OK
		}
		return granted(s.Grants, q, d)
	}
	return ChannelUnknown
}

// granted looks for a grant of exactly this operation, object and session. No
// grant is for no object or no session.
func granted(grants []Grant, q *Query, d *Decision) Reason {
	ended := false
	for i := range grants {
		g := &grants[i]
		if g.Op != q.Op || g.Object != q.Object || g.Session != q.Session || g.Object == "" || g.Session == "" {
			continue
		}
		if q.At < g.Until {
			d.Granted = true
			return OK
		}
		ended = true
	}
	if ended {
		return GrantExpired
	}
	return RoleLacksOperation
}
