package requests_test

import (
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/admin/requests"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// board puts a loan of the borrower in Ohio into the book.
func (o *counter) board(t *testing.T, number, state string) id.Loan {
	t.Helper()
	at := o.Now().UnixMicro()
	loan := id.New[id.Loan](at)
	o.exec(t, `INSERT INTO loan (id, number, borrower_id, source_company_id, application_id, status, principal, annual_rate, term_months, convention, contract_date, first_due, opened_on, principal_balance, fees_due, oldest_unpaid_due, next_due, next_amount, level_payment, due_key, borrower_key, borrower_region, borrower_country, revision, import_id, created_at)
		VALUES (?, ?, ?, '', '', 'active', 500000, 7000000, 24, '30/360', 20000, 0, 20000, 500000, 0, 0, 0, 0, 22387, 99999, 'ann lee', ?, 'US', 1, '', ?)`, loan, number, o.borrower, state, at)
	return loan
}

// A role is lent as “what the person's own holds, and more”: when the own one is
// narrowed, the lent one is at the next call; a role for good ends the lending.
func TestALentRoleFollowsTheRoleBelow(t *testing.T) {
	each(t, func(t *testing.T, o *counter) {
		agent := o.People[policy.Agent].ID
		list := func() error {
			_, err := gatetest.Do(o.House, o.people.UserList, o.Screen(policy.Agent), people.Nothing{})
			return err
		}
		edit := func(ui ...string) error {
			in := roles.UpdateIn{ID: o.Roles[policy.Agent], Content: roles.Content{Name: "Agent", UI: ui, API: []string{}}}
			_, err := gatetest.Do(o.House, o.roles.Update, o.Screen(policy.Admin), in)
			return err
		}
		if err := edit("user.list"); err != nil {
			t.Fatal(err)
		}
		asked := o.ask(t, policy.Agent, o.try(t, policy.Agent, o.borrower))
		if _, err := gatetest.Do(o.House, o.Grant, o.Screen(policy.Admin), requests.GrantIn{ID: asked.ID}); err != nil {
			t.Fatal(err)
		}
		if err := list(); err != nil || o.try(t, policy.Agent, o.borrower) != "" {
			t.Fatalf("the lent role holds less than both: %v", err)
		}
		told, err := gatetest.Do(o.House, o.roles.Impact, o.Screen(policy.Admin), roles.ImpactIn{ID: o.Roles[policy.Agent], UI: []string{}, API: []string{}})
		if err != nil || told.PeopleLose != 1 || told.People[0].User != agent || told.Replay.Denied != 0 {
			t.Errorf("before it is saved: %+v, %v", told, err)
		}
		if err := edit(); err != nil {
			t.Fatal(err)
		}
		if err := list(); reason(err) != "role_lacks_operation" || o.try(t, policy.Agent, o.borrower) != "" {
			t.Errorf("after the role below was narrowed: %v", err)
		}
		staff, err := gatetest.Do(o.House, o.people.UserView, o.Screen(policy.Admin), people.UserRef{ID: agent})
		if err != nil || staff.LentUntil == "" {
			t.Fatalf("%+v, %v", staff, err)
		}
		lent := o.lentRole(t)
		if _, err := gatetest.Do(o.House, o.roles.Update, o.Screen(policy.Admin), roles.UpdateIn{ID: lent, Content: roles.Content{Name: "More", UI: []string{"user.list"}, API: []string{}}}); reason(err) != "role_lent" {
			t.Errorf("the lent role itself is edited: %v", err)
		}
		if _, err := gatetest.Do(o.House, o.roles.Delete, o.Screen(policy.Admin), roles.Ref{ID: lent}); reason(err) != "in_use" {
			t.Errorf("the lent role is deleted under its holder: %v", err)
		}
		to := "Underwriter"
		if _, err := gatetest.Do(o.House, o.people.UserUpdate, o.Screen(policy.Admin), people.UserUpdateIn{ID: agent, Role: &to}); err != nil {
			t.Fatal(err)
		}
		if o.try(t, policy.Agent, o.borrower) == "" {
			t.Error("another role for good leaves what was lent")
		}
	})
}

func (o *counter) lentRole(t *testing.T) (lent id.Role) {
	t.Helper()
	o.read(t, `SELECT id FROM role WHERE lent_from <> ''`, &lent)
	return lent
}

// A request about one loan is granted by lending that loan; the granter is told how
// many more rows the person will find.
func TestARequestAboutALoanLendsThatLoan(t *testing.T) {
	each(t, func(t *testing.T, o *counter) {
		here, there, other := o.board(t, "LN-1", "NY"), o.board(t, "LN-2", "OH"), o.board(t, "LN-3", "TX")
		o.Restrict(t, policy.Investor, policy.Restriction{Name: "New York only", Visible: `borrower.state == "NY"`})
		see := func(l id.Loan) error {
			_, err := gatetest.Do(o.House, o.look, o.Screen(policy.Investor), ref{ID: string(l)})
			return err
		}
		refused := see(there)
		asked := o.ask(t, policy.Investor, id.Decision(fault.As(refused).DecisionID))
		seen, err := gatetest.Do(o.House, o.View, o.Screen(policy.Admin), requests.Ref{ID: asked.ID})
		if err != nil || seen.How != "lend" || seen.Rows == nil || seen.Rows.LoansNow != 1 || seen.Rows.LoansThen != 2 || seen.Number != "LN-2" || seen.Change.Operation != "lent_loan.grant" {
			t.Fatalf("what the granter sees: %+v %+v, %v", seen, seen.Rows, err)
		}
		if mine, err := gatetest.Do(o.House, o.View, o.Screen(policy.Investor), requests.Ref{ID: asked.ID}); err != nil || mine.Rows != nil || mine.Number != "" {
			t.Errorf("the asker is told of rows or of what is hidden: %+v, %v", mine, err)
		}
		if _, err := gatetest.Do(o.House, o.Grant, o.Screen(policy.Admin), requests.GrantIn{ID: asked.ID}); err != nil {
			t.Fatal(err)
		}
		if see(here) != nil || see(there) != nil || see(other) == nil {
			t.Errorf("granted: %v, %v, %v", see(here), see(there), see(other))
		}
		e := o.Trail(t, audit.Filter{Operation: "access_request.grant"})[0]
		if len(e.Changes) == 0 || e.Changes[0].Field != "lent loan" {
			t.Errorf("the trail says %+v", e.Changes)
		}
		out, err := gatetest.Do(o.House, o.Lent, o.Screen(policy.Admin), requests.LentIn{User: o.People[policy.Investor].ID})
		if err != nil || out.Total != 1 || out.Items[0].Number != "LN-2" || out.Items[0].UserName != "Investor Person" || out.Items[0].MadeBy != "Admin Person" {
			t.Errorf("lent loans: %+v, %v", out, err)
		}
		if _, err := gatetest.Do(o.House, o.EndLent, o.Screen(policy.Admin), requests.EndLentIn{ID: o.People[policy.Investor].ID, Loan: there}); err != nil {
			t.Fatal(err)
		}
		if err := see(there); !fault.Is(err, fault.NotFound) {
			t.Errorf("taken back: %v", err)
		}
		if _, err := gatetest.Do(o.House, o.Lend, o.Screen(policy.Admin), requests.LendIn{ID: o.People[policy.Investor].ID, Loan: string(there), Until: "2026-12-01", Reason: "again"}); err != nil {
			t.Fatal(err)
		}
		o.Restrict(t, policy.Admin, policy.Restriction{Name: "New York for them", Visible: `borrower.state == "NY"`})
		if _, err := gatetest.Do(o.House, o.EndLent, o.Screen(policy.Admin), requests.EndLentIn{ID: o.People[policy.Investor].ID, Loan: there}); !fault.Is(err, fault.NotFound) {
			t.Errorf("taken back by somebody who does not see the loan: %v", err)
		}
	})
}

// A password that its owner must change stands before every call, and only they can
// change it: what is granted meanwhile is lent all the same, and holds behind it.
func TestWhatIsGrantedWaitsBehindThePersonsOwnPassword(t *testing.T) {
	each(t, func(t *testing.T, o *counter) {
		asked := o.ask(t, policy.Agent, o.try(t, policy.Agent, o.borrower))
		o.exec(t, `UPDATE staff SET password_must_change = 1 WHERE id = ?`, o.People[policy.Agent].ID)
		seen, err := gatetest.Do(o.House, o.View, o.Screen(policy.Admin), requests.Ref{ID: asked.ID})
		if err != nil || seen.How != "lend" || !strings.Contains(seen.Would, "new password") {
			t.Fatalf("what the granter sees: %+v, %v", seen, err)
		}
		if _, err := gatetest.Do(o.House, o.Grant, o.Screen(policy.Admin), requests.GrantIn{ID: asked.ID}); err != nil {
			t.Fatal(err)
		}
		if o.try(t, policy.Agent, o.borrower) == "" {
			t.Error("the password that must be changed is passed by")
		}
		o.exec(t, `UPDATE staff SET password_must_change = 0 WHERE id = ?`, o.People[policy.Agent].ID)
		if o.try(t, policy.Agent, o.borrower) != "" {
			t.Error("granted, and nothing is lent")
		}
	})
}

// Who knows a loan by its number alone asks for that: whoever decides sees which loan
// it is, and the asker learns nothing of one that is hidden.
func TestARequestNamesALoanByItsNumber(t *testing.T) {
	each(t, func(t *testing.T, o *counter) {
		here, there := o.board(t, "LN-1", "NY"), o.board(t, "LN-2", "OH")
		o.Restrict(t, policy.Investor, policy.Restriction{Name: "New York only", Visible: `borrower.state == "NY"`})
		ask := func(object string) (*requests.Request, error) {
			in := requests.CreateIn{Operation: o.look.Name, Object: object, Reason: "month-end", Until: "2026-12-01"}
			return gatetest.Do(o.House, o.Create, o.Screen(policy.Investor), in)
		}
		if _, err := ask("LN-1"); reason(err) != "already_allowed" {
			t.Errorf("a loan that they see: %v", err)
		}
		for _, odd := range []string{"loans/" + string(here), "borrower/" + o.borrower} {
			if _, err := ask(odd); reason(err) != "invalid" || fault.As(err).Fields[0].Path != "object" {
				t.Errorf("%s: %v", odd, err)
			}
		}
		asked, err := ask("LN-2")
		if err != nil || asked.Object != "loan/LN-2" || asked.Number != "" {
			t.Fatalf("%+v, %v", asked, err)
		}
		nothing, err := ask("LN-9")
		if err != nil || nothing.Object != "loan/LN-9" || nothing.Layer != asked.Layer {
			t.Errorf("hidden and missing differ: %+v, %v", nothing, err)
		}
		seen, err := gatetest.Do(o.House, o.View, o.Screen(policy.Admin), requests.Ref{ID: asked.ID})
		if err != nil || seen.How != "lend" || seen.Number != "LN-2" || seen.Rows == nil || seen.Rows.LoansThen != 2 {
			t.Fatalf("what the granter sees: %+v, %v", seen, err)
		}
		if _, err := gatetest.Do(o.House, o.Grant, o.Screen(policy.Admin), requests.GrantIn{ID: asked.ID}); err != nil {
			t.Fatal(err)
		}
		if _, err := gatetest.Do(o.House, o.look, o.Screen(policy.Investor), ref{ID: string(there)}); err != nil {
			t.Errorf("granted: %v", err)
		}
	})
}

// Nobody lends to themselves, what they do not see, or without a reason and an end.
func TestALoanIsLentWithinBounds(t *testing.T) {
	each(t, func(t *testing.T, o *counter) {
		loan, investor := o.board(t, "LN-1", "NY"), o.People[policy.Investor].ID
		lend := func(in requests.LendIn) string {
			_, err := gatetest.Do(o.House, o.Lend, o.Screen(policy.Admin), in)
			return reason(err)
		}
		good := requests.LendIn{ID: investor, Loan: string(loan), Until: "2026-12-01", Reason: "month-end"}
		for want, change := range map[string]func(*requests.LendIn){
			"own_access": func(in *requests.LendIn) { in.ID = o.People[policy.Admin].ID },
			"not_found":  func(in *requests.LendIn) { in.Loan = string(id.New[id.Loan](1)) },
			"invalid":    func(in *requests.LendIn) { in.Until, in.Reason = "2027-12-01", " " },
		} {
			in := good
			change(&in)
			if got := lend(in); got != want {
				t.Errorf("%s: %s", want, got)
			}
		}
		if got := lend(good); got != "done" {
			t.Error(got)
		}
		anew := good // longer, and the trail says what it was before
		if anew.Until = "2026-12-03"; lend(anew) != "done" {
			t.Error("a loan is not lent anew")
		}
		last := o.Trail(t, audit.Filter{Operation: "lent_loan.grant", Outcome: "allowed"})[0].Changes
		if len(last) != 1 || !strings.HasSuffix(last[0].Before, " until 2026-12-02T05:00:00Z") || !strings.HasSuffix(last[0].After, " until 2026-12-04T05:00:00Z") {
			t.Errorf("lent anew: %+v", last)
		}
		for _, e := range o.Trail(t, audit.Filter{Operation: "lent_loan.grant", Outcome: "allowed"}) {
			if e.Object != "user/"+string(investor) {
				t.Errorf("lent to whom? The trail says %q", e.Object)
			}
		}
		if _, err := gatetest.Do(o.House, o.Lend, o.Screen(policy.Manager), good); !fault.Is(err, fault.Denied) {
			t.Errorf("a manager lends: %v", err)
		}
		for range 19 {
			in := good
			in.Loan = string(o.board(t, string(id.New[id.Loan](o.Now().UnixMicro())), "NY"))
			if got := lend(in); got != "done" {
				t.Fatal(got)
			}
		}
		in := good
		o.board(t, "LN-21", "NY")
		if in.Loan = "LN-1"; lend(in) != "done" {
			t.Error("a loan is not found by its number")
		}
		if in.Loan = "LN-21"; lend(in) != "too_many_loans" {
			t.Error("a twenty-first loan is lent")
		}
	})
}
