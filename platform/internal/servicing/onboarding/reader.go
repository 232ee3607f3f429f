package onboarding

import (
	"bufio"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/platform/internal/gate/shape"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

// Problem is one thing wrong with one row. Column is the header's word, "" for
// the row as a whole. Reason says the mend and never what stood there.
type Problem struct {
	Line   int    `json:"line" class:"public"`
	Column string `json:"column" class:"public"`
	Reason string `json:"reason" class:"public"`
}

// maxRecord bounds one record and with it the memory that a file can ask for:
// an open quote would otherwise swallow the rest of the file.
const maxRecord = 64 << 10

var errHuge = errors.New("a record is longer than 64 KB")

// source reads bytes, counts them, hashes them, and stops at a record that is
// too long.
type source struct {
	r    io.Reader
	sum  hash.Hash
	read int64
	left int64
}

func (s *source) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, errHuge
	}
	if int64(len(p)) > s.left {
		p = p[:s.left]
	}
	n, err := s.r.Read(p)
	s.left -= int64(n)
	s.read += int64(n)
	s.sum.Write(p[:n])
	return n, err
}

// column is one column that a file may have.
type column struct {
	name     string
	required bool
	plus     bool // may begin with + : telephone numbers
}

// sheet is a CSV file with a header.
type sheet struct {
	src  *source
	csv  *csv.Reader
	at   map[string]int // index of each column, from the header
	cols []column
	line int
	cut  bool // nothing more can be read
	seen shape.Sighting
}

// open reads the header. Its problems are those of line 1.
func open(r io.Reader, cols []column) (*sheet, []Problem, error) {
	src := &source{r: r, sum: sha256.New(), left: maxRecord + 4096}
	head := bufio.NewReaderSize(src, 4096)
	if mark, _ := head.Peek(3); string(mark) == "\ufeff" {
		_, _ = head.Discard(3)
	}
	s := &sheet{src: src, csv: csv.NewReader(head), cols: cols, at: map[string]int{}}
	s.csv.FieldsPerRecord = -1
	s.csv.ReuseRecord = true
	names, err := s.csv.Read()
	switch {
	case errors.Is(err, io.EOF):
		return s, []Problem{{1, "", "The file is empty; it needs a header line: " + s.wanted() + "."}}, nil
	case err != nil:
		reason, fatal := wrong(err)
		if reason == "" {
			return nil, nil, fatal
		}
		return s, []Problem{{1, "", reason}}, nil
	}
	var bad []Problem
	for i, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		switch k := slices.IndexFunc(cols, func(c column) bool { return c.name == name }); {
		case !utf8.ValidString(name):
			bad = append(bad, Problem{1, "", "Save the file as UTF-8 text."})
		case k < 0:
			bad = append(bad, Problem{1, "", "Column " + strconv.Itoa(i+1) + " is not known; a file may have " + s.wanted() + "."})
		default:
			if _, twice := s.at[name]; twice {
				bad = append(bad, Problem{1, name, "This column stands in the header twice."})
			}
			s.at[name] = i
		}
	}
	for _, c := range cols {
		if _, there := s.at[c.name]; c.required && !there {
			bad = append(bad, Problem{1, c.name, "This column is missing from the header."})
		}
	}
	return s, bad, nil
}

func (s *sheet) wanted() string {
	names := make([]string, len(s.cols))
	for i, c := range s.cols {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

// wrong words an error of the CSV reader; an error of the file itself has no
// words and comes back.
func wrong(err error) (string, error) {
	var p *csv.ParseError
	switch {
	case errors.Is(err, errHuge):
		return "This record is longer than 64 KB or has a quote that is never closed; nothing after it was read.", err
	case errors.Is(err, csv.ErrBareQuote):
		return `A quote stands in a field without quotes; write the field in quotes and double the quote inside.`, nil
	case errors.Is(err, csv.ErrQuote):
		return `A quote is not closed, or something follows it; double quotes inside a field.`, nil
	case errors.As(err, &p):
		return "This record cannot be read as CSV.", nil
	}
	return "", err
}

// record is one row of the file.
type record struct {
	line   int
	fields map[string]string // by column; absent columns are ""
	bad    []Problem
}

func (r *record) add(column, reason string) {
	r.bad = append(r.bad, Problem{r.line, column, reason})
}

// next reads one row; io.EOF at the end. A row that cannot be understood comes
// with its problems.
func (s *sheet) next() (*record, error) {
	if s.cut {
		return nil, io.EOF
	}
	s.src.left = maxRecord
	raw, err := s.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	r := &record{fields: make(map[string]string, len(s.at))}
	if err != nil {
		var p *csv.ParseError
		if r.line = s.line + 1; errors.As(err, &p) {
			r.line = p.StartLine
		}
		s.line = r.line
		reason, fatal := wrong(err)
		if reason == "" {
			return nil, fatal
		}
		s.cut = fatal != nil
		r.add("", reason)
		return r, nil
	}
	r.line, _ = s.csv.FieldPos(0)
	s.line = r.line
	if len(raw) != len(s.at) {
		r.add("", "This row has "+strconv.Itoa(len(raw))+" fields, the header has "+strconv.Itoa(len(s.at))+".")
		return r, nil
	}
	for _, c := range s.cols {
		if i, there := s.at[c.name]; there {
			s.take(r, c, strings.TrimSpace(raw[i]))
		}
	}
	s.across(r)
	return r, nil
}

// across refuses a card number that is split over neighbouring cells. The numbers
// by which a book knows its loans and borrowers are digits and nothing else in
// many a house, and take no part.
func (s *sheet) across(r *record) {
	var cells []pan.Field
	for _, c := range s.cols {
		text := r.fields[c.name]
		if c.name == "number" || strings.HasSuffix(c.name, "reference") {
			text = "" // parts its neighbours
		}
		cells = append(cells, pan.Field{Name: c.name, Text: text})
	}
	if from, to, ok := pan.Across(cells); ok {
		for _, c := range cells[from : to+1] {
			r.add(c.Name, leaveOut)
			s.seen.Add(where(r.line, c.Name), pan.Hidden)
		}
	}
}

func where(line int, column string) string { return "line " + strconv.Itoa(line) + "." + column }

const leaveOut = "Leave out the card number: cards are kept in Secure Payments only."

func (s *sheet) take(r *record, c column, value string) {
	switch {
	case !utf8.ValidString(value):
		r.add(c.name, "Save the file as UTF-8 text.")
	case !book.Plain(value, 1000):
		r.add(c.name, "Use at most 1000 bytes without control characters.")
	case value != "" && strings.ContainsRune("=@+-", rune(value[0])) && !(c.plus && value[0] == '+'):
		r.add(c.name, "This begins like a formula of a spreadsheet; leave out the first sign.")
	case pan.Contains(value):
		r.add(c.name, leaveOut)
		s.seen.Add(where(r.line, c.name), pan.Sign(value))
	case c.required && value == "":
		r.add(c.name, "This cannot be left empty.")
	default:
		r.fields[c.name] = strings.Clone(value)
	}
}

// rest reads what is left, so that the hash is that of the whole file.
func (s *sheet) rest() (string, error) {
	buf := make([]byte, 32<<10)
	for {
		s.src.left = maxRecord
		if _, err := s.src.Read(buf); err == io.EOF {
			return hex.EncodeToString(s.src.sum.Sum(nil)), nil
		} else if err != nil {
			return "", err
		}
	}
}
