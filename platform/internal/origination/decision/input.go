package decision

import (
	"fmt"
	"math"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/geo"
	"github.com/lendkeep/lendkeep/internal/money"
)

// Check is how the network check of an application stands. The zero value is
// CheckPending: an input that nobody filled in cannot pass for a clean one.
type Check uint8

// The states of a network check.
const (
	CheckPending       Check = iota // no answer yet
	CheckDone                       // answered; single facts may still be unknown
	CheckFailed                     // an answer was broken or did not come
	CheckNotConfigured              // no source is set up; every fact is unknown
	CheckNotApplicable              // entered by an officer: network rules are left out
)

var checkNames = [...]string{"pending", "done", "unavailable", "not_configured", "not_applicable"}

// String gives the state's word.
func (c Check) String() string { return word(checkNames[:], uint8(c)) }

// MarshalText gives the word of String.
func (c Check) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the word of String; any other text is ErrWord.
func (c *Check) UnmarshalText(b []byte) error {
	v, err := value(checkNames[:], b)
	*c = Check(v)
	return err
}

// Evidence is one finding twice: from any source, and only from sources that
// are cleared for credit decisions. Detected means "found" or "mismatch".
type Evidence struct {
	Shown   geo.Tri `json:"shown"`
	Allowed geo.Tri `json:"allowed"`
}

// Grade is Evidence for a threat level.
type Grade struct {
	Shown   geo.Threat `json:"shown"`
	Allowed geo.Threat `json:"allowed"`
}

// Number is a count or measure that may be unknown.
type Number struct {
	Known bool  `json:"known"`
	N     int64 `json:"n"`
}

// Known makes a known Number.
func Known(n int64) Number { return Number{Known: true, N: n} }

// Input is everything that rules look at. It is stored with the decision, so
// that the same decision can be made again.
type Input struct {
	Check   Check    `json:"check"`
	Proxy   Evidence `json:"proxy"`
	Tor     Evidence `json:"tor"`
	Crawler Evidence `json:"crawler"`
	Threat  Grade    `json:"threat_level"`

	Country    Evidence `json:"country"` // Detected = mismatch
	Region     Evidence `json:"region"`
	City       Evidence `json:"city"`
	PostalCode Evidence `json:"postal_code"`
	// DistanceKM is in whole kilometres, rounded down; unknown where it was not
	// assessed.
	DistanceKM Number `json:"distance_km"`
	// LocationAllowed: the source of the location is cleared for decisions.
	LocationAllowed bool `json:"location_allowed"`

	Velocity         Number `json:"velocity"`          // applications from the address in 24 h, this one included
	Age              Number `json:"age"`               // full years on the day of the application
	Amount           Number `json:"amount"`            // minor units
	OpenApplications Number `json:"open_applications"` // others of the same person, not yet decided
}

// SetFacts takes over what the sources found, and how the check stands: Failed
// as soon as one configured source failed, whatever the others said.
func (in *Input) SetFacts(m geo.Merged) {
	switch {
	case m.Failed > 0:
		in.Check = CheckFailed
	case m.Answered > 0:
		in.Check = CheckDone
	default:
		in.Check = CheckNotConfigured
	}
	in.Proxy = Evidence{m.Shown.Proxy, m.Allowed.Proxy}
	in.Tor = Evidence{m.Shown.Tor, m.Allowed.Tor}
	in.Crawler = Evidence{m.Shown.Crawler, m.Allowed.Crawler}
	in.Threat = Grade{m.Shown.Threat, m.Allowed.Threat}
}

// SetLocation takes over the comparison of the location: a mismatch is
// Detected, a match NotDetected, and what was not assessed is Unknown. km is
// used only with hasKM.
func (in *Input) SetLocation(country, region, city, postal geo.Tri, km float64, hasKM bool, use geo.Use) {
	in.LocationAllowed = use == geo.UseAllowed
	of := func(t geo.Tri) Evidence {
		if in.LocationAllowed {
			return Evidence{t, t}
		}
		return Evidence{Shown: t}
	}
	in.Country, in.Region, in.City, in.PostalCode = of(country), of(region), of(city), of(postal)
	in.DistanceKM = Number{}
	if hasKM && km >= 0 && km < 1e6 {
		in.DistanceKM = Known(int64(math.Floor(km)))
	}
}

// SetAmount takes over the amount asked for.
func (in *Input) SetAmount(a money.Amount) { in.Amount = Known(int64(a)) }

func (in *Input) evidence(k kind) Evidence {
	switch k {
	case proxy:
		return in.Proxy
	case tor:
		return in.Tor
	case crawler:
		return in.Crawler
	case country:
		return in.Country
	case region:
		return in.Region
	case city:
		return in.City
	case postalCode:
		return in.PostalCode
	}
	return Evidence{}
}

// number gives a measured value and whether its source may reject.
func (in *Input) number(k kind) (n Number, cleared bool) {
	switch k {
	case minimumAge:
		return in.Age, true
	case minimumAmount, maximumAmount:
		return in.Amount, true
	case openApplications:
		return in.OpenApplications, true
	case velocity:
		return in.Velocity, true
	case distance:
		return in.DistanceKM, in.LocationAllowed
	}
	return Number{}, false
}

// seen says in words what the rule looked at.
func (in *Input) seen(k kind) string {
	switch catalogue[k].measure {
	case byThreat:
		return in.Threat.Shown.String() + uncleared(in.Threat.Shown > geo.ThreatLow && in.Threat.Allowed < in.Threat.Shown)
	case byFinding:
		e := in.evidence(k)
		w := findings[0][e.Shown%3]
		if k >= country && k <= postalCode {
			w = findings[1][e.Shown%3]
		}
		return w + uncleared(e.Shown == geo.Detected && e.Allowed != geo.Detected)
	}
	n, cleared := in.number(k)
	if !n.Known {
		return "unknown"
	}
	switch catalogue[k].Unit {
	case "amount":
		return money.Amount(n.N).String()
	case "km":
		return fmt.Sprintf("%d km", n.N) + uncleared(!cleared)
	}
	return strconv.FormatInt(n.N, 10) + " " + catalogue[k].Unit
}

var findings = [2][3]string{{"unknown", "not detected", "detected"}, {"unknown or not assessed", "match", "mismatch"}}

func uncleared(yes bool) string {
	if yes {
		return " (from a source that may not decide)"
	}
	return ""
}
