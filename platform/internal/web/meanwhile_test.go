package web_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/factor"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Two administrators have the same role open. The second who saves is told who was
// quicker and what they changed; what was typed stays, and is saved on top of it.
func TestTwoAdministratorsEditOneRole(t *testing.T) {
	p := open(t)
	if err := p.Write(func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE staff SET role_id = ? WHERE id = ?`, p.Roles[policy.Admin], p.People[policy.Manager].ID); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	}); err != nil {
		t.Fatal(err)
	}
	first, second, where := p.as(t, "admin"), p.as(t, "manager"), "/settings/roles/"+string(p.Roles[policy.Agent])
	fields := func(version, name, description string) []string {
		return []string{"_form", "role", "_version", version, "name", name, "description", description, "visibility.ssn", "last4", "visibility.bank_account", "last4", "visibility.date_of_birth", "hidden"}
	}
	was := first.get(where).want(200, "Save role").held("_version")
	second.post(where, fields(second.get(where).held("_version"), "Agent", "From the second desk")...).to(where)
	late := first.post(where, fields(was, "Agent", "From the first desk")...).want(409, "Loan Servicing Manager Person has saved this role", "What you typed is kept below", "From the second desk")
	if late.held("description") != "From the first desk" || late.held("_version") == was {
		t.Errorf("kept %q, version %s after %s", late.held("description"), late.held("_version"), was)
	}
	wrong := first.post(where, fields(was, "", "From the first desk")...)
	if wrong.held("_version") == "" {
		t.Error("another mistake loses the version")
	}
	first.post(where, fields(late.held("_version"), "Agent", "From the first desk")...).to(where)
	first.get(where).want(200, "From the first desk")
	rule := first.post("/settings/address-rules", "_form", "address", "name", "Office", "mode", "allow", "entries", "198.51.100.0/24", "active", "on").want(303).head.Get("Location")
	old := first.get(rule).held("_version")
	second.post(rule, "_form", "address", "_version", old, "name", "Denver", "mode", "allow", "entries", "198.51.100.0/24", "active", "on").to(rule)
	first.post(rule, "_form", "address", "_version", old, "name", "Office", "mode", "allow", "entries", "198.51.100.0/25", "active", "on").want(409, "has saved this address rule", "Denver")
}

// One administrator has a user open while another switches them off; who sends the
// open form for a new name alone switches nobody on again.
func TestAnOpenUserPageSwitchesNobodyOn(t *testing.T) {
	p := open(t)
	first, second := p.as(t, "admin"), p.as(t, "admin")
	where := "/settings/users/" + string(p.People[policy.Agent].ID)
	fields := func(version, name string, more ...string) []string {
		return append([]string{"_form", "user", "_boxes", "active", "_version", version, "name", name, "role", "Agent"}, more...)
	}
	was := first.get(where).want(200, "Save changes").held("_version")
	second.post(where, fields(was, "Agent Person")...).to(where)
	late := first.post(where, fields(was, "Agent P.", "active", "on")...).want(409, "This user is not as you read it", "What you typed is kept below", "The user is off now")
	if late.held("name") != "Agent P." || late.held("_version") == was {
		t.Errorf("kept %q, version %s after %s", late.held("name"), late.held("_version"), was)
	}
	first.get(where).want(200, "Agent Person", "Off")

	// The page of a restriction has two forms; each carries its own version.
	r := p.Restrict(t, policy.Investor, policy.Restriction{Name: "Nothing", Visible: "false"})
	page, agent := "/settings/search-restrictions/"+string(r), string(p.People[policy.Underwriter].ID)
	both := versions(first.get(page).want(200, "Assign"))
	if len(both) != 2 || both[0] == both[1] {
		t.Fatalf("versions of the forms: %v", both)
	}
	second.post(page+"/holders", "_form", "holders", "_version", both[1], "users", agent).to(page)
	again := first.post(page+"/holders", "_form", "holders", "_version", both[1], "users", string(p.People[policy.Investor].ID)).want(409, "Underwriter Person")
	if late := versions(again); len(late) != 2 || late[0] != both[0] || late[1] == both[1] {
		t.Errorf("versions %v after %v", late, both)
	}
}

// Who is bound through a team alone does not read as bound by nothing.
func TestTheListOfUsersTellsWhatComesByATeam(t *testing.T) {
	p := open(t)
	r := p.Restrict(t, policy.Investor, policy.Restriction{Name: "Nothing", Visible: "false"})
	admin := p.as(t, "admin")
	if page := admin.get("/settings/users").want(200, "Agent Person"); strings.Contains(page.text, "through a team") {
		t.Error("nobody is in a team yet")
	}
	if err := p.Write(func(ctx context.Context, tx *db.Tx) error {
		team := &policy.Team{ID: id.New[id.Team](tx.At), Name: "Denver", Members: []id.User{p.People[policy.Agent].ID}, Restrictions: []id.Restriction{r}}
		if err := policy.SaveTeam(ctx, tx, team, true); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	}); err != nil {
		t.Fatal(err)
	}
	admin.get("/settings/users").want(200, "1 through a team")
}

// versions are those that the forms of a page carry, in order.
func versions(p *page) []string {
	var out []string
	for _, m := range regexp.MustCompile(`name="_version" value="([^"]*)"`).FindAllStringSubmatch(p.text, -1) {
		out = append(out, m[1])
	}
	return out
}

// A form that waits for a fresh proof takes a recovery code too, which is used up;
// the page says how many are left.
func TestARecoveryCodeConfirmsAWaitingForm(t *testing.T) {
	p := open(t)
	who := p.People[policy.Admin].ID
	codes, hashes := factor.NewRecoveryCodes(string(who))
	if err := p.Write(func(ctx context.Context, tx *db.Tx) error {
		f := identity.Factor{ID: id.New[id.Factor](tx.At), User: who, Kind: identity.TOTP, Label: "Phone", Sealed: []byte{1}, Active: true}
		if err := identity.InsertFactor(ctx, tx, f); err != nil {
			return err
		}
		if err := identity.ReplaceRecoveryCodes(ctx, tx, who, hashes); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE factor_exception SET ended_at = 1 WHERE user_id = ?`, who); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	}); err != nil {
		t.Fatal(err)
	}
	p.Advance(6 * time.Minute)
	b := p.as(t, "admin")
	asked := b.post("/settings/users", "_form", "user", "name", "Nia Okafor", "email", "nia@acme.test", "role", "Agent").
		want(403, "Confirm that it is you", "Or a recovery code", "You have 10 left")
	held := []string{"_held_path", asked.held("_held_path"), "_held_form", asked.held("_held_form"), "_held_title", asked.held("_held_title"), "_next", asked.held("_next")}
	prove := func(code string) *page {
		return b.post("/step-up", append([]string{"_form", "recovery", "recovery", code}, held...)...)
	}
	wrong := prove("no such code").want(422, "This recovery code is not right", "Or a recovery code")
	if wrong.held("_held_form") != asked.held("_held_form") {
		t.Error("a wrong code loses the form")
	}
	again := prove(codes[0].Reveal()).want(200, "Check the form and send it once more", "9 are left")
	if again.held("name") != "Nia Okafor" {
		t.Error("what was typed is lost")
	}
	prove(codes[0].Reveal()).want(422, "has been used")
	b.post("/settings/users", "_form", "user", "name", "Nia Okafor", "email", "nia@acme.test", "role", "Agent").want(303)
}
