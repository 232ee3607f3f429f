package mail

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
)

const from = "house@lender.example"

var letter = Message{To: "jane@example.com", Subject: "Your sign-in link", Text: "Hello Jane,\nopen https://localhost/x\n"}

// opened reads a composed letter as a mail program does.
func opened(t testing.TB, raw []byte) (*mail.Message, string) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, m.Body))
	if err != nil {
		t.Fatal(err)
	}
	return m, string(text)
}

func TestALetterIsReadAsItWasWritten(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	long := letter
	long.Subject = strings.Repeat("Überweisung fällig ", 10)
	long.Text = strings.Repeat("ä", 500) + "\r\n.\r\nFrom: x\n"
	for _, m := range []Message{letter, long} {
		raw, err := Compose(m, from, at.UnixMicro())
		if err != nil {
			t.Fatal(err)
		}
		got, text := opened(t, raw)
		subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
		if err != nil || subject != m.Subject {
			t.Errorf("subject %q %v", subject, err)
		}
		if want := strings.ReplaceAll(strings.ReplaceAll(m.Text, "\r\n", "\n"), "\n", "\r\n"); text != want {
			t.Errorf("text %q, want %q", text, want)
		}
		if date, err := got.Header.Date(); err != nil || !date.Equal(at) {
			t.Errorf("date %s %v", date, err)
		}
		if len(got.Header) != 9 || got.Header.Get("To") != m.To || got.Header.Get("From") != from {
			t.Errorf("headers %v", got.Header)
		}
		for line := range strings.SplitSeq(string(raw), "\r\n") {
			if len(line) > 998 || strings.ContainsAny(line, "\r\n") {
				t.Errorf("a line of %d bytes: %q", len(line), line)
			}
		}
	}
}

func TestNobodyAddsAHeader(t *testing.T) {
	for name, change := range map[string]func(*Message){
		"to: a line end": func(m *Message) { m.To = "jane@example.com\r\nBcc: all@example.com" }, "to: two": func(m *Message) { m.To = "a@example.com, b@example.com" },
		"to: a name": func(m *Message) { m.To = "Jane <jane@example.com>" }, "to: none": func(m *Message) { m.To = "" }, "to: no domain": func(m *Message) { m.To = "jane" },
		"to: two signs": func(m *Message) { m.To = `"a@b"@example.com` }, "to: long": func(m *Message) { m.To = strings.Repeat("a", 250) + "@example.com" },
		"to: a space":         func(m *Message) { m.To = "jane@example.com SIZE=1" },
		"subject: a line end": func(m *Message) { m.Subject = "Hi\nBcc: all@example.com" }, "subject: a return": func(m *Message) { m.Subject = "Hi\rX: y" }, "subject: none": func(m *Message) { m.Subject = "" },
		"subject: a separator": func(m *Message) { m.Subject = "Hi\u2028X: y" }, "subject: a zero": func(m *Message) { m.Subject = "Hi\x00" }, "subject: not UTF-8": func(m *Message) { m.Subject = "\xff" },
		"subject: turned": func(m *Message) { m.Subject = "abc\u202edef" }, "subject: long": func(m *Message) { m.Subject = strings.Repeat("a", 201) },
		"text: none": func(m *Message) { m.Text = "" }, "text: a zero": func(m *Message) { m.Text = "a\x00b" }, "text: not UTF-8": func(m *Message) { m.Text = "\xff" },
		"text: long": func(m *Message) { m.Text = strings.Repeat("a", MaxText+1) },
	} {
		m := letter
		change(&m)
		_, err := Compose(m, from, 0)
		field, _, _ := strings.Cut(name, ":")
		f := fault.As(err)
		if err == nil || f.Kind != fault.Invalid || f.Fields[0].Path != field {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && m.To != "" && m.To != letter.To && strings.Contains(err.Error(), m.To) {
			t.Errorf("%s: the fault repeats the value", name)
		}
	}
	if _, err := Compose(letter, "a@b\r\nX: y", 0); err == nil {
		t.Error("a sender with a header in it was taken")
	}
}

func FuzzCompose(f *testing.F) {
	f.Add("jane@example.com", "Hello", "text")
	f.Add("a@b\r\nBcc: c@d", "Hi\nX: y", ".\r\n")
	f.Fuzz(func(t *testing.T, to, subject, text string) {
		raw, err := Compose(Message{To: to, Subject: subject, Text: text}, from, 0)
		if err != nil {
			return
		}
		got, _ := opened(t, raw)
		if len(got.Header) != 9 || got.Header.Get("To") != to || len(got.Header["To"]) != 1 {
			t.Errorf("headers %v", got.Header)
		}
		if decoded, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject")); err != nil || strings.TrimSpace(decoded) != strings.TrimSpace(subject) && !strings.Contains(subject, "=?") {
			t.Errorf("subject %q came back as %q %v", subject, decoded, err)
		}
	})
}

// A letter with a card number is refused in words that do not repeat it, in
// whatever disguise it comes; the codes and links of our own letters are not one.
func TestNoLetterCarriesACardNumber(t *testing.T) {
	for _, text := range []string{"Card 4111 1111 1111 1111", "4111\n1111\n1111\n1111", "c=%34%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31", "NDExMTExMTExMTExMTExMQ=="} {
		for field, m := range map[string]Message{"text": {To: letter.To, Subject: "Hello", Text: text}, "subject": {To: letter.To, Subject: strings.ReplaceAll(text, "\n", " "), Text: "x"}} {
			_, err := Compose(m, from, 0)
			f := fault.As(err)
			if f == nil || f.Kind != fault.Invalid || f.Fields[0].Path != field || strings.Contains(f.Error(), "1111") {
				t.Errorf("%s %q: %v", field, text, err)
			}
		}
	}
	if _, err := Compose(Message{To: "4111111111111111@example.com", Subject: "Hello", Text: "x"}, from, 0); !fault.Is(err, fault.Invalid) {
		t.Errorf("to a card number: %v", err)
	}
	ours := Message{To: letter.To, Subject: "Your code is 481516", Text: "Open https://acme.test/door/Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE before 2026-11-22 12:30 UTC, or call +1 (212) 555-0100.\n"}
	if _, err := Compose(ours, from, 0); err != nil {
		t.Error(err)
	}
}
