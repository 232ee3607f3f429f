package roles_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// shop is the desk beside a few operations of a lender's day.
type shop struct {
	*roles.Desk
	day map[string]*gate.Op[admin.Nothing, admin.Done]
}

func each(t *testing.T, fn func(t *testing.T, h *gatetest.House, s shop)) {
	t.Helper()
	var s shop
	gatetest.Each(t, func() gatetest.Config {
		var list []gate.Entry
		s.Desk = roles.New(roles.Config{Catalogue: func() []*gate.Meta { return gate.Catalogue(list) }})
		s.day = map[string]*gate.Op[admin.Nothing, admin.Done]{}
		list = s.Operations()
		for _, o := range []gate.Op[admin.Nothing, admin.Done]{
			{Name: "loan.list", Screen: "Loans", Method: "GET", Path: "/loans", Roles: "manager agent investor"},
			{Name: "loan.view", Screen: "Loan", Method: "GET", Path: "/loan", Roles: "manager agent investor"},
			{Name: "loan.payment.log", Screen: "Loan/Payments", Method: "POST", Path: "/loan/payments", Kind: operation.Write, Roles: "manager agent"},
			{Name: "loan.write_off", Screen: "Loan/Payments", Method: "POST", Path: "/loan/write-off", Kind: operation.Write, Roles: "manager"},
			{Name: "loan.board", Screen: "Loans/Board", Roles: "manager"},
			{Name: "application.submit", Method: "POST", Path: "/applications", Kind: operation.Write, Roles: "intake"},
			{Name: "borrower.reveal", Screen: "Borrower", Method: "POST", Path: "/reveal", Kind: operation.Write, Roles: "manager"},
			{Name: "session.end", Screen: "Me", Method: "POST", Path: "/signout", Kind: operation.Write, Permit: gate.SignedIn},
			{Name: "job.sweep", Permit: gate.House, Kind: operation.Write},
		} {
			o := o
			o.Title, o.Area = o.Name, "Loans"
			o.Do = func(context.Context, *gate.Call, *admin.Nothing) (*admin.Done, error) {
				return &admin.Done{Done: true}, nil
			}
			if o.Permit == 0 {
				o.Permit = gate.ByRole
			}
			if o.Audit = operation.Changed; o.Kind == 0 {
				o.Kind, o.Audit = operation.Read, operation.Looked
			}
			s.day[o.Name] = &o
			list = append(list, &o)
		}
		return gatetest.Config{Operations: list}
	}, func(t *testing.T, h *gatetest.House) { fn(t, h, s) })
}

// servicer is the role of design §8's example.
func servicer() roles.Content {
	return roles.Content{Name: "Third-party servicer", Description: "Looks after one book.", UI: []string{"loan.list", "loan.view"}, API: []string{"loan.payment.log"},
		Visibility: &roles.Visibility{SSN: "last4", BankAccount: "last4", DateOfBirth: "year_hidden"}}
}

// hire gives the person of a shipped role another role.
func hire(t *testing.T, h *gatetest.House, shipped string, rid id.Role) {
	t.Helper()
	exec(t, h, `UPDATE staff SET role_id = ? WHERE id = ?`, rid, h.People[shipped].ID)
}

func exec(t *testing.T, h *gatetest.House, query string, args ...any) {
	t.Helper()
	err := h.Write(func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, query, args...); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s shop) call(h *gatetest.House, name string, r *gate.Request) error {
	_, err := gatetest.Do(h, s.day[name], r, admin.Nothing{})
	return err
}

func reason(err error) string {
	if err == nil {
		return "done"
	}
	return fault.As(err).Reason
}

