package inquiry_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/factor"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/admin/inquiry"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// manyAddresses is a set that is too large to be sent whole in a suggestion.
func manyAddresses() []string {
	var out []string
	for i := range 10_000 {
		out = append(out, fmt.Sprintf("10.%d.%d.0/24", i/250, i%250))
	}
	return out
}

// viewed has the administrator look through other eyes.
func viewed(as string) func(t *testing.T, o *office) {
	return func(t *testing.T, o *office) {
		sort, shipped, _ := strings.Cut(as, "/")
		ref := string(o.Roles[shipped])
		if sort == "user" {
			ref = string(o.People[shipped].ID)
		}
		o.exec(t, `UPDATE session SET view_as = ? WHERE user_id = ?`, sort+"/"+ref, o.People[policy.Admin].ID)
	}
}

// arm gives a person a second factor with recovery codes, no exception any more, and
// a session that gave a factor at an instant.
func (o *office) arm(t *testing.T, role string, at int64) {
	t.Helper()
	u := o.People[role].ID
	codes, hashes := factor.NewRecoveryCodes(string(u))
	o.codes = codes
	o.write(t, func(ctx context.Context, tx *db.Tx) error {
		f := identity.Factor{ID: id.New[id.Factor](tx.At), User: u, Kind: identity.TOTP, Label: "Phone", Sealed: []byte{1}, Active: true}
		if err := identity.InsertFactor(ctx, tx, f); err != nil {
			return err
		}
		return identity.ReplaceRecoveryCodes(ctx, tx, u, hashes)
	})
	o.exec(t, `UPDATE factor_exception SET ended_at = 1 WHERE user_id = ?`, u)
	o.exec(t, `UPDATE session SET factor_at = ? WHERE user_id = ?`, at, u)
}

// A key that has ended is not known any more: its calls are refused as those of a
// stranger. Explaining names it and suggests one in its place, as narrow as it was.
func TestAKeyThatHasEndedIsReplaced(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		agent := o.People[policy.Agent]
		o.exec(t, `UPDATE api_key SET scope = '["loan.pay"]', expires_at = ? WHERE id = ?`, o.Now().UnixMicro()-1, agent.KeyID)
		if err := o.call(story{who: policy.Agent, key: true}); !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("the ended key: %v", err)
		}
		out := o.ask(t, inquiry.ExplainIn{User: agent.ID, Operation: "loan.look", Object: "loan/" + string(o.other), Key: agent.KeyID})
		if l := layer(out, "principal"); out.Allowed || l.Passed || out.Change == nil || out.Change.Operation != "api_key.create" {
			t.Fatalf("%+v, %+v", out.Steps, out.Change)
		}
		o.apply(t, out.Change, policy.Agent)
		r := o.Key(policy.Agent)
		r.Key = o.fresh
		if _, err := gatetest.Do(o.House, o.look, r, loanIn{ID: o.other}); err != nil {
			t.Errorf("with the new key: %v", err)
		}
		r = o.Key(policy.Agent)
		r.Key = o.fresh
		if _, err := gatetest.Do(o.House, o.Explain, r, inquiry.ExplainIn{}); reason(err) != "role_lacks_operation" {
			t.Errorf("the new key does more than the old one: %v", err)
		}
	})
}

func reason(err error) string {
	if err == nil {
		return "done"
	}
	return fault.As(err).Reason
}

// Whoever has no second factor yet makes one; until then an administrator can approve
// an exception, and both let the call through.
func TestAFactorIsMadeOrExcepted(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		agent := o.People[policy.Agent].ID
		o.exec(t, `UPDATE factor_exception SET ended_at = 1 WHERE user_id = ?`, agent)
		o.exec(t, `UPDATE session SET factor_at = 0 WHERE user_id = ?`, agent)
		refused := o.call(story{who: policy.Agent})
		out := o.ask(t, inquiry.ExplainIn{Decision: id.Decision(fault.As(refused).DecisionID)})
		if out.Change == nil || out.Change.Operation != "factor.code.begin" || out.Change.By != inquiry.ByPerson || len(out.Alternatives) != 1 || out.Alternatives[0].Operation != "factor_exception.grant" {
			t.Fatalf("%+v %+v", out.Change, out.Alternatives)
		}
		o.apply(t, out.Change, policy.Agent)
		if err := o.call(story{who: policy.Agent}); reason(err) != "factor_stale" {
			t.Errorf("a factor counts before its first code: %v", err)
		}
		o.apply(t, &out.Alternatives[0], policy.Agent)
		if err := o.call(story{who: policy.Agent}); err != nil {
			t.Errorf("with an exception: %v", err)
		}
	})
}

