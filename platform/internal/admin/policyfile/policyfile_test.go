package policyfile_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin/addresses"
	"github.com/lendkeep/lendkeep/platform/internal/admin/policyfile"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
)

type desks struct {
	*policyfile.Desk
	roles *roles.Desk
}

func each(t *testing.T, fn func(t *testing.T, h *gatetest.House, d desks)) {
	t.Helper()
	var d desks
	gatetest.Each(t, func() gatetest.Config {
		var list []gate.Entry
		catalogue := func() []*gate.Meta { return gate.Catalogue(list) }
		r, s, a, loans := roles.New(roles.Config{Catalogue: catalogue}), restrictions.New(restrictions.Config{}), addresses.New(), servicing.New(servicing.Config{})
		d = desks{policyfile.New(policyfile.Config{Roles: r, Restrictions: s, Addresses: a, Catalogue: catalogue}), r}
		for _, operations := range [][]gate.Entry{d.Operations(), r.Operations(), s.Operations(), a.Operations(), loans.Operations()} {
			list = append(list, operations...)
		}
		return gatetest.Config{Operations: list, Vocabulary: loans.Vocabulary}
	}, func(t *testing.T, h *gatetest.House) { fn(t, h, d) })
}

const setUp = `# A third-party servicer.
roles:
  - name: Third-party servicer
    description: "Looks after one book: loans and notes"
    visibility: {ssn: last4, bank_account: hidden, date_of_birth: year_hidden}
    ui:
      - loan.view   # View loan
      - loan.list
    api: [loan.list]
  - name: Agent
    shipped: agent
    visibility:
      ssn: last4
      bank_account: hidden
      date_of_birth: hidden
    ui: [loan.list]
    api: []
restrictions:
  - name: Active only
    visible: loan.status == "active"
    limits:
      - area: payments
        when: loan.balance > money("100.00")
        level: view
        message: "Ask your manager."
ip_sets:
  - name: Denver office
    mode: allow
    entries: [203.0.113.0/24, "198.51.100.7"]
    holders:
      - role: Third-party servicer
      - role: Investor
  - name: "yes: a name # with: signs"
    mode: deny
    active: false
    entries: ["2001:db8::/32"]
`

func (d desks) take(h *gatetest.House, text string, dry bool) (*policyfile.ImportOut, error) {
	return gatetest.Do(h, d.Import, h.Key(policy.Admin), policyfile.ImportIn{YAML: text, DryRun: dry})
}

func (d desks) text(t *testing.T, h *gatetest.House) string {
	t.Helper()
	f, err := gatetest.Do(h, d.Export, h.Key(policy.Admin), policyfile.ExportIn{})
	if err != nil {
		t.Fatal(err)
	}
	return string(f.Body)
}

func TestAFileIsRehearsedAppliedAndChangesNothingAgain(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		before := d.text(t, h)
		dry, err := d.take(h, setUp, true)
		if err != nil || len(dry.Changes) != 5 || dry.Before != before || !strings.Contains(dry.After, "Denver office") {
			t.Fatalf("%+v, %v", dry, err)
		}
		if now := d.text(t, h); now != before {
			t.Fatalf("a dry run changed the policy:\n%s", now)
		}
		done, err := d.take(h, setUp, false)
		if err != nil || !slices.Equal(done.Changes, dry.Changes) || done.After != dry.After {
			t.Fatalf("%+v, %v", done, err)
		}
		after := d.text(t, h)
		if after != done.After || !strings.Contains(after, "- loan.view # View loan") || !strings.Contains(after, "role: Third-party servicer") {
			t.Fatalf("the export says\n%s", after)
		}
		for _, text := range []string{after, setUp} {
			if again, err := d.take(h, text, false); err != nil || len(again.Changes) != 0 {
				t.Fatalf("taken in again: %+v, %v\n%s", again, err, after)
			}
		}
		if d.text(t, h) != after {
			t.Error("taking in what was exported changes it")
		}
		back, err := d.take(h, before, false)
		if err != nil || len(back.Changes) != 1 || back.Changes[0].Name != "Agent" {
			t.Errorf("the shipped role is given back: %+v, %v", back, err)
		}
		e := h.Trail(t, audit.Filter{Operation: "policy_file.import"})
		if last := e[len(e)-2]; last.Object != "settings/policy-file" || len(last.Changes) < 10 {
			t.Errorf("the trail says %+v", last)
		}
	})
}

