package inquiry_test

import (
	"context"
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/admin/addresses"
	"github.com/lendkeep/lendkeep/platform/internal/admin/apikeys"
	"github.com/lendkeep/lendkeep/platform/internal/admin/inquiry"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/admin/requests"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/admin/vantage"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/signin"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// office is the desks of access beside two operations of a lender's day: looking
// at a loan, and logging a payment on it, which only managers may.
type office struct {
	*gatetest.House
	*inquiry.Desk
	look, pay *gate.Op[loanIn, loanOut]
	door      *signin.Desk
	views     *vantage.Desk
	lone      id.Loan       // in New York, active
	other     id.Loan       // in Ohio, bankrupt
	codes     []secret.Text // recovery codes of the agent, once there is a factor
	fresh     secret.Text   // the secret of the key that a change has made
	told      map[string]bool
}

type loanIn struct {
	ID id.Loan `path:"id" json:"-"`
}

type loanOut struct {
	Number string `json:"number" class:"public"`
}

func onLoan(name string, k operation.Kind, roles string) *gate.Op[loanIn, loanOut] {
	o := &gate.Op[loanIn, loanOut]{Name: name, Title: name, Area: "Loans", Screen: "Loan", Method: "GET", Path: "/loans/{id}/" + name, Kind: k,
		Audit: operation.Looked, Permit: gate.ByRole, Roles: roles, Part: "payments", Object: func(in *loanIn) string { return "loan/" + string(in.ID) },
		Do: func(ctx context.Context, c *gate.Call, in *loanIn) (*loanOut, error) {
			out, rows := &loanOut{}, c.Scope.Loans()
			err := c.Tx.One(ctx, `SELECT l.number FROM loan l WHERE l.id = ? AND `+rows.SQL(), append([]any{in.ID}, rows.Args()...), &out.Number)
			if err != nil {
				return nil, fault.Missing("loan")
			}
			return out, nil
		}}
	if k == operation.Write {
		o.Method, o.Audit, o.StepUp = "POST", operation.Changed, true
	}
	return o
}

func each(t *testing.T, fn func(t *testing.T, o *office)) {
	t.Helper()
	var o *office
	gatetest.Each(t, func() gatetest.Config {
		var list []gate.Entry
		catalogue := func() []*gate.Meta { return gate.Catalogue(list) }
		o = &office{Desk: inquiry.New(inquiry.Config{Catalogue: catalogue}), look: onLoan("loan.look", operation.Read, "manager agent investor"), pay: onLoan("loan.pay", operation.Write, "manager"),
			door: signin.New(signin.Config{Passwords: identity.NewPasswords(), Kick: func(*gate.Call) {}, Origin: func(*tenant.Tenant) string { return "https://acme.test" }}), views: vantage.New(vantage.Config{Catalogue: catalogue})}
		list = append(list, o.look, o.pay)
		for _, more := range [][]gate.Entry{o.Operations(), roles.New(roles.Config{Catalogue: catalogue}).Operations(), restrictions.New(restrictions.Config{}).Operations(),
			people.New(people.Config{Passwords: identity.NewPasswords(), Catalogue: catalogue, Kick: func(*gate.Call) {}}).Operations(),
			addresses.New().Operations(), apikeys.New(apikeys.Config{Catalogue: catalogue}).Operations(), requests.New(requests.Config{Inquiry: o.Desk}).Operations(), o.door.Operations(), o.views.Operations()} {
			list = append(list, more...)
		}
		return gatetest.Config{Operations: list, Vocabulary: book.Vocabulary}
	}, func(t *testing.T, h *gatetest.House) {
		o.House, o.told = h, map[string]bool{}
		o.lone, o.other = o.board(t, "LN-1", "NY", "active"), o.board(t, "LN-2", "OH", "bankruptcy")
		fn(t, o)
	})
}

// board puts a loan into the book.
func (o *office) board(t *testing.T, number, state, status string) id.Loan {
	t.Helper()
	at := o.Now().UnixMicro()
	loan, borrower := id.New[id.Loan](at), id.New[id.Borrower](at)
	o.write(t, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO borrower (id, reference, first_name, last_name, name_key, surname_key, city, region, postal_code, country, email, phone, date_of_birth, ssn, line1, email_index, phone_index, ssn_index, import_id, created_at, updated_at)
			VALUES (?, '', 'Ann', 'Lee', 'ann lee', 'lee ann', 'Albany', ?, '', 'US', ?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?)`, borrower, state, []byte{}, []byte{}, []byte{}, []byte{}, []byte{}, []byte{}, []byte{}, []byte{}, at, at); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO loan (id, number, borrower_id, source_company_id, application_id, status, principal, annual_rate, term_months, convention, contract_date, first_due, opened_on, principal_balance, fees_due, oldest_unpaid_due, next_due, next_amount, level_payment, due_key, borrower_key, borrower_region, borrower_country, revision, import_id, created_at)
			VALUES (?, ?, ?, '', '', ?, 500000, 7000000, 24, '30/360', 20000, 0, 20000, 500000, 0, 0, 0, 0, 22387, 99999, 'ann lee', ?, 'US', 1, '', ?)`, loan, number, borrower, status, state, at)
		return err
	})
	return loan
}

