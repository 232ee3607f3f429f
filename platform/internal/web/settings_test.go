package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/operation"
)

var pages = []string{"/settings/users", "/settings/users/new", "/settings/roles", "/settings/search-restrictions", "/settings/search-restrictions/new",
	"/settings/address-rules", "/settings/address-rules/new", "/settings/site-keys", "/settings/site-keys/new", "/settings/api-keys", "/me/api-keys", "/settings/explain", "/audit"}

func TestTheStartIsTheFirstWorkplace(t *testing.T) {
	p := open(t)
	p.as(t, "admin").get("/").to("/audit") // loans and applications have no rooms in this house
	p.as(t, "agent").get("/").to("/my-access")
	p.browser(t).get("/").to("/signin")
}

func TestWhoMayNotIsToldWhatIsMissing(t *testing.T) {
	p := open(t)
	for _, role := range []string{"manager", "agent", "underwriter", "investor"} {
		b := p.as(t, role)
		for _, path := range []string{"/settings/users", "/settings/roles", "/settings/search-restrictions", "/settings/address-rules", "/settings/site-keys", "/settings/explain", "/audit"} {
			got := b.get(path).want(403, "does not hold", "Decision dc_").without("Why was this denied?", `href="/settings"`, `href="/audit"`)
			entries := p.Trail(t, audit.Filter{Outcome: "denied", Limit: 1})
			if len(entries) == 0 || !strings.Contains(visible(got.doc), string(entries[0].DecisionID)) || entries[0].Channel != operation.UI || entries[0].Reason != "role_lacks_operation" {
				t.Errorf("%s at %s: no entry tells of it", role, path)
			}
		}
		b.post("/settings/users", "name", "Eve", "email", "eve@acme.test", "role", "Admin").want(403, "does not hold “Add user”")
		// The right comes before what is wrong with the address or the form.
		b.get("/audit?limit=many").want(403)
		b.post("/settings/users", "unknown", "x").want(403)
	}
	p.as(t, "admin").get("/settings/users").want(200).without("eve@acme.test")
}

func TestNobodyIsSentToTheDoor(t *testing.T) {
	p := open(t)
	b := p.browser(t)
	for _, path := range append(pages, "/me", "/settings", "/nothing/here") {
		if got := b.get(path); got.status != 303 || !strings.HasPrefix(got.head.Get("Location"), "/signin?next=") {
			t.Errorf("%s: %d %s", path, got.status, got.head.Get("Location"))
		}
	}
}

func TestEveryPageOpensForTheAdministrator(t *testing.T) {
	p := open(t)
	b := p.as(t, "admin")
	for _, path := range append(pages, "/settings", "/my-access") {
		b.get(path).want(200, "Acme Lending", "Admin Person", "Sign out")
	}
	for role, id := range p.Roles {
		b.get("/settings/roles/"+string(id)).want(200, "Screens", "API", "Government id")
		b.get("/settings/users/" + string(p.People[role].ID)).want(200)
	}
	b.get("/nothing/here").want(404, "There is no such page")
	b.get("/settings/users/us_nobody").want(404, "Decision dc_")
	if p.Trail(t, audit.Filter{Operation: "page.unknown"})[0].Detail["path"] != "/nothing/here" {
		t.Error("the unknown page is not in the trail")
	}
	if got := b.send(must(http.NewRequest("PUT", origin+"/settings/users", nil))); got.status != 405 || got.head.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("PUT answered %d", got.status)
	}
	if got := b.send(must(http.NewRequest("HEAD", origin+"/settings/users", nil))); got.status != 200 || got.text != "" {
		t.Errorf("HEAD answered %d %q", got.status, got.text)
	}
}

func must(r *http.Request, err error) *http.Request {
	if err != nil {
		panic(err)
	}
	return r
}

func TestAUserIsAddedChangedAndBoundToRows(t *testing.T) {
	p := open(t)
	b := p.as(t, "admin")
	bad := b.post("/settings/users", "_form", "user", "name", "Nia Okafor", "email", "not an address", "role", "Agent").want(422, "Give an e-mail address")
	if bad.held("role") != "Agent" || bad.held("name") != "Nia Okafor" || bad.held("email") != "not an address" {
		t.Error("what was typed is lost")
	}
	b.post("/settings/search-restrictions", "_form", "restriction", "name", "Active only", "visible", `loan.status == "Active"`, "borrowers", "", "applications", "").want(303)
	list := b.get("/settings/search-restrictions").want(200, "Active only")
	restriction := list.first("/settings/search-restrictions/sr_")
	added := b.post("/settings/users", "_form", "user", "name", "Nia Okafor", "email", "nia@acme.test", "role", "Agent").want(303)
	where := added.head.Get("Location")
	b.get(where).want(200, "User added.", "Nia Okafor", "nia@acme.test", "Agent")
	b.post(where, "_form", "user", "_boxes", "active", "_boxes", "search_restrictions", "name", "Nia Okafor", "role", "Underwriter", "search_restrictions", strings.TrimPrefix(restriction, "/settings/search-restrictions/")).to(where)
	b.get(where).want(200, "Underwriter", "Off", "Active only", "Sees only")
	e := p.Trail(t, audit.Filter{Operation: "user.update"})[0]
	if len(e.Changes) != 3 || e.ActorName != "Admin Person" || e.Outcome != operation.Allowed {
		t.Errorf("the entry holds %+v", e.Changes)
	}
	b.get(restriction).want(200, "Nia Okafor", "take it from them first").without("Delete search restriction")
	b.post(where, "_form", "user", "_boxes", "active", "_boxes", "search_restrictions", "name", "Nia Okafor", "role", "Underwriter", "active", "on").to(where)
	b.post(restriction+"/delete", "_form", "delete").want(303)
	b.get("/settings/search-restrictions").want(200, "No search restrictions")
}

