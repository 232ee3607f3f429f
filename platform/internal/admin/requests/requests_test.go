package requests_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/mail"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/admin/inquiry"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/admin/requests"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

// counter is the desk of requests beside one act on an application, which only
// managers hold, and which scopes speak of.
type counter struct {
	*gatetest.House
	*requests.Desk
	act      *gate.Op[ref, done]
	look     *gate.Op[ref, done] // at a loan
	people   *people.Desk
	roles    *roles.Desk
	borrower string // in Ohio
}

type ref struct {
	ID string `path:"id" json:"-"`
}

type done struct {
	Name string `json:"name" class:"public"`
}

func act() *gate.Op[ref, done] {
	return &gate.Op[ref, done]{Name: "borrower.call", Title: "Call borrower", Area: "Borrowers", Screen: "Borrower", Method: "POST", Path: "/borrowers/{id}/call",
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.ByRole, Roles: "manager investor", Part: "borrower", Object: func(in *ref) string { return "borrower/" + in.ID },
		Do: func(ctx context.Context, c *gate.Call, in *ref) (*done, error) {
			out, rows := &done{}, c.Scope.Borrowers()
			if c.Tx.One(ctx, `SELECT b.last_name FROM borrower b WHERE b.id = ? AND `+rows.SQL(), append([]any{in.ID}, rows.Args()...), &out.Name) != nil {
				return nil, fault.Missing("borrower")
			}
			return out, nil
		}}
}

func look() *gate.Op[ref, done] {
	return &gate.Op[ref, done]{Name: "loan.look", Title: "Look at loan", Area: "Loans", Screen: "Loan", Method: "GET", Path: "/loans/{id}/look",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "manager investor", Object: func(in *ref) string { return "loan/" + in.ID },
		Do: func(ctx context.Context, c *gate.Call, in *ref) (*done, error) {
			out, rows := &done{}, c.Scope.Loans()
			if c.Tx.One(ctx, `SELECT l.number FROM loan l WHERE l.id = ? AND `+rows.SQL(), append([]any{in.ID}, rows.Args()...), &out.Name) != nil {
				return nil, fault.Missing("loan")
			}
			return out, nil
		}}
}

func each(t *testing.T, fn func(t *testing.T, o *counter)) {
	t.Helper()
	var o *counter
	gatetest.Each(t, func() gatetest.Config {
		var list []gate.Entry
		catalogue := func() []*gate.Meta { return gate.Catalogue(list) }
		ask := inquiry.New(inquiry.Config{Catalogue: catalogue})
		o = &counter{Desk: requests.New(requests.Config{Inquiry: ask}), act: act(), look: look(), roles: roles.New(roles.Config{Catalogue: catalogue}),
			people: people.New(people.Config{Passwords: identity.NewPasswords(), Catalogue: catalogue, Kick: func(*gate.Call) {}})}
		list = append(list, o.act, o.look)
		for _, more := range [][]gate.Entry{o.Operations(), ask.Operations(), o.roles.Operations(), restrictions.New(restrictions.Config{}).Operations(), o.people.Operations()} {
			list = append(list, more...)
		}
		return gatetest.Config{Operations: list, Vocabulary: book.Vocabulary}
	}, func(t *testing.T, h *gatetest.House) {
		o.House = h
		at := h.Now().UnixMicro()
		o.borrower = string(id.New[id.Borrower](at))
		none := []byte{}
		o.exec(t, `INSERT INTO borrower (id, reference, first_name, last_name, name_key, surname_key, city, region, postal_code, country, email, phone, date_of_birth, ssn, line1, email_index, phone_index, ssn_index, import_id, created_at, updated_at)
			VALUES (?, '', 'Ann', 'Lee', 'ann lee', 'lee ann', 'Dayton', 'OH', '', 'US', ?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?)`, o.borrower, none, none, none, none, none, none, none, none, at, at)
		fn(t, o)
	})
}

func (o *counter) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if err := o.Write(func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, query, args...); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	}); err != nil {
		t.Fatal(err)
	}
}

// try makes the call and gives the decision that refuses it, or "".
func (o *counter) try(t *testing.T, role, object string) id.Decision {
	t.Helper()
	_, err := gatetest.Do(o.House, o.act, o.Screen(role), ref{ID: object})
	if err == nil {
		return ""
	}
	return id.Decision(fault.As(err).DecisionID)
}

