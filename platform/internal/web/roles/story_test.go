package roles_test

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	desk "github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

func role(name string, ui, api []string) url.Values {
	return url.Values{"_form": {"role"}, "name": {name}, "description": {"Looks after one book"}, "ui": ui, "api": api,
		"visibility.ssn": {"last4"}, "visibility.bank_account": {"hidden"}, "visibility.date_of_birth": {"day_year_hidden"}}
}

func TestEveryOperationStandsOnceInTheTreeOfEachOfItsChannels(t *testing.T) {
	p := open(t)
	got := p.get(policy.Admin, "/settings/roles/new").want(200, "General", "Screens", "API", "Log payment", "POST /loans/{id}/payments")
	var ui, api []string
	for _, m := range p.Gate.Catalogue() {
		if m.Permit == gate.ByRole && m.Screen != "" {
			ui = append(ui, m.Name)
		}
		if m.Permit == gate.ByRole && m.Path != "" {
			api = append(api, m.Name)
		}
	}
	for name, want := range map[string][]string{"ui": ui, "api": api} {
		has := got.all(name)
		slices.Sort(has)
		if !slices.Equal(has, want) {
			t.Errorf("the tree %s holds\n%v\nand the list of operations\n%v", name, has, want)
		}
	}
	if len(ui) < 40 || len(api) < 40 {
		t.Errorf("only %d and %d operations", len(ui), len(api))
	}
}

func TestARoleIsMadeEditedAndDeletedOnTheScreens(t *testing.T) {
	p := open(t)
	p.get(policy.Admin, "/settings/roles").want(200, "Add role", "Compare roles", "Investor", "as shipped")
	p.post(policy.Admin, "/settings/roles", role("", nil, nil)).want(422, "Fill this in.")
	bad := p.post(policy.Admin, "/settings/roles", role("Servicer", []string{"loan.list"}, []string{"loan.veiw"})).want(422, "the nearest is loan.view")
	if !slices.Equal(bad.ticked("ui"), []string{"loan.list"}) || !strings.Contains(bad.text, "Looks after one book") {
		t.Error("what was typed is lost")
	}
	made := p.post(policy.Admin, "/settings/roles", role("Third-party servicer", []string{"loan.list", "loan.view"}, []string{"loan.list"})).want(303)
	where := made.head.Get("Location")
	got := p.get(policy.Admin, where).want(200, "Third-party servicer", "Own", "Day and year hidden", "Effect of what is not saved", "Duplicate role", "Delete role", "Entries in the audit trail")
	if !slices.Equal(got.ticked("ui"), []string{"loan.list", "loan.view"}) || !slices.Equal(got.ticked("api"), []string{"loan.list"}) {
		t.Errorf("ticked %v and %v", got.ticked("ui"), got.ticked("api"))
	}
	p.post(policy.Admin, where, role("Servicer", []string{"loan.view"}, nil)).want(303)
	p.get(policy.Admin, where).want(200, "Servicer").without("value=\"Third-party")
	p.post(policy.Admin, where+"/duplicate", url.Values{"_form": {"duplicate"}, "name": {"Servicer"}}).want(409, "Another role has this name")
	p.post(policy.Admin, where+"/duplicate", url.Values{"_form": {"duplicate"}, "name": {"Servicer two"}}).want(303)
	id := strings.TrimPrefix(where, "/settings/roles/")
	p.get(policy.Admin, "/settings/roles/compare?a="+id+"&b="+string(p.Roles[policy.Manager])).want(200, "loan.payment.log", "Last four digits", "Whole, one at a time")
	p.post(policy.Admin, where+"/delete", url.Values{"_form": {"delete"}}).want(303)
	p.get(policy.Admin, where).want(404)
}

func TestTheEffectIsShownBeforeSaving(t *testing.T) {
	p := open(t)
	agent := p.Roles[policy.Agent]
	for range 3 {
		if _, err := gatetest.Do(p.House, p.loans.LoanList, p.Key(policy.Agent), servicing.LoanListIn{}); err != nil {
			t.Fatal(err)
		}
	}
	where := "/settings/roles/" + string(agent)
	held := p.get(policy.Admin, where).want(200, "Shipped")
	form := role("Agent", held.ticked("ui"), slices.DeleteFunc(held.ticked("api"), func(n string) bool { return n == "loan.list" }))
	var told parts.Counted
	if err := json.Unmarshal([]byte(p.post(policy.Admin, where+"/impact", form).want(200).text), &told); err != nil {
		t.Fatal(err)
	}
	if told.Meaning != "warn" || told.Headline != "Gains: 0 holders. Loses: 1 holder, 3 calls in 30 days." || !slices.Contains(told.Notes, "3 calls that were allowed would be denied.") || told.Rows[0][0] != "List loans (API), Agent Person" {
		t.Errorf("%+v", told)
	}
	if !slices.Contains(told.Notes, "Date of birth: Year hidden becomes day and year hidden.") {
		t.Errorf("%v", told.Notes)
	}
	effect := p.post(policy.Admin, where+"/effect", form).want(200, "What the change would do", "3 that were allowed would be denied", "Agent Person", "Save role", "Go on editing")
	again := p.post(policy.Admin, where+"/edit", form).want(200, "Save role")
	if !slices.Equal(again.ticked("api"), form["api"]) {
		t.Error("what was typed is lost on the way back")
	}
	saved := url.Values{}
	for n := range effect.doc.Descendants() {
		if n.Data == "input" && attr(n, "type") == "hidden" && attr(n.Parent, "action") == where {
			saved.Add(attr(n, "name"), attr(n, "value"))
		}
	}
	p.post(policy.Admin, where, saved).want(303)
	if _, err := gatetest.Do(p.House, p.loans.LoanList, p.Key(policy.Agent), servicing.LoanListIn{}); err == nil {
		t.Error("the saved change does not hold at the next call")
	}
	p.get(policy.Admin, where).want(200, "Shipped, customized", "Give back as shipped")
	p.get(policy.Admin, where+"/compare").want(200, "as shipped", "loan.list")
	p.post(policy.Admin, where+"/restore", url.Values{"_form": {"restore"}}).want(303)
	p.get(policy.Admin, where).want(200).without("customized")
	if told := p.post(policy.Admin, where+"/impact", role("Agent", []string{"no.such"}, nil)).want(200).text; !strings.Contains(told, "There is no operation of this name") {
		t.Errorf("what is wrong is told: %s", told)
	}
}

