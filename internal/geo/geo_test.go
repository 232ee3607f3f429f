package geo_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lendkeep/lendkeep/internal/geo"
)

func TestNothingSetIsUnknownAndNeverClean(t *testing.T) {
	var f geo.Facts
	if f.Proxy != geo.Unknown || f.Tor != geo.Unknown || f.Crawler != geo.Unknown || f.Threat != geo.ThreatUnknown {
		t.Errorf("the zero facts claim something: %+v", f)
	}
	var r geo.Result
	if r.State != geo.NotConfigured || r.Use != geo.UseUnknown {
		t.Errorf("the zero result claims an answer or a cleared use: %+v", r)
	}
}

func TestFactsKeepTheirMeaningThroughJSON(t *testing.T) {
	in := geo.Result{Source: "ipstack", Version: "api.example", At: 1_700_000_000_000_000, RawHash: "ab", State: geo.Answered, Use: geo.UseAllowed,
		Facts: geo.Facts{Proxy: geo.Detected, Tor: geo.NotDetected, Threat: geo.ThreatHigh, Hosting: geo.Detected, ProxyType: "vpn",
			ThreatTypes: []string{"attack_source"}, ASN: 64496, ISP: "Sample", TimeZone: "America/New_York",
			Location: geo.Location{Country: "US", Region: "NY", City: "New York", Postal: "01230", Lat: 40.75, Lon: -73.99, HasPoint: true, RadiusKM: 30.01}}}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"proxy":"detected"`, `"tor":"not_detected"`, `"crawler":"unknown"`, `"threat_level":"high"`, `"decision_use":"allowed"`, `"state":"answered"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("JSON lacks %s: %s", want, b)
		}
	}
	var out geo.Result
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(in, out); d != "" {
		t.Errorf("round trip changed the result:\n%s", d)
	}
	for _, bad := range []string{`{"proxy":"no"}`, `{"threat_level":"extreme"}`, `{"proxy":true}`} {
		if json.Unmarshal([]byte(bad), &geo.Facts{}) == nil {
			t.Errorf("%s was read as facts", bad)
		}
	}
}

func TestForeignTextIsMadeSafe(t *testing.T) {
	for in, want := range map[string]string{
		"New\x00 York\n":          "New York",
		"\u202egnp.exe\u2066":     "gnp.exe",
		"  a \t b  ":              "a b",
		"Z\xff\xfeürich":          "Zürich",
		strings.Repeat("é", 500):  strings.Repeat("é", 120),
		"\x1b[31mred\x1b[0m":      "[31mred[0m",
		"":                        "",
		"\u200b\u200d":            "",
		strings.Repeat("a ", 300): strings.TrimSpace(strings.Repeat("a ", 60)),
	} {
		if got := geo.Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSenselessNumbersAreDropped(t *testing.T) {
	for _, l := range []geo.Location{
		{Lat: math.NaN(), Lon: 1, HasPoint: true}, {Lat: 91, Lon: 0, HasPoint: true}, {Lat: 1, Lon: math.Inf(-1), HasPoint: true}, {Lat: 40, Lon: 70},
	} {
		if got := (geo.Facts{Location: l}).Bounded().Location; got.HasPoint || got.Lat != 0 || got.Lon != 0 {
			t.Errorf("%+v kept a point: %+v", l, got)
		}
	}
	for _, km := range []float64{-1, math.NaN(), math.Inf(1), 50_000} {
		if got := (geo.Facts{Location: geo.Location{RadiusKM: km}}).Bounded().Location.RadiusKM; got != 0 {
			t.Errorf("radius %v was kept as %v", km, got)
		}
	}
	if got := (geo.Facts{Location: geo.Location{Country: "U5"}}).Bounded().Location.Country; got != "" {
		t.Errorf("a country that is no code was kept: %q", got)
	}
	if got := (geo.Facts{ASN: -7}).Bounded().ASN; got != 0 {
		t.Errorf("a negative network number was kept: %d", got)
	}
}

func TestBoundedIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := geo.Facts{CrawlerName: rapid.String().Draw(t, "name"), ISP: rapid.String().Draw(t, "isp"),
			ThreatTypes: rapid.SliceOf(rapid.String()).Draw(t, "types"),
			Location: geo.Location{Country: rapid.StringN(0, 3, 8).Draw(t, "country"), City: rapid.String().Draw(t, "city"),
				Lat: rapid.Float64().Draw(t, "lat"), Lon: rapid.Float64().Draw(t, "lon"), HasPoint: rapid.Bool().Draw(t, "point"), RadiusKM: rapid.Float64().Draw(t, "km")}}
		once := f.Bounded()
		if d := cmp.Diff(once, once.Bounded()); d != "" {
			t.Fatalf("a second time changes more:\n%s", d)
		}
		if n := len([]rune(once.CrawlerName)); n > 120 {
			t.Fatalf("a text of %d characters was kept", n)
		}
	})
}