func (o *counter) ask(t *testing.T, role string, d id.Decision) *requests.Request {
	t.Helper()
	out, err := gatetest.Do(o.House, o.Create, o.Screen(role), requests.CreateIn{Decision: d, Reason: "month-end", Until: "2026-12-10"})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func reason(err error) string {
	if err == nil {
		return "done"
	}
	return fault.As(err).Reason
}

func TestAGrantedRoleIsLentUntilTheDate(t *testing.T) {
	each(t, func(t *testing.T, o *counter) {
		office := &policy.IPRule{ID: id.New[id.IPRule](o.Now().UnixMicro()), Name: "Denver office", Entries: []string{"198.51.100.0/24"}, Active: true,
			Holders: []policy.Holder{{Kind: "role", ID: string(o.Roles[policy.Agent])}}}
		if err := o.Write(func(ctx context.Context, tx *db.Tx) error { return policy.SaveIPRule(ctx, tx, office, true) }); err != nil {
			t.Fatal(err)
		}
		asked := o.ask(t, policy.Agent, o.try(t, policy.Agent, o.borrower))
		if !asked.Mine || asked.MayDecide || asked.Layer != "role" || asked.Would != "" || asked.Change != nil || asked.Until != "2026-12-11T05:00:00Z" {
			t.Fatalf("what the asker sees: %+v", asked)
		}
		seen, err := gatetest.Do(o.House, o.View, o.Screen(policy.Admin), requests.Ref{ID: asked.ID})
		if err != nil || !seen.MayDecide || seen.How != "lend" || seen.Change == nil || seen.Change.Operation != "role.update" || seen.UserName != "Agent Person" {
			t.Fatalf("what the granter sees: %+v, %v", seen, err)
		}
		if _, err := gatetest.Do(o.House, o.Grant, o.Screen(policy.Admin), requests.GrantIn{ID: asked.ID, Until: "2026-12-05", Remark: "as agreed"}); err != nil {
			t.Fatal(err)
		}
		if d := o.try(t, policy.Agent, o.borrower); d != "" {
			t.Error("granted, and yet refused")
		}
		far := o.Screen(policy.Agent)
		far.Address.Chosen = netip.MustParseAddr("203.0.113.9")
		if _, err := gatetest.Do(o.House, o.act, far, ref{ID: o.borrower}); reason(err) != "address_not_allowed" {
			t.Errorf("the lent role is not bound by the address rules of the role that it stands in for: %v", err)
		}
		e := o.Trail(t, audit.Filter{Operation: "access_request.grant"})[0]
		if e.Given != "as agreed" || len(e.Changes) < 3 || e.Changes[0].Field != "role" || !strings.Contains(e.Changes[0].After, "Agent with Call borrower until 2026-12-05") {
			t.Errorf("the trail says %+v", e)
		}
		o.Advance(14 * 24 * time.Hour) // sessions end meanwhile; the key shows it
		for _, who := range []string{policy.Agent, policy.Admin} {
			o.exec(t, `UPDATE session SET ends_at = ends_at + 2000000000000, seen_at = seen_at + 1209600000000 WHERE user_id = ?`, o.People[who].ID)
		}
		if d := o.try(t, policy.Agent, o.borrower); d == "" {
			t.Error("the lent right has outlived its end")
		}
		again := o.ask2(t, policy.Agent)
		if _, err := gatetest.Do(o.House, o.Grant, o.Key(policy.Admin), requests.GrantIn{ID: again.ID}); err != nil {
			t.Fatal(err)
		}
		var left int64
		o.read(t, `SELECT COUNT(*) FROM role WHERE name LIKE '%until 2026-12-05'`, &left)
		if left != 0 {
			t.Error("a lent role that nobody holds any more is still there")
		}
	})
}

// ask2 asks by naming the operation, later in the month.
func (o *counter) ask2(t *testing.T, role string) *requests.Request {
	t.Helper()
	out, err := gatetest.Do(o.House, o.Create, o.Screen(role), requests.CreateIn{Operation: "borrower.call", Object: "borrower/" + o.borrower, Reason: "again", Until: o.Now().Add(240 * time.Hour).Format("2006-01-02")})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (o *counter) read(t *testing.T, query string, dest ...any) {
	t.Helper()
	if err := o.Tenant.DB.Read(context.Background(), o.Now().UnixMicro(), func(ctx context.Context, tx *db.Tx) error {
		return tx.One(ctx, query, nil, dest...)
	}); err != nil {
		t.Fatal(err)
	}
}

// Who asks about a row that is hidden learns as little as who asks about one that
// is not there; granting pauses the restriction for the person alone, for the time.
func TestAGrantedRowIsShownUntilTheDate(t *testing.T) {
	each(t, func(t *testing.T, o *counter) {
		o.board(t, "LN-1", "NY")
		o.board(t, "LN-2", "OH")
		o.Restrict(t, policy.Investor, policy.Restriction{Name: "New York only", Visible: `borrower.state == "NY" && loan.number == "LN-9"`})
		hidden := o.ask(t, policy.Investor, o.try(t, policy.Investor, o.borrower))
		nobody := string(id.New[id.Borrower](o.Now().UnixMicro()))
		missing := o.ask(t, policy.Investor, o.try(t, policy.Investor, nobody))
		if hidden.Layer != "row" || missing.Layer != hidden.Layer || hidden.Would+missing.Would != "" || hidden.Change != nil || missing.Change != nil {
			t.Errorf("asking tells hidden from missing: %+v, %+v", hidden, missing)
		}
		seen, err := gatetest.Do(o.House, o.View, o.Screen(policy.Admin), requests.Ref{ID: hidden.ID})
		if err != nil || seen.How != "lend" || !strings.Contains(seen.Would, "New York only") || seen.Rows == nil || seen.Rows.LoansNow != 0 || seen.Rows.LoansThen != 2 {
			t.Fatalf("%+v, %v", seen, err)
		}
		if none, err := gatetest.Do(o.House, o.View, o.Screen(policy.Admin), requests.Ref{ID: missing.ID}); err != nil || none.How != "by_hand" {
			t.Errorf("about what is not there: %+v, %v", none, err)
		}
		if _, err := gatetest.Do(o.House, o.Grant, o.Screen(policy.Admin), requests.GrantIn{ID: hidden.ID}); err != nil {
			t.Fatal(err)
		}
		if d := o.try(t, policy.Investor, o.borrower); d != "" {
			t.Error("granted, and yet hidden")
		}
		o.Advance(20 * 24 * time.Hour)
		o.exec(t, `UPDATE session SET ends_at = ends_at + 2000000000000, seen_at = seen_at + 1728000000000`)
		if d := o.try(t, policy.Investor, o.borrower); d == "" {
			t.Error("the pause has outlived its end")
		}
	})
}

func TestNobodyGrantsToThemselvesOrWhatTheyMayNotGive(t *testing.T) {
	each(t, func(t *testing.T, o *counter) {
		asked := o.ask(t, policy.Agent, o.try(t, policy.Agent, o.borrower))
		for _, role := range []string{policy.Underwriter, policy.Investor} {
			if _, err := gatetest.Do(o.House, o.View, o.Screen(role), requests.Ref{ID: asked.ID}); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s sees another's request: %v", role, err)
			}
			if _, err := gatetest.Do(o.House, o.Grant, o.Screen(role), requests.GrantIn{ID: asked.ID}); !fault.Is(err, fault.Denied) {
				t.Errorf("%s grants: %v", role, err)
			}
			if out, err := gatetest.Do(o.House, o.List, o.Screen(role), requests.ListIn{}); err != nil || out.Total != 0 {
				t.Errorf("%s lists: %+v, %v", role, out, err)
			}
		}
		// A clerk who may grant, but not give this operation.
		o.exec(t, `UPDATE staff SET role_id = ?, grantable = '["user.list"]' WHERE id = ?`, o.Roles[policy.Admin], o.People[policy.Manager].ID)
		if _, err := gatetest.Do(o.House, o.Grant, o.Screen(policy.Manager), requests.GrantIn{ID: asked.ID}); !fault.Is(err, fault.NotFound) {
			t.Errorf("beyond the grantable set: %v", err)
		}
		// A granter who does not see the object.
		o.Restrict(t, policy.Admin, policy.Restriction{Name: "Mine", Visible: `borrower.state == "NY"`})
		if _, err := gatetest.Do(o.House, o.Grant, o.Screen(policy.Admin), requests.GrantIn{ID: asked.ID}); !fault.Is(err, fault.NotFound) {
			t.Errorf("about what the granter does not see: %v", err)
		}
		own, err := gatetest.Do(o.House, o.Create, o.Screen(policy.Admin), requests.CreateIn{Operation: "borrower.call", Object: "borrower/" + o.borrower, Reason: "mine", Until: "2026-12-01"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gatetest.Do(o.House, o.Grant, o.Screen(policy.Admin), requests.GrantIn{ID: own.ID}); reason(err) != "own_access" {
			t.Errorf("one's own: %v", err)
		}
		// Where the tenant wants two people for role edits, granting makes none.
		o.exec(t, `DELETE FROM staff_restriction`)
		o.exec(t, `UPDATE access_setting SET four_eyes = '["role.update"]'`)
		done, err := gatetest.Do(o.House, o.View, o.Screen(policy.Admin), requests.Ref{ID: asked.ID})
		if err != nil || done.How != "by_hand" || !done.Change.Paired {
			t.Errorf("under four eyes: %+v, %v", done, err)
		}
		if _, err := gatetest.Do(o.House, o.Grant, o.Screen(policy.Admin), requests.GrantIn{ID: asked.ID}); err != nil || o.try(t, policy.Agent, o.borrower) == "" {
			t.Errorf("four eyes were passed by: %v", err)
		}
	})
}

func TestARequestIsRefusedOrWithdrawn(t *testing.T) {
	each(t, func(t *testing.T, o *counter) {
		d := o.try(t, policy.Agent, o.borrower)
		for want, in := range map[string]requests.CreateIn{"until": {Decision: d, Reason: "x", Until: "2027-11-22"}, "reason": {Decision: d, Reason: " ", Until: "2026-12-01"}, "operation": {Operation: "nothing", Reason: "x", Until: "2026-12-01"}} {
			_, err := gatetest.Do(o.House, o.Create, o.Screen(policy.Agent), in)
			if f := fault.As(err); f == nil || f.Kind != fault.Invalid || f.Fields[0].Path != want {
				t.Errorf("%s: %v", want, err)
			}
		}
		if _, err := gatetest.Do(o.House, o.Create, o.Screen(policy.Underwriter), requests.CreateIn{Decision: d, Reason: "x", Until: "2026-12-01"}); !fault.Is(err, fault.NotFound) {
			t.Errorf("by another's denial: %v", err)
		}
		asked := o.ask(t, policy.Agent, d)
		if _, err := gatetest.Do(o.House, o.Create, o.Screen(policy.Agent), requests.CreateIn{Decision: d, Reason: "x", Until: "2026-12-01"}); reason(err) != "already_requested" {
			t.Errorf("twice: %v", err)
		}
		if _, err := gatetest.Do(o.House, o.Refuse, o.Screen(policy.Admin), requests.RefuseIn{ID: asked.ID}); reason(err) != "invalid" {
			t.Errorf("without a word: %v", err)
		}
		if out, err := gatetest.Do(o.House, o.Refuse, o.Screen(policy.Admin), requests.RefuseIn{ID: asked.ID, Remark: "not yours"}); err != nil || out.State != requests.Refused {
			t.Fatalf("%+v, %v", out, err)
		}
		if _, err := gatetest.Do(o.House, o.Grant, o.Screen(policy.Admin), requests.GrantIn{ID: asked.ID}); reason(err) != "request_closed" {
			t.Errorf("after it was refused: %v", err)
		}
		mine, err := gatetest.Do(o.House, o.View, o.Screen(policy.Agent), requests.Ref{ID: asked.ID})
		if err != nil || mine.Remark != "not yours" || mine.DeciderName != "Admin Person" {
			t.Errorf("%+v, %v", mine, err)
		}
		second := o.ask(t, policy.Agent, o.try(t, policy.Agent, o.borrower))
		if _, err := gatetest.Do(o.House, o.Withdraw, o.Screen(policy.Admin), requests.Ref{ID: second.ID}); !fault.Is(err, fault.NotFound) {
			t.Errorf("another withdraws: %v", err)
		}
		if out, err := gatetest.Do(o.House, o.Withdraw, o.Key(policy.Agent), requests.Ref{ID: second.ID}); err != nil || out.State != requests.Withdrawn {
			t.Errorf("%+v, %v", out, err)
		}
		if out, err := gatetest.Do(o.House, o.List, o.Screen(policy.Agent), requests.ListIn{State: "all"}); err != nil || out.Total != 2 {
			t.Errorf("%+v, %v", out, err)
		}
		o.letters(t)
	})
}

// outbox keeps what was sent.
type outbox []mail.Message

func (b *outbox) Send(_ context.Context, m mail.Message) error {
	*b = append(*b, m)
	return mail.Check(m)
}

// letters sends what waits: the administrator is told of both requests, the agent
// of the refusal.
func (o *counter) letters(t *testing.T) {
	t.Helper()
	var sent outbox
	var jobs []job.Job
	o.readAll(t, &jobs)
	handle := o.Handlers(o.Tenant, &sent, "https://acme.test")[requests.MailKind]
	for _, j := range jobs {
		if err := handle(context.Background(), j); err != nil {
			t.Fatal(err)
		}
	}
	admin, agent := 0, 0
	for _, m := range sent {
		switch {
		case m.To == "admin@acme.test" && strings.Contains(m.Text, "Agent Person asks for “Call borrower” until 2026-12-10:") && strings.Contains(m.Text, "https://acme.test/access/requests/rq_"):
			admin++
		case m.To == "agent@acme.test" && strings.Contains(m.Subject, "refused") && strings.Contains(m.Text, "not yours"):
			agent++
		default:
			t.Errorf("an odd letter: %+v", m)
		}
	}
	if admin != 2 || agent != 1 {
		t.Errorf("%d letters to the administrator, %d to the agent", admin, agent)
	}
}

func (o *counter) readAll(t *testing.T, jobs *[]job.Job) {
	t.Helper()
	if err := o.Tenant.DB.Read(context.Background(), o.Now().UnixMicro(), func(ctx context.Context, tx *db.Tx) (err error) {
		*jobs, err = db.All(ctx, tx, func(r *db.Rows) (j job.Job, err error) { return j, r.Scan(&j.Kind, &j.Payload) }, `SELECT kind, payload FROM job WHERE kind = ?`, requests.MailKind)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
