package network_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lendkeep/lendkeep/internal/geo"
	"github.com/lendkeep/lendkeep/internal/geo/gazetteer"
	"github.com/lendkeep/lendkeep/platform/internal/origination/network"
)

var small = gazetteer.Small()

var home = network.Declared{Country: "US", Region: "NY", City: "New York", Postal: "10001"}

func at(country, region, name, city, postal string) geo.Location {
	return geo.Location{Country: country, Region: region, RegionName: name, City: city, Postal: postal}
}

func verdicts(m network.Match) string {
	return strings.Join([]string{m.Country.Verdict.String(), m.Region.Verdict.String(), m.City.Verdict.String(), m.Postal.Verdict.String()}, " ")
}

func TestEachLevelIsComparedOnItsOwn(t *testing.T) {
	ny := at("US", "NY", "New York", "New York", "10001")
	for _, c := range []struct {
		name     string
		declared network.Declared
		found    geo.Location
		want     string
	}{
		{"all the same", home, ny, "match match match match"},
		{"names for codes", network.Declared{Country: "United States", Region: "New York", City: "new york city", Postal: "10001-0042"}, ny, "match match match match"},
		{"ISO 3166-2 in full", network.Declared{Country: "USA", Region: "US-NY", City: "NEW YORK", Postal: "10001"}, ny, "match match match match"},
		{"the source has only the name", home, at("US", "", "New York", "New York", "10001"), "match match match match"},
		{"a part of the town", home, at("US", "NY", "New York", "Bath Beach", "11201"), "match match match mismatch"},
		{"next town, next state", home, at("US", "NJ", "New Jersey", "Newark", "07102"), "match mismatch mismatch mismatch"},
		{"same name, other state", network.Declared{Country: "US", Region: "OR", City: "Portland"}, at("US", "ME", "Maine", "Portland", "04101"), "match mismatch mismatch unknown"},
		{"another country", home, at("RO", "B", "Bucharest", "Bucharest", "010011"), "mismatch mismatch mismatch mismatch"},
		{"nothing found", home, geo.Location{}, "unknown unknown unknown unknown"},
		{"nothing declared", network.Declared{}, ny, "unknown unknown unknown unknown"},
		{"only the country found", home, at("US", "", "", "", ""), "match unknown unknown unknown"},
		{"a country nobody knows", network.Declared{Country: "Atlantis", Region: "NY", City: "New York", Postal: "10001"}, ny, "unknown unknown unknown unknown"},
		{"a leading zero", network.Declared{Country: "US", Region: "MA", City: "Great Barrington", Postal: "01230"}, at("US", "MA", "Massachusetts", "Great Barrington", "01230"), "match match match match"},
		{"Saint and St.", network.Declared{Country: "US", Region: "Missouri", City: "St. Louis", Postal: "63101"}, at("US", "MO", "Missouri", "Saint Louis", "63101"), "match match match match"},
		{"Montana is no mountain", network.Declared{Country: "US", Region: "MT", City: "Helena"}, at("US", "MT", "Montana", "Helena", ""), "match match match unknown"},
		{"Puerto Rico as a state", network.Declared{Country: "US", Region: "PR", City: "San Juan", Postal: "00901"}, at("PR", "", "", "San Juan", "00901"), "match unknown match match"},
		{"London by county code", network.Declared{Country: "GB", Region: "LND", City: "London", Postal: "EC3R 7BH"}, at("GB", "ENG", "England", "Islington", "EC3R"), "match match match match"},
		{"the UK, without a region", network.Declared{Country: "UK", City: "London", Postal: "ec3r7bh"}, at("GB", "ENG", "England", "London", "EC3"), "match unknown match match"},
		{"E14 is not E1", network.Declared{Country: "GB", City: "London", Postal: "E14 5AB"}, at("GB", "ENG", "England", "London", "E1"), "match unknown match mismatch"},
		{"Scotland is not England", network.Declared{Country: "GB", Region: "Scotland", City: "Edinburgh", Postal: "EH1 1YZ"}, at("GB", "ENG", "England", "Manchester", "M1"), "match mismatch mismatch mismatch"},
		{"Munich in its own tongue", network.Declared{Country: "DE", Region: "Bayern", City: "München", Postal: "80331"}, at("DE", "BY", "Bavaria", "Munich", "80331"), "match match match match"},
		{"Munich without its dots", network.Declared{Country: "DE", Region: "BY", City: "Muenchen", Postal: "80331"}, at("DE", "BY", "Bavaria", "München", "80331"), "match match match match"},
		{"Frankfurt and its river", network.Declared{Country: "DE", City: "Frankfurt", Postal: "60311"}, at("DE", "HE", "Hesse", "Frankfurt am Main", "60311"), "match unknown match match"},
		{"two rivers, two towns", network.Declared{Country: "DE", City: "Frankfurt an der Oder"}, at("DE", "HE", "Hesse", "Frankfurt am Main", ""), "match unknown mismatch unknown"},
		{"Canada by its first three", network.Declared{Country: "CA", Region: "Ontario", City: "Toronto", Postal: "M5V 3L9"}, at("CA", "ON", "Ontario", "Toronto", "M5V"), "match match match match"},
		{"the Netherlands by four digits", network.Declared{Country: "NL", City: "Amsterdam", Postal: "1012 AB"}, at("NL", "NH", "North Holland", "Amsterdam", "1012"), "match unknown match match"},
		{"a shorter code of the source", network.Declared{Country: "SE", City: "Örebro", Postal: "703 53"}, at("SE", "T", "Örebro", "Orebro", "703"), "match unknown match match"},
		{"another script is no mismatch", network.Declared{Country: "CN", City: "漳州", Postal: "363000"}, at("CN", "FJ", "Fujian", "Zhangzhou", "363000"), "match unknown unknown match"},
		{"no table: equal names", network.Declared{Country: "FR", Region: "Île-de-France", City: "Paris", Postal: "75001"}, at("FR", "IDF", "Ile-de-France", "Paris", "75001"), "match match match match"},
		{"no table: different names prove nothing", network.Declared{Country: "FR", Region: "Bretagne", City: "Rennes"}, at("FR", "BRE", "Brittany", "Rennes", ""), "match unknown match unknown"},
		{"no table: codes", network.Declared{Country: "BR", Region: "SP", City: "Sao Paulo"}, at("BR", "RJ", "Rio de Janeiro", "Rio de Janeiro", ""), "match mismatch mismatch unknown"},
		{"a postal code of nowhere", network.Declared{Country: "US", Region: "NY", City: "New York", Postal: "EC3R"}, ny, "match match match unknown"},
	} {
		m := network.Compare(c.declared, c.found, network.PathFixed, small)
		if got := verdicts(m); got != c.want {
			t.Errorf("%s: %s, want %s\n%+v", c.name, got, c.want, m)
		}
	}
}

