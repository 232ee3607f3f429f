package gazetteer_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/geo/gazetteer"
)

func TestTheSmallTableServesTheDemo(t *testing.T) {
	g := gazetteer.Small()
	if g.Rows() < 60 {
		t.Errorf("only %d rows", g.Rows())
	}
	p, ok := g.Postal("US", "10001-2345")
	if !ok || p.City != "New York" || p.Region != "NY" {
		t.Fatalf("10001: %+v %v", p, ok)
	}
	for _, c := range [][3]string{{"US", "NJ", "Newark"}, {"US", "CA", "LOS ANGELES"}, {"US", "IL", "Chicago"}, {"US", "TX", "Houston"}, {"US", "AZ", "Phoenix"},
		{"US", "PA", "Philadelphia"}, {"CA", "ON", "Toronto"}, {"GB", "ENG", "London"}, {"GB", "", "London"}, {"DE", "BY", "München"}, {"US", "NY", "nyc"}, {"US", "MO", "St. Louis"}} {
		if _, ok := g.City(c[0], c[1], c[2]); !ok {
			t.Errorf("no point for %v", c)
		}
	}
	if _, ok := g.City("US", "NY", "Gotham"); ok {
		t.Error("a town that is not there was found")
	}
	if _, ok := (*gazetteer.Gazetteer)(nil).Postal("US", "10001"); ok {
		t.Error("no gazetteer found a place")
	}
}

func TestFaultyFilesNameTheLine(t *testing.T) {
	const good = "US\t10001\tNew York\tNew York\tNY\t\t\t\t\t40.75\t-73.99\t4\n"
	for text, want := range map[string]error{
		good + "US\t10002\n":                                  gazetteer.ErrColumns,
		good + strings.Replace(good, "40.75", "north", 1):     gazetteer.ErrPoint,
		good + strings.Replace(good, "40.75", "NaN", 1):       gazetteer.ErrPoint,
		good + strings.Replace(good, "-73.99", "-273.99", 1):  gazetteer.ErrPoint,
		good + strings.Replace(good, "US\t", "United\t", 1):   gazetteer.ErrCountry,
		good + strings.Replace(good, "US\t100", "us\t100", 1): gazetteer.ErrCountry,
	} {
		_, err := gazetteer.Load(strings.NewReader(text))
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: %v, want %v at line 2", text, err, want)
		}
	}
	if _, err := gazetteer.Load(strings.NewReader(strings.Repeat("x", 1<<20))); err == nil {
		t.Error("an endless line was read")
	}
	g, err := gazetteer.Load(strings.NewReader("# note\n\n" + strings.TrimSuffix(strings.Replace(good, "\n", "\r\n", 1), "\n")))
	if err != nil || g.Rows() != 1 {
		t.Errorf("comments, blank lines and CR: %v", err)
	}
}

func TestATownOfManyCodesLiesInTheirMiddleAndASharedNameNowhere(t *testing.T) {
	row := func(code, region, lat string) string {
		return "US\t" + code + "\tSpringfield\t" + region + "\t" + region + "\t\t\t\t\t" + lat + "\t-90\t4\n"
	}
	g, err := gazetteer.Load(strings.NewReader(row("62701", "IL", "39") + row("62702", "IL", "41") + row("65801", "MO", "37")))
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := g.City("US", "IL", "springfield"); p.Lat != 40 {
		t.Errorf("middle of two codes: %v", p.Lat)
	}
	if _, ok := g.City("US", "", "Springfield"); ok {
		t.Error("a name of two states was found without its state")
	}
}

func TestDistanceAgainstKnownPairs(t *testing.T) {
	for _, c := range []struct{ lat1, lon1, lat2, lon2, want float64 }{
		{0, 0, 0, 0, 0},
		{0, 0, 0, 90, math.Pi / 2 * 6371.0088},
		{90, 0, -90, 0, math.Pi * 6371.0088},
		{40.7128, -74.0060, 51.5074, -0.1278, 5570}, // New York to London
		{0, 179.5, 0, -179.5, 111.2},                // across the date line
	} {
		if got := gazetteer.DistanceKM(c.lat1, c.lon1, c.lat2, c.lon2); math.Abs(got-c.want) > 1+c.want/1000 {
			t.Errorf("%v: %.1f km, want %.1f", c, got, c.want)
		}
	}
}

func TestNamesFold(t *testing.T) {
	for in, want := range map[string]string{
		"São Paulo": "sao paulo", "ÖREBRO": "orebro", "St. Louis": "saint louis", "Saint-Étienne": "saint etienne",
		"Ft. Worth": "fort worth", "Coeur d’Alene": "coeur dalene", "Łódź": "lodz", "Straße": "strasse", "København": "kobenhavn",
		"New  York": "new york", "ＴＯＫＹＯ": "tokyo", "": "", "...": "",
	} {
		if got := gazetteer.Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
	for a, b := range map[string]string{"München": "Munich", "Muenchen": "Munich", "Brooklyn": "New York City", "Bath Beach": "New York", "Islington": "London", "Den Haag": "The Hague", "Wien": "Vienna"} {
		if gazetteer.Canonical(a) != gazetteer.Canonical(b) {
			t.Errorf("%s and %s are not one town: %q, %q", a, b, gazetteer.Canonical(a), gazetteer.Canonical(b))
		}
	}
	if gazetteer.Canonical("Newark") == gazetteer.Canonical("New York") {
		t.Error("Newark became New York")
	}
}

func TestPostalCodesAreBroughtToTheirMappedPart(t *testing.T) {
	for _, c := range [][3]string{
		{"US", "10001-1234", "10001"}, {"US", "01230", "01230"}, {"US", " 100 01", "10001"}, {"US", "1000A", ""}, {"US", "12", ""},
		{"GB", "EC3R 7BH", "EC3R"}, {"GB", "ec3r", "EC3R"}, {"GB", "M1 1AE", "M1"}, {"GB", "12345", ""}, {"GB", "London", ""},
		{"CA", "M5V 3L9", "M5V"}, {"CA", "m5v", "M5V"}, {"CA", "55V", ""}, {"CA", "M5V3L9X", ""},
		{"NL", "1012 AB", "1012"}, {"NL", "AB12", ""}, {"PT", "1000-001", "1000"}, {"BR", "01001-000", "01001"}, {"IE", "D02 AF30", "D02"},
		{"AR", "C1000AAA", "1000"}, {"SE", "703 53", "70353"}, {"DE", "60311", "60311"}, {"DE", "60311;--", ""}, {"US", "", ""},
	} {
		if got := gazetteer.PostalKey(c[0], c[1]); got != c[2] {
			t.Errorf("PostalKey(%s, %q) = %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("US\t10001\tNew York\tNew York\tNY\t\t\t\t\t40.75\t-73.99\t4\n")
	f.Add("# x\nGB\tEC3R\tLondon\tEngland\tENG\t\t\t\t\t51\t0\n")
	f.Fuzz(func(t *testing.T, s string) {
		g, err := gazetteer.Load(strings.NewReader(s))
		if (g == nil) == (err == nil) {
			t.Fatalf("neither or both: %v %v", g, err)
		}
		if k := gazetteer.PostalKey("GB", s); len(k) > 4 {
			t.Fatalf("key %q", k)
		}
		if n := gazetteer.Fold(s); !utf8.ValidString(n) || strings.Contains(n, "  ") {
			t.Fatalf("folded %q", n)
		}
	})
}
