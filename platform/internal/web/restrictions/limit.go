package restrictions

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// limitRow is one limit as the form shows it. Applications have words of their
// own, so the conditions of their limits stand in a field of another name.
type limitRow struct {
	index                      int
	area, when, level, message string
}

const applicationArea = "application"

// applicationWhen ends the names of conditions over applications.
const applicationWhen = "].when_application"

func (l limitRow) name(part string) string {
	if part == "when" && l.area == applicationArea {
		return "limits[" + strconv.Itoa(l.index) + applicationWhen
	}
	return "limits[" + strconv.Itoa(l.index) + "]." + part
}

// limitRows are the limits as typed, or else as held, and an empty row for one
// more of each sort.
func limitRows(v *visit.Visit, held []policy.Limit) []limitRow {
	var rows []limitRow
	if s := v.Sheet(sheetName); s.Open() {
		rows = typedRows(v.Form())
	} else {
		for _, l := range held {
			rows = append(rows, limitRow{area: l.Area, when: l.When, level: l.Level, message: l.Message})
		}
	}
	rows = append(rows, limitRow{}, limitRow{area: applicationArea})
	for i := range rows {
		rows[i].index = i
	}
	return rows
}

// typedRows reads the rows of a form, in order; empty ones are left out.
func typedRows(form url.Values) []limitRow {
	var at []int
	for key := range form {
		number, _, ok := strings.Cut(strings.TrimPrefix(key, "limits["), "].")
		if n, err := strconv.Atoi(number); ok && err == nil && strings.HasPrefix(key, "limits[") && !slices.Contains(at, n) {
			at = append(at, n)
		}
	}
	slices.Sort(at)
	var rows []limitRow
	for _, n := range at {
		l := limitRow{index: n}
		l.area, l.level, l.message = form.Get(l.name("area")), form.Get(l.name("level")), form.Get(l.name("message"))
		l.when = form.Get(l.name("when"))
		blank := l.level == "" && strings.TrimSpace(l.when) == "" && strings.TrimSpace(l.message) == "" && (l.area == "" || l.area == applicationArea)
		if !blank {
			rows = append(rows, l)
		}
	}
	return rows
}

// compact writes the rows of a form anew, numbered from 0, under the names that
// the operation knows.
func compact(form url.Values) {
	rows := typedRows(form)
	for key := range form {
		if strings.HasPrefix(key, "limits[") {
			delete(form, key)
		}
	}
	for i, l := range rows {
		as := limitRow{index: i}
		form.Set(as.name("area"), l.area)
		form.Set(as.name("level"), l.level)
		form.Set(as.name("when"), l.when)
		form.Set(as.name("message"), l.message)
	}
}

func areaOptions() []parts.Option {
	return []parts.Option{{Value: "", Label: "Choose an area"}, {Value: "summary", Label: "Summary"}, {Value: "schedule", Label: "Schedule"}, {Value: "payments", Label: "Payments"},
		{Value: "borrower", Label: "Borrower"}, {Value: "notes", Label: "Notes"}, {Value: "documents", Label: "Documents"}}
}

func levelOptions() []parts.Option {
	return []parts.Option{{Value: "", Label: "No limit"}, {Value: "none", Label: "Nothing"}, {Value: "view", Label: "View only"}, {Value: "full", Label: "Everything"}}
}

// levelWord says a level: "nothing", "view only".
func levelWord(level string) string {
	for _, o := range levelOptions() {
		if o.Value == level {
			return strings.ToLower(o.Label)
		}
	}
	return level
}
