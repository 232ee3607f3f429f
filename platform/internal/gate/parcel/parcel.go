// Package parcel is a file on its way in or out: how both fronts take one out of
// a form that was sent, and how they name one that they hand out.
//
// Invariants:
//   - A form holds one file, in a part that is named "file" and has a file name;
//     a second one, a part that is encoded, and a form that does not end are
//     refused. Nothing in the file is looked at here.
//   - Memory is bounded: a file has at most Most bytes and grows as it arrives, and
//     a Dock takes only so many at once.
//   - A name that is handed out cannot end its header or lead anywhere else.
//
// It must not know who sends, what the file is for, nor where it is kept.
package parcel

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
)

// Most is the greatest file in bytes: 20 MB.
const Most = 20 << 20

const (
	mostBeside = 64 << 10 // bytes of a form beside its file
	mostParts  = 20
	mostAtOnce = 16 // files that one front reads at the same time
)

// Field is the name of the part that holds the file.
const Field = "file"

// File is a file that was sent: an input of an operation holds one, without a
// JSON name of its own, and the fronts take it out of a multipart form.
type File struct {
	Name string // as the sender calls it: text that enters, cleaned by its desk
	Body []byte
}

// Dock bounds how many files one front reads at the same time.
type Dock struct{ room chan struct{} }

// NewDock makes a dock.
func NewDock() *Dock { return &Dock{make(chan struct{}, mostAtOnce)} }

// Take reads the form of a request: its file, and what else it says. A form
// without a file gives an empty File.
func (d *Dock) Take(r *http.Request) (File, url.Values, error) {
	form, err := begin(r)
	if err != nil {
		return File{}, nil, err
	}
	select {
	case d.room <- struct{}{}:
		defer func() { <-d.room }()
	default:
		f := fault.New(fault.Unavailable, "uploads_busy", "Too many files arrive at the moment. Try again shortly.")
		f.RetryAfter = 2 * time.Second
		return File{}, nil, f
	}
	return form.read()
}

// Multipart reports whether a request says that it is a form with a file.
func Multipart(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "multipart/form-data"
}

// form is a multipart form that is being read.
type form struct {
	parts  *multipart.Reader
	file   File
	found  bool
	others url.Values
	beside int64 // bytes of other parts that may still come
}

var (
	errLong    = errors.New("longer than the limit")
	errForeign = errors.New("not a form with a file")
)

func begin(r *http.Request) (*form, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" || params["boundary"] == "" {
		return nil, fault.Wrap(fault.Malformed, "unsupported_media_type", `Send the file as multipart/form-data, in a part named "file".`, errForeign)
	}
	if c := r.Header.Get("Content-Encoding"); c != "" && !strings.EqualFold(c, "identity") {
		return nil, fault.New(fault.Malformed, "unsupported_media_type", "Send the form without Content-Encoding.")
	}
	if r.ContentLength > Most+mostBeside {
		return nil, tooLarge()
	}
	body := &bounded{r: r.Body, left: Most + 2*mostBeside}
	return &form{parts: multipart.NewReader(body, params["boundary"]), others: url.Values{}, beside: mostBeside}, nil
}

func (f *form) read() (File, url.Values, error) {
	for n := 0; ; n++ {
		p, err := f.parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return f.file, f.others, nil
		}
		if err == nil {
			err = f.part(p, n)
		}
		if err != nil {
			return File{}, nil, wrong(err)
		}
	}
}

// part reads one part of the form.
func (f *form) part(p *multipart.Part, n int) error {
	kind, params, err := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
	if err != nil || kind != "form-data" || n >= mostParts {
		return malformed("The form holds a part that cannot be read.")
	}
	switch c := strings.ToLower(p.Header.Get("Content-Transfer-Encoding")); c {
	case "", "binary", "8bit", "7bit":
	default:
		return malformed("Send the file as it is, without Content-Transfer-Encoding.")
	}
	name, isFile := params["filename"]
	switch {
	case isFile && params["name"] != Field:
		return malformed(`Send the file in a part named "file".`)
	case isFile && f.found:
		return malformed("Send one file at a time.")
	case isFile:
		f.found, f.file.Name = true, name
		f.file.Body, err = atMost(p, Most)
		if errors.Is(err, errLong) {
			return tooLarge()
		}
		return err
	case params["name"] == Field:
		return malformed("Send the file with its name (filename).")
	}
	value, err := atMost(p, f.beside)
	if errors.Is(err, errLong) {
		return malformed("The form says more beside the file than fits.")
	}
	f.beside -= int64(len(value))
	f.others.Add(params["name"], string(value))
	return err
}

// atMost reads whole what may have so many bytes.
func atMost(r io.Reader, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(b)) > most {
		return nil, errLong
	}
	return b, err
}

// bounded ends a body that is longer than any form of ours.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLong
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	return n, err
}

func tooLarge() error {
	return fault.New(fault.TooLarge, "file_too_large", "The file is larger than the limit of 20 MB.")
}

func malformed(message string) error { return fault.New(fault.Malformed, "malformed_form", message) }

// wrong words what went wrong while the form arrived.
func wrong(err error) error {
	var own *fault.Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, errLong):
		return tooLarge()
	}
	return fault.Wrap(fault.Malformed, "unreadable_body", "The form did not arrive whole.", err)
}

// Attachment writes the header that has a file saved and never shown: its name
// in plain letters for the oldest programs, and as it is (RFC 5987) for others.
func Attachment(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, name)
	out := `attachment; filename="` + plain + `"`
	if plain != name {
		out += "; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
	}
	return out
}
