package house_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Every route of the screens, as every role, over the wire: what a page looked
// at or did is within the role, what was denied is not, and a page that is
// refused was refused because of an operation that the role lacks. The trail is
// the witness.
func TestEveryScreenShowsEveryRoleWhatItHoldsAndNothingElse(t *testing.T) {
	p := open(t, db.SQLite, "", slog.DiscardHandler)
	for _, who := range p.people {
		if who.role == policy.Intake {
			continue // a machine has no session
		}
		t.Run(who.role, func(t *testing.T) {
			for _, route := range p.house.Screens() {
				p.signIn(who) // a route may end the session
				p.walk(t, who, route)
			}
		})
	}
}

// own are the routes whose answer is not about a role: signing in and out, the
// borrower's pages, what the person does to their own session. The empty form of
// what a role may not make is refused before anything is looked at.
func own(route string) bool {
	_, path, _ := strings.Cut(route, " ")
	if strings.HasPrefix(route, "GET ") && strings.HasSuffix(path, "/new") {
		return true
	}
	return slices.ContainsFunc([]string{"/signin", "/signout", "/reset", "/apply", "/invitation", "/way-back", "/demo"}, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
}

func (p *premises) walk(t *testing.T, who *person, route string) {
	t.Helper()
	from := p.tenant.DB.Now()
	status := p.visit(route, who)
	if status >= 500 || status == http.StatusTooManyRequests {
		t.Errorf("%s: %d", route, status)
	}
	denied := false
	for _, e := range p.trailOf(who, from) {
		names := e.Operations
		if len(names) == 0 {
			names = []string{e.Operation}
		}
		for _, name := range names {
			entry := p.house.Gate.ByName(name)
			if entry == nil {
				continue // page furniture
			}
			holds := entitled(who, entry.Meta(), operation.UI)
			switch {
			case e.Outcome == operation.Allowed && !holds:
				t.Errorf("%s did %s, which the role does not hold", route, name)
			case e.Outcome == operation.Denied && e.Reason == "role_lacks_operation":
				if denied = true; holds {
					t.Errorf("%s was denied %s, which the role holds", route, name)
				}
			}
		}
	}
	if status == http.StatusForbidden && !denied && !own(route) {
		t.Errorf("%s is refused, and the trail knows of no operation that the role lacks", route)
	}
}

// visit calls a route with the person's cookie, as a form of our own page would.
func (p *premises) visit(route string, who *person) int {
	p.t.Helper()
	method, path, _ := strings.Cut(route, " ")
	path = strings.TrimSuffix(parameter.ReplaceAllString(path, nobody), "{$}")
	r, err := http.NewRequest(method, p.server.URL+path, strings.NewReader(""))
	check(p.t, err)
	r.Host = "acme.test"
	r.Header.Set("X-Forwarded-For", who.address)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.AddCookie(&http.Cookie{Name: visit.SessionCookie, Value: who.session.Reveal()})
	client := *p.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(r)
	check(p.t, err)
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	check(p.t, err)
	return res.StatusCode
}

// trailOf gives what the trail holds of a person since an instant.
func (p *premises) trailOf(who *person, from int64) (list []audit.Entry) {
	p.t.Helper()
	check(p.t, p.tenant.DB.Read(context.Background(), 0, func(ctx context.Context, tx *db.Tx) error {
		page, err := p.tenant.Trail.List(ctx, tx, audit.Filter{Actor: "user/" + string(who.id), From: from, Limit: 100})
		list = page.Entries
		return err
	}))
	return list
}
