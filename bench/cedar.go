package main

import (
	"fmt"
	"slices"
	"strings"

	cedar "github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
)

// cedarPolicies is how many policies the tenant has: the target names it.
const cedarPolicies = 50

// newCedar teaches cedar-go the office: six forbids about tenant, person, key,
// session, password and factor, eight about addresses, two permits of each of
// twelve roles and twelve grants. A role's operations are an action group, which
// is faster here than a list of actions in the policy.
func newCedar(o *office) (peer, error) {
	set, ranks := cedar.NewPolicySet(), map[cedar.PolicyID]int{}
	for i, text := range cedarTexts(o) {
		var p cedar.Policy
		if err := p.UnmarshalCedar([]byte(text)); err != nil {
			return peer{}, fmt.Errorf("%s: %w", text, err)
		}
		name := cedar.PolicyID(fmt.Sprint(p.Annotations()["reason"], "/", i))
		ranks[name] = i
		set.Add(name, &p)
	}
	if n := len(ranks); n != cedarPolicies {
		return peer{}, fmt.Errorf("%d policies instead of %d", n, cedarPolicies)
	}
	entities := cedarEntities(o)
	return peer{
		name: "cedar-go", how: fmt.Sprintf("%d policies, actions in groups, addresses by ip().isInRange", cedarPolicies), tells: cedarTells,
		ready: func(c call) (decider, error) {
			request, err := cedarRequest(o, c)
			return func() (answer, error) {
				decision, why := cedar.Authorize(set, entities, request)
				if len(why.Errors) > 0 {
					return answer{}, fmt.Errorf("%v", why.Errors[0])
				}
				return cedarAnswer(decision, why.Reasons, ranks), nil
			}, err
		},
	}, nil
}

// cedarAnswer tells the first of the policies that decided; the order of the
// layers is the order in which they were written.
func cedarAnswer(d cedar.Decision, why []cedar.DiagnosticReason, ranks map[cedar.PolicyID]int) answer {
	if len(why) == 0 {
		return answer{reason: "role_lacks_operation"}
	}
	first := why[0].PolicyID
	for _, r := range why[1:] {
		if ranks[r.PolicyID] < ranks[first] {
			first = r.PolicyID
		}
	}
	reason, _, _ := strings.Cut(string(first), "/")
	if d == cedar.Allow {
		return answer{allowed: true, granted: reason == "grant", reason: "ok"}
	}
	return answer{reason: reason}
}

// cedarTells: a grant that has ended is no permit, so it cannot be told.
func cedarTells(reason string) string {
	if reason == "grant_expired" {
		return "role_lacks_operation"
	}
	return reason
}

func cedarTexts(o *office) []string {
	forbid := func(reason, scope, condition string) string {
		return fmt.Sprintf("@reason(%q) forbid(%s) %s;", reason, scope, condition)
	}
	anybody := "principal, action, resource"
	texts := []string{
		forbid("tenant_inactive", anybody, "unless { context.tenant_active }"),
		forbid("user_inactive", anybody, "unless { context.user_active }"),
		forbid("key_expired", anybody, "when { context.key_expired }"),
		forbid("session_ended", anybody, "when { context.session_ended }"),
	}
	of := map[string][2]string{
		"tenant": {"principal in Tenant::%q, action, resource", o.Tenant}, "role": {"principal in Role::%q, action, resource", o.Role},
		"user": {"principal == User::%q, action, resource", o.User}, "key": {anybody, o.Key},
	}
	var denies, allows []string
	for _, r := range o.Rules {
		scope, guard := of[r.Holder][0], ""
		if r.Holder == "key" {
			guard = fmt.Sprintf("when { context.key == Key::%q } ", o.Key)
		} else {
			scope = fmt.Sprintf(scope, of[r.Holder][1])
		}
		if r.Deny {
			denies = append(denies, forbid("address_denied", scope, guard+"when { "+inRange(r)+" }"))
		} else {
			allows = append(allows, forbid("address_not_allowed", scope, guard+"unless { "+inRange(r)+" }"))
		}
	}
	texts = slices.Concat(texts, denies, allows, []string{
		forbid("password_expired", anybody, `when { context.channel == "ui" && context.password_stale }`),
		forbid("factor_stale", anybody, `when { context.channel == "ui" && context.factor_missing }`),
	})
	return append(texts, cedarPermits(o)...)
}

