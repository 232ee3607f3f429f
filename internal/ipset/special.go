package ipset

import "net/netip"

// block is one line of a special-purpose registry.
type block struct {
	prefix netip.Prefix
	name   string
	global bool // "globally reachable" in the registry: not special to us
}

func line(prefix, name string) block {
	return block{prefix: netip.MustParsePrefix(prefix), name: name}
}

func reachable(prefix, name string) block {
	return block{prefix: netip.MustParsePrefix(prefix), name: name, global: true}
}

// special4 is the IANA IPv4 Special-Purpose Address Registry and the multicast
// space, narrow blocks before the wide ones that hold them. Nobody writes to it.
var special4 = [...]block{
	line("0.0.0.0/32", "This host on this network"),          // RFC 1122, 3.2.1.3
	line("255.255.255.255/32", "Limited Broadcast"),          // RFC 919, RFC 8190
	reachable("192.0.0.9/32", "PCP Anycast"),                 // RFC 7723
	reachable("192.0.0.10/32", "TURN Anycast"),               // RFC 8155
	line("192.0.0.8/32", "IPv4 dummy address"),               // RFC 7600
	line("192.0.0.170/31", "NAT64/DNS64 Discovery"),          // RFC 7050, RFC 8880
	line("192.0.0.0/29", "IPv4 Service Continuity"),          // RFC 7335
	line("192.88.99.2/32", "6a44 relay anycast"),             // RFC 6751
	line("192.0.0.0/24", "IETF Protocol Assignments"),        // RFC 6890, 2.1
	line("192.0.2.0/24", "Documentation (TEST-NET-1)"),       // RFC 5737
	line("198.51.100.0/24", "Documentation (TEST-NET-2)"),    // RFC 5737
	line("203.0.113.0/24", "Documentation (TEST-NET-3)"),     // RFC 5737
	reachable("192.31.196.0/24", "AS112-v4"),                 // RFC 7535
	reachable("192.52.193.0/24", "AMT"),                      // RFC 7450
	reachable("192.175.48.0/24", "Direct Delegation AS112"),  // RFC 7534
	line("192.88.99.0/24", "6to4 Relay Anycast, deprecated"), // RFC 7526
	line("169.254.0.0/16", "Link Local"),                     // RFC 3927
	line("192.168.0.0/16", "Private-Use"),                    // RFC 1918
	line("198.18.0.0/15", "Benchmarking"),                    // RFC 2544
	line("172.16.0.0/12", "Private-Use"),                     // RFC 1918
	line("100.64.0.0/10", "Shared Address Space"),            // RFC 6598
	line("0.0.0.0/8", "This network"),                        // RFC 791, 3.2
	line("10.0.0.0/8", "Private-Use"),                        // RFC 1918
	line("127.0.0.0/8", "Loopback"),                          // RFC 1122, 3.2.1.3
	line("224.0.0.0/4", "Multicast"),                         // RFC 5771
	line("240.0.0.0/4", "Reserved"),                          // RFC 1112, 4
}

