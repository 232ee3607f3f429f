package origination_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/geo/gazetteer"
	"github.com/lendkeep/lendkeep/internal/geo/ipstacktest"
	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/outbound"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/origination/form"
	"github.com/lendkeep/lendkeep/platform/internal/origination/provider"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

const (
	accessKey  = "standinkey0123456789"
	siteOrigin = "https://apply.acme.test"
	clean      = "203.0.113.10"
)

// bench is a house whose provider is the stand-in on loopback.
type bench struct {
	*gatetest.House
	desk     *origination.Desk
	standin  *ipstacktest.Standin
	url      string
	runner   *job.Runner
	finished chan job.Job // every job that was done
	boarded  []origination.BoardIn
	site     string
	company  id.SourceCompany
	quotaAll bool
}

// each runs a story on both engines; answer replaces the stand-in if given.
func each(t *testing.T, answer http.HandlerFunc, story func(t *testing.T, b *bench)) {
	t.Helper()
	var b *bench
	gatetest.Each(t, func() gatetest.Config {
		b = &bench{finished: make(chan job.Job, 100)}
		demo, err := ipset.Parse("203.0.113.0/24", "2001:db8::/32")
		must(t, err)
		b.desk = origination.New(origination.Config{
			Board: func(_ context.Context, c *gate.Call, in origination.BoardIn) (id.Loan, error) {
				b.boarded = append(b.boarded, in)
				return id.New[id.Loan](c.At), nil
			},
			Kick:      func(*gate.Call) { b.runner.Kick() },
			Gazetteer: gazetteer.Small(),
			Provider: provider.Config{Outbound: outbound.New(outbound.Config{AllowLoopback: true, MaxBody: 1 << 18}), AlsoPublic: demo, PlainLoopback: true, QuotaPerAddress: true,
				Now: func() time.Time { return b.Now() }},
		})
		return gatetest.Config{Operations: b.desk.Operations(), Vocabulary: book.Vocabulary}
	}, func(t *testing.T, h *gatetest.House) {
		b.House = h
		b.standin = ipstacktest.New(accessKey)
		var handler http.Handler = b.standin
		if answer != nil {
			handler = answer
		}
		server := httptest.NewServer(handler)
		t.Cleanup(func() { b.standin.Close(); server.CloseClientConnections(); server.Close() })
		b.url = server.URL
		b.runner = b.newRunner()
		b.sources(t)
		_, err := gatetest.Do(h, b.desk.ConnectionSet, h.Key("admin"), provider.ConnectionIn{BaseURL: b.url, AccessKey: secret.NewText(accessKey), TimeoutMS: 3000, UseConfirmed: confirmed(true)})
		must(t, err)
		story(t, b)
	})
}

// newRunner makes a real runner whose handlers report when they are done.
func (b *bench) newRunner() *job.Runner {
	r := &job.Runner{DB: b.Tenant.DB, Handlers: map[string]job.Handler{}}
	for kind, h := range b.desk.Handlers(b.Gate, b.Tenant) {
		r.Handlers[kind] = func(ctx context.Context, j job.Job) error {
			err := h(ctx, j)
			if err == nil {
				b.finished <- j
			}
			return err
		}
	}
	return r
}

// sources makes a source company and a site key of it.
func (b *bench) sources(t *testing.T) {
	t.Helper()
	b.site, b.company = identity.NewSiteKey(), id.New[id.SourceCompany](b.Now().UnixMicro())
	must(t, b.Write(func(ctx context.Context, tx *db.Tx) error {
		for i, name := range []string{"Northside", "Southside"} {
			cid := b.company
			if i == 1 {
				cid = id.New[id.SourceCompany](tx.At)
			}
			if _, err := tx.Exec(ctx, `INSERT INTO source_company (id, name, created_at) VALUES (?, ?, ?)`, cid, name, tx.At); err != nil {
				return err
			}
		}
		return identity.InsertSite(ctx, tx, identity.Site{ID: id.New[id.SiteKey](tx.At), Public: b.site, Label: "form", Origins: []string{siteOrigin}, SourceCompany: b.company, Active: true, CreatedAt: tx.At})
	}))
}

