package witness

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/outbound"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
)

// Endpoint is a witness of transparency logs, which checks for itself that the trail
// only grew and signs what it saw: C2SP tlog-witness, add-checkpoint.
type Endpoint struct {
	URL  string // the submission prefix, without add-checkpoint
	Key  string // the witness's key, "name+hash+key"; empty: its signature is kept unchecked
	Call func(ctx context.Context, r outbound.Request) (*outbound.Answer, error)
}

// sizeType is the content type of an answer that tells what the witness holds.
const sizeType = "text/x.tlog.size"

// Take hands the checkpoint over with the proof from what the witness holds; if it
// holds another size than we know of, it is told again from there.
func (e Endpoint) Take(ctx context.Context, t Trail, newest audit.Signed, last Taken) (Taken, error) {
	old := last.Size
	for range 2 {
		a, err := e.add(ctx, t, newest, old)
		if err != nil {
			return Taken{}, err
		}
		switch a.Status {
		case http.StatusOK:
			return e.signed(newest, string(a.Body))
		case http.StatusConflict:
			held, err := heldSize(a)
			if err != nil {
				return Taken{}, err
			}
			if held > newest.Size {
				return Taken{}, fmt.Errorf("%w (it holds %d entries, the trail has %d)", ErrParted, held, newest.Size)
			}
			old = held
		case http.StatusUnprocessableEntity:
			return Taken{}, fmt.Errorf("%w (it refused the proof from %d to %d)", ErrParted, old, newest.Size)
		case http.StatusNotFound:
			return Taken{}, errors.New("the witness does not know this trail: give its keeper the origin and the public key")
		case http.StatusForbidden:
			return Taken{}, errors.New("the witness does not know this trail's public key: give it to its keeper")
		default:
			return Taken{}, fmt.Errorf("the witness answered %d", a.Status)
		}
	}
	return Taken{}, errors.New("the witness changes its mind about what it holds")
}

func (e Endpoint) add(ctx context.Context, t Trail, newest audit.Signed, old int64) (*outbound.Answer, error) {
	var b strings.Builder
	b.WriteString("old " + strconv.FormatInt(old, 10) + "\n")
	if old > 0 && old < newest.Size {
		path, err := t.Consistent(ctx, old, newest.Size)
		if err != nil {
			return nil, err
		}
		for _, h := range path {
			b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
		}
	}
	b.WriteString("\n" + newest.Note)
	return e.Call(ctx, outbound.Request{Method: http.MethodPost, URL: strings.TrimSuffix(e.URL, "/") + "/add-checkpoint", Body: []byte(b.String()),
		Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}})
}

func heldSize(a *outbound.Answer) (int64, error) {
	line, ended := strings.CutSuffix(string(a.Body), "\n")
	n, err := strconv.ParseInt(line, 10, 64)
	if a.Header.Get("Content-Type") != sizeType || !ended || err != nil || n < 0 {
		return 0, fmt.Errorf("%w (it holds another checkpoint of the same size)", ErrParted)
	}
	return n, nil
}

// signed adds the witness's signature lines to the note.
func (e Endpoint) signed(newest audit.Signed, lines string) (Taken, error) {
	note := newest.Note
	for _, l := range strings.SplitAfter(lines, "\n") {
		if strings.HasPrefix(l, "— ") && strings.HasSuffix(l, "\n") && len(note) < 16<<10 {
			note += l
		}
	}
	if e.Key != "" {
		if err := checkpoint.Cosigned(note, e.Key); err != nil {
			return Taken{}, fmt.Errorf("the witness's signature: %w", err)
		}
	}
	return Taken{Size: newest.Size, Note: note}, nil
}
