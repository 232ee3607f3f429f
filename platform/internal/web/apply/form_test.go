package apply

import (
	"net/url"
	"strings"
	"testing"
)

func TestAmountsAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]string{"5000": "5000", "$5,000": "5000", " $ 5,000.00 ": "5000.00", "1,250,000.5": "1250000.5", "1,25": "1,25", "12,3456": "12,3456",
		"1234,567": "1234,567", "": "", "-5": "-5", "five": "five", "5000.": "5000."} {
		if got := plainAmount(strings.TrimSpace(text)); got != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	}
}

func TestADraftKeepsWhatTheFormAsksForAndNothingElse(t *testing.T) {
	d := draftOf(url.Values{"applicant.first_name": {"Ada"}, "client.address": {"203.0.113.10"}, "source_company": {"x"}, "applicant.last_name": {strings.Repeat("x", mayType+1)}, onceName: {strings.Repeat("k", 61)}})
	if d.get("applicant.first_name") != "Ada" || d.typed.Has("client.address") || d.typed.Has("source_company") || d.typed.Has("applicant.last_name") || len(d.typed.Get(onceName)) > 60 {
		t.Errorf("%v", d.typed)
	}
}

func TestOnlyTheDemosNetworksCanBeChosen(t *testing.T) {
	for text, want := range map[string]bool{"203.0.113.20": true, "2001:db8::10": true, "8.8.8.8": false, "": false, "203.0.113.020": false} {
		if _, ok := chosenNetwork(text); ok != want {
			t.Errorf("%q: %v", text, ok)
		}
	}
}

func TestACardNumberDoesNotComeBack(t *testing.T) {
	d := draftOf(url.Values{"requested.purpose": {"my card 4111 1111 1111 1111"}, "applicant.first_name": {"Ada"}})
	d.forgetCards()
	if d.get("requested.purpose") != "" || d.get("applicant.first_name") != "Ada" {
		t.Errorf("%v", d.typed)
	}
}