// A right that was lent ends at its instant; then the role is what can be mended.
func TestARightThatWasLentHasEnded(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		agent, loan := o.People[policy.Agent].ID, "loan/"+string(o.other)
		o.exec(t, `INSERT INTO access_grant (id, user_id, session_id, object, operations, fields, source, made_at, until, ended_at)
			SELECT 'gr_lent', user_id, id, ?, '["loan.pay"]', '[]', 'walkthrough_run/wr_1', 1, ?, 0 FROM session WHERE user_id = ?`, loan, o.Now().Add(time.Minute).UnixMicro(), agent)
		s := story{who: policy.Agent, op: "pay"}
		if err := o.call(s); err != nil {
			t.Fatalf("while it is lent: %v", err)
		}
		if e := o.Trail(t, audit.Filter{Operation: "loan.pay", Outcome: "allowed"})[0]; e.Grant != "gr_lent" {
			t.Errorf("the trail does not name the grant: %+v", e)
		}
		o.Advance(2 * time.Minute)
		refused := o.call(s)
		if reason(refused) != "grant_expired" {
			t.Fatalf("after its end: %v", refused)
		}
		out := o.ask(t, inquiry.ExplainIn{Decision: id.Decision(fault.As(refused).DecisionID)})
		o.apply(t, out.Change, policy.Agent)
		if err := o.call(s); err != nil {
			t.Errorf("after the change: %v", err)
		}
		if e := o.Trail(t, audit.Filter{Operation: "loan.pay", Outcome: "allowed"})[0]; e.Grant != "" {
			t.Errorf("the trail names a grant where the role permits: %+v", e)
		}
	})
}

// What nobody can lift says so: an operation of the house, a closed tenant.
func TestWhatNobodyCanLiftSaysSo(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		out := o.ask(t, inquiry.ExplainIn{User: o.People[policy.Agent].ID, Operation: "factor.give", Channel: "api"})
		if out.Allowed != true {
			t.Errorf("what everybody may do: %+v", out.Steps)
		}
		out = o.ask(t, inquiry.ExplainIn{User: o.People[policy.Agent].ID, Operation: "view_as.begin", Channel: "api"})
		if len(out.Steps) != 1 || out.Steps[0].By != inquiry.ByNobody || out.Change != nil || !strings.Contains(out.WouldAllow, "no role can hold it there") {
			t.Errorf("an operation that the API does not have: %+v", out.Steps)
		}
		o.exec(t, `UPDATE policy_version SET tenant_active = 0 WHERE id = 1`)
		if _, err := gatetest.Do(o.House, o.Explain, o.Key(policy.Admin), inquiry.ExplainIn{User: o.People[policy.Agent].ID, Operation: "loan.look"}); reason(err) != "tenant_inactive" {
			t.Errorf("asked within a closed tenant: %v", err)
		}
	})
}

// The smallest change for a loan that is hidden is the one loan: nobody else sees
// more, the person sees nothing else, and it ends by itself, or when it is taken back.
func TestALoanIsLentAloneAndForATime(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		third := o.board(t, "LN-3", "TX", "active")
		o.Restrict(t, policy.Agent, policy.Restriction{Name: "New York", Visible: `borrower.state == "NY"`})
		see := func(l id.Loan) error {
			_, err := gatetest.Do(o.House, o.look, o.Screen(policy.Agent), loanIn{ID: l})
			return err
		}
		ask := func() *inquiry.ExplainOut {
			return o.ask(t, inquiry.ExplainIn{User: o.People[policy.Agent].ID, Operation: "loan.look", Object: "loan/" + string(o.other)})
		}
		o.apply(t, ask().Change, policy.Agent)
		if see(o.other) != nil || see(o.lone) != nil || !fault.Is(see(third), fault.NotFound) {
			t.Errorf("lent: %v, %v, %v", see(o.other), see(o.lone), see(third))
		}
		if l := layer(ask(), "row"); !l.Passed || !strings.Contains(l.Why, "Lent to this person until 2026-11-2") {
			t.Errorf("explained: %+v", l)
		}
		o.Advance(3 * 24 * time.Hour)
		o.forgiveSessions(t)
		if err := see(o.other); !fault.Is(err, fault.NotFound) {
			t.Errorf("after its end: %v", err)
		}
		o.apply(t, ask().Change, policy.Agent)
		if err := see(o.other); err != nil {
			t.Errorf("lent again: %v", err)
		}
		end := o.Gate.ByName("lent_loan.end")
		if end == nil || end.Meta().Audit != operation.Access {
			t.Fatal("a lent loan cannot be taken back")
		}
		o.apply(t, &inquiry.Change{Operation: "lent_loan.end", Method: "DELETE", Path: "/users/" + string(o.People[policy.Agent].ID) + "/lent-loans/" + string(o.other), Input: struct{}{}}, policy.Agent)
		if err := see(o.other); !fault.Is(err, fault.NotFound) {
			t.Errorf("taken back: %v", err)
		}
	})
}

// forgiveSessions lets sessions go on after a leap of the clock.
func (o *office) forgiveSessions(t *testing.T) {
	t.Helper()
	at := o.Now().UnixMicro()
	o.exec(t, `UPDATE session SET factor_at = ?, proved_at = ?, seen_at = ?, ends_at = ?`, at, at, at, at+3_600_000_000)
}
