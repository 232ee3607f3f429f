package network

import (
	"errors"
	"strings"

	"github.com/lendkeep/lendkeep/internal/geo"
)

// PathClass is what kind of way the application came by, as far as it bears on
// how well the address can be placed. The zero value is PathUnknown.
type PathClass uint8

// The classes.
const (
	PathUnknown PathClass = iota // the source does not say; compared like a fixed line
	PathFixed
	PathMobile
	PathSatellite
	PathRelay   // a privacy relay of a device maker
	PathHidden  // VPN, proxy or Tor
	PathHosting // a data centre
	PathShared  // a provider's central gateway, far from its users
)

var pathNames = [...]string{"unknown", "fixed", "mobile", "satellite", "relay", "vpn", "hosting", "shared"}

var pathWhy = [...]string{"", "", "a mobile network places its users only roughly", "a satellite link does not place its users",
	"a privacy relay shows only its own place", "a VPN, proxy or Tor hides the place", "the address is that of a data centre",
	"the address is that of a provider's central gateway"}

// ErrPath is returned when a text is not a class.
var ErrPath = errors.New("not a class of path")

// String gives the class's word.
func (p PathClass) String() string {
	if int(p) < len(pathNames) {
		return pathNames[p]
	}
	return pathNames[0]
}

// MarshalText gives the word of String.
func (p PathClass) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the word of String; any other text is ErrPath.
func (p *PathClass) UnmarshalText(b []byte) error {
	for i, n := range pathNames {
		if n == string(b) {
			*p = PathClass(i)
			return nil
		}
	}
	*p = PathUnknown
	return ErrPath
}

// blurs reports whether the place behind the path cannot be known closer than
// its country.
func (p PathClass) blurs() bool { return p > PathFixed && int(p) < len(pathNames) }

// why says in words why the place was not assessed.
func (p PathClass) why() string {
	if int(p) < len(pathWhy) {
		return pathWhy[p]
	}
	return ""
}

// ClassOf reads the class from the facts: a hidden path first, then the kind of
// routing, then the kind of line.
func ClassOf(f geo.Facts) PathClass {
	if strings.Contains(strings.ToLower(f.VPNService), "private relay") {
		return PathRelay
	}
	if f.Proxy == geo.Detected || f.Tor == geo.Detected {
		return PathHidden
	}
	routing := strings.ToLower(strings.TrimSpace(f.RoutingType))
	switch {
	case strings.Contains(routing, "mobile"):
		return PathMobile
	case routing == "satellite":
		return PathSatellite
	case routing == "anonymizer" || strings.Contains(routing, "proxy"):
		return PathHidden
	}
	line := strings.ToLower(strings.TrimSpace(f.ConnectionType))
	switch {
	case strings.Contains(line, "mobile") || line == "cellular":
		return PathMobile
	case strings.Contains(line, "satellite"):
		return PathSatellite
	}
	if f.Hosting == geo.Detected {
		return PathHosting
	}
	switch routing {
	case "fixed":
		return PathFixed
	case "", "unknown":
		return PathUnknown
	}
	return PathShared
}
