// Package network compares where an internet address is with where the
// applicant says to live: country, region, city, postal code and distance.
//
// It is pure: no I/O, no clock. Each level is compared on its own and says both
// values and how they were compared. Codes are compared before names, and names
// only where a table or equality can tell: two different spellings are not a
// mismatch by themselves. A location is an area, so its radius is taken off the
// distance. Where the path hides or blurs the place (mobile, satellite, VPN,
// relay, hosting), region, city and postal code are "not assessed", never a
// mismatch: the error there is hundreds of kilometres and not evenly spread
// over people.
//
// This package must not know rules or outcomes.
package network

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lendkeep/lendkeep/internal/geo"
	"github.com/lendkeep/lendkeep/internal/geo/gazetteer"
)

// Verdict is the outcome of one comparison. The zero value is Unknown.
type Verdict uint8

// The verdicts.
const (
	Unknown     Verdict = iota // one side is missing, or the two cannot be compared
	Same                       // "match"
	Mismatch                   // both are known and differ
	NotAssessed                // the path makes the comparison meaningless
)

var verdictNames = [...]string{"unknown", "match", "mismatch", "not_assessed"}

// ErrVerdict is returned when a text is not a verdict.
var ErrVerdict = errors.New("not a verdict: use unknown, match, mismatch or not_assessed")

// String gives "unknown", "match", "mismatch" or "not_assessed".
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return verdictNames[0]
}

// MarshalText gives the word of String.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the word of String; any other text is ErrVerdict.
func (v *Verdict) UnmarshalText(b []byte) error {
	for i, n := range verdictNames {
		if n == string(b) {
			*v = Verdict(i)
			return nil
		}
	}
	*v = Unknown
	return ErrVerdict
}

// Tri gives the verdict as evidence: a mismatch is detected, a match is not
// detected, everything else is unknown.
func (v Verdict) Tri() geo.Tri {
	switch v {
	case Same:
		return geo.NotDetected
	case Mismatch:
		return geo.Detected
	}
	return geo.Unknown
}

// Declared is the address as the applicant wrote it.
type Declared struct {
	Country string `json:"country"` // a code or a name
	Region  string `json:"region"`
	City    string `json:"city"`
	Postal  string `json:"postal_code"`
}

// Level is one comparison.
type Level struct {
	Verdict  Verdict `json:"verdict"`
	Declared string  `json:"declared,omitempty"`
	Found    string  `json:"found,omitempty"`
	How      string  `json:"how,omitempty"` // in words, for the underwriter
}

// Match is the comparison at every level.
type Match struct {
	Country Level `json:"country"`
	Region  Level `json:"region"`
	City    Level `json:"city"`
	Postal  Level `json:"postal_code"`
	// DistanceKM is what lies between the declared place and the edge of the
	// area in which the address is; 0 within it. Only with HasDistance.
	DistanceKM  float64 `json:"distance_km"`
	HasDistance bool    `json:"has_distance"`
	// DistanceAssessed is false where the path blurs the place: the distance may
	// be shown but says nothing.
	DistanceAssessed bool      `json:"distance_assessed"`
	DistanceHow      string    `json:"distance_how,omitempty"`
	Path             PathClass `json:"path"`
}

// Warn reports whether any level is a mismatch.
func (m Match) Warn() bool {
	return m.Country.Verdict == Mismatch || m.Region.Verdict == Mismatch || m.City.Verdict == Mismatch || m.Postal.Verdict == Mismatch
}

// Places finds points for postal codes and towns; *gazetteer.Gazetteer does.
type Places interface {
	Postal(country, code string) (gazetteer.Place, bool)
	City(country, region, city string) (gazetteer.Place, bool)
}

// Compare compares a declared address with a found location. places may be nil:
// then the distance is known only where no gazetteer is needed, which is never
// for a declared address.
func Compare(declared Declared, found geo.Location, path PathClass, places Places) Match {
	d := settle(declared)
	f := settle(Declared{Country: found.Country, Region: found.Region, City: found.City, Postal: found.Postal})
	f.regionName = gazetteer.Fold(found.RegionName)
	m := Match{Path: path}
	m.distance(d, f, found, places)
	m.Country = level(declared.Country, found.Country)
	m.country(d, f, found)
	m.Region = level(declared.Region, regionShown(found))
	m.City = level(declared.City, found.City)
	m.Postal = level(declared.Postal, found.Postal)
	if path.blurs() {
		for _, l := range []*Level{&m.Region, &m.City, &m.Postal} {
			l.Verdict, l.How = NotAssessed, path.why()
		}
		return m
	}
	m.finer(d, f)
	return m
}

