package visit

import (
	"net/http"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Stream sends a long document in pieces, with what the address says as input.
// Each piece is a call of its own: if the right to it has gone meanwhile, the
// connection is broken off, so that nobody takes half a document for a whole one.
func Stream[In any](v *Visit, o *gate.Op[In, gate.Chunk]) {
	in := new(In)
	bad := v.bind(in)
	v.asked = wanted{name: o.Name, title: o.Title}
	piece, err := one(v, o, in, bad)
	if err != nil {
		v.Refuse(err)
		return
	}
	v.begin(&File{Name: piece.Name, Kind: piece.ContentType})
	for {
		if _, err := v.W.Write(piece.Body); err != nil || piece.Next == "" || v.R.Method == http.MethodHead {
			return // whole, or nobody reads on
		}
		_ = http.NewResponseController(v.W).Flush()
		any(in).(gate.Continued).Continue(piece.Next)
		if piece, err = one(v, o, in, nil); err != nil {
			v.mux.config.Log.Warn("a document was broken off", "route", v.R.Pattern, "error", fault.As(err).Reason)
			panic(http.ErrAbortHandler)
		}
	}
}

func one[In any](v *Visit, o *gate.Op[In, gate.Chunk], in *In, bad error) (*gate.Chunk, error) {
	return gate.Run(v.Context(), v.mux.config.Gate, o, v.Request(), func(to *In) error { *to = *in; return bad }, nil)
}
