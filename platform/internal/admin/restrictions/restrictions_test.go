package restrictions_test

import (
	"context"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/internal/rule/outline"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// words are some of the book's, over the real tables.
func words(context.Context, *db.Tx) (policy.Vocabulary, error) {
	loans, err := rule.NewVocabulary(rule.Field{Name: "loan.number", Kind: rule.Text, Column: "l.number"}, rule.Field{Name: "loan.status", Kind: rule.Text, Column: "l.status", Closed: true, Known: []outline.Choice{{Value: "active"}, {Value: "bankruptcy"}, {Value: "closed"}}},
		rule.Field{Name: "borrower.state", Kind: rule.Text, Column: "l.borrower_region"})
	if err != nil {
		return policy.Vocabulary{}, err
	}
	people, err := rule.NewVocabulary(rule.Field{Name: "borrower.state", Kind: rule.Text, Column: "b.region"})
	if err != nil {
		return policy.Vocabulary{}, err
	}
	applications, err := rule.NewVocabulary(rule.Field{Name: "application.status", Kind: rule.Text, Column: "a.status"})
	return policy.Vocabulary{Loans: loans, Borrowers: people, Applications: applications}, err
}

type bench struct {
	*gatetest.House
	desk *restrictions.Desk
}

func each(t *testing.T, fn func(t *testing.T, b bench)) {
	var d *restrictions.Desk
	gatetest.Each(t, func() gatetest.Config {
		d = restrictions.New(restrictions.Config{})
		return gatetest.Config{Operations: d.Operations(), Vocabulary: words}
	}, func(t *testing.T, h *gatetest.House) {
		b := bench{h, d}
		must(t, h.Write(func(ctx context.Context, tx *db.Tx) error {
			none := []byte{}
			_, err := tx.Exec(ctx, `INSERT INTO borrower (id, reference, first_name, last_name, name_key, surname_key, city, region, postal_code, country,
				email, phone, date_of_birth, ssn, line1, email_index, phone_index, ssn_index, import_id, created_at, updated_at)
				VALUES ('bo_1', '', 'Ann', 'Lee', 'ann lee', 'lee ann', '', 'NY', '', 'US', ?, ?, ?, ?, ?, ?, ?, ?, '', 1, 1)`, none, none, none, none, none, none, none, none)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `UPDATE loan_tally SET borrowers = 1 WHERE id = 1`)
			return err
		}))
		fn(t, b)
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b bench) create(t *testing.T, in restrictions.RestrictionIn) *restrictions.Restriction {
	t.Helper()
	out, err := gatetest.Do(b.House, b.desk.Create, b.Key(policy.Admin), in)
	must(t, err)
	return out
}

func TestWhatHidesEverythingIsSavedOnlyWhenUnderstood(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		in := restrictions.RestrictionIn{Name: "Nobody", Visible: `loan.status == "active"`}
		_, err := gatetest.Do(b.House, b.desk.Create, b.Key(policy.Admin), in)
		if f := fault.As(err); f.Kind != fault.Conflict || f.Reason != restrictions.HidesEverything {
			t.Fatalf("a restriction that shows nothing: %v", err)
		}
		in.Borrowers = `borrower.state == "NY"`
		b.create(t, in) // a borrower is found: not everything is hidden
		in.Name, in.Borrowers, in.Confirm = "Nobody at all", "", restrictions.HidesEverything
		b.create(t, in)
	})
}

