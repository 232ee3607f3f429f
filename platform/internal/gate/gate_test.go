package gate_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

type drawerIn struct {
	ID   string `path:"id" json:"-"`
	Text string `json:"text"`
}

type drawerOut struct {
	Text  string                     `json:"text" class:"public"`
	SSN   secret.Field[secret.SSN]   `json:"ssn"`
	Email secret.Field[secret.Email] `json:"email"`
}

// drawerNote is what the drawer says of a text put into it: an answer that can
// be kept for an Idempotency-Key.
type drawerNote struct {
	Text string `json:"text" class:"public"`
}

// drawer is a desk as small as can be: it looks into a drawer and puts a text
// into the table of roles, which every tenant has.
type drawer struct {
	look *gate.Op[drawerIn, drawerOut]
	put  *gate.Op[drawerIn, drawerNote]
	fire *gate.Op[drawerIn, drawerOut]
}

func newDrawer() *drawer {
	object := func(in *drawerIn) string { return "drawer/" + in.ID }
	return &drawer{
		look: &gate.Op[drawerIn, drawerOut]{Name: "drawer.look", Title: "Look", Area: "Drawers", Screen: "Drawer", Method: "GET", Path: "/drawers/{id}",
			Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "agent investor", Object: object,
			Do: func(ctx context.Context, c *gate.Call, in *drawerIn) (*drawerOut, error) {
				return &drawerOut{Text: "full", SSN: secret.Seal[secret.SSN]("078-05-1120"), Email: secret.Seal[secret.Email]("ann@example.com")}, nil
			}},
		put: &gate.Op[drawerIn, drawerNote]{Name: "drawer.put", Title: "Put", Area: "Drawers", Screen: "Drawer/Put", Method: "POST", Path: "/drawers/{id}",
			Kind: operation.Write, Audit: operation.Changed, Permit: gate.ByRole, Roles: "agent", Object: object, Idempotent: true,
			Do: func(ctx context.Context, c *gate.Call, in *drawerIn) (*drawerNote, error) {
				c.Change("text", "", in.Text)
				_, err := c.Tx.Exec(ctx, `UPDATE role SET description = description || ? WHERE shipped = 'agent'`, in.Text)
				if in.Text == "fail" {
					err = fault.Bad("text", "Say something else.")
				}
				return &drawerNote{Text: in.Text}, err
			}},
		fire: &gate.Op[drawerIn, drawerOut]{Name: "drawer.fire", Title: "Switch a user off", Area: "Drawers", Method: "POST", Path: "/fire/{id}",
			Kind: operation.Write, Audit: operation.Access, Permit: gate.ByRole, Object: object,
			Do: func(ctx context.Context, c *gate.Call, in *drawerIn) (*drawerOut, error) {
				_, err := c.Tx.Exec(ctx, `UPDATE staff SET active = 0 WHERE id = ?`, in.ID)
				return &drawerOut{}, err
			}},
	}
}

func each(t *testing.T, fn func(t *testing.T, h *gatetest.House, d *drawer)) {
	var d *drawer
	gatetest.Each(t, func() gatetest.Config {
		d = newDrawer()
		return gatetest.Config{Operations: []gate.Entry{d.look, d.put, d.fire}}
	}, func(t *testing.T, h *gatetest.House) { fn(t, h, d) })
}

func kind(t *testing.T, err error, want fault.Kind) *fault.Error {
	t.Helper()
	if !fault.Is(err, want) {
		t.Fatalf("got %v, want a fault of kind %v", err, want)
	}
	return fault.As(err)
}

