package outline

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shown is how many values a sentence names before it counts the others.
const shown = 6

// Sentence says the outline in plain English: "Loans in portfolio Acme or Beta,
// and not in status Charged off". noun is what the rows are, in the plural.
// Fields that are not among those given are called by their names.
func (p Part) Sentence(noun string, fields []Field) string {
	s := speaker{fields: make(map[string]*Field, len(fields))}
	for i := range fields {
		s.fields[fields[i].Name] = &fields[i]
	}
	if p.Join != None && len(p.Parts) == 0 {
		first, size := utf8.DecodeRuneInString(noun)
		return pick((p.Join == All) != p.Not, "All ", "No ") + string(unicode.ToLower(first)) + noun[size:]
	}
	return noun + " " + s.say(p, true)
}

type speaker struct{ fields map[string]*Field }

func (s speaker) say(p Part, outermost bool) string {
	if p.Join == None {
		return s.condition(p)
	}
	if len(p.Parts) == 0 {
		return pick((p.Join == All) != p.Not, "of any sort", "of no sort")
	}
	said := make([]string, len(p.Parts))
	for i, part := range p.Parts {
		said[i] = s.say(part, false)
	}
	text := strings.Join(said, pick(p.Join == All, ", and ", ", or "))
	switch {
	case p.Not:
		return "not (" + text + ")"
	case len(said) > 1 && !outermost:
		return "(" + text + ")"
	}
	return text
}

func (s speaker) condition(p Part) string {
	f := s.fields[p.Field]
	if f == nil {
		f = &Field{Name: p.Field, Label: p.Field, Kind: Text}
	}
	label := lower(f.Label)
	if f.Kind == YesNo && len(p.Values) == 1 {
		yes := (p.Values[0] == "true") == (p.Compare == Is)
		return pick(yes, "marked ", "not marked ") + label
	}
	values := f.list(p.Values)
	if f.Kind == List || f.Kind == Text && len(f.Values) > 0 {
		switch p.Compare {
		case Is, OneOf:
			return "in " + label + " " + values
		case IsNot, NoneOf:
			return "not in " + label + " " + values
		}
	}
	return "with " + label + " " + between(p.Compare, f.Kind) + values
}

// between gives the words that lead to the value, with a space after them.
func between(c Comparison, k Kind) string {
	date, text := k == Date, k == Text
	switch c {
	case IsNot, NoneOf:
		return "other than "
	case Under:
		return pick(date || text, "before ", "under ")
	case AtMost:
		return pick(date, "on or before ", pick(text, "up to ", "of at most "))
	case Over:
		return pick(date || text, "after ", "over ")
	case AtLeast:
		return pick(date, "on or after ", pick(text, "from ", "of at least "))
	case BeginsWith:
		return "beginning with "
	case BeginsNotWith:
		return "not beginning with "
	}
	return pick(date, "on ", "")
}

// list joins values with "or", in the words of the field.
func (f *Field) list(values []string) string {
	if len(values) == 0 {
		return "of an empty list"
	}
	said := make([]string, 0, shown)
	for _, value := range values[:min(len(values), shown)] {
		said = append(said, f.spoken(value))
	}
	last := said[len(said)-1]
	if more := len(values) - shown; more > 0 {
		said, last = append(said, ""), strconv.Itoa(more)+" more"
	}
	if len(said) == 1 {
		return last
	}
	return strings.Join(said[:len(said)-1], ", ") + " or " + last
}

func (f *Field) spoken(value string) string {
	for _, known := range f.Values {
		if known.Value == value {
			return quoted(known.Label)
		}
	}
	switch f.Kind {
	case Money:
		return grouped(value)
	case Text, List:
		return quoted(value)
	}
	return value
}

// quoted puts a text into quotes unless it reads as a plain name.
func quoted(s string) string {
	plain := s != "" && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" -_.&/", r)
	})
	return pick(plain, s, "“"+s+"”")
}

// grouped writes 5000.00 as 5,000.00.
func grouped(amount string) string {
	whole, rest, _ := strings.Cut(amount, ".")
	for at := len(whole) - 3; at > 0 && whole[at-1] != '-'; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	return whole + pick(rest != "", "."+rest, "")
}

// lower begins a label in small letters, unless it is an abbreviation.
func lower(label string) string {
	first, size := utf8.DecodeRuneInString(label)
	if size == 0 {
		return label
	}
	second, _ := utf8.DecodeRuneInString(label[size:])
	if unicode.IsUpper(second) {
		return label
	}
	return string(unicode.ToLower(first)) + label[size:]
}
