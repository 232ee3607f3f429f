package applications_test

import (
	"net/url"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// A limit on applications, as its holder meets it on the screens: what is in full
// is worked on; what may only be viewed opens, and its acts answer with the
// limit's own words; what is kept from them stands in no list or count, and its
// page says why.
func TestALimitOnApplicationsHoldsOnEveryScreen(t *testing.T) {
	o := open(t)
	full, viewed := o.applied(t, "203.0.113.10"), o.applied(t, "203.0.113.20")
	kept := o.applied(t, "203.0.113.10", "applicant.first_name", "Bea", "applicant.address.city", "Austin", "applicant.address.region", "TX", "applicant.address.postal_code", "78701")
	uw := o.as(t, "underwriter")
	uw.get("/applications").want(200, "A-1001", "A-1002", "A-1003", "1–3 of 3")
	uw.get("/applications/"+viewed).want(200, "Reject…", "Send for reprocessing…")

	const austin, compliance = "Texas is worked on in Austin.", "Rejected applications are with compliance."
	o.Restrict(t, "underwriter", policy.Restriction{Visible: "true", Applications: "true", Limits: []policy.Limit{
		{Area: "application", When: `application.state == "TX"`, Level: "none", Message: austin},
		{Area: "application", When: `application.status == "rejected"`, Level: "view", Message: compliance}}})

	uw.get("/applications").want(200, "A-1001", "A-1002", "1–2 of 2").without("A-1003", "Bea")
	uw.get("/applications?q=Bea").want(200, "No application matches").without("A-1003")
	uw.get("/applications/"+full).want(200, "Approve…", "Reject…", "Send for reprocessing…", "Related applications").without("A-1003", "Bea")

	page := uw.get("/applications/"+viewed).want(200, "A-1002", "Ada Example")
	uw.get("/applications/"+viewed+"?tab=risk").want(200, "Network security")
	page.without(`id="approve"`, `id="reject"`, `id="reprocess"`)
	before := len(o.Trail(t, audit.Filter{Operation: "application.reject", Outcome: "allowed"}))
	for verb, form := range map[string]url.Values{"reject": {"_form": {"reject"}, "reason": {"Proxy."}}, "reprocess": {"_form": {"reprocess"}, "reason": {"Again."}}, "approve": {"_form": {"approve"}, "reason": {"Fine."}, "annual_rate": {"9"}}} {
		uw.send("/applications/"+viewed+"/"+verb, form).want(403, compliance)
	}
	if after := len(o.Trail(t, audit.Filter{Operation: "application.reject", Outcome: "allowed"})); after != before {
		t.Error("something was rejected under a limit")
	}
	e := o.Trail(t, audit.Filter{Operation: "application.reject", Outcome: "denied", Limit: 1})[0]
	if e.Reason != "limit_too_low" || e.Rule != `application view when application.status == "rejected"` {
		t.Errorf("the trail does not name the limit: %s, %q", e.Reason, e.Rule)
	}

	for _, path := range []string{"", "?tab=risk", "?tab=customer", "/evidence?format=json"} {
		uw.get("/applications/"+kept+path).want(403, austin).without("Bea", "78701")
	}
	uw.send("/applications/"+kept+"/reject", url.Values{"_form": {"reject"}, "reason": {"x"}}).want(403, austin).without("Bea")
}
