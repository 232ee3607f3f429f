package ipset

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
)

// Joint is several sets in one: a single search tells which of them hold an
// address. It never changes. The nil Joint holds nothing.
type Joint struct {
	narrow []uint32  // IPv4: where what is held changes, ascending, from zero
	heldBy []uint64  // … and the sets that hold everything from there on
	wide   []address // the same for IPv6
	by     []uint64
}

// address is an IPv6 address as a number.
type address struct{ high, low uint64 }

func (a address) compare(b address) int {
	return cmp.Or(cmp.Compare(a.high, b.high), cmp.Compare(a.low, b.low))
}

// The most that is worth joining: a Joint is one of each caller, while large
// sets are shared by everybody who is bound by them.
const (
	mostJoined  = 64
	mostEntries = 1024
)

// Join joins sets; bit i of Holding's answer is the i-th. It gives nil when they
// are too many or too large, and each has to be asked for itself.
func Join(sets ...*Set) *Joint {
	if len(sets) > mostJoined {
		return nil
	}
	entries := 0
	for _, s := range sets {
		if entries += s.Len(); entries > mostEntries {
			return nil
		}
	}
	var narrow, wide []change
	for i, s := range sets {
		if s == nil {
			continue
		}
		for p := range s.table.All() {
			if p.Addr().Is4() {
				narrow = append(narrow, changes(p, i)...)
			} else {
				wide = append(wide, changes(p, i)...)
			}
		}
	}
	j := &Joint{}
	sweep(narrow, func(a address, held uint64) {
		j.narrow, j.heldBy = append(j.narrow, uint32(a.low)), append(j.heldBy, held)
	})
	sweep(wide, func(a address, held uint64) {
		j.wide, j.by = append(j.wide, a), append(j.by, held)
	})
	return j
}

// change is where a prefix of one set begins (+1) or has ended (-1).
type change struct {
	at   address
	set  int
	step int
}

// changes gives a prefix's two ends; the last prefix of all has only one.
func changes(p netip.Prefix, set int) []change {
	out := []change{{number(p.Addr()), set, 1}}
	if next := lastOf(p).Next(); next.IsValid() {
		out = append(out, change{number(next), set, -1})
	}
	return out
}

// sweep walks the changes upwards and tells each place where what is held changes.
func sweep(changes []change, tell func(address, uint64)) {
	slices.SortFunc(changes, func(x, y change) int { return x.at.compare(y.at) })
	var open [mostJoined]int
	var held uint64
	tell(address{}, 0)
	for i, c := range changes {
		open[c.set] += c.step
		if open[c.set] > 0 {
			held |= 1 << c.set
		} else {
			held &^= 1 << c.set
		}
		if i == len(changes)-1 || changes[i+1].at != c.at {
			tell(c.at, held)
		}
	}
}

func number(a netip.Addr) address {
	if a.Is4() {
		b := a.As4()
		return address{low: uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := a.As16()
	return address{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// Holding gives a bit for each set that holds an address, which is valid and
// has been through Plain. It does not allocate.
func (j *Joint) Holding(a netip.Addr) uint64 {
	if j == nil {
		return 0
	}
	if !a.Is4() {
		return j.holdingWide(a)
	}
	b := a.As4()
	n := binary.BigEndian.Uint32(b[:])
	low, high := 0, len(j.narrow)
	for high-low > 1 {
		if middle := int(uint(low+high) >> 1); j.narrow[middle] <= n {
			low = middle
		} else {
			high = middle
		}
	}
	return j.heldBy[low]
}

func (j *Joint) holdingWide(a netip.Addr) uint64 {
	n := number(a)
	low, high := 0, len(j.wide)
	for high-low > 1 {
		if middle := int(uint(low+high) >> 1); j.wide[middle].compare(n) <= 0 {
			low = middle
		} else {
			high = middle
		}
	}
	return j.by[low]
}
