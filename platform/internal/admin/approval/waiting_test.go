package approval_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/geo/gazetteer"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/outbound"
	"github.com/lendkeep/lendkeep/platform/internal/admin/approval"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/origination/form"
	"github.com/lendkeep/lendkeep/platform/internal/origination/provider"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
)

// branch is an office in which proposals wait about loans, borrowers,
// applications and a team.
type branch struct {
	*office
	loans        *servicing.Desk
	applications *origination.Desk
	stamp        *gate.Op[stampIn, approval.Done]
}

type stampIn struct {
	Borrower string `path:"id" json:"-"`
}

// stamping is something about a borrower that may wait: no shipped operation is.
func stamping() *gate.Op[stampIn, approval.Done] {
	return &gate.Op[stampIn, approval.Done]{Name: "borrower.stamp", Title: "Stamp borrower", Area: "Test", Screen: "Borrower", Method: "POST", Path: "/borrowers/{id}/stamp",
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.ByRole, Roles: "manager", Pairing: gate.MayPair,
		Object: func(in *stampIn) string { return "borrower/" + in.Borrower },
		Do: func(_ context.Context, c *gate.Call, _ *stampIn) (*approval.Done, error) {
			c.Change("stamp", "", "seen")
			return &approval.Done{Done: true}, nil
		}}
}

