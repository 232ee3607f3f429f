package house_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// officer is somebody who does the privacy desk's work at the screens.
type officer struct {
	*leaver
	who *person
}

// page opens a page and gives its words.
func (o *officer) page(path string) (shown, string) {
	o.t.Helper()
	s := o.open(offer{method: "GET", path: path}, o.who)
	if s.status != 200 {
		o.t.Fatalf("GET %s: %d to %s", path, s.status, s.location)
	}
	return s, words(s.doc)
}

// press sends the form of a page that leads to a path, with what is written into it.
func (o *officer) press(page, to string, written url.Values) shown {
	o.t.Helper()
	s, _ := o.page(page)
	for _, f := range s.offers(page) {
		if path, _, _ := strings.Cut(f.path, "?"); f.method == "POST" && path == to && (!written.Has("field") || f.form.Get("field") == written.Get("field")) {
			for name, values := range written {
				f.form[name] = values
			}
			return o.open(f, o.who)
		}
	}
	o.t.Fatalf("%s has no form that leads to %s", page, to)
	return shown{}
}

// saidBy wants a page, or an answer, to say things and to keep others to itself.
func saidBy(t *testing.T, text string, says []string, silent ...string) {
	t.Helper()
	for _, want := range says {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q: %s", want, strings.Join(strings.Fields(text), " "))
		}
	}
	for _, never := range silent {
		if strings.Contains(text, never) {
			t.Errorf("it says %q", never)
		}
	}
}

func TestAPrivacyOfficersDayAtTheScreens(t *testing.T) {
	l := settleIn(t, db.SQLite)
	o := &officer{l, l.newcomer(policy.Admin)}
	home := "/borrowers/" + l.borrower + "/privacy"
	reason := func(text string) url.Values { return url.Values{"reason": {text}} }

	// What stands against an erasure is told, and it is not offered.
	s, text := o.page(home)
	saidBy(t, text, []string{"is kept for 25 months after its last entry", "From 2029-01-22", "None."})
	for _, f := range s.offers(home) {
		if strings.HasSuffix(f.path, "/erase") {
			t.Error("an erasure is offered while the law keeps the record")
		}
	}

	// A hold: with a reason that tells nobody's name.
	if s := o.press(home, "/borrowers/"+l.borrower+"/hold", reason("Zebulon goes to court")); s.status != 422 {
		t.Errorf("a reason with a name in it: %d", s.status)
	} else {
		saidBy(t, words(s.doc), []string{"Leave out what tells who the person is"})
	}
	if s := o.press(home, "/borrowers/"+l.borrower+"/hold", url.Values{"reason": {"a lawsuit"}, "matter": {"22-1044"}}); s.status != 303 || s.location != home {
		t.Fatalf("the hold: %d to %s", s.status, s.location)
	}
	_, text = o.page(home)
	saidBy(t, text, []string{"A legal hold is in force", "22-1044", "No date ends all of this"})
	_, text = o.page("/settings/privacy")
	saidBy(t, text, []string{"borrower " + l.borrower, "a lawsuit", "25 months"}, "Zebulon", "Quartermain")
	hold := l.must("GET", "/legal-holds", "")["items"].([]any)[0].(map[string]any)["id"].(string)
	if s := o.press("/settings/privacy", "/settings/privacy/holds/"+hold+"/release", reason("settled")); s.status != 303 {
		t.Errorf("the release: %d", s.status)
	}
	_, text = o.page("/settings/privacy")
	saidBy(t, text, []string{"settled"})

	// Everything that is held, as a file; the list says who took it.
	if s := o.press(home, "/borrowers/"+l.borrower+"/data-export", reason("asked for by letter")); s.status != 200 || s.doc != nil {
		t.Errorf("the export: %d", s.status)
	}
	_, text = o.page("/settings/privacy")
	saidBy(t, text, []string{"PDF", "asked for by letter"})

	// One person by a whole number: it stands in no address.
	found := o.press("/borrowers/find", "/borrowers/find/ssn", url.Values{"ssn": {"517-65-4329"}})
	if found.status != 200 {
		t.Fatalf("the search: %d", found.status)
	}
	saidBy(t, words(found.doc), []string{"Zebulon Quartermain"}, "517-65-4329", "517654329")
	saidBy(t, words(o.press("/borrowers/find", "/borrowers/find/contact", url.Values{"email": {"nobody@planted.example"}}).doc), []string{"Nobody found"}, "Zebulon")
	saidBy(t, words(o.press("/borrowers/find", "/borrowers/find/ssn", url.Values{"ssn": {"12"}}).doc), []string{"nine digits"})

	// An applicant's field in full, once, for a reason.
	customer := "/applications/" + l.rejected + "?tab=customer"
	_, text = o.page(customer)
	saidBy(t, text, []string{"•••-••-4329"}, "517-65-4329")
	full := o.press(customer, "/applications/"+l.rejected+"/reveal", url.Values{"field": {"ssn"}, "reason": {"a call"}})
	saidBy(t, words(full.doc), []string{"517-65-4329", "Shown in full"}, "zebulon.quartermain@planted.example", "Marlinspike")
	_, text = o.page(customer)
	saidBy(t, text, nil, "517-65-4329")

	// An applicant whose time is over: proposed at the screens, approved by another.
	old := makeOldApplication(l.world, l.boss)
	tab := "/applications/" + old + "?tab=privacy"
	_, text = o.page(tab)
	saidBy(t, text, []string{"Nothing stands against an erasure"})
	proposed := o.press(tab, "/applications/"+old+"/erase", reason("asked for by letter"))
	if proposed.status != 303 || !strings.HasPrefix(proposed.location, "/approvals/") {
		t.Fatalf("the proposal: %d to %s", proposed.status, proposed.location)
	}
	l.mustAs(l.second, "POST", "/proposals/"+strings.TrimPrefix(proposed.location, "/approvals/")+"/approve", `{}`)
	l.goOn()
	_, text = o.page(tab)
	saidBy(t, text, []string{"Erased. Nothing that is left tells who it was.", "Done"}, "Erase applicant…", "Place hold…", "Export…")
}