func TestNobodyTouchesWhatBindsThemAndWhatIsHeldStays(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		self, agent := b.People[policy.Admin].ID, b.People[policy.Agent].ID
		team := id.New[id.Team](1)
		must(t, b.Write(func(ctx context.Context, tx *db.Tx) error {
			return policy.SaveTeam(ctx, tx, &policy.Team{ID: team, Name: "Denver", Members: []id.User{self}}, true)
		}))
		r := b.create(t, restrictions.RestrictionIn{Name: "All", Visible: "true", Borrowers: `borrower.state == "NY"`})
		assign := func(role string, users []id.User, teams []id.Team) error {
			_, err := gatetest.Do(b.House, b.desk.Assign, b.Key(role), restrictions.HoldersIn{ID: r.ID, Users: users, Teams: teams})
			return err
		}
		for what, err := range map[string]error{"oneself": assign(policy.Admin, []id.User{self}, nil), "one's team": assign(policy.Admin, nil, []id.Team{team})} {
			if f := fault.As(err); f == nil || f.Reason != "own_access" {
				t.Errorf("given to %s: %v", what, err)
			}
		}
		must(t, assign(policy.Admin, []id.User{agent}, nil))
		_, err := gatetest.Do(b.House, b.desk.Delete, b.Key(policy.Admin), restrictions.Ref{ID: r.ID})
		if f := fault.As(err); f.Kind != fault.Conflict || !strings.Contains(f.Message, "Agent Person") {
			t.Errorf("deleted while held: %v", err)
		}
		must(t, b.Write(func(ctx context.Context, tx *db.Tx) error {
			if err := policy.Hold(ctx, tx, r.ID, nil, []id.Team{team}); err != nil {
				return err
			}
			return policy.Bump(ctx, tx)
		}))
		_, err = gatetest.Do(b.House, b.desk.Update, b.Key(policy.Admin), restrictions.UpdateIn{ID: r.ID, RestrictionIn: restrictions.RestrictionIn{Name: "All", Visible: "true", Borrowers: `borrower.state == "NY"`}})
		if f := fault.As(err); f == nil || f.Reason != "own_access" {
			t.Errorf("changed what binds through a team: %v", err)
		}
		if err := assign(policy.Admin, nil, nil); fault.As(err) == nil || fault.As(err).Reason != "own_access" {
			t.Errorf("taken from one's own team: %v", err)
		}
		if e := b.Trail(t, audit.Filter{Operation: "search_restriction.assign", Outcome: "allowed"}); len(e) != 1 || e[0].Changes[0].After != string(agent) {
			t.Errorf("the trail: %+v", e)
		}
	})
}

func TestAPreviewSpeaksOfWhatThePersonEndsUpWith(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		b.Restrict(t, policy.Agent, policy.Restriction{Name: "None of them", Visible: "false", Borrowers: "false"})
		out, err := gatetest.Do(b.House, b.desk.Preview, b.Key(policy.Admin), restrictions.PreviewIn{Visible: "true", Borrowers: `borrower.state == "NY"`, User: b.People[policy.Agent].ID})
		must(t, err)
		if out.Borrowers.Said != "1 of 1 borrowers" || out.User.Borrowers.Shown != 0 || len(out.User.Restrictions) != 2 || !out.User.HidesEverything {
			t.Errorf("%+v", out)
		}
		_, err = gatetest.Do(b.House, b.desk.Preview, b.Key(policy.Admin), restrictions.PreviewIn{Visible: "true &&\n  loan.stauts == \"x\"", Limits: []policy.Limit{{Area: "notes", Level: "view", When: "loan.number"}}})
		f := fault.As(err)
		if f == nil || len(f.Fields) != 2 || f.Fields[0].Path != "limits[0].when" || f.Fields[1].Path != "visible" || !strings.HasPrefix(f.Fields[1].Mend, "line 2, column 3:") || !strings.Contains(f.Fields[1].Mend, "did you mean loan.status?") {
			t.Errorf("%v", err)
		}
	})
}

