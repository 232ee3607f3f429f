package addresses

import (
	"math/big"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/platform/internal/admin/addresses"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

func mode(word string) string {
	if word == "deny" {
		return "Denies"
	}
	return "Allows only"
}

func state(on bool) parts.Badge {
	if on {
		return parts.Badge{Meaning: parts.OK, Word: "Active"}
	}
	return parts.Badge{Word: "Off"}
}

// called names a holder for people.
func called(h addresses.Holder) string {
	switch h.Kind {
	case "tenant":
		return "Everybody"
	case "role":
		return "Role " + h.Name
	case "team":
		return "Team " + h.Name
	case "key":
		return "Key " + h.Name
	}
	return h.Name
}

func binds(list []addresses.Holder) string {
	names := make([]string, len(list))
	for i, h := range list {
		names[i] = called(h)
	}
	if len(names) == 0 {
		return "Nobody yet"
	}
	return strings.Join(names, ", ")
}

// short cuts a long text for a cell.
func short(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

// grouped prints a whole number with commas.
func grouped(digits string) string {
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// covers says how many addresses a rule names. IPv6 is told in networks of a /64
// each, which is what one line gets, unless there are fewer addresses than that.
func covers(c addresses.Covers) string {
	var words []string
	if c.IPv4 != "0" {
		words = append(words, counted(c.IPv4, "IPv4 address", "IPv4 addresses"))
	}
	if n, ok := new(big.Int).SetString(c.IPv6, 10); ok && n.Sign() > 0 {
		if lines, rest := new(big.Int).QuoRem(n, new(big.Int).Lsh(big.NewInt(1), 64), new(big.Int)); lines.Sign() > 0 {
			more := ""
			if rest.Sign() > 0 {
				more = " and some addresses"
			}
			words = append(words, counted(lines.String(), "IPv6 network (/64)", "IPv6 networks (/64)")+more)
		} else {
			words = append(words, counted(c.IPv6, "IPv6 address", "IPv6 addresses"))
		}
	}
	if len(words) == 0 {
		return "No address"
	}
	return strings.Join(words, ", ")
}

func counted(n, one, many string) string {
	if n == "1" {
		return "1 " + one
	}
	return grouped(n) + " " + many
}

// ending is when a way back closes.
func ending(v *visit.Visit, w *addresses.WayBack) parts.Ending {
	t, err := time.Parse(time.RFC3339, w.Until)
	if err != nil {
		return parts.Ending{}
	}
	return parts.Ending{At: parts.At(t.UnixMicro(), v.Zone()), Seconds: 600}
}

// box is one box of the form.
type box struct {
	value, label string
	held         bool
}

func value(h addresses.Holder) string {
	if h.ID == "" {
		return h.Kind
	}
	return h.Kind + "/" + h.ID
}

func (f *facts) holds(h addresses.Holder) bool {
	for _, o := range f.rule.Holders {
		if o.Kind == h.Kind && o.ID == h.ID {
			return true
		}
	}
	return false
}

// boxes are the tenant, the roles and teams, and whoever else holds the rule.
func (f *facts) boxes() []box {
	var out []box
	for _, h := range f.choices {
		label := called(h)
		if h.Kind == "tenant" {
			label = "Everybody here, and every API key"
		}
		if h.Kind != "user" && h.Kind != "key" || f.holds(h) {
			out = append(out, box{value(h), label, f.holds(h)})
		}
	}
	for _, h := range f.rule.Holders {
		listed := false
		for _, b := range out {
			listed = listed || b.value == value(h)
		}
		if !listed {
			out = append(out, box{value(h), called(h), true})
		}
	}
	return out
}

// others are the users and keys that can be added.
func (f *facts) others() []parts.Option {
	out := []parts.Option{{Value: "", Label: "Nobody else"}}
	for _, h := range f.choices {
		if (h.Kind == "user" || h.Kind == "key") && !f.holds(h) {
			out = append(out, parts.Option{Value: value(h), Label: called(h)})
		}
	}
	return out
}
