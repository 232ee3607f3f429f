package house_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// stroll is one person's way through the screens: every link followed, every
// button pressed, what was done told by the trail.
type stroll struct {
	*world
	t       *testing.T
	who     *person
	met     map[string]int      // offers, with tokens for what they are about; routes with how many of them
	acts    []offer             // forms, in the order in which they were met
	reached map[string]bool     // operations that were done, or refused for their input
	pages   map[string]bool     // routes that some page leads to
	did     map[string][]string // by act: what it came to
	stood   map[string]string   // by exact form: the page on which it was met
	blind   bool                // holds what changes things without what shows them
	mux     *http.ServeMux      // finds the route of a path
}

func (w *world) stroll(t *testing.T, who *person) *stroll {
	w.t = t
	s := &stroll{world: w, t: t, who: who, met: map[string]int{}, reached: map[string]bool{}, pages: map[string]bool{}, did: map[string][]string{}, stood: map[string]string{}, mux: http.NewServeMux()}
	for _, route := range w.house.Screens() {
		s.mux.Handle(route, http.NotFoundHandler())
	}
	return s
}

// roots are from where the screens are walked: the start, and the pages of the
// things of this world, of which a list may show other ones.
func roots() []string {
	return []string{"/", "/loans/{loan}", "/borrowers/{borrower}", "/borrowers/{leaver}/privacy", "/applications/{application}", "/applications/{old}?tab=privacy", "/settings/users/{user}", "/settings/users/{user}/keys", "/settings/teams/{team}", "/settings/roles/{role}",
		"/settings/roles/{position}", "/settings/search-restrictions/{restriction}", "/settings/address-rules/{iprule}", "/settings/api-keys/{key}", "/settings/site-keys/{sitekey}",
		"/approvals/{proposal}", "/approvals/{mine}", "/access/requests/{request}", "/access/requests/{wish}", "/audit/{audit}", "/access/request?decision={decision}", "/access/lent-loans?user={user}", "/settings/lent-rights", "/settings/recovery?id={recovery}", "/me/sign-in", "/me/api-keys"}
}

// others are ids that are not at hand: one page with such an id stands for all.
var others = regexp.MustCompile(`[a-z]{2}_[0-9a-z]{26}`)

// fresh reports whether an offer has not been taken up yet. Of the ways in which
// one page can be asked for, a few stand for all.
func (s *stroll) fresh(o offer) bool {
	name := others.ReplaceAllString(o.String(), "*")
	exact := name
	if o.method == "GET" {
		exact = others.ReplaceAllString(o.path, "*")
	}
	// A list that can be narrowed by many things at once has thousands of addresses.
	page, _, _ := strings.Cut(exact, "?")
	page = "page " + page
	if s.met["= "+exact] > 0 || s.met[name] >= 8 || o.method == "GET" && s.met[page] >= 40 {
		return false
	}
	s.met[page]++
	s.met["= "+exact]++
	s.met[name]++
	return true
}

// wander follows every link from the roots, and then presses every button.
func (s *stroll) wander() {
	s.t.Helper()
	queue := []offer{}
	for _, root := range roots() {
		queue = append(queue, offer{method: "GET", path: root})
	}
	rooted := len(queue)
	s.lay(s.who)
	for i := 0; i < len(queue); i++ {
		at := s.fill(queue[i].path, s.who)
		got, _ := s.take(offer{method: "GET", path: at}, i >= rooted)
		queue = append(queue, s.note(got, at)...)
	}
	for i := 0; i < len(s.acts) && i < 2000; i++ {
		act := s.fillOffer(s.acts[i])
		got, done := s.take(act, true)
		s.did[s.acts[i].String()] = done
		s.note(got, act.path) // an answer may hold a further form
	}
}

// note keeps what a page offers and has not been met yet: the links are given, the
// forms wait.
func (s *stroll) note(page shown, at string) (links []offer) {
	for _, next := range page.offers(at) {
		next = s.bareOffer(next)
		if s.own(next) || next.method == "POST" && others.MatchString(next.path) || !s.fresh(next) {
			continue // a button on what is not of this walk: the same stands on what is
		}
		if next.method == "POST" {
			s.acts = append(s.acts, next)
			if page.page {
				s.stood[next.exact()] = s.bare(at, s.who)
			}
		} else {
			links = append(links, next)
		}
	}
	return links
}

// own are the offers that are not walked: pages for strangers, and files.
func (s *stroll) own(o offer) bool {
	return strings.HasPrefix(o.path, "/apply/") || strings.HasPrefix(o.path, "/static/") || strings.HasPrefix(o.path, "/signin")
}

func (s *stroll) bareOffer(o offer) offer {
	return o.mapped(func(t string) string { return s.bare(t, s.who) })
}

