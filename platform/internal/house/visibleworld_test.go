package house_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/mail/folder"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// sightseeing is a house with a book of loans, an administrator who sees all of
// it, and one who is bound by whatever the dice say.
type sightseeing struct {
	*dice
	t            *testing.T
	premises     *premises
	now          atomic.Int64
	boss, asker  secret.Text
	askerID      id.User
	team         string
	restrictions []string
	people       []*bookPerson
	loans        []*bookLoan
	applications []*bookApplication
}

// settle opens a house whose clock the test moves, so that no rate is met.
func settle(t *testing.T, engine db.Engine, seed uint64) *sightseeing {
	t.Helper()
	w := &sightseeing{t: t, dice: &dice{rand.New(rand.NewPCG(seed, 1)), civil.Must(2026, 11, 22)}}
	w.now.Store(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).UnixMicro())
	now := func() time.Time { return time.UnixMicro(w.now.Load()) }
	ctx, dir := context.Background(), t.TempDir()
	post, err := folder.New(filepath.Join(dir, "mail"), "no-reply@acme.test", w.now.Load)
	check(t, err)
	dsn, prefix := os.Getenv("LENDKEEP_TEST_POSTGRES"), fmt.Sprintf("v%d_%d_", os.Getpid(), seed)
	h, err := house.Open(ctx, house.Config{Data: filepath.Join(dir, "data"), Engine: engine, Postgres: dsn, Prefix: prefix,
		Mail: post, URL: "https://acme.test", Version: "test", Now: now, Log: slog.New(slog.DiscardHandler)})
	check(t, err)
	t.Cleanup(func() {
		check(t, h.Close())
		for _, name := range []string{"directory", "acme", "acme_keys"} {
			if engine == db.PostgreSQL {
				check(t, db.DropDatabase(ctx, dsn, prefix+name))
			}
		}
	})
	w.premises = &premises{t: t, house: h}
	w.premises.tenant, err = h.CreateTenant(ctx, tenant.New{Slug: "acme", Name: "Acme Lending", Host: "acme.test", Region: "test", Zone: "America/New_York"},
		house.First{Email: "first@acme.test", Name: "First Administrator"})
	check(t, err)
	w.premises.hire()
	w.boss = w.premises.person(policy.Admin).key
	w.staff()
	w.fill()
	return w
}

// staff adds the asker, a team with the asker in it, and restrictions to bind.
func (w *sightseeing) staff() {
	var u struct{ ID id.User }
	w.must("POST", "/users", `{"email":"asker@acme.test","name":"The asker","role":"Admin","machine":true}`, &u)
	w.askerID = u.ID
	var k struct{ Key string }
	w.must("POST", "/users/"+string(u.ID)+"/api-keys", `{"label":"looks around"}`, &k)
	w.asker = secret.NewText(k.Key)
	team := id.New[id.Team](w.now.Load())
	w.premises.write(func(ctx context.Context, tx *db.Tx) error {
		err := policy.SaveTeam(ctx, tx, &policy.Team{ID: team, Name: "Lookers", Members: []id.User{u.ID}}, true)
		if err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	})
	w.team = string(team)
	for i := range 3 {
		var r struct{ ID string }
		w.must("POST", "/search-restrictions", fmt.Sprintf(`{"name":"Restriction %d","visible":"true"}`, i), &r)
		w.restrictions = append(w.restrictions, r.ID)
	}
}

// fill makes a book in which every rule has something to say.
func (w *sightseeing) fill() {
	for _, p := range []string{"Acme", "Beta", "Gamma"} {
		w.must("POST", "/portfolios", `{"name":"`+p+`"}`, nil)
	}
	w.must("POST", "/source-companies", `{"name":"First"}`, nil)
	w.must("POST", "/custom-fields", `{"name":"vip","kind":"bool","class":"public"}`, nil)
	w.must("POST", "/custom-fields", `{"name":"tier","kind":"text","class":"public","default":"none"}`, nil)
	for i := range 8 {
		p := &bookPerson{first: oneOf(w.dice, "Ann", "Bob", "Eve"), last: fmt.Sprintf("%s%c", oneOf(w.dice, "Lee", "Kim"), 'a'+i), email: fmt.Sprintf("p%d@example.com", i), region: oneOf(w.dice, "NY", "CA", "TX")}
		var out struct{ ID string }
		w.must("POST", "/borrowers", fmt.Sprintf(`{"first_name":%q,"last_name":%q,"email":%q,"address":{"region":%q,"country":"US"}}`, p.first, p.last, p.email, p.region), &out)
		p.id = out.ID
		w.people = append(w.people, p)
	}
	for range 22 {
		w.lend()
	}
	for i := range 8 {
		w.apply(i)
	}
}

func (w *sightseeing) lend() {
	l := &bookLoan{owner: oneOf(w.dice, w.people...)}
	company := oneOf(w.dice, "", "First")
	var out struct{ ID string }
	w.must("POST", "/loans", fmt.Sprintf(`{"borrower_id":%q,"principal":"%d.00","annual_rate":"0","term_months":12,"contract_date":%q,"source_company":%q,"portfolios":%s}`, l.owner.id,
		100+w.IntN(900), civil.Must(2026, 3, 1).AddDays(w.IntN(240)), company, w.places()), &out)
	l.id = out.ID
	w.must("POST", "/loans/"+l.id+"/notes", `{"body":"called"}`, nil)
	w.reread(l)
	w.loans = append(w.loans, l)
}

