package main_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
)

// The demo does what it says, on either engine.
func TestTheDemoBehavesAsItSays(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { behaves(t, startDemo(t)) })
	t.Run("postgres", func(t *testing.T) {
		server := os.Getenv(dbtest.Variable)
		if server == "" {
			t.Skip(dbtest.Variable + " names no PostgreSQL server")
		}
		prefix := "demo_" + strings.ToLower(rand.Text()[:8]) + "_"
		t.Cleanup(func() {
			for _, name := range []string{"directory", "demo", "demo_keys"} {
				if err := db.DropDatabase(context.Background(), server, prefix+name); err != nil {
					t.Errorf("dropping %s: %v", name, err)
				}
			}
		})
		behaves(t, startDemo(t, "--postgres", server, "--postgres-prefix", prefix))
	})
}

// behaves holds what the demo promises for each address of the stand-in, for an
// applicant who declares New York, NY 10001, US, and what it refuses.
func behaves(t *testing.T, r *running) {
	for _, want := range []struct {
		address, state, status, outcome string
		facts                           map[string]string
	}{
		{"203.0.113.10", "done", "waiting_for_approval", "proceed", map[string]string{"proxy": "not_detected", "tor": "not_detected", "crawler": "not_detected", "threat_level": "low"}},
		{"2001:db8::10", "done", "waiting_for_approval", "proceed", map[string]string{"proxy": "not_detected", "threat_level": "low"}},
		{"203.0.113.20", "done", "rejected", "reject", map[string]string{"proxy": "detected"}},
		{"203.0.113.30", "done", "rejected", "reject", map[string]string{"tor": "detected"}},
		{"203.0.113.40", "done", "waiting_for_approval", "proceed", map[string]string{"crawler": "detected"}},
		{"203.0.113.50", "done", "rejected", "reject", map[string]string{"threat_level": "medium"}},
		{"203.0.113.60", "done", "rejected", "reject", map[string]string{"threat_level": "high"}},
		{"203.0.113.70", "done", "waiting_for_approval", "proceed", map[string]string{"proxy": "not_detected"}},
		{"203.0.113.80", "done", "manual_review", "manual_review", map[string]string{"proxy": "unknown", "tor": "unknown", "threat_level": "unknown"}},
		{"203.0.113.90", "unavailable", "manual_review", "manual_review", map[string]string{"proxy": "unknown"}},
		{"203.0.113.100", "unavailable", "manual_review", "manual_review", map[string]string{"proxy": "unknown"}},
		{"203.0.113.110", "unavailable", "manual_review", "manual_review", map[string]string{"proxy": "unknown"}},
		{"203.0.113.10", "done", "waiting_for_approval", "proceed", nil}, // the quota error has not shut the check off
	} {
		t.Run(want.address, func(t *testing.T) {
			site := map[string]string{"Lendkeep-Site-Key": r.facts.SiteKey, "Origin": r.facts.SiteOrigin, "X-Forwarded-For": "198.51.100.200, " + want.address}
			status, made := r.call(t, "POST", "/applications", site, application(""))
			if status != 201 || made["status"] != "received" || len(made) != 2 {
				t.Fatalf("%d %v", status, made)
			}
			a := r.decided(t, made["id"].(string))
			if got := at(a, "network_check.client_address"); got != want.address {
				t.Errorf("client address %v: only the hop that the trusted proxy saw may count", got)
			}
			for path, v := range map[string]string{"network_check.state": want.state, "status": want.status, "decision.outcome": want.outcome} {
				if at(a, path) != v {
					t.Errorf("%s is %v, want %s", path, at(a, path), v)
				}
			}
			for k, v := range want.facts {
				if got := at(a, "network_check.facts."+k); got != v {
					t.Errorf("%s is %v, want %s", k, got, v)
				}
			}
			if want.address == "203.0.113.70" && at(a, "network_check.location_match.country") != "mismatch" {
				t.Errorf("country: %v", at(a, "network_check.location_match.country"))
			}
			if want.address == "203.0.113.10" && at(a, "network_check.location_match.postal_code") != "match" {
				t.Errorf("postal code: %v", at(a, "network_check.location_match.postal_code"))
			}
			if want.outcome == "reject" && (at(a, "decision.notice_due") == nil || len(at(a, "decision.reasons").([]any)) == 0) {
				t.Errorf("an adverse outcome without reasons or a date: %v", a["decision"])
			}
		})
	}
	t.Run("server key", func(t *testing.T) {
		server := map[string]string{"Authorization": "Bearer " + r.facts.ServerKey}
		status, made := r.call(t, "POST", "/applications", server, application("203.0.113.20"))
		if status != 201 {
			t.Fatalf("%d %v", status, made)
		}
		if a := r.decided(t, made["id"].(string)); at(a, "decision.outcome") != "reject" {
			t.Errorf("%v", a["decision"])
		}
		if status, p := r.call(t, "POST", "/applications", server, application("")); status != 422 {
			t.Errorf("without the client's address: %d %v", status, p)
		}
		if status, p := r.call(t, "POST", "/applications", server, application("10.0.0.1")); status != 422 {
			t.Errorf("a private address: %d %v", status, p)
		}
	})
	t.Run("by hand", func(t *testing.T) {
		status, made := r.call(t, "POST", "/applications", r.as("underwriter"), application(""))
		if status != 201 {
			t.Fatalf("%d %v", status, made)
		}
		if a := r.decided(t, made["id"].(string)); at(a, "network_check.state") != "not_applicable" {
			t.Errorf("an officer's own address was checked: %v", a["network_check"])
		}
	})
	t.Run("another origin", func(t *testing.T) {
		if status, p := r.call(t, "POST", "/applications", map[string]string{"Lendkeep-Site-Key": r.facts.SiteKey, "Origin": "https://evil.example"}, application("")); status != 401 {
			t.Errorf("%d %v", status, p)
		}
	})
	t.Run("denials", func(t *testing.T) { denials(t, r) })
	t.Run("investor", func(t *testing.T) { investor(t, r) })
	t.Run("bad input", func(t *testing.T) { badInput(t, r) })
}

