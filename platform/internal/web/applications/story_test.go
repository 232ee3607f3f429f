package applications_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

func TestABorrowerAppliesInTwoStepsAndLearnsNothingOfRules(t *testing.T) {
	o := open(t)
	b := o.browser(t)
	first := b.get("/apply/"+o.site).want(200, "About you", "Acme Lending", "Applicant's network (demo)")
	form := first.form("/apply/" + o.site + "/loan")
	once := form.Get("_once")
	p := b.send("/apply/"+o.site+"/loan", form).want(422, "Enter your first name.", "Enter your Social Security number.")
	for name, v := range applicant("_network", "203.0.113.20") {
		if !strings.HasPrefix(name, "requested.") {
			form[name] = v
		}
	}
	form.Set("applicant.date_of_birth", "1990-02-31")
	p = b.send("/apply/"+o.site+"/loan", form).want(422, "Enter your date of birth as YYYY-MM-DD")
	if kept := p.form("/apply/" + o.site + "/loan"); kept.Get("applicant.date_of_birth") != "1990-02-31" || kept.Get("applicant.first_name") != "Ada" {
		t.Errorf("what was typed is lost: %v", kept)
	}
	form.Set("applicant.date_of_birth", "1990-04-01")
	second := b.send("/apply/"+o.site+"/loan", form).want(200, "Your loan", "A last look", "ends in 6789", "we check the internet connection")
	last := second.form("/apply/" + o.site + "/send")
	if last.Get("_once") != once {
		t.Error("the key of the form was lost between the steps")
	}
	b.send("/apply/"+o.site+"/send", last).want(422, "Enter the amount that you need.")
	last.Set("requested.amount", "$5,000")
	changed := b.send("/apply/"+o.site+"/change", last).want(200, "About you").form("/apply/" + o.site + "/loan")
	if changed.Get("applicant.address.city") != "New York" || changed.Get("applicant.first_name") != "Ada" || changed.Get("requested.amount") != "$5,000" {
		t.Errorf("going back lost something: %v", changed)
	}
	done := b.send("/apply/"+o.site+"/send", last)
	again := b.send("/apply/"+o.site+"/send", last)
	if done.status != http.StatusSeeOther || again.head.Get("Location") != done.head.Get("Location") {
		t.Fatalf("pressing twice: %d %q, then %d %q", done.status, done.head.Get("Location"), again.status, again.head.Get("Location"))
	}
	o.checked(t)
	b.get(strings.TrimPrefix(done.head.Get("Location"), origin)).want(200, "We have your application", "Your reference").without("proxy", "Proxy", "reject", "rule")
	last.Set("requested.amount", "6000")
	b.send("/apply/"+o.site+"/send", last).want(409, "This form was sent already")
	out, err := gatetest.Do(o.House, o.desk.List, o.Key("underwriter"), origination.ListIn{})
	must(t, err)
	if len(out.Items) != 1 || out.Items[0].Status != "rejected" || out.Items[0].Amount.String() != "5000.00" {
		t.Errorf("in the docket: %+v", out.Items)
	}
	entries := o.Trail(t, audit.Filter{Operation: "application.submit", Outcome: "allowed"})
	if len(entries) == 0 || entries[0].Channel.String() != "portal" {
		t.Errorf("in the trail: %+v", entries)
	}
}