func (w *sightseeing) places() string {
	if w.IntN(4) == 0 {
		return "[]"
	}
	return quotedList(w.some("Acme", "Beta", "Gamma"))
}

func (w *sightseeing) apply(i int) {
	a := &bookApplication{region: oneOf(w.dice, "NY", "CA"), amount: int64(100_000 + w.IntN(900_000)), seq: i}
	var out struct{ ID string }
	w.must("POST", "/applications", fmt.Sprintf(`{"applicant":{"first_name":"Ann","last_name":"Lee","email":"a%d@example.com","phone":"+1 212 555 0123","date_of_birth":"1990-04-01","ssn":"078-05-1120",
		"address":{"line1":"1 Main Street","city":"Town","region":%q,"postal_code":"10001","country":"US"}},"requested":{"amount":"%d.%02d","term_months":24}}`, i, a.region, a.amount/100, a.amount%100), &out)
	a.id = out.ID
	w.applications = append(w.applications, a)
}

// reread asks for a loan as it is now, as somebody who sees everything.
func (w *sightseeing) reread(l *bookLoan) {
	var v struct {
		Number, Status, State string
		Portfolios            []string
		SourceCompany         string                         `json:"source_company"`
		Balance               string                         `json:"principal_balance"`
		Oldest                civil.Date                     `json:"oldest_unpaid_due"`
		Opened                civil.Date                     `json:"opened_on"`
		CustomFields          []struct{ Name, Value string } `json:"custom_fields"`
	}
	w.must("GET", "/loans/"+l.id, "", &v)
	l.number, l.status, l.region, l.portfolios, l.company, l.oldest, l.opened = v.Number, v.Status, v.State, v.Portfolios, v.SourceCompany, v.Oldest, v.Opened
	l.balance = int64(money.Must(v.Balance))
	for _, f := range v.CustomFields {
		switch f.Name {
		case "vip":
			l.vip = f.Value == "true"
		case "tier":
			l.tier = f.Value
		}
	}
}

// live lets something happen to a loan.
func (w *sightseeing) live() {
	l := oneOf(w.dice, w.loans...)
	at := "/loans/" + l.id
	switch w.IntN(5) {
	case 0:
		w.ask(w.boss, "PUT", at+"/portfolios", `{"portfolios":`+w.places()+`}`)
	case 1:
		w.ask(w.boss, "PUT", at+"/status", `{"status":"`+oneOf(w.dice, "active", "on_hold", "closed")+`","reason":"x"}`)
	case 2:
		w.ask(w.boss, "PUT", at+"/custom-fields", fmt.Sprintf(`{"fields":[{"name":"vip","value":"%t"},{"name":"tier","value":%q}]}`, w.IntN(2) == 0, oneOf(w.dice, "gold", "tin", "none")))
	case 3:
		w.ask(w.boss, "POST", at+"/payments", fmt.Sprintf(`{"amount":"%d.00","method":"cash"}`, 1+w.IntN(150)))
	case 4:
		l.owner.region = oneOf(w.dice, "NY", "CA", "TX")
		w.must("PATCH", "/borrowers/"+l.owner.id, `{"address":{"region":"`+l.owner.region+`"}}`, nil)
		for _, other := range w.loans {
			if other.owner == l.owner {
				other.region = l.owner.region
			}
		}
	}
	w.reread(l)
}

// seen is an answer without what differs between two answers that say the same.
type seen struct {
	status int
	body   string
}

var moments = regexp.MustCompile(`"(decision_id|at)":"[^"]*"`)

// ask calls the API a moment later than the call before.
func (w *sightseeing) ask(key secret.Text, method, path, body string) seen {
	w.now.Add(300_000)
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, "https://acme.test/api/v1"+path, in)
	r.RemoteAddr = "198.51.100.7:1000"
	r.Header.Set("Authorization", "Bearer "+key.Reveal())
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	rec := httptest.NewRecorder()
	w.premises.house.Handler().ServeHTTP(rec, r)
	return seen{rec.Code, rec.Body.String()}
}

// must is a call of the boss that has to succeed.
func (w *sightseeing) must(method, path, body string, into any) {
	w.t.Helper()
	got := w.ask(w.boss, method, path, body)
	if got.status/100 != 2 {
		w.t.Fatalf("%s %s %s: %d %s", method, path, body, got.status, got.body)
	}
	if into != nil {
		check(w.t, json.Unmarshal([]byte(got.body), into))
	}
}

// look is a call of the asker that has to succeed.
func (w *sightseeing) look(path string, into any) {
	w.t.Helper()
	got := w.ask(w.asker, "GET", path, "")
	if got.status != http.StatusOK {
		w.t.Fatalf("GET %s: %d %s", path, got.status, got.body)
	}
	check(w.t, json.Unmarshal([]byte(got.body), into))
}
