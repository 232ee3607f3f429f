package api

import (
	"net/http"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// stream answers with a document in pieces. Each piece is a call of its own: if
// the right to it has gone meanwhile, the connection is broken off, so that
// nobody takes half a document for a whole one.
func (c *call) stream(p *plan, piece *gate.Chunk) {
	c.head(&piece.File)
	for {
		if _, err := c.w.Write(piece.Body); err != nil {
			return // the other end has gone
		}
		if piece.Next == "" || c.r.Method == http.MethodHead {
			return
		}
		_ = http.NewResponseController(c.w).Flush()
		out, err := c.next(p, piece.Next)
		if err != nil {
			c.api.config.Log.Warn("a document was broken off", "route", c.request.Route, "error", err)
			panic(http.ErrAbortHandler)
		}
		piece = out
	}
}

// next calls the operation again for the piece after.
func (c *call) next(p *plan, cursor string) (*gate.Chunk, error) {
	again := *c.request
	again.At = 0
	out, err := p.entry.Invoke(c.r.Context(), c.api.config.Gate, &again, func(in any) error {
		return p.bindPath(in, c.r.PathValue)
	}, func(in any) error {
		if err := p.readQuery(in, c.r.URL.RawQuery); err != nil {
			return err
		}
		in.(gate.Continued).Continue(cursor)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out.(*gate.Chunk), nil
}
