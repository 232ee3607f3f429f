package origination_test

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/origination/provider"
	"github.com/lendkeep/lendkeep/platform/internal/origination/rulebook"
)

func TestEveryAddressOfTheDemoGivesWhatItPromises(t *testing.T) {
	type want struct {
		address, status, state, outcome string
		met, unknown                    int
		facts                           func(f origination.FactsOut, m origination.LocationMatchOut) bool
	}
	green := func(f origination.FactsOut, m origination.LocationMatchOut) bool {
		return f.Proxy == "not_detected" && f.Tor == "not_detected" && f.Crawler == "not_detected" && f.ThreatLevel == "low" &&
			m == origination.LocationMatchOut{Country: "match", Region: "match", City: "match", PostalCode: "match"}
	}
	grey := func(f origination.FactsOut, m origination.LocationMatchOut) bool {
		return f.Proxy == "unknown" && f.Tor == "unknown" && f.Crawler == "unknown" && f.ThreatLevel == "unknown" && m.Country == "unknown"
	}
	wants := []want{
		{clean, "waiting_for_approval", "done", "proceed", 0, 0, green},
		{"2001:db8::10", "waiting_for_approval", "done", "proceed", 0, 0, green},
		{"203.0.113.20", "rejected", "done", "reject", 1, 0, func(f origination.FactsOut, m origination.LocationMatchOut) bool {
			return f.Proxy == "detected" && m.City == "not_assessed"
		}},
		{"203.0.113.30", "rejected", "done", "reject", 0, 0, func(f origination.FactsOut, _ origination.LocationMatchOut) bool { return f.Tor == "detected" }},
		{"203.0.113.40", "waiting_for_approval", "done", "proceed", 0, 0, func(f origination.FactsOut, _ origination.LocationMatchOut) bool { return f.Crawler == "detected" }},
		{"203.0.113.50", "rejected", "done", "reject", 1, 0, func(f origination.FactsOut, _ origination.LocationMatchOut) bool { return f.ThreatLevel == "medium" }},
		{"203.0.113.60", "rejected", "done", "reject", 1, 0, func(f origination.FactsOut, _ origination.LocationMatchOut) bool { return f.ThreatLevel == "high" }},
		{"203.0.113.70", "waiting_for_approval", "done", "proceed", 0, 0, func(_ origination.FactsOut, m origination.LocationMatchOut) bool { return m.Country == "mismatch" }},
		{"203.0.113.80", "manual_review", "done", "manual_review", 0, 3, func(f origination.FactsOut, m origination.LocationMatchOut) bool {
			return f.Proxy == "unknown" && f.ThreatLevel == "unknown" && m.Country == "match"
		}},
		{"203.0.113.90", "manual_review", "unavailable", "manual_review", 0, 3, grey},
		{"203.0.113.100", "manual_review", "unavailable", "manual_review", 0, 3, grey},
		{"203.0.113.110", "manual_review", "unavailable", "manual_review", 0, 3, grey},
	}
	each(t, nil, func(t *testing.T, b *bench) {
		b.run(t)
		for _, w := range wants {
			out := b.checked(t, w.address)
			k, d := out.NetworkCheck, out.Decision
			if out.Status != w.status || k.State != w.state || d.Outcome != w.outcome || k.ClientAddress != w.address {
				t.Errorf("%s: status %s, check %s of %s, outcome %s", w.address, out.Status, k.State, k.ClientAddress, d.Outcome)
			}
			if !w.facts(k.Facts, k.LocationMatch) {
				t.Errorf("%s: facts %+v, match %+v", w.address, k.Facts, k.LocationMatch)
			}
			if d.RulesUsed != 3 || !d.Automatic || d.RulesUnknown != w.unknown || w.met > 0 && d.RulesMet < w.met {
				t.Errorf("%s: %d of %d rules met, %d unknown, automatic %v", w.address, d.RulesMet, d.RulesUsed, d.RulesUnknown, d.Automatic)
			}
			adverse := d.Outcome != "proceed"
			if adverse != (len(d.Reasons) > 0) || adverse == d.NoticeDue.IsZero() {
				t.Errorf("%s: reasons %q, notice due %s", w.address, d.Reasons, d.NoticeDue)
			}
			if adverse && d.NoticeDue != today(b).AddDays(30) {
				t.Errorf("%s: notice due %s", w.address, d.NoticeDue)
			}
			if len(k.Sources) != 1 || k.Sources[0].Name != "ipstack" || k.Sources[0].DecisionUse != "allowed" {
				t.Errorf("%s: sources %+v", w.address, k.Sources)
			}
			if (k.State == "unavailable") != (k.Failure != nil) {
				t.Errorf("%s: failure %+v", w.address, k.Failure)
			}
		}
		// Crawler and location are shown and not used.
		if r := rule(t, b.checked(t, "203.0.113.40").Decision, "crawler"); r.Enabled || r.Result != "hit" || r.Taken != "information_only" {
			t.Errorf("a crawler out of the box: %+v", r)
		}
	})
}