func level(declared, found string) Level {
	return Level{Declared: geo.Text(declared), Found: geo.Text(found)}
}

func regionShown(l geo.Location) string {
	if l.RegionName != "" && l.Region != "" && !strings.EqualFold(l.RegionName, l.Region) {
		return l.RegionName + " (" + l.Region + ")"
	}
	if l.RegionName != "" {
		return l.RegionName
	}
	return l.Region
}

// finer compares what is below the country.
func (m *Match) finer(d, f place) {
	switch {
	case m.Country.Verdict == Unknown:
		for _, l := range []*Level{&m.Region, &m.City, &m.Postal} {
			l.How = "the countries could not be compared"
		}
	case d.country != f.country:
		for _, l := range []*Level{&m.Region, &m.City, &m.Postal} {
			m.abroad(l)
		}
	default:
		m.Region.Verdict, m.Region.How = regions(d, f)
		m.City.Verdict, m.City.How = cities(d, f, m.Region.Verdict)
		m.Postal.Verdict, m.Postal.How = postals(d.country, d.postal, f.postal)
	}
}

// abroad settles a level below two different countries.
func (m *Match) abroad(l *Level) {
	switch {
	case l.Declared == "" || l.Found == "":
		l.How = missing(l.Declared == "")
	case m.Country.Verdict == Same:
		l.Verdict, l.How = NotAssessed, "just across the border"
	default:
		l.Verdict, l.How = Mismatch, "another country"
	}
}

func missing(declared bool) string {
	if declared {
		return "not declared"
	}
	return "the source does not say"
}

// Kilometres within which a border is an everyday matter.
const borderKM = 50

// country compares the countries. Across the border of two neighbours between
// which people commute, a short and well-known distance counts for more.
func (m *Match) country(d, f place, found geo.Location) {
	l := &m.Country
	switch {
	case d.country == "" || f.country == "":
		l.Verdict, l.How = Unknown, missing(d.country == "")
		if d.country == "" && l.Declared != "" {
			l.How = "the declared country is not one that we know"
		}
	case d.country == f.country:
		l.Verdict, l.How = Same, "country codes are equal"
	case neighbours(d.country, f.country) && m.HasDistance && m.DistanceAssessed && m.DistanceKM <= borderKM &&
		found.RadiusKM <= borderKM:
		l.Verdict, l.How = Same, fmt.Sprintf("neighbouring country, %.0f km away", m.DistanceKM)
	default:
		l.Verdict, l.How = Mismatch, "country codes differ"
	}
}

// distance measures from the declared postal code, or else the town, to the
// found point, or else the found postal code or town, less the area's radius.
func (m *Match) distance(d, f place, found geo.Location, places Places) {
	if places == nil {
		m.DistanceHow = "no gazetteer is loaded"
		return
	}
	from, how, ok := d.point(places)
	if !ok {
		m.DistanceHow = "the declared place is not in the gazetteer"
		return
	}
	lat, lon, to := found.Lat, found.Lon, "the point given by the source"
	if !found.HasPoint {
		p, by, there := f.point(places)
		if !there {
			m.DistanceHow = "the source gives no point"
			return
		}
		lat, lon, to = p.Lat, p.Lon, "its "+by
	}
	km := gazetteer.DistanceKM(from.Lat, from.Lon, lat, lon)
	m.DistanceKM, m.HasDistance, m.DistanceAssessed = max(0, km-found.RadiusKM), true, !m.Path.blurs()
	m.DistanceHow = "from the declared " + how + " to " + to
	if found.RadiusKM > 0 {
		m.DistanceHow += fmt.Sprintf(", less its radius of %.0f km", found.RadiusKM)
	}
	if !m.DistanceAssessed {
		m.DistanceHow += "; not assessed: " + m.Path.why()
	}
}
