package house

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/schedule"
)

// board hands an approved application to servicing, in the same transaction:
// the one door from origination to the loans. The contract begins today.
func (h *House) board(ctx context.Context, c *gate.Call, in origination.BoardIn) (id.Loan, error) {
	rate, err := schedule.ParseRate(in.AnnualRate)
	if err != nil {
		return "", fault.Bad("annual_rate", "Give per cent a year between 0 and 100 with at most six decimals, as text.")
	}
	return h.Servicing.Board(ctx, c, servicing.BoardIn{
		Application: in.Application,
		Person: book.Person{First: in.FirstName, Last: in.LastName, Email: in.Email, Phone: in.Phone, Birth: in.DateOfBirth, SSN: in.SSN,
			Address: book.Address{Line1: in.Line1, City: in.City, Region: in.Region, PostalCode: in.PostalCode, Country: in.Country}},
		SourceCompany: string(in.SourceCompany),
		Terms: schedule.Terms{Principal: in.Amount, Rate: rate, Months: in.TermMonths, Contract: c.Today,
			Convention: schedule.Convention(in.Convention)},
	})
}