func description(t *testing.T, h *gatetest.House) string {
	t.Helper()
	var text string
	if err := h.Tenant.DB.Read(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
		return tx.One(ctx, `SELECT description FROM role WHERE shipped = 'agent'`, nil, &text)
	}); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRoleDecidesAndTheTrailRemembers(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *drawer) {
		for _, r := range []*gate.Request{h.Key(policy.Agent), h.Screen(policy.Agent)} {
			if _, err := gatetest.Do(h, d.look, r, drawerIn{ID: "1"}); err != nil {
				t.Fatalf("the agent looks: %v", err)
			}
		}
		_, err := gatetest.Do(h, d.put, h.Key(policy.Investor), drawerIn{ID: "1", Text: "x"})
		f := kind(t, err, fault.Denied)
		if f.Reason != "role_lacks_operation" || f.DecisionID == "" {
			t.Fatalf("the denial has no reason or decision: %+v", f)
		}
		trail := h.Trail(t, audit.Filter{})
		if len(trail) != 3 {
			t.Fatalf("%d entries, want two looks and a denial", len(trail))
		}
		e := trail[0]
		if e.Outcome != operation.Denied || string(e.DecisionID) != f.DecisionID || e.Channel != operation.API || e.Address.String() != "198.51.100.7" ||
			e.Object != "drawer/1" || e.Operation != "drawer.put" || e.Actor != "user/"+string(h.People[policy.Investor].ID) {
			t.Fatalf("the denial's entry is not whole: %+v", e)
		}
		if trail[1].Channel != operation.UI || trail[2].Channel != operation.API {
			t.Fatal("the channel is not what the credential says")
		}
	})
}

func TestDeniedComesBeforeInvalid(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *drawer) {
		body := func(*drawerIn) error { t.Error("the body was read"); return fault.Bad("text", "never") }
		_, err := gate.Run(t.Context(), h.Gate, d.put, h.Key(policy.Investor), nil, body)
		kind(t, err, fault.Denied)
	})
}

func TestOneAddressCannotFloodTheHostedForms(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *drawer) {
		ask := func(address string) *fault.Error {
			r := h.Stranger(operation.Portal)
			r.Address.Chosen = netip.MustParseAddr(address)
			_, err := gatetest.Do(h, d.look, r, drawerIn{ID: "1"})
			return fault.As(err)
		}
		n := 0
		for ; n < 1000 && ask("2001:db8:1:2::"+strconv.FormatInt(int64(n), 16)).Kind != fault.TooMany; n++ {
		}
		if n != 120 {
			t.Errorf("one network of 64 bits got %d calls through at once, want 120", n)
		}
		if f := ask("2001:db8:1:2::1"); f.RetryAfter <= 0 {
			t.Errorf("no word of when to try again: %+v", f)
		}
		if f := ask("203.0.113.7"); f.Kind == fault.TooMany {
			t.Error("another applicant has to wait as well")
		}
		if _, err := gatetest.Do(h, d.look, h.Key(policy.Agent), drawerIn{ID: "1"}); err != nil {
			t.Errorf("people at work have to wait as well: %v", err)
		}
	})
}

func TestStrangersLearnNothing(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *drawer) {
		bad := h.Key(policy.Agent)
		bad.Key = secret.NewText("lk_" + strings.Repeat("0", 44))
		cross := h.Key(policy.Agent)
		cross.Channel, cross.Session = operation.UI, cross.Key // a key is not a session
		gone := h.Key(policy.Agent)
		gone.Tenant = nil
		for name, r := range map[string]*gate.Request{"no credential": h.Stranger(operation.API), "unknown key": bad, "a key as a cookie": cross, "no tenant": gone} {
			if _, err := gatetest.Do(h, d.look, r, drawerIn{ID: "1"}); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestTextsThatWouldLookOtherThanTheyAreAreRefused(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *drawer) {
		for _, text := range []string{"Acme\u202egpj.exe", "\u2066Acme", "\ufeffAcme", "a\x00b", "\xff"} {
			_, err := gatetest.Do(h, d.put, h.Key(policy.Agent), drawerIn{ID: "1", Text: text})
			if f := kind(t, err, fault.Invalid); len(f.Fields) != 1 || f.Fields[0].Path != "text" || strings.Contains(f.Fields[0].Mend, text) {
				t.Errorf("%+q: %+v", text, f)
			}
		}
		if _, err := gatetest.Do(h, d.put, h.Key(policy.Agent), drawerIn{ID: "1", Text: "\u05d0\u200f and Zoë \u200d are text"}); err != nil {
			t.Error(err)
		}
	})
}