func TestARoleIsMadeAndHoldsAtTheNextCall(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, s shop) {
		made, err := gatetest.Do(h, s.Create, h.Key(policy.Admin), servicer())
		if err != nil || made.Shipped || made.Customized || made.Visibility.DateOfBirth != "year_hidden" || made.ChangedBy != "Admin Person" {
			t.Fatalf("%+v, %v", made, err)
		}
		hire(t, h, policy.Investor, made.ID)
		if err := s.call(h, "loan.payment.log", h.Key(policy.Investor)); err != nil {
			t.Fatalf("through the API: %v", err)
		}
		if err := s.call(h, "loan.payment.log", h.Screen(policy.Investor)); !fault.Is(err, fault.Denied) {
			t.Fatalf("on the screens: %v", err)
		}
		as := servicer()
		as.UI, as.API = []string{"loan.view", "loan.payment.log", "loan.view"}, nil
		changed, err := gatetest.Do(h, s.Update, h.Screen(policy.Admin), roles.UpdateIn{ID: made.ID, Content: as})
		if err != nil || changed.Holders != 1 || !slices.Equal(changed.UI, []string{"loan.payment.log", "loan.view"}) || len(changed.API) != 0 {
			t.Fatalf("%+v, %v", changed, err)
		}
		if err := s.call(h, "loan.payment.log", h.Key(policy.Investor)); !fault.Is(err, fault.Denied) {
			t.Fatalf("the very next call through the API: %v", err)
		}
		if err := s.call(h, "loan.payment.log", h.Screen(policy.Investor)); err != nil {
			t.Fatalf("the very next call on the screens: %v", err)
		}
		e := h.Trail(t, audit.Filter{Operation: "role.update"})[0]
		if e.Object != "role/"+string(made.ID) || len(e.Changes) != 3 || e.Changes[0].Field != "ui loan.payment.log" || e.Changes[0].After != "held" || e.Changes[2].Field != "api loan.payment.log" || e.Changes[2].Before != "held" {
			t.Errorf("the trail says %+v", e)
		}
	})
}

func TestAShippedRoleIsCustomizedAndGivenBack(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, s shop) {
		agent := h.Roles[policy.Agent]
		is, err := gatetest.Do(h, s.View, h.Screen(policy.Admin), roles.Ref{ID: agent})
		if err != nil {
			t.Fatal(err)
		}
		as := roles.Content{Name: "Agent", Description: is.Description, UI: minus(is.UI, "loan.payment.log"), API: is.API, Visibility: &is.Visibility}
		custom, err := gatetest.Do(h, s.Update, h.Screen(policy.Admin), roles.UpdateIn{ID: agent, Content: as})
		if err != nil || !custom.Customized || !custom.Shipped {
			t.Fatalf("%+v, %v", custom, err)
		}
		if err := s.call(h, "loan.payment.log", h.Screen(policy.Agent)); !fault.Is(err, fault.Denied) {
			t.Fatalf("after the change: %v", err)
		}
		d, err := gatetest.Do(h, s.Compare, h.Key(policy.Admin), roles.CompareIn{A: string(agent), B: roles.AsShipped})
		if err != nil || !slices.Equal(d.UI.OnlyB, []string{"loan.payment.log"}) || len(d.UI.OnlyA)+len(d.API.OnlyA)+len(d.API.OnlyB)+len(d.Visibility) != 0 {
			t.Fatalf("%+v, %v", d, err)
		}
		back, err := gatetest.Do(h, s.Restore, h.Screen(policy.Admin), roles.Ref{ID: agent})
		if err != nil || back.Customized || !slices.Equal(back.UI, is.UI) || !slices.Equal(back.API, is.API) || back.Visibility != is.Visibility {
			t.Fatalf("%+v, %v", back, err)
		}
		if err := s.call(h, "loan.payment.log", h.Screen(policy.Agent)); err != nil {
			t.Fatalf("given back: %v", err)
		}
		same, err := gatetest.Do(h, s.Update, h.Screen(policy.Admin), roles.UpdateIn{ID: agent, Content: roles.Content{Name: "Servicing agent", UI: is.UI, API: is.API}})
		if err != nil || same.Customized || same.Name != "Servicing agent" {
			t.Errorf("another name alone does not customize: %+v, %v", same, err)
		}
	})
}

func minus(list []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(o string) bool { return o == name })
}