func eachBranch(t *testing.T, fn func(t *testing.T, b *branch)) {
	var b *branch
	gatetest.Each(t, func() gatetest.Config {
		b = &branch{office: &office{rename: renaming()}, loans: servicing.New(servicing.Config{}), stamp: stamping()}
		b.Desk = approval.New(approval.Config{Gate: func() *gate.Gate { return b.Gate }})
		b.applications = origination.New(origination.Config{Kick: func(*gate.Call) {}, Gazetteer: gazetteer.Small(),
			Provider: provider.Config{Outbound: outbound.New(outbound.Config{}), Now: func() time.Time { return b.Now() }}})
		return gatetest.Config{Operations: slices.Concat(b.Operations(), b.loans.Operations(), b.applications.Operations(), []gate.Entry{b.rename, b.stamp}), Vocabulary: b.loans.Vocabulary}
	}, func(t *testing.T, h *gatetest.House) {
		b.House = h
		b.write(t, func(ctx context.Context, tx *db.Tx) error {
			b.team = id.New[id.Team](tx.At)
			return policy.SaveTeam(ctx, tx, &policy.Team{ID: b.team, Name: "Collections"}, true)
		})
		_, err := gatetest.Do(h, b.Demand, h.Screen(policy.Admin), approval.PairIn{Operations: []string{"team.rename", "borrower.stamp", "loan.write_off", "application.reject"}})
		must(t, err)
		fn(t, b)
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// waitsFor holds an error to a proposal.
func waitsFor(t *testing.T, err error) {
	t.Helper()
	if fault.As(err) == nil || fault.As(err).Kind != fault.Proposed {
		t.Fatalf("not proposed but %v", err)
	}
}

// lent gives somebody in a state a loan, and has the administrator propose to
// write it off and to stamp the borrower.
func (b *branch) lent(t *testing.T, name, portfolio string) {
	t.Helper()
	who, err := gatetest.Do(b.House, b.loans.BorrowerCreate, b.Key(policy.Manager), servicing.BorrowerCreateIn{FirstName: name, LastName: "Example", Email: name + "@example.com"})
	must(t, err)
	loan, err := gatetest.Do(b.House, b.loans.LoanCreate, b.Key(policy.Manager), servicing.LoanCreateIn{BorrowerID: string(who.ID), Principal: money.Must("1200"), AnnualRate: "0", TermMonths: 12, Portfolios: []string{portfolio}})
	must(t, err)
	_, err = gatetest.Do(b.House, b.loans.WriteOff, b.Key(policy.Admin), servicing.WriteOffIn{ID: string(loan.ID), Reason: "cannot pay"})
	waitsFor(t, err)
	_, err = gatetest.Do(b.House, b.stamp, b.Key(policy.Admin), stampIn{Borrower: string(who.ID)})
	waitsFor(t, err)
}

// waitingToBorrow is a borrower without a loan, whom the administrator proposes to stamp.
func (b *branch) waitingToBorrow(t *testing.T, name string) {
	t.Helper()
	who, err := gatetest.Do(b.House, b.loans.BorrowerCreate, b.Key(policy.Manager), servicing.BorrowerCreateIn{FirstName: name, LastName: "Example"})
	must(t, err)
	_, err = gatetest.Do(b.House, b.stamp, b.Key(policy.Admin), stampIn{Borrower: string(who.ID)})
	waitsFor(t, err)
}

// applied enters an application from a state and has its rejection proposed.
func (b *branch) applied(t *testing.T, city, state, code string) {
	t.Helper()
	made, err := gatetest.Do(b.House, b.applications.Submit, b.Screen(policy.Underwriter), origination.SubmitIn{
		Applicant: form.ApplicantIn{FirstName: "Ada", LastName: "Example", Email: "ada@example.com", Phone: "+1 212 555 0123", DateOfBirth: "1990-04-01", SSN: "123-45-6789",
			Address: form.AddressIn{Line1: "5 Example Street", City: city, Region: state, PostalCode: code, Country: "US"}},
		Requested: form.RequestedIn{Amount: "5000", TermMonths: 24}})
	must(t, err)
	_, err = gatetest.Do(b.House, b.applications.Reject, b.Key(policy.Admin), origination.RejectIn{ID: made.ID, Reason: "income", Adverse: []string{"Income is too low."}})
	waitsFor(t, err)
}

// The number at the top of every page is counted by one statement, and the inbox
// by looking at each proposal; under every restriction they say the same, and the
// inbox shows nothing about a row that its reader may not find.
func TestTheNumberAtTheTopIsWhatTheInboxShows(t *testing.T) {
	eachBranch(t, func(t *testing.T, b *branch) {
		for _, name := range []string{"Acme", "Beta"} {
			_, err := gatetest.Do(b.House, b.loans.PortfolioCreate, b.Key(policy.Manager), servicing.NamedCreateIn{Name: name})
			must(t, err)
		}
		b.lent(t, "ann", "Acme")
		b.lent(t, "ben", "Beta")
		b.lent(t, "cem", "Beta")
		b.waitingToBorrow(t, "dan")
		b.applied(t, "New York", "NY", "10001")
		b.applied(t, "Austin", "TX", "78701")
		b.proposes(t, b.Key(policy.Admin), "Workout")
		for _, story := range []struct {
			what        string
			restriction *policy.Restriction
			manager     int // loans, borrowers and the team
			underwriter int // applications
		}{
			{"nobody restricts them", nil, 8, 2},
			{"one portfolio, no application", &policy.Restriction{Visible: `loan.portfolios.overlaps(["Acme"])`}, 3, 0},
			{"the other, and one state", &policy.Restriction{Visible: `loan.portfolios.overlaps(["Beta"])`, Applications: `application.state == "TX"`}, 5, 1},
			{"nothing at all", &policy.Restriction{Visible: `loan.status == "closed"`, Applications: `application.state == "ZZ"`}, 1, 0},
			{"one portfolio, and every borrower", &policy.Restriction{Visible: `loan.portfolios.overlaps(["Acme"])`, Borrowers: "true"}, 6, 0},
			{"everything, in other words", &policy.Restriction{Visible: "true", Applications: "true"}, 7, 2},
			{"payments of one portfolio to look at", &policy.Restriction{Visible: "true", Applications: "true", Limits: []policy.Limit{{Area: "payments", When: `loan.portfolios.overlaps(["Beta"])`, Level: "view"}}}, 5, 2},
			{"no payments, and no application of one state", &policy.Restriction{Visible: `loan.portfolios.overlaps(["Acme"])`, Applications: "true", Borrowers: "true",
				Limits: []policy.Limit{{Area: "payments", Level: "none"}, {Area: "application", When: `application.state == "TX"`, Level: "view"}, {Area: "notes", Level: "none"}}}, 5, 1},
		} {
			for role, want := range map[string]int{policy.Manager: story.manager, policy.Underwriter: story.underwriter, policy.Agent: 0, policy.Admin: 0} {
				if story.restriction != nil {
					b.Restrict(t, role, *story.restriction)
				}
				b.same(t, story.what, role, want)
			}
		}
		b.Advance(8 * 24 * time.Hour)
		list, err := gatetest.Do(b.House, b.List, b.Key(policy.Manager), approval.ListIn{})
		must(t, err)
		if list.Waiting != 0 {
			t.Errorf("%d still wait after eight days", list.Waiting)
		}
	})
}

// same holds number, inbox and what is known to each other.
func (b *branch) same(t *testing.T, what, role string, want int) {
	t.Helper()
	list, err := gatetest.Do(b.House, b.List, b.Screen(role), approval.ListIn{})
	must(t, err)
	shown := 0
	for _, p := range list.Items {
		if p.MayDecide {
			shown++
		}
	}
	if top := b.waiting(t, role); top != want || list.Waiting != want || shown != want {
		t.Errorf("%s, %s: %d at the top, %d counted, %d shown, want %d", what, role, top, list.Waiting, shown, want)
	}
}

// A write-off for which two are asked can be brought about by an adjustment of the
// whole principal, and taken back by a reversal: they can wait too, and as long as
// one of the three does not, the settings name it.
func TestMoneyWaitsWhicheverWayItIsMoved(t *testing.T) {
	eachBranch(t, func(t *testing.T, b *branch) {
		around := func(want ...string) {
			t.Helper()
			out, err := gatetest.Do(b.House, b.Pairs, b.Screen(policy.Admin), approval.Nothing{})
			must(t, err)
			if !slices.Equal(out.Around, want) {
				t.Errorf("one person alone goes around by %v, want %v", out.Around, want)
			}
		}
		around("loan.adjustment.post", "loan.entry.reverse")
		who, err := gatetest.Do(b.House, b.loans.BorrowerCreate, b.Key(policy.Manager), servicing.BorrowerCreateIn{FirstName: "Ann", LastName: "Example"})
		must(t, err)
		loan, err := gatetest.Do(b.House, b.loans.LoanCreate, b.Key(policy.Manager), servicing.LoanCreateIn{BorrowerID: string(who.ID), Principal: money.Must("1200"), AnnualRate: "0", TermMonths: 12})
		must(t, err)
		paid, err := gatetest.Do(b.House, b.loans.PaymentLog, b.Key(policy.Manager), servicing.PaymentLogIn{ID: string(loan.ID), Amount: money.Must("100"), Method: "cash"})
		must(t, err)
		_, err = gatetest.Do(b.House, b.Demand, b.Screen(policy.Admin), approval.PairIn{Operations: []string{"loan.adjustment.post", "loan.entry.reverse"}})
		must(t, err)
		around()

		owes := func() money.Amount {
			t.Helper()
			out, err := gatetest.Do(b.House, b.loans.LoanView, b.Key(policy.Manager), servicing.LoanRef{ID: string(loan.ID)})
			must(t, err)
			return out.PrincipalBalance
		}
		_, err = gatetest.Do(b.House, b.loans.AdjustmentPost, b.Key(policy.Manager), servicing.AdjustmentPostIn{ID: string(loan.ID), Amount: money.Must("-1100"), Reason: "gone"})
		waitsFor(t, err)
		adjusts := id.Proposal(fault.As(err).Proposal)
		_, err = gatetest.Do(b.House, b.loans.EntryReverse, b.Key(policy.Manager), servicing.EntryReverseIn{ID: string(loan.ID), Entry: string(paid.Entry.ID), Reason: "bounced"})
		waitsFor(t, err)
		reverses := id.Proposal(fault.As(err).Proposal)
		if now := owes(); now != money.Must("1100") {
			t.Fatalf("one person alone has made it %s", now)
		}
		_, err = gatetest.Do(b.House, b.Approve, b.Screen(policy.Admin), approval.DecideIn{ID: reverses})
		must(t, err)
		if now := owes(); now != money.Must("1200") {
			t.Errorf("reversed by two: %s", now)
		}
		_, err = gatetest.Do(b.House, b.Approve, b.Screen(policy.Admin), approval.DecideIn{ID: adjusts})
		refused(t, "the balance has moved since", err, "object_moved")
	})
}

// keyed is a call of the manager's program under an Idempotency-Key.
func (b *branch) keyed(key string) *gate.Request {
	r := b.Key(policy.Manager)
	r.IdempotencyKey = key
	return r
}

// owing gives somebody a loan of 1,200.00.
func (b *branch) owing(t *testing.T, name string) string {
	t.Helper()
	who, err := gatetest.Do(b.House, b.loans.BorrowerCreate, b.Key(policy.Manager), servicing.BorrowerCreateIn{FirstName: name, LastName: "Example"})
	must(t, err)
	loan, err := gatetest.Do(b.House, b.loans.LoanCreate, b.Key(policy.Manager), servicing.LoanCreateIn{BorrowerID: string(who.ID), Principal: money.Must("1200"), AnnualRate: "0", TermMonths: 12})
	must(t, err)
	return string(loan.ID)
}

// A program that has heard nothing asks again under the same Idempotency-Key: what
// waits is one proposal, also where both ask at once; what was done before two were
// asked for is not proposed again.
func TestACallThatIsRepeatedIsOneProposal(t *testing.T) {
	eachBranch(t, func(t *testing.T, b *branch) {
		loan := b.owing(t, "Ann")
		adjust := func() error {
			_, err := gatetest.Do(b.House, b.loans.AdjustmentPost, b.keyed("k-1"), servicing.AdjustmentPostIn{ID: loan, Amount: money.Must("-5"), Reason: "goodwill"})
			return err
		}
		must(t, adjust())
		_, err := gatetest.Do(b.House, b.Demand, b.Screen(policy.Admin), approval.PairIn{Operations: []string{"loan.adjustment.post"}})
		must(t, err)
		must(t, adjust())

		off := func(reason string) (string, error) {
			_, err := gatetest.Do(b.House, b.loans.WriteOff, b.keyed("k-2"), servicing.WriteOffIn{ID: loan, Reason: reason})
			if f := fault.As(err); err != nil && f.Kind == fault.Proposed {
				return f.Proposal, nil
			}
			return "", err
		}
		told := make(chan string, 4)
		var all sync.WaitGroup
		for range cap(told) {
			all.Go(func() {
				p, err := off("cannot pay")
				if err != nil && !fault.Is(err, fault.Unavailable) {
					t.Error(err)
				}
				told <- p
			})
		}
		all.Wait()
		first, err := off("cannot pay")
		must(t, err)
		for range cap(told) {
			if p := <-told; p != first && p != "" {
				t.Errorf("one key has proposed %s and %s", first, p)
			}
		}
		list, err := gatetest.Do(b.House, b.List, b.Screen(policy.Admin), approval.ListIn{})
		must(t, err)
		if list.Total != 1 || string(list.Items[0].ID) != first {
			t.Errorf("the inbox holds %d for one call, %+v", list.Total, list.Items)
		}
		if e := b.Trail(t, audit.Filter{Operation: "loan.write_off", Limit: 1})[0]; e.Outcome != operation.Denied || e.Layer != "four_eyes" || e.Detail["proposal"] != first || e.Detail["repeated"] != "true" || e.Object != "loan/"+loan {
			t.Errorf("the entry of the repeated call: %+v", e)
		}
		_, err = off("another reason")
		refused(t, "the key for something else", err, "idempotency_key_reused")
		_, err = gatetest.Do(b.House, b.Approve, b.Screen(policy.Admin), approval.DecideIn{ID: id.Proposal(first)})
		must(t, err)
		if p, err := off("cannot pay"); err != nil || p != first {
			t.Errorf("asked once more when it was approved: %s, %v", p, err)
		}
		b.Restrict(t, policy.Manager, policy.Restriction{Visible: `loan.status == "closed"`})
		_, err = off("cannot pay")
		refused(t, "and when the loan is hidden", err, "not_found")
	})
}

// Whoever proposed and may not see the payments any more is told that they proposed,
// and nothing of the balances; whoever may not see them decides nothing.
func TestALimitHoldsInProposals(t *testing.T) {
	eachBranch(t, func(t *testing.T, b *branch) {
		loan := b.owing(t, "Ann")
		_, err := gatetest.Do(b.House, b.loans.WriteOff, b.Key(policy.Admin), servicing.WriteOffIn{ID: loan, Reason: "cannot pay"})
		waitsFor(t, err)
		p := id.Proposal(fault.As(err).Proposal)
		mine, err := gatetest.Do(b.House, b.View, b.Key(policy.Admin), approval.Ref{ID: p})
		must(t, err)
		if len(mine.Changes) == 0 {
			t.Fatal("the proposer sees nothing")
		}
		for _, c := range mine.Changes {
			if strings.HasPrefix(c.After, "le_") {
				t.Errorf("%s: %s, an entry that will never be", c.Field, c.After)
			}
		}
		limit := policy.Restriction{Visible: "true", Limits: []policy.Limit{{Area: "payments", Level: "none", Message: "Ask the bank."}}}
		b.Restrict(t, policy.Manager, limit)
		b.Restrict(t, policy.Admin, limit)
		_, err = gatetest.Do(b.House, b.View, b.Key(policy.Manager), approval.Ref{ID: p})
		refused(t, "the manager looks", err, "not_found")
		for _, op := range []*gate.Op[approval.DecideIn, approval.Decided]{b.Approve, b.Reject} {
			_, err = gatetest.Do(b.House, op, b.Key(policy.Manager), approval.DecideIn{ID: p, Reason: "no"})
			refused(t, "the manager: "+op.Name, err, "not_found")
		}
		mine, err = gatetest.Do(b.House, b.View, b.Key(policy.Admin), approval.Ref{ID: p})
		must(t, err)
		if !mine.Mine || len(mine.Changes) != 0 {
			t.Errorf("the proposer, of payments that they may not see: %+v", mine)
		}
	})
}

// What an approval has made is told with it, not what a rehearsal made.
func TestAnApprovalTellsWhatWasMade(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.paired(t)
		_, err := gatetest.Do(o.House, o.found, o.Key(policy.Manager), approval.Nothing{})
		waitsFor(t, err)
		p := id.Proposal(fault.As(err).Proposal)
		if e := o.Trail(t, audit.Filter{Operation: "team.found", Limit: 1})[0]; e.Object != "" {
			t.Errorf("the entry of the proposal names %s", e.Object)
		}
		out, err := gatetest.Do(o.House, o.Approve, o.Key(policy.Admin), approval.DecideIn{ID: p})
		must(t, err)
		team, named := strings.CutPrefix(out.Object, "team/")
		if !named {
			t.Fatalf("made: %q", out.Object)
		}
		o.write(t, func(ctx context.Context, tx *db.Tx) error {
			_, err := policy.TeamByID(ctx, tx, id.Team(team))
			return err
		})
	})
}
