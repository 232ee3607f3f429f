package records

import (
	"net/netip"
	"strings"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// filter reads what was asked for, within what the caller may look at.
func (n *Narrow) filter(c *gate.Call) (audit.Filter, error) {
	f := audit.Filter{Actor: n.Actor, Operation: n.Operation, Object: n.Object, Outcome: n.Outcome, Channel: n.Channel, Within: within(c)}
	var bad fault.Collector
	f.From, f.To = when(&bad, c, "from", n.From), when(&bad, c, "to", n.To)
	if n.Address != "" {
		a, err := netip.ParseAddr(n.Address)
		bad.Check(err == nil, "address", "Give an IP address such as 203.0.113.9.")
		f.Address = a.String()
	}
	return f, bad.Err()
}

// fields are the filter's words by name, in the order in which they are said.
func (n *Narrow) fields() [][2]string {
	return [][2]string{{"object", n.Object}, {"actor", n.Actor}, {"operation", n.Operation}, {"outcome", n.Outcome},
		{"channel", n.Channel}, {"address", n.Address}, {"from", n.From}, {"to", n.To}}
}

// note records what was looked for.
func (n *Narrow) note(c *gate.Call) {
	for _, f := range n.fields() {
		c.Detail(f[0], f[1])
	}
}

// words say the filter in a line; empty without one.
func (n *Narrow) words() string {
	var all []string
	for _, f := range n.fields() {
		if f[1] != "" {
			all = append(all, f[0]+" "+f[1])
		}
	}
	return strings.Join(all, "; ")
}
