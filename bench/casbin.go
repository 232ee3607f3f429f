package main

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/casbin/casbin/v3"
	"github.com/casbin/casbin/v3/model"
)

// The model of roles: a line is what a role permits in a channel, or what is
// lent to one user on one object. casbin evaluates the matcher line by line. The
// cheap comparison stands first, as casbin advises, so that a line about another
// operation costs little; its examples ask for the role first, as the second
// variant does.
const casbinModel = `
[request_definition]
r = user, operation, channel, object, session, at, caller

[policy_definition]
p = subject, operation, channel, object, session, until

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = `

const (
	operationFirst = `r.operation == p.operation && r.channel == p.channel && g(r.user, p.subject) && ` + casbinRest
	roleFirst      = `g(r.user, p.subject) && r.operation == p.operation && r.channel == p.channel && ` + casbinRest
	casbinRest     = `(p.object == "*" || r.object == p.object && r.session == p.session && r.at < p.until) && standing(r.caller) && passes(r.caller)`
)

// caller is what the functions that casbin was given are asked about.
type caller struct {
	call
	key string
}

// GetCacheKey lets the cached enforcer take a caller into its key.
func (c *caller) GetCacheKey() string { return c.key }

// newCasbin teaches casbin the role's lines and the one grant. Its address
// function holds parsed prefixes; a refusal has no reason.
func newCasbin(o *office, name, matcher string) (peer, error) {
	order := "the operation first"
	if matcher == roleFirst {
		order = "the role first, as in its examples"
	}
	e, err := casbin.NewEnforcer()
	if err != nil {
		return peer{}, err
	}
	if err := taught(o, e, matcher); err != nil {
		return peer{}, err
	}
	return peer{
		name: name, how: fmt.Sprintf("%d lines of the role and one of the grant, %s; addresses by a function of ours", len(o.UI)+len(o.API), order), tells: allowedOnly,
		ready: func(c call) (decider, error) {
			request := casbinRequest(o, c)
			return func() (answer, error) {
				ok, line, err := e.EnforceEx(request...)
				if !ok || err != nil {
					return answer{}, err
				}
				return answer{allowed: true, granted: line[3] != "*", reason: "ok"}, nil
			}, nil
		},
	}, nil
}

// newCachedCasbin answers from the decision cache, which forgets nothing when
// the tenant, the user, the session or the clock changes: for information only.
func newCachedCasbin(o *office) (peer, error) {
	e, err := casbin.NewCachedEnforcer()
	if err != nil {
		return peer{}, err
	}
	if err := taught(o, e.Enforcer, operationFirst); err != nil {
		return peer{}, err
	}
	return peer{
		name: "casbin, cached", how: "the same question again, from its decision cache, which no change of the facts empties; for information", tells: allowedOnly,
		ready: func(c call) (decider, error) {
			request := casbinRequest(o, c)
			return func() (answer, error) {
				ok, err := e.Enforce(request...)
				if !ok || err != nil {
					return answer{}, err
				}
				return answer{allowed: true, reason: "ok"}, nil
			}, nil
		},
	}, nil
}

func taught(o *office, e *casbin.Enforcer, matcher string) error {
	m, err := model.NewModelFromString(casbinModel + matcher)
	if err != nil {
		return err
	}
	if err := e.InitWithModelAndAdapter(m, nil); err != nil {
		return err
	}
	holders := byHolder(o.Rules)
	e.AddFunction("standing", func(args ...any) (any, error) { return args[0].(*caller).stands(), nil })
	e.AddFunction("passes", func(args ...any) (any, error) { return passes(holders, args[0].(*caller).Address), nil })
	var lines [][]string
	for _, op := range o.UI {
		lines = append(lines, []string{"role/" + o.Role, op, "ui", "*", "*", "*"})
	}
	for _, op := range o.API {
		lines = append(lines, []string{"role/" + o.Role, op, "api", "*", "*", "*"})
	}
	lines = append(lines, []string{"user/" + o.User, o.Grant.Operation, "ui", o.Grant.Object, o.Grant.Session, instant(o.Grant.Until)})
	if _, err := e.AddPolicies(lines); err != nil {
		return err
	}
	_, err = e.AddGroupingPolicy("user/"+o.User, "role/"+o.Role)
	return err
}

func casbinRequest(o *office, c call) []any {
	who := &caller{call: c, key: fmt.Sprint(c)}
	return []any{"user/" + o.User, c.Operation, c.Channel, c.Object, c.Session, instant(c.At), who}
}

// stands reports whether tenant, person, key, session, password and factor hold.
func (c *call) stands() bool {
	return c.TenantActive && c.UserActive && !c.KeyExpired && !c.SessionEnded && !(c.Channel == "ui" && (c.PasswordStale || c.FactorMissing))
}

// instant writes a time so that texts compare as times do.
func instant(at int64) string { return time.Unix(at, 0).UTC().Format(time.RFC3339) }

// holder is one holder's rules with their prefixes.
type holder struct{ deny, allow []netip.Prefix }

func byHolder(rules []rule) []holder {
	var holders []holder
	var names []string
	for _, r := range rules {
		i := slices.Index(names, r.Holder)
		if i < 0 {
			i, names, holders = len(names), append(names, r.Holder), append(holders, holder{})
		}
		h := &holders[i]
		if r.Deny {
			h.deny = append(h.deny, r.Prefixes...)
		} else {
			h.allow = append(h.allow, r.Prefixes...)
		}
	}
	return holders
}

// passes asks each holder: no denied prefix holds the address, and where any is
// allowed, one does.
func passes(holders []holder, a netip.Addr) bool {
	for i := range holders {
		h := &holders[i]
		if holds(h.deny, a) || len(h.allow) > 0 && !holds(h.allow, a) {
			return false
		}
	}
	return true
}

func holds(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// allowedOnly is a peer that says why it allows and never why it refuses.
func allowedOnly(reason string) string {
	if reason == "ok" {
		return reason
	}
	return ""
}