func TestABrokenAnswerNeitherPassesNorRejectsAnybody(t *testing.T) {
	bodies := map[string]string{
		"empty":             ``,
		"a list":            `[{"ip":"203.0.113.10","security":{"is_proxy":true}}]`,
		"another address":   `{"ip":"8.8.8.8","type":"ipv4","security":{"is_proxy":true,"is_tor":true,"threat_level":"high"}}`,
		"html":              `<html><script>alert(1)</script></html>`,
		"cut off":           `{"ip":"203.0.113.10","security":{"is_proxy":tr`,
		"error with flags":  `{"success":false,"error":{"code":"104","type":"usage_limit_reached","info":"4111 1111 1111 1111"},"security":{"is_tor":true}}`,
		"doubled":           `{"ip":"203.0.113.10"}{"ip":"203.0.113.10","security":{"is_proxy":true}}`,
		"deep":              strings.Repeat(`{"a":`, 20000),
		"oversize":          `{"ip":"203.0.113.10","x":"` + strings.Repeat("a", 1<<19) + `"}`,
		"wrong types":       `{"ip":"203.0.113.10","type":"ipv4","country_code":7,"security":{"is_proxy":"yes","is_tor":[],"is_crawler":{},"threat_level":3}}`,
		"null security":     `{"ip":"203.0.113.10","type":"ipv4","country_code":"US","security":null}`,
		"hostile text":      `{"ip":"203.0.113.10","type":"ipv4","country_code":"US","city":"4111111111111111\u202e\u0000<b>","security":null}`,
		"not even utf-8":    "{\"ip\":\"203.0.113.10\",\"city\":\"\xff\xfe\"}",
		"a number too long": `{"ip":"203.0.113.10","latitude":1e999,"security":{"threat_level":"extreme"}}`,
	}
	var body string
	each(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }, func(t *testing.T, b *bench) {
		b.run(t)
		for name, text := range bodies {
			body = text
			out := b.checked(t, clean)
			if out.Status != "manual_review" || out.Decision.Outcome != "manual_review" || out.Decision.RulesMet != 0 {
				t.Errorf("%s: %s, %s, %d met", name, out.Status, out.Decision.Outcome, out.Decision.RulesMet)
			}
			if all := printed(out); strings.Contains(all, "4111") || strings.Contains(all, "\u202e") || strings.Contains(all, accessKey) {
				t.Errorf("%s: something came through: %s", name, all)
			}
		}
	})
}

func TestAnApplicationLiesWithAnUnderwriterBeforeItsCheckAndAfterACrash(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		a := b.apply(t, clean, nil) // and nobody runs the job
		out := b.view(t, a)
		if out.Status != "manual_review" || out.NetworkCheck.State != "pending" || out.Decision.Outcome != "manual_review" || out.NetworkCheck.ClientAddress != clean {
			t.Fatalf("before the check: %s, %s, %s", out.Status, out.NetworkCheck.State, out.Decision.Outcome)
		}
		if b.standin.Calls() != 0 {
			t.Fatal("the submission asked the provider itself")
		}
		b.run(t) // the house is up again
		b.runner.Kick()
		b.await(t, origination.CheckJob)
		if out := b.view(t, a); out.Status != "waiting_for_approval" || out.NetworkCheck.State != "done" {
			t.Fatalf("after the check: %s, %s", out.Status, out.NetworkCheck.State)
		}
		hist, err := gatetest.Do(b.House, b.desk.History, b.Key("underwriter"), origination.Ref{ID: a})
		must(t, err)
		var steps []string
		for _, m := range hist.Transitions {
			steps = append(steps, m.From+">"+m.To)
		}
		if want := []string{"received>manual_review", "manual_review>waiting_for_approval"}; !slices.Equal(steps, want) || len(hist.Decisions) != 2 {
			t.Errorf("history %v with %d decisions", steps, len(hist.Decisions))
		}
	})
}

