package house_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// methods are those that a route is tried with, one of them of nobody's making.
func methods() []string {
	return []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"}
}

// A route knows its methods: with any other one the administrator, who may do
// everything, is told that there is no such thing, and nothing breaks.
func TestOtherMethodsFindNothing(t *testing.T) {
	w := walkable(t, db.SQLite)
	boss, api := w.person(policy.Admin), []string{}
	for _, m := range w.house.Gate.Catalogue() {
		if m.Path != "" {
			api = append(api, m.Method+" "+m.Path)
		}
	}
	tried := w.otherwise(api, func(method, at string) int {
		w.tick()
		return w.send(method, at, "", boss.key, boss.address).status
	})
	tried += w.otherwise(w.house.Screens(), func(method, at string) int {
		return w.open(offer{method: method, path: at}, boss).status
	})
	t.Logf("%d pairs of a route and a method that it does not know", tried)
}

// otherwise tries every route with the methods that nothing answers to there.
func (w *world) otherwise(routes []string, try func(method, at string) int) (tried int) {
	w.t.Helper()
	mux, paths := http.NewServeMux(), map[string]bool{}
	for _, route := range routes {
		mux.Handle(route, http.NotFoundHandler())
		_, path, _ := strings.Cut(strings.TrimSuffix(route, "{$}"), " ")
		paths[path] = true
	}
	for path := range paths {
		at := w.fill(w.route(path), w.person(policy.Admin))
		for _, method := range methods() {
			_, known := mux.Handler(&http.Request{Method: method, URL: mustURL(at)})
			if known != "" || method == "OPTIONS" {
				continue // OPTIONS is what a browser asks before it calls from elsewhere
			}
			status := try(method, at)
			if tried++; status != http.StatusMethodNotAllowed && status != http.StatusNotFound {
				w.t.Errorf("%s %s: %d", method, path, status)
			}
		}
	}
	return tried
}

// Nobody gets anywhere without a credential, or with one that is none: the API
// answers 401 about things that are there, the screens lead to the door.
func TestStrangersAreLedToTheDoor(t *testing.T) {
	w := walkable(t, db.SQLite)
	boss := w.person(policy.Admin)
	w.lay(boss)
	for _, m := range w.house.Gate.Catalogue() {
		if m.Path == "" || m.Permit == gate.Public {
			continue
		}
		for _, key := range []secret.Text{{}, secret.NewText("lk_" + strings.Repeat("a", 40)), boss.session} {
			w.tick()
			got := w.send(m.Method, w.fill(w.route(m.Path)+queries()[m.Name], boss), w.fill(deeds()[m.Name], boss), key, "192.0.2.77")
			if got.status != http.StatusUnauthorized {
				t.Errorf("%s without a credential: %d %s", m.Name, got.status, got.body)
			}
		}
	}
	impostor := &person{role: "nobody", address: "192.0.2.78", session: secret.NewText(strings.Repeat("b", 43))}
	keyed := &person{role: "nobody", address: "192.0.2.79", session: boss.key}
	for _, route := range w.house.Screens() {
		method, path, _ := strings.Cut(strings.TrimSuffix(route, "{$}"), " ")
		o := offer{method: method, path: w.fill(w.route(path), boss), form: url.Values{}}
		for _, who := range []*person{nil, impostor, keyed} {
			got := w.enter(o, who)
			switch led := got.status == http.StatusSeeOther && strings.HasPrefix(got.location, "/signin"); {
			case got.status >= 500:
				t.Errorf("%s for a stranger: %d", route, got.status)
			case !strangers(path) && !led && got.status != http.StatusUnauthorized: // what a script asks is not led
				t.Errorf("%s for a stranger: %d, to %q; it leads to the door", route, got.status, got.location)
			}
		}
	}
}