func TestWhatMayNotBeChangedHasNoButton(t *testing.T) {
	p := open(t)
	own := "/settings/roles/" + string(p.Roles[policy.Admin])
	p.get(policy.Admin, own).want(200, "Nobody changes the role that they hold", "Duplicate role").without("Save role", `name="ui"`)
	p.post(policy.Admin, own, role("Admin", nil, nil)).want(403, "Nobody changes the role that they hold")
	p.get(policy.Agent, "/settings/roles").want(403)
	p.post(policy.Agent, own+"/impact", role("Admin", nil, nil)).want(403)

	clerk, err := gatetest.Do(p.House, p.desk.Create, p.Key(policy.Admin), desk.Content{Name: "Access clerk", UI: []string{"role.list", "role.view", "role.update", "role.impact"}, API: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	err = p.Write(func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE staff SET role_id = ?, grantable = '["loan.view"]' WHERE id = ?`, clerk.ID, p.People[policy.Manager].ID); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	})
	if err != nil {
		t.Fatal(err)
	}
	got := p.get(policy.Manager, "/settings/roles/"+string(p.Roles[policy.Investor])).want(200, "Not yours to give").without("Duplicate…")
	free := 0
	for n := range got.doc.Descendants() {
		if n.Data == "input" && attr(n, "name") == "ui" && attr(n, "value") == "loan.payment.log" && !strings.Contains(visible(n.Parent.Parent.Parent), "Not yours to give") {
			free++
		}
	}
	if free > 0 {
		t.Error("a box can be ticked that the clerk may not give")
	}
	p.get(policy.Manager, own).want(200, "Administering needs it")
}

// Whoever is lent something holds the role below it too, and no editor of it is shown
// to them that their save would refuse.
func TestTheRoleBelowALentOneHasNoEditor(t *testing.T) {
	p := open(t)
	made, err := gatetest.Do(p.House, p.desk.Create, p.Key(policy.Admin), desk.Content{Name: "Access clerk", UI: []string{"role.list", "role.view", "role.update"}, API: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	where, clerk := "/settings/roles/"+string(made.ID), p.People[policy.Manager].ID
	holds := func(query string, args ...any) {
		t.Helper()
		if err := p.Write(func(ctx context.Context, tx *db.Tx) error {
			if _, err := tx.Exec(ctx, query, append(args, clerk)...); err != nil {
				return err
			}
			return policy.Bump(ctx, tx)
		}); err != nil {
			t.Fatal(err)
		}
	}
	p.get(policy.Admin, where).want(200, "Save role")
	holds(`UPDATE staff SET role_id = ? WHERE id = ?`, made.ID)
	p.get(policy.Manager, where).want(200, "Nobody changes the role that they hold").without("Save role")

	lent := id.New[id.Role](p.Now().UnixMicro())
	if err := p.Write(func(ctx context.Context, tx *db.Tx) error {
		return policy.InsertRole(ctx, tx, policy.Role{ID: lent, Name: "Access clerk with List roles", From: made.ID})
	}); err != nil {
		t.Fatal(err)
	}
	holds(`UPDATE staff SET role_id = ?, role_until = ?, role_after = ? WHERE id = ?`, lent, p.Now().Add(time.Hour).UnixMicro(), made.ID)
	p.get(policy.Manager, where).want(200, "Nobody changes the role that they hold").without("Save role", `name="ui"`)
	p.post(policy.Manager, where, role("Access clerk", []string{"role.list"}, nil)).want(403, "Nobody changes the role that they hold")
	p.get(policy.Manager, "/settings/roles/"+string(p.Roles[policy.Investor])).want(200, "Save role")
}

func TestThePolicyFileIsReadSeenAndTakenIn(t *testing.T) {
	p := open(t)
	p.get(policy.Admin, "/settings/policy-file").want(200, "Export everything", "See what would change")
	got := p.get(policy.Admin, "/settings/policy-file/download").want(200, "name: Agent", "follows_product: true")
	if !strings.Contains(got.head.Get("Content-Disposition"), "lendkeep-policy.yaml") {
		t.Errorf("%v", got.head)
	}
	const path = "/settings/policy-file"
	text := "roles:\n  - name: Servicer\n    ui: [loan.list]\n    api: []\n"
	p.post(policy.Admin, path, url.Values{"_form": {"file"}, "dry_run": {"on"}, "yaml": {strings.Replace(text, "loan.list", "loan.lisst", 1)}}).want(422, "Line 3: There is no operation of this name; the nearest is loan.list.", "loan.lisst")
	p.post(policy.Admin, path, url.Values{"_form": {"file"}, "dry_run": {"on"}, "yaml": {text}}).want(200, "Nothing is changed yet", "Servicer", "- loan.list # List loans", "Import")
	p.get(policy.Admin, "/settings/roles").want(200).without("Servicer")
	p.post(policy.Admin, path, url.Values{"_form": {"file"}, "yaml": {text}}).want(303)
	p.get(policy.Admin, "/settings/roles").want(200, "Servicer")
	p.post(policy.Agent, path, url.Values{"yaml": {text}}).want(403)
}