func TestACheckThatNeverComesIsGivenUpAndALateOneStillCounts(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		a := b.apply(t, clean, nil)
		ref := b.check(t, a)
		b.Advance(2 * time.Minute)
		_, err := gatetest.Do(b.House, b.desk.CheckExpire, b.System(), ref)
		must(t, err)
		out := b.view(t, a)
		if out.NetworkCheck.State != "unavailable" || out.Status != "manual_review" || out.NetworkCheck.Failure == nil || out.NetworkCheck.Failure.Code != "no_answer" {
			t.Fatalf("given up: %s %s %+v", out.NetworkCheck.State, out.Status, out.NetworkCheck.Failure)
		}
		b.run(t) // the check runs after all; its overdue job has nothing left to do
		b.runner.Kick()
		b.await(t, origination.CheckJob)
		if out := b.view(t, a); out.Status != "waiting_for_approval" || out.NetworkCheck.State != "done" {
			t.Fatalf("late: %s %s", out.Status, out.NetworkCheck.State)
		}
		_, err = gatetest.Do(b.House, b.desk.CheckExpire, b.System(), ref)
		must(t, err)
		if out := b.view(t, a); out.NetworkCheck.State != "done" {
			t.Fatal("a finished check was given up")
		}
	})
}

func TestALateCheckChangesNothingOnceAPersonHasActed(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		a := b.apply(t, "203.0.113.20", nil) // a proxy: the rules would reject
		_, err := gatetest.Do(b.House, b.desk.Approve, b.Screen("underwriter"), origination.ApproveIn{ID: a, AnnualRate: "12.5", Reason: "Known to us."})
		must(t, err)
		b.run(t)
		b.runner.Kick()
		b.await(t, origination.CheckJob)
		out := b.view(t, a)
		if out.Status != "approved" || out.Decision.Automatic || out.Decision.Outcome != "proceed" || out.NetworkCheck.Facts.Proxy != "detected" {
			t.Fatalf("%s, automatic %v, %s, proxy %s", out.Status, out.Decision.Automatic, out.Decision.Outcome, out.NetworkCheck.Facts.Proxy)
		}
		if n := b.count(t, `SELECT COUNT(*) FROM network_check WHERE application_id = ?`, a); n != 2 {
			t.Errorf("%d records of checks", n)
		}
	})
}

func TestDecidingAgainAsksNobodyUnlessTold(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		b.run(t)
		a := b.checked(t, "203.0.113.20")
		if a.Status != "rejected" || b.standin.Calls() != 1 {
			t.Fatalf("%s after %d calls", a.Status, b.standin.Calls())
		}
		for range 3 {
			b.view(t, a.ID)
		}
		off := b.rules(t)
		for i := range off.Rules {
			if off.Rules[i].Rule == "proxy" {
				off.Rules[i].Enabled = false
			}
		}
		_, err := gatetest.Do(b.House, b.desk.NetworkUpdate, b.Key("admin"), off)
		must(t, err)
		out, err := gatetest.Do(b.House, b.desk.Reprocess, b.Screen("underwriter"), origination.ReprocessIn{ID: a.ID, Reason: "The rules have changed."})
		must(t, err)
		if out.Status != "waiting_for_approval" || b.standin.Calls() != 1 {
			t.Fatalf("reprocessed: %s after %d calls", out.Status, b.standin.Calls())
		}
		again, err := gatetest.Do(b.House, b.desk.Reprocess, b.Screen("underwriter"), origination.ReprocessIn{ID: a.ID, Reason: "Look once more.", Recheck: true})
		must(t, err)
		if again.Status != "manual_review" {
			t.Fatalf("while it is checked again: %s", again.Status)
		}
		b.await(t, origination.CheckJob)
		if v := b.view(t, a.ID); v.NetworkCheck.State != "done" || v.Status != "waiting_for_approval" || b.standin.CallsFor(netip.MustParseAddr("203.0.113.20")) != 2 {
			t.Fatalf("%s %s after %d calls", v.NetworkCheck.State, v.Status, b.standin.Calls())
		}
	})
}

