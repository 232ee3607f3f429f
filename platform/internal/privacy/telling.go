package privacy

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plain reports whether a line is text without control characters.
func plain(line string) bool {
	return utf8.ValidString(line) && !strings.ContainsFunc(line, unicode.IsControl)
}

// tells reports whether a text holds one of the values that tell who somebody is:
// as words, or seven digits of it in a row, however they are set apart.
func tells(text string, values []string) bool {
	words, digits := " "+folded(text)+" ", digitsOf(text)
	for _, v := range values {
		if w := folded(v); utf8.RuneCountInString(w) >= 2 && strings.Contains(words, " "+w+" ") {
			return true
		}
		for d := digitsOf(v); len(d) >= inRow; d = d[1:] {
			if strings.Contains(digits, d[:inRow]) {
				return true
			}
		}
	}
	return false
}

// begins reports whether a text that was searched for is the beginning of a value
// that tells who somebody is: lists find by the beginnings of names.
func begins(text string, values []string) bool {
	w := folded(text)
	return utf8.RuneCountInString(w) >= 3 && slices.ContainsFunc(values, func(v string) bool { return strings.HasPrefix(folded(v), w) })
}

const inRow = 7

// folded gives the words of a text in lower case, one space between them.
func folded(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '@' && r != '.' }), " ")
}

func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
}
