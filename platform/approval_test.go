package main_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// colleague gives the API key of one more administrator, who was the investor: four
// eyes need them. A key that the first administrator made would not do.
func (r *running) colleague(t *testing.T) map[string]string {
	t.Helper()
	status, made := r.call(t, "PATCH", "/users/"+r.facts.Users["investor"].ID, r.as("admin"), map[string]any{"role": "Admin", "search_restrictions": []string{}})
	if status != 200 {
		t.Fatalf("a second administrator: %d %v", status, made)
	}
	return r.as("investor")
}

// puppet gives a key that the administrator has made for a machine of theirs.
func (r *running) puppet(t *testing.T) map[string]string {
	t.Helper()
	status, made := r.call(t, "POST", "/users", r.as("admin"), map[string]any{"name": "Robot", "email": "robot@example.com", "role": "Admin", "machine": true})
	if status != 201 {
		t.Fatalf("adding a machine: %d %v", status, made)
	}
	status, key := r.call(t, "POST", "/users/"+made["id"].(string)+"/api-keys", r.as("admin"), map[string]any{"label": "four eyes"})
	if status != 201 {
		t.Fatalf("a key for the machine: %d %v", status, key)
	}
	return map[string]string{"Authorization": "Bearer " + key["key"].(string)}
}

// demand asks for a second person for operations.
func (r *running) demand(t *testing.T, operations ...string) {
	t.Helper()
	if status, out := r.call(t, "POST", "/settings/four-eyes", r.as("admin"), map[string]any{"operations": operations}); status != 200 {
		t.Fatalf("asking for a second person: %d %v", status, out)
	}
}

// waits holds an answer to one that changed nothing yet, and gives its proposal.
func waits(t *testing.T, status int, answer map[string]any) string {
	t.Helper()
	p, _ := answer["proposal"].(string)
	if status != 202 || p == "" || answer["reason"] != "four_eyes_needed" || answer["decision_id"] == "" || answer["state"] != "open" {
		t.Fatalf("%d %v", status, answer)
	}
	return p
}

// answers holds an answer to a status and, for a refusal, a reason.
func answers(t *testing.T, story string, status int, answer map[string]any, want int, reason string) {
	t.Helper()
	if status != want || reason != "" && answer["reason"] != reason {
		t.Errorf("%s: %d %v, want %d %s", story, status, answer, want, reason)
	}
}

func activeLoan(t *testing.T, r *running) map[string]any {
	t.Helper()
	_, list := r.call(t, "GET", "/loans?status=active", r.as("manager"), nil)
	return list["items"].([]any)[0].(map[string]any)
}

// Role edits, write-offs and decisions wait for a second person over the API,
// whoever calls, and there is no way round.
func TestFourEyes(t *testing.T) {
	r := startDemo(t)
	r.demand(t, "role.update", "loan.write_off", "application.approve")
	second := r.colleague(t)
	t.Run("a write-off", func(t *testing.T) { writeOffWaits(t, r) })
	t.Run("a role edit", func(t *testing.T) { roleEditWaits(t, r, second) })
	t.Run("an approval of an application", func(t *testing.T) { applicationWaits(t, r) })
	t.Run("ceasing to ask", func(t *testing.T) { ceasingWaits(t, r, second) })
}

