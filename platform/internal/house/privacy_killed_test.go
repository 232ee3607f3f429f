package house_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Forty people (four under the race detector) are erased by a house that is killed again and again: each is erased in
// the end, every step is told once, and nothing tells who they were.
func TestAnErasureGoesOnAfterEveryKill(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			var c house.Config
			w := walkable(t, engine, func(o *house.Config) { living(t, o); c = *o })
			l := &leaver{safe: &safe{world: w}}
			l.second = l.newcomer(policy.Admin)
			many := 40
			if testing.Short() {
				many = 4
			}
			var people []string
			for range many {
				people = append(people, l.longGone())
			}
			if len(l.traces()) < 5 {
				t.Fatalf("before, only this tells of the people: %q", l.traces())
			}
			for _, a := range people {
				p := l.must("POST", "/applications/"+a+"/erase", `{"reason":"asked for by letter"}`)["proposal"].(string)
				l.mustAs(l.second, "POST", "/proposals/"+p+"/approve", `{}`)
			}
			check(t, l.house.Close())
			handed, err := json.Marshal(map[string]any{"Data": c.Data, "Engine": c.Engine, "Postgres": c.Postgres, "Prefix": c.Prefix, "URL": c.URL})
			check(t, err)
			for range kills() {
				killedAfter(t, string(handed), time.Duration(rand.IntN(400))*time.Millisecond)
			}
			h, err := house.Open(t.Context(), c)
			check(t, err)
			l.house, l.tenant = h, h.Directory.BySlug("acme")
			l.server.Close()
			l.server = httptest.NewTLSServer(h.Handler())
			l.finishErasures(t, len(people))
			l.stepsToldOnce(people)
			if found := l.traces(); len(found) > 0 {
				t.Errorf("after the erasures:\n%s", strings.Join(found, "\n"))
			}
			check(t, l.tenant.DB.Read(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error { return l.tenant.Trail.Verify(ctx, tx) }))
		})
	}
}

// longGone is an applicant who tells as much as anybody can, and was rejected longer
// ago than the law asks that it be kept.
func (l *leaver) longGone() string {
	l.t.Helper()
	a := l.mustAs(l.site, "POST", "/applications", `{"applicant":{`+plantedPerson+`},"requested":{"amount":"5000.00","term_months":24,"purpose":"a boat for Zebulon"},"client":{"address":"8.8.8.8","user_agent":"Quartermain/1.0"}}`)["id"].(string)
	l.must("POST", "/applications/"+a+"/reject", `{"reason":"enough boats","adverse_reasons":["Too many obligations."]}`)
	l.rejectedLongAgo(a)
	return a
}

// finishErasures lets the house work until every erasure is done.
func (l *leaver) finishErasures(t *testing.T, want int) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	ended := make(chan error, 1)
	go func() { ended <- l.house.Run(ctx) }()
	states := map[string]int{}
	for states["done"] < want && ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
		clear(states)
		for _, e := range l.must("GET", "/erasures", "")["items"].([]any) {
			states[e.(map[string]any)["state"].(string)]++
		}
	}
	if states["done"] != want {
		t.Errorf("the erasures stand at %v", states)
	}
	stop()
	check(t, <-ended)
}

// stepsToldOnce wants the trail to tell each step of each erasure once, in order.
func (l *leaver) stepsToldOnce(people []string) {
	l.t.Helper()
	for _, a := range people {
		var steps []string
		about := url.Values{"operation": {"privacy.erasure.advance"}, "object": {"application/" + a}, "limit": {"50"}}
		for _, e := range slices.Backward(l.must("GET", "/audit?"+about.Encode(), "")["items"].([]any)) {
			steps = append(steps, e.(map[string]any)["after"].(map[string]any)["erasure"].(string))
		}
		if got := strings.Join(steps, " "); got != "marked forgotten destroyed done" {
			l.t.Errorf("the trail tells of %s: %s", a, got)
		}
	}
}
