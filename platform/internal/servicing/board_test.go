package servicing

import (
	"context"
	"sync"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/schedule"
)

type approveIn struct {
	Application string `path:"id" json:"-"`
	Months      int    `json:"months"`
	Spoil       bool   `json:"spoil"`
}

type approveOut struct {
	Loan id.Loan `json:"loan" class:"public"`
}

// Another desk approves an application: borrower and loan are made in its
// transaction and under its audit entry, or nothing is.
func TestAnApprovedApplicationBecomesALoan(t *testing.T) {
	var d *Desk
	var approve *gate.Op[approveIn, approveOut]
	gatetest.Each(t, func() gatetest.Config {
		d = New(Config{})
		approve = &gate.Op[approveIn, approveOut]{Name: "application.approve", Title: "Approve", Area: "Applications", Method: "POST", Path: "/applications/{id}/approve",
			Kind: operation.Write, Audit: operation.Decided, Permit: gate.ByRole, Roles: "underwriter",
			Object: func(in *approveIn) string { return "application/" + in.Application },
			Do: func(ctx context.Context, c *gate.Call, in *approveIn) (*approveOut, error) {
				l, err := d.Board(ctx, c, BoardIn{Application: id.Application(in.Application), SourceCompany: "First", Portfolios: []string{"Acme"},
					Person: book.Person{First: "Ann", Last: "Lee", Email: "ann@example.com", SSN: "078-05-1120", Address: book.Address{Region: "NY", Country: "US"}},
					Terms:  schedule.Terms{Principal: money.Must("5000"), Rate: schedule.MustRate("7.35"), Months: in.Months, Contract: c.Today, Convention: schedule.Thirty360}})
				if err == nil && in.Spoil {
					err = fault.New(fault.Conflict, "spoiled", "Something after it went wrong.")
				}
				return &approveOut{l}, err
			}}
		return gatetest.Config{Operations: append(d.Operations(), approve), Vocabulary: d.Vocabulary}
	}, func(t *testing.T, h *gatetest.House) {
		s := shop{h, d}
		s.portfolio(t, "Acme")
		s.company(t, "First")
		app := string(id.New[id.Application](h.Now().UnixMicro()))
		refusedAs[approveOut](t, fault.Invalid, "term_months")(gatetest.Do(h, approve, h.Key("underwriter"), approveIn{Application: app, Months: 0}))
		refusedAs[approveOut](t, fault.Conflict, "")(gatetest.Do(h, approve, h.Key("underwriter"), approveIn{Application: app, Months: 24, Spoil: true}))
		if out := ok[LoanListOut](t)(gatetest.Do(h, d.LoanList, h.Key("manager"), LoanListIn{})); out.Total != 0 {
			t.Fatalf("an approval that failed left %d loans", out.Total)
		}
		made := ok[approveOut](t)(gatetest.Do(h, approve, h.Key("underwriter"), approveIn{Application: app, Months: 24}))
		v := s.view(t, made.Loan)
		if string(v.Application) != app || v.Borrower.Name != "Ann Lee" || v.Portfolios[0] != "Acme" || v.SourceCompany != "First" || v.FirstDue != civil.Must(2026, 12, 22) {
			t.Fatalf("boarded %+v", v)
		}
		refusedAs[approveOut](t, fault.Conflict, "")(gatetest.Do(h, approve, h.Key("underwriter"), approveIn{Application: app, Months: 24}))
		e := h.Trail(t, audit.Filter{Operation: "application.approve", Outcome: "allowed"})
		noted := ""
		for _, c := range e[0].Changes {
			if c.Field == "loan" {
				noted = c.After
			}
		}
		if len(e) != 1 || noted != string(made.Loan) || e[0].Object != "application/"+app {
			t.Fatalf("the trail: %+v", e)
		}
		s.rebuilt(t)
	})
}

// Two people log payments on one loan at the same time: both count, once each.
func TestPaymentsAtTheSameTime(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		l := s.lend(t, s.borrower(t, ann()))
		var wait sync.WaitGroup
		for range 12 {
			r := s.Key("agent")
			wait.Go(func() {
				if _, err := gatetest.Do(s.House, s.d.PaymentLog, r, PaymentLogIn{ID: string(l.ID), Amount: money.Must("100")}); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if v := s.view(t, l.ID); v.Status != "paid_off" || v.PrincipalBalance != 0 {
			t.Fatalf("twelve payments of twelve: %+v", v)
		}
		s.rebuilt(t)
	})
}
