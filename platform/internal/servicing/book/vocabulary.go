package book

import (
	"context"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/internal/rule/outline"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Vocabulary gives what search restrictions may speak of, read in the caller's
// transaction because it depends on portfolios, companies and custom fields.
// Loans are alias l, borrowers b, applications a. A loan's borrower is asked by
// the copies on the loan, so that a rule about loans reads one row.
func Vocabulary(ctx context.Context, tx *db.Tx) (policy.Vocabulary, error) {
	portfolios, err := Portfolios(ctx, tx)
	if err != nil {
		return policy.Vocabulary{}, err
	}
	companies, err := Companies(ctx, tx)
	if err != nil {
		return policy.Vocabulary{}, err
	}
	custom, err := CustomFields(ctx, tx)
	if err != nil {
		return policy.Vocabulary{}, err
	}
	loans := append(loanFields(portfolios, companies), customWords(custom)...)
	borrowers := []rule.Field{
		{Name: "borrower.state", Kind: rule.Text, Column: "b.region"},
		{Name: "borrower.country", Kind: rule.Text, Column: "b.country"},
	}
	applications := []rule.Field{
		{Name: "application.status", Kind: rule.Text, Column: "a.status", Known: worded("waiting_for_approval", "manual_review", "approved", "rejected"), Closed: true},
		{Name: "application.amount", Kind: rule.Money, Column: "a.amount"},
		{Name: "application.source_company", Kind: rule.Text, Column: "a.source_company_id", Value: idOf(companies), Known: namesOf(companies)},
		{Name: "application.state", Kind: rule.Text, Column: "a.region"},
	}
	var v policy.Vocabulary
	if v.Loans, err = rule.NewVocabulary(loans...); err != nil {
		return v, err
	}
	if v.Borrowers, err = rule.NewVocabulary(borrowers...); err != nil {
		return v, err
	}
	v.Applications, err = rule.NewVocabulary(applications...)
	return v, err
}

// loanFields are the words that a loan's own row and its portfolios answer. They
// come before custom fields, in the order in which LoanFacts answers them.
func loanFields(portfolios, companies []Named) []rule.Field {
	return []rule.Field{
		{Name: "loan.id", Kind: rule.Text, Column: "l.id"},
		{Name: "loan.number", Kind: rule.Text, Column: "l.number"},
		{Name: "loan.status", Kind: rule.Text, Column: "l.status", Known: worded(Statuses()...), Closed: true},
		{Name: "loan.source_company", Kind: rule.Text, Column: "l.source_company_id", Value: idOf(companies), Known: namesOf(companies)},
		{Name: "loan.portfolios", Kind: rule.TextList, Label: "Portfolio", Column: "EXISTS (SELECT 1 FROM loan_portfolio lp WHERE lp.loan_id = l.id AND lp.portfolio_id %s)", Value: idOf(portfolios), Known: namesOf(portfolios)},
		{Name: "loan.balance", Kind: rule.Money, Column: "l.principal_balance"},
		{Name: "loan.days_past_due", Kind: rule.Int, Column: "l.due_key", DaysSince: true},
		{Name: "loan.opened_on", Kind: rule.Date, Label: "Opening date", Column: "l.opened_on"},
		{Name: "borrower.state", Kind: rule.Text, Column: "l.borrower_region"},
		{Name: "borrower.country", Kind: rule.Text, Column: "l.borrower_country"},
	}
}

// LoanWords are the words of rules that LoanFacts answers.
func LoanWords() []string {
	var out []string
	for _, f := range loanFields(nil, nil) {
		out = append(out, f.Name)
	}
	return out
}

// LoanFacts are a loan's answers to LoanWords, as they are stored.
type LoanFacts struct {
	ID              id.Loan
	Number, Status  string
	Company         string   // the source company's id, "" for none
	Portfolios      []string // ids
	Balance         money.Amount
	DueKey          int64 // the oldest unpaid due date, or far ahead for none
	OpenedOn        civil.Date
	Region, Country string // of the borrower
}

// Row gives the facts as rules match them.
func (f *LoanFacts) Row() rule.Row {
	return rule.Row{{Text: string(f.ID)}, {Text: f.Number}, {Text: f.Status}, {Text: f.Company}, {List: f.Portfolios}, {Int: int64(f.Balance)},
		{Int: f.DueKey}, {Int: int64(f.OpenedOn)}, {Text: f.Region}, {Text: f.Country}}
}

// worded gives stored words as a form offers them: "charged_off" reads "Charged
// off".
func worded(list ...string) []outline.Choice {
	out := make([]outline.Choice, len(list))
	for i, s := range list {
		out[i] = outline.Choice{Value: s, Label: strings.ToUpper(s[:1]) + strings.ReplaceAll(s[1:], "_", " ")}
	}
	return out
}

func namesOf(list []Named) []outline.Choice {
	out := make([]outline.Choice, len(list))
	for i, n := range list {
		out[i] = outline.Choice{Value: n.Name, Label: n.Name}
	}
	return out
}

// idOf translates names as they were when the vocabulary was read.
func idOf(list []Named) func(string) (any, bool) {
	ids := make(map[string]string, len(list))
	for _, n := range list {
		ids[n.Name] = n.ID
	}
	return func(name string) (any, bool) {
		stored, ok := ids[name]
		return stored, ok
	}
}

// customWords gives the public custom fields as words; sealed ones cannot be
// asked. A loan without a value of its own has the field's default.
func customWords(fields []CustomField) []rule.Field {
	kinds := map[string]rule.Kind{"text": rule.Text, "int": rule.Int, "money": rule.Money, "date": rule.Date, "bool": rule.Bool}
	var out []rule.Field
	for _, f := range fields {
		if f.Class != "public" {
			continue
		}
		value := "number"
		if f.Kind == "text" {
			value = "text"
		}
		// The id is letters and digits only: it can stand in the text.
		column := `COALESCE((SELECT cv.` + value + `_value FROM custom_value cv WHERE cv.loan_id = l.id AND cv.field_id = '` + string(f.ID) + `'), (SELECT cf.default_` + value + ` FROM custom_field cf WHERE cf.id = '` + string(f.ID) + `'))`
		out = append(out, rule.Field{Name: "custom." + f.Name, Kind: kinds[f.Kind], Column: column})
	}
	return out
}
