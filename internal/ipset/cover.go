package ipset

import (
	"math/big"
	"net/netip"
)

// Cover is how many different addresses a set holds.
type Cover struct {
	IPv4 uint64
	IPv6 *big.Int
}

// Cover counts the addresses of the set; what two entries hold counts once.
func (s *Set) Cover() Cover {
	c := Cover{IPv6: new(big.Int)}
	if s == nil {
		return c
	}
	var last netip.Prefix
	for p := range s.table.AllSorted() { // wide before narrow where both begin alike
		if last.IsValid() && last.Contains(p.Addr()) {
			continue
		}
		last = p
		rest := uint(p.Addr().BitLen() - p.Bits())
		if p.Addr().Is4() {
			c.IPv4 += 1 << rest
		} else {
			c.IPv6.Add(c.IPv6, new(big.Int).Lsh(big.NewInt(1), rest))
		}
	}
	return c
}

// Overlaps reports whether some address is in both sets.
func (s *Set) Overlaps(other *Set) bool {
	return s != nil && other != nil && s.table.Overlaps(&other.table)
}

// Network gives the network of one household or one office line around an
// address: the /64 of an IPv6 address, whose lower half devices change at will;
// of an IPv4 address only itself.
func Network(a netip.Addr) netip.Prefix {
	if a = Plain(a); a.Is4() {
		return netip.PrefixFrom(a, 32)
	}
	return netip.PrefixFrom(a, 64).Masked()
}
