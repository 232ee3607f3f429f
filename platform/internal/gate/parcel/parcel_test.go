package parcel_test

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate/parcel"
)

// sent is a form as a browser would send it.
func sent(parts ...string) *http.Request {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("--edge\r\n" + p + "\r\n")
	}
	b.WriteString("--edge--\r\n")
	r := httptest.NewRequest("POST", "/", strings.NewReader(b.String()))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=edge")
	return r
}

func file(name, body string) string {
	return "Content-Disposition: form-data; name=\"file\"; filename=\"" + name + "\"\r\nContent-Type: text/html\r\n\r\n" + body
}

func field(name, value string) string {
	return "Content-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value
}

func TestAFormBringsItsFileAndWhatElseItSays(t *testing.T) {
	got, others, err := parcel.NewDock().Take(sent(field("_form", "add"), file("Käufer §1.pdf", "%PDF-1.7\r\n--edg\r\n"), field("_once", "k")))
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "Käufer §1.pdf" || string(got.Body) != "%PDF-1.7\r\n--edg\r\n" || others.Get("_form") != "add" || others.Get("_once") != "k" {
		t.Errorf("got %q %q %v", got.Name, got.Body, others)
	}
	if got, _, err := parcel.NewDock().Take(sent(field("_form", "add"))); err != nil || got.Name != "" || got.Body != nil {
		t.Errorf("a form without a file gave %v %v", got, err)
	}
}

func TestAFormThatCouldBeReadInTwoWaysIsRefused(t *testing.T) {
	cut := sent(file("a.pdf", "%PDF-"))
	cut.Body = io.NopCloser(strings.NewReader("--edge\r\n" + file("a.pdf", "%PDF-")))
	odd := sent(file("a.pdf", "%PDF-"))
	odd.Header.Set("Content-Type", "application/pdf")
	bare := sent(file("a.pdf", "%PDF-"))
	bare.Header.Set("Content-Type", "multipart/form-data")
	packed := sent(file("a.pdf", "%PDF-"))
	packed.Header.Set("Content-Encoding", "gzip")
	for what, c := range map[string]struct {
		r      *http.Request
		reason string
	}{
		"two files":            {sent(file("a.pdf", "%PDF-"), file("b.pdf", "%PDF-")), "malformed_form"},
		"another part's name":  {sent(strings.Replace(file("a.pdf", "x"), `name="file"`, `name="other"`, 1)), "malformed_form"},
		"no file name":         {sent(field("file", "%PDF-")), "malformed_form"},
		"an encoded part":      {sent(strings.Replace(file("a.pdf", "x"), "\r\n\r\n", "\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1)), "malformed_form"},
		"another disposition":  {sent(strings.Replace(file("a.pdf", "x"), "form-data", "attachment", 1)), "malformed_form"},
		"the same word twice":  {sent("Content-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"; filename=\"b.pdf\"\r\n\r\nx"), "malformed_form"},
		"much beside the file": {sent(field("a", strings.Repeat("x", 70_000))), "malformed_form"},
		"parts without end":    {sent(strings.Split(strings.Repeat(field("a", "")+"|", 30), "|")...), "malformed_form"},
		"cut off":              {cut, "unreadable_body"},
		"another media type":   {odd, "unsupported_media_type"},
		"no boundary":          {bare, "unsupported_media_type"},
		"compressed":           {packed, "unsupported_media_type"},
	} {
		_, _, err := parcel.NewDock().Take(c.r)
		if f := fault.As(err); err == nil || f.Reason != c.reason {
			t.Errorf("%s: %v, want %s", what, err, c.reason)
		}
	}
}

// A file of exactly 20 MB is taken, and one of a byte more is not, whether its
// length is told beforehand or not.
func TestTheLimitIsTwentyMegabytesToTheByte(t *testing.T) {
	for _, told := range []bool{true, false} {
		for _, more := range []int{0, 1} {
			r := sent(file("a.txt", strings.Repeat("x", parcel.Most+more)))
			if !told {
				r.ContentLength = -1
			}
			got, _, err := parcel.NewDock().Take(r)
			switch {
			case more == 0 && (err != nil || len(got.Body) != parcel.Most):
				t.Errorf("20 MB, length told %t: %v", told, err)
			case more == 1 && !fault.Is(err, fault.TooLarge):
				t.Errorf("20 MB and a byte, length told %t: %v", told, err)
			}
		}
	}
	endless := sent()
	endless.Body, endless.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader("--edge\r\n"+file("a.txt", "")), zeros{})), -1
	if _, _, err := parcel.NewDock().Take(endless); !fault.Is(err, fault.TooLarge) {
		t.Errorf("a body without end: %v", err)
	}
	endless = sent()
	endless.Body, endless.ContentLength = io.NopCloser(zeros{}), -1
	if _, _, err := parcel.NewDock().Take(endless); !fault.Is(err, fault.Malformed) {
		t.Errorf("a preamble without end: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Slow senders hold a place in the dock, and no more of them than there are
// places; who comes too many is told to come again.
func TestSoManyFilesAreReadAtOnceAndNoMore(t *testing.T) {
	dock, release := parcel.NewDock(), make(chan struct{})
	begun, done := make(chan struct{}), make(chan error)
	for range 16 {
		go func() {
			r := sent()
			r.Body = io.NopCloser(&slow{begun: begun, release: release, rest: strings.NewReader("--edge\r\n" + file("a.txt", "x") + "\r\n--edge--\r\n")})
			_, _, err := dock.Take(r)
			done <- err
		}()
	}
	for range 16 {
		<-begun
	}
	if _, _, err := dock.Take(sent(file("a.txt", "x"))); !fault.Is(err, fault.Unavailable) || fault.As(err).RetryAfter == 0 {
		t.Errorf("one too many: %v", err)
	}
	close(release)
	for range 16 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if _, _, err := dock.Take(sent(file("a.txt", "x"))); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

type slow struct {
	begun, release chan struct{}
	told           bool
	rest           io.Reader
}

func (s *slow) Read(p []byte) (int, error) {
	if !s.told {
		s.told = true
		s.begun <- struct{}{}
		<-s.release
	}
	return s.rest.Read(p)
}

func TestANameThatIsHandedOutStaysInItsHeader(t *testing.T) {
	for name, want := range map[string]string{
		"pay-slip_3.pdf":          `attachment; filename="pay-slip_3.pdf"`,
		"pay slip.pdf":            `attachment; filename="pay-slip.pdf"; filename*=UTF-8''pay%20slip.pdf`,
		"Lohn März.pdf":           `attachment; filename="Lohn-M-rz.pdf"; filename*=UTF-8''Lohn%20M%C3%A4rz.pdf`,
		"a\"; filename=\"b.html":  `attachment; filename="a---filename--b.html"; filename*=UTF-8''a%22%3B%20filename%3D%22b.html`,
		"a\r\nSet-Cookie: x=1.md": `attachment; filename="a--Set-Cookie--x-1.md"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x%3D1.md`,
		"../../etc/passwd":        `attachment; filename="..-..-etc-passwd"; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd`,
	} {
		got := parcel.Attachment(name)
		if got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
		_, params, err := mime.ParseMediaType(got)
		if err != nil && !strings.Contains(err.Error(), "duplicate") || bytes.ContainsAny([]byte(got), "\r\n") {
			t.Errorf("%q: %s cannot be read: %v %v", name, got, params, err)
		}
	}
}