// run lets the runner work until the test ends.
func (b *bench) run(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.runner.Run(ctx) }()
	t.Cleanup(func() { stop(); must(t, <-ended) })
}

// await waits for a job of a kind to be done.
func (b *bench) await(t *testing.T, kind string) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case j := <-b.finished:
			if j.Kind == kind {
				return
			}
		case <-limit:
			t.Fatalf("no %s was done", kind)
		}
	}
}

// portal is a call from the hosted form by somebody at an address.
func (b *bench) portal(address string) *gate.Request {
	r := b.Stranger(operation.Portal)
	r.Site, r.Origin, r.UserAgent = b.site, siteOrigin, "Mozilla/5.0 (applicant)"
	r.Address = httpserve.Address{Chosen: netip.MustParseAddr(address), Peer: netip.MustParseAddr("127.0.0.1"), Raw: address, Reason: httpserve.ReasonFirstForeign}
	return r
}

// newYorker is an application by somebody who lives in New York.
func newYorker() origination.SubmitIn {
	return origination.SubmitIn{
		Applicant: form.ApplicantIn{FirstName: "Ada", LastName: "Example", Email: "ada@example.com", Phone: "+1 212 555 0123", DateOfBirth: "1990-04-01", SSN: "123-45-6789",
			Address: form.AddressIn{Line1: "5 Example Street", City: "New York", Region: "NY", PostalCode: "10001", Country: "US"}},
		Requested: form.RequestedIn{Amount: "5000.00", TermMonths: 24, Purpose: "A new roof"},
	}
}

// apply submits from an address and gives the application's id.
func (b *bench) apply(t *testing.T, address string, change func(*origination.SubmitIn)) id.Application {
	t.Helper()
	in := newYorker()
	if change != nil {
		change(&in)
	}
	out, err := gatetest.Do(b.House, b.desk.Submit, b.portal(address), in)
	must(t, err)
	if out.Status != "received" {
		t.Fatalf("the applicant is told %q", out.Status)
	}
	return out.ID
}

// checked submits and waits for the check.
func (b *bench) checked(t *testing.T, address string) *origination.ApplicationOut {
	t.Helper()
	a := b.apply(t, address, nil)
	b.await(t, origination.CheckJob)
	return b.view(t, a)
}

// view is what the underwriter sees.
func (b *bench) view(t *testing.T, a id.Application) *origination.ApplicationOut {
	t.Helper()
	out, err := gatetest.Do(b.House, b.desk.View, b.Key("underwriter"), origination.Ref{ID: a})
	must(t, err)
	return out
}

func (b *bench) check(t *testing.T, a id.Application) origination.CheckRef {
	t.Helper()
	ref := origination.CheckRef{Application: a}
	must(t, b.Tenant.DB.Read(context.Background(), 0, func(ctx context.Context, tx *db.Tx) error {
		return tx.One(ctx, `SELECT asked_id FROM application WHERE id = ?`, []any{a}, &ref.Check)
	}))
	return ref
}

func (b *bench) count(t *testing.T, query string, args ...any) (n int64) {
	t.Helper()
	must(t, b.Tenant.DB.Read(context.Background(), 0, func(ctx context.Context, tx *db.Tx) error { return tx.One(ctx, query, args, &n) }))
	return n
}

func confirmed(yes bool) *bool { return &yes }

func rule(t *testing.T, d *origination.DecisionOut, name string) origination.RuleOut {
	t.Helper()
	for _, r := range d.Rules {
		if r.Rule == name {
			return r
		}
	}
	t.Fatalf("no rule %s", name)
	return origination.RuleOut{}
}

func fields(err error) map[string]bool {
	out := map[string]bool{}
	if f := fault.As(err); f != nil {
		for _, x := range f.Fields {
			out[x.Path] = true
		}
	}
	return out
}

func wantKind(t *testing.T, err error, k fault.Kind) {
	t.Helper()
	if !fault.Is(err, k) {
		t.Fatalf("got %v, want %v", err, k)
	}
}

func printed(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b) + fmt.Sprintf("%+v", v)
}

func today(b *bench) civil.Date { return b.Tenant.Today(b.Now().UnixMicro()) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
