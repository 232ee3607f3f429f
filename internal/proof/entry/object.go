package entry

import (
	"bytes"
	"encoding/json"
	"errors"
)

var errBody = errors.New("the body cannot be read")

// Object gives the object of a stored body without decoding the rest of it, which an
// auditor does millions of times; "" if it has none. What it reads is what Decode
// reads: the first level's "object", the last one if there were two.
func Object(stored []byte) (string, error) {
	if len(stored) < 3 || stored[1] != '{' {
		return "", errBody
	}
	object := ""
	for j := stored[2:]; ; {
		if j[0] == '}' {
			return object, ended(j)
		}
		key, rest, ok := text(j)
		if !ok || len(rest) < 2 || rest[0] != ':' {
			return "", errBody
		}
		value := rest[1:]
		n := span(value)
		if n <= 0 || n >= len(value) {
			return "", errBody
		}
		if string(key) == `"object"` {
			if err := json.Unmarshal(value[:n], &object); err != nil {
				return "", errBody
			}
		}
		switch j = value[n:]; {
		case j[0] == '}':
			return object, ended(j)
		case j[0] != ',' || len(j) < 2:
			return "", errBody
		}
		j = j[1:]
	}
}

func ended(j []byte) error {
	if len(j) != 1 {
		return errBody
	}
	return nil
}

// text cuts a JSON string, its quotes included, off the front.
func text(j []byte) (s, rest []byte, ok bool) {
	if len(j) == 0 || j[0] != '"' {
		return nil, nil, false
	}
	for i := 1; i < len(j); {
		n := bytes.IndexByte(j[i:], '"')
		if n < 0 {
			return nil, nil, false
		}
		end := i + n
		escapes := 0
		for j[end-1-escapes] == '\\' {
			escapes++
		}
		if i = end + 1; escapes%2 == 0 {
			return j[:i], j[i:], true
		}
	}
	return nil, nil, false
}

// span is the length of the JSON value at the front; 0 if it does not end.
func span(j []byte) int {
	depth := 0
	for i := 0; i < len(j); {
		switch j[i] {
		case '"':
			s, _, ok := text(j[i:])
			if !ok {
				return 0
			}
			if i += len(s); depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // behind a number
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return 0
}
