package api

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/httpserve"
)

// Reasons of the front's own that have a status of their own.
const (
	methodNotAllowed = "method_not_allowed"
	unsupportedMedia = "unsupported_media_type"
)

// Problem is the answer to a call that came to nothing (RFC 9457).
type Problem struct {
	Type       string         `json:"type" doc:"Always about:blank; the reason says what happened." class:"public"`
	Title      string         `json:"title" doc:"The status in words." class:"public"`
	Status     int            `json:"status" class:"public"`
	Detail     string         `json:"detail" doc:"One sentence for people." class:"public"`
	Reason     string         `json:"reason" doc:"A stable code for programs." class:"public"`
	DecisionID string         `json:"decision_id,omitempty" doc:"Names a denial, for those who may explain it." class:"public"`
	RequestID  string         `json:"request_id,omitempty" doc:"Names a defect in our log." class:"public"`
	Errors     []ProblemField `json:"errors,omitempty" doc:"The fields at fault; never what stood in them." class:"public"`
}

// ProblemField is one input field that is wrong.
type ProblemField struct {
	Field   string `json:"field" doc:"Path of the field in the caller's own words." example:"applicant.address.postal_code" class:"public"`
	Message string `json:"message" doc:"What to do about it." class:"public"`
	Reason  string `json:"reason,omitempty" class:"public"`
}

// statusOf maps a fault to a status.
func statusOf(f *fault.Error) int {
	switch f.Reason {
	case methodNotAllowed:
		return http.StatusMethodNotAllowed
	case unsupportedMedia:
		return http.StatusUnsupportedMediaType
	}
	return httpserve.StatusOf(f.Kind)
}

// fail answers with what went wrong. The cause goes to the log only.
func (c *call) fail(err error) {
	f := fault.As(err)
	if f == nil {
		f = fault.As(errors.New("no answer and no error"))
	}
	if f.Kind == fault.Internal && c.r.Context().Err() != nil {
		c.status = 499 // the caller has gone: nobody reads an answer
		return
	}
	if f.Kind == fault.Proposed {
		c.wait(f)
		return
	}
	status := statusOf(f)
	p := Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: f.Message, Reason: f.Reason, DecisionID: f.DecisionID}
	for _, field := range f.Fields {
		p.Errors = append(p.Errors, ProblemField{Field: field.Path, Message: field.Mend, Reason: field.Reason})
	}
	h := c.w.Header()
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(max(1, int((f.RetryAfter+time.Second-1)/time.Second))))
	}
	if status >= 500 {
		p.RequestID = rand.Text()
		c.api.config.Log.Error("call failed", "request", p.RequestID, "route", c.request.Route, "status", status, "error", err)
	}
	if status == http.StatusInternalServerError {
		p.Detail, p.Reason, p.Errors = "Something went wrong on our side. Name the request_id when you report it.", "internal", nil
	}
	c.status = status
	writeProblem(c.w, &p)
}

// Waiting is the answer to a call that a second person must approve.
type Waiting struct {
	Proposal   string `json:"proposal" doc:"Names what waits; see /proposals/{id}." class:"public"`
	State      string `json:"state" enum:"open" class:"public"`
	Reason     string `json:"reason" class:"public"`
	Detail     string `json:"detail" doc:"One sentence for people." class:"public"`
	DecisionID string `json:"decision_id" class:"public"`
}

// wait answers 202: nothing is done yet.
func (c *call) wait(f *fault.Error) {
	body, err := json.Marshal(Waiting{Proposal: f.Proposal, State: "open", Reason: f.Reason, Detail: f.Message, DecisionID: f.DecisionID})
	if err != nil {
		c.w.WriteHeader(http.StatusInternalServerError) // a struct of texts always marshals
		return
	}
	c.status = http.StatusAccepted
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	c.w.Header().Set("Location", prefix+"/proposals/"+f.Proposal)
	c.w.WriteHeader(c.status)
	_, _ = c.w.Write(body) // the other end may have gone
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	body, err := json.Marshal(p)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError) // a struct of texts always marshals
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // the other end may have gone
}

// recover turns a panic into a 500. What was panicked with may hold data of a
// person: unless the runtime made it, only the place goes to the log.
func (a *API) recover(w http.ResponseWriter, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause == http.ErrAbortHandler {
		panic(cause)
	}
	what := "withheld"
	if e, ok := cause.(runtime.Error); ok {
		what = e.Error()
	}
	id := rand.Text()
	a.config.Log.Error("a call panicked", "request", id, "route", r.Pattern, "cause", what, "stack", string(debug.Stack()))
	writeProblem(w, &Problem{Type: "about:blank", Title: http.StatusText(http.StatusInternalServerError), Status: http.StatusInternalServerError,
		Detail: "Something went wrong on our side. Name the request_id when you report it.", Reason: "internal", RequestID: id})
}
