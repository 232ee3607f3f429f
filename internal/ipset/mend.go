package ipset

import (
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// offer says how to write what was evidently meant: " Write 10.0.0.0/8.", or two
// readings where there are two. What is shown is printed from the parsed value,
// never the text that came in.
func offer(text string) string {
	if len(text) > maxText {
		return ""
	}
	e, ok := mend(text)
	if !ok {
		return ""
	}
	words := " Write " + e.String()
	if other, why := otherwise(text); why != "" && other != e {
		words += why + other.String()
	}
	return words + "."
}

// plainly puts the signs that other products use into ours: long dashes, wide
// digits, and a netmask after a space.
func plainly(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		case r == '．' || r == '。':
			return '.'
		case r == '–' || r == '—':
			return '-'
		}
		return r
	}, text)
	if f := strings.Fields(text); len(f) == 2 && strings.Count(f[0], ".") == 3 && strings.Count(f[1], ".") == 3 && !strings.ContainsAny(text, "-/") {
		return f[0] + "/" + f[1]
	}
	return unbracketed(strings.Join(strings.Fields(text), ""))
}

// unbracketed drops the brackets of addresses in links, and a port behind them
// or behind an IPv4 address.
func unbracketed(text string) string {
	if inner, after, ok := strings.Cut(strings.TrimPrefix(text, "["), "]"); ok && strings.HasPrefix(text, "[") {
		if port(after) {
			return inner
		}
		return inner + strings.NewReplacer("[", "", "]", "").Replace(after)
	}
	if head, after, ok := strings.Cut(text, ":"); ok && strings.Count(head, ".") == 3 && port(":"+after) {
		return head
	}
	return text
}

func port(text string) bool {
	digits, ok := strings.CutPrefix(text, ":")
	n, err := strconv.ParseUint(digits, 10, 16)
	return ok && err == nil && n > 0
}

// mend reads the notations that people and other products use.
func mend(text string) (entry, bool) {
	text = plainly(text)
	if first, last, ok := strings.Cut(text, "-"); ok {
		return mendRange(first, last)
	}
	if head, tail, ok := strings.Cut(text, "/"); ok {
		return mendPrefix(head, tail)
	}
	if head, stars := cutStars(text); stars > 0 {
		return mendPrefix(head, strconv.Itoa(32-8*stars))
	}
	if e, ok := unfinished(text); ok {
		return e, true
	}
	a, ok := mendAddr(text)
	if !ok {
		return entry{}, false
	}
	return entry{prefix: netip.PrefixFrom(a, a.BitLen())}, true
}

// otherwise gives the second reading of a notation that has two: parts with
// leading zeros are octal to some programs, and "10.1" is an address to some
// and a network to people.
func otherwise(text string) (entry, string) {
	text = plainly(text)
	if a, ok := shortened(text); ok {
		return entry{prefix: netip.PrefixFrom(a, 32)}, " for the network, or for the single address "
	}
	if a, ok := numbered(text, true); ok {
		return entry{prefix: netip.PrefixFrom(a, 32)}, ", or if leading zeros mean octal "
	}
	return entry{}, ""
}

// unfinished reads "10.1" and "10.1." as the network.
func unfinished(text string) (entry, bool) {
	text = strings.TrimSuffix(text, ".")
	dots := strings.Count(text, ".")
	if dots == 0 || dots > 2 || strings.ContainsAny(text, ":%xX") {
		return entry{}, false
	}
	return mendPrefix(text, strconv.Itoa(8*(dots+1)))
}

// shortened reads an IPv4 address of two or three parts as the C library does:
// the last part fills what is left.
func shortened(text string) (netip.Addr, bool) {
	parts := strings.Split(text, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return netip.Addr{}, false
	}
	var b [4]byte
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 8)
		if err != nil {
			return netip.Addr{}, false
		}
		if i == len(parts)-1 {
			i = 3
		}
		b[i] = byte(n)
	}
	return netip.AddrFrom4(b), true
}

// mendAddr drops zones, unmaps, and reads numbers other than plain decimal ones.
func mendAddr(text string) (netip.Addr, bool) {
	text, _, _ = strings.Cut(text, "%")
	if a, err := netip.ParseAddr(text); err == nil {
		return a.Unmap(), true
	}
	if a, ok := numbered(text, false); ok {
		return a, true
	}
	return numbered(text, true)
}

// least is the smallest whole number that is taken for an IPv4 address: below it
// lies the network 0.0.0.0/8, and a number is more likely a slip.
const least = 1 << 24

// numbered reads IPv4 in four parts, of which some are hexadecimal or have
// leading zeros — decimal to people, octal to some programs, hence the refusal —
// or as one whole number.
func numbered(text string, octal bool) (netip.Addr, bool) {
	parts := strings.Split(text, ".")
	if len(parts) == 1 && !octal {
		n, ok := number32(text, false, 32)
		return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}), ok && n >= least
	}
	if len(parts) != 4 {
		return netip.Addr{}, false
	}
	var b [4]byte
	for i, p := range parts {
		n, ok := number32(p, octal, 8)
		if !ok {
			return netip.Addr{}, false
		}
		b[i] = byte(n)
	}
	return netip.AddrFrom4(b), true
}

func number32(text string, octal bool, size int) (uint32, bool) {
	base := 10
	if digits, hex := strings.CutPrefix(strings.ToLower(text), "0x"); hex {
		base, text = 16, digits
	} else if octal && len(text) > 1 && text[0] == '0' {
		base = 8
	}
	n, err := strconv.ParseUint(text, base, size)
	return uint32(n), err == nil && len(text) <= 10
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

// prefixLength reads a length, a netmask, or the inverted mask of routers.
func prefixLength(tail string) (int, bool) {
	if strings.Contains(tail, ".") {
		m, err := netip.ParseAddr(tail)
		if err != nil || !m.Is4() {
			return 0, false
		}
		b := m.As4()
		v := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		if v != 0 && v>>31 == 0 {
			v = ^v
		}
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