func TestAnAddressInsideIsNeverSentToTheProvider(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		b.run(t)
		for _, inside := range []string{"127.0.0.1", "10.1.2.3", "192.168.1.9", "100.64.0.1", "::1", "fe80::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"} {
			out := b.checked(t, inside)
			if out.Status != "manual_review" || out.NetworkCheck.State != "unavailable" || out.NetworkCheck.Failure.Code != "address_not_public" {
				t.Errorf("%s: %s %s %+v", inside, out.Status, out.NetworkCheck.State, out.NetworkCheck.Failure)
			}
		}
		if b.standin.Calls() != 0 {
			t.Errorf("the provider was asked %d times", b.standin.Calls())
		}
	})
}

func TestWithoutAConfirmedContractFactsRejectNobody(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		_, err := gatetest.Do(b.House, b.desk.ConnectionSet, b.Key("admin"), provider.ConnectionIn{BaseURL: b.url, TimeoutMS: 3000, UseConfirmed: confirmed(false)})
		must(t, err)
		b.run(t)
		out := b.checked(t, "203.0.113.60")
		if out.Status != "manual_review" || out.Decision.RulesMet < 1 || out.NetworkCheck.Sources[0].DecisionUse != "unknown" {
			t.Fatalf("%s, %d met, use %s", out.Status, out.Decision.RulesMet, out.NetworkCheck.Sources[0].DecisionUse)
		}
	})
}

func TestWithoutAKeyEverythingGoesToAnUnderwriter(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		out, err := gatetest.Do(b.House, b.desk.ConnectionSet, b.Key("admin"), provider.ConnectionIn{BaseURL: "https://api.ipstack.com", TimeoutMS: 400})
		must(t, err)
		if out.KeySet {
			t.Fatal("the key went along to another server")
		}
		b.run(t)
		a := b.checked(t, clean)
		if a.Status != "manual_review" || a.NetworkCheck.State != "unavailable" || a.NetworkCheck.Failure.Code != "no_access_key" || b.standin.Calls() != 0 {
			t.Fatalf("%s %s %+v, %d calls", a.Status, a.NetworkCheck.State, a.NetworkCheck.Failure, b.standin.Calls())
		}
	})
}

func TestTheQuotaPausesTheCheckAndTellsTheAdministrator(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		b.run(t)
		b.checked(t, "203.0.113.90")
		b.checked(t, "203.0.113.90")
		if n := b.standin.CallsFor(netip.MustParseAddr("203.0.113.90")); n != 1 {
			t.Errorf("%d calls for an address in pause", n)
		}
		out, err := gatetest.Do(b.House, b.desk.ConnectionView, b.Screen("admin"), provider.Nothing{})
		must(t, err)
		if out.Alert == nil || out.Alert.Failure != "usage_limit_reached" {
			t.Fatalf("alert %+v", out.Alert)
		}
		if e := b.Trail(t, audit.Filter{Operation: "ipstack.trouble.record"}); len(e) != 1 {
			t.Errorf("%d entries about the trouble", len(e))
		}
		if a := b.checked(t, clean); a.Status != "waiting_for_approval" {
			t.Errorf("the quota of one address shut the check off for another: %s", a.Status)
		}
		tested, err := gatetest.Do(b.House, b.desk.ConnectionTest, b.Key("admin"), provider.Nothing{})
		must(t, err)
		out, err = gatetest.Do(b.House, b.desk.ConnectionView, b.Screen("admin"), provider.Nothing{})
		must(t, err)
		if !tested.OK || out.Alert != nil || out.LastTest == nil || !out.LastTest.OK {
			t.Errorf("after a good test %+v: %+v", tested, out)
		}
	})
}

