package house_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// What only the house itself does can be called by name on the operator's socket, with
// nothing or with the wrong thing: it is refused and never breaks.
func TestTheConsoleSurvivesCallsOfTheHousesOwnOperations(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			l := settleIn(t, engine)
			l.later(3 * years)
			l.eraseNow("/borrowers/" + l.borrower)
			erasure := l.must("GET", "/erasures", "")["items"].([]any)[0].(map[string]any)["id"].(string)
			server := httptest.NewServer(l.house.Console())
			defer server.Close()
			call := func(operation, body string) (int, string) {
				req, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/console/v1/call/"+operation, strings.NewReader(body))
				check(t, err)
				req.Host = "acme"
				req.Header.Set("Content-Type", "application/json")
				resp, err := http.DefaultClient.Do(req)
				check(t, err)
				defer resp.Body.Close()
				b, err := io.ReadAll(resp.Body)
				check(t, err)
				return resp.StatusCode, string(b)
			}
			tried := 0
			for _, m := range l.house.Gate.Catalogue() {
				if m.Permit != gate.House {
					continue
				}
				tried++
				for _, body := range []string{`{}`, `{"path":{"id":"` + erasure + `"}}`} {
					if status, said := call(m.Name, body); status >= 500 {
						t.Errorf("%s %s: %d %s", m.Name, body, status, said)
					}
				}
			}
			if tried < 3 {
				t.Errorf("only %d operations were tried", tried)
			}
			if status, said := call("audit.dispose", `{}`); status != 404 {
				t.Errorf("a disposal of no category: %d %s", status, said)
			}
		})
	}
}

// A file of an object that nobody knows would be signed, hold nothing and be taken for a
// proof that nothing happened.
func TestAnExportOfAMistypedObjectIsRefused(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			s := stock(t, walkable(t, engine), 2)
			s.placed()
			console := httptest.NewServer(s.house.Console())
			defer console.Close()
			for object, want := range map[string]int{"loan/" + s.loan: 200, "loan/" + s.loan + "x": 422, "loans/" + s.loan: 422} {
				s.tick()
				got := s.send("GET", "/audit/export?extent=object&object="+url.QueryEscape(object), "", s.boss.key, s.boss.address)
				if got.status != want && (want == 200 || got.status < 400 || got.status >= 500) || want != 200 && !strings.Contains(string(got.body), "object") {
					t.Errorf("%s: %d %.300s", object, got.status, got.body)
				}
				req, err := http.NewRequestWithContext(t.Context(), "POST", console.URL+"/console/v1/audit/export?extent=object&object="+url.QueryEscape(object), nil)
				check(t, err)
				req.Host = "acme"
				resp, err := http.DefaultClient.Do(req)
				check(t, err)
				b, err := io.ReadAll(resp.Body)
				check(t, err)
				resp.Body.Close()
				if (resp.StatusCode == 200) != (want == 200) || want != 200 && !strings.Contains(string(b), "no entry about this object") {
					t.Errorf("the console, %s: %d %.300s", object, resp.StatusCode, b)
				}
			}
		})
	}
}
