package roles_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Two administrators read a role and both save it: the second is told who was
// quicker and what they changed, and nothing is lost unseen. On top of the new
// version it is saved; without a version nobody is asked, as before.
func TestTwoPeopleEditOneRole(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, s shop) {
		hire(t, h, policy.Manager, h.Roles[policy.Admin])
		read := func(who string) *roles.Role {
			t.Helper()
			r, err := gatetest.Do(h, s.View, h.Screen(who), roles.Ref{ID: h.Roles[policy.Agent]})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		save := func(who string, was *roles.Role, version *int64, ui ...string) error {
			_, err := gatetest.Do(h, s.Update, h.Screen(who), roles.UpdateIn{ID: was.ID, Version: version, Content: roles.Content{Name: was.Name, Description: was.Description, UI: ui, API: was.API}})
			return err
		}
		first, second := read(policy.Admin), read(policy.Manager)
		if first.Version != 0 || second.Version != 0 {
			t.Fatalf("as it was shipped, a role has been changed: %d", first.Version)
		}
		if err := save(policy.Manager, second, &second.Version, "loan.list", "loan.view"); err != nil {
			t.Fatal(err)
		}
		err := save(policy.Admin, first, &first.Version, "loan.list")
		f := fault.As(err)
		if f == nil || f.Kind != fault.Conflict || f.Reason != admin.ChangedMeanwhile || !strings.Contains(f.Message, "Loan Servicing Manager Person has saved this role at ") {
			t.Fatalf("the second save: %v", err)
		}
		told := map[string]string{}
		for _, x := range f.Fields {
			told[x.Path] += x.Mend
		}
		if !strings.Contains(told["ui"], "Loan Servicing Manager Person has taken out ") {
			t.Errorf("the difference: %+v", f.Fields)
		}
		now := read(policy.Admin)
		if now.Version == 0 || strings.Join(now.UI, " ") != "loan.list loan.view" {
			t.Errorf("what stands: %+v", now)
		}
		if err := save(policy.Admin, now, &now.Version, "loan.list"); err != nil {
			t.Errorf("on top of it: %v", err)
		}
		if err := save(policy.Manager, second, nil, "loan.view"); err != nil {
			t.Errorf("without a version: %v", err)
		}
	})
}

// Whoever may edit a role may not therefore read its past: differences are told since
// a version that stood within the last day, and to no version that is made up.
func TestAMadeUpVersionTellsNoPast(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, s shop) {
		agent := h.Roles[policy.Agent]
		save := func(version int64, ui ...string) *fault.Error {
			v := &version
			if version == last {
				v = nil
			}
			_, err := gatetest.Do(h, s.Update, h.Key(policy.Admin), roles.UpdateIn{ID: agent, Version: v, Content: roles.Content{Name: "Agent", UI: ui}})
			return fault.As(err)
		}
		stands := func() int64 {
			r, err := gatetest.Do(h, s.View, h.Key(policy.Admin), roles.Ref{ID: agent})
			if err != nil {
				t.Fatal(err)
			}
			return r.Version
		}
		var stood []int64
		for _, ui := range []string{"loan.list", "loan.view", "loan.list"} {
			h.Advance(10 * time.Hour)
			if f := save(last, ui); f != nil {
				t.Fatal(f)
			}
			stood = append(stood, stands())
		}
		for _, made := range []int64{-1, -9_000_000_000_000_000_000} {
			if f := save(made, "loan.view"); f == nil || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Path != "version" {
				t.Errorf("version %d: %v", made, f)
			}
		}
		for what, made := range map[string]int64{"the instant after a save": stood[0] + 1, "one before any save": 1, "the future": stood[2] + 1} {
			if f := save(made, "loan.view"); f == nil || f.Reason != admin.ChangedMeanwhile || len(f.Fields) != 0 {
				t.Errorf("%s: %+v", what, f)
			}
		}
		if f := save(stood[1], "loan.view"); f == nil || f.Reason != admin.ChangedMeanwhile || len(f.Fields) != 2 {
			t.Errorf("the version before: %+v", f)
		}
		h.Advance(5 * time.Hour)
		if f := save(0, "loan.view"); f == nil || f.Reason != admin.ChangedMeanwhile || len(f.Fields) != 0 {
			t.Errorf("as it was shipped, more than a day ago: %+v", f)
		}
	})
}

// last says: whatever stands.
const last = math.MinInt64

// A tenant can ask for a second person for every change of roles, deletion included.
func TestEveryChangeOfARoleMayNeedASecondPerson(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, s shop) {
		for _, e := range s.Operations() {
			if m := e.Meta(); m.Method != "GET" && m.Bumps && m.Pairing != gate.MayPair {
				t.Errorf("%s cannot be paired", m.Name)
			}
		}
		made, err := gatetest.Do(h, s.Create, h.Screen(policy.Admin), servicer())
		if err != nil {
			t.Fatal(err)
		}
		exec(t, h, `UPDATE access_setting SET four_eyes = '["role.delete"]'`)
		if _, err := gatetest.Do(h, s.Delete, h.Screen(policy.Admin), roles.Ref{ID: made.ID}); !fault.Is(err, fault.Proposed) {
			t.Errorf("deleted by one person: %v", err)
		}
		if _, err := gatetest.Do(h, s.View, h.Screen(policy.Admin), roles.Ref{ID: made.ID}); err != nil {
			t.Errorf("the role is gone: %v", err)
		}
	})
}
