package inquiry

import (
	"context"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/platform/internal/admin/vantage"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// mine is "My access": what the person may do and see here.
func (r *Room) mine(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.Vantage.Mine)
		if err != nil {
			return visit.View{}, err
		}
		actions := []parts.Button{{Label: "My requests", Href: requestList}}
		return visit.View{Page: parts.Page{Title: "My access", Actions: actions}, Body: minePage(v, out)}, nil
	}
}

func roleFacts(v *visit.Visit, out *vantage.AccessOut) []parts.Fact {
	facts := []parts.Fact{{Term: "Role", Value: parts.Words(out.Role.Name), Note: out.Role.Description}}
	if out.Role.Until != "" {
		facts = append(facts, parts.Fact{Term: "Lent until", Value: ends(v, out.Role.Until), Note: "then " + out.Role.After + " again"})
	}
	return append(facts,
		parts.Fact{Term: "Government ids", Value: parts.Words(seen(out.Visibility.SSN))},
		parts.Fact{Term: "Bank accounts", Value: parts.Words(seen(out.Visibility.BankAccount))},
		parts.Fact{Term: "Dates of birth", Value: parts.Words(seen(out.Visibility.DateOfBirth))})
}

func seen(level string) string {
	switch level {
	case "full":
		return "Can be revealed"
	case "last4":
		return "Last four digits"
	case "hidden":
		return "Hidden"
	}
	text := strings.TrimSuffix(level, "_hidden")
	return "Without " + strings.ReplaceAll(text, "_", " and ")
}

func doorFacts(v *visit.Visit, out *vantage.AccessOut) []parts.Fact {
	factor := "None is asked for"
	switch f := out.Factors; {
	case f.ExceptUntil != "":
		factor = "A recorded exception stands"
	case f.Apps+f.Passkeys > 0:
		factor = parts.Things(f.Apps, "authenticator app") + ", " + parts.Things(f.Passkeys, "passkey") + ", " + parts.Things(f.Codes, "recovery code") + " left"
	case f.Needed:
		factor = "Needed, and not set up yet"
	}
	facts := []parts.Fact{{Term: "Second factor", Value: parts.Words(factor), Note: out.Factors.ExceptFor}}
	if out.Factors.ExceptUntil != "" {
		facts = append(facts, parts.Fact{Term: "Exception ends", Value: when(v, out.Factors.ExceptUntil)})
	}
	return append(facts, parts.Fact{Term: "Open sessions", Value: parts.Anchor(parts.Link{Text: parts.Count(out.Sessions), Href: "/me/sign-in"})},
		parts.Fact{Term: "This address", Value: parts.Words(out.Address)})
}

// ruleTable lists the address rules that bind the person.
func ruleTable(list []vantage.AddressRule) parts.Table {
	t := parts.Table{Caption: "Address rules that bind me", Columns: []parts.Column{{Head: "Rule"}, {Head: "Sort"}, {Head: "Binds me through"}, {Head: "This address"}}}
	for _, r := range list {
		verdict := parts.Badge{Meaning: parts.OK, Word: "Passes"}
		if !r.Passes {
			verdict = parts.Badge{Meaning: parts.Warn, Word: "Not in it"}
			if r.Mode == "deny" {
				verdict = parts.Badge{Meaning: parts.Danger, Word: "Denied"}
			}
		}
		t.Rows = append(t.Rows, parts.Row{Cells: cells(parts.Words(r.Name), parts.Words(map[string]string{"allow": "Allows", "deny": "Denies"}[r.Mode]), parts.Words(through(r.Through)), parts.Verdict(verdict))})
	}
	return t
}

func through(kind string) string {
	switch kind {
	case "tenant":
		return "Everybody here"
	case "role":
		return "My role"
	case "team":
		return "My team"
	case "key":
		return "This API key"
	}
	return "Me"
}

func keyTable(v *visit.Visit, list []vantage.Key) parts.Table {
	t := parts.Table{Caption: "My API keys", Columns: []parts.Column{{Head: "Key"}, {Head: "Begins"}, {Head: "Ends"}, {Head: "Last used"}}}
	for _, k := range list {
		t.Rows = append(t.Rows, parts.Row{Cells: cells(parts.Words(k.Label), parts.Words(k.Begins), when(v, k.ExpiresAt), when(v, k.UsedAt))})
	}
	return t
}

// areaNode is one area of the catalogue as a branch of the tree.
func areaNode(a vantage.Area) parts.Node {
	n := parts.Node{Label: a.Area, Detail: parts.Things(len(a.Operations), "operation"), Passing: parts.Passed}
	for _, o := range a.Operations {
		where := "screens"
		switch {
		case o.Screens && o.API:
			where = "screens and API"
		case o.API:
			where = "API"
		}
		if o.Paired {
			where += ", with a second person"
		}
		n.Children = append(n.Children, parts.Node{Label: o.Title, Detail: where, Passing: parts.Passed})
	}
	return n
}

func areaNodes(list []vantage.Area) []parts.Node {
	out := make([]parts.Node, len(list))
	for i, a := range list {
		out[i] = areaNode(a)
	}
	return out
}

// areaWords is an area of limits as people say it.
func areaWords(area, level string) string {
	words := strings.ToUpper(area[:1]) + area[1:]
	switch level {
	case "none":
		return words + ": hidden"
	case "view":
		return words + ": view only"
	}
	return words + ": everything"
}

// moment reads an instant of the API; zero for none.
func moment(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}