func (o *office) write(t *testing.T, fn func(ctx context.Context, tx *db.Tx) error) {
	t.Helper()
	if err := o.Write(func(ctx context.Context, tx *db.Tx) error {
		if err := fn(ctx, tx); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	}); err != nil {
		t.Fatal(err)
	}
}

func (o *office) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	o.write(t, func(ctx context.Context, tx *db.Tx) error { _, err := tx.Exec(ctx, query, args...); return err })
}

// ask explains a call as the administrator.
func (o *office) ask(t *testing.T, in inquiry.ExplainIn) *inquiry.ExplainOut {
	t.Helper()
	out, err := gatetest.Do(o.House, o.Explain, o.Key(policy.Admin), in) // by key: a story may have the session look through other eyes
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// layer gives what one layer says.
func layer(out *inquiry.ExplainOut, name string) inquiry.Layer {
	for _, l := range out.Layers {
		if l.Layer == name {
			return l
		}
	}
	return inquiry.Layer{Why: "there is no layer " + name}
}

// apply makes a change as a front would: path and body bound to the operation's
// input, through the gate, by the administrator, or by the person who makes the call
// where only they can; what they fill in stands in typed.
func (o *office) apply(t *testing.T, c *inquiry.Change, who string) {
	t.Helper()
	if c == nil {
		t.Fatal("no change is suggested")
	}
	by, typed := o.Screen(policy.Admin), map[string]secret.Text{}
	if c.By == inquiry.ByPerson {
		by, typed = o.Screen(who), o.typed(c)
		if c.Screen == "" {
			t.Errorf("%s names no page on which the person does it", c.Operation)
		}
	}
	e := o.Gate.ByName(c.Operation)
	if e == nil || e.Meta().Method != c.Method {
		t.Fatalf("the list has no %s %s", c.Method, c.Operation)
	}
	body, err := json.Marshal(c.Input)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Invoke(context.Background(), o.Gate, by, func(in any) error {
		pattern, path := strings.Split(e.Meta().Path, "/"), strings.Split(c.Path, "/")
		v := reflect.ValueOf(in).Elem()
		for i, part := range pattern {
			if !strings.HasPrefix(part, "{") {
				continue
			}
			for _, f := range reflect.VisibleFields(v.Type()) {
				if f.Tag.Get("path") == strings.Trim(part, "{}") {
					v.FieldByIndex(f.Index).SetString(path[i])
				}
			}
		}
		return nil
	}, func(in any) error {
		v := reflect.ValueOf(in).Elem()
		for _, f := range reflect.VisibleFields(v.Type()) {
			if given, ok := typed[strings.TrimSuffix(f.Tag.Get("json"), ",omitempty")]; ok {
				v.FieldByIndex(f.Index).Set(reflect.ValueOf(given))
			}
		}
		d := json.NewDecoder(strings.NewReader(string(body)))
		d.DisallowUnknownFields()
		return d.Decode(in)
	})
	if err != nil {
		t.Fatalf("%s %s %s: %v %+v", c.Method, c.Path, body, err, fault.As(err).Fields)
	}
	if made, ok := out.(*apikeys.Made); ok {
		o.fresh = secret.NewText(made.Secret)
	}
}

// typed is what people fill in where a change says what they give.
func (o *office) typed(c *inquiry.Change) map[string]secret.Text {
	switch c.Operation {
	case "factor.give":
		code := o.codes[0]
		o.codes = o.codes[1:]
		return map[string]secret.Text{"recovery": code}
	case "password.prove":
		return map[string]secret.Text{"password": secret.NewText(gatetest.Password)}
	case "password.change":
		return map[string]secret.Text{"current": secret.NewText(gatetest.Password), "password": secret.NewText("a lamp beside the quiet river")}
	}
	return nil
}

// story is one layer that says no: the call, how it came to be refused, and who
// makes it.
type story struct {
	name    string
	refuse  func(t *testing.T, o *office)
	op      string // "look" unless told
	who     string // agent unless told
	key     bool
	address string
	layer   string
	change  string // the operation that mends it
	says    string // in the refusing layer
	own     bool   // it is a matter of the session, so that only the decision can be asked about
}

func stories() []story {
	limit := func(area, when, level string) policy.Limit {
		return policy.Limit{Area: area, When: when, Level: level, Message: "Ask the bankruptcy team."}
	}
	restrict := func(role string, r policy.Restriction) func(t *testing.T, o *office) {
		return func(t *testing.T, o *office) { o.Restrict(t, role, r) }
	}
	rule := func(deny bool, kind string, entries ...string) func(t *testing.T, o *office) {
		return func(t *testing.T, o *office) {
			r := &policy.IPRule{ID: id.New[id.IPRule](o.Now().UnixMicro()), Name: "Denver office", Deny: deny, Entries: entries, Active: true}
			holder := map[string]string{"user": string(o.People[policy.Agent].ID), "role": string(o.Roles[policy.Agent]), "key": string(o.People[policy.Agent].KeyID)}
			r.Holders = []policy.Holder{{Kind: kind, ID: holder[kind]}}
			o.write(t, func(ctx context.Context, tx *db.Tx) error { return policy.SaveIPRule(ctx, tx, r, true) })
		}
	}
	return []story{
		{name: "the user is switched off", layer: "principal", change: "user.update", says: "not active",
			refuse: func(t *testing.T, o *office) {
				o.exec(t, `UPDATE staff SET active = 0 WHERE id = ?`, o.People[policy.Agent].ID)
			}},
		{name: "one address is denied", layer: "address", change: "ip_rule.update", says: "Denver office", address: "203.0.113.9", refuse: rule(true, "user", "203.0.113.9")},
		{name: "a network is denied", layer: "address", change: "ip_rule.update", says: "Denver office", address: "203.0.113.9", refuse: rule(true, "role", "203.0.113.0/24", "2001:db8::/32")},
		{name: "a range is denied", layer: "address", change: "ip_rule.update", says: "Denver office", address: "2001:db8::9", refuse: rule(true, "tenant", "2001:db8::1-2001:db8::ff")},
		{name: "an address is not among the allowed", layer: "address", change: "ip_rule.update", says: "no allowing set of the role", address: "203.0.113.9", refuse: rule(false, "role", "192.0.2.0/24")},
		{name: "an address is not among the key's", layer: "address", change: "ip_rule.update", says: "no allowing set of the key", address: "203.0.113.9", key: true, refuse: rule(false, "key", "192.0.2.0/24")},
		{name: "the role lacks it on the screens", op: "pay", layer: "role", change: "role.update", says: "Role “Agent” has no “loan.pay”"},
		{name: "the role lacks it in the API", op: "pay", key: true, layer: "role", change: "role.update", says: "in the API"},
		{name: "the key's scope lacks it", key: true, layer: "key", change: "api_key.update", says: "scope",
			refuse: func(t *testing.T, o *office) {
				o.exec(t, `UPDATE api_key SET scope = '["user.list"]' WHERE id = ?`, o.People[policy.Agent].KeyID)
			}},
		{name: "a restriction hides the loan", layer: "row", change: "lent_loan.grant", says: "Hidden by “New York”", refuse: restrict(policy.Agent, policy.Restriction{Name: "New York", Visible: `borrower.state == "NY"`})},
		{name: "the summary's limit hides the loan", layer: "row", change: "lent_loan.grant", says: "Hidden by “No bankruptcies”",
			refuse: restrict(policy.Agent, policy.Restriction{Name: "No bankruptcies", Visible: "true", Limits: []policy.Limit{limit("summary", `loan.status == "bankruptcy"`, "none")}})},
		{name: "a limit hides the area", layer: "limit", change: "search_restriction.update", says: "Ask the bankruptcy team",
			refuse: restrict(policy.Agent, policy.Restriction{Name: "Careful", Visible: "true", Limits: []policy.Limit{limit("payments", `loan.status == "bankruptcy"`, "none")}})},
		{name: "a limit lets one only look", who: policy.Manager, op: "pay", layer: "limit", change: "search_restriction.update", says: "view only",
			refuse: restrict(policy.Manager, policy.Restriction{Name: "Careful", Visible: "true", Limits: []policy.Limit{limit("payments", "", "view"), limit("notes", "", "view")}})},
		{name: "an address is missing from a very large set", layer: "address", change: "ip_rule.create", says: "no allowing set of the role", address: "203.0.113.9", refuse: rule(false, "role", manyAddresses()...)},
		{name: "the password has expired", own: true, layer: "factor", change: "password.change", says: "expired",
			refuse: func(t *testing.T, o *office) {
				o.exec(t, `UPDATE staff SET password_must_change = 1 WHERE id = ?`, o.People[policy.Agent].ID)
			}},
		{name: "the second factor has not been given", own: true, layer: "factor", change: "factor.give", says: "second factor", refuse: func(t *testing.T, o *office) { o.arm(t, policy.Agent, 0) }},
		{name: "the proof is too old", own: true, who: policy.Manager, op: "pay", layer: "step_up", change: "password.prove", says: "once more", refuse: func(t *testing.T, o *office) {
			o.exec(t, `UPDATE session SET factor_at = factor_at - 3600000000, proved_at = proved_at - 3600000000`)
		}},
		{name: "the proof of a factor is too old", own: true, who: policy.Manager, op: "pay", layer: "step_up", change: "factor.give", says: "once more",
			refuse: func(t *testing.T, o *office) { o.arm(t, policy.Manager, o.Now().Add(-time.Hour).UnixMicro()) }},
		{name: "a view changes nothing", own: true, who: policy.Admin, op: "pay", layer: "principal", change: "view_as.end", says: "looking through", refuse: viewed("role/" + policy.Manager)},
		{name: "the role that is looked through lacks it", own: true, who: policy.Admin, layer: "role", change: "view_as.end", says: "has no", refuse: viewed("role/" + policy.Underwriter)},
		{name: "the eyes that are looked through do not see it", own: true, who: policy.Admin, layer: "row", change: "view_as.end", says: "Hidden by",
			refuse: func(t *testing.T, o *office) {
				o.Restrict(t, policy.Agent, policy.Restriction{Name: "New York", Visible: `borrower.state == "NY"`})
				viewed("user/"+policy.Agent)(t, o)
			}},
		{name: "the eyes that are looked through see less of it", own: true, who: policy.Admin, layer: "limit", change: "view_as.end", says: "Careful",
			refuse: func(t *testing.T, o *office) {
				o.Restrict(t, policy.Agent, policy.Restriction{Name: "Careful", Visible: "true", Limits: []policy.Limit{limit("payments", "", "none")}})
				viewed("user/"+policy.Agent)(t, o)
			}},
		{name: "a restriction that is broken hides all", layer: "row", change: "user.update", says: "Hidden by “Gone”", refuse: restrict(policy.Agent, policy.Restriction{Name: "Gone", Visible: `custom.gone == "x"`})},
	}
}

// request is the call itself, as its person makes it.
func (o *office) request(s story) *gate.Request {
	r := o.Screen(s.who)
	if s.key {
		r = o.Key(s.who)
	}
	if s.address != "" {
		r.Address.Chosen = netip.MustParseAddr(s.address)
	}
	return r
}

func (s story) operation() string {
	if s.op == "pay" {
		return "loan.pay"
	}
	return "loan.look"
}

func (o *office) call(s story) error {
	op := o.look
	if s.op == "pay" {
		op = o.pay
	}
	_, err := gatetest.Do(o.House, op, o.request(s), loanIn{ID: o.other})
	return err
}

// Every layer that says no comes with a change; made through the gate by an
// administrator, it lets the very call go through.
func TestTheSuggestedChangeLetsTheCallThrough(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		for _, s := range stories() {
			if s.who == "" {
				s.who = policy.Agent
			}
			t.Run(s.name, func(t *testing.T) { o.tell(t, s) })
			o.forgive(t)
		}
		o.missNoReason(t)
	})
}