func (s *stroll) fillOffer(o offer) offer {
	return o.mapped(func(t string) string { return s.fill(t, s.who) })
}

func (o offer) mapped(f func(string) string) offer {
	form := url.Values{}
	for name, values := range o.form {
		for _, v := range values {
			form.Add(f(name), f(v))
		}
	}
	return offer{o.method, f(o.path), form}
}

// take takes up an offer and holds what came of it against the role; offered says
// that a page of this person led there. It gives the operations that were done.
func (s *stroll) take(o offer, offered bool) (shown, []string) {
	s.t.Helper()
	_, route := s.mux.Handler(&http.Request{Method: o.method, URL: mustURL(o.path), Host: "acme.test"})
	if route == "" && offered {
		s.t.Errorf("a page offers %s, which nothing answers to", o)
	}
	s.pages[route] = s.pages[route] || offered
	got := s.open(o, s.who)
	done, lacked := s.judge(o)
	switch {
	case got.status >= 500 || got.status == 429 || got.status == 401:
		s.t.Errorf("%s: %d", o, got.status)
	case offered && s.blind && s.onlyReads(lacked):
		// a row leads to its page, and a form to what it counts or shows: who may list
		// and not open is told there what is missing, and how to ask for it
	case offered && got.status == 404 && !s.stands(o):
		// something that was done meanwhile has taken both away, the button and its object
	case offered && (got.status == 403 || got.status == 404):
		s.t.Errorf("a page offers %s, which answers %d; lacking: %v", o, got.status, lacked)
	case offered && len(lacked) > 0:
		s.t.Errorf("a page offers %s, for which the role lacks %v", o, lacked)
	}
	return got, done
}

// exact tells an offer from every other.
func (o offer) exact() string { return o.method + " " + o.path + " " + o.form.Encode() }

// stands reports whether the page on which a form stood still offers it.
func (s *stroll) stands(o offer) bool {
	at, known := s.stood[s.bareOffer(o).exact()]
	if !known {
		return true
	}
	at = s.fill(at, s.who)
	return slices.ContainsFunc(s.enter(offer{method: "GET", path: at}, s.who).offers(at), func(next offer) bool { return next.exact() == o.exact() })
}

// judge holds what the trail says of the call just made against the role, and
// gives the operations that were done (or refused for their input), and those that
// it was refused for want of.
func (s *stroll) judge(o offer) (done, lacked []string) {
	s.t.Helper()
	for _, e := range s.trail(audit.Filter{From: s.now.Load(), Limit: 100}) {
		if e.Actor != "user/"+string(s.who.id) {
			continue // what was made meanwhile for the next call
		}
		for _, name := range named(e) {
			entry := s.house.Gate.ByName(name)
			if entry == nil {
				continue // page furniture
			}
			holds, refused := entitled(s.who, entry.Meta(), operation.UI), e.Outcome == operation.Denied && e.Reason == "role_lacks_operation"
			switch {
			case refused && name == "proposal.approve" && !slices.Contains(s.who.rights.UI, "loan.write_off"):
				lacked = append(lacked, "loan.write_off") // approving does what was proposed
			case refused && holds:
				s.t.Errorf("%s was denied %s, which the role holds", o, name)
			case refused:
				lacked = append(lacked, name)
			case !holds:
				s.t.Errorf("%s did %s (%s %s), which the role does not hold", o, name, e.Outcome, e.Reason)
			default:
				s.reached[name] = true
				done = append(done, name)
			}
			if e.Outcome == operation.Allowed {
				s.spend(name, s.who)
			}
		}
	}
	return done, lacked
}

// force opens every page and presses every button that somebody else was offered,
// offered to this person or not: it comes to what the role says.
func (s *stroll) force(other *stroll) {
	s.t.Helper()
	for _, route := range s.house.Screens() {
		method, path, _ := strings.Cut(strings.TrimSuffix(route, "{$}"), " ")
		if method != "GET" || strangers(path) {
			continue
		}
		o := offer{method: "GET", path: s.fill(s.route(path), s.who)}
		got := s.open(o, s.who)
		if _, lacked := s.judge(o); got.status >= 500 || got.status == 403 && len(lacked) == 0 && !strings.HasSuffix(path, "/new") {
			s.t.Errorf("%s answers %d, and the trail knows of no operation that the role lacks", o, got.status)
		}
	}
	for _, act := range other.acts {
		s.press(act, other.did[act.String()])
	}
}

