package web_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// From where people and programs may call, and with which keys.

const rules = "/settings/address-rules"

func TestAnAddressRuleBindsAtTheNextCall(t *testing.T) {
	p := open(t)
	b := p.as(t, "admin")
	b.get(rules).want(200, "No address rules", "Add the first")
	bad := b.post(rules, "_form", "address", "name", "Office", "mode", "allow", "entries", "203.0.113.9/24\r\n0x7f.0.0.1", "active", "on").want(422, "Entry 1 has host bits set behind its prefix length. Write 203.0.113.0/24.", "Write 127.0.0.1.")
	if bad.held("name") != "Office" {
		t.Error("what was typed is lost")
	}
	agent := "user/" + string(p.People["agent"].ID)
	where := b.post(rules, "_form", "address", "name", "Office", "mode", "allow", "entries", "203.0.113.0/24\r\n2001:db8::/32\r\n", "active", "on", "_holders", "role/"+string(p.Roles["investor"]), "_another", agent).want(303).head.Get("Location")
	b.get(where).want(200, "Office", "Role Investor", "Agent Person", "256 IPv4 addresses, 4,294,967,296 IPv6 networks (/64)", "with no other rule", "take it from them first").without("Delete…")
	b.get(rules).want(200, "Allows only", "Role Investor, Agent Person")
	p.as(t, "agent").get("/me").want(403, "Calls from this address") // 127.0.0.1 is not among them
	p.browser(t).signIn("agent@acme.test", "whatever it is").want(401)
	b.post(where+"/delete", "_form", "delete").want(409, "This rule binds role “Investor” and Agent Person; take it from them first.")
	b.post(where, "_form", "address", "name", "Office", "mode", "allow", "entries", "203.0.113.0/24", "active", "on").to(where)
	p.as(t, "agent").get("/me").to("/my-access")
	b.post(where+"/delete", "_form", "delete").to(rules)
}

func TestMyAddressIsPutIntoTheForm(t *testing.T) {
	p := open(t)
	b := p.as(t, "admin")
	b.get(rules+"/new").want(200, "Put in my address, 127.0.0.1")
	page := b.post(rules+"/mine", "_form", "address", "name", "Home", "mode", "deny", "entries", "203.0.113.7", "active", "on", "_holders", "tenant").want(200)
	if page.held("name") != "Home" || page.held("entries") != "203.0.113.7 127.0.0.1" {
		t.Errorf("the form holds %q, %q", page.held("name"), page.held("entries"))
	}
	for n := range page.doc.Descendants() {
		if attr(n, "name") == "_holders" && attr(n, "value") == "tenant" && !has(n, "checked") {
			t.Error("the holder is lost")
		}
	}
	if trail := p.Trail(t, audit.Filter{Operation: "ip_rule.create"}); len(trail) != 0 {
		t.Error("something was saved")
	}
}