// missNoReason walks every reason that a decision can have: each has been told
// above, or it is written here why nothing that anybody calls can lift it.
func (o *office) missNoReason(t *testing.T) {
	t.Helper()
	untold := map[string]string{
		"tenant_inactive":  "the house answers nobody of this tenant, so nobody can ask; whoever runs the house opens it",
		"key_expired":      "an ended key is not known, so there is no decision; TestAKeyThatHasEndedIsReplaced tells it",
		"session_ended":    "an ended session is not known, so there is no decision; the person signs in again",
		"grant_expired":    "TestARightThatWasLentHasEnded tells it",
		"channel_unknown":  "no front makes such a call; nobody can lift it",
		"four_eyes_needed": "nothing is refused: the call becomes a proposal",
	}
	for r := access.TenantInactive; r.String() != "unknown"; r++ {
		name := r.String()
		if o.told[name] == (untold[name] != "") {
			t.Errorf("%s: told %t, excused %q", name, o.told[name], untold[name])
		}
	}
}

func (o *office) tell(t *testing.T, s story) {
	if s.refuse != nil {
		s.refuse(t, o)
	}
	err := o.call(s)
	if err == nil {
		t.Fatal("the call is not refused to begin with")
	}
	decision := id.Decision(fault.As(err).DecisionID)
	in := inquiry.ExplainIn{User: o.People[s.who].ID, Operation: s.operation(), Object: "loan/" + string(o.other), Address: s.address}
	if s.key {
		in.Key = o.People[s.who].KeyID
	}
	if s.own {
		in = inquiry.ExplainIn{Decision: decision}
	}
	out := o.ask(t, in)
	l := layer(out, s.layer)
	if out.Allowed || !l.Reached || l.Passed || !strings.Contains(l.Why, s.says) || out.WouldAllow == "" || out.Change == nil || out.Change.Operation != s.change {
		t.Fatalf("%s: %+v\nwould allow: %s\nchange: %+v", s.layer, l, out.WouldAllow, out.Change)
	}
	then := o.ask(t, inquiry.ExplainIn{Decision: decision})
	if then.Recorded == nil || then.Recorded.Layer != s.layer || !then.Recorded.Same || then.Change == nil || !reflect.DeepEqual(then.Change.Input, out.Change.Input) || then.User != o.People[s.who].ID {
		t.Errorf("by the decision: %+v, %+v", then.Recorded, then.Change)
	}
	o.told[then.Recorded.Reason] = true
	if by := map[bool]string{true: inquiry.ByPerson, false: inquiry.ByAdministrator}[s.own]; out.Change.By != by || out.Steps[0].By != by {
		t.Errorf("%s is to be made by %s", out.Change.Operation, out.Change.By)
	}
	o.apply(t, out.Change, s.who)
	if err := o.call(s); err != nil {
		t.Errorf("after the change: %v", err)
	}
	if s.own {
		in = inquiry.ExplainIn{Decision: decision}
	}
	if out := o.ask(t, in); !out.Allowed || out.WouldAllow != "" || out.Change != nil || len(out.Steps) != 0 {
		t.Errorf("explained after the change: %+v", out)
	}
	if then := o.ask(t, inquiry.ExplainIn{Decision: decision}); !then.Allowed || then.Recorded.Same {
		t.Errorf("the decision explained after the change: %+v", then)
	}
}

