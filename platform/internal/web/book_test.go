package web_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"slices"
	"testing"

	"golang.org/x/net/html"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/admin/addresses"
	"github.com/lendkeep/lendkeep/platform/internal/admin/approval"
	"github.com/lendkeep/lendkeep/platform/internal/admin/inquiry"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/admin/policyfile"
	"github.com/lendkeep/lendkeep/platform/internal/admin/rehearsal"
	"github.com/lendkeep/lendkeep/platform/internal/admin/requests"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/admin/vantage"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/privacy"
	"github.com/lendkeep/lendkeep/platform/internal/records"
	"github.com/lendkeep/lendkeep/platform/internal/records/documents"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
	"github.com/lendkeep/lendkeep/platform/internal/web"
	addressroom "github.com/lendkeep/lendkeep/platform/internal/web/addresses"
	"github.com/lendkeep/lendkeep/platform/internal/web/approvals"
	askroom "github.com/lendkeep/lendkeep/platform/internal/web/inquiry"
	"github.com/lendkeep/lendkeep/platform/internal/web/loans"
	peopleroom "github.com/lendkeep/lendkeep/platform/internal/web/people"
	limitroom "github.com/lendkeep/lendkeep/platform/internal/web/restrictions"
	roleroom "github.com/lendkeep/lendkeep/platform/internal/web/roles"
	"github.com/lendkeep/lendkeep/platform/internal/web/settings"
	shelfroom "github.com/lendkeep/lendkeep/platform/internal/web/shelf"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// library is a house with a loan book, and with the rooms in which it is decided
// who finds which loans.
type library struct {
	*place
	servicing *servicing.Desk
	inbox     *approval.Desk
	positions *roles.Desk
}

// eachBook runs a story on both engines.
func eachBook(t *testing.T, fn func(t *testing.T, l *library)) {
	var l *library
	var rooms []visit.Room
	gatetest.Each(t, func() gatetest.Config {
		l = &library{place: &place{}, servicing: servicing.New(servicing.Config{})}
		var list []gate.Entry
		list, rooms = l.furnished(func() []*gate.Meta { return gate.Catalogue(list) })
		return gatetest.Config{Operations: list, Vocabulary: l.servicing.Vocabulary}
	}, func(t *testing.T, h *gatetest.House) {
		l.House = h
		front, err := web.New(web.Config{Gate: h.Gate, Directory: h.Directory, Viewing: vantage.Seen, Waiting: l.inbox.Waiting, Log: slog.New(slog.NewTextHandler(&l.log, nil)), Rooms: rooms})
		if err != nil {
			t.Fatal(err)
		}
		l.server = httptest.NewTLSServer(front)
		t.Cleanup(l.server.Close)
		fn(t, l)
	})
}

// furnished gives the operations and the rooms of the house.
func (l *library) furnished(catalogue func() []*gate.Meta) ([]gate.Entry, []visit.Room) {
	staff := people.New(people.Config{Passwords: identity.NewPasswords(), Catalogue: catalogue, Kick: func(*gate.Call) {}})
	limits, sets, books := restrictions.New(restrictions.Config{}), addresses.New(), records.New(records.Config{})
	l.positions = roles.New(roles.Config{Catalogue: catalogue})
	questions := inquiry.New(inquiry.Config{Catalogue: catalogue})
	wishes, views, trials := requests.New(requests.Config{Inquiry: questions}), vantage.New(vantage.Config{Catalogue: catalogue}), rehearsal.New(rehearsal.Config{Catalogue: catalogue})
	file := policyfile.New(policyfile.Config{Roles: l.positions, Restrictions: limits, Addresses: sets, Catalogue: catalogue})
	l.inbox = approval.New(approval.Config{Gate: func() *gate.Gate { return l.Gate }})
	owed, err := privacy.New(privacy.Config{}) // not among this house's operations
	if err != nil {
		panic(err)
	}
	list := slices.Concat(staff.Operations(), l.positions.Operations(), limits.Operations(), sets.Operations(), books.Operations(), questions.Operations(), wishes.Operations(),
		views.Operations(), trials.Operations(), file.Operations(), l.inbox.Operations(), l.servicing.Operations(), visit.Operations())
	return list, []visit.Room{settings.New(), peopleroom.New(staff, l.positions, limits, catalogue), roleroom.New(l.positions, file, catalogue), limitroom.New(limits, holders(staff)),
		askroom.New(askroom.Config{Inquiry: questions, Requests: wishes, Vantage: views, Rehearsal: trials, People: staff, Roles: l.positions, Catalogue: catalogue}),
		approvals.New(l.inbox, catalogue), loans.New(l.servicing, books, documents.New(documents.Config{}), owed), addressroom.New(sets), shelfroom.New(l.servicing.Desk)}
}

// promote makes the person of a role an administrator.
func (l *library) promote(t *testing.T, role string) {
	t.Helper()
	err := l.Write(func(ctx context.Context, tx *db.Tx) error {
		s, err := identity.StaffByID(ctx, tx, l.People[role].ID)
		if err != nil {
			return err
		}
		s.Role = l.Roles[policy.Admin]
		if err := identity.UpdateStaff(ctx, tx, s); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// portfolio makes a portfolio without the screens.
func (l *library) portfolio(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := gatetest.Do(l.House, l.servicing.PortfolioCreate, l.Key(policy.Manager), servicing.NamedCreateIn{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
}

// lend makes a loan in portfolios.
func (l *library) lend(t *testing.T, portfolios ...string) id.Loan {
	t.Helper()
	who, err := gatetest.Do(l.House, l.servicing.BorrowerCreate, l.Key(policy.Manager), servicing.BorrowerCreateIn{FirstName: "Ann", LastName: "Lee", Email: "ann@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	made, err := gatetest.Do(l.House, l.servicing.LoanCreate, l.Key(policy.Manager), servicing.LoanCreateIn{BorrowerID: string(who.ID), Principal: money.Must("1200"), AnnualRate: "0", TermMonths: 12, Portfolios: portfolios})
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

// fields gives what the last form with that action would send as it stands, name
// and value after each other.
func (p *page) fields(action string) (out []string) {
	p.t.Helper()
	found := false
	for n := range p.doc.Descendants() {
		if n.Data != "form" || attr(n, "action") != action {
			continue
		}
		out, found = nil, true
		for c := range n.Descendants() {
			kind := attr(c, "type")
			box := kind == "checkbox" || kind == "radio"
			switch {
			case c.Type != html.ElementNode || attr(c, "name") == "" || c.Data == "button" || box && !has(c, "checked"):
			case c.Data == "input":
				out = append(out, attr(c, "name"), attr(c, "value"))
			case c.Data == "textarea", c.Data == "select":
				out = append(out, attr(c, "name"), p.held(attr(c, "name")))
			}
		}
	}
	if !found {
		p.t.Fatalf("no form goes to %s: %s", action, visible(p.doc))
	}
	return out
}

// links are the addresses that a part of the page leads to, with their words.
func (p *page) links(tag, class string) (out [][2]string) {
	for n := range p.doc.Descendants() {
		if n.Data != tag || attr(n, "class") != class {
			continue
		}
		for a := range n.Descendants() {
			if a.Data == "a" {
				out = append(out, [2]string{attr(a, "href"), visible(a)})
			}
		}
	}
	return out
}
