// Package strict reads JSON as the API wants it: valid UTF-8, one value and
// nothing after it, no name twice, nothing nested without end, no number that
// does not fit. It says where something is wrong in the caller's own words, and
// repeats a name only if it looks like one; values are never repeated.
//
// It knows no operation and no HTTP.
package strict

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/pan"
)

// maxDepth is how deep objects and lists may be nested; ours are 4 deep.
const maxDepth = 32

// maxDigits is the longest number that is looked at.
const maxDigits = 40

// Object is a JSON object with its names in the order in which they were sent.
type Object struct {
	Members map[string]any
	Names   []string
}

// Scan reads one JSON value strictly into objects, lists, strings, int64, float64,
// bools and nil. Whole numbers are int64; "1.0" and "1e2" are not whole.
func Scan(raw []byte) (any, error) {
	switch {
	case !utf8.Valid(raw):
		return nil, fault.New(fault.Malformed, "invalid_utf8", "Send the body in valid UTF-8.")
	case bytes.HasPrefix(raw, []byte("\ufeff")):
		return nil, fault.New(fault.Malformed, "malformed_json", "Send the body without a byte order mark.")
	}
	s := scanner{jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true))}
	v, err := s.value("", 0)
	if err != nil {
		return nil, err
	}
	if _, err := s.in.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Malformed, "trailing_data", "Send one JSON object and nothing after it.")
	}
	return v, nil
}

type scanner struct{ in *jsontext.Decoder }

func (s scanner) value(where string, depth int) (any, error) {
	token, err := s.in.ReadToken()
	if err != nil {
		return nil, syntax(err, where)
	}
	switch token.Kind() {
	case '{':
		return s.object(where, depth+1)
	case '[':
		return s.list(where, depth+1)
	case '"':
		return token.String(), nil
	case '0':
		return number(token.String(), where)
	case 't', 'f':
		return token.Bool(), nil
	}
	return nil, nil
}

func (s scanner) object(where string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, tooDeep(where)
	}
	out := &Object{Members: map[string]any{}}
	for {
		token, err := s.in.ReadToken()
		if err != nil {
			return nil, syntax(err, where)
		}
		if token.Kind() == '}' {
			return out, nil
		}
		name := token.String()
		at := Inside(where, name)
		if _, twice := out.Members[name]; twice {
			return nil, malformed("duplicate_key", "The body has a name twice.", at, "Send this name once.")
		}
		if out.Members[name], err = s.value(at, depth); err != nil {
			return nil, err
		}
		out.Names = append(out.Names, name)
	}
}

func (s scanner) list(where string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, tooDeep(where)
	}
	out := []any{}
	for s.in.PeekKind() != ']' {
		v, err := s.value(where+"["+strconv.Itoa(len(out))+"]", depth)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if _, err := s.in.ReadToken(); err != nil {
		return nil, syntax(err, where)
	}
	return out, nil
}

// number reads what fits into int64 or float64 and refuses the rest.
func number(text, where string) (any, error) {
	large := func() (any, error) {
		return nil, fault.Bad(Place(where), "Send a number that is not as large or as long.")
	}
	if len(text) > maxDigits {
		return large()
	}
	if !strings.ContainsAny(text, ".eE") {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return large()
		}
		return n, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return large()
	}
	return f, nil
}

// Inside names a member of an object by its path, in the caller's words where
// they are names.
func Inside(where, name string) string {
	name = Field(name, "an unknown field")
	if where == "" {
		return name
	}
	return where + "." + name
}

// Place is a path, or the body itself.
func Place(where string) string {
	if where == "" {
		return "body"
	}
	return where
}

func tooDeep(where string) error {
	if len(where) > 200 {
		where = ""
	}
	return malformed("too_deep", "The body is nested too deeply.", Place(where), "Nest at most "+strconv.Itoa(maxDepth)+" objects and lists.")
}

// syntax says where the body ceases to be JSON; the decoder's own words may
// hold a piece of it.
func syntax(err error, where string) error {
	mend := "This is not valid JSON."
	var at *jsontext.SyntacticError
	if errors.As(err, &at) {
		mend = "This is not valid JSON, near byte " + strconv.FormatInt(at.ByteOffset, 10) + " of the body."
	}
	return malformed("malformed_json", "The body is not valid JSON.", Place(where), mend)
}

func malformed(reason, message, where, mend string) error {
	f := fault.New(fault.Malformed, reason, message)
	f.Fields = []fault.Field{{Path: where, Mend: mend}}
	return f
}

// NameByte reports the characters of names and ids.
func NameByte(c byte) bool {
	return c >= '0' && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c == '.' || c == '-' || c == '~'
}

// longestField is how long a name is that is repeated as a field's, and mostDigits
// how many digits it has: a line of an address has its number, a person has theirs.
const (
	longestField = 40
	mostDigits   = 4
)

// Field gives back a caller's own name for a field if it looks like one of letters,
// digits and underscores; else what to say instead, for it may be anything: a card
// number, a telephone number, a person's name.
func Field(name, instead string) string {
	digits := 0
	for i := range len(name) {
		c := name[i]
		if c >= '0' && c <= '9' {
			digits++
		} else if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') {
			return instead
		}
	}
	if len(name) > longestField || digits > mostDigits {
		return instead
	}
	return Sayable(name, instead)
}

// Sayable gives back a caller's own name for something, an operation with its dots,
// if it looks like a name; else what to say instead.
func Sayable(name, instead string) string {
	letter := false
	for i := range len(name) {
		if !NameByte(name[i]) || name[i] == '~' {
			return instead
		}
		letter = letter || 'a' <= name[i]|0x20 && name[i]|0x20 <= 'z'
	}
	if !letter || len(name) > 64 || pan.Contains(name) {
		return instead
	}
	return name
}
