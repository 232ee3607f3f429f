package web_test

import (
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// From a denied page to the granted right: asked by the person who was refused,
// explained and granted by another.
func TestADeniedPageLeadsToAskingAndToWhy(t *testing.T) {
	p := open(t)
	agent, admin := p.as(t, policy.Agent), p.as(t, policy.Admin)
	denied := agent.get("/settings/roles").want(403, "Request access").without("Why was this denied?")
	ask := denied.first("/access/request?")
	decision := strings.TrimPrefix(ask, "/access/request?decision=")
	agent.get(ask).want(200, "List roles", "Lend me “List roles” in the screens")
	agent.post("/access/request", "_form", "request", "decision", decision, "reason", "", "until", "2026-12-01").want(422, "What for?")
	agent.post("/access/request", "_form", "request", "decision", decision, "reason", "month-end", "until", "2026-12-01").to("/access/requests")
	agent.get("/access/requests").want(200, "List roles", "month-end", "Nothing waits for you", "until 2026-12-01").without(">2026-12-02 00:00<")
	one := admin.get("/access/requests").want(200, "Agent Person").first("/access/requests/rq_")
	admin.get(one).want(200, "Give “List roles” (role.list) to the role “Agent” in the screens", "ends by itself", "2026-12-01").without(">2026-12-02 00:00<")
	p.as(t, policy.Manager).get(one).want(404)
	admin.get("/settings/explain?decision="+decision).want(200, "Denied", "Agent Person → List roles", "What was recorded then", "for the same reason now")
	admin.post(one+"/grant", "_form", "grant", "until", "2026-12-01").to(one)
	agent.get("/settings/roles").want(200)
	agent.get("/my-access").want(200, "Agent with List roles until 2026-12-01", "List roles", "Lent until").without(">2026-12-02 00:00<")
	admin.get("/settings/explain?decision="+decision).want(200, "The same call is allowed now")
}

func TestAViewStandsInABannerOnEveryPage(t *testing.T) {
	p := open(t)
	admin := p.as(t, policy.Admin)
	admin.get("/settings/view-as").want(200, "View as this person")
	admin.post("/view-as", "_form", "person", "user", string(p.People[policy.Agent].ID)).to("/")
	admin.get("/my-access").want(200, "You are viewing as Agent Person (Agent)", "Nothing can be changed")
	admin.get("/settings/roles").want(403, "You are viewing as Agent Person").without("Request access")
	admin.post("/view-as/end").to("/settings/view-as")
	admin.get("/settings/roles").want(200).without("You are viewing as")
	if e := p.Trail(t, audit.Filter{Operation: "role.list", Outcome: "denied"}); len(e) != 1 || e[0].For != "user/"+string(p.People[policy.Agent].ID) {
		t.Errorf("the trail says %+v", e)
	}
	p.as(t, policy.Agent).post("/view-as", "_form", "role", "role", string(p.Roles[policy.Investor])).want(403)
}

func TestAChangeIsTriedOnTheScreen(t *testing.T) {
	p := open(t)
	admin := p.as(t, policy.Admin)
	admin.get("/settings/simulate").want(200, "Try role", "Try addresses")
	admin.get("/settings/simulate?of=role&role="+string(p.Roles[policy.Agent])+"&gives=role.list").want(200, "Agent Person", "role.list (ui)")
	admin.get("/settings/simulate?of=addresses&mode=allow&entries=203.0.113.0%2F24").want(200, "You could not call from your present address")
	admin.get("/settings/simulate?of=role&role="+string(p.Roles[policy.Agent])+"&gives=role.lst").want(200, "the nearest is role.list")
	p.as(t, policy.Agent).get("/settings/simulate").want(403)
}

// What is typed into “To what” is a loan's number or stands in the trail; anything
// else comes back with how to write it, and a page never says more than was asked.
func TestTheObjectOfAQuestionIsNamedAsPeopleKnowIt(t *testing.T) {
	p := open(t)
	admin := p.as(t, policy.Admin)
	ask := "/settings/explain?user=" + string(p.People[policy.Agent].ID) + "&operation=role.view&object="
	admin.get(ask+"roles%2Fro_1").want(200, "Write role/ and the id, as it stands in the audit trail.").without("Passed", "Allowed")
	admin.get(ask+"role%2Fro_1").want(200, "A loan’s number, or what stands in the audit trail", "whether it is there was not looked up")
	admin.get("/settings/simulate?of=restriction&visible=true&object=loans%2Fln_1").want(200, "Write loan/ln_… or a loan’s number.")
	p.as(t, policy.Agent).post("/access/request", "_form", "request", "operation", "role.view", "object", "roles/ro_1", "reason", "month-end", "until", "2026-12-01").want(422, "Write role/ and the id")
}