// Where a limit withholds who owes a loan, a preview's sample does not say where
// they live.
func TestASampleWithholdsWhatTheListWithholds(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		must(t, b.Write(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO loan (id, number, borrower_id, source_company_id, application_id, status, principal, annual_rate, term_months, convention, contract_date, first_due, opened_on,
				principal_balance, fees_due, oldest_unpaid_due, next_due, next_amount, level_payment, due_key, borrower_key, borrower_region, borrower_country, revision, import_id, created_at)
				VALUES ('ln_1', 'L-1', 'bo_1', '', '', 'active', 0, 0, 1, '30/360', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', 'NY', 'US', 1, '', 1), ('ln_2', 'L-2', 'bo_1', '', '', 'closed', 0, 0, 1, '30/360', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', 'NY', 'US', 1, '', 1)`)
			return err
		}))
		states := func() string {
			out, err := gatetest.Do(b.House, b.desk.Preview, b.Key(policy.Admin), restrictions.PreviewIn{Visible: "true"})
			must(t, err)
			var list []string
			for _, s := range out.Sample {
				list = append(list, s.Number+s.State)
			}
			return strings.Join(list, " ")
		}
		if got := states(); got != "L-1NY L-2NY" {
			t.Errorf("without a limit: %s", got)
		}
		b.Restrict(t, policy.Admin, policy.Restriction{Visible: "true", Limits: []policy.Limit{{Area: "borrower", Level: "none", When: `loan.status == "active"`}}})
		if got := states(); got != "L-1 L-2NY" {
			t.Errorf("with the borrowers of active loans withheld: %s", got)
		}
	})
}

// Where a limit withholds who owes a loan, no count of a preview says where they
// live: whatever is asked of them is asked of the others alone, and the number of
// borrowers is that of the list of borrowers.
func TestNoCountTellsOfBorrowersWhoAreWithheld(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		must(t, b.Write(func(ctx context.Context, tx *db.Tx) error {
			if _, err := tx.Exec(ctx, `UPDATE loan_tally SET loans = 2 WHERE id = 1`); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `INSERT INTO loan (id, number, borrower_id, source_company_id, application_id, status, principal, annual_rate, term_months, convention, contract_date, first_due, opened_on,
				principal_balance, fees_due, oldest_unpaid_due, next_due, next_amount, level_payment, due_key, borrower_key, borrower_region, borrower_country, revision, import_id, created_at)
				VALUES ('ln_1', 'L-1', 'bo_1', '', '', 'active', 0, 0, 1, '30/360', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', 'NY', 'US', 1, '', 1), ('ln_2', 'L-2', 'bo_1', '', '', 'closed', 0, 0, 1, '30/360', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', 'NY', 'US', 1, '', 1)`)
			return err
		}))
		asks := func(in restrictions.PreviewIn) *restrictions.PreviewOut {
			out, err := gatetest.Do(b.House, b.desk.Preview, b.Key(policy.Admin), in)
			must(t, err)
			return out
		}
		living := func(state string) restrictions.PreviewIn {
			return restrictions.PreviewIn{LoansOnly: true, Visible: `borrower.state == "` + state + `"`}
		}
		if ny, tx := asks(living("NY")).Said, asks(living("TX")).Said; ny != "2 of 2 loans" || tx != "0 of 2 loans" {
			t.Fatalf("without a limit: %s, %s", ny, tx)
		}
		b.Restrict(t, policy.Admin, policy.Restriction{Visible: "true", Limits: []policy.Limit{{Area: "borrower", Level: "none", When: `loan.status == "active"`}}})
		if ny, tx := asks(living("NY")).Said, asks(living("TX")).Said; ny != "1 of 1 loans" || tx != "0 of 1 loans" {
			t.Errorf("a count of loans tells where somebody withheld lives: %s, %s", ny, tx)
		}
		if got := asks(restrictions.PreviewIn{LoansOnly: true, Visible: `loan.status == "active"`}).Said; got != "1 of 2 loans" {
			t.Errorf("of loans that are seen, asked by what is seen of them: %s", got)
		}
		out := asks(restrictions.PreviewIn{Visible: `borrower.state == "NY"`, Borrowers: `borrower.state == "NY"`})
		if len(out.Sample) != 1 || out.Sample[0].Number != "L-2" || out.Loans.Of != 1 || out.Borrowers.Of != 0 {
			t.Errorf("a whole preview: %+v", out)
		}
		out = asks(restrictions.PreviewIn{Visible: "true", Limits: []policy.Limit{{Area: "notes", Level: "none", When: `borrower.state == "NY"`}}})
		if out.Limits[0].Rows != 1 {
			t.Errorf("a limit narrows %d", out.Limits[0].Rows)
		}
	})
}

func TestTextAndOutlineAreExchanged(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		one, err := gatetest.Do(b.House, b.desk.Translate, b.Key(policy.Admin), restrictions.TranslateIn{Of: "loans", Text: `!(loan.status == "closed")`})
		must(t, err)
		back, err := gatetest.Do(b.House, b.desk.Translate, b.Key(policy.Admin), restrictions.TranslateIn{Of: "loans", Outline: one.Outline})
		if err != nil || back.Outline != one.Outline || back.Text != `loan.status != "closed"` || one.Sentence != back.Sentence {
			t.Errorf("%+v, %v", back, err)
		}
		_, err = gatetest.Do(b.House, b.desk.Translate, b.Key(policy.Admin), restrictions.TranslateIn{Of: "loans", Outline: `{"all":[{"field":"loan.height","compare":"is","values":["1"]}]}`})
		if f := fault.As(err); f == nil || len(f.Fields) == 0 || !strings.HasPrefix(f.Fields[0].Path, "outline") {
			t.Errorf("an outline of what is no field: %v", err)
		}
	})
}

// Two people have the holders of a restriction open; who assigns second is told who
// holds it by then, by whatever road, and takes it from nobody unseen.
func TestAnOpenListOfHoldersTakesItFromNobodyUnseen(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		agent, investor := b.People[policy.Agent].ID, b.People[policy.Investor].ID
		r := b.create(t, restrictions.RestrictionIn{Name: "All", Visible: "true", Borrowers: `borrower.state == "NY"`})
		assign := func(version int64, users ...id.User) error {
			_, err := gatetest.Do(b.House, b.desk.Assign, b.Key(policy.Admin), restrictions.HoldersIn{ID: r.ID, Users: users, Version: &version})
			return err
		}
		must(t, b.Write(func(ctx context.Context, tx *db.Tx) error {
			if err := policy.Assign(ctx, tx, agent, []id.Restriction{r.ID}); err != nil {
				return err
			}
			return policy.Bump(ctx, tx)
		}))
		f := fault.As(assign(r.HeldVersion, investor))
		if f == nil || f.Reason != admin.ChangedMeanwhile || len(f.Fields) != 1 || !strings.Contains(f.Fields[0].Mend, "held by Agent Person") {
			t.Fatalf("the second who assigns: %+v", f)
		}
		now, err := gatetest.Do(b.House, b.desk.View, b.Key(policy.Admin), restrictions.Ref{ID: r.ID})
		must(t, err)
		must(t, assign(now.HeldVersion, agent, investor))
	})
}

// Whoever is restricted changes for others neither what a restriction shows nor who
// holds it, unless all that binds them binds those too.
func TestWhoeverIsRestrictedWidensNothingForOthers(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		mine := b.Restrict(t, policy.Admin, policy.Restriction{Name: "Mine", Visible: "false"})
		theirs := b.Restrict(t, policy.Agent, policy.Restriction{Name: "Theirs", Visible: `loan.status == "active"`})
		agent := b.People[policy.Agent].ID
		update := func(name, visible string) error {
			_, err := gatetest.Do(b.House, b.desk.Update, b.Key(policy.Admin), restrictions.UpdateIn{ID: theirs, RestrictionIn: restrictions.RestrictionIn{Name: name, Visible: visible, Confirm: restrictions.HidesEverything}})
			return err
		}
		assign := func(r id.Restriction, users ...id.User) error {
			_, err := gatetest.Do(b.House, b.desk.Assign, b.Key(policy.Admin), restrictions.HoldersIn{ID: r, Users: users})
			return err
		}
		refused := func(what string, err error) {
			t.Helper()
			if f := fault.As(err); f == nil || f.Kind != fault.Denied || f.Reason != "not_grantable" || !strings.Contains(f.Message, "Agent Person") {
				t.Errorf("%s: %v", what, err)
			}
		}
		refused("shows all", update("Theirs", "true"))
		refused("taken from them", assign(theirs))
		must(t, update("Of the agents", `loan.status == "active"`))
		must(t, assign(mine, b.People[policy.Admin].ID, agent))
		must(t, update("Theirs", "true"))
		must(t, assign(theirs))
		refused("what binds both", assign(mine, b.People[policy.Admin].ID))
	})
}

// A misspelt status would hide nothing; it is refused where it stands, with the one
// that was meant.
func TestAMisspeltStatusIsRefused(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		in := restrictions.RestrictionIn{Name: "No bankruptcy", Visible: `loan.status != "bankrupcy"`, Confirm: restrictions.HidesEverything}
		_, err := gatetest.Do(b.House, b.desk.Create, b.Key(policy.Admin), in)
		f := fault.As(err)
		if err == nil || f.Kind != fault.Invalid || f.Fields[0].Path != "visible" || f.Fields[0].Mend != `line 1, column 16: loan.status has no such value; did you mean "bankruptcy"?` {
			t.Fatalf("misspelt: %+v", f)
		}
		in.Visible = `loan.status != "bankruptcy" && borrower.state != "Nowhere"` // states are open
		b.create(t, in)
	})
}
