package ipstack

import (
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
)

// maxBaseURL is far beyond any provider's address.
const maxBaseURL = 300

// CheckBaseURL says whether an administrator's base URL may be stored: https,
// a host, perhaps a port and a path, and nothing else. With plainLoopback, http
// is let through to a loopback address, for a stand-in on the same machine; the
// key then never leaves it. Anything else is a fault.Invalid on "base_url".
func CheckBaseURL(raw string, plainLoopback bool) error {
	const mend = "enter the address as https://host, as ipstack's documentation gives it"
	if raw == "" || len(raw) > maxBaseURL || strings.TrimSpace(raw) != raw {
		return fault.Bad("base_url", mend)
	}
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.Hostname() == "" {
		return fault.Bad("base_url", mend)
	}
	switch {
	case u.User != nil:
		return fault.Bad("base_url", "leave out the user name and password; the access key has a field of its own")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.ContainsAny(raw, "?#"):
		return fault.Bad("base_url", "leave out everything from ? or # on; the access key has a field of its own")
	case u.Scheme == "http" && plainLoopback && loopback(u.Hostname()):
	case u.Scheme != "https":
		return fault.Bad("base_url", "use https: the access key must not travel in the clear")
	}
	if u.Port() == "0" || strings.HasSuffix(u.Host, ":") || !hostOK(u.Hostname()) {
		return fault.Bad("base_url", mend)
	}
	for _, part := range strings.Split(u.Path, "/") {
		if part == "." || part == ".." {
			return fault.Bad("base_url", "leave out . and .. in the path")
		}
	}
	return nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// hostOK admits an address, or a name of letters, digits, hyphens and dots.
func hostOK(host string) bool {
	if net.ParseIP(host) != nil {
		return true
	}
	for _, r := range host {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.') {
			return false
		}
	}
	return !strings.HasPrefix(host, ".") && !strings.Contains(host, "..") && len(host) <= 253
}
