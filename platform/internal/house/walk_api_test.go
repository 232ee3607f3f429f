package house_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// walkSeed is where the dice of the random roles begin.
const walkSeed = 20261122

// Everybody calls every operation of the API on things that are there. Who holds
// it does it; who does not is refused because the role lacks it, with an entry in
// the trail, and nothing happens.
func TestEverybodyDoesThroughTheAPIWhatTheirRoleSays(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			w := walkable(t, engine)
			crowd := append(slices.Clone(w.people), w.drawn(atRandom(5))...)
			if testing.Short() {
				crowd = append(crowd[:2], crowd[len(crowd)-1])
			}
			for _, who := range crowd {
				t.Run(who.role, func(t *testing.T) {
					w.t = t
					denied := map[string]refusal{}
					for _, m := range w.house.Gate.Catalogue() {
						if m.Path != "" && m.Permit != gate.Public {
							w.callAPI(t, who, m, denied)
						}
					}
					w.compareTrail(t, who, denied)
				})
			}
		})
	}
}

// lot says how a random role is drawn: which share of the operations of each
// channel it holds, and whether it holds every read.
type lot struct {
	ui, api float64
	reads   bool
}

func atRandom(n int) []lot {
	shares := []lot{{0.5, 0.5, false}, {0.2, 0.8, false}, {0.8, 0.2, false}, {0, 0.6, false}, {0.6, 0, false}}
	return shares[:n]
}

// drawn makes roles of their own by lot, each with a person. An operation that is
// in the list of both channels may be held in one of them and not in the other.
func (w *world) drawn(lots []lot) (out []*person) {
	w.t.Helper()
	w.t.Logf("random roles: seed %d", walkSeed)
	for i, l := range lots {
		dice := rand.New(rand.NewPCG(walkSeed, uint64(i)))
		var rights admission
		for _, m := range w.house.Gate.Catalogue() {
			if m.Permit != gate.ByRole {
				continue
			}
			sure := l.reads && m.Kind == operation.Read
			if m.Screen != "" && (sure || dice.Float64() < l.ui) {
				rights.UI = append(rights.UI, m.Name)
			}
			if m.Path != "" && (sure || dice.Float64() < l.api) {
				rights.API = append(rights.API, m.Name)
			}
		}
		name := fmt.Sprintf("Drawn %d", i)
		body, err := json.Marshal(map[string]any{"name": name, "ui": orNone(rights.UI), "api": orNone(rights.API)})
		check(w.t, err)
		who := w.employ(w.must("POST", "/roles", string(body))["id"].(string), name, 10+i)
		who.rights = rights
		w.must("PUT", "/users/"+string(who.id)+"/grantable", `{"operations":["*"]}`)
		out = append(out, who)
	}
	return out
}

func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// callAPI does an operation as somebody, on things that are there.
func (w *world) callAPI(t *testing.T, who *person, m *gate.Meta, denied map[string]refusal) {
	t.Helper()
	path := w.fill(w.route(m.Path)+queries()[m.Name], who)
	body := w.fill(deeds()[m.Name], who)
	if body == "" && m.Method != "GET" && m.Method != "DELETE" {
		body = "{}"
	}
	w.tick()
	got := w.send(m.Method, path, body, who.key, who.address)
	var said problem
	if got.status >= 400 {
		if err := json.Unmarshal(got.body, &said); err != nil || !strings.HasPrefix(got.kind, "application/problem+json") {
			t.Errorf("%s: status %d is no problem+json but %s", m.Name, got.status, got.kind)
		}
	}
	holds := entitled(who, m, operation.API)
	lacks := got.status == 403 && said.Reason == "role_lacks_operation"
	switch {
	case got.status == 401 || got.status == 429 || got.status >= 500:
		t.Errorf("%s %s: %d %s", m.Name, path, got.status, got.body)
	case !holds && (!lacks || said.DecisionID == ""):
		t.Errorf("%s: the role does not hold it, yet it answers %d %s", m.Name, got.status, got.body)
	case !holds:
		denied[said.DecisionID] = refusal{m.Name, "api", who.address, "user/" + string(who.id), said.Reason}
	case lacks && m.Name == "proposal.approve" && !slices.Contains(who.rights.API, "loan.write_off"):
		// approving does what was proposed: it is refused to those who lack that
	case got.status/100 == 2:
		w.spend(m.Name, who)
	case !slices.Contains(strings.Fields(spoken()[m.Name]), said.Reason):
		t.Errorf("%s %s %s: the role holds it, yet it answers %d %s", m.Name, path, body, got.status, got.body)
	}
}

// spoken are the refusals of a desk, of those who hold the operation.
func spoken() map[string]string {
	return map[string]string{
		"access_request.create":   "already_allowed",  // whoever lacks nothing has nothing to ask for
		"access_request.withdraw": "not_found",        // likewise: nothing of their own waits
		"access_request.grant":    "not_found",        // seen by those who could grant it
		"access_request.refuse":   "not_found",        // seen by those who could grant it
		"application.data.export": "role_hides_field", // everything in full, to whose role shows it in full
		"borrower.data.export":    "role_hides_field",
		"application.evidence":    "withheld",           // told whole, to those who view the check and the decision too
		"key.destroy":             "key_version_in_use", // no rotation has left this version behind
		"proposal.approve":        "not_found",          // seen by those who hold what is proposed
		"proposal.reject":         "not_found",
		"proposal.view":           "not_found",
		"proposal.withdraw":       "not_found",
	}
}

// route gives a route with what its parameters stand for: /loans/{loan}.
func (w *world) route(path string) string {
	out, rest := "", path
	for {
		before, after, more := strings.Cut(rest, "{")
		out += before
		if !more {
			return out
		}
		name, tail, _ := strings.Cut(after, "}")
		out += "{" + w.subject(path, path[:len(path)-len("{"+after)], name) + "}"
		rest = tail
	}
}

// subject is what a parameter stands for, by the whole route or by the words before
// the parameter.
func (w *world) subject(route, before, name string) string {
	if kind := subjects()[route]; kind != "" {
		return kind
	}
	kind := subjects()[before]
	if kind == "" {
		w.t.Fatalf("nobody knows what {%s} of %s stands for: add it to subjects", name, route)
	}
	return kind
}