func answered(use geo.Use, f geo.Facts) geo.Result {
	return geo.Result{State: geo.Answered, Use: use, Facts: f}
}

func TestAnySourceThatDetectsWins(t *testing.T) {
	clean := geo.Facts{Proxy: geo.NotDetected, Tor: geo.NotDetected, Threat: geo.ThreatLow}
	found := geo.Facts{Proxy: geo.Detected, ProxyType: "vpn", Tor: geo.Unknown, Threat: geo.ThreatHigh, ThreatTypes: []string{"tor"}}
	for _, order := range [][]geo.Result{
		{answered(geo.UseAllowed, clean), answered(geo.UseAllowed, found)},
		{answered(geo.UseAllowed, found), answered(geo.UseAllowed, clean)},
	} {
		m := geo.Merge(order...)
		if m.Allowed.Proxy != geo.Detected || m.Allowed.ProxyType != "vpn" || m.Allowed.Threat != geo.ThreatHigh || m.Allowed.Tor != geo.NotDetected {
			t.Errorf("merged: %+v", m.Allowed)
		}
	}
}

func TestADisplayOnlySourceIsShownButNotCleared(t *testing.T) {
	for _, use := range []geo.Use{geo.UseDisplayOnly, geo.UseUnknown} {
		m := geo.Merge(answered(geo.UseAllowed, geo.Facts{Proxy: geo.NotDetected, Threat: geo.ThreatMedium}),
			answered(use, geo.Facts{Proxy: geo.Detected, Threat: geo.ThreatHigh, Location: geo.Location{Country: "US"}}))
		if m.Shown.Proxy != geo.Detected || m.Allowed.Proxy != geo.NotDetected {
			t.Errorf("%v: proxy shown %v, allowed %v", use, m.Shown.Proxy, m.Allowed.Proxy)
		}
		if m.Shown.Threat != geo.ThreatHigh || m.Allowed.Threat != geo.ThreatMedium {
			t.Errorf("%v: threat shown %v, allowed %v", use, m.Shown.Threat, m.Allowed.Threat)
		}
		if m.LocationUse != use {
			t.Errorf("%v: the location passes as %v", use, m.LocationUse)
		}
	}
}

func TestAFailedSourceAddsNothingButItsCount(t *testing.T) {
	lying := geo.Result{State: geo.Failed, Use: geo.UseAllowed, Facts: geo.Facts{Proxy: geo.Detected, Tor: geo.NotDetected, Location: geo.Location{Country: "US"}}}
	m := geo.Merge(lying, geo.Result{State: geo.NotConfigured})
	if m.Failed != 1 || m.Answered != 0 {
		t.Errorf("counts: %d failed, %d answered", m.Failed, m.Answered)
	}
	if d := cmp.Diff(geo.Facts{}, m.Shown); d != "" {
		t.Errorf("facts of a failed source got through:\n%s", d)
	}
}

func TestALocationComesWholeFromAClearedSourceFirst(t *testing.T) {
	m := geo.Merge(
		answered(geo.UseDisplayOnly, geo.Facts{Location: geo.Location{Country: "RO", City: "Bucharest"}}),
		answered(geo.UseAllowed, geo.Facts{Location: geo.Location{Country: "US", Region: "NY"}}))
	if got := m.Shown.Location; got.Country != "US" || got.City != "" || m.LocationUse != geo.UseAllowed {
		t.Errorf("location %+v, use %v", got, m.LocationUse)
	}
}