func TestTheConnectionIsTheAdministratorsAndItsKeyIsNeverShown(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		for _, role := range []string{"manager", "agent", "underwriter", "investor", "intake"} {
			_, err := gatetest.Do(b.House, b.desk.ConnectionView, b.Key(role), provider.Nothing{})
			wantKind(t, err, fault.Denied)
			_, err = gatetest.Do(b.House, b.desk.ConnectionSet, b.Key(role), provider.ConnectionIn{BaseURL: b.url, TimeoutMS: 400})
			wantKind(t, err, fault.Denied)
		}
		kept, err := gatetest.Do(b.House, b.desk.ConnectionSet, b.Key("admin"), provider.ConnectionIn{BaseURL: b.url, TimeoutMS: 500, UseConfirmed: confirmed(true)})
		must(t, err)
		if !kept.KeySet || kept.ConfirmedBy == "" || strings.Contains(printed(kept), accessKey) {
			t.Fatalf("%+v", kept)
		}
		bad, err := gatetest.Do(b.House, b.desk.ConnectionSet, b.Key("admin"), provider.ConnectionIn{BaseURL: b.url, AccessKey: secret.NewText("wrongkey"), TimeoutMS: 500})
		must(t, err)
		tested, err := gatetest.Do(b.House, b.desk.ConnectionTest, b.Screen("admin"), provider.Nothing{})
		must(t, err)
		if tested.OK || tested.Code != "invalid_access_key" || tested.Words == "" || !bad.UseConfirmed {
			t.Errorf("a wrong key: %+v", tested)
		}
		for _, in := range []provider.ConnectionIn{{BaseURL: "http://example.com", TimeoutMS: 400}, {BaseURL: b.url + "/?x=1", TimeoutMS: 400}, {BaseURL: b.url, TimeoutMS: 1}, {BaseURL: b.url, TimeoutMS: 400, AccessKey: secret.NewText("a b&c")}} {
			_, err := gatetest.Do(b.House, b.desk.ConnectionSet, b.Key("admin"), in)
			wantKind(t, err, fault.Invalid)
		}
		for _, e := range b.Trail(t, audit.Filter{Object: "settings/ipstack"}) {
			if all := printed(e); strings.Contains(all, accessKey) || strings.Contains(all, "wrongkey") {
				t.Error("the trail holds a key")
			}
		}
		if n := b.count(t, `SELECT COUNT(*) FROM ipstack_connection WHERE access_key = ?`, []byte("wrongkey")); n != 0 {
			t.Error("the key lies open")
		}
	})
}

func TestSubmitToDecisionBesideTheProvidersTime(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		b.run(t)
		b.checked(t, clean)
		const n = 20
		begin := time.Now()
		for range n {
			b.checked(t, clean)
		}
		t.Logf("submit to decision, seen through the underwriter's view: %v with a stand-in that answers at once", time.Since(begin)/n)
	})
}

func TestManyApplicationsFromOneAddressAreCounted(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		in := b.rules(t)
		for i := range in.Rules {
			if in.Rules[i].Rule == "velocity" {
				in.Rules[i].Enabled = true // from the third on: review
			}
		}
		_, err := gatetest.Do(b.House, b.desk.NetworkUpdate, b.Key("admin"), in)
		must(t, err)
		b.run(t)
		for i, want := range []string{"waiting_for_approval", "waiting_for_approval", "manual_review"} {
			if out := b.checked(t, "2001:db8::10"); out.Status != want {
				t.Errorf("application %d is %s: %+v", i+1, out.Status, rule(t, out.Decision, "velocity"))
			}
		}
		b.Advance(25 * time.Hour)
		if out := b.checked(t, "2001:db8::10"); out.Status != "waiting_for_approval" {
			t.Errorf("a day later: %s", out.Status)
		}
	})
}

func TestAnApplicantRuleRejectsByItself(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		got, err := gatetest.Do(b.House, b.desk.ApplicantRules, b.Key("admin"), rulebook.Nothing{})
		must(t, err)
		for i := range got.Rules {
			switch got.Rules[i].Rule {
			case "minimum_age":
				got.Rules[i].Enabled, got.Rules[i].Thresholds[0].Action = true, "automatic_rejection"
			case "open_applications":
				got.Rules[i].Enabled = true
			}
		}
		_, err = gatetest.Do(b.House, b.desk.ApplicantUpdate, b.Key("admin"), rulebook.RulesIn{Version: got.Version, Rules: got.Rules})
		must(t, err)
		in := newYorker()
		in.Applicant.DateOfBirth = "2008-11-23" // 18 tomorrow
		young, err := gatetest.Do(b.House, b.desk.Submit, b.Screen("underwriter"), in)
		must(t, err)
		if v := b.view(t, young.ID); v.Status != "rejected" || !slices.Equal(v.Decision.ReasonCodes, []string{"A-01"}) || v.Decision.Network.Used != 0 {
			t.Errorf("%s for %v", v.Status, v.Decision.ReasonCodes)
		}
		for i, want := range []string{"waiting_for_approval", "manual_review"} {
			out, err := gatetest.Do(b.House, b.desk.Submit, b.Screen("underwriter"), newYorker())
			must(t, err)
			if v := b.view(t, out.ID); v.Status != want {
				t.Errorf("application %d of one person is %s", i+1, v.Status)
			}
		}
	})
}