func writeOffWaits(t *testing.T, r *running) {
	loan := activeLoan(t, r)
	path := "/loans/" + loan["id"].(string)
	ask := map[string]any{"effective_date": "2026-11-22", "reason": "bankruptcy, chapter 7"}
	status, p := r.call(t, "POST", path+"/write-off", r.as("manager"), ask)
	id := waits(t, status, p)
	if _, now := r.call(t, "GET", path, r.as("manager"), nil); now["status"] != "active" || now["principal_balance"] != loan["principal_balance"] {
		t.Errorf("a proposal has changed the loan: %v %v", now["status"], now["principal_balance"])
	}
	_, inbox := r.call(t, "GET", "/proposals", r.as("admin"), nil)
	if inbox["waiting"] != 1.0 || at(inbox["items"].([]any)[0], "operation") != "loan.write_off" || len(at(inbox["items"].([]any)[0], "changes").([]any)) == 0 {
		t.Errorf("the administrator's inbox: %v", inbox)
	}
	status, p = r.call(t, "POST", "/proposals/"+id+"/approve", r.as("manager"), map[string]any{})
	answers(t, "the manager approves their own", status, p, 403, "own_proposal")
	status, p = r.call(t, "POST", "/proposals/"+id+"/approve", r.as("agent"), map[string]any{})
	answers(t, "an agent, who may not write off", status, p, 404, "not_found")
	status, p = r.call(t, "POST", "/proposals/"+id+"/reject", r.as("admin"), map[string]any{})
	answers(t, "a rejection without a reason", status, p, 422, "")
	status, p = r.call(t, "POST", "/proposals/"+id+"/approve", r.as("admin"), map[string]any{"reason": "the court's letter is here"})
	answers(t, "the administrator approves", status, p, 200, "")
	if _, now := r.call(t, "GET", path, r.as("manager"), nil); now["principal_balance"] != "0.00" {
		t.Errorf("an approved write-off leaves %v", now["principal_balance"])
	}
	status, p = r.call(t, "POST", "/proposals/"+id+"/approve", r.as("admin"), map[string]any{})
	answers(t, "approved twice", status, p, 409, "proposal_closed")
	_, trail := r.call(t, "GET", "/audit?operation=loan.write_off&object=loan/"+loan["id"].(string), r.as("admin"), nil)
	done := trail["items"].([]any)[0].(map[string]any)
	if done["outcome"] != "allowed" || done["for"] != "user/"+r.facts.Users["manager"].ID || done["actor"] != "user/"+r.facts.Users["admin"].ID {
		t.Errorf("the trail does not name both: %v", done)
	}
}

func roleEditWaits(t *testing.T, r *running, second map[string]string) {
	_, list := r.call(t, "GET", "/roles", r.as("admin"), nil)
	var role map[string]any
	for _, v := range list["items"].([]any) {
		if v.(map[string]any)["name"] == "Agent" {
			role = v.(map[string]any)
		}
	}
	ui := role["ui"].([]any)
	edit := map[string]any{"name": role["name"], "ui": ui[1:], "api": role["api"]}
	status, p := r.call(t, "PUT", "/roles/"+role["id"].(string), r.as("admin"), edit)
	id := waits(t, status, p)
	status, p = r.call(t, "POST", "/proposals/"+id+"/approve", r.as("admin"), map[string]any{})
	answers(t, "an administrator approves their own", status, p, 403, "own_proposal")
	status, p = r.call(t, "POST", "/proposals/"+id+"/approve", r.puppet(t), map[string]any{})
	answers(t, "an administrator approves their own through a machine of their making", status, p, 403, "own_proposal")
	status, p = r.call(t, "POST", "/proposals/"+id+"/reject", second, map[string]any{"reason": "agents need it"})
	answers(t, "the second administrator rejects", status, p, 200, "")
	_, kept := r.call(t, "GET", "/proposals?state=all", r.as("admin"), nil)
	if !strings.Contains(fmt.Sprint(kept["items"]), "agents need it") {
		t.Errorf("the rejection is not kept: %v", kept["items"])
	}
	status, p = r.call(t, "PUT", "/roles/"+role["id"].(string), r.as("admin"), edit)
	id = waits(t, status, p)
	status, p = r.call(t, "POST", "/proposals/"+id+"/approve", second, map[string]any{})
	answers(t, "the second administrator approves", status, p, 200, "")
	_, now := r.call(t, "GET", "/roles/"+role["id"].(string), r.as("admin"), nil)
	if len(now["ui"].([]any)) != len(ui)-1 {
		t.Errorf("the role holds %d, held %d", len(now["ui"].([]any)), len(ui))
	}
}