// forgive takes back everything that a story has done to access.
func (o *office) forgive(t *testing.T) {
	t.Helper()
	for _, q := range []string{`DELETE FROM staff_restriction`, `DELETE FROM search_restriction`, `DELETE FROM ip_rule_holder`, `DELETE FROM ip_rule`,
		`UPDATE api_key SET scope = ''`, `UPDATE role SET customized = 0, ui = '[]', api = '[]'`, `UPDATE staff SET active = 1, password_must_change = 0`, `DELETE FROM lent_loan`,
		`DELETE FROM second_factor`, `DELETE FROM recovery_code`, `UPDATE factor_exception SET ended_at = 0`, `UPDATE session SET view_as = '', view_draft = ''`} {
		o.exec(t, q)
	}
	o.forgiveSessions(t)
}

// Alternatives let the call through as well: another role, the restriction taken
// from the person, or the team left that brings it.
func TestAlternativesWorkToo(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		agent := o.People[policy.Agent].ID
		out := o.ask(t, inquiry.ExplainIn{User: agent, Operation: "loan.pay", Object: "loan/" + string(o.other)})
		if len(out.Alternatives) != 1 || out.Alternatives[0].Operation != "user.update" || !strings.Contains(out.WouldAllow, "or assign another role") {
			t.Fatalf("%+v", out.Alternatives)
		}
		o.apply(t, &out.Alternatives[0], policy.Agent)
		if err := o.call(story{who: policy.Agent, op: "pay"}); err != nil {
			t.Errorf("with another role: %v", err)
		}
		rid := o.Restrict(t, policy.Underwriter, policy.Restriction{Name: "New York", Visible: `borrower.state == "NY"`})
		o.write(t, func(ctx context.Context, tx *db.Tx) error {
			return policy.SaveTeam(ctx, tx, &policy.Team{ID: id.New[id.Team](tx.At), Name: "Denver", Members: []id.User{agent}, Restrictions: []id.Restriction{rid}}, true)
		})
		out = o.ask(t, inquiry.ExplainIn{User: agent, Operation: "loan.look", Object: "loan/" + string(o.other)})
		if len(out.Alternatives) != 2 || out.Alternatives[0].Operation != "search_restriction.update" || !strings.Contains(out.Alternatives[1].Words, "out of the team “Denver”") {
			t.Fatalf("%+v", out.Alternatives)
		}
		o.apply(t, &out.Alternatives[1], policy.Agent)
		if err := o.call(story{who: policy.Agent}); err != nil {
			t.Errorf("out of the team: %v", err)
		}
	})
}

