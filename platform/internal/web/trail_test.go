package web_test

import (
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
)

// TestAnOfficerLooksThroughTheTrail: from the list by a facet to the entry, to its
// object's history, and out as a file; whoever may not look finds no way in.
func TestAnOfficerLooksThroughTheTrail(t *testing.T) {
	p := open(t)
	b := p.as(t, "admin")
	where := b.post("/settings/users", "_form", "user", "name", "Nia Okafor", "email", "nia@acme.test", "role", "Agent").want(303).head.Get("Location")
	ref := "user/" + strings.TrimPrefix(where, "/settings/users/")
	p.as(t, "agent").get(where).want(403)
	if _, err := p.Tenant.Trail.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}

	list := b.get("/audit?object="+ref).want(200, "What these 2 entries are", "Person", "Operation", "Channel", "Admin Person", "Add user", "Table (CSV)", "Events (OCSF 1.6, JSON lines)", "Export all about it, signed")
	if !strings.Contains(list.text, "object="+strings.ReplaceAll(ref, "/", "%2F")+"&amp;outcome=denied") {
		t.Error("no number leads to what was denied")
	}
	b.get("/audit?outcome=denied&object="+ref).want(200, "What this entry is", "Denied")

	b.get(where).want(200, "History", "What they did")
	history := b.get("/audit/of/"+ref).want(200, "History of User", "Add user", "Name Nia Okafor", "denied")
	history.first("/audit/au_")
	entry := "/audit/" + string(p.Trail(t, audit.Filter{Object: ref, Outcome: "denied", Limit: 1})[0].ID)
	b.get(entry).want(200, "As it was recorded then.", "Refused", "Older entry", "Timeline", "Export this entry", "Policy version")

	b.get("/audit/export?format=csv&object="+ref).want(200, "time,sequence,id", "user.create", "denied")
	b.get("/audit/export?format=ocsf&object="+ref).want(200, `"class_uid":3001`, `"type_uid":300101`, `"version":"1.6.0"`)
	if signed := b.get("/audit/export?entry="+strings.TrimPrefix(entry, "/audit/")).want(200, strings.TrimPrefix(entry, "/audit/")); strings.Count(signed.text, "au_") > 3 {
		t.Errorf("the file of one entry holds more: %s", signed.text)
	}
	b.get("/audit/export?entry=" + strings.TrimPrefix(entry, "/audit/") + "&outcome=denied").want(422)

	agent := p.as(t, "agent")
	agent.get("/audit/of/" + ref).want(403)
	agent.get("/audit/export?format=csv").want(403)
}
