package visit

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// Tell runs an operation with the form that was sent and answers a script with
// JSON. say words what came out, or a fault of the input, which is an answer
// like any other; every other fault is its bare status.
func Tell[In, Out any](v *Visit, o *gate.Op[In, Out], say func(out *Out, err error) any, fill ...Fill[In]) {
	out, err := run(v, v.Request(), o, fill...)
	if f := fault.As(err); err != nil && f.Kind != fault.Invalid && f.Kind != fault.Malformed {
		v.protect()
		v.W.WriteHeader(httpserve.StatusOf(f.Kind))
		return
	}
	b, err := json.Marshal(say(out, err))
	if err != nil {
		v.mux.config.Log.Error("an answer to a script could not be written", "route", v.R.Pattern, "error", err)
		v.W.WriteHeader(http.StatusInternalServerError)
		return
	}
	v.protect()
	v.W.Header().Set("Content-Type", "application/json; charset=utf-8")
	v.W.Header().Set("Content-Length", strconv.Itoa(len(b)))
	v.W.Write(b)
}

// Call runs an operation once more within the same request: an act that goes on
// piece by piece.
func Call[In, Out any](v *Visit, o *gate.Op[In, Out], fill Fill[In]) (*Out, error) {
	return run(v, v.Request(), o, fill)
}

// Withheld gives the denied state for a part of a page that a limit keeps from
// the person; false for every other fault.
func (v *Visit) Withheld(err error) (templ.Component, bool) {
	f := fault.As(err)
	if err == nil || f.Reason != "limit_too_low" {
		return nil, false
	}
	d := v.denial(f)
	d.Title, d.Back = "A search restriction keeps this from you", nil
	return parts.Denied(d), true
}
