package rehearsal_test

import (
	"context"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin/rehearsal"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

func ptr[T any](v T) *T { return &v }

// board puts a loan into the book.
func board(t *testing.T, h *gatetest.House, number, state string) string {
	t.Helper()
	at := h.Now().UnixMicro()
	loan, borrower, none := id.New[id.Loan](at), id.New[id.Borrower](at), []byte{}
	if err := h.Write(func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO borrower (id, reference, first_name, last_name, name_key, surname_key, city, region, postal_code, country, email, phone, date_of_birth, ssn, line1, email_index, phone_index, ssn_index, import_id, created_at, updated_at)
			VALUES (?, '', 'Ann', 'Lee', 'ann lee', 'lee ann', 'Albany', ?, '', 'US', ?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?)`, borrower, state, none, none, none, none, none, none, none, none, at, at); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO loan (id, number, borrower_id, source_company_id, application_id, status, principal, annual_rate, term_months, convention, contract_date, first_due, opened_on, principal_balance, fees_due, oldest_unpaid_due, next_due, next_amount, level_payment, due_key, borrower_key, borrower_region, borrower_country, revision, import_id, created_at)
			VALUES (?, ?, ?, '', '', 'active', 500000, 7000000, 24, '30/360', 20000, 0, 20000, 500000, 0, 0, 0, 0, 22387, 99999, 'ann lee', ?, 'US', 1, '', ?)`, loan, number, borrower, state, at)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return "loan/" + string(loan)
}

// A role, a restriction and an address rule are tried on people and objects, and
// nothing is stored.
func TestAChangeIsTriedAndNothingIsStored(t *testing.T) {
	var d *rehearsal.Desk
	gatetest.Each(t, func() gatetest.Config {
		var list []gate.Entry
		catalogue := func() []*gate.Meta { return gate.Catalogue(list) }
		d = rehearsal.New(rehearsal.Config{Catalogue: catalogue})
		list = append(d.Operations(), roles.New(roles.Config{Catalogue: catalogue}).Operations()...)
		return gatetest.Config{Operations: list, Vocabulary: book.Vocabulary}
	}, func(t *testing.T, h *gatetest.House) {
		york, ohio := board(t, h, "LN-1", "NY"), board(t, h, "LN-2", "OH")
		try := func(in rehearsal.SimulateIn) *rehearsal.SimulateOut {
			t.Helper()
			out, err := gatetest.Do(h, d.Simulate, h.Screen(policy.Admin), in)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		agent := h.People[policy.Agent].ID
		out := try(rehearsal.SimulateIn{Role: &rehearsal.RoleDraft{ID: h.Roles[policy.Agent], UI: ptr([]string{"role.list"})}})
		if len(out.Users) != 1 || out.Users[0].User != agent || len(out.Users[0].Decisions) != 1 || out.Users[0].Decisions[0] != (rehearsal.Decided{Operation: "role.list", Channel: "ui", Before: "role_lacks_operation", After: "ok"}) {
			t.Errorf("a role: %+v", out)
		}
		out = try(rehearsal.SimulateIn{Restriction: &rehearsal.RestrictionDraft{Visible: ptr(`borrower.state == "NY"`)}, Users: []id.User{agent}, Objects: []string{york, ohio}})
		e := out.Users[0]
		if e.LoansBefore != 2 || e.LoansAfter != 1 || !e.Objects[0].Before || !e.Objects[0].After || !e.Objects[1].Before || e.Objects[1].After || e.Objects[1].Areas[0] != (rehearsal.Area{Area: "summary", Before: "full", After: "none"}) {
			t.Errorf("a restriction: %+v", e)
		}
		out = try(rehearsal.SimulateIn{Restriction: &rehearsal.RestrictionDraft{Visible: ptr(`borrower.state == "NY"`)}, Users: []id.User{agent}, Objects: []string{"LN-1", "loan/LN-2"}})
		if e := out.Users[0]; e.Objects[0].Object != york || !e.Objects[0].After || e.Objects[1].Object != ohio || !e.Objects[1].Before || e.Objects[1].After {
			t.Errorf("loans by their numbers: %+v", e.Objects)
		}
		_, err := gatetest.Do(h, d.Simulate, h.Screen(policy.Admin), rehearsal.SimulateIn{Restriction: &rehearsal.RestrictionDraft{Visible: ptr("true")}, Objects: []string{ohio, "loans/" + ohio}})
		if f := fault.As(err); f == nil || f.Kind != fault.Invalid || f.Fields[0].Path != "objects[1]" {
			t.Errorf("another noun: %v", err)
		}
		out = try(rehearsal.SimulateIn{IPRule: &rehearsal.IPRuleDraft{Entries: ptr([]string{"203.0.113.0/24"}), Holders: &[]policy.Holder{{Kind: "tenant"}}}})
		if !out.LocksSelf || out.LocksOut < 5 || out.Users[0].LockedOut[0] != "198.51.100.7" {
			t.Errorf("an address rule: %+v", out)
		}
		if again := try(rehearsal.SimulateIn{Role: &rehearsal.RoleDraft{ID: h.Roles[policy.Agent]}}); len(again.Users[0].Decisions) != 0 || again.Users[0].LoansBefore != 2 || again.LocksSelf {
			t.Errorf("something was stored: %+v", again)
		}
		h.Restrict(t, policy.Admin, policy.Restriction{Name: "Mine", Visible: `borrower.state == "NY"`})
		out = try(rehearsal.SimulateIn{Restriction: &rehearsal.RestrictionDraft{Visible: ptr("true")}, Users: []id.User{agent}, Objects: []string{ohio}})
		if e := out.Users[0]; e.LoansBefore != 1 || e.LoansAfter != 1 || e.Objects[0].Before || e.Objects[0].After {
			t.Errorf("beyond the asker's own scope: %+v", e)
		}
		for name, in := range map[string]rehearsal.SimulateIn{"nothing": {}, "both": {Role: &rehearsal.RoleDraft{}, IPRule: &rehearsal.IPRuleDraft{}}, "an unknown name": {Role: &rehearsal.RoleDraft{UI: ptr([]string{"role.lst"})}},
			"no expression": {Restriction: &rehearsal.RestrictionDraft{Visible: ptr("loan.")}}, "host bits": {IPRule: &rehearsal.IPRuleDraft{Entries: ptr([]string{"10.0.0.1/8"})}}} {
			if _, err := gatetest.Do(h, d.Simulate, h.Screen(policy.Admin), in); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// A stored restriction is tried as it would be edited, on whoever holds it; limits
// are told area by area. A key is tried as a program calls with it: by its scope, its
// address rules and its end.
func TestAnEditAndAKeyAreTried(t *testing.T) {
	var d *rehearsal.Desk
	gatetest.Each(t, func() gatetest.Config {
		var list []gate.Entry
		catalogue := func() []*gate.Meta { return gate.Catalogue(list) }
		d = rehearsal.New(rehearsal.Config{Catalogue: catalogue})
		list = append(d.Operations(), roles.New(roles.Config{Catalogue: catalogue}).Operations()...)
		return gatetest.Config{Operations: list, Vocabulary: book.Vocabulary}
	}, func(t *testing.T, h *gatetest.House) {
		york, ohio := board(t, h, "LN-1", "NY"), board(t, h, "LN-2", "OH")
		try := func(in rehearsal.SimulateIn) *rehearsal.SimulateOut {
			t.Helper()
			out, err := gatetest.Do(h, d.Simulate, h.Key(policy.Admin), in)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		rid := h.Restrict(t, policy.Agent, policy.Restriction{Name: "New York", Visible: `borrower.state == "NY"`})
		limits := []policy.Limit{{Area: "payments", When: `borrower.state == "OH"`, Level: "view"}, {Area: "notes", Level: "none"}}
		out := try(rehearsal.SimulateIn{Restriction: &rehearsal.RestrictionDraft{ID: rid, Visible: ptr("true"), Limits: &limits}, Objects: []string{york, ohio}})
		if len(out.Users) != 1 || out.Users[0].User != h.People[policy.Agent].ID || out.Users[0].LoansBefore != 1 || out.Users[0].LoansAfter != 2 {
			t.Fatalf("an edit: %+v", out)
		}
		levels := map[string]string{}
		for _, o := range out.Users[0].Objects {
			for _, a := range o.Areas {
				levels[o.Object+" "+a.Area] = a.Before + " " + a.After
			}
		}
		for what, want := range map[string]string{york + " payments": "full full", ohio + " payments": "none view", york + " notes": "full none", york + " schedule": "full full"} {
			if levels[what] != want {
				t.Errorf("%s: %s", what, levels[what])
			}
		}
		admin := h.People[policy.Admin]
		calls := func(in rehearsal.SimulateIn) string {
			in.Key, in.Operations = admin.KeyID, []string{"role.list"}
			out := try(in)
			if len(out.Users) != 1 || out.Users[0].Key != admin.KeyID || out.Users[0].KeyLabel != "test" || len(out.Users[0].Decisions) != 1 || out.Users[0].Decisions[0].Channel != "api" {
				t.Fatalf("with a key: %+v", out)
			}
			return out.Users[0].Decisions[0].Before + " " + out.Users[0].Decisions[0].After
		}
		office := rehearsal.SimulateIn{IPRule: &rehearsal.IPRuleDraft{Entries: ptr([]string{"203.0.113.0/24"}), Holders: &[]policy.Holder{{Kind: "key", ID: string(admin.KeyID)}}}}
		if got := calls(office); got != "ok address_not_allowed" {
			t.Errorf("a rule that the key holds: %s", got)
		}
		if out := try(office); len(out.Users) != 1 || out.Users[0].Key != admin.KeyID || out.LocksOut != 1 || !out.LocksSelf {
			t.Errorf("whoever holds the rule is the key: %+v", out)
		}
		role := rehearsal.SimulateIn{Role: &rehearsal.RoleDraft{ID: h.Roles[policy.Admin], API: ptr([]string{})}}
		if got := calls(role); got != "ok role_lacks_operation" {
			t.Errorf("the role of the key's user: %s", got)
		}
		exec := func(query string) {
			if err := h.Write(func(ctx context.Context, tx *db.Tx) error {
				if _, err := tx.Exec(ctx, query, admin.KeyID); err != nil {
					return err
				}
				return policy.Bump(ctx, tx)
			}); err != nil {
				t.Fatal(err)
			}
		}
		exec(`UPDATE api_key SET scope = '["access.simulate"]' WHERE id = ?`)
		if got := calls(role); got != "key_scope_lacks_operation role_lacks_operation" {
			t.Errorf("the key's scope: %s", got)
		}
		for field, in := range map[string]rehearsal.SimulateIn{"api_key": {Role: role.Role, Key: "ak_nobody"}, "users": {Role: role.Role, Key: admin.KeyID, Users: []id.User{h.People[policy.Agent].ID}}} {
			_, err := gatetest.Do(h, d.Simulate, h.Key(policy.Admin), in)
			if f := fault.As(err); f == nil || f.Kind != fault.Invalid || f.Fields[0].Path != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		exec(`UPDATE api_key SET expires_at = 1 WHERE id = ?`)
		in := rehearsal.SimulateIn{Role: &rehearsal.RoleDraft{ID: h.Roles[policy.Admin]}, Key: admin.KeyID, Operations: []string{"role.list"}}
		ended, err := gatetest.Do(h, d.Simulate, h.Screen(policy.Admin), in)
		if err != nil || ended.Users[0].Decisions[0].Before != "key_expired" {
			t.Errorf("a key that has ended: %+v, %v", ended, err)
		}
	})
}
