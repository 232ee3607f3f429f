package applications_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// holds narrows the underwriter to some operations.
func (o *office) holds(t *testing.T, names ...string) {
	t.Helper()
	must(t, o.Write(func(ctx context.Context, tx *db.Tx) error {
		roles, err := policy.Roles(ctx, tx)
		if err != nil {
			return err
		}
		for _, r := range roles {
			if r.Shipped == policy.Underwriter {
				r.UI, r.API, r.Customized = names, names, true
				if err := policy.UpdateRole(ctx, tx, r); err != nil {
					return err
				}
			}
		}
		return policy.Bump(ctx, tx)
	}))
}

// What an underwriter is not told of checks and decisions leaves no empty column,
// filter, tile or button behind; the facts stand without the decision where only
// they may be viewed.
func TestAScreenOffersWhatItsReaderIsToldOfChecksAndDecisions(t *testing.T) {
	o := open(t)
	a := o.applied(t, "203.0.113.20")
	uw := o.as(t, "underwriter")
	const filter, again = `name="outcome"`, `name="recheck"`
	uw.get("/applications").want(200, "Outcome", "reject").without("Network check")
	uw.get("/applications/"+a+"?tab=risk").want(200, "Network security", "What each rule did", "rules v1", "Evidence as PDF", "Also check the network again")

	always := []string{"application.view", "application.list", "application.history", "application.evidence", "application.reprocess"}
	o.holds(t, always...)
	uw.get("/applications").want(200, "A-1001", "rejected").without("Outcome", "Network check", filter, "proxy")
	uw.get("/applications?outcome=reject").want(403, "cannot be filtered by their outcome").without("A-1001")
	uw.get("/applications/"+a+"?tab=risk").want(200, "Send for reprocessing").without("Risk score", "Network security", "Evidence as", again, "proxy")
	uw.get("/applications/"+a+"?tab=transitions").want(200, "Transitions").without("Decisions")
	uw.get("/applications/"+a+"/evidence?format=pdf").want(403, "does not view both")

	o.holds(t, append(always, "application.network_check.view")...)
	uw.get("/applications").want(200, "Network check", "done").without("Outcome", filter)
	uw.get("/applications/"+a+"?tab=risk").want(200, "Risk score", "Network security", "Proxy", "detected", "Also check the network again").
		without("rules met", "rules v", "not used", "What each rule did", "Applicant</h2>")

	o.holds(t, append(always, "application.decision.view")...)
	uw.get("/applications").want(200, "Outcome").without("Network check")
	uw.get("/applications/"+a+"?tab=risk").want(200, "Risk score", "What each rule did").without("Network security", again)
}

// Whoever may save rules and not preview them is offered nothing that leads to the
// preview: presets open the page anew, and thresholds come and go with script alone.
func TestRulesAreEditedWithoutTheRightToPreview(t *testing.T) {
	o := open(t)
	o.holds(t, "decision_engine.view", "decision_engine.applicant.view", "decision_engine.update", "decision_engine.applicant.update")
	uw := o.as(t, "underwriter")
	const home = "/settings/decision-engine"
	p := uw.get(home).want(200, "Save as v2", "Presets", "Review first").without(home+"/preview", ">Preview<")
	adds := 0
	for n := range p.doc.Descendants() {
		if name := attr(n, "name"); name == "preset" || name == "add_threshold" || name == "remove_threshold" {
			if adds++; attr(n, "type") != "button" || !strings.Contains(attr(n, "class"), "scripted") {
				t.Errorf("%s posts to what may not be called", name)
			}
		}
	}
	if adds == 0 {
		t.Error("no threshold can be added")
	}
	uw.get(home+"?preset=review_first").want(200, "“Review first” is filled in")
	form := p.form(home)
	form.Set("proxy.action", "manual_review")
	if p := uw.send(home+"/network", form); p.status != http.StatusSeeOther {
		t.Errorf("saved: %d %s", p.status, p.seen())
	}
	o.as(t, "admin").get(home).want(200, "Preview").want(200, "Save as v3")
}