func TestWhatIsWrongIsToldWithItsLine(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		before := d.text(t, h)
		for name, c := range map[string]struct{ yaml, says string }{
			"an unknown operation": {"roles:\n  - name: X\n    ui:\n      - loan.list\n      - loan.veiw\n    api: []\n", "Line 5: There is no operation of this name; the nearest is loan.view."},
			"not on the screens":   {"roles:\n  - name: X\n    ui: []\n    api: [loan.nothing]\n", "Line 4: There is no operation"},
			"an unknown key":       {"roles:\n  - name: X\n    screens: []\n", "Line 3: This key is not known here; the known ones are api, description"},
			"an anchor":            {"roles: &all\n  - name: X\n", "Line 1: Anchors"},
			"an alias":             {"roles:\n  - name: &n X\n  - name: *n\n", "Line 3: Aliases"},
			"a tag":                {"roles:\n  - name: !!str X\n", "Line 2: Tags"},
			"an own tag":           {"roles: !set\n  - name: X\n", "Line 1: Tags"},
			"a merge key":          {"roles:\n  - <<: {name: X}\n", "Line 2: Merge keys"},
			"two documents":        {"roles: []\n---\nroles: []\n", "Line 2: A second document"},
			"no YAML":              {"roles: [\n", "is not YAML"},
			"twice":                {"roles:\n  - name: X\n    name: Y\n", "Line 3: This key stands here twice."},
			"two of a name":        {"roles:\n  - name: X\n    ui: []\n  - name: X\n", "Line 4: This name stands in the file twice."},
			"another version":      {"version: 2\n", "version of the file is not known"},
			"an expression":        {"restrictions:\n  - name: X\n    visible: loan.status = 3\n", "Line 3: "},
			"a limit":              {"restrictions:\n  - name: X\n    visible: \"true\"\n    limits:\n      - area: cellar\n        level: view\n", "Line 5: Name an area"},
			"host bits":            {"ip_sets:\n  - name: X\n    mode: allow\n    entries:\n      - 203.0.113.0/24\n      - 203.0.113.9/24\n", "Line 6: Entry 2"},
			"nobody's role":        {"ip_sets:\n  - name: X\n    mode: allow\n    entries: [203.0.113.0/24]\n    holders:\n      - role: Nobody\n", "Line 6: There is no role of this name."},
			"no visibility":        {"roles:\n  - name: X\n    ui: []\n    api: []\n    visibility: {ssn: all, bank_account: hidden, date_of_birth: full}\n", "Line 5: Say full or last4."},
		} {
			_, err := d.take(h, c.yaml, false)
			f := fault.As(err)
			if f == nil || f.Kind != fault.Invalid || !slices.ContainsFunc(f.Fields, func(l fault.Field) bool { return l.Path == "yaml" && strings.Contains(l.Mend, c.says) }) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if d.text(t, h) != before {
			t.Error("a file that was refused changed the policy")
		}
		if _, err := d.take(h, strings.Repeat("# long\n", 90_000), false); !fault.Is(err, fault.Invalid) {
			t.Errorf("a vast file: %v", err)
		}
	})
}

func TestAnImportIsNoWayAroundTheScreens(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		clerk, err := gatetest.Do(h, d.roles.Create, h.Key(policy.Admin), roles.Content{Name: "Clerk", UI: []string{}, API: []string{"policy_file.import", "role.update"}})
		if err != nil {
			t.Fatal(err)
		}
		set := func(query string, args ...any) {
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
		set(`UPDATE staff SET role_id = ?, grantable = '["loan.list"]' WHERE id = ?`, clerk.ID, h.People[policy.Manager].ID)
		try := func(person, text, reason, says string) {
			t.Helper()
			_, err := gatetest.Do(h, d.Import, h.Key(person), policyfile.ImportIn{YAML: text})
			if f := fault.As(err); f == nil || f.Reason != reason || !strings.Contains(f.Message, says) {
				t.Errorf("%v, want %s", err, reason)
			}
		}
		for _, dry := range []bool{true, false} {
			told, err := gatetest.Do(h, d.Import, h.Key(policy.Manager), policyfile.ImportIn{YAML: "roles: []\n", DryRun: dry})
			if err != nil || told.Before != "" || told.After != "" {
				t.Errorf("the policy is read by who may not export it: %+v, %v", told, err)
			}
		}
		try(policy.Manager, "roles:\n  - name: New\n    ui: []\n    api: []\n", "role_lacks_operation", "Line 2: This needs role.create")
		try(policy.Manager, "roles:\n  - name: Clerk\n    ui: []\n    api: [loan.list]\n", "own_access", "Line 2: Nobody changes the role that they hold")
		try(policy.Manager, "roles:\n  - name: Investor\n    shipped: investor\n    ui: [loan.write_off]\n    api: []\n", "not_grantable", "loan.write_off")
		try(policy.Admin, "roles:\n  - name: Admin\n    shipped: admin\n    ui: []\n    api: []\n", "own_access", "Line 2")
		try(policy.Admin, "ip_sets:\n  - name: Elsewhere\n    mode: allow\n    entries: [203.0.113.0/24]\n    holders: [tenant]\n", "locks_you_out", "Line 2")
		set(`UPDATE access_setting SET four_eyes = '["role.update"]'`)
		try(policy.Admin, "roles:\n  - name: Agent\n    shipped: agent\n    ui: []\n    api: []\n", "four_eyes_needed", "second person")
		one, err := gatetest.Do(h, d.Export, h.Key(policy.Admin), policyfile.ExportIn{Role: id.Role(clerk.ID)})
		if err != nil || !strings.Contains(string(one.Body), "Clerk") || strings.Contains(string(one.Body), "Investor") {
			t.Errorf("one role alone: %s, %v", one.Body, err)
		}
	})
}

// FuzzRead: no text makes the reader fail otherwise than by telling what is
// wrong, and what it takes says nothing by alias, anchor or tag.
func FuzzRead(f *testing.F) {
	for _, s := range []string{setUp, "", "a: [", "roles: &x [*x]", "- - - - - - - - - - x", "roles:\n- {name: \"\\u0000\"}", "\xff", "--- |\n x\n...\n---\n", "? {a: b}\n: c", "<<: {roles: []}", "version: 1e0\nroles: ~"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := policyfile.Read(text)
		if err != nil {
			if x := fault.As(err); x.Kind != fault.Invalid || len(x.Fields) == 0 || !strings.HasPrefix(x.Fields[0].Mend, "Line ") {
				t.Fatalf("%v", err)
			}
			return
		}
		for _, r := range file.Roles {
			if r.Follows && len(r.UI) > 0 {
				t.Fatal("a role follows and holds")
			}
		}
	})
}