func TestCardNumbersAreRefusedAndNotRepeated(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *drawer) {
		_, err := gatetest.Do(h, d.put, h.Key(policy.Agent), drawerIn{ID: "1", Text: "card 4111 1111 1111 1111"})
		f := kind(t, err, fault.Invalid)
		if f.Reason != "card_number" || strings.Contains(fmt.Sprint(f), "4111") || f.Fields[0].Path != "text" {
			t.Fatalf("fault %+v", f)
		}
		if e := h.Trail(t, audit.Filter{})[0]; e.Outcome != operation.Failed || e.Reason != "card_number" || e.Detail["card_number_in"] != "text" || e.Detail["card_number"] != "**** 1111" {
			t.Fatalf("entry %+v", e)
		}
	})
}

func TestAFailedWriteLeavesNothingButItsEntry(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *drawer) {
		before := description(t, h)
		_, err := gatetest.Do(h, d.put, h.Key(policy.Agent), drawerIn{ID: "1", Text: "fail"})
		kind(t, err, fault.Invalid)
		if description(t, h) != before {
			t.Fatal("a failed write has changed something")
		}
		if e := h.Trail(t, audit.Filter{})[0]; e.Outcome != operation.Failed || len(e.Changes) != 0 {
			t.Fatalf("entry %+v", e)
		}
	})
}

func TestAnIdempotentWriteHappensOnce(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *drawer) {
		call := func(key, text string) error {
			r := h.Key(policy.Agent)
			r.IdempotencyKey = key
			_, err := gatetest.Do(h, d.put, r, drawerIn{ID: "1", Text: text})
			return err
		}
		before := description(t, h)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := call("k1", "+"); err != nil && !fault.Is(err, fault.Unavailable) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := description(t, h); got != before+"+" {
			t.Fatalf("eight calls with one key left %q", got[len(before):])
		}
		kind(t, call("k1", "other"), fault.Conflict)
	})
}

