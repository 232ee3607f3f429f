package parts

import "strings"

// Meaning is what a mark, a colour or a line says. Colour never says it alone:
// every part prints the Mark and a word beside it.
type Meaning uint8

// The five meanings. Unknown is grey and never looks like OK.
const (
	Neutral Meaning = iota
	OK
	Warn
	Danger
	Unknown
)

// Mark is the sign that stands before the word; Neutral has none.
func (m Meaning) Mark() string {
	switch m {
	case OK:
		return "✓"
	case Warn:
		return "!"
	case Danger:
		return "✗"
	case Unknown:
		return "?"
	}
	return ""
}

// class is the one class name that a meaning gives to an element.
func (m Meaning) class() string {
	switch m {
	case OK:
		return "is-ok"
	case Warn:
		return "is-warn"
	case Danger:
		return "is-danger"
	case Unknown:
		return "is-unknown"
	}
	return "is-neutral"
}

// classes joins the class names that are not empty.
func classes(names ...string) string {
	kept := make([]string, 0, len(names))
	for _, n := range names {
		if n != "" {
			kept = append(kept, n)
		}
	}
	return strings.Join(kept, " ")
}

// when gives the word if the condition holds, and nothing otherwise.
func when(cond bool, word string) string {
	if cond {
		return word
	}
	return ""
}

// or gives the first text that is not empty.
func or(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// slug turns a field name such as "rules.proxy.action" into text that may stand
// in an id; different names of one page must differ in letters or digits.
func slug(name string) string {
	var b strings.Builder
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			b.WriteRune(r)
		case r >= 'A' && r <= 'Z':
			b.WriteRune(r + 'a' - 'A')
		default:
			b.WriteByte('-')
		}
	}
	return b.String()
}
