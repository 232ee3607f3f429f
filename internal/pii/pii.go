// Package pii finds what names or reaches a person in a text that was meant for
// something else: a reason, a purpose, the name of a program. Such texts are kept
// and shown as they are, so what is found is replaced by a word that says what it
// was.
//
// It knows social security numbers, e-mail addresses, telephone numbers and dates
// of birth as people write them, with their separators. Nine or ten digits alone
// may be anything and are left. Sealed fields do not come here: they keep what was
// entered. It knows no I/O and no clock.
package pii

import (
	"regexp"
	"strings"
)

// What stands in the place of something found.
const (
	Email = "[e-mail]"
	SSN   = "[SSN]"
	Phone = "[phone]"
	Birth = "[date of birth]"
)

var (
	email = regexp.MustCompile(`[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+`)
	ssn   = regexp.MustCompile(`\b[0-9]{3}[- ][0-9]{2}[- ][0-9]{4}\b`)
	phone = regexp.MustCompile(`\+[0-9][0-9 ().-]{7,18}[0-9]\b|\([0-9]{3}\) ?[0-9]{3}[- .][0-9]{4}\b|\b[0-9]{3}[- ][0-9]{3}[- ][0-9]{4}\b`)
	// A date of the years in which whoever borrows today was born: later ones are
	// days on which something is due or was done.
	birth = regexp.MustCompile(`\b(?:19[0-9]{2}|20[01][0-9])-[0-9]{2}-[0-9]{2}\b|\b[0-9]{1,2}[/.][0-9]{1,2}[/.](?:19[0-9]{2}|20[01][0-9])\b`)
)

// Mask replaces what is found. Most texts hold nothing that could be meant and are
// given back at the cost of one look.
func Mask(text string) string {
	if !candidate(text) {
		return text
	}
	text = email.ReplaceAllLiteralString(text, Email)
	text = ssn.ReplaceAllLiteralString(text, SSN)
	text = phone.ReplaceAllLiteralString(text, Phone)
	return birth.ReplaceAllLiteralString(text, Birth)
}

// candidate reports whether a text has an @, a + before a digit, or a separator
// between two digits.
func candidate(s string) bool {
	if strings.IndexByte(s, '@') >= 0 {
		return true
	}
	digit := func(i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }
	for i := range len(s) {
		switch s[i] {
		case '+':
			if digit(i + 1) {
				return true
			}
		case '-', ' ', '/', '.':
			if digit(i-1) && digit(i+1) {
				return true
			}
		case ')':
			if digit(i - 1) {
				return true
			}
		}
	}
	return false
}