// first is the first link of the page that begins so.
func (p *page) first(prefix string) string {
	for n := range p.doc.Descendants() {
		if h := attr(n, "href"); n.Data == "a" && strings.HasPrefix(h, prefix) {
			return h
		}
	}
	p.t.Errorf("no link begins with %s", prefix)
	return ""
}

func TestNobodyChangesTheirOwnAccess(t *testing.T) {
	p := open(t)
	b := p.as(t, "admin")
	me := "/settings/users/" + string(p.People["admin"].ID)
	b.get(me).want(200, "Nobody changes their own access").without(`name="role"`, `name="active"`)
	b.post(me, "_form", "user", "name", "Admin Person", "role", "Agent").want(403, "Nobody changes their own access")
	b.post(me, "_form", "user", "name", "A. Person").to(me)
}

func dialogOf(n *html.Node) *html.Node {
	for n.Data != "dialog" {
		n = n.Parent
	}
	return n
}

func TestAnExpressionIsRefusedAtItsPlace(t *testing.T) {
	p := open(t)
	b := p.as(t, "admin")
	wrong := `loan.status == "Active" && loan.colour == "red"`
	got := b.post("/settings/search-restrictions", "_form", "restriction", "name", "Wrong", "visible", wrong).want(422, "One thing needs mending")
	if got.held("visible") != wrong || got.held("name") != "Wrong" {
		t.Errorf("what was typed is lost: %q", got.held("visible"))
	}
	field := false
	for n := range got.doc.Descendants() {
		field = field || attr(n, "aria-invalid") == "true" && attr(n, "name") == "visible"
	}
	if !field {
		t.Error("the field is not marked")
	}
}

func TestWhyTellsTheLayers(t *testing.T) {
	p := open(t)
	b := p.as(t, "admin")
	agent := string(p.People["agent"].ID)
	b.get("/settings/explain?user="+agent+"&operation=user.create").want(200, "Denied", "Agent Person → Add user", "Smallest change that would allow it", "Give “Add user” (user.create) to the role “Agent” in the screens")
	b.get("/settings/explain?user="+string(p.People["admin"].ID)+"&operation=user.create&address=203.0.113.9").want(200, "Allowed")
	wrong := b.get("/settings/explain?user="+agent+"&operation=user.create&address=here").want(200, "Give an IP address")
	if wrong.held("address") != "here" || wrong.held("user") != agent {
		t.Error("what was typed is lost")
	}
}

func TestTheTrailIsFilteredPagedAndRead(t *testing.T) {
	p := open(t)
	b := p.as(t, "admin")
	for i := range 60 {
		p.Advance(time.Second)
		p.as(t, "agent").get(fmt.Sprintf("/settings/users?n=%d", i)).want(403)
	}
	list := b.get("/audit?outcome=denied&actor=user/"+string(p.People["agent"].ID)).want(200, "by Agent Person", "and", "denied", "1–50 of 60", "role lacks operation")
	next := list.first("/audit?_at=50")
	b.get(next).want(200, "51–60 of 60", "denied").first("/audit?actor=")
	b.get("/audit?outcome=denied&from=2026-11-22&to=2026-11-22").want(200, "from 2026-11-22 on", "of 60")
	b.get("/audit?from=2026-11-23").want(200, "No entry fits")
	b.get("/audit?from=31/12").want(200, "Give a date such as 2026-11-22")
	b.get("/audit?outcome=perhaps").want(200, "Choose one of the listed values")
	b.get("/audit?cursor=forged").want(200, "Take the cursor")
	entry := list.first("/audit/au_")
	why := b.get(entry).want(200, "Denied", "Role lacks operation", "Agent Person", "List users").first("/settings/explain?")
	b.get(why).want(200, "Denied", "Agent Person → List users")
	b.post("/settings/users/"+string(p.People["agent"].ID), "_form", "user", "name", "Sam Agent").want(303)
	changed := b.get("/audit?operation=user.update").first("/audit/au_")
	b.get(changed).want(200, "Agent Person", "Sam Agent", "Before", "After").first("/settings/users/" + string(p.People["agent"].ID))
	b.get("/audit/au_nothing").want(404)
}