func TestABlurredPathIsNotAssessedBelowTheCountry(t *testing.T) {
	far := at("US", "CA", "California", "Los Angeles", "90012")
	for _, p := range []network.PathClass{network.PathMobile, network.PathSatellite, network.PathRelay, network.PathHidden, network.PathHosting, network.PathShared} {
		m := network.Compare(home, far, p, small)
		if got := verdicts(m); got != "match not_assessed not_assessed not_assessed" {
			t.Errorf("%v: %s", p, got)
		}
		if m.DistanceAssessed || m.Warn() || m.Region.How == "" {
			t.Errorf("%v: %+v", p, m)
		}
		if got := network.Compare(home, at("RO", "B", "", "", ""), p, small).Country.Verdict; got != network.Mismatch {
			t.Errorf("%v: the country became %v", p, got)
		}
	}
	for _, p := range []network.PathClass{network.PathFixed, network.PathUnknown} {
		if m := network.Compare(home, far, p, small); verdicts(m) != "match mismatch mismatch mismatch" || !m.Warn() || !m.DistanceAssessed {
			t.Errorf("%v: %+v", p, m)
		}
	}
}

func TestThePathIsReadFromTheFacts(t *testing.T) {
	for _, c := range []struct {
		f    geo.Facts
		want network.PathClass
	}{
		{geo.Facts{}, network.PathUnknown},
		{geo.Facts{RoutingType: "fixed", ConnectionType: "tx"}, network.PathFixed},
		{geo.Facts{RoutingType: "unknown"}, network.PathUnknown},
		{geo.Facts{RoutingType: "mobile gateway"}, network.PathMobile},
		{geo.Facts{RoutingType: "fixed", ConnectionType: "mobile wireless"}, network.PathMobile},
		{geo.Facts{ConnectionType: "consumer satellite"}, network.PathSatellite},
		{geo.Facts{RoutingType: "satellite"}, network.PathSatellite},
		{geo.Facts{RoutingType: "regional proxy"}, network.PathHidden},
		{geo.Facts{RoutingType: "superpop"}, network.PathShared},
		{geo.Facts{Proxy: geo.Detected, RoutingType: "fixed"}, network.PathHidden},
		{geo.Facts{Tor: geo.Detected}, network.PathHidden},
		{geo.Facts{Proxy: geo.NotDetected, Tor: geo.NotDetected, RoutingType: "fixed"}, network.PathFixed},
		{geo.Facts{Hosting: geo.Detected, RoutingType: "fixed"}, network.PathHosting},
		{geo.Facts{Proxy: geo.Detected, VPNService: "iCloud Private Relay"}, network.PathRelay},
	} {
		if got := network.ClassOf(c.f); got != c.want {
			t.Errorf("%+v: %v, want %v", c.f, got, c.want)
		}
	}
}

