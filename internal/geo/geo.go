// Package geo holds what can be known about an internet address: whether it is
// a proxy, a Tor exit or a crawler, how threatening it is, and where it is.
//
// Sources give facts, never verdicts: what a fact means for an application is
// the decision engine's business, and where the address came from is the
// origination desk's. Every fact has an "unknown", and unknown is the zero
// value: an answer that is missing, null, of the wrong type or broken can never
// look like a clean one. Every text that a source sent is bounded and freed of
// control and direction characters before anything else sees it.
//
// This package must not know applications, rules, tenants or how a source is
// reached; adapters below it (ipstack, ...) do the asking.
package geo

import (
	"context"
	"math"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Source is anything that knows facts about addresses. Lookup never panics and
// never returns an error: what went wrong is part of the Result, because the
// record of a decision must show it. Implementations hold no secret in a
// Result, and stop when ctx ends.
type Source interface {
	Lookup(ctx context.Context, addr netip.Addr) Result
}

// Location is where a source places an address: an area, never a pin.
type Location struct {
	Country    string  `json:"country,omitempty"`     // ISO 3166-1 alpha-2, upper case
	Region     string  `json:"region,omitempty"`      // the tail of ISO 3166-2 ("NY", "ENG")
	RegionName string  `json:"region_name,omitempty"` // in English where the source can
	City       string  `json:"city,omitempty"`
	Postal     string  `json:"postal_code,omitempty"` // as sent; may be partial
	Lat        float64 `json:"latitude,omitempty"`    // degrees; only with HasPoint
	Lon        float64 `json:"longitude,omitempty"`   // degrees; only with HasPoint
	HasPoint   bool    `json:"has_point,omitempty"`
	RadiusKM   float64 `json:"radius_km,omitempty"` // 0 = the source did not say
}

// Facts is everything that sources may say about an address.
type Facts struct {
	Proxy             Tri      `json:"proxy"`
	Tor               Tri      `json:"tor"`
	Crawler           Tri      `json:"crawler"`
	Threat            Threat   `json:"threat_level"`
	ProxyType         string   `json:"proxy_type,omitempty"`
	VPNService        string   `json:"vpn_service,omitempty"`
	ProxyLastDetected string   `json:"proxy_last_detected,omitempty"` // ISO date
	CrawlerName       string   `json:"crawler_name,omitempty"`
	CrawlerType       string   `json:"crawler_type,omitempty"`
	ConnectionType    string   `json:"connection_type,omitempty"`
	RoutingType       string   `json:"routing_type,omitempty"`
	Hosting           Tri      `json:"hosting"`
	Home              Tri      `json:"home"`
	ThreatTypes       []string `json:"threat_types,omitempty"`
	Location          Location `json:"location"`
	ASN               int64    `json:"asn,omitempty"`
	ISP               string   `json:"isp,omitempty"`
	CallingCode       string   `json:"calling_code,omitempty"`
	TimeZone          string   `json:"time_zone,omitempty"`
}

// Result is one source's answer about one address, fit to be kept for ever.
type Result struct {
	Source       string `json:"source"`            // "ipstack"
	Version      string `json:"version,omitempty"` // which data or server answered
	Facts        Facts  `json:"facts"`
	At           int64  `json:"at"`                 // unix microseconds of the answer
	RawHash      string `json:"raw_hash,omitempty"` // SHA-256 of the raw answer, hex
	State        State  `json:"state"`
	Failure      string `json:"failure,omitempty"`       // stable code, snake_case
	FailureWords string `json:"failure_words,omitempty"` // one sentence for the underwriter
	Use          Use    `json:"decision_use"`
}

// Bounds of what is kept from a source.
const (
	maxText    = 120 // characters of one text
	maxThreats = 16  // entries of ThreatTypes
	maxRadius  = 20038
)

// Text makes a foreign text safe to keep and show: invalid UTF-8, control and
// direction characters go, white space around it too, and what is longer than
// 120 characters is cut.
func Text(s string) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		switch {
		case r == utf8.RuneError || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r):
			continue
		case unicode.IsSpace(r):
			space = n > 0
			continue
		case unicode.IsControl(r):
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
			n++
		}
		if n >= maxText {
			break
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimSpace(b.String())
}

// Bounded gives the facts with every text made safe by Text and every number
// that makes no sense dropped. It is idempotent.
func (f Facts) Bounded() Facts {
	for _, s := range []*string{&f.ProxyType, &f.VPNService, &f.ProxyLastDetected, &f.CrawlerName,
		&f.CrawlerType, &f.ConnectionType, &f.RoutingType, &f.ISP, &f.CallingCode, &f.TimeZone} {
		*s = Text(*s)
	}
	var kinds []string
	for _, k := range f.ThreatTypes {
		if k = Text(k); k != "" && len(kinds) < maxThreats {
			kinds = append(kinds, k)
		}
	}
	f.ThreatTypes = kinds
	if f.ASN < 0 || f.ASN > math.MaxUint32 {
		f.ASN = 0
	}
	f.Location = f.Location.bounded()
	return f
}

func (l Location) bounded() Location {
	for _, s := range []*string{&l.Region, &l.RegionName, &l.City, &l.Postal} {
		*s = Text(*s)
	}
	l.Country = strings.ToUpper(Text(l.Country))
	if !alpha2(l.Country) {
		l.Country = ""
	}
	// The negated comparisons are false for NaN, which therefore counts as senseless.
	if !l.HasPoint || !(math.Abs(l.Lat) <= 90) || !(math.Abs(l.Lon) <= 180) {
		l.Lat, l.Lon, l.HasPoint = 0, 0, false
	}
	if !(l.RadiusKM >= 0 && l.RadiusKM <= maxRadius) {
		l.RadiusKM = 0
	}
	return l
}

func alpha2(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}
