package httpserve

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/ipset"
)

const (
	maxHops = 32  // entries of X-Forwarded-For that are looked at
	maxRaw  = 512 // bytes of it that are kept
)

// Proxies are the reverse proxies whose word about the client is taken. The
// zero Proxies trusts nobody.
type Proxies struct{ Trusted *ipset.Set }

// Address is the client's address with the evidence it was chosen by.
type Address struct {
	Chosen netip.Addr
	Peer   netip.Addr // the other end of the connection
	Raw    string     // X-Forwarded-For as it came: lines joined, at most 512 bytes, control characters escaped
	Reason string     // one of the Reason constants
}

// Reasons for the choice of an address.
const (
	ReasonNoHeader      = "no_header"        // nothing was forwarded: the peer
	ReasonUntrustedPeer = "peer_not_trusted" // the header was ignored: the peer
	ReasonFirstForeign  = "first_untrusted"  // the right-most hop that is no trusted proxy
	ReasonAllTrusted    = "all_trusted"      // every hop is a trusted proxy: the left-most
	ReasonGarbage       = "unreadable_hop"   // stopped before it: the last good hop
	ReasonTooMany       = "too_many_hops"    // stopped after 32: the last of them
)

// Client chooses the client's address: the peer, unless that is a trusted
// proxy; then X-Forwarded-For is walked from right to left, past trusted
// proxies, to the first address that is none. IPv4-mapped addresses are
// unmapped, ports are dropped, zones and names are garbage. The Forwarded
// header is ignored: two headers could disagree.
func (p Proxies) Client(peer netip.AddrPort, h http.Header) Address {
	from := peer.Addr().Unmap().WithZone("")
	lines := h["X-Forwarded-For"]
	a := Address{Chosen: from, Peer: from, Raw: printable(lines), Reason: ReasonNoHeader}
	if len(lines) == 0 {
		return a
	}
	if !p.Trusted.Contains(from) {
		a.Reason = ReasonUntrustedPeer
		return a
	}
	hops := 0
	for i := len(lines) - 1; i >= 0; i-- {
		for left := lines[i]; ; {
			comma := strings.LastIndexByte(left, ',')
			if hops++; hops > maxHops {
				a.Reason = ReasonTooMany
				return a
			}
			hop, ok := readHop(left[comma+1:])
			if !ok {
				a.Reason = ReasonGarbage
				return a
			}
			a.Chosen = hop
			if !p.Trusted.Contains(hop) {
				a.Reason = ReasonFirstForeign
				return a
			}
			if comma < 0 {
				break
			}
			left = left[:comma]
		}
	}
	a.Reason = ReasonAllTrusted
	return a
}

// readHop reads "192.0.2.1", "192.0.2.1:55", "2001:db8::1", "[2001:db8::1]" and
// "[2001:db8::1]:5".
func readHop(s string) (netip.Addr, bool) {
	s = strings.Trim(s, " \t")
	if len(s) > 64 {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		if inner, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(inner, "]") {
			a, err = netip.ParseAddr(strings.TrimSuffix(inner, "]"))
			if err == nil && a.Is4() {
				return netip.Addr{}, false
			}
		} else {
			var ap netip.AddrPort
			ap, err = netip.ParseAddrPort(s)
			a = ap.Addr()
		}
	}
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

// printable joins the lines, escapes what could deceive a reader (control,
// bidirectional and invisible characters, bytes that are no UTF-8) and cuts.
func printable(lines []string) string {
	var b strings.Builder
	for i, line := range lines {
		if i > 0 {
			b.WriteString(", ")
		}
		for j := 0; j < len(line) && b.Len() <= maxRaw; {
			r, size := utf8.DecodeRuneInString(line[j:])
			switch {
			case r == utf8.RuneError && size == 1:
				fmt.Fprintf(&b, `\x%02x`, line[j])
			case !unicode.IsPrint(r):
				fmt.Fprintf(&b, `\u%04x`, r)
			default:
				b.WriteRune(r)
			}
			j += size
		}
		if b.Len() > maxRaw {
			break
		}
	}
	s := b.String()
	if len(s) <= maxRaw {
		return s
	}
	s = s[:maxRaw]
	for len(s) > 0 && !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}
