package rule

import (
	"fmt"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
)

// refuse is the one form of this package's faults: Invalid, with one field
// whose path the caller fills in.
func refuse(mend string) error { return fault.Bad("", mend) }

func refuseAt(line, col int, mend string) error {
	return refuse(fmt.Sprintf("line %d, column %d: %s", line, col, mend))
}

// Place reads the line and the column back from a mend of Compile, both from 1,
// the column in characters; without a place the whole mend is the meaning.
func Place(mend string) (line, column int, meaning string) {
	if n, _ := fmt.Sscanf(mend, "line %d, column %d:", &line, &column); n < 2 {
		return 0, 0, mend
	}
	_, meaning, _ = strings.Cut(mend, ": ")
	return line, column, meaning
}

// short keeps a name that someone wrote within what an answer may repeat.
// Names are plain ASCII words by then; values are never repeated at all.
func short(name string) string {
	if len(name) > 40 {
		return name[:37] + "..."
	}
	return name
}

// unknown words the fault of a name that is no field, with the nearest one.
func (v *Vocabulary) unknown(name string) string {
	best, least := "", len(name)/2+1
	if len(name) <= 130 {
		for _, f := range v.fields {
			if d := distance(name, f.Name); d < least {
				best, least = f.Name, d
			}
		}
	}
	if best == "" {
		return short(name) + " is not a field"
	}
	return short(name) + " is not a field; did you mean " + best + "?"
}

// noSuch words the fault of a value that a closed field never has, with the nearest
// one that it has; what was written is not repeated.
func (f *Field) noSuch(value string) string {
	best, least := "", len(value)/2+1
	var all []string
	for _, k := range f.Known {
		all = append(all, k.Value)
		if len(value) <= 130 {
			if d := distance(value, k.Value); d < least {
				best, least = k.Value, d
			}
		}
	}
	if best == "" {
		return f.Name + " has no such value; it is one of " + strings.Join(all, ", ")
	}
	return f.Name + ` has no such value; did you mean "` + best + `"?`
}

// distance is the number of letters to add, drop or change (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// how says how a literal for a kind is written.
func (k Kind) how() string {
	switch k {
	case Int:
		return "a whole number such as 30"
	case Money:
		return `an amount such as money("250.00")`
	case Date:
		return `a date such as date("2026-01-01")`
	case Bool:
		return "true or false"
	default:
		return "a text in quotes"
	}
}

// printable reports whether text may stand in a literal: no control characters,
// which one engine cannot store and no screen can show.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffd })
}