// An input may hold a social security number. Whoever has the database alone must not be
// able to try all of them against what is kept of the request.
func TestWhatIsKeptOfARequestCannotBeGuessedAt(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *drawer) {
		put := func(text string) error {
			r := h.Key(policy.Agent)
			r.IdempotencyKey = "k1"
			_, err := gatetest.Do(h, d.put, r, drawerIn{ID: "1", Text: text})
			return err
		}
		if err := put("a"); err != nil {
			t.Fatal(err)
		}
		var kept []byte
		read := func(ctx context.Context, tx *db.Tx) error {
			return tx.One(ctx, `SELECT request_hash FROM idempotency WHERE given_key = 'k1'`, nil, &kept)
		}
		if err := h.Tenant.DB.Read(t.Context(), 0, read); err != nil {
			t.Fatal(err)
		}
		for _, guess := range []string{"drawer/1\x00{\"text\":\"a\"}", "{\"text\":\"a\"}", "a"} {
			if sum := sha256.Sum256([]byte(guess)); len(kept) != 32 || bytes.Equal(sum[:], kept) {
				t.Fatalf("%x is kept, the bare hash of %q", kept, guess)
			}
		}
		kind(t, put("b"), fault.Conflict)

		// A call from before the upgrade to keyed hashes, repeated after it.
		if err := h.Write(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE idempotency SET request_hash = ''`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		before := description(t, h)
		if err := put("a"); err != nil || description(t, h) != before {
			t.Fatalf("a call from before the upgrade is done twice: %v", err)
		}
	})
}

func TestPersonalFieldsAreMasked(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *drawer) {
		out, err := gatetest.Do(h, d.look, h.Key(policy.Agent), drawerIn{ID: "1"})
		if err != nil {
			t.Fatal(err)
		}
		if s := out.SSN.String() + out.Email.String(); strings.Contains(s, "078") || strings.Contains(s, "ann@") || !strings.Contains(s, "1120") {
			t.Fatalf("shown: %s", s)
		}
	})
}

func TestARevocationStopsTheVeryNextCall(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *drawer) {
		agent := h.People[policy.Agent]
		for range 3 { // the compiled policy is warm
			if _, err := gatetest.Do(h, d.look, h.Key(policy.Agent), drawerIn{ID: "1"}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := gatetest.Do(h, d.fire, h.Key(policy.Admin), drawerIn{ID: string(agent.ID)}); err != nil {
			t.Fatal(err)
		}
		_, err := gatetest.Do(h, d.look, h.Key(policy.Agent), drawerIn{ID: "1"})
		if f := kind(t, err, fault.Denied); f.Reason != "user_inactive" {
			t.Fatalf("reason %s", f.Reason)
		}
		_, err = gatetest.Do(h, d.look, h.Screen(policy.Agent), drawerIn{ID: "1"})
		kind(t, err, fault.Denied)
	})
}

func TestARevokedKeyAndAnEndedSessionAreUnknown(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *drawer) {
		agent := h.People[policy.Agent]
		if err := h.Write(func(ctx context.Context, tx *db.Tx) error {
			if err := identity.RevokeKey(ctx, tx, agent.KeyID); err != nil {
				return err
			}
			return identity.EndSessions(ctx, tx, agent.ID)
		}); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*gate.Request{h.Key(policy.Agent), h.Screen(policy.Agent)} {
			_, err := gatetest.Do(h, d.look, r, drawerIn{ID: "1"})
			kind(t, err, fault.Unauthenticated)
		}
	})
}

func TestSessionsEndWhenIdleAndAfterTwelveHours(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *drawer) {
		use := func() error {
			_, err := gatetest.Do(h, d.look, h.Screen(policy.Agent), drawerIn{ID: "1"})
			return err
		}
		for range 35 { // every 20 minutes: kept alive for 11 h 40 min
			h.Advance(20 * time.Minute)
			if err := use(); err != nil {
				t.Fatal(err)
			}
		}
		h.Advance(21 * time.Minute)
		kind(t, use(), fault.Unauthenticated)
		idle := func() error {
			_, err := gatetest.Do(h, d.look, h.Screen(policy.Manager), drawerIn{ID: "1"})
			return err
		}
		kind(t, idle(), fault.Unauthenticated)
	})
}

func TestAddressRulesBindEveryCall(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *drawer) {
		if err := h.Write(func(ctx context.Context, tx *db.Tx) error {
			err := policy.SaveIPRule(ctx, tx, &policy.IPRule{ID: "ip_x", Name: "elsewhere", Entries: []string{"203.0.113.0/24"}, Active: true,
				Holders: []policy.Holder{{Kind: "user", ID: string(h.People[policy.Agent].ID)}}}, true)
			if err != nil {
				return err
			}
			return policy.Bump(ctx, tx)
		}); err != nil {
			t.Fatal(err)
		}
		_, err := gatetest.Do(h, d.look, h.Key(policy.Agent), drawerIn{ID: "1"})
		if f := kind(t, err, fault.Denied); f.Reason != "address_not_allowed" {
			t.Fatalf("reason %s", f.Reason)
		}
		if _, err := gatetest.Do(h, d.look, h.Key(policy.Investor), drawerIn{ID: "1"}); err != nil {
			t.Fatalf("the rule binds one user only: %v", err)
		}
	})
}

func TestAPageIsOneEntryAndItsDenialsAnother(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *drawer) {
		err := h.Gate.Page(t.Context(), h.Screen(policy.Investor), func(ctx context.Context, p *gate.Page) error {
			for range 2 {
				if _, err := gate.Look(ctx, p, d.look, &drawerIn{ID: "7"}); err != nil {
					return err
				}
			}
			if p.Can("drawer.put", "drawer/7") {
				t.Error("the investor is offered the agent's button")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		trail := h.Trail(t, audit.Filter{})
		if len(trail) != 1 || len(trail[0].Operations) != 2 || trail[0].Object != "drawer/7" {
			t.Fatalf("trail %+v", trail)
		}
		err = h.Gate.Page(t.Context(), h.Screen(policy.Underwriter), func(ctx context.Context, p *gate.Page) error {
			_, err := gate.Look(ctx, p, d.look, &drawerIn{ID: "7"})
			return err
		})
		f := kind(t, err, fault.Denied)
		if e := h.Trail(t, audit.Filter{Outcome: "denied"}); len(e) != 1 || string(e[0].DecisionID) != f.DecisionID {
			t.Fatalf("denials %+v", e)
		}
	})
}

func TestAFailedReadOfAPageTellsTheTrailWhatWasTried(t *testing.T) {
	var d *drawer
	gatetest.Each(t, func() gatetest.Config {
		d = newDrawer()
		d.look.Do = func(_ context.Context, c *gate.Call, _ *drawerIn) (*drawerOut, error) {
			c.Detail("sort", "oldest first")
			return nil, fault.Missing("drawer")
		}
		return gatetest.Config{Operations: []gate.Entry{d.look, d.put, d.fire}}
	}, func(t *testing.T, h *gatetest.House) {
		err := h.Gate.Page(t.Context(), h.Screen(policy.Investor), func(ctx context.Context, p *gate.Page) error {
			_, err := gate.Look(ctx, p, d.look, &drawerIn{ID: "7"})
			return err
		})
		kind(t, err, fault.NotFound)
		trail := h.Trail(t, audit.Filter{Outcome: "failed"})
		if len(trail) != 1 || trail[0].Detail["sort"] != "oldest first" || trail[0].Object != "drawer/7" {
			t.Fatalf("trail %+v", trail)
		}
	})
}

func TestAHouseThatWouldLeakDoesNotStart(t *testing.T) {
	type leak struct {
		SSN string `json:"ssn"`
	}
	good := newDrawer()
	op := &gate.Op[drawerIn, leak]{Name: "leak", Title: "Leak", Area: "A", Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole,
		Do: func(context.Context, *gate.Call, *drawerIn) (*leak, error) { return nil, nil }}
	cfg := gate.Config{Now: time.Now, Log: discard()}
	if _, err := gate.New(cfg, op); err == nil || !strings.Contains(err.Error(), "no class") {
		t.Errorf("an unclassified leaf starts: %v", err)
	}
	for name, spoil := range map[string]func(){
		"no permission": func() { good.look.Permit = 0 },
		"no audit form": func() { good.look.Audit = 0 },
		"no kind":       func() { good.look.Kind = 0 },
	} {
		good = newDrawer()
		spoil()
		if _, err := gate.New(cfg, good.look); err == nil {
			t.Errorf("%s: the house starts", name)
		}
	}
	type kept struct {
		SSN secret.Field[secret.SSN] `json:"ssn"`
	}
	again := &gate.Op[drawerIn, kept]{Name: "keep", Title: "Keep", Area: "A", Kind: operation.Write, Audit: operation.Changed, Permit: gate.ByRole, Idempotent: true,
		Do: func(context.Context, *gate.Call, *drawerIn) (*kept, error) { return nil, nil }}
	if _, err := gate.New(cfg, again); err == nil || !strings.Contains(err.Error(), "cannot be kept") {
		t.Errorf("a kept answer with sealed fields starts: %v", err)
	}
	again.Idempotent = false
	if _, err := gate.New(cfg, again); err != nil {
		t.Errorf("the same without an Idempotency-Key: %v", err)
	}
	good = newDrawer()
	if _, err := gate.New(cfg, good.look, good.look); err == nil {
		t.Error("an operation twice in the list: the house starts")
	}
}

func TestTheZeroScopeShowsNothing(t *testing.T) {
	var s gate.Scope
	if !s.Loans().IsFalse() || !s.Borrowers().IsFalse() || !s.Applications().IsFalse() || s.Everything() {
		t.Fatal("the zero Scope shows something")
	}
}
