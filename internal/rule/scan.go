package rule

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds of an expression, checked before any parser sees it.
const (
	MaxLength     = 4096 // bytes
	MaxDepth      = 24   // parentheses and lists inside one another
	MaxConditions = 256  // comparisons in one expression
	MaxWords      = 1536 // words, numbers and texts together
	maxBangs      = 8    // "!" in a row
)

// scanner walks the text once and refuses whatever cannot belong to our part of
// the language, so that the general parser behind it only ever sees short, flat,
// harmless input.
type scanner struct {
	text      string
	at        int
	line, col int
	open      []byte // brackets not yet closed
	prior     byte   // the token before: 'n' a name, 'v' a value, or the character itself
	bangs     int
	words     int // words, numbers and texts so far
}

// scan gives nil, or the fault with its place.
func scan(text string) error {
	switch {
	case len(text) > MaxLength:
		return refuse(fmt.Sprintf("the expression is too long: at most %d bytes", MaxLength))
	case !utf8.ValidString(text):
		return refuse("the expression is not valid UTF-8 text")
	case strings.TrimSpace(text) == "":
		return refuse("the expression is empty; write a condition")
	}
	s := &scanner{text: text, line: 1, col: 1}
	for s.at < len(s.text) {
		if err := s.token(); err != nil {
			return err
		}
	}
	if len(s.open) > 0 {
		return s.fault("a %q is never closed", s.open[len(s.open)-1])
	}
	return nil
}

func (s *scanner) fault(format string, args ...any) error {
	return refuseAt(s.line, s.col, fmt.Sprintf(format, args...))
}

func (s *scanner) peek(n int) byte {
	if s.at+n < len(s.text) {
		return s.text[s.at+n]
	}
	return 0
}

func (s *scanner) step(n int) { s.at, s.col = s.at+n, s.col+n }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func (s *scanner) token() error {
	c := s.peek(0)
	switch {
	case c == '\n':
		s.at, s.line, s.col = s.at+1, s.line+1, 1
		return nil
	case c == ' ' || c == '\t' || c == '\r':
		s.step(1)
		return nil
	case isLetter(c) || isDigit(c) || c == '"' || c == '\'':
		return s.word(c)
	case c < ' ' || c == 0x7f || c >= utf8.RuneSelf:
		return s.fault("this character may only stand inside quotes")
	}
	return s.sign(c)
}

func (s *scanner) word(c byte) error {
	if s.words++; s.words > MaxWords {
		return s.fault("the expression has too many words and values: at most %d", MaxWords)
	}
	switch {
	case isLetter(c):
		return s.name()
	case isDigit(c):
		return s.number()
	}
	return s.quoted(c)
}

func (s *scanner) name() error {
	if s.prior == 'n' || s.prior == 'v' {
		if w := s.text[s.at:]; !strings.HasPrefix(w, "in") || (len(w) > 2 && (isLetter(w[2]) || isDigit(w[2]))) {
			return s.fault("an operator is missing before this word")
		}
	}
	n := 0
	for isLetter(s.peek(n)) || isDigit(s.peek(n)) {
		n++
	}
	word := s.text[s.at : s.at+n]
	if q := s.peek(n); q == '"' || q == '\'' {
		return s.fault("text is written in plain quotes, without a letter before them")
	}
	if n > 64 {
		return s.fault("this word is too long to be a field")
	}
	s.step(n)
	s.bangs = 0
	if s.prior = 'n'; word == "in" {
		s.prior = 'i'
	}
	return nil
}

func (s *scanner) number() error {
	n := 0
	for isDigit(s.peek(n)) {
		n++
	}
	if c := s.peek(n); isLetter(c) || c == '.' || n > 19 {
		return s.fault(`a number is written in digits alone, an amount as money("250.00"), a date as date("2026-01-01")`)
	}
	if s.prior == 'n' || s.prior == 'v' {
		return s.fault("an operator is missing before this number")
	}
	s.step(n)
	s.prior, s.bangs = 'v', 0
	return nil
}

func (s *scanner) quoted(q byte) error {
	if s.prior == 'n' || s.prior == 'v' {
		return s.fault("an operator is missing before this text")
	}
	line, col, i := s.line, s.col, s.at+1
	for i < len(s.text) && s.text[i] != q {
		switch c := s.text[i]; {
		case c < ' ' || c == 0x7f:
			return refuseAt(line, col, "the text that begins here holds a control character or a line break, or is never closed")
		case c == '\\':
			i++
		}
		i++
	}
	if i >= len(s.text) {
		return refuseAt(line, col, "the text that begins here is never closed")
	}
	s.col += utf8.RuneCountInString(s.text[s.at : i+1])
	s.at = i + 1
	s.prior, s.bangs = 'v', 0
	return nil
}

func (s *scanner) sign(c byte) error {
	n := 1
	switch c {
	case '(', '[':
		if err := s.opening(c); err != nil {
			return err
		}
	case ')', ']':
		opener := byte('(')
		if c == ']' {
			opener = '['
		}
		if len(s.open) == 0 || s.open[len(s.open)-1] != opener {
			return s.fault("this %q closes nothing", c)
		}
		s.open = s.open[:len(s.open)-1]
	case '&', '|', '=':
		if s.peek(1) != c {
			return s.fault("write %[1]c%[1]c", c)
		}
		n = 2
	case '<', '>', '!':
		if s.peek(1) == '=' {
			n = 2
		} else if c == '!' {
			if s.bangs++; s.bangs > maxBangs {
				return s.fault("too many ! in a row")
			}
		}
	case '-':
		if !isDigit(s.peek(1)) || s.prior == 'n' || s.prior == 'v' || s.prior == ')' {
			return s.fault("arithmetic cannot be used in a restriction")
		}
	case '.':
		if s.prior != 'n' || !isLetter(s.peek(1)) {
			return s.fault("a dot stands between the words of a field's name, without spaces after it")
		}
	case ',':
	case '+', '*', '/', '%':
		return s.fault("arithmetic and comments cannot be used in a restriction")
	case '?', ':':
		return s.fault("choices (? :) cannot be used in a restriction; use && and ||")
	case '{', '}':
		return s.fault("maps cannot be used in a restriction")
	default:
		return s.fault("this character may only stand inside quotes")
	}
	s.step(n)
	if s.prior = c; c != '!' || n == 2 {
		s.bangs = 0
	}
	if c == ')' || c == ']' {
		s.prior = ')'
	}
	return nil
}

func (s *scanner) opening(c byte) error {
	switch {
	case len(s.open) >= MaxDepth:
		return s.fault("parentheses are nested too deeply: at most %d", MaxDepth)
	case c == '[' && len(s.open) > 0 && s.open[len(s.open)-1] == '[':
		return s.fault("a list cannot hold lists")
	case c == '[' && (s.prior == 'n' || s.prior == 'v' || s.prior == ')'):
		return s.fault("indexing cannot be used in a restriction")
	case c == '(' && (s.prior == 'v' || s.prior == ')'):
		return s.fault("an operator is missing before this parenthesis")
	}
	s.open = append(s.open, c)
	return nil
}
