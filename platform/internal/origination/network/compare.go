package network

import (
	"strings"
	"unicode"

	"github.com/lendkeep/lendkeep/internal/geo/gazetteer"
)

// place is one side of the comparison, brought to codes and folded names.
type place struct {
	country    string // alpha-2, "" when not known
	region     string // code, "" when it is not one that we know
	regionText string // folded, as written
	regionName string // folded; the source's name for it
	city       string // as written
	postal     string // as written
}

// settle brings an address to codes. The territories of the United States have
// a country code of their own, under which sources file them.
func settle(d Declared) place {
	p := place{country: countryCode(d.Country), regionText: gazetteer.Fold(d.Region), city: d.City, postal: d.Postal}
	if p.country == "US" {
		if t, ok := territories[regionCode("US", p.regionText)]; ok {
			p.country, p.regionText = t, ""
			return p
		}
	}
	p.region = regionCode(p.country, p.regionText)
	return p
}

// point finds the place in the gazetteer and says by what.
func (p place) point(places Places) (gazetteer.Place, string, bool) {
	if p.country == "" {
		return gazetteer.Place{}, "", false
	}
	if p.postal != "" {
		if at, ok := places.Postal(p.country, p.postal); ok {
			return at, "postal code", true
		}
	}
	if p.city == "" {
		return gazetteer.Place{}, "", false
	}
	if p.region != "" {
		at, ok := places.City(p.country, p.region, p.city)
		return at, "city", ok
	}
	at, ok := places.City(p.country, "", p.city)
	return at, "city", ok
}

// regions compares two regions of one country: by code where both have one, by
// equality of names otherwise. Two names that merely differ prove nothing.
func regions(d, f place) (Verdict, string) {
	fName := f.regionName
	if fName == "" {
		fName = f.regionText
	}
	switch {
	case d.regionText == "":
		return Unknown, missing(true)
	case f.regionText == "" && fName == "":
		return Unknown, missing(false)
	}
	fCode := f.region
	if fCode == "" {
		fCode = regionCode(f.country, fName)
	}
	if d.region != "" && fCode != "" {
		if d.region == fCode {
			return Same, "region codes are equal"
		}
		return Mismatch, "region codes differ"
	}
	if d.regionText == fName || d.regionText == f.regionText {
		return Same, "region names are equal"
	}
	return Unknown, "the two names cannot be compared without a table of this country's regions"
}

// cities compares two towns of one country.
func cities(d, f place, region Verdict) (Verdict, string) {
	a, b := gazetteer.Fold(d.city), gazetteer.Fold(f.city)
	switch {
	case a == "":
		return Unknown, missing(true)
	case b == "":
		return Unknown, missing(false)
	case region == Mismatch:
		return Mismatch, "another region"
	case a == b || gazetteer.FoldUmlaut(d.city) == b || a == gazetteer.FoldUmlaut(f.city):
		return Same, "names are equal"
	case script(a) != script(b):
		return Unknown, "the two names are written in different scripts"
	case gazetteer.Canonical(d.city) == gazetteer.Canonical(f.city):
		return Same, "two names of one town, or a part of it"
	case sameHead(a, b):
		return Same, "the same name, once with its river or county"
	}
	return Mismatch, "names differ"
}

// linking words after which a town's name goes on with a river or a county.
var linking = []string{" am ", " an der ", " an ", " im ", " ob der ", " upon ", " on ", " sur ", " under ", " aan den ", " aan de "}

// sameHead reports whether one name is the other plus "am Main", "upon Avon" or
// the like. Two different tails are two towns.
func sameHead(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	tail, ok := strings.CutPrefix(b, a)
	if !ok {
		return false
	}
	for _, w := range linking {
		if strings.HasPrefix(tail, w) && len(tail) > len(w) {
			return true
		}
	}
	return false
}

// script is 'L' for a name with any Latin letter and 'O' for one without.
func script(s string) rune {
	for _, r := range s {
		if unicode.Is(unicode.Latin, r) {
			return 'L'
		}
	}
	return 'O'
}

// postals compares two postal codes of one country at the coarser of the two.
func postals(country, declared, found string) (Verdict, string) {
	switch {
	case strings.TrimSpace(declared) == "":
		return Unknown, missing(true)
	case strings.TrimSpace(found) == "":
		return Unknown, missing(false)
	}
	a, b := gazetteer.PostalKey(country, declared), gazetteer.PostalKey(country, found)
	if len(a) < 2 || len(b) < 2 {
		return Unknown, "one of the two is not a postal code of this country"
	}
	if a == b {
		return Same, "equal where both are given"
	}
	if country == "GB" {
		return outwards(a, b)
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) < len(b) && strings.HasPrefix(b, a) {
		return Same, "one is the beginning of the other"
	}
	return Mismatch, "postal codes differ"
}

// outwards compares British outward codes: EC3R is a part of EC3, but E14 is
// not a part of E1.
func outwards(a, b string) (Verdict, string) {
	bare := func(s string) string { return strings.TrimRight(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") }
	if (bare(a) == a || bare(b) == b) && bare(a) == bare(b) {
		return Same, "one district is a part of the other"
	}
	return Mismatch, "postal districts differ"
}
