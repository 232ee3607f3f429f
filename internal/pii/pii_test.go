package pii_test

import (
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/pii"
)

func TestWhatNamesAPersonIsReplaced(t *testing.T) {
	for text, want := range map[string]string{
		"Spoke with ann.lee+1@mail.example.com today": "Spoke with [e-mail] today",
		"SSN 219-09-9999.":                            "SSN [SSN].",
		"219 09 9999":                                 "[SSN]",
		"Call +12125550123 or (212) 555-0123":         "Call [phone] or [phone]",
		"+1 (212) 555-0123, 212-555-0123":             "[phone], [phone]",
		"born 1968-05-27 or 5/27/1968 or 27.05.1968":  "born [date of birth] or [date of birth] or [date of birth]",
		"agent 557-46-3855":                           "agent [SSN]",
		"loan/p42d568f3.qf2ecac@planted-mail.example": "loan/[e-mail]",
	} {
		if got := pii.Mask(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestEverythingElseStays(t *testing.T) {
	for _, text := range []string{
		"", "Promised to pay by 2026-12-01", "Rate 7.35 for 24 months, 5000.00", "Loan 2026-000123 and LN-10045", "202611221530",
		"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.7444.59 Safari/537.36 Edg/142.0.3595.53",
		"loan/ln_01kbmv5q7e8t9w2x3y4z5a6b7c", "2001:db8::10, 198.51.100.200", "219099999", "2125550123", "12/24 payments, 3-5 days, 1+2", "a @ b", "30/360",
	} {
		if got := pii.Mask(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func FuzzMask(f *testing.F) {
	for _, s := range []string{"a@b.c", "219-09-9999", "+1 212 555 0123", "1968-05-27", "\xff+1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := pii.Mask(s)
		if strings.Contains(once, "@") && !strings.Contains(s, "@") {
			t.Errorf("%q became %q", s, once)
		}
	})
}