// Where several layers say no, each comes with its own change, in order.
func TestSeveralObstaclesAreLiftedOneByOne(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		for _, s := range stories() {
			if s.who == "" && (s.layer == "address" && s.address == "203.0.113.9" && !s.key && strings.Contains(s.name, "one") || s.layer == "principal" || s.name == "a restriction hides the loan" || s.name == "a limit hides the area") {
				s.refuse(t, o)
			}
		}
		o.exec(t, `DELETE FROM staff_restriction WHERE user_id = ?`, o.People[policy.Agent].ID)
		o.exec(t, `INSERT INTO staff_restriction (user_id, restriction_id) SELECT ?, id FROM search_restriction`, o.People[policy.Agent].ID)
		s := story{who: policy.Agent, op: "pay", address: "203.0.113.9"}
		out := o.ask(t, inquiry.ExplainIn{User: o.People[policy.Agent].ID, Operation: "loan.pay", Object: "loan/" + string(o.other), Address: s.address})
		var layers []string
		for _, step := range out.Steps {
			layers = append(layers, step.Layer)
		}
		if strings.Join(layers, " ") != "principal address role row limit" || out.Change != nil {
			t.Fatalf("%v, %+v", layers, out.Change)
		}
		for _, step := range out.Steps {
			o.apply(t, step.Change, policy.Agent)
		}
		if err := o.call(s); err != nil {
			t.Errorf("after all of them: %v", err)
		}
	})
}

