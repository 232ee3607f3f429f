package statement

import (
	"strconv"
	"strings"
	"testing"
)

func TestMarksAreNumberedOutsideOfText(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT 1":                              "SELECT 1",
		"a = ? AND b IN (?, ?)":                 "a = $1 AND b IN ($2, $3)",
		"a = 'it''s ?' AND b = ?":               "a = 'it''s ?' AND b = $1",
		`"odd?name" = ? -- why?` + "\nOR c = ?": `"odd?name" = $1 -- why?` + "\nOR c = $2",
		"/* ? */ ? /* ?":                        "/* ? */ $1 /* ?",
		"'never closed ?":                       "'never closed ?",
		"ä = ? OR ö = '?ß'":                     "ä = $1 OR ö = '?ß'",
		`LIKE ? ESCAPE '\' AND x = ?`:           `LIKE $1 ESCAPE '\' AND x = $2`,
	} {
		if got := number(query).Text; got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
}

func TestControlIsRefused(t *testing.T) {
	for _, q := range []string{"commit", "  Rollback", ";;begin", "/* x */ -- y\n END", "PRAGMA key", "attach 'x' as y", "SET ROLE postgres", "", "--", "/*"} {
		if RefuseControl(q) == nil {
			t.Errorf("%q was let through", q)
		}
	}
	for _, q := range []string{"SELECT 1", "UPDATE setting SET a = ?", "WITH x AS (SELECT 1) SELECT * FROM x", "-- commit\nSELECT 1", "settle"} {
		if err := RefuseControl(q); err != nil {
			t.Errorf("%q: %v", q, err)
		}
	}
}

func FuzzMarks(f *testing.F) {
	for _, s := range []string{"a = ?", "'?'", `"?" ? '`, "-- ?\n?", "/*?*/?", "'a''?'?", "???"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if strings.Contains(query, "$") {
			return
		}
		n := number(query)
		back := n.Text
		for i := n.Marks; i > 0; i-- { // from the end, so that $1 is not found in $10
			mark := "$" + strconv.Itoa(i)
			if strings.Count(back, mark) != 1 {
				t.Fatalf("%q: mark %d is not there once: %q", query, i, n.Text)
			}
			back = strings.Replace(back, mark, "?", 1)
		}
		if back != query {
			t.Fatalf("%q came back as %q", query, back)
		}
		if again := number(n.Text); again.Marks != 0 {
			t.Fatalf("%q: marks were left in %q", query, n.Text)
		}
		_ = RefuseControl(query)
	})
}
