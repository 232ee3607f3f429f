package ipset

import (
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// offer gives "; write it as …" when the text has one evident meaning. What is
// shown is printed from the parsed value, never the text that came in.
func offer(text string) string {
	if len(text) > maxText {
		return ""
	}
	e, ok := mend(text)
	if !ok {
		return ""
	}
	return "; write it as " + e.String()
}

// mend reads the notations that people and other products use.
func mend(text string) (entry, bool) {
	text = strings.NewReplacer("–", "-", "—", "-", "[", "", "]", "").Replace(text)
	text = strings.Join(strings.Fields(text), "")
	if first, last, ok := strings.Cut(text, "-"); ok {
		return mendRange(first, last)
	}
	if head, tail, ok := strings.Cut(text, "/"); ok {
		return mendPrefix(head, tail)
	}
	if head, stars := cutStars(text); stars > 0 {
		return mendPrefix(head, strconv.Itoa(32-8*stars))
	}
	a, ok := mendAddr(text)
	if !ok {
		return entry{}, false
	}
	return entry{prefix: netip.PrefixFrom(a, a.BitLen())}, true
}

// mendAddr drops zones, unmaps, and drops the leading zeros of IPv4 parts,
// which are decimal to people (and octal to some programs: hence the refusal).
func mendAddr(text string) (netip.Addr, bool) {
	text, _, _ = strings.Cut(text, "%")
	if a, err := netip.ParseAddr(text); err == nil {
		return a.Unmap(), true
	}
	parts := strings.Split(text, ".")
	if len(parts) != 4 || strings.Contains(text, ":") {
		return netip.Addr{}, false
	}
	for i, p := range parts {
		if p == "" || len(p) > 4 {
			return netip.Addr{}, false
		}
		if parts[i] = strings.TrimLeft(p, "0"); parts[i] == "" {
			parts[i] = "0"
		}
	}
	a, err := netip.ParseAddr(strings.Join(parts, "."))
	return a, err == nil
}

// cutStars reads "10.1.*.*": the address with zeros, and how many stars.
func cutStars(text string) (string, int) {
	parts, stars := strings.Split(text, "."), 0
	if len(parts) != 4 {
		return text, 0
	}
	for i := 3; i > 0 && parts[i] == "*"; i-- {
		parts[i], stars = "0", stars+1
	}
	return strings.Join(parts, "."), stars
}

// mendPrefix takes lengths with leading zeros, netmasks ("/255.255.255.0"),
// short networks ("10.1/16"), host bits and IPv4 networks in IPv6 notation.
func mendPrefix(head, tail string) (entry, bool) {
	if dots := strings.Count(head, "."); dots < 3 && head != "" && !strings.Contains(head, ":") {
		head = strings.TrimSuffix(head, ".")
		head += strings.Repeat(".0", 3-strings.Count(head, "."))
	}
	head, _, _ = strings.Cut(head, "%")
	raw, err := netip.ParseAddr(head)
	mapped := err == nil && raw.Is4In6()
	a, ok := mendAddr(head)
	if !ok {
		return entry{}, false
	}
	n, ok := prefixLength(tail)
	if mapped {
		n -= 96
	}
	if !ok || n < 0 || n > a.BitLen() {
		return entry{}, false
	}
	return entry{prefix: netip.PrefixFrom(a, n).Masked()}, true
}

func prefixLength(tail string) (int, bool) {
	if strings.Contains(tail, ".") {
		m, err := netip.ParseAddr(tail)
		if err != nil || !m.Is4() {
			return 0, false
		}
		b := m.As4()
		v := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		ones := bits.LeadingZeros32(^v)
		return ones, v<<ones == 0
	}
	n, err := strconv.ParseUint(tail, 10, 8)
	return int(n), err == nil
}

// mendRange takes swapped ends and a short end ("10.0.0.1-20").
func mendRange(first, last string) (entry, bool) {
	a, ok := mendAddr(first)
	if !ok {
		return entry{}, false
	}
	if !strings.ContainsAny(last, ".:") && a.Is4() {
		head := a.String()
		last = head[:strings.LastIndexByte(head, '.')+1] + last
	}
	b, ok := mendAddr(last)
	if !ok || a.BitLen() != b.BitLen() {
		return entry{}, false
	}
	switch c := a.Compare(b); {
	case c == 0:
		return entry{prefix: netip.PrefixFrom(a, a.BitLen())}, true
	case c > 0:
		a, b = b, a
	}
	return entry{first: a, last: b}, true
}