// What the asker does not see is not there: neither its restrictions nor a
// decision about it, as if it did not exist.
func TestAnExplanationStaysWithinTheAskersScope(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.Restrict(t, policy.Agent, policy.Restriction{Name: "Secret name", Visible: `loan.status == "active"`})
		refused := o.call(story{who: policy.Agent})
		hidden := id.Decision(fault.As(refused).DecisionID)
		o.Restrict(t, policy.Admin, policy.Restriction{Name: "Mine", Visible: `borrower.state == "NY"`})
		ask := func(object string) *inquiry.ExplainOut {
			return o.ask(t, inquiry.ExplainIn{User: o.People[policy.Agent].ID, Operation: "loan.look", Object: object})
		}
		there, missing := ask("loan/"+string(o.other)), ask("loan/"+string(id.New[id.Loan](o.Now().UnixMicro())))
		there.At, missing.At = "", ""
		there.Object, missing.Object = "", ""
		if !reflect.DeepEqual(there, missing) || there.Allowed || there.Change != nil {
			t.Errorf("hidden and missing differ:\n%+v\n%+v", there, missing)
		}
		for _, d := range []id.Decision{hidden, id.New[id.Decision](o.Now().UnixMicro()), "dc_odd"} {
			_, err := gatetest.Do(o.House, o.Explain, o.Screen(policy.Admin), inquiry.ExplainIn{Decision: d})
			if f := fault.As(err); f == nil || f.Kind != fault.NotFound {
				t.Errorf("decision %s: %v", d, err)
			}
		}
		if out := ask("loan/" + string(o.lone)); !out.Allowed || layer(out, "row").Rule != `loan.status == "active"` {
			t.Errorf("what both see: %+v", layer(out, "row"))
		}
	})
}

