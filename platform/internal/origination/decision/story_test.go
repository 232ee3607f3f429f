package decision_test

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/geo"
	"github.com/lendkeep/lendkeep/internal/geo/gazetteer"
	"github.com/lendkeep/lendkeep/internal/geo/ipstack"
	"github.com/lendkeep/lendkeep/internal/geo/ipstacktest"
	"github.com/lendkeep/lendkeep/internal/outbound"
	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
	"github.com/lendkeep/lendkeep/platform/internal/origination/network"
)

// The whole way of one address: asked by the real protocol, read, compared with
// an applicant of New York, NY 10001, US, and decided by the rules out of the
// box. Each row is what a lender was promised for that address.
func TestEachAddressOfTheDemoIsDecidedAsPromised(t *testing.T) {
	s := ipstacktest.New("key")
	srv := httptest.NewServer(s)
	defer srv.Close()
	defer s.Close()
	out := outbound.New(outbound.Config{AllowLoopback: true, Timeout: 30 * time.Second})
	defer out.CloseIdle()
	ask := func(addr netip.Addr) geo.Result {
		t.Helper()
		patience := 30 * time.Second
		if addr == netip.MustParseAddr("203.0.113.100") {
			patience = 50 * time.Millisecond // it never answers, so there is nothing to be patient for
		}
		client, err := ipstack.New(ipstack.Config{BaseURL: srv.URL, Key: func() string { return "key" }, Timeout: patience, Use: geo.UseAllowed,
			Out: out, Now: func() int64 { return 1_795_000_000_000_000 }, Public: func(netip.Addr) bool { return true }, QuotaPerAddress: true})
		if err != nil {
			t.Fatal(err)
		}
		return client.Lookup(t.Context(), addr)
	}
	small := gazetteer.Small()
	home := network.Declared{Country: "US", Region: "NY", City: "New York", Postal: "10001"}
	for _, c := range []struct {
		addr, outcome string
		counts        decision.Counts
		reasons       string // codes
		location      string
	}{
		{"203.0.113.10", "proceed", decision.Counts{Used: 3}, "", "match match match match"},
		{"203.0.113.20", "reject", decision.Counts{Used: 3, Met: 1}, "N-01", "match not_assessed not_assessed not_assessed"},
		{"203.0.113.30", "reject", decision.Counts{Used: 3, Met: 1}, "N-02", "match not_assessed not_assessed not_assessed"},
		{"203.0.113.40", "proceed", decision.Counts{Used: 3}, "", "match not_assessed not_assessed not_assessed"},
		{"203.0.113.50", "reject", decision.Counts{Used: 3, Met: 1}, "N-04", "match match match match"},
		{"203.0.113.60", "reject", decision.Counts{Used: 3, Met: 1}, "N-04", "match match match match"},
		{"203.0.113.70", "proceed", decision.Counts{Used: 3}, "", "mismatch mismatch mismatch mismatch"},
		{"203.0.113.80", "manual_review", decision.Counts{Used: 3, Unknown: 3}, "N-01 N-02 N-04", "match match match match"},
		{"203.0.113.90", "manual_review", decision.Counts{Used: 3, Unknown: 3}, "N-00", "unknown unknown unknown unknown"},
		{"203.0.113.100", "manual_review", decision.Counts{Used: 3, Unknown: 3}, "N-00", "unknown unknown unknown unknown"},
		{"203.0.113.110", "manual_review", decision.Counts{Used: 3, Unknown: 3}, "N-00", "unknown unknown unknown unknown"},
		{"2001:db8::10", "proceed", decision.Counts{Used: 3}, "", "match match match match"},
	} {
		m := geo.Merge(ask(netip.MustParseAddr(c.addr)))
		match := network.Compare(home, m.Shown.Location, network.ClassOf(m.Shown), small)
		var in decision.Input
		in.SetFacts(m)
		in.SetLocation(match.Country.Verdict.Tri(), match.Region.Verdict.Tri(), match.City.Verdict.Tri(), match.Postal.Verdict.Tri(),
			match.DistanceKM, match.HasDistance && match.DistanceAssessed, m.LocationUse)
		d := decide(t, decision.Turnkey(), in)
		var codes []string
		for _, r := range d.Reasons {
			codes = append(codes, r.Code)
		}
		location := strings.Join([]string{match.Country.Verdict.String(), match.Region.Verdict.String(), match.City.Verdict.String(), match.Postal.Verdict.String()}, " ")
		if d.Outcome.String() != c.outcome || d.Network != c.counts || strings.Join(codes, " ") != c.reasons || location != c.location {
			t.Errorf("%s: %v %+v %v (%s), want %s %+v %s (%s)", c.addr, d.Outcome, d.Network, codes, location, c.outcome, c.counts, c.reasons, c.location)
		}
	}
}
