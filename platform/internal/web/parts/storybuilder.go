package parts

import (
	"strings"

	"github.com/lendkeep/lendkeep/internal/rule/outline"
)

// storyField makes a field as a vocabulary would.
func storyField(name, group, label string, kind outline.Kind, known ...string) outline.Field {
	f := outline.Field{Name: name, Group: group, Label: label, Kind: kind, Today: kind == outline.Date, Values: []outline.Choice{}, Compare: outline.Comparisons(kind, false)}
	for _, k := range known {
		f.Values = append(f.Values, outline.Choice{Value: k, Label: capital(strings.ReplaceAll(k, "_", " "))})
	}
	return f
}

func storyVocabulary() []outline.Field {
	return []outline.Field{
		storyField("loan.portfolios", "Loan", "Portfolio", outline.List, "Acme", "Beta", "Gamma", "Denver prime", "Denver near-prime", "Sold 2025", "Warehouse A", "Warehouse B", "Run-off"),
		storyField("loan.status", "Loan", "Status", outline.Text, "active", "on_hold", "bankruptcy", "paid_off", "charged_off", "closed"),
		storyField("loan.number", "Loan", "Number", outline.Text),
		storyField("loan.balance", "Loan", "Balance", outline.Money),
		storyField("loan.days_past_due", "Loan", "Days past due", outline.Whole),
		storyField("loan.opened_on", "Loan", "Opening date", outline.Date),
		storyField("borrower.state", "Borrower", "State", outline.Text),
		storyField("custom.vip", "Custom", "VIP", outline.YesNo),
		storyField("today", "Calendar", "Today’s date", outline.Date),
	}
}

const storyVisible = `loan.portfolios.overlaps(["Acme", "Beta"]) && !(loan.status in ["charged_off"]) &&
(loan.balance >= money("5000.00") || loan.opened_on < date("2026-01-01") || (custom.vip && loan.days_past_due > 30))`

func storyCounted() *Counted {
	return &Counted{Headline: "3,214 of 18,902 loans", Meaning: "neutral", Notes: []string{"Sam Ortiz ends up with 1,120 loans, with “Not in bankruptcy”."},
		Columns: []string{"Loan", "Borrower", "Status"}, Rows: [][]string{{"LN-1042", "Ann Lee", "active"}, {"LN-1043", longName, "on_hold"}}}
}
