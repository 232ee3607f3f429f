package ocsf_test

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/records/ocsf"
)

// required is what version 1.6.0 of the schema asks of every event, and of each class;
// a dot leads into an object. Of the names behind a bar at least one must be there.
func required() map[float64][]string {
	all := []string{"activity_id", "category_uid", "class_uid", "metadata.version", "metadata.product.name", "severity_id", "time", "type_uid"}
	actor, source := "actor.user|actor.session|actor.app_name|actor.app_uid", "src_endpoint.ip|src_endpoint.name|src_endpoint.svc_name"
	return map[float64][]string{
		3001: append(slices.Clone(all), "user.uid|user.name"),
		3002: append(slices.Clone(all), "user.uid|user.name", "service.name|dst_endpoint.ip"),
		3005: append(slices.Clone(all), "user.uid|user.name", "privileges"),
		3006: append(slices.Clone(all), "group.uid|group.name", "privileges|user"),
		6003: append(slices.Clone(all), actor, "api.operation", source),
	}
}

func has(event map[string]any, path string) bool {
	for one := range strings.SplitSeq(path, "|") {
		var at any = event
		for name := range strings.SplitSeq(one, ".") {
			m, _ := at.(map[string]any)
			at = m[name]
		}
		if at != nil && at != "" {
			return true
		}
	}
	return false
}

// TestEveryEventHasWhatItsClassRequires: what a lender's day brings becomes the class
// that fits it, with the number of its activity.
func TestEveryEventHasWhatItsClassRequires(t *testing.T) {
	staff := audit.Entry{ID: "au_1", Sequence: 7, At: 1_795_000_000_123_456, Actor: "user/us_kim", ActorName: "Kim", Channel: operation.UI, Credential: "se_1",
		Address: netip.MustParseAddr("203.0.113.9"), Outcome: operation.Allowed, DecisionID: "de_1", Object: "user/us_sam"}
	with := func(change func(e *audit.Entry)) *audit.Entry {
		e := staff
		change(&e)
		return &e
	}
	change := func(name, field, before, after string) *audit.Entry {
		return with(func(e *audit.Entry) {
			e.Operation, e.Changes = name, []audit.Change{{Field: field, Before: before, After: after}}
		})
	}
	for name, one := range map[string]struct {
		e    *audit.Entry
		want float64 // the type: class * 100 + activity
	}{
		"signing in": {with(func(e *audit.Entry) { e.Operation, e.Actor, e.Object = "session.begin", "anonymous", "user/us_sam" }), 300201},
		"signing in as nobody known": {with(func(e *audit.Entry) {
			e.Operation, e.Actor, e.ActorName, e.Object, e.Outcome = "session.begin", "anonymous", "", "", operation.Denied
			e.SealedDetail = map[string]string{"attempted": audit.Sealed}
		}), 300201},
		"signing out":             {with(func(e *audit.Entry) { e.Operation, e.Object = "session.end", "" }), 300202},
		"a new account":           {change("user.create", "name", "", "Sam"), 300101},
		"an account switched off": {change("user.update", "active", "yes", "no"), 300105},
		"an account switched on":  {change("user.update", "active", "no", "yes"), 300102},
		"a name changed":          {change("user.update", "name", "Sam", "Samuel"), 600303},
		"a password reset":        {change("password.reset", "password", "", ""), 300104},
		"another role":            {change("user.update", "role", "Agent", "Admin"), 300501},
		"a member added":          {change("team.update", "members", "us_a, us_b", "us_a, us_b, us_c"), 300603},
		"a member taken away":     {change("team.update", "members", "us_a, us_b", "us_a"), 300604},
		"a member exchanged":      {change("team.update", "members", "us_a", "us_b"), 600303},
		"a look":                  {with(func(e *audit.Entry) { e.Operation, e.Object = "loan.view", "loan/ln_1" }), 600302},
		"a payment":               {with(func(e *audit.Entry) { e.Operation, e.Object = "loan.payment.log", "loan/ln_1" }), 600399},
		"a role deleted":          {with(func(e *audit.Entry) { e.Operation, e.Object = "role.delete", "role/ro_1" }), 600304},
		"a job, from no address": {with(func(e *audit.Entry) {
			e.Operation, e.Actor, e.Channel, e.Address = "loan.day.close", "job/days", operation.Job, netip.Addr{}
		}), 600399},
		"a borrower, whose address is sealed": {with(func(e *audit.Entry) {
			e.Operation, e.Actor, e.Channel, e.Object = "application.create", "portal/site", operation.Portal, "application/ap_1"
		}), 600301},
	} {
		line, err := ocsf.Line(one.e, ocsf.About{Tenant: "tn_1", Lender: "Acme", LoggedTime: 1_795_000_001_000_000})
		if err != nil {
			t.Fatal(err)
		}
		var event map[string]any
		if err := json.Unmarshal(line, &event); err != nil || line[len(line)-1] != '\n' || strings.Count(string(line), "\n") != 1 {
			t.Fatalf("%s: not one line of JSON: %v", name, err)
		}
		if event["type_uid"] != one.want || event["class_uid"].(float64)*100+event["activity_id"].(float64) != one.want {
			t.Errorf("%s is of type %v, want %v", name, event["type_uid"], one.want)
		}
		for _, path := range required()[event["class_uid"].(float64)] {
			if !has(event, path) {
				t.Errorf("%s: %s is required in %v: %s", name, path, event["class_uid"], line)
			}
		}
		meta := event["metadata"].(map[string]any)
		if event["time"] != 1_795_000_000_123.0 || meta["version"] != "1.6.0" || meta["uid"] != "au_1" || meta["tenant_uid"] != "tn_1" || meta["sequence"] != 7.0 || meta["correlation_uid"] != "de_1" {
			t.Errorf("%s: %s", name, line)
		}
		if one.e.Channel == operation.Portal && strings.Contains(string(line), "203.0.113.9") {
			t.Errorf("%s: a borrower's address is told: %s", name, line)
		}
	}
}

// TestDenialsStandOut: a denial is a failure of medium severity with its reason as code.
func TestDenialsStandOut(t *testing.T) {
	line, err := ocsf.Line(&audit.Entry{ID: "au_1", Actor: "user/us_1", Operation: "loan.payment.log", Channel: operation.API, Outcome: operation.Denied, Reason: "no_permission", Layer: "role"}, ocsf.About{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"status_id":2`, `"severity_id":3`, `"status_code":"no_permission"`, `"layer":"role"`} {
		if !strings.Contains(string(line), want) {
			t.Errorf("%s is missing: %s", want, line)
		}
	}
}