func applicationWaits(t *testing.T, r *running) {
	status, made := r.call(t, "POST", "/applications", r.as("underwriter"), application(""))
	if status != 201 {
		t.Fatalf("%d %v", status, made)
	}
	app := "/applications/" + made["id"].(string)
	r.decided(t, made["id"].(string))
	status, p := r.call(t, "POST", app+"/approve", r.as("underwriter"), map[string]any{"annual_rate": "12.5", "reason": "income confirmed"})
	id := waits(t, status, p)
	if _, now := r.call(t, "GET", app, r.as("underwriter"), nil); now["status"] == "approved" || now["loan"] != nil && now["loan"] != "" {
		t.Errorf("a proposal has decided the application: %v", now["status"])
	}
	status, p = r.call(t, "POST", "/proposals/"+id+"/withdraw", r.as("admin"), map[string]any{})
	answers(t, "somebody else withdraws", status, p, 404, "not_found")
	status, p = r.call(t, "POST", "/proposals/"+id+"/approve", r.as("admin"), map[string]any{})
	answers(t, "a second person approves", status, p, 200, "")
	if _, now := r.call(t, "GET", app, r.as("underwriter"), nil); now["status"] != "approved" {
		t.Errorf("an approved approval leaves the application %v", now["status"])
	}
}

func ceasingWaits(t *testing.T, r *running, second map[string]string) {
	status, p := r.call(t, "DELETE", "/settings/four-eyes", r.as("admin"), map[string]any{"operations": []string{"loan.write_off"}})
	id := waits(t, status, p)
	status, p = r.call(t, "POST", "/loans/"+activeLoan(t, r)["id"].(string)+"/write-off", r.as("manager"), map[string]any{"effective_date": "2026-11-22", "reason": "not yet"})
	waits(t, status, p)
	status, p = r.call(t, "POST", "/proposals/"+id+"/approve", second, map[string]any{})
	answers(t, "the second administrator approves", status, p, 200, "")
	_, out := r.call(t, "GET", "/settings/four-eyes", r.as("admin"), nil)
	for _, v := range out["items"].([]any) {
		if pair := v.(map[string]any); pair["operation"] == "loan.write_off" && pair["on"] != false {
			t.Errorf("still asked for: %v", pair)
		}
	}
}

// send opens a dialog of the page and sends it, with the keyboard alone.
func (b *browser) send(dialog string, said ...string) {
	b.t.Helper()
	opener := fmt.Sprintf("button[data-opens=%q]", dialog)
	if err := chromedp.Do(b.ctx, chromedp.Focus(chromedp.CSS(opener)), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS("#"+dialog))); err != nil {
		b.t.Fatalf("opening %s: %v\n%s", dialog, err, b.text())
	}
	b.shot("dialog-" + strings.SplitN(dialog, "-", 2)[0])
	field := chromedp.CSS("#" + dialog + " [name=reason]")
	if len(said) > 0 {
		if err := chromedp.Do(b.ctx, chromedp.Focus(field), chromedp.KeyEvent(said[0])); err != nil {
			b.t.Fatal(err)
		}
	}
	button := chromedp.CSS("#" + dialog + " .form-end button[type=submit]")
	if err := chromedp.Do(b.ctx, chromedp.Focus(button)); err != nil {
		b.t.Fatal(err)
	}
	if _, err := chromedp.RunResponse(b.ctx, chromedp.KeyEvent(kb.Enter)); err != nil {
		b.t.Fatalf("sending %s: %v\n%s", dialog, err, b.text())
	}
}

// shows evaluates an expression on the page and compares it as text.
func (b *browser) shows(expression, want string) {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil || got != want {
		b.t.Errorf("%s is %q (%v), want %q", expression, got, err, want)
	}
}

const (
	inboxCount = `document.querySelector(".bar-link .count")?.textContent ?? ""`
	mayApprove = `document.querySelector("button[data-opens=approve]") !== null`
)

