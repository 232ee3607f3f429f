package house

import (
	"context"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

// sealedFor says under whose key the documents of a subject lie: a borrower's, that
// of the borrower of a loan, or an applicant's. The subject is read in the scope of
// the call, and a limit that keeps its page from the caller keeps its documents too.
func (h *House) sealedFor(ctx context.Context, c *gate.Call, subject string) (string, error) {
	noun, ref, _ := strings.Cut(subject, "/")
	var person string
	view := h.Servicing.LoanView.Meta()
	switch noun {
	case "loan":
		l, err := book.LoanByID(ctx, c.Tx, c.Scope, ref)
		if err != nil {
			return "", err
		}
		person = string(l.Borrower)
	case "borrower":
		b, err := book.BorrowerByID(ctx, c.Tx, c.Scope, ref)
		if err != nil {
			return "", err
		}
		person, view = string(b.ID), h.Servicing.BorrowerView.Meta()
	case "application":
		a, err := docket.ByID(ctx, c.Tx, c.Scope, id.Application(ref))
		if err != nil {
			return "", err
		}
		person, view = a.Person(), h.Origination.View.Meta()
	default:
		return "", fault.Missing("document")
	}
	l, err := c.LimitOf(ctx, c.Subject(), c.Scope, view, subject)
	if err != nil || l == nil {
		return person, err
	}
	f := fault.New(fault.Denied, "limit_too_low", "Your search restriction hides this, and its documents with it.")
	if l.Message != "" {
		f.Message = l.Message
	}
	return "", f
}
