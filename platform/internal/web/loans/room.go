package loans

import (
	"context"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/privacy"
	"github.com/lendkeep/lendkeep/platform/internal/records"
	"github.com/lendkeep/lendkeep/platform/internal/records/documents"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
	"github.com/lendkeep/lendkeep/platform/internal/web/papers"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	privacyroom "github.com/lendkeep/lendkeep/platform/internal/web/privacy"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Room is the room of the loan book.
type Room struct {
	desk      *servicing.Desk
	trail     *records.Desk
	papers    *papers.Shelf // of loans
	borrowers *papers.Shelf
	owed      *privacyroom.Tab // to borrowers
}

// New makes the room; trail gives a loan's history to those who may look
// through the audit trail, kept the documents of loans and borrowers,
// owed is the desk of what is owed to borrowers about their data.
func New(d *servicing.Desk, trail *records.Desk, kept *documents.Desk, owed *privacy.Desk) *Room {
	return &Room{d, trail, papers.New(kept.Loans, "loan", "/loans", ""), papers.New(kept.Borrowers, "borrower", "/borrowers", ""), privacyroom.Borrowers(owed)}
}

// Routes registers the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	get := func(path string, s func(*visit.Visit) visit.Screen) {
		m.Get(path, func(v *visit.Visit) { v.Show(s(v)) })
	}
	get("/loans", r.list)
	m.Get("/loans/export", func(v *visit.Visit) { visit.Stream(v, r.desk.LoanExport) })
	m.Post("/loans/portfolios", r.move)
	get("/loans/new", r.newLoan)
	m.Post("/loans/new", r.createLoan)
	get("/loans/{id}", r.summary)
	get("/loans/{id}/schedule", r.schedule)
	get("/loans/{id}/payments", r.payments)
	get("/loans/{id}/payoff", r.payoff)
	get("/loans/{id}/borrower", r.loanBorrower)
	get("/loans/{id}/notes", r.notes)
	m.Post("/loans/{id}/notes", r.addNote)
	get("/loans/{id}/history", r.history)
	get("/loans/{id}/documents", r.documents)
	r.papers.Routes(m, r.documents)
	for _, a := range r.acts() {
		get(a.route(), a.screen)
		m.Post(a.route(), a.post)
	}
	get("/borrowers", r.borrowerList)
	get("/borrowers/new", r.newBorrower)
	m.Post("/borrowers/new", r.createBorrower)
	get("/borrowers/{id}", r.borrower)
	get("/borrowers/{id}/documents", r.borrowerDocuments)
	r.borrowers.Routes(m, r.borrowerDocuments)
	get("/borrowers/{id}/privacy", r.borrowerPrivacy)
	r.owed.Routes(m, r.borrowerPrivacy)
	get("/borrowers/find", r.find)
	for _, f := range r.exactly() {
		get(f.path, r.find)
		m.Post(f.path, f.post)
	}
	get("/borrowers/{id}/edit", r.editBorrower)
	m.Post("/borrowers/{id}/edit", r.updateBorrower)
	m.Post("/borrowers/{id}/reveal", r.reveal)
	// Whoever goes back to the address of a reveal finds the borrower, masked.
	m.Get("/borrowers/{id}/reveal", func(v *visit.Visit) {
		v.Show(func(context.Context, *gate.Page) (visit.View, error) {
			return visit.View{To: "/borrowers/" + v.R.PathValue("id")}, nil
		})
	})
}

// both are the two lists of the loan book.
func both(p *gate.Page, current string) []parts.Tab {
	if !p.Can("borrower.list", "") || !p.Can("loan.list", "") {
		return nil
	}
	return []parts.Tab{
		{Label: "Loans", Href: "/loans", Current: current == "/loans"},
		{Label: "Borrowers", Href: "/borrowers", Current: current == "/borrowers"},
	}
}

// view puts a page together.
func view(p parts.Page, body templ.Component) (visit.View, error) {
	return visit.View{Page: p, Body: body}, nil
}
