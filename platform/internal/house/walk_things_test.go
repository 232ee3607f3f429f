package house_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/admin/recovery"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// maker makes a thing of one kind. An own thing belongs to the person who walks;
// a fleeting one is never kept.
type maker struct {
	own, fleeting bool
	make          func(w *world, who *person) string
}

// created is a maker by a call of the administrator; the answer has the id.
func created(path, body string) maker {
	return maker{make: func(w *world, who *person) string {
		made, ok := w.must("POST", w.fill(path, who), w.fill(body, who))["id"].(string)
		if !ok {
			w.t.Fatalf("POST %s made nothing", path)
		}
		return made
	}}
}

// makers say how one of everything comes into this world.
func makers() map[string]maker {
	return map[string]maker{
		"n":        {fleeting: true, make: func(w *world, _ *person) string { return fmt.Sprint(w.count) }},
		"tomorrow": {fleeting: true, make: func(w *world, _ *person) string { return w.ahead(24 * time.Hour) }},
		"borrower": created("/borrowers", `{"first_name":"Ann","last_name":"Lee{n}","email":"ann{n}@example.com","phone":"+12125550123","date_of_birth":"1990-04-01","ssn":"078-05-1120","address":{"line1":"1 Main Street","city":"Town","region":"NY","postal_code":"10001","country":"US"}}`),
		"loan":     {make: makeLoan},
		"entry":    {make: makeEntry},

		"loanpaper": created("/loans/{loan}/documents", aFile), "borrowerpaper": created("/borrowers/{borrower}/documents", aFile), "applicationpaper": created("/applications/{application}/documents", aFile),

		"application": {make: makeApplication},
		"user":        {make: makeUser},
		"exception":   created("/users/{user}/factor-exceptions", `{"reason":"lost the telephone","until":"{tomorrow}"}`),
		"team":        created("/teams", `{"name":"Team {n}","members":[]}`),
		"role":        created("/roles", `{"name":"Role {n}","ui":["loan.list","loan.view"],"api":["loan.list"]}`),
		"restriction": created("/search-restrictions", `{"name":"Restriction {n}","visible":"true"}`),
		"iprule":      created("/ip-rules", `{"name":"Rule {n}","mode":"deny","entries":["192.0.2.0/24"],"active":true,"holders":[]}`),
		"witness":     created("/audit/witnesses", `{"kind":"mail","target":"outside{n}@example.com"}`),
		"sitekey":     created("/site-keys", `{"label":"Form {n}","origins":["https://apply{n}.example.com"]}`),
		"key":         created("/users/{user}/api-keys", `{"label":"Key {n}","scope":["me.view"]}`),
		"proposal":    {make: func(w *world, _ *person) string { return w.propose(w.newcomer(policy.Manager)) }},
		"position":    {make: makePosition},
		"client":      {fleeting: true, own: true, make: makeClient},
		"mine":        {own: true, make: func(w *world, who *person) string { return w.propose(who) }},
		"request":     {make: func(w *world, _ *person) string { return w.request() }},
		"wish":        {own: true, make: func(w *world, who *person) string { return w.wish(who) }},
		"grant":       {make: makeGrant},
		"lent":        {make: makeLent},
		"audit":       {make: makeAudit},
		"decision":    {own: true, fleeting: true, make: makeDenial},
		"wanted":      {own: true, fleeting: true, make: makeWanted},
		"session":     {own: true, make: func(w *world, who *person) string { s, _ := w.openSession(who.id, who.address); return string(s) }},
		"mykey":       {own: true, make: makeOwnKey},
		"factor":      {own: true, make: func(w *world, who *person) string { return w.enrol(who.id) }},
		"network":     {fleeting: true, make: func(w *world, _ *person) string { return w.rules("network") }},
		"noun":        {fleeting: true, make: func(*world, *person) string { return "user" }},
		"category":    {fleeting: true, make: func(*world, *person) string { return "lending" }},
		"keypurpose":  {fleeting: true, make: makeKeyPurpose},
		"oldversion":  {fleeting: true, make: makeOldVersion},
		"rotation":    {make: makeRotation},
		"leaver":      created("/borrowers", `{"first_name":"Zoe","last_name":"Leaver{n}"}`),
		"old":         {make: makeOldApplication},
		"hold":        created("/legal-holds", `{"subject":"loan/{loan}","reason":"a lawsuit"}`),
		"erasure":     {make: makeErasure},
		"recovery":    {make: makeRecovery},
		"applicant":   {fleeting: true, make: func(w *world, _ *person) string { return w.rules("applicant") }},
	}
}

