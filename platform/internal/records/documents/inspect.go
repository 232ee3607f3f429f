package documents

import (
	"bytes"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/platform/internal/gate/parcel"
	"github.com/lendkeep/lendkeep/platform/internal/gate/shape"
)

// The kinds of files that are taken.
const (
	pdf  = "application/pdf"
	png  = "image/png"
	jpeg = "image/jpeg"
	csv  = "text/csv"
	text = "text/plain"
)

const (
	mostName = 200 // bytes
	taken    = "PDF, PNG, JPEG, CSV and plain text (.txt) are taken."
)

// kindOf says what a file of that name must be; "" for a name that says nothing.
func kindOf(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".pdf":
		return pdf
	case ".png":
		return png
	case ".jpg", ".jpeg":
		return jpeg
	case ".csv":
		return csv
	case ".txt":
		return text
	}
	return ""
}

// magic says what a file begins as; "" for none of those that have a mark of
// their own. A mark must stand at the very beginning: readers that look for it
// further on are how one file comes to be two things.
func magic(body []byte) string {
	for _, m := range []struct{ mark, kind string }{
		{"%PDF-", pdf}, {"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", png}, {"\xff\xd8\xff", jpeg},
	} {
		if bytes.HasPrefix(body, []byte(m.mark)) {
			return m.kind
		}
	}
	return ""
}

// inspect cleans the name of a file and says of what kind it is, or what is
// wrong with it.
func inspect(f *parcel.File) (kind string, err error) {
	f.Name = cleaned(f.Name)
	kind = kindOf(f.Name)
	switch {
	case len(f.Body) == 0 && f.Name == "":
		return "", fault.Bad(parcel.Field, "Choose a file.")
	case len(f.Body) == 0:
		return "", fault.Bad(parcel.Field, "The file is empty.")
	case f.Name == "" || len(f.Name) > mostName || !plainName(f.Name):
		return "", fault.Bad(parcel.Field, "Give the file a name of at most 200 bytes, without control characters.")
	case kind == "":
		return "", fault.Bad(parcel.Field, taken+" The name must end accordingly.")
	case kind == csv || kind == text:
		return kind, readable(f.Body)
	case magic(f.Body) != kind:
		return "", fault.Bad(parcel.Field, "The file is not what its name says. "+taken)
	}
	return kind, nil
}

// cleaned takes the way to a file out of its name, however it is written, and
// the dots and blanks around it.
func cleaned(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	return strings.Trim(name, ". \t")
}

// plainName reports a name that looks everywhere as it is: no control characters,
// no marks that turn text around, nothing that has no width.
func plainName(name string) bool {
	return utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return r != ' ' && !unicode.IsPrint(r) })
}

// readable holds a text or a CSV to being one: UTF-8, no control characters, not
// the beginning of something else, no card number.
func readable(body []byte) error {
	s := strings.TrimPrefix(string(body), "\ufeff")
	switch {
	case !utf8.ValidString(s):
		return fault.Bad(parcel.Field, "Save the file as UTF-8 text.")
	case strings.ContainsFunc(s, odd):
		return fault.Bad(parcel.Field, "The file holds control characters, so it is no plain text.")
	case magic(body) != "" || markup(s):
		return fault.Bad(parcel.Field, "The file is not what its name says: it begins as something else than text. "+taken)
	case pan.Contains(s):
		return cards(s)
	}
	return nil
}

// odd reports characters that have no business in a text: controls other than
// ends of lines and tabs, and marks that turn text around.
func odd(r rune) bool {
	return r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' || r >= 0x7f && r < 0xa0 ||
		r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\ufeff'
}

// markup reports a text that begins as HTML, SVG or XML: a browser that looked at
// it, against what it is told, would take it for a page.
func markup(s string) bool {
	s = strings.TrimLeft(s, " \t\r\n\f")
	if len(s) < 2 || s[0] != '<' {
		return false
	}
	c := s[1] | 0x20
	return c >= 'a' && c <= 'z' || s[1] == '!' || s[1] == '?' || s[1] == '/'
}

// cards words a refusal for card numbers: in which lines they stand, and to the
// trail their last digits.
func cards(s string) error {
	var seen shape.Sighting
	at := ""
	if found := pan.Find(s); len(found) > 0 {
		line := strconv.Itoa(1 + strings.Count(s[:found[0].Start], "\n"))
		at = "Line " + line + " holds a card number. "
		seen.Add(parcel.Field+" line "+line, pan.Sign(s))
	}
	f := fault.Bad(parcel.Field, at+"Leave it out: cards are kept in Secure Payments only.")
	seen.Mark(f)
	return f
}