// proposes has the manager write a loan off, which only proposes it, and gives
// the proposal's page.
func proposes(t *testing.T, b *browser, loan string) string {
	t.Helper()
	b.open("/loans/" + loan + "/write-off")
	b.fill("reason", "bankruptcy, chapter 7")
	b.pressFrom("Write off loan")
	b.says("Proposed. A second person must approve it; nothing has changed yet.")
	b.says("Nobody approves what they proposed")
	b.shows(mayApprove, "false")
	path, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.pathname"))
	if err != nil || !strings.HasPrefix(path, "/approvals/pp_") {
		t.Fatalf("a proposal leads to %s, %v", path, err)
	}
	return path
}

// A manager proposes, an administrator finds it in the inbox at the top of the
// page and decides with the keyboard alone; what has moved meanwhile, and a
// rejection without a reason, come back in words.
func TestFourEyesInABrowser(t *testing.T) {
	chromium(t)
	r := startDemo(t)
	r.demand(t, "loan.write_off")
	_, list := r.call(t, "GET", "/loans?status=active", r.as("manager"), nil)
	loan := func(i int) string { return list["items"].([]any)[i].(map[string]any)["id"].(string) }

	manager, admin := openBrowser(t, r, 1280, 900), openBrowser(t, r, 1280, 900)
	admin.signIn(r.facts.Users["admin"])
	admin.open("/approvals")
	admin.says("Nothing waits for you")
	admin.shot("approvals-empty")
	admin.shows(inboxCount, "")

	manager.signIn(r.facts.Users["manager"])
	path := proposes(t, manager, loan(0))
	manager.shot("proposal-mine")
	manager.shows(inboxCount, "")
	manager.open("/approvals")
	manager.shot("approvals-mine")

	admin.open("/approvals")
	admin.shows(inboxCount, "1")
	admin.says("bankruptcy, chapter 7")
	admin.shot("approvals-waiting")
	admin.press("Review")
	admin.shows("location.pathname", path)
	admin.shot("proposal-open")
	admin.send("approve", "the letter is here")
	admin.says("Approved and done.")
	admin.shows(inboxCount, "")
	admin.shot("proposal-approved")
	if _, now := r.call(t, "GET", "/loans/"+loan(0), r.as("manager"), nil); now["status"] != "charged_off" {
		t.Errorf("the loan is %v", now["status"])
	}

	path = proposes(t, manager, loan(1))
	if status, p := r.call(t, "POST", "/loans/"+loan(1)+"/payments", r.as("manager"), map[string]any{"amount": "10.00", "effective_date": "2026-11-22", "method": "cash"}); status != 201 {
		t.Fatalf("%d %v", status, p)
	}
	admin.open(path)
	admin.send("approve")
	admin.says("What this would change has changed since it was proposed, so nothing was done.")
	admin.shot("proposal-moved")
	admin.open(path)
	admin.send("reject")
	admin.says("Say why, for whoever proposed it and for the trail.")
	admin.open(path)
	admin.send("reject", "have it proposed again")
	admin.says("Rejected; nothing has changed.")
	admin.open("/approvals?state=all")
	admin.says("have it proposed again")
	admin.shot("approvals-decided")
	proposes(t, manager, loan(2))
	manager.send("withdraw")
	manager.says("Withdrawn; nothing has changed.")
	settingsOfFourEyes(t, admin)
}

func settingsOfFourEyes(t *testing.T, admin *browser) {
	t.Helper()
	admin.open("/settings/four-eyes")
	admin.shot("four-eyes")
	admin.send("demand-role-update", "as the auditor asked")
	admin.says("From now on a second person must approve it.")
	admin.send("waive-loan-write_off", "too slow")
	admin.says("Proposed. A second person must approve it; nothing has changed yet.")
	admin.says("too slow")
	admin.shot("proposal-waiver")
	admin.open("/settings/lent-rights")
	admin.says("Nothing is lent now")
	admin.shot("lent-rights")
}