// The administrator shuts everybody out, is asked twice, is shut out, and comes
// back through the page that still opens.
func TestTheEditorIsShutOutAndComesBack(t *testing.T) {
	p := open(t)
	b := p.as(t, "admin")
	form := []string{"_form", "address", "name", "Denver office", "mode", "allow", "entries", "203.0.113.0/24", "active", "on", "_holders", "tenant"}
	asked := b.post(rules, form...).want(409, "‘Denver office’ shuts you out", "You call from 127.0.0.1", "I understand that I shut myself out")
	if asked.held("entries") != "203.0.113.0/24" || asked.held("_asked") != "yes" {
		t.Error("what was typed does not travel through the second question")
	}
	stay := b.post(rules+"/mine", append(form, "_asked", "yes")...).want(200)
	if stay.held("entries") != "203.0.113.0/24 127.0.0.1" || stay.held("name") != "Denver office" {
		t.Errorf("whoever stays in finds %q in the form", stay.held("entries"))
	}
	b.post(rules, append(form, "_asked", "yes")...).want(409, "Tick the box to go on")
	out := b.post(rules, append(form, "_asked", "yes", "_understood", "yes")...).want(200, "You have shut yourself out", "Take the change back", "Ends at")
	token := out.held("token")
	if len(token) != 43 {
		t.Fatalf("the way back is %q", token)
	}
	b.get(rules).want(403, "Calls from this address")
	p.browser(t).signIn("admin@acme.test", "whatever it is").want(401)
	stranger := p.browser(t)
	stranger.get("/way-back").want(200, "Take an address rule back", "Code").without(token)
	stranger.post("/way-back", "_form", "way-back", "token", "nonsense").want(401, "This way back is not known, is over, or has been used.")
	stranger.post("/way-back", "_form", "way-back", "token", token).want(200, "The change is taken back", "‘Denver office’ is as it was before")
	stranger.post("/way-back", "_form", "way-back", "token", token).want(401, "has been used")
	b.get(rules).want(200, "No address rules")
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func TestAKeyIsShownOnceRotatedAndRevoked(t *testing.T) {
	p := open(t)
	b := p.as(t, "admin")
	user := "/settings/users/" + string(p.People["agent"].ID) + "/keys"
	b.get(user).want(200, "API keys of Agent Person", "Make API key", "An expired password or a missing second factor stops no key")
	bad := b.post(user, "_form", "key", "label", "nightly export", "expires_at", "31/12/2027", "_narrow", "yes").want(422, "Give an instant", "Name at least one operation")
	if bad.held("label") != "nightly export" || bad.held("expires_at") != "31/12/2027" {
		t.Error("what was typed is lost")
	}
	made := b.post(user, "_form", "key", "label", "nightly export", "expires_at", "2027-12-31", "_narrow", "yes", "scope", "me.api_key.list", "scope", "user.list").want(200, "shown this one time", "The role does not permit at present, so neither does the key: user.list")
	at := strings.Index(visible(made.doc), "lk_")
	for !strings.HasPrefix(visible(made.doc)[at:], "lk_") || len(strings.Fields(visible(made.doc)[at:])[0]) < 30 {
		at += 1 + strings.Index(visible(made.doc)[at+1:], "lk_")
	}
	key := strings.Fields(visible(made.doc)[at:])[0]
	one := b.get(user).want(200, "nightly export", "2027-12-31", "2 operations", "1 of them not in the role", "Never used").without(key).first("/settings/api-keys/ak_")
	b.get(one).want(200, "Rotate key ‘nightly export’", "Revoke key ‘nightly export’", "Never used. Programs that hold it are refused from the next call on.", "In force").without(key)
	b.post(one, "_form", "key", "label", "hourly export", "expires_at", "", "_narrow", "no").to(one)
	b.get(one).want(200, "hourly export", "API key changed.")
	p.Advance(3 * time.Minute)
	b.post(one+"/rotate", "_form", "rotate", "overlap_hours", "many").want(422, "Enter a whole number")
	b.post(one+"/rotate", "_form", "rotate", "overlap_hours", "24").want(200, "API key rotated", "shown this one time")
	b.get(one).want(200, "Rotated", "the key after it").without("Rotate…")
	b.post(one+"/revoke", "_form", "revoke").to(user)
	b.get("/settings/api-keys?state=revoked").want(200, "hourly export", "Agent Person", "Revoked")
	b.post("/settings/api-keys/ak_none/revoke").want(404)

	agent := p.as(t, "agent")
	agent.get(user).want(403)
	mine := agent.get("/me/api-keys").want(200, "My API keys", "hourly export")
	act := ""
	for n := range mine.doc.Descendants() {
		if n.Data == "form" && strings.HasSuffix(attr(n, "action"), "/revoke") && strings.Contains(visible(dialogOf(n)), "hourly export") {
			act = attr(n, "action")
		}
	}
	agent.post(act).to("/me/api-keys")
	agent.post("/me/api-keys/" + string(p.People[policy.Manager].KeyID) + "/revoke").want(404)
}

func TestASiteKeyNamesItsOriginsAndIsRevoked(t *testing.T) {
	p := open(t)
	b := p.as(t, "admin")
	const sites = "/settings/site-keys"
	b.post(sites, "_form", "site", "label", "Form", "origins", "https://apply.example.com/path").want(422, "Give an origin")
	where := b.post(sites, "_form", "site", "label", "Form", "origins", "https://apply.example.com\nhttps://www.example.com").want(303).head.Get("Location")
	b.get(sites).want(200, "Form", "https://apply.example.com, https://www.example.com")
	b.get(where).want(200, "Revoke: site key ‘Form’", "cannot hand in applications from the next call on")
	b.post(where, "_form", "site", "label", "Our form", "origins", "https://www.example.com").to(where)
	b.post(where, "_form", "switch", "active", "false").to(where)
	b.get(where).want(200, "Our form", "Revoked", "Put in force again")
	b.post(where, "_form", "switch", "active", "true").to(where)
	b.get(sites).want(200, "In force")
	b.get(sites + "/sk_none").want(404)
}