// spent says which things an operation uses up, so that the next call finds
// another one.
func spent() map[string]string {
	return map[string]string{
		"borrower.update": "proposal mine", "application.reprocess": "old", "loan.portfolio.move": "proposal mine", "privacy.hold.release": "hold", "privacy.hold.place": "loan entry loanpaper leaver old", "borrower.erase": "leaver", "application.erase": "old", "audit.witness.end": "witness", "team.delete": "team", "role.delete": "role", "search_restriction.delete": "restriction", "ip_rule.delete": "iprule", "api_key.revoke": "key",
		"api_key.rotate": "key", "grant.end": "grant", "lent_loan.end": "lent", "me.api_key.revoke": "mykey", "session.end_one": "session", "session.end_all": "session",
		"session.end_others": "session", "factor_exception.end": "exception", "user.factors.reset": "user exception grant key lent", "user.unlock": "user exception grant key lent", "role.restore": "position", "user.sign_out": "grant",
		"application.approve": "application applicationpaper old", "application.reject": "application applicationpaper old", "loan.entry.reverse": "entry", "loan.write_off": "loan entry mine loanpaper",
		"loan.document.remove": "loanpaper", "borrower.document.remove": "borrowerpaper", "application.document.remove": "applicationpaper",
		"loan.status.set": "loan entry loanpaper", "proposal.approve": "proposal loan entry loanpaper", "proposal.reject": "proposal", "proposal.withdraw": "mine",
		"access_request.grant": "request", "admin_recovery.refuse": "recovery", "access_request.refuse": "request", "access_request.withdraw": "wish", "ip_rule.update": "iprule",
		"search_restriction.assign": "restriction", "site_key.update": "sitekey", "api_key.update": "key", "user.update": "user key exception grant lent", "role.update": "role",
		"search_restriction.update": "restriction", "team.update": "team", "password.change": "session", "key.rotate": "rotation", "key.destroy": "rotation", "factor.remove": "factor",
	}
}

// makeOldApplication was rejected longer ago than the law asks that it be kept, of
// somebody who asked for nothing else.
func makeOldApplication(w *world, who *person) string {
	w.count++
	a := w.apply(fmt.Sprintf("old%d@example.com", w.count), fmt.Sprintf("+1 212 555 %04d", 2000+w.count%8000), fmt.Sprintf("517-65-%04d", 1000+w.count%9000))
	w.must("POST", "/applications/"+a+"/reject", `{"reason":"no","adverse_reasons":["Income is too low."]}`)
	w.rejectedLongAgo(a)
	return a
}