func TestAFormThatNobodyKnowsIsKindAndAnApplicantsMistakesComeBackToTheirStep(t *testing.T) {
	o := open(t)
	b := o.browser(t)
	b.get("/apply/pk_nobody").want(404, "There is no form here").without("decision")
	b.send("/apply/pk_nobody/send", applicant()).want(404, "There is no form here")
	b.send("/apply/"+o.site+"/send", applicant("applicant.ssn", "000-12-3456")).want(422, "About you", "social security number that can exist")
	b.send("/apply/"+o.site+"/send", applicant("requested.amount", "-5")).want(422, "Your loan", "Give an amount")
	b.send("/apply/"+o.site+"/send", applicant("requested.purpose", "card 4111 1111 1111 1111")).want(422).without("4111")
	if out, err := gatetest.Do(o.House, o.desk.List, o.Key("underwriter"), origination.ListIn{}); err != nil || out.Total != 0 {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestTheTileSaysWhatIsKnownAndNeverCallsTheUnknownGreen(t *testing.T) {
	o := open(t)
	uw := o.as(t, "underwriter")
	for _, s := range []struct {
		network string
		says    []string
		never   []string
	}{
		{"203.0.113.10", []string{"✓ Proxy not detected", "✓ Location New York, US, as declared", "✓ Threat level low", "0 of 3 rules met", "rules v1"}, nil},
		{"203.0.113.20", []string{"✗ Proxy detected", "of 3 rules met"}, []string{"✓ Proxy"}},
		{"203.0.113.30", []string{"✗ Tor detected"}, []string{"✓ Tor"}},
		{"203.0.113.40", []string{"✗ Crawler detected", "(not used)"}, nil},
		{"203.0.113.50", []string{"✗ Threat level medium", "1 of 3 rules met"}, nil},
		{"203.0.113.70", []string{"! Location", "≠ declared New York, US (not used)", "mismatch"}, []string{"✓ Location"}},
		{"203.0.113.80", []string{"? Proxy unknown", "? Tor unknown", "? Threat level unknown", "0 of 3 rules met · 3 unknown"}, []string{"✓ Proxy", "✓ Threat"}},
		{"203.0.113.90", []string{"? unavailable", "quota", "? Proxy unknown", "? Location unknown"}, []string{"✓ Proxy", "✓ Location"}},
		{"203.0.113.110", []string{"? unavailable", "not readable JSON"}, []string{"✓ Tor"}},
	} {
		a := o.applied(t, s.network, "applicant.email", "a"+strings.NewReplacer(".", "", ":", "").Replace(s.network)+"@example.com")
		p := uw.get("/applications/"+a+"?tab=risk").want(200, s.says...)
		tile := p.seen()
		tile = tile[strings.Index(tile, "Network security"):]
		for _, never := range s.never {
			if strings.Contains(tile, never) {
				t.Errorf("%s: the tile says %q: %s", s.network, never, tile)
			}
		}
	}
	b := o.as(t, "underwriter")
	made := b.send("/applications/new", applicant("_form", "new", "_once", "k1"))
	b.get(made.head.Get("Location")+"?tab=risk").want(200, "? not applicable", "Entered by an officer", "? Proxy not checked")
}

func TestUnderwriting(t *testing.T) {
	o := open(t)
	one, two := o.applied(t, "203.0.113.10"), o.applied(t, "203.0.113.20")
	uw := o.as(t, "underwriter")
	uw.get("/applications?status=rejected&q=Example").want(200, "Applications rejected ✕ and matching “Example”", "A-1002").without("A-1001")
	uw.get("/applications?q=zzz").want(200, "No application matches")
	p := uw.get("/applications/"+one+"?status=waiting_for_approval&tab=summary").want(200, "A-1001 Ada Example", "Approve…", "Reject…", "Send for reprocessing…", "due in 30 days", "Related applications", "A-1002 Ada Example e-mail, phone")
	for tab, says := range map[string]string{"customer": "Date of birth", "documents": "does not open the documents", "schedule": "No schedule yet", "transitions": "From manual review to waiting for approval"} {
		uw.get("/applications/"+one+"?tab="+tab).want(200, says)
	}
	approve := p.form("/applications/" + one + "/approve")
	path := "/applications/" + one + "/approve?status=waiting_for_approval&tab=summary"
	approve.Set("annual_rate", "lots")
	back := uw.send(path, approve).want(422, "Say why, in a sentence.")
	approve.Set("reason", "Income verified.")
	back = uw.send(path, approve).want(422, "Write per cent a year")
	if kept := back.form("/applications/" + one + "/approve"); kept.Get("annual_rate") != "lots" || kept.Get("reason") != "Income verified." {
		t.Errorf("what was typed is lost: %v", kept)
	}
	approve.Set("annual_rate", "12.5 %")
	approve.Set("amount", "4,500.00")
	if p := uw.send(path, approve); p.status != http.StatusSeeOther || p.head.Get("Location") != "/applications/"+one+"?status=waiting_for_approval&tab=summary" {
		t.Fatalf("approving: %d %q %s", p.status, p.head.Get("Location"), p.seen())
	}
	uw.get("/applications/"+one).want(200, "Approved. Its loan is made.", "Income verified.").without(`id="approve"`, `id="reject"`)
	// a rejected one is sent for reprocessing, and rejected by hand
	reprocess := uw.get("/applications/" + two).form("/applications/" + two + "/reprocess")
	reprocess.Set("reason", "Look again.")
	if p := uw.send("/applications/"+two+"/reprocess", reprocess); p.status != http.StatusSeeOther {
		t.Errorf("reprocessing: %d %s", p.status, p.seen())
	}
	reject := uw.get("/applications/" + two).form("/applications/" + two + "/reject")
	reject.Set("reason", "Proxy.")
	reject.Set("adverse_reasons", "You used a proxy.\nWe could not reach you.")
	uw.send("/applications/"+two+"/reject", reject)
	uw.get("/applications/"+two).want(200, "Rejected. Notice is due by", "You used a proxy.", "We could not reach you.", "Underwriter Person").without(`id="reject"`)
	for format, kind := range map[string]string{"pdf": "application/pdf", "json": "application/json"} {
		if p := uw.get("/applications/" + two + "/evidence?format=" + format); p.status != 200 || p.head.Get("Content-Type") != kind || !strings.Contains(p.head.Get("Content-Disposition"), "evidence-A-1002."+format) {
			t.Errorf("evidence as %s: %d %v", format, p.status, p.head)
		}
	}
}

func TestEachRoleSeesWhatItMay(t *testing.T) {
	o := open(t)
	a := o.applied(t, "203.0.113.20")
	o.as(t, "manager").get("/applications/"+a).want(200, "A-1001").without("Approve…", "Reject…", "reprocess")
	o.as(t, "manager").send("/applications/"+a+"/approve", url.Values{"annual_rate": {"1"}, "reason": {"x"}}).want(403, "No access")
	for _, role := range []string{"agent", "investor"} {
		o.as(t, role).get("/applications").want(403, "No access").without("A-1001")
		o.as(t, role).get("/applications/"+a).want(403).without("A-1001", "Ada")
		o.as(t, role).get("/settings/decision-engine").want(403)
		o.as(t, role).get("/settings/ipstack").want(403)
	}
	o.as(t, "underwriter").get("/settings/decision-engine").want(200, "v1 · as shipped").without("Save as", ">Preview<")
	o.as(t, "underwriter").get("/settings/ipstack").want(403).without(o.ipstack)
	if p := o.browser(t).get("/applications"); p.status != http.StatusSeeOther || !strings.HasPrefix(p.head.Get("Location"), "/signin") {
		t.Errorf("a stranger: %d %q", p.status, p.head.Get("Location"))
	}
}

func TestAHiddenApplicationIsNotFound(t *testing.T) {
	o := open(t)
	a := o.applied(t, "203.0.113.10")
	o.Restrict(t, "underwriter", policy.Restriction{Applications: `application.region == "TX"`, Visible: `loan.status == "None"`})
	uw := o.as(t, "underwriter")
	uw.get("/applications").want(200, "No applications yet").without("A-1001", "Ada")
	for _, path := range []string{"", "?tab=risk", "/evidence?format=json"} {
		uw.get("/applications/" + a + path).want(404).without("Ada")
	}
	uw.send("/applications/"+a+"/reject", url.Values{"_form": {"reject"}, "reason": {"x"}}).want(404).without("Ada")
}

func TestRulesArePreviewedSavedAndNeverLostToSomebodyElse(t *testing.T) {
	o := open(t)
	o.applied(t, "203.0.113.20")
	admin := o.as(t, "admin")
	const home = "/settings/decision-engine"
	p := admin.get(home).want(200, "v1 · as shipped", "Applicant rules", "Network security rules", "Save as v2", "Presets", "Review first")
	form := p.form(home)
	// as it stands, saving changes nothing
	admin.send(home+"/network", form)
	admin.get(home).want(200, "Nothing was changed: the rules stay at v1.")
	form.Set("proxy.action", "manual_review")
	admin.send(home+"/preview", form).want(200, "Last 90 days under these rules:", "1 application", "0 rejected", "1 review", "(was 1 · 0)")
	// what is wrong is said beside it and kept
	form.Set("threat_level.reason_code", "no good")
	p = admin.send(home+"/network", form).want(422, "Network threat level: use 1 to 16 capital letters")
	if kept := p.form(home); kept.Get("threat_level.reason_code") != "no good" || kept.Get("proxy.action") != "manual_review" {
		t.Errorf("what was typed is lost")
	}
	form.Set("threat_level.reason_code", "N-04")
	// a threshold comes and goes without script
	form.Set("add_threshold", "threat_level")
	grown := admin.send(home+"/preview", form).want(200).form(home)
	if !grown.Has("threat_level.thresholds.1.action") {
		t.Errorf("no threshold was added")
	}
	grown.Set("remove_threshold", "threat_level.1")
	if shrunk := admin.send(home+"/preview", grown).form(home); shrunk.Has("threat_level.thresholds.1.action") {
		t.Errorf("the threshold stayed")
	}
	form.Del("add_threshold")
	// the other section's changes survive
	form.Set("minimum_age.enabled", "on")
	form.Set("minimum_age.limit", "21")
	p = admin.send(home+"/network", form).want(200, "Saved as v2. What you changed under Applicant rules is not saved yet.")
	rest := p.form(home)
	if rest.Get("minimum_age.limit") != "21" || rest.Get("proxy.action") != "manual_review" || rest.Get("version") != "2" {
		t.Errorf("after the first section: %v", rest)
	}
	// somebody else saves in between
	other := o.as(t, "admin")
	theirs := other.get(home).form(home)
	theirs.Set("tor.enabled", "")
	if p := other.send(home+"/network", theirs); p.status != http.StatusSeeOther {
		t.Fatalf("the other's: %d %s", p.status, p.seen())
	}
	p = admin.send(home+"/applicant", rest).want(409, "Somebody saved v3 while you were editing v2", "Tor", "Save as v4")
	rest = p.form(home)
	if rest.Get("minimum_age.limit") != "21" || rest.Get("version") != "3" {
		t.Errorf("after the conflict: %v", rest)
	}
	admin.send(home+"/applicant", rest)
	admin.get(home+"/history").want(200, "v4", "changed by Admin", "Minimum age", "v1", "as shipped", "Automatic Rejection")
	admin.get(home+"?preset=review_first").want(200, "“Review first” is filled in", "Nothing is saved yet")
}

func TestTheConnectionIsTestedInPlainWordsAndItsKeyNeverShown(t *testing.T) {
	o := open(t)
	admin := o.as(t, "admin")
	const at = "/settings/ipstack"
	p := admin.get(at).want(200, "not tested", "stored; it is never shown", "confirmed by").without(accessKey)
	admin.send(at+"/test", p.form(at+"/test"))
	admin.get(at).want(200, "works", "ipstack answers.").without(accessKey)
	form := withField(p, at, "base_url")
	form.Set("timeout_ms", "5")
	form.Set("access_key", "an-other-key-77")
	admin.send(at, form).want(422, "100 or more").without("an-other-key-77")
	form.Set("timeout_ms", "900")
	form.Set("access_key", "wrongkey")
	form.Del("use_confirmed")
	if p := admin.send(at, form); p.status != http.StatusSeeOther {
		t.Fatalf("saving: %d %s", p.status, p.seen())
	}
	p = admin.get(at).want(200, "reject nobody", "not tested")
	admin.send(at+"/test", p.form(at+"/test"))
	admin.get(at).want(200, "test failed").without("wrongkey")
}

// withField gives the form with that action that holds a field of that name.
func withField(p *page, action, name string) url.Values {
	p.t.Helper()
	for n := range p.doc.Descendants() {
		if n.Data == "form" && attr(n, "action") == action {
			sub := &page{p.t, p.status, p.head, p.text, n.Parent}
			if f := sub.form(action); f.Has(name) {
				return f
			}
		}
	}
	p.t.Fatalf("no form holds %s", name)
	return nil
}

func TestAnOfficerEntersAnApplicationByHand(t *testing.T) {
	o := open(t)
	b := o.as(t, "underwriter")
	p := b.get("/applications/new").want(200, "Enter application", "no network check", "Northside")
	form := p.form("/applications/new")
	p = b.send("/applications/new", form).want(422, "10 things need mending", "Enter the first name.", "Enter the number of months.")
	for name, v := range applicant("applicant.phone", "12") {
		form[name] = v
	}
	p = b.send("/applications/new", form).want(422, "Write a telephone number")
	if p.form("/applications/new").Get("applicant.first_name") != "Ada" {
		t.Error("what was typed is lost")
	}
	form.Set("applicant.phone", "(212) 555-0123")
	p = b.send("/applications/new", form)
	if p.status != http.StatusSeeOther {
		t.Fatalf("entering: %d %s", p.status, p.seen())
	}
	again := b.send("/applications/new", form)
	if again.head.Get("Location") != p.head.Get("Location") {
		t.Error("pressing twice entered two applications")
	}
	b.get(p.head.Get("Location")).want(200, "entered by hand", "A-1001 Ada Example")
	must(t, o.Tenant.DB.Read(context.Background(), 0, func(ctx context.Context, tx *db.Tx) error {
		var n int64
		err := tx.One(ctx, `SELECT COUNT(*) FROM application`, nil, &n)
		if n != 1 {
			t.Errorf("%d applications", n)
		}
		return err
	}))
}