func inRange(r rule) string {
	var parts []string
	for _, p := range r.Prefixes {
		parts = append(parts, fmt.Sprintf("context.address.isInRange(ip(%q))", p))
	}
	return strings.Join(parts, " || ")
}

// cedarPermits are those of the office's role and person and of eleven others.
func cedarPermits(o *office) (texts []string) {
	for i := range 12 {
		role, user, object := o.Role, o.User, o.Grant.Object
		if i > 0 {
			role, user, object = fmt.Sprintf("role_%d", i), fmt.Sprintf("us_%d", i+1), fmt.Sprintf("loan/ln_%d", i)
		}
		for _, channel := range []string{"ui", "api"} {
			texts = append(texts, fmt.Sprintf("@reason(\"role\") permit(principal in Role::%q, action in Action::%q, resource) when { context.channel == %q };",
				role, role+" "+channel, channel))
		}
		texts = append(texts, fmt.Sprintf("@reason(\"grant\") permit(principal == User::%q, action == Action::%q, resource == Object::%q)"+
			" when { context.channel == \"ui\" && context.session == %q && context.at < %d };", user, o.Grant.Operation, object, o.Grant.Session, o.Grant.Until))
	}
	return texts
}

// cedarEntities says who is in which role and tenant, and which actions a role
// has in a channel.
func cedarEntities(o *office) cedar.EntityMap {
	user := cedar.NewEntityUID("User", cedar.String(o.User))
	entities := cedar.EntityMap{user: {UID: user, Parents: cedar.NewEntityUIDSet(
		cedar.NewEntityUID("Tenant", cedar.String(o.Tenant)), cedar.NewEntityUID("Role", cedar.String(o.Role)))}}
	for _, op := range o.Operations {
		var groups []cedar.EntityUID
		if slices.Contains(o.UI, op) {
			groups = append(groups, cedar.NewEntityUID("Action", cedar.String(o.Role+" ui")))
		}
		if slices.Contains(o.API, op) {
			groups = append(groups, cedar.NewEntityUID("Action", cedar.String(o.Role+" api")))
		}
		action := cedar.NewEntityUID("Action", cedar.String(op))
		entities[action] = cedar.Entity{UID: action, Parents: cedar.NewEntityUIDSet(groups...)}
	}
	return entities
}

func cedarRequest(o *office, c call) (cedar.Request, error) {
	address, err := types.ParseIPAddr(c.Address.String())
	if err != nil {
		return cedar.Request{}, fmt.Errorf("address for cedar: %w", err)
	}
	return cedar.Request{
		Principal: cedar.NewEntityUID("User", cedar.String(o.User)),
		Action:    cedar.NewEntityUID("Action", cedar.String(c.Operation)),
		Resource:  cedar.NewEntityUID("Object", cedar.String(c.Object)),
		Context: cedar.NewRecord(cedar.RecordMap{
			"tenant_active": cedar.Boolean(c.TenantActive), "user_active": cedar.Boolean(c.UserActive),
			"key_expired": cedar.Boolean(c.KeyExpired), "session_ended": cedar.Boolean(c.SessionEnded),
			"password_stale": cedar.Boolean(c.PasswordStale), "factor_missing": cedar.Boolean(c.FactorMissing),
			"channel": cedar.String(c.Channel), "session": cedar.String(c.Session), "at": cedar.Long(c.At),
			"key": cedar.NewEntityUID("Key", cedar.String(o.Key)), "address": address,
		}),
	}, nil
}
