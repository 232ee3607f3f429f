// Package mail is a letter to one person: what it says and how it is written
// on the wire. Adapters send it: folder (the demo) and smtp.
//
// A letter is plain text in UTF-8 to one address. Line ends and control
// characters in address and subject are refused, not mended, so that nobody
// can add a header or a second recipient; so are card numbers, for post is kept
// by everybody whom it passes. The package knows no templates and
// no users, and logs nothing: letters carry links that open doors.
package mail

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"mime"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/pan"
)

// Message is a letter. To is one bare address ("jane@example.com").
type Message struct {
	To      string
	Subject string
	Text    string
}

// Sender sends letters. A nil error means that the next station has taken the
// letter over; an Invalid fault that it can never be sent as it is, Unavailable
// that it may be tried again, Conflict that the next station refused it for good.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Limits of a letter.
const (
	MaxSubject = 200       // characters
	MaxText    = 256 << 10 // bytes
	maxAddress = 254       // RFC 5321, 4.5.3.1.3
)

// Check refuses a letter that cannot be sent safely; the fault names the field.
func Check(m Message) error {
	var bad fault.Collector
	bad.Check(IsAddress(m.To), "to", "write one address like name@example.com")
	bad.Check(m.Subject != "" && oneLine(m.Subject), "subject", "write one line without control characters")
	bad.Check(utf8.RuneCountInString(m.Subject) <= MaxSubject, "subject", "at most 200 characters")
	bad.Check(m.Text != "" && goodText(m.Text), "text", "write text in UTF-8 without control characters")
	bad.Check(len(m.Text) <= MaxText, "text", "at most 256 KB")
	for _, f := range []pan.Field{{Name: "to", Text: m.To}, {Name: "subject", Text: m.Subject}, {Name: "text", Text: m.Text}} {
		bad.Check(!pan.Contains(f.Text), f.Name, "leave out the card number: it would lie in the post for ever")
	}
	return bad.Err()
}

// IsAddress reports one bare address in ASCII, without a name, comments,
// quotes or an address literal.
func IsAddress(s string) bool {
	if len(s) == 0 || len(s) > maxAddress {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),:;<>[\]`, c) >= 0 {
			return false
		}
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && strings.Count(s, "@") == 1
}

func oneLine(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) || r == 0x2028 || r == 0x2029 || unicode.Is(unicode.Bidi_Control, r) {
			return false
		}
	}
	return true
}

func goodText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
			return false
		}
	}
	return true
}

// Compose writes the letter as RFC 5322 asks, with CR LF, the text in base64.
// at is the date in unix microseconds.
func Compose(m Message, from string, at int64) ([]byte, error) {
	if err := Check(m); err != nil {
		return nil, err
	}
	if !IsAddress(from) {
		return nil, fault.Bad("from", "write one address like name@example.com")
	}
	var b bytes.Buffer
	_, domain, _ := strings.Cut(from, "@")
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nSubject: %s\r\n", from, m.To, subject(m.Subject))
	fmt.Fprintf(&b, "Date: %s\r\nMessage-ID: <%s@%s>\r\n", time.UnixMicro(at).UTC().Format(time.RFC1123Z), rand.Text(), domain)
	b.WriteString("Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	text := strings.ReplaceAll(strings.ReplaceAll(m.Text, "\r\n", "\n"), "\n", "\r\n")
	for code := base64.StdEncoding.EncodeToString([]byte(text)); code != ""; {
		n := min(76, len(code))
		b.WriteString(code[:n] + "\r\n")
		code = code[n:]
	}
	return b.Bytes(), nil
}

// subject encodes what is not ASCII, and folds between the encoded words.
func subject(s string) string {
	return strings.ReplaceAll(mime.QEncoding.Encode("utf-8", s), "?= =?", "?=\r\n =?")
}
