package servicing

import (
	"bytes"
	"context"
	"encoding/csv"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// LoanExportIn asks for a list of loans as a file.
type LoanExportIn struct {
	Status        string `query:"status" enum:"active,on_hold,bankruptcy,paid_off,charged_off,closed" required:"false" doc:"Only loans of this status."`
	Portfolio     string `query:"portfolio" maxLength:"100" required:"false" doc:"Only loans in this portfolio: its name or id."`
	SourceCompany string `query:"source_company" maxLength:"100" required:"false" doc:"Only loans of this source company: its name or id."`
	Borrower      string `query:"borrower" maxLength:"40" required:"false" doc:"Only loans of this borrower: the id."`
	Q             string `query:"q" maxLength:"200" required:"false" doc:"As in the list of loans."`
	Sort          string `query:"sort" required:"false" doc:"As in the list of loans."`

	cursor string
}

// Continue implements gate.Continued.
func (in *LoanExportIn) Continue(next string) { in.cursor = next }

func (d *Desk) exportOperations() {
	d.LoanExport = &gate.Op[LoanExportIn, gate.Chunk]{
		Name: "loan.export", Title: "Export loans", Area: "Loans", Screen: "Loans", Method: "GET", Path: "/loans/export",
		Kind: operation.Read, Audit: operation.Looked, Sensitivity: operation.Personal, Permit: gate.ByRole, Roles: "manager",
		Do: d.loanExport,
	}
}

// pagesAPiece is how many pages of a list one piece of an export holds: small
// enough that a revocation stops the export within moments.
const pagesAPiece = 5

// loanExport writes what the list shows, piece by piece, within the caller's
// scope of that moment.
func (d *Desk) loanExport(ctx context.Context, c *gate.Call, in *LoanExportIn) (*gate.Chunk, error) {
	out := &gate.Chunk{File: gate.File{Name: "loans-" + c.Today.String() + ".csv", ContentType: "text/csv; charset=utf-8"}}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if in.cursor == "" {
		_ = w.Write([]string{"number", "status", "portfolios", "source_company", "borrower", "state", "principal_balance", "days_past_due", "next_due", "id"})
	}
	rows := 0
	out.Next = in.cursor
	for range pagesAPiece {
		page, err := d.loanList(ctx, c, &LoanListIn{Status: in.Status, Portfolio: in.Portfolio, SourceCompany: in.SourceCompany, Borrower: in.Borrower,
			Q: in.Q, Sort: in.Sort, Paging: Paging{Cursor: out.Next, Limit: 200}})
		if err != nil {
			return nil, err
		}
		for _, l := range page.Items {
			due := ""
			if !l.NextDue.IsZero() {
				due = l.NextDue.String()
			}
			_ = w.Write([]string{cell(l.Number), l.Status, cell(strings.Join(l.Portfolios, "; ")), cell(l.SourceCompany), cell(l.Borrower.Name), cell(l.State),
				l.PrincipalBalance.String(), strconv.Itoa(l.DaysPastDue), due, string(l.ID)})
		}
		rows += len(page.Items)
		if out.Next = page.Next; out.Next == "" {
			break
		}
	}
	w.Flush() // into memory: cannot fail
	out.Body = b.Bytes()
	c.Detail("rows", strconv.Itoa(rows))
	return out, nil
}

// cell keeps a spreadsheet from taking a text for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
