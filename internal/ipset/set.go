// Package ipset holds sets of IP addresses and says which addresses are
// special.
//
// A Set is made once from text by Parse and never changes, so it may be shared
// by all goroutines. Text is taken in one notation only: where another
// notation has an evident meaning, the refusal offers the right one, so that
// nobody has to guess what a rule covers. IPv4-mapped addresses are never
// stored, and every question unmaps the address first, so that a rule cannot
// be slipped past by writing ::ffff:10.0.0.1.
//
// The package does no I/O and knows neither rules nor users.
package ipset

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/gaissmai/bart"

	"github.com/lendkeep/lendkeep/internal/fault"
)

// Set is an immutable set of addresses. The nil and the zero Set are empty.
type Set struct {
	table   bart.Lite
	entries []string
}

// Parse makes a set of single addresses ("203.0.113.7"), prefixes
// ("203.0.113.0/24") and ranges ("203.0.113.7-203.0.113.20"). Duplicates count
// once. The error is a fault.Invalid with one field ("entries[2]") for each bad
// entry, which offers the corrected notation where there is one.
func Parse(entries ...string) (*Set, error) {
	s := &Set{entries: make([]string, 0, len(entries))}
	var bad fault.Collector
	seen := make(map[string]struct{}, len(entries))
	for i, text := range entries {
		e, why := read(text)
		if why != "" {
			bad.Add(fmt.Sprintf("entries[%d]", i), fmt.Sprintf("Entry %d %s.%s", i+1, why, offer(text)))
			continue
		}
		name := e.String()
		if _, twice := seen[name]; twice {
			continue
		}
		seen[name] = struct{}{}
		s.entries = append(s.entries, name)
		e.insert(&s.table)
	}
	if err := bad.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// Contains reports whether the address is in the set. It unmaps the address
// and ignores a zone; it does not allocate.
func (s *Set) Contains(a netip.Addr) bool {
	if s == nil || !a.IsValid() {
		return false
	}
	return s.table.Contains(Plain(a))
}

// Plain gives an address as sets hold it: IPv4 unmapped, no zone.
func Plain(a netip.Addr) netip.Addr {
	if a.Is4() {
		return a
	}
	return a.Unmap().WithZone("")
}

// ContainsPlain is Contains for an address that is valid and that Plain has
// been through already, for whoever asks many sets about one address.
func (s *Set) ContainsPlain(a netip.Addr) bool { return s != nil && s.table.Contains(a) }

// Entries gives the entries in canonical notation, in the order of Parse. The
// slice is the caller's own.
func (s *Set) Entries() []string {
	if s == nil {
		return nil
	}
	return append([]string(nil), s.entries...)
}

// Len gives the number of entries.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return len(s.entries)
}

// entry is a prefix, or a range of addresses of one family when last is valid.
type entry struct {
	prefix      netip.Prefix
	first, last netip.Addr
}

func (e entry) String() string {
	switch {
	case e.last.IsValid():
		return e.first.String() + "-" + e.last.String()
	case e.prefix.IsSingleIP():
		return e.prefix.Addr().String()
	}
	return e.prefix.String()
}

// insert puts the entry into the table; a range becomes the fewest prefixes
// that cover exactly it (at most 2 × the width of the address).
func (e entry) insert(t *bart.Lite) {
	if !e.last.IsValid() {
		t.Insert(e.prefix)
		return
	}
	for a := e.first; ; {
		p := widest(a, e.last)
		t.Insert(p)
		end := lastOf(p)
		if end.Compare(e.last) >= 0 {
			return
		}
		a = end.Next()
	}
}

// widest gives the largest prefix that begins at a and does not pass last.
func widest(a, last netip.Addr) netip.Prefix {
	p := netip.PrefixFrom(a, a.BitLen())
	for bits := a.BitLen() - 1; bits >= 0; bits-- {
		wider := netip.PrefixFrom(a, bits)
		if wider.Masked().Addr() != a || lastOf(wider).Compare(last) > 0 {
			break
		}
		p = wider
	}
	return p
}

// lastOf gives the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

const maxText = 120 // two full IPv6 addresses with a dash, and some space

// read takes the one accepted notation; why says what is wrong, without the
// text that was given.
func read(text string) (e entry, why string) {
	if len(text) > maxText {
		return e, "is too long for an address, a prefix or a range"
	}
	if first, last, ok := strings.Cut(text, "-"); ok {
		return readRange(first, last)
	}
	if strings.Contains(text, "/") {
		return readPrefix(text)
	}
	a, why := readAddr(text)
	if why != "" {
		return e, why
	}
	return entry{prefix: netip.PrefixFrom(a, a.BitLen())}, ""
}

func readAddr(text string) (netip.Addr, string) {
	a, err := netip.ParseAddr(text)
	switch {
	case err != nil && strings.ContainsAny(text, ",;"):
		return a, "names several; give each an entry of its own"
	case err != nil:
		return a, "is no address, prefix or range"
	case a.Zone() != "":
		return a, "must not have a zone"
	case a.Is4In6():
		return a, "is an IPv4 address in IPv6 notation, which would never match"
	}
	return a, ""
}

func readPrefix(text string) (e entry, why string) {
	head, _, _ := strings.Cut(text, "/")
	if a, err := netip.ParseAddr(head); err == nil && a.Zone() != "" {
		return e, "must not have a zone"
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return e, "is no address, prefix or range"
	case p.Addr().Is4In6():
		return e, "is an IPv4 prefix in IPv6 notation, which would never match"
	case p != p.Masked():
		return e, "has host bits set behind its prefix length"
	}
	return entry{prefix: p}, ""
}

func readRange(first, last string) (e entry, why string) {
	a, why := readAddr(first)
	if why != "" {
		return e, "begins with something that " + why
	}
	b, why := readAddr(last)
	if why != "" {
		return e, "ends with something that " + why
	}
	switch {
	case a.BitLen() != b.BitLen():
		return e, "mixes IPv4 and IPv6"
	case a.Compare(b) > 0:
		return e, "ends before it begins"
	case a == b:
		return entry{prefix: netip.PrefixFrom(a, a.BitLen())}, ""
	}
	return entry{first: a, last: b}, ""
}