// Time and session: a right that is lent until an instant is gone after it, and
// what is only the person's own to mend says so.
func TestAnExplanationKnowsTheTime(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		agent := o.People[policy.Agent].ID
		end := o.Now().Add(48 * time.Hour)
		o.exec(t, `UPDATE staff SET role_after = role_id, role_id = ?, role_until = ? WHERE id = ?`, o.Roles[policy.Manager], end.UnixMicro(), agent)
		ask := func(at time.Time) *inquiry.ExplainOut {
			return o.ask(t, inquiry.ExplainIn{User: agent, Operation: "loan.pay", Object: "loan/" + string(o.lone), At: at.UTC().Format(time.RFC3339)})
		}
		if out := ask(end.Add(time.Hour)); out.Allowed || out.Role != "Agent" {
			t.Errorf("after the end: %+v", out)
		}
		if out := ask(end.Add(-time.Hour)); !out.Allowed || out.Role != "Loan Servicing Manager" {
			t.Errorf("before it: %+v", out)
		}
		if err := o.call(story{who: policy.Agent, op: "pay"}); err != nil {
			t.Errorf("what was asked about later has changed what holds now: %v", err)
		}
		o.exec(t, `UPDATE factor_exception SET ended_at = 1 WHERE user_id = ?`, agent)
		o.exec(t, `UPDATE session SET factor_at = 0 WHERE user_id = ?`, agent)
		err := o.call(story{who: policy.Agent})
		out := o.ask(t, inquiry.ExplainIn{Decision: id.Decision(fault.As(err).DecisionID)})
		if out.Allowed || out.Recorded.Layer != "factor" || !out.Recorded.Same || out.Steps[0].Layer != "factor" || out.Change == nil || out.Change.Operation != "factor.code.begin" {
			t.Errorf("without a second factor: %+v", out)
		}
		if out := ask(o.Now()); !out.Allowed {
			t.Errorf("a fresh factor is taken as given: %+v", out)
		}
	})
}

// A change that itself needs a second person says so.
func TestAChangeUnderFourEyesSaysSo(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.exec(t, `UPDATE access_setting SET four_eyes = '["role.update","loan.pay"]'`)
		out := o.ask(t, inquiry.ExplainIn{User: o.People[policy.Agent].ID, Operation: "loan.pay"})
		if out.Change == nil || !out.Change.Paired {
			t.Errorf("%+v", out.Change)
		}
		out = o.ask(t, inquiry.ExplainIn{User: o.People[policy.Manager].ID, Operation: "loan.pay"})
		if l := layer(out, "four_eyes"); !out.Allowed || !strings.Contains(l.Why, "second person") {
			t.Errorf("%+v", l)
		}
	})
}

func TestABadQuestionIsToldWhatIsWrong(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		agent := o.People[policy.Agent]
		for field, in := range map[string]inquiry.ExplainIn{
			"user": {Operation: "loan.look"}, "operation": {User: agent.ID, Operation: "loan.lok"}, "address": {User: agent.ID, Operation: "loan.look", Address: "fe80::1%eth0"},
			"at": {User: agent.ID, Operation: "loan.look", At: "noon"}, "api_key": {User: agent.ID, Operation: "loan.look", Key: o.People[policy.Manager].KeyID},
			"channel": {User: agent.ID, Operation: "loan.look", Key: agent.KeyID, Channel: "ui"}} {
			_, err := gatetest.Do(o.House, o.Explain, o.Key(policy.Admin), in)
			if f := fault.As(err); f == nil || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Path != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		if _, err := gatetest.Do(o.House, o.Explain, o.Key(policy.Admin), inquiry.ExplainIn{User: id.New[id.User](1), Operation: "loan.look"}); !fault.Is(err, fault.NotFound) {
			t.Errorf("nobody: %v", err)
		}
		for _, role := range []string{policy.Manager, policy.Agent, policy.Investor} {
			if _, err := gatetest.Do(o.House, o.Explain, o.Screen(role), inquiry.ExplainIn{User: agent.ID, Operation: "loan.look"}); !fault.Is(err, fault.Denied) {
				t.Errorf("%s asks: %v", role, err)
			}
		}
	})
}
