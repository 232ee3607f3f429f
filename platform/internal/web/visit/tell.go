package visit

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
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
