package servicing

import (
	"testing"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// TestALimitHidesBorrowersWhereverTheyCouldShow: of loans in bankruptcy the
// agent is not told who owes them, in no list, search, order or nested object.
func TestALimitHidesBorrowersWhereverTheyCouldShow(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		ann, ben := s.borrower(t, ann()), s.borrower(t, BorrowerCreateIn{FirstName: "Ben", LastName: "Ray", Email: "ben@example.com"})
		bankrupt, plain := s.lend(t, ann), s.lend(t, ben)
		ok[StatusOut](t)(gatetest.Do(s.House, s.d.StatusSet, s.Key("manager"), StatusSetIn{ID: string(bankrupt.ID), Status: "bankruptcy", Reason: "filed"}))
		s.Restrict(t, "agent", policy.Restriction{Visible: "true", Limits: []policy.Limit{
			{Area: "borrower", When: `loan.status == "bankruptcy"`, Level: "none", Message: "Legal handles bankruptcies."}}})
		for _, few := range []int{0, 1} { // many matches are found in another way than few
			s.d.few = few
			list := func(in LoanListIn) map[string]LoanItem {
				out := map[string]LoanItem{}
				for _, l := range ok[LoanListOut](t)(gatetest.Do(s.House, s.d.LoanList, s.Key("agent"), in)).Items {
					out[l.Number] = l
				}
				return out
			}
			all := list(LoanListIn{})
			if x := all[bankrupt.Number]; len(all) != 2 || x.Borrower != (BorrowerName{Withheld: true}) || x.State != "" {
				t.Fatalf("the list tells who is bankrupt: %+v", x)
			}
			if x := all[plain.Number]; x.Borrower.Name != "Ben Ray" || x.Borrower.ID != ben {
				t.Fatalf("the list hides too much: %+v", x)
			}
			for what, in := range map[string]LoanListIn{"name": {Q: "Ann"}, "e-mail": {Q: "ann@example.com"}, "telephone": {Q: "+1 212 555 0123"}, "id": {Borrower: string(ann)}} {
				if got := list(in); len(got) != 0 {
					t.Errorf("found by %s: %+v", what, got)
				}
			}
			if len(list(LoanListIn{Q: "Ben"})) != 1 || len(list(LoanListIn{Q: bankrupt.Number})) != 1 {
				t.Error("what is not withheld must be found")
			}
		}
		_, err := gatetest.Do(s.House, s.d.LoanList, s.Key("agent"), LoanListIn{Sort: "-borrower"})
		if f := fault.As(err); !fault.Is(err, fault.Denied) || f.Reason != "limit_too_low" || f.Message != "Legal handles bankruptcies." || f.DecisionID == "" {
			t.Errorf("an order by what is hidden: %v", err)
		}
		one := ok[LoanOut](t)(gatetest.Do(s.House, s.d.LoanView, s.Key("agent"), LoanRef{ID: string(bankrupt.ID)}))
		if one.Borrower.ID != "" || one.Borrower.Name != "" || one.State != "" || one.BorrowerWithheld != "Legal handles bankruptcies." {
			t.Errorf("the loan tells who owes it: %+v", one.Borrower)
		}
		refusedAs[BorrowerOut](t, fault.Denied, "")(gatetest.Do(s.House, s.d.BorrowerView, s.Key("agent"), BorrowerRef{ID: string(ann)}))
		people := ok[BorrowerListOut](t)(gatetest.Do(s.House, s.d.BorrowerList, s.Key("agent"), BorrowerListIn{}))
		if people.Total != 1 || len(people.Items) != 1 || people.Items[0].ID != ben {
			t.Errorf("the list of borrowers: %+v", people)
		}
	})
}

// TestALimitLetsLookAndNotTouch: payments may be seen, and none may be logged.
func TestALimitLetsLookAndNotTouch(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		l := s.lend(t, s.borrower(t, ann()))
		s.Restrict(t, "agent", policy.Restriction{Visible: "true", Limits: []policy.Limit{{Area: "payments", Level: "view", Message: "Payments are taken by the house."}, {Area: "notes", Level: "none"}}})
		ok[EntryListOut](t)(gatetest.Do(s.House, s.d.PaymentList, s.Key("agent"), EntryListIn{ID: string(l.ID)}))
		_, err := gatetest.Do(s.House, s.d.PaymentLog, s.Key("agent"), PaymentLogIn{ID: string(l.ID), Amount: money.Must("10"), Method: "cash"})
		if f := fault.As(err); f.Reason != "limit_too_low" || f.Message != "Payments are taken by the house." {
			t.Errorf("a payment logged under a limit: %v", err)
		}
		refusedAs[NoteListOut](t, fault.Denied, "")(gatetest.Do(s.House, s.d.NoteList, s.Key("agent"), NoteListIn{ID: string(l.ID)}))
		refusedAs[NoteOut](t, fault.Denied, "")(gatetest.Do(s.House, s.d.NoteAdd, s.Key("agent"), NoteAddIn{ID: string(l.ID), Body: "called"}))
	})
}
