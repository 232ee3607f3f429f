// Package shelf is the part of the servicing desk that says where loans stand:
// portfolios, source companies and custom fields, and the moves of loans between
// portfolios, one by one and many at once.
//
// Invariants:
//   - All of these are words of search restrictions, so making one, and moving a
//     loan, is a change of access: its own permission, its own audit form, and the
//     sets of visible loans kept in the same transaction.
//   - Loans are found within the caller's scope alone, and what limits withhold
//     stays as it is.
//   - Many loans are moved a chunk at a time, each chunk a call of its own.
//
// It must not know how loans are listed: that is handed in.
package shelf

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/listing"
)

// Config is what the servicing desk hands in; every function is required.
type Config struct {
	// List gives the loans that a filter shows to the caller, by number.
	List func(ctx context.Context, c *gate.Call, f LoanFilter, after *listing.Mark, limit int) (*listing.Page, error)
	// Keep brings visible sets up to date after loans have moved.
	Keep func(ctx context.Context, c *gate.Call, loans ...id.Loan) error
	// Changed is told that the words of restrictions have changed.
	Changed func(c *gate.Call)
}

// Desk holds the operations.
type Desk struct {
	config Config

	PortfolioSet    *gate.Op[PortfolioSetIn, PortfolioSetOut]
	PortfolioMove   *gate.Op[PortfolioMoveIn, PortfolioMoveOut]
	PortfolioList   *gate.Op[NamedListIn, NamedListOut]
	PortfolioCreate *gate.Op[NamedCreateIn, NamedOut]
	CompanyList     *gate.Op[NamedListIn, NamedListOut]
	CompanyCreate   *gate.Op[NamedCreateIn, NamedOut]
	CustomFieldList *gate.Op[NamedListIn, CustomFieldListOut]
	CustomFieldMake *gate.Op[CustomFieldCreateIn, CustomFieldOut]
}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c}
	d.placeOperations()
	d.settingOperations()
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry {
	return []gate.Entry{d.PortfolioSet, d.PortfolioMove, d.PortfolioList, d.PortfolioCreate, d.CompanyList, d.CompanyCreate, d.CustomFieldList, d.CustomFieldMake}
}

// purpose binds the cursor of a move to the caller and the filter.
func purpose(c *gate.Call, f LoanFilter) string {
	b, err := json.Marshal(f)
	if err != nil {
		panic(err) // a struct of texts
	}
	h := sha256.Sum256(b)
	return "cursor loan.portfolio.move " + c.Who.String() + " " + hex.EncodeToString(h[:])
}

func sealed(c *gate.Call, f LoanFilter, m *listing.Mark) string {
	if m == nil {
		return ""
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // a struct of texts and numbers
	}
	return c.Tenant.Ring.SealToken(purpose(c, f), b)
}

func opened(c *gate.Call, f LoanFilter, cursor string) (*listing.Mark, error) {
	if cursor == "" {
		return nil, nil
	}
	m := new(listing.Mark)
	b, err := c.Tenant.Ring.OpenToken(purpose(c, f), cursor)
	if err != nil || json.Unmarshal(b, m) != nil {
		return nil, fault.Bad("cursor", "Take the next of the call before, with the same filter and the same caller, or begin without one.")
	}
	return m, nil
}