func TestWhatIsNotInTheListIsRefusedWithTheNearestName(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, s shop) {
		_, err := gatetest.Do(h, s.Create, h.Key(policy.Admin), roles.Content{Name: "  ", UI: []string{"loan.veiw", "application.submit", "session.end"}, API: []string{"loan.board", "job.sweep", "loan.list"},
			Visibility: &roles.Visibility{SSN: "half", BankAccount: "full", DateOfBirth: "day"}})
		f := fault.As(err)
		if f == nil || f.Kind != fault.Invalid {
			t.Fatal(err)
		}
		want := map[string]string{"name": "Give it", "ui[0]": "nearest is loan.view", "ui[1]": "No screen", "ui[2]": "everybody", "api[0]": "The API does not", "api[1]": "only the house",
			"visibility.ssn": "full or last4", "visibility.bank_account": "last4 or hidden", "visibility.date_of_birth": "month_year_hidden"}
		for _, line := range f.Fields {
			if !strings.Contains(line.Mend, want[line.Path]) || want[line.Path] == "" || strings.Contains(line.Mend, "veiw") {
				t.Errorf("%s: %s", line.Path, line.Mend)
			}
			delete(want, line.Path)
		}
		if len(want) > 0 {
			t.Errorf("not told: %v", want)
		}
	})
}

func TestNobodyWidensTheirOwnRoleNorGivesWhatTheyMayNot(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, s shop) {
		clerk := servicer()
		clerk.Name, clerk.UI = "Access clerk", []string{"role.update", "role.view", "role.list", "role.create", "role.duplicate", "role.restore", "role.delete"}
		made, err := gatetest.Do(h, s.Create, h.Screen(policy.Admin), clerk)
		if err != nil {
			t.Fatal(err)
		}
		hire(t, h, policy.Manager, made.ID)
		exec(t, h, `UPDATE staff SET grantable = '["loan.view","loan.list"]' WHERE id = ?`, h.People[policy.Manager].ID)
		me := func() *gate.Request { return h.Screen(policy.Manager) }
		if _, err := gatetest.Do(h, s.Update, me(), roles.UpdateIn{ID: made.ID, Content: clerk}); reason(err) != "own_access" {
			t.Errorf("one's own role: %v", err)
		}
		exec(t, h, `UPDATE staff SET role_until = ?, role_after = ? WHERE id = ?`, h.Now().UnixMicro()+1_000_000_000, h.Roles[policy.Underwriter], h.People[policy.Manager].ID)
		if _, err := gatetest.Do(h, s.Restore, me(), roles.Ref{ID: h.Roles[policy.Underwriter]}); reason(err) != "own_access" {
			t.Errorf("the role that comes back: %v", err)
		}
		as := roles.Content{Name: "Looker", UI: []string{"loan.view", "loan.write_off"}, API: []string{"loan.list"}}
		_, err = gatetest.Do(h, s.Create, me(), as)
		if f := fault.As(err); f == nil || f.Reason != "not_grantable" || !strings.Contains(f.Message, "loan.write_off") || strings.Contains(f.Message, "loan.view") {
			t.Errorf("an operation that the clerk may not give: %v", err)
		}
		as.UI, as.Visibility = []string{"loan.view"}, &roles.Visibility{SSN: "full", BankAccount: "hidden", DateOfBirth: "hidden"}
		if _, err = gatetest.Do(h, s.Create, me(), as); reason(err) != "not_grantable" {
			t.Errorf("more of personal data: %v", err)
		}
		as.Visibility = nil
		looker, err := gatetest.Do(h, s.Create, me(), as)
		if err != nil || looker.Visibility != (roles.Visibility{SSN: "last4", BankAccount: "hidden", DateOfBirth: "hidden"}) {
			t.Fatalf("what the clerk may give: %+v, %v", looker, err)
		}
		if _, err := gatetest.Do(h, s.Duplicate, me(), roles.DuplicateIn{ID: h.Roles[policy.Admin]}); reason(err) != "not_grantable" {
			t.Errorf("a copy of Admin: %v", err)
		}
		as.UI = nil
		if _, err := gatetest.Do(h, s.Update, me(), roles.UpdateIn{ID: looker.ID, Content: as}); err != nil {
			t.Errorf("taking away needs no right to give: %v", err)
		}
		if _, err := gatetest.Do(h, s.Update, me(), roles.UpdateIn{ID: h.Roles[policy.Admin], Content: roles.Content{Name: "Admin", UI: []string{"loan.view"}}}); reason(err) != "last_administrator" {
			t.Errorf("taking administering from Admin: %v", err)
		}
	})
}