func denials(t *testing.T, r *running) {
	status, p := r.call(t, "GET", "/users", r.as("agent"), nil)
	if status != 403 || p["reason"] != "role_lacks_operation" || p["decision_id"] == nil {
		t.Fatalf("%d %v", status, p)
	}
	_, trail := r.call(t, "GET", "/audit?outcome=denied&operation=user.list", r.as("admin"), nil)
	e := trail["items"].([]any)[0].(map[string]any)
	if e["decision_id"] != p["decision_id"] || e["channel"] != "api" || e["address"] == "" || e["outcome"] != "denied" {
		t.Fatalf("the denial's entry: %v", e)
	}
	status, x := r.call(t, "POST", "/access/explain", r.as("admin"), map[string]any{"user": r.facts.Users["agent"].ID, "operation": "user.list", "object": "", "address": "127.0.0.1"})
	if status != 200 || x["allowed"] != false || x["would_allow"] == "" {
		t.Fatalf("%d %v", status, x)
	}
	if status, p := r.call(t, "GET", "/nowhere", r.as("agent"), nil); status != 404 {
		t.Fatalf("%d %v", status, p)
	}
	if status, p := r.call(t, "GET", "/loans", nil, nil); status != 401 {
		t.Fatalf("%d %v", status, p)
	}
}

func investor(t *testing.T, r *running) {
	_, all := r.call(t, "GET", "/loans?limit=200", r.as("admin"), nil)
	inside, outside := map[string]bool{}, []map[string]any{}
	for _, v := range all["items"].([]any) {
		l := v.(map[string]any)
		if strings.Contains(fmt.Sprint(l["portfolios"]), "Acme") {
			inside[l["id"].(string)] = true
		} else {
			outside = append(outside, l)
		}
	}
	if len(inside) == 0 || len(outside) == 0 {
		t.Fatal("the sample has nothing to tell apart")
	}
	_, mine := r.call(t, "GET", "/loans?limit=200&sort=-principal_balance", r.as("investor"), nil)
	if int(mine["total"].(float64)) != len(mine["items"].([]any)) {
		t.Errorf("total %v of %d shown", mine["total"], len(mine["items"].([]any)))
	}
	for _, v := range mine["items"].([]any) {
		if !strings.Contains(fmt.Sprint(v.(map[string]any)["portfolios"]), "Acme") {
			t.Errorf("outside the portfolio: %v", v)
		}
	}
	for _, l := range outside[:5] {
		id := l["id"].(string)
		for _, path := range []string{"/loans/" + id, "/loans/" + id + "/schedule", "/loans/" + id + "/payments"} {
			if status, p := r.call(t, "GET", path, r.as("investor"), nil); status != 404 || p["reason"] != "not_found" {
				t.Errorf("%s: %d %v", path, status, p)
			}
		}
		if _, found := r.call(t, "GET", "/loans?q="+l["number"].(string), r.as("investor"), nil); len(found["items"].([]any)) != 0 || found["total"].(float64) != 0 {
			t.Errorf("search finds %v", found)
		}
	}
	status, apps := r.call(t, "GET", "/applications", r.as("investor"), nil)
	if status != 403 {
		t.Errorf("applications: %d %v", status, apps)
	}
}

func badInput(t *testing.T, r *running) {
	bad := application("203.0.113.10")
	bad["applicant"].(map[string]any)["first_name"] = "4111 1111 1111 1111"
	bad["surprise"] = true
	server := map[string]string{"Authorization": "Bearer " + r.facts.ServerKey}
	status, p := r.call(t, "POST", "/applications", server, bad)
	if status != 422 || strings.Contains(fmt.Sprint(p), "4111") {
		t.Errorf("%d %v", status, p)
	}
	delete(bad, "surprise")
	status, p = r.call(t, "POST", "/applications", server, bad)
	if status != 422 || strings.Contains(fmt.Sprint(p), "4111") || !strings.Contains(fmt.Sprint(p), "first_name") {
		t.Errorf("a card number: %d %v", status, p)
	}
	for _, path := range []string{"/loans/ln_nothing", "/loans/%00", "/loans?sort=ssn", "/loans?cursor=x", "/loans?limit=-1", "/applications?from=never", "/audit?address=x"} {
		if status, p := r.call(t, "GET", path, r.as("admin"), nil); status < 400 || status > 499 {
			t.Errorf("%s: %d %v", path, status, p)
		}
	}
}
