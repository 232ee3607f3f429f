package main

import (
	"context"
	_ "embed"
	"fmt"
	"net/netip"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

//go:embed office.rego
var officeRego string

// newOPA teaches OPA the office as a prepared query. The tenant's settings lie
// in its store in OPA's own form and a call is handed over parsed, the fastest
// of the ways that OPA offers.
func newOPA(o *office) (peer, error) {
	store := inmem.NewFromObjectWithOpts(opaData(o), inmem.OptReturnASTValuesOnRead(true), inmem.OptRoundTripOnWrite(false))
	query, err := rego.New(rego.Query("data.office.decision"), rego.Module("office.rego", officeRego), rego.Store(store)).PrepareForEval(context.Background())
	if err != nil {
		return peer{}, err
	}
	return peer{
		name: "OPA", how: "a prepared query on parsed input, addresses by net.cidr_contains", tells: same,
		ready: func(c call) (decider, error) {
			input, err := opaInput(o, c)
			return func() (answer, error) {
				results, err := query.Eval(context.Background(), rego.EvalParsedInput(input))
				if err != nil {
					return answer{}, err
				}
				return opaAnswer(results)
			}, err
		},
	}, nil
}

func opaAnswer(results rego.ResultSet) (answer, error) {
	if len(results) != 1 || len(results[0].Expressions) != 1 {
		return answer{}, fmt.Errorf("%d results", len(results))
	}
	d, ok := results[0].Expressions[0].Value.(map[string]any)
	if !ok {
		return answer{}, fmt.Errorf("a decision of type %T", results[0].Expressions[0].Value)
	}
	allowed, _ := d["allowed"].(bool)
	granted, _ := d["granted"].(bool)
	reason, _ := d["reason"].(string)
	return answer{allowed: allowed, granted: granted, reason: reason}, nil
}

func opaData(o *office) map[string]any {
	var deny, allow []any
	for _, r := range o.Rules {
		if r.Deny {
			deny = append(deny, texts(r.Prefixes)...)
		} else {
			allow = append(allow, texts(r.Prefixes))
		}
	}
	may := func(operations []string) map[string]any {
		all := map[string]any{}
		for _, op := range operations {
			all[op] = true
		}
		return all
	}
	g := o.Grant
	lent := map[string]any{o.User: map[string]any{g.Operation: map[string]any{g.Object: map[string]any{g.Session: g.Until}}}}
	return map[string]any{o.Tenant: map[string]any{"deny": deny, "allow": allow, "grants": lent,
		"roles": map[string]any{o.Role: map[string]any{"ui": may(o.UI), "api": may(o.API)}}}}
}

func texts(prefixes []netip.Prefix) (out []any) {
	for _, p := range prefixes {
		out = append(out, p.String())
	}
	return out
}

func opaInput(o *office, c call) (ast.Value, error) {
	v, err := ast.InterfaceToValue(map[string]any{
		"tenant_active": c.TenantActive, "user_active": c.UserActive, "key_expired": c.KeyExpired, "session_ended": c.SessionEnded,
		"password_stale": c.PasswordStale, "factor_missing": c.FactorMissing, "channel": c.Channel, "operation": c.Operation,
		"object": strings.Clone(c.Object), "session": c.Session, "address": c.Address.String(), "at": c.At, "user": o.User, "role": o.Role,
	})
	if err != nil {
		return nil, fmt.Errorf("input for OPA: %w", err)
	}
	return v, nil
}