func TestARoleInUseIsNotDeleted(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, s shop) {
		copied, err := gatetest.Do(h, s.Duplicate, h.Screen(policy.Admin), roles.DuplicateIn{ID: h.Roles[policy.Investor]})
		if err != nil || copied.Name != "Copy of Investor" || copied.Shipped || !slices.Contains(copied.UI, "loan.view") {
			t.Fatalf("%+v, %v", copied, err)
		}
		again, err := gatetest.Do(h, s.Duplicate, h.Screen(policy.Admin), roles.DuplicateIn{ID: h.Roles[policy.Investor]})
		if err != nil || again.Name != "Copy of Investor (2)" {
			t.Fatalf("%+v, %v", again, err)
		}
		if _, err := gatetest.Do(h, s.Duplicate, h.Screen(policy.Admin), roles.DuplicateIn{ID: copied.ID, Name: "Agent"}); reason(err) != "name_taken" {
			t.Errorf("a name that is taken: %v", err)
		}
		hire(t, h, policy.Agent, copied.ID)
		_, err = gatetest.Do(h, s.Delete, h.Screen(policy.Admin), roles.Ref{ID: copied.ID})
		if f := fault.As(err); f == nil || f.Kind != fault.Conflict || !strings.Contains(f.Message, "Agent Person") {
			t.Errorf("in use: %v", err)
		}
		if _, err := gatetest.Do(h, s.Delete, h.Screen(policy.Admin), roles.Ref{ID: h.Roles[policy.Investor]}); reason(err) != "shipped_role" {
			t.Errorf("a shipped role: %v", err)
		}
		// A role that was lent until a time that is over is nobody's any more.
		exec(t, h, `UPDATE staff SET role_until = ?, role_after = ? WHERE id = ?`, h.Now().UnixMicro()-1, h.Roles[policy.Agent], h.People[policy.Agent].ID)
		if _, err := gatetest.Do(h, s.Delete, h.Screen(policy.Admin), roles.Ref{ID: copied.ID}); err != nil {
			t.Fatal(err)
		}
		if err := s.call(h, "loan.payment.log", h.Screen(policy.Agent)); err != nil {
			t.Errorf("the own role has come back: %v", err)
		}
		if _, err := gatetest.Do(h, s.View, h.Screen(policy.Admin), roles.Ref{ID: copied.ID}); !fault.Is(err, fault.NotFound) {
			t.Errorf("deleted: %v", err)
		}
		list, err := gatetest.Do(h, s.List, h.Screen(policy.Admin), admin.Nothing{})
		if err != nil || list.Total != 7 || list.Items[1].Name != "Agent" || list.Items[1].Holders != 1 {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

func TestCompareTellsWhatDiffers(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, s shop) {
		a, b := h.Roles[policy.Manager], h.Roles[policy.Agent]
		d, err := gatetest.Do(h, s.Compare, h.Screen(policy.Admin), roles.CompareIn{A: string(a), B: string(b)})
		if err != nil || !slices.Equal(d.UI.OnlyA, []string{"borrower.reveal", "loan.board", "loan.write_off"}) || len(d.UI.OnlyB) != 0 ||
			!slices.Equal(d.API.OnlyA, []string{"borrower.reveal", "loan.write_off"}) || !slices.Equal(d.UI.Both, []string{"loan.list", "loan.payment.log", "loan.view"}) {
			t.Fatalf("%+v, %v", d, err)
		}
		if len(d.Visibility) != 2 || d.Visibility[0] != (roles.Differs{Field: "ssn", Before: "full", After: "last4"}) {
			t.Errorf("%+v", d.Visibility)
		}
		if _, err := gatetest.Do(h, s.Compare, h.Screen(policy.Admin), roles.CompareIn{A: string(a), B: "ro_nobody"}); !fault.Is(err, fault.NotFound) {
			t.Errorf("a role that is not there: %v", err)
		}
	})
}