// press sends a form of somebody else's: whoever holds what it does does it, and
// whoever does not is refused.
func (s *stroll) press(act offer, comes []string) {
	s.t.Helper()
	o := s.fillOffer(act)
	got := s.open(o, s.who)
	done, lacked := s.judge(o)
	held := slices.DeleteFunc(slices.Clone(comes), func(name string) bool { return !entitled(s.who, s.house.Gate.ByName(name).Meta(), operation.UI) })
	switch {
	case got.status >= 500 || got.status == 401 || got.status == 429:
		s.t.Errorf("%s: %d", o, got.status)
	case len(comes) > 0 && len(held) == 0 && (got.status != 403 || len(lacked) == 0):
		s.t.Errorf("%s answers %d although the role holds nothing of %v", o, got.status, comes)
	case s.blind && s.onlyReads(lacked) || slices.Contains(comes, "proposal.approve"):
		// who changes something looks at it first; who approves does what was proposed
	case len(held) > 0 && len(held) == len(comes) && (len(lacked) > 0 || len(done) == 0):
		s.t.Errorf("%s answers %d and does nothing of %v, which the role holds; lacking: %v", o, got.status, comes, lacked)
	}
}

// onlyReads reports whether somebody was refused for want of reads alone.
func (s *stroll) onlyReads(lacked []string) bool {
	return len(lacked) > 0 && !slices.ContainsFunc(lacked, func(name string) bool { return s.house.Gate.ByName(name).Meta().Kind == operation.Write })
}

// named lists the operations of an entry.
func named(e audit.Entry) []string {
	if len(e.Operations) > 0 {
		return e.Operations
	}
	return []string{e.Operation}
}

func mustURL(path string) *url.URL {
	u, err := url.Parse(path)
	if err != nil {
		panic(err)
	}
	return u
}