// special6 is the IANA IPv6 Special-Purpose Address Registry, with multicast,
// the deprecated spaces, and at its end all that is no global unicast.
var special6 = [...]block{
	line("::1/128", "Loopback"),                                        // RFC 4291
	line("::/128", "Unspecified"),                                      // RFC 4291
	line("::/96", "IPv4-compatible, deprecated"),                       // RFC 4291, 2.5.5.1
	reachable("64:ff9b::/96", "IPv4-IPv6 Translation"),                 // RFC 6052; Public looks inside
	line("64:ff9b:1::/48", "IPv4-IPv6 Translation, local use"),         // RFC 8215
	line("100::/64", "Discard-Only"),                                   // RFC 6666
	line("100:0:0:1::/64", "Dummy IPv6 Prefix"),                        // RFC 9780
	reachable("2001:1::1/128", "PCP Anycast"),                          // RFC 7723
	reachable("2001:1::2/128", "TURN Anycast"),                         // RFC 8155
	reachable("2001:1::3/128", "DNS-SD SRP Anycast"),                   // RFC 9665
	line("2001:2::/48", "Benchmarking"),                                // RFC 5180
	reachable("2001:4:112::/48", "AS112-v6"),                           // RFC 7535
	line("2001::/32", "Teredo"),                                        // RFC 4380
	reachable("2001:3::/32", "AMT"),                                    // RFC 7450
	line("2001:db8::/32", "Documentation"),                             // RFC 3849
	line("2001:10::/28", "ORCHID, deprecated"),                         // RFC 4843
	reachable("2001:20::/28", "ORCHIDv2"),                              // RFC 7343
	reachable("2001:30::/28", "Drone Remote ID"),                       // RFC 9374
	line("2001::/23", "IETF Protocol Assignments"),                     // RFC 2928
	line("2002::/16", "6to4"),                                          // RFC 3056
	reachable("2620:4f:8000::/48", "Direct Delegation AS112"),          // RFC 7534
	line("3fff::/20", "Documentation"),                                 // RFC 9637
	line("5f00::/16", "Segment Routing (SRv6) SIDs"),                   // RFC 9602
	line("fc00::/7", "Unique-Local"),                                   // RFC 4193
	line("fe80::/10", "Link-Local Unicast"),                            // RFC 4291
	line("fec0::/10", "Site-Local, deprecated"),                        // RFC 3879
	line("ff00::/8", "Multicast"),                                      // RFC 4291
	reachable("2000::/3", "Global Unicast"),                            // RFC 4291, 2.4
	line("::/0", "Reserved by IETF, not allocated for global unicast"), // RFC 4291, 2.4
}

// Special gives the name of the special-purpose block that holds the address,
// by the IANA registries (and not by Go's Is… helpers, which know fewer). A
// block that the registry calls globally reachable is not special. What cannot
// be a peer on the internet at all, an address with a zone or no address, is
// special too. The address is unmapped first.
func Special(a netip.Addr) (name string, special bool) {
	if !a.IsValid() {
		return "Not an address", true
	}
	if a.Zone() != "" {
		return "Scoped address", true // RFC 4007
	}
	a = a.Unmap()
	list := special6[:]
	if a.Is4() {
		list = special4[:]
	}
	for i := range list {
		if list[i].prefix.Contains(a) {
			if list[i].global {
				return "", false
			}
			return list[i].name, true
		}
	}
	return "", false
}

// Public reports whether the address can belong to a party on the internet:
// not special, or named in alsoPublic (which may be nil). An address that
// carries an IPv4 address inside is only as public as that one.
func Public(a netip.Addr, alsoPublic *Set) bool {
	if !a.IsValid() || a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	if alsoPublic.Contains(a) {
		return true
	}
	if _, special := Special(a); special {
		return false
	}
	if inner, _, ok := Embedded(a); ok {
		return Public(inner, alsoPublic)
	}
	return true
}

// Embedded gives the IPv4 address that an IPv6 address of a transition
// mechanism carries, and the mechanism: "nat64" (RFC 6052, well-known prefix),
// "6to4" (RFC 3056) or "teredo" (RFC 4380, the client's address).
func Embedded(a netip.Addr) (netip.Addr, string, bool) {
	if !a.Is6() || a.Is4In6() {
		return netip.Addr{}, "", false
	}
	b := a.As16()
	switch {
	case b[0] == 0x20 && b[1] == 0x02:
		return netip.AddrFrom4([4]byte(b[2:6])), "6to4", true
	case [4]byte(b[:4]) == [4]byte{0x20, 0x01, 0, 0}:
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), "teredo", true
	case [12]byte(b[:12]) == [12]byte{0, 0x64, 0xff, 0x9b}:
		return netip.AddrFrom4([4]byte(b[12:])), "nat64", true
	}
	return netip.Addr{}, "", false
}
