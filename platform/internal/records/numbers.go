package records

import (
	"context"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/audit/facet"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

const (
	// patience bounds each of a page's three looks: for its entries, for their total,
	// and for what they consist of. Together they stay below what a person notices.
	patience = 25 * time.Millisecond
	topOf    = 8  // values a facet
	mostBars = 40 // of the histogram
)

// Numbers say of what a selection consists.
type Numbers struct {
	Are    string  `json:"are" class:"public" enum:"exact,about,at_least" doc:"exact: all were counted; about: told from a sample; at_least: of the newest that were looked at."`
	Of     int64   `json:"of" class:"public" doc:"Entries that were looked at."`
	Facets []Facet `json:"facets"`
	Bars   []Bar   `json:"bars" doc:"The selection over time, in bars of equal width."`
}

// Facet is one way to narrow the selection.
type Facet struct {
	Name   string        `json:"name" class:"public" doc:"The parameter that narrows it."`
	Values []FacetNumber `json:"values"`
}

// FacetNumber is a value and how many entries have it.
type FacetNumber struct {
	Value string `json:"value" class:"public"`
	Count int64  `json:"count" class:"public"`
}

// Bar is one span of the histogram.
type Bar struct {
	From    string `json:"from" class:"public"`
	To      string `json:"to" class:"public" doc:"exclusive"`
	Allowed int64  `json:"allowed" class:"public"`
	Denied  int64  `json:"denied" class:"public"`
	Failed  int64  `json:"failed" class:"public"`
}

func numbers(ctx context.Context, c *gate.Call, f audit.Filter) (*Numbers, error) {
	sum, err := c.Tenant.Trail.Sum(ctx, c.Tx, f, topOf)
	if err != nil {
		return nil, err
	}
	out := &Numbers{Are: string(sum.How), Of: sum.Of, Facets: []Facet{}, Bars: bars(sum, f, c.Tenant.Zone)}
	for _, name := range facet.Columns() {
		one := Facet{Name: name, Values: []FacetNumber{}}
		for _, n := range sum.By[name] {
			one.Values = append(one.Values, FacetNumber(n))
		}
		out.Facets = append(out.Facets, one)
	}
	return out, nil
}

// bars spread the entries over the time that was asked for, or that they cover.
func bars(sum *facet.Sum, f audit.Filter, zone *time.Location) []Bar {
	if sum.Oldest == 0 {
		return []Bar{}
	}
	begin, end := max(sum.Oldest, f.From), sum.Newest
	width := barWidth(end - begin + 1)
	_, offset := time.UnixMicro(begin).In(zone).Zone()
	shift := int64(offset) * 1e6
	begin = (begin+shift)/width*width - shift
	out := make([]Bar, (end-begin)/width+1)
	for i := range out {
		from := begin + int64(i)*width
		out[i].From, out[i].To = time.UnixMicro(from).UTC().Format(time.RFC3339), time.UnixMicro(from+width).UTC().Format(time.RFC3339)
	}
	for _, m := range sum.Marks {
		i := (m.At - begin) / width
		if i < 0 || i >= int64(len(out)) {
			continue // a sample's ends are not its very first and last
		}
		switch m.Outcome {
		case "denied":
			out[i].Denied++
		case "failed":
			out[i].Failed++
		default:
			out[i].Allowed++
		}
	}
	if sum.How == facet.About {
		for i := range out {
			b := &out[i]
			b.Allowed, b.Denied, b.Failed = sum.Stands(b.Allowed), sum.Stands(b.Denied), sum.Stands(b.Failed)
		}
	}
	return out
}

// barWidth is a width that people think in, so that no more than mostBars cover span.
func barWidth(span int64) int64 {
	const second, hour = int64(1e6), int64(3600e6)
	widths := []int64{second, 5 * second, 15 * second, 60 * second, 300 * second, 900 * second, hour, 3 * hour, 6 * hour, 12 * hour,
		24 * hour, 2 * 24 * hour, 7 * 24 * hour, 14 * 24 * hour, 28 * 24 * hour, 91 * 24 * hour}
	for _, w := range widths {
		if span/w < mostBars {
			return w
		}
	}
	return 364 * 24 * hour
}
