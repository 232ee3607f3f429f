package restrictions

import (
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// counted words a preview, or why there is none.
func counted(out *restrictions.PreviewOut, err error) parts.Counted {
	if err != nil {
		c := parts.Counted{Headline: "Not counted yet", Meaning: "unknown"}
		for _, f := range fault.As(err).Fields {
			_, _, meaning := rule.Place(f.Mend)
			c.Notes = append(c.Notes, capital(meaning))
		}
		return c
	}
	c := parts.Counted{Headline: out.Said, Meaning: "neutral", Columns: []string{"Loan", "Status", "Balance"}}
	if out.Loans.Shown == 0 {
		c.Meaning = "warn"
	}
	switch {
	case out.HidesEverything:
		c.Notes = append(c.Notes, "This hides everything from whoever holds it.")
	case out.Loans.Shown == out.Loans.Of && out.Loans.Of > 0:
		c.Notes = append(c.Notes, "It hides no loan at present.")
	}
	c.Notes = append(c.Notes, beside(out.Reach)...)
	if u := out.User; u != nil {
		c.Notes = append(c.Notes, u.Name+" ends up with "+u.Loans.Said+", by "+spoken(u.Restrictions)+".")
	}
	c.Rows = rowsOf(out.Sample)
	return c
}

// beside says what is shown besides loans, and what limits narrow.
func beside(r restrictions.Reach) []string {
	var notes []string
	for _, k := range []restrictions.Count{r.Borrowers, r.Applications} {
		if k.Of > 0 {
			notes = append(notes, capital(k.Said)+".")
		}
	}
	for _, l := range r.Limits {
		notes = append(notes, capital(l.Area)+": "+levelWord(l.Level)+" for "+parts.Count(int(l.Rows))+".")
	}
	return notes
}

func rowsOf(list []restrictions.Sample) [][]string {
	var rows [][]string
	for _, s := range list {
		rows = append(rows, []string{s.Number, strings.ReplaceAll(s.Status, "_", " "), s.PrincipalBalance.Grouped()})
	}
	return rows
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// spoken joins names as a sentence does.
func spoken(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = "“" + n + "”"
	}
	switch last := len(quoted) - 1; {
	case last < 0:
		return "no search restriction"
	case last == 0:
		return quoted[0]
	default:
		return strings.Join(quoted[:last], ", ") + " and " + quoted[last]
	}
}

func holders(list []restrictions.Holder, more []restrictions.Holder) string {
	var names []string
	for _, h := range list {
		names = append(names, h.Name)
	}
	for _, h := range more {
		names = append(names, "team "+h.Name)
	}
	if len(names) > 3 {
		return strings.Join(names[:3], ", ") + " and " + parts.Count(len(names)-3) + " more"
	}
	return strings.Join(names, ", ")
}

// short cuts a long text for a cell.
func short(s string, n int) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) <= n {
		return string(r)
	}
	return string(r[:n-1]) + "…"
}
