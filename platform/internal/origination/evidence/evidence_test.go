package evidence_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/platform/internal/origination/evidence"
)

func sample(rules int) *evidence.Document {
	d := &evidence.Document{Lender: "Acme", Made: "2026-11-22T12:00:00Z", MadeFor: "Una Underwriter", Class: evidence.Class, NoticeDue: "2026-12-22",
		Application: evidence.Application{ID: "ap_1", Number: "A-1042", Applicant: "Łucja Þórðardóttir 李", Place: "New York, NY 10001, US", Amount: "5000.00", TermMonths: 24, Received: "2026-11-22T11:59:00Z", Channel: "site", Status: "rejected"},
		Check:       evidence.Check{State: "done", Address: "203.0.113.0/24", ChosenBy: "first_untrusted", RawHash: strings.Repeat("ab", 32), Facts: []evidence.Fact{{Name: "Proxy", Value: "detected"}}},
		Rules:       evidence.Rules{Version: 3, By: "Adam Admin", At: "2026-11-01T00:00:00Z"}}
	d.Decision = evidence.Decision{Outcome: "reject", Automatic: true, Met: 1, Used: 3, Reasons: []string{"Your application was sent through a proxy."}}
	for range rules {
		d.Decision.Rules = append(d.Decision.Rules, evidence.Rule{Title: "Proxy", Code: "N-01", Enabled: true, Result: "hit", Action: "automatic_rejection", Taken: "automatic_rejection", Inputs: strings.Repeat("a long text ", 20)})
	}
	return d
}

func TestEqualDocumentsGiveEqualFiles(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	a, err := sample(3).PDF(at)
	if err != nil {
		t.Fatal(err)
	}
	b, err := sample(3).PDF(at)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("two drawings of one document differ")
	}
	if keep := os.Getenv("LENDKEEP_TEST_KEEP_PDF"); keep != "" {
		if err := os.WriteFile(keep, a, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestALongDocumentHasMorePages(t *testing.T) {
	out, err := sample(120).PDF(time.Unix(0, 0).UTC())
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(out, []byte("/Type /Page\n")); n < 5 {
		t.Errorf("%d pages", n)
	}
}