func TestDistanceIsToTheEdgeOfTheArea(t *testing.T) {
	la := geo.Location{Country: "US", Region: "CA", City: "Los Angeles", Lat: 34.061, Lon: -118.239, HasPoint: true}
	m := network.Compare(home, la, network.PathFixed, small)
	if !m.HasDistance || math.Abs(m.DistanceKM-3940) > 20 {
		t.Errorf("New York to Los Angeles: %+v", m)
	}
	la.RadiusKM = 143.4
	if less := network.Compare(home, la, network.PathFixed, small); math.Abs(m.DistanceKM-less.DistanceKM-143.4) > 1e-9 || !strings.Contains(less.DistanceHow, "143 km") {
		t.Errorf("the radius was not taken off: %+v", less)
	}
	near := geo.Location{Country: "US", Lat: 40.76, Lon: -73.98, HasPoint: true, RadiusKM: 8}
	if m := network.Compare(home, near, network.PathFixed, small); !m.HasDistance || m.DistanceKM != 0 {
		t.Errorf("within the area: %+v", m)
	}
	if m := network.Compare(home, at("US", "IL", "Illinois", "Chicago", "60601"), network.PathFixed, small); !m.HasDistance || math.Abs(m.DistanceKM-1145) > 15 {
		t.Errorf("a source without a point: %+v", m)
	}
	for name, m := range map[string]network.Match{
		"no gazetteer":            network.Compare(home, la, network.PathFixed, nil),
		"declared place unknown":  network.Compare(network.Declared{Country: "US", City: "Gotham", Postal: "99999"}, la, network.PathFixed, small),
		"source without anything": network.Compare(home, geo.Location{Country: "US"}, network.PathFixed, small),
	} {
		if m.HasDistance || m.DistanceHow == "" {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestAcrossANearBorderDistanceCountsForMore(t *testing.T) {
	detroit := network.Declared{Country: "US", Region: "MI", City: "Detroit", Postal: "48226"}
	windsor := geo.Location{Country: "CA", Region: "ON", RegionName: "Ontario", City: "Windsor", Postal: "N9A", Lat: 42.313, Lon: -83.036, HasPoint: true}
	if m := network.Compare(detroit, windsor, network.PathFixed, small); verdicts(m) != "match not_assessed not_assessed not_assessed" || m.DistanceKM > 5 {
		t.Errorf("Detroit and Windsor: %+v", m)
	}
	windsor.RadiusKM = 400
	if m := network.Compare(detroit, windsor, network.PathFixed, small); m.Country.Verdict != network.Mismatch {
		t.Errorf("an area of 400 km proves no nearness: %+v", m)
	}
	toronto := geo.Location{Country: "CA", Region: "ON", City: "Toronto", Lat: 43.64, Lon: -79.397, HasPoint: true}
	if m := network.Compare(detroit, toronto, network.PathFixed, small); m.Country.Verdict != network.Mismatch {
		t.Errorf("Detroit and Toronto: %+v", m)
	}
}

func TestTheMatchIsStoredInWords(t *testing.T) {
	b, err := json.Marshal(network.Compare(home, at("RO", "B", "Bucharest", "Bucharest", "010011"), network.PathHidden, small))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"country":{"verdict":"mismatch","declared":"US","found":"RO"`, `"region":{"verdict":"not_assessed"`, `"path":"vpn"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
	var back network.Match
	if err := json.Unmarshal(b, &back); err != nil || back.Country.Verdict != network.Mismatch || back.Path != network.PathHidden {
		t.Errorf("%v %+v", err, back)
	}
	if json.Unmarshal([]byte(`{"path":"air"}`), &back) == nil || json.Unmarshal([]byte(`{"city":{"verdict":"no"}}`), &back) == nil {
		t.Error("words that are none were read")
	}
}

// Whatever is written and whatever a source says: a mismatch needs two known
// values, and an address compared with itself never mismatches.
func TestAMismatchNeedsTwoKnownValues(t *testing.T) {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "US", "GB", "NY", "New York", "10001", "EC3R 7BH", "St", "Москва", "DE"}), rapid.StringN(0, 8, 40))
	rapid.Check(t, func(t *rapid.T) {
		d := network.Declared{Country: text.Draw(t, "country"), Region: text.Draw(t, "region"), City: text.Draw(t, "city"), Postal: text.Draw(t, "postal")}
		f := geo.Location{Country: text.Draw(t, "c"), Region: text.Draw(t, "r"), RegionName: text.Draw(t, "n"), City: text.Draw(t, "ci"), Postal: text.Draw(t, "p")}
		path := network.PathClass(rapid.IntRange(0, 7).Draw(t, "path"))
		m := network.Compare(d, f, path, small)
		for _, l := range []network.Level{m.Country, m.Region, m.City, m.Postal} {
			if (l.Verdict == network.Mismatch || l.Verdict == network.Same) && (l.Declared == "" || l.Found == "") {
				t.Fatalf("a verdict from nothing: %+v", m)
			}
			if l.How == "" {
				t.Fatalf("a verdict without words: %+v", m)
			}
		}
		same := geo.Location{Country: d.Country, Region: d.Region, City: d.City, Postal: d.Postal}
		if self := network.Compare(d, same, path, small); self.Warn() {
			t.Fatalf("an address differs from itself: %+v", self)
		}
	})
}

func TestVerdictsAsEvidence(t *testing.T) {
	for v, want := range map[network.Verdict]geo.Tri{network.Same: geo.NotDetected, network.Mismatch: geo.Detected, network.Unknown: geo.Unknown, network.NotAssessed: geo.Unknown} {
		if got := v.Tri(); got != want {
			t.Errorf("%v: %v, want %v", v, got, want)
		}
	}
}