// rejectedLongAgo moves the rejection of an application back in time.
func (w *world) rejectedLongAgo(a string) {
	w.write(func(ctx context.Context, tx *db.Tx) error {
		const longAgo = 1_600_000_000_000_000
		if _, err := tx.Exec(ctx, `UPDATE verdict SET at = ? WHERE application_id = ?`, longAgo, a); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE application SET decided_at = ?, notice_due = 18000 WHERE id = ?`, longAgo, a)
		return err
	})
}

// makeErasure is an erasure that a second person has approved.
func makeErasure(w *world, who *person) string {
	p := w.must("POST", w.fill("/borrowers/{leaver}/erase", who), `{"reason":"asked for by letter"}`)["proposal"].(string)
	delete(w.things, "leaver")
	w.mustAs(w.newcomer(policy.Admin), "POST", "/proposals/"+p+"/approve", `{}`)
	return w.must("GET", "/erasures", "")["items"].([]any)[0].(map[string]any)["id"].(string)
}

// makeRecovery is a recovery that the operator has asked for and that waits.
func makeRecovery(w *world, _ *person) string {
	w.count++
	call := &gate.Request{Tenant: w.tenant, Channel: operation.Console, Job: "console"}
	made, err := gate.Run(context.Background(), w.house.Gate, w.house.Recovery.Ask, call, nil, func(in *recovery.AskIn) error {
		in.Email, in.Name, in.Reason = fmt.Sprintf("new%d@example.com", w.count), "Nia New", "everybody has left"
		return nil
	})
	check(w.t, err)
	return string(made.ID)
}

func makeLoan(w *world, who *person) string {
	loan := w.must("POST", "/loans", w.fill(`{"borrower_id":"{borrower}","principal":"5000.00","annual_rate":"0.12","term_months":12,"contract_date":"2026-06-01","source_company":"First","portfolios":["Acme"]}`, who))["id"].(string)
	w.must("POST", "/loans/"+loan+"/notes", `{"body":"called"}`)
	return loan
}

func makeEntry(w *world, who *person) string {
	return w.must("POST", w.fill("/loans/{loan}/payments", who), `{"amount":"10.00","method":"cash"}`)["entry"].(map[string]any)["id"].(string)
}

// makeApplication hands one in from elsewhere and waits for its network check,
// which finds no provider.
func makeApplication(w *world, _ *person) string {
	return w.apply("ann@example.com", "+1 212 555 0123", "078-05-1120")
}

func (w *world) apply(email, phone, ssn string) string {
	made := w.mustAs(w.site, "POST", "/applications", `{"applicant":{"first_name":"Ann","last_name":"Lee","email":"`+email+`","phone":"`+phone+`","date_of_birth":"1990-04-01","ssn":"`+ssn+`",
		"address":{"line1":"1 Main Street","city":"Town","region":"NY","postal_code":"10001","country":"US"}},"requested":{"amount":"5000.00","term_months":24},"client":{"address":"8.8.8.8","user_agent":"test"}}`)["id"].(string)
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	done := make(chan error, 1)
	go func() { done <- w.house.Run(ctx) }()
	for w.must("GET", "/applications/"+made+"/network-check", "")["state"] == "pending" && ctx.Err() == nil {
		time.Sleep(2 * time.Millisecond)
	}
	stop()
	check(w.t, <-done)
	return made
}

// makeUser makes somebody with a session, a factor and a locked account, whom nobody of
// those who walk is.
func makeUser(w *world, who *person) string {
	u := w.must("POST", "/users", w.fill(`{"email":"new{n}@acme.test","name":"New Person","role":"Agent"}`, who))["id"].(string)
	w.openSession(id.User(u), "198.51.100.200")
	w.enrol(id.User(u))
	w.write(func(ctx context.Context, tx *db.Tx) error {
		return identity.SetFailures(ctx, tx, id.User(u), 9, tx.At+3_600_000_000)
	})
	return u
}

// enrol gives somebody a second factor, of which nobody holds the secret.
func (w *world) enrol(u id.User) string {
	f := id.New[id.Factor](w.now.Load())
	w.write(func(ctx context.Context, tx *db.Tx) error {
		return identity.InsertFactor(ctx, tx, identity.Factor{ID: f, User: u, Kind: identity.TOTP, Label: "Phone", Sealed: []byte("nothing to open"), Active: true})
	})
	return string(f)
}

// propose has somebody ask for what needs a second person; whoever may not ask
// leads to what somebody else has asked for.
func (w *world) propose(who *person) string {
	if !slices.Contains(who.rights.API, "loan.write_off") {
		return w.thing("proposal", who)
	}
	return w.mustAs(who, "POST", "/loans/"+makeLoan(w, who)+"/write-off", `{"reason":"gone"}`)["proposal"].(string)
}

// request has somebody new ask for access that they do not have.
func (w *world) request() string {
	return w.wish(w.newcomer(policy.Agent))
}

// newcomer is somebody further with a shipped role, who does not walk.
func (w *world) newcomer(role string) *person {
	w.count++
	who := w.employ(w.shipped(role), role, 1000+w.count)
	who.rights = w.person(role).rights
	return who
}

// makePosition is a shipped role that was customized: it holds what it held.
func makePosition(w *world, _ *person) string {
	path := "/roles/" + w.shipped(policy.Intake)
	r := w.must("GET", path, "")
	body, err := json.Marshal(map[string]any{"name": r["name"], "description": "ours", "ui": r["ui"], "api": r["api"], "visibility": map[string]string{"ssn": "last4", "bank_account": "last4", "date_of_birth": "year_hidden"}})
	check(w.t, err)
	w.must("PUT", path, string(body))
	return w.shipped(policy.Intake)
}

// makeClient is what a lender's server says of the applicant beside the
// application; people say nothing of it.
func makeClient(_ *world, who *person) string {
	if who.role == policy.Intake {
		return `,"client":{"address":"8.8.8.8","user_agent":"test"}`
	}
	return ""
}

// wish has the person who walks ask for what they lack; whoever lacks nothing
// leads to what somebody else has asked for.
func (w *world) wish(who *person) string {
	wanted := w.lacking(who)
	if len(wanted) == 0 {
		return w.thing("request", who)
	}
	return w.mustAs(who, "POST", "/access-requests", w.fill(`{"operation":"`+wanted[0]+`","reason":"a court decided","until":"{tomorrow}"}`, who))["id"].(string)
}

// lacking lists the operations that somebody does not hold in the screens.
func (w *world) lacking(who *person) (out []string) {
	for _, m := range w.house.Gate.Catalogue() {
		if m.Permit == gate.ByRole && m.Screen != "" && !entitled(who, m, operation.UI) {
			out = append(out, m.Name)
		}
	}
	return out
}

// makeWanted names an operation to ask for: the last one that somebody lacks.
func makeWanted(w *world, who *person) string {
	if wanted := w.lacking(who); len(wanted) > 0 {
		return wanted[len(wanted)-1]
	}
	return "loan.view"
}

func makeGrant(w *world, who *person) string {
	u := id.User(w.thing("user", who))
	s, _ := w.openSession(u, "198.51.100.200")
	g := policy.Grant{User: u, Session: s, Object: w.fill("loan/{loan}", who), Operations: []string{"loan.note.add"}, Source: "walkthrough_run/test"}
	w.write(func(ctx context.Context, tx *db.Tx) error {
		var version int64
		if err := tx.One(ctx, `SELECT version FROM policy_version`, nil, &version); err != nil {
			return err
		}
		p, err := w.tenant.Policies.At(ctx, tx, version, true)
		if err != nil {
			return err
		}
		g.ID, g.Until = id.New[id.Grant](tx.At), tx.At+3_600_000_000
		if err := p.Lend(ctx, tx, g); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	})
	return string(g.ID)
}

// makeLent is a loan that is lent to the user at hand.
func makeLent(w *world, who *person) string {
	loan := makeLoan(w, who)
	w.must("POST", w.fill("/users/{user}/lent-loans", who), w.fill(`{"loan":"`+loan+`","until":"{tomorrow}","reason":"a call"}`, who))
	return loan
}

// makeAudit leads to the newest entry of the trail.
func makeAudit(w *world, _ *person) string {
	return w.must("GET", "/audit?limit=1", "")["items"].([]any)[0].(map[string]any)["id"].(string)
}

// makeDenial is a decision against the person who walks: what nobody has is not
// there for anybody.
func makeDenial(w *world, who *person) string {
	w.tick()
	var said problem
	check(w.t, json.Unmarshal(w.send("GET", "/users/"+nobody+"/nothing", "", who.key, who.address).body, &said))
	return said.DecisionID
}

func makeOwnKey(w *world, who *person) string {
	k := id.New[id.APIKey](w.now.Load())
	w.write(func(ctx context.Context, tx *db.Tx) error {
		_, locator, hash := identity.NewKey()
		if err := identity.InsertKey(ctx, tx, identity.Key{ID: k, User: who.id, Locator: locator, Label: "spare"}, hash); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	})
	return string(k)
}

// rules gives the rules of the decision engine as they stand, to be saved again.
func (w *world) rules(section string) string {
	body, err := json.Marshal(w.must("GET", "/settings/decision-engine/"+section+"-rules", ""))
	check(w.t, err)
	return string(body)
}