// strangers are pages that nobody needs to be signed in for, or that ask who
// somebody is: their answer is not about a role.
func strangers(path string) bool {
	return slices.ContainsFunc([]string{"/signin", "/signout", "/reset", "/apply", "/invited", "/way-back", "/factor", "/step-up"}, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
}

// Everybody goes through the screens: whatever a page offers works for whom it is
// offered, whatever the role holds is offered somewhere, what is not offered is
// refused, and the API gives the same answers about the same things.
func TestEverybodySeesAndDoesInTheScreensWhatTheirRoleSays(t *testing.T) {
	w := walkable(t, db.SQLite)
	crowd := []*person{w.person(policy.Agent), w.person(policy.Investor)}
	if testing.Short() {
		for _, who := range crowd {
			s := w.stroll(t, who)
			s.wander()
			s.offered()
			s.agrees()
		}
		return
	}
	first := w.stroll(t, w.person(policy.Admin))
	first.wander()
	first.wellTrodden()
	first.force(first)
	first.covers()
	t.Logf("%d pages and buttons were met, %d forms sent", len(first.met), len(first.acts))
	crowd = append(crowd, w.person(policy.Manager), w.person(policy.Underwriter))
	lots := append([]lot{{0.5, 0.5, true}, {0.3, 0.7, true}}, atRandom(3)...)
	for i, who := range append(crowd, w.drawn(lots)...) {
		t.Run(who.role, func(t *testing.T) {
			s := w.stroll(t, who)
			s.blind = i >= len(crowd) && !lots[i-len(crowd)].reads
			s.wander()
			if !s.blind {
				s.offered()
			}
			s.agrees()
			s.force(first)
		})
		w.t = t
	}
}

// covers holds the tree of the screens against what was reached.
func (s *stroll) covers() {
	s.t.Helper()
	for _, m := range s.house.Gate.Catalogue() {
		switch stands := m.Screen != "" && m.Permit == gate.ByRole; {
		case s.reached[m.Name] && pageless()[m.Name] != "":
			s.t.Errorf("%s is reached by a page; take it off the list of what no page calls", m.Name)
		case stands && !s.reached[m.Name] && pageless()[m.Name] == "":
			s.t.Errorf("%s stands in the tree of the screens at %q, and no page reaches it", m.Name, m.Screen)
		}
	}
}

// wellTrodden wants a way to every page from the start.
func (s *stroll) wellTrodden() {
	s.t.Helper()
	for _, route := range s.house.Screens() {
		_, path, _ := strings.Cut(route, " ")
		if !s.pages[route] && !strangers(path) && unled()[route] == "" {
			s.t.Errorf("no page leads to %s", route)
		}
	}
}

// unled are the routes that no page leads to, and why.
func unled() map[string]string {
	const again = "where a form that came back is asked for anew"
	return map[string]string{
		"POST /settings/encryption-keys/{purpose}/versions/{version}/destroy": "it stands on a key whose rotation has ended and whose old version is kept, days after it began",
		"GET /borrowers/{id}/reveal":                                          again, "GET /applications/{id}/approve": again, "GET /applications/{id}/reject": again, "GET /applications/{id}/reprocess": again,
		"GET /settings/decision-engine/preview": again, "GET /settings/decision-engine/applicant": again, "GET /settings/decision-engine/network": again,
		"GET /settings/ipstack/test":         again,
		"GET /settings/recovery/{id}/refuse": again,
		"GET /settings/privacy/holds":        again, "GET /settings/privacy/holds/{id}/release": again,
		"GET /borrowers/{id}/erase": again, "GET /borrowers/{id}/data-export": again, "GET /borrowers/{id}/hold": again,
		"GET /applications/{id}/erase": again, "GET /applications/{id}/data-export": again, "GET /applications/{id}/hold": again,
		"GET /applications/{id}/reveal": again, "GET /borrowers/find/ssn": again, "GET /borrowers/find/contact": again,
		"GET /applications/{id}/documents": again, "GET /applications/{id}/documents/{document}/remove": again,
		"GET /loans/{id}/documents/{document}/remove": again, "GET /borrowers/{id}/documents/{document}/remove": again,
		"GET /me":                             "where whoever may open nothing begins",
		"POST /view-as/end":                   "stands in the banner of a session that looks through other eyes",
		"POST /access/requests/{id}/withdraw": "an administrator lacks nothing to ask for",
	}
}

// pageless are operations that stand in the tree of the screens although no page
// calls them, and why.
func pageless() map[string]string {
	return map[string]string{
		"key.destroy":                    "it stands on a key whose rotation has ended and whose old version is kept, days after it began",
		"key.rotation.list":              "for programs: the page of a key shows its rotation with the key",
		"key.rotation.view":              "for programs: the page of a key shows its rotation with the key",
		"application.decision.view":      "the page of an application tells it within application.view, to whoever holds this too",
		"application.network_check.view": "likewise",
	}
}

// unoffered says why no page offers somebody what their role holds; empty for
// what should be offered.
func (s *stroll) unoffered(name string) string {
	holds := func(name string) bool { return slices.Contains(s.who.rights.UI, name) }
	switch {
	case pageless()[name] != "":
		return pageless()[name]
	case strings.HasPrefix(name, "proposal.") && !holds("loan.write_off"):
		return "a proposal is shown to those who hold what is proposed"
	case strings.HasPrefix(name, "access_request.") && !holds("role.update") && !holds("user.update"):
		return "a request is shown to those who could make the change that it takes"
	case strings.HasSuffix(name, ".data.export") && s.who.role != policy.Admin:
		return "everything in full is offered to whose role shows it in full"
	case (name == "borrower.erase" || name == "borrower.data.export") && !holds("borrower.privacy.view"), (name == "application.erase" || name == "application.data.export") && !(holds("application.privacy.view") && holds("application.view")):
		return "what is owed to a person stands on a tab of its own"
	case name == "privacy.hold.place" && !holds("privacy.setting.view") && !holds("borrower.privacy.view") && !holds("application.privacy.view"):
		return "likewise, and in the settings"
	case name == "privacy.hold.release" && !holds("privacy.hold.list"), strings.HasPrefix(name, "privacy.") && name != "privacy.hold.place" && !holds("privacy.setting.view"):
		return "the page of all holds, erasures and exports belongs to who may see how long records are kept"
	case name == "admin_recovery.refuse" && !holds("admin_recovery.list"):
		return "a recovery is refused where it is listed"
	case name == "decision_engine.preview" && !holds("decision_engine.update") && !holds("decision_engine.applicant.update"):
		return "a preview belongs to a form that changes the rules"
	case name == "search_restriction.translate" && !holds("search_restriction.create") && !holds("search_restriction.update"):
		return "the builder belongs to a form that changes a restriction"
	case name == "ip_rule.holders" && !holds("ip_rule.create") && !(holds("ip_rule.update") && holds("ip_rule.view")):
		return "whom a rule may bind belongs to a form that makes or changes one"
	case name == "role.impact" && !holds("role.update"):
		return "an effect belongs to a form that changes the role"
	}
	return ""
}

// offered wants every operation that the role holds to be offered somewhere.
func (s *stroll) offered() {
	s.t.Helper()
	for _, m := range s.house.Gate.Catalogue() {
		if m.Screen != "" && m.Permit == gate.ByRole && entitled(s.who, m, operation.UI) && !s.reached[m.Name] && s.unoffered(m.Name) == "" {
			s.t.Errorf("the role holds %s in the screens, and no page offers it", m.Name)
		}
	}
}

// agrees does through the API what the screens let somebody do, where the role
// holds it there too, and finds it allowed.
func (s *stroll) agrees() {
	s.t.Helper()
	for _, m := range s.house.Gate.Catalogue() {
		if s.reached[m.Name] && m.Path != "" && entitled(s.who, m, operation.API) {
			s.callAPI(s.t, s.who, m, map[string]refusal{})
		}
	}
}
