package book

import (
	"testing"

	"github.com/lendkeep/lendkeep/internal/rule"
)

// What a page knows of a loan answers the words in the order in which rules ask
// for them; a word between two others would answer for its neighbour.
func TestALoansFactsStandWhereRulesLookForThem(t *testing.T) {
	facts := LoanFacts{ID: "id", Number: "number", Status: "status", Company: "company", Portfolios: []string{"portfolio"}, Balance: 1, DueKey: 2, OpenedOn: 3, Region: "region", Country: "country"}
	row, fields := facts.Row(), loanFields(nil, nil)
	if len(row) != len(fields) {
		t.Fatalf("%d facts for %d words", len(row), len(fields))
	}
	want := map[string]string{"loan.id": "id", "loan.number": "number", "loan.status": "status", "loan.source_company": "company", "loan.portfolios": "portfolio", "borrower.state": "region", "borrower.country": "country"}
	numbers := map[string]int64{"loan.balance": 1, "loan.days_past_due": 2, "loan.opened_on": 3}
	for i, f := range fields {
		got := row[i].Text
		if len(row[i].List) > 0 {
			got = row[i].List[0]
		}
		if got != want[f.Name] || row[i].Int != numbers[f.Name] {
			t.Errorf("%s is answered by %+v", f.Name, row[i])
		}
	}
}

// A loan's status is one of a list, so that a misspelt one is refused; a state, a
// number and whatever else lenders write themselves stay open.
func TestAStatusThatNoLoanHasIsRefused(t *testing.T) {
	words, err := rule.NewVocabulary(loanFields(nil, nil)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range Statuses() {
		if _, err := words.Compile(`loan.status != "` + s + `"`); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	if _, err := words.Compile(`loan.status != "bankrupcy"`); err == nil {
		t.Error("a misspelt status would hide nothing")
	}
	if _, err := words.Compile(`borrower.state != "Nowhere" && loan.number != "L-?"`); err != nil {
		t.Errorf("open values: %v", err)
	}
}
