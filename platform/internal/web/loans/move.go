package loans

import (
	"context"
	"net/url"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// The form that moves loans between portfolios, and the front's own fields.
const (
	moveForm  = "move"
	wayName   = "_way" // "into" or "out of"
	placeName = "_portfolio"
	scopeName = "_all" // all that the list shows, instead of the rows that are ticked
)

// mostChunks bounds one act: what a list of more loans shows is narrowed first,
// or moved through the API.
const mostChunks = 50

// move puts the loans that were ticked, or all that the list shows, into a
// portfolio or takes them out of it, a chunk of the operation's at a time.
func (r *Room) move(v *visit.Visit) {
	var asked servicing.PortfolioMoveIn
	fill := func(form url.Values, in *servicing.PortfolioMoveIn) error {
		err := moveInput(form, in)
		asked = *in
		return err
	}
	visit.Act(v, r.desk.PortfolioMove, func(out *servicing.PortfolioMoveOut) visit.Answer {
		moved, chunks := out.Moved, 1
		for out.Next != "" && chunks < mostChunks {
			asked.Cursor = out.Next
			next, err := visit.Call(v, r.desk.PortfolioMove, func(_ url.Values, in *servicing.PortfolioMoveIn) error { *in = asked; return nil })
			if err != nil {
				return visit.Told(backTo(v), parts.Toast{Meaning: parts.Warn, Text: parts.Things(moved, "loan") + " moved, then it stopped: " + fault.As(err).Message})
			}
			out, moved, chunks = next, moved+next.Moved, chunks+1
		}
		if out.Next != "" {
			return visit.Told(backTo(v), parts.Toast{Meaning: parts.Warn, Text: parts.Things(moved, "loan") + " moved, and the list shows more. Narrow it and go on."})
		}
		return visit.Go(backTo(v), parts.Things(moved, "loan")+" moved. Who may see them has changed with them.")
	}, r.listAgain(v), fill)
}

// listAgain is the list as it was when the form was sent from it.
func (r *Room) listAgain(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		v.R.URL = &url.URL{Path: "/loans", RawQuery: v.Form().Get(filterName)}
		return r.list(v)(ctx, p)
	}
}

// moveInput reads the form: rows that were ticked, or the filter of the list.
func moveInput(form url.Values, in *servicing.PortfolioMoveIn) error {
	place := form.Get(placeName)
	if place == "" {
		return fault.Bad(placeName, "Choose a portfolio.")
	}
	if form.Get(wayName) == "out of" {
		in.Remove = []string{place}
	} else {
		in.Add = []string{place}
	}
	if form.Get(scopeName) == "" {
		if in.Loans = form["loans"]; len(in.Loans) == 0 {
			return fault.Bad("loans", "Tick the loans to move, or all that this list shows.")
		}
		return nil
	}
	q := filterOf(form)
	in.Filter = &servicing.LoanFilter{Status: q.Get("status"), Portfolio: q.Get("portfolio"), SourceCompany: q.Get("source_company"), Borrower: q.Get("borrower"), Q: q.Get("q")}
	return nil
}

// filterName carries the list's address along.
const filterName = "_list"

func filterOf(form url.Values) url.Values {
	q, err := url.ParseQuery(form.Get(filterName))
	if err != nil {
		return url.Values{}
	}
	return q
}

// backTo is the list from which the loans were moved.
func backTo(v *visit.Visit) string {
	q := filterOf(v.Form())
	q.Del("cursor")
	if len(q) == 0 {
		return "/loans"
	}
	return "/loans?" + q.Encode()
}

// listed is the address of the list: after a fault, the one that was sent along.
func (s *shelf) listed() string {
	if f := s.visit.Form(); f != nil {
		return f.Get(filterName)
	}
	return s.at.RawQuery
}

// places are the portfolios that loans can be moved into or out of.
func (s *shelf) places() []parts.Option {
	out := []parts.Option{{Value: "", Label: "Choose a portfolio"}}
	for _, o := range s.portfolios {
		if o.Value != "" {
			out = append(out, o)
		}
	}
	return out
}

// shelved reports whether there is a portfolio to move loans into.
func (s *shelf) shelved() bool { return len(s.places()) > 1 }

// newPortfolio leads to the form that makes one more.
func newPortfolio() parts.Button {
	return parts.Button{Label: "New portfolio", Kind: parts.Plain, Href: "/settings/portfolios/new"}
}

// everything words the box for all that the list shows.
func (s *shelf) everything() string {
	n := parts.Things(int(s.out.Total), "loan")
	if s.out.TotalIs != "exact" {
		n = "at least " + n
	}
	return "All that this list shows: " + n
}
