package parts

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/internal/rule/outline"
)

// Builder is one expression of a restriction, edited as rows or as text.
//
// The text area of this Name is the truth: it is what is posted, and all that
// there is without script. With script, and an Exchange, the rows stand before
// it. The module asks the Exchange, a route of the page's room, by a form-encoded
// POST from the same origin, and it is answered with the JSON of an Exchanged:
//
//	field=visible&text=loan.balance < money("5")    → outline, sentence, or errors
//	field=visible&outline={"all":[…]}               → text, sentence, or errors
//
// A text that is wrong is an answer like any other, with status 200. field is
// Name, so that one route serves all builders of a page.
type Builder struct {
	Name, Label, Value string
	Hint               string
	// Error is the mend of the compiler as it is; its place is marked.
	Error    string
	Required bool
	// Noun is what the rows are, "loans"; Fields what may be asked of them.
	Noun     string
	Limits   bool // it says where a limit holds, and shows nothing by itself
	Fields   []outline.Field
	Exchange string
	// Sentence says the Value in plain English.
	Sentence string
}

func (b Builder) field() Field {
	return Field{Name: b.Name, Label: b.Label, Value: b.Value, Hint: b.Hint, Error: capital(b.Error), Required: b.Required, Rows: max(3, strings.Count(b.Value, "\n")+2)}
}

// control is the text area's; it has no "required", since a browser cannot point
// at a field that stands hidden behind its rows.
func (b Builder) control() templ.Attributes {
	a := b.field().state()
	delete(a, "required")
	if b.Required {
		a["aria-required"] = "true"
	}
	a["class"], a["spellcheck"], a["autocomplete"] = "code", "false", "off"
	return a
}

// asJSON is for what the module reads from an attribute.
func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("parts: " + err.Error()) // plain structs of text always marshal
	}
	return string(b)
}

// place cuts the line that a mend speaks of into what stands before the word at
// fault, the word, and what stands behind it.
func (b Builder) place() (before, word, after string, ok bool) {
	line, column, _ := rule.Place(b.Error)
	lines := strings.Split(b.Value, "\n")
	if line < 1 || line > len(lines) {
		return "", "", "", false
	}
	text := []rune(strings.TrimSuffix(lines[line-1], "\r"))
	from := min(column-1, len(text))
	to := from
	for to < len(text) && (unicode.IsLetter(text[to]) || unicode.IsDigit(text[to]) || text[to] == '_' || text[to] == '.') {
		to++
	}
	if to == from && to < len(text) {
		to++
	}
	return string(text[:from]), string(text[from:to]), string(text[to:]), true
}

func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}

// Exchanged is the answer of a Builder's Exchange.
type Exchanged struct {
	Text     string           `json:"text,omitempty"`
	Outline  *outline.Part    `json:"outline,omitempty"`
	Sentence string           `json:"sentence,omitempty"`
	Errors   []ExchangedError `json:"errors,omitempty"`
}

// ExchangedError is one thing that is wrong: Path is its place in the outline
// that was sent, or Line and Column that in the text, both from 1.
type ExchangedError struct {
	Path    string `json:"path"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
}

// ExchangedFault words a fault of rule's Compile or Print, or of outline.Decode.
// prefix is what stands before the paths of its fields, if the operation put the
// name of its own input there.
func ExchangedFault(err error, prefix string) Exchanged {
	f := fault.As(err)
	if len(f.Fields) == 0 {
		return Exchanged{Errors: []ExchangedError{{Message: f.Message}}}
	}
	var x Exchanged
	for _, wrong := range f.Fields {
		e := ExchangedError{Path: strings.TrimPrefix(strings.TrimPrefix(wrong.Path, prefix), ".")}
		e.Line, e.Column, e.Message = rule.Place(wrong.Mend)
		x.Errors = append(x.Errors, e)
	}
	return x
}

// Counting is a slot that says how many rows the texts of a form show. With
// script it asks URL by a form-encoded POST of the fields that Names lists, each
// time one of them has changed, and is answered with the JSON of a Counted.
type Counting struct {
	ID, Label, URL string
	Names          []string
	// Form is the id of a form whose fields are sent all, in the place of Names.
	Form string
	// Counted is what the page knows already; nil asks at once.
	Counted *Counted
}

// Counted is the answer: "3,214 of 18,902 loans", notes and a sample.
type Counted struct {
	Headline string     `json:"headline"`
	Meaning  string     `json:"meaning"` // neutral, ok, warn, danger, unknown
	Notes    []string   `json:"notes,omitempty"`
	Columns  []string   `json:"columns,omitempty"`
	Rows     [][]string `json:"rows,omitempty"`
}

func (c Counting) shown() Counted {
	if c.Counted != nil {
		return *c.Counted
	}
	return Counted{Headline: "Counting…"}
}

func (c Counted) meaning() Meaning {
	for _, m := range []Meaning{OK, Warn, Danger, Unknown} {
		if m.class() == "is-"+c.Meaning {
			return m
		}
	}
	return Neutral
}

// lead begins the sentence of the builder's rows.
func (b Builder) lead() string {
	if b.Limits {
		return "Where"
	}
	return "Show " + b.Noun + " where"
}
