// Package fault is the one error type that crosses the floors of the house.
//
// A fault has a kind from a closed list, a reason code that programs can act
// on, a message that is safe to show to whoever made the call, the input
// fields it is about, and a wrapped cause that goes to the log only. An error
// that is not a fault is Internal: its text never reaches a caller.
//
// Invariants: messages name the field and the mend, never the rejected value;
// a row that may not be seen is NotFound, exactly like one that is missing.
package fault

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what sort of trouble it is; the fronts map it to a status once.
type Kind uint8

// The closed list of kinds. The zero value is Internal, so that an error that
// nobody classified withholds its details.
const (
	Internal        Kind = iota // 500: a defect of ours; details go to the log
	Invalid                     // 422: the input is understood and wrong
	Malformed                   // 400: the input cannot be read at all
	Unauthenticated             // 401: who is calling is not known
	Denied                      // 403: known, and not permitted
	NotFound                    // 404: not there, or not visible to the caller
	Conflict                    // 409: the state does not allow it now
	TooLarge                    // 413: bigger than the limit says
	TooMany                     // 429: slow down; RetryAfter says how long
	Unavailable                 // 503: something we need cannot be reached
	Proposed                    // 202: nothing is done yet; a second person must approve it
)

var names = [...]string{"internal", "invalid", "malformed", "unauthenticated", "denied", "not_found", "conflict", "too_large", "too_many", "unavailable", "proposed"}

// String gives the kind's name as logs and tests print it.
func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return "internal"
}

// Field is one input field that is wrong: its path in the caller's own words
// ("applicant.address.postal_code") and what to do about it.
type Field struct {
	Path   string `json:"field"`
	Mend   string `json:"message"`
	Reason string `json:"reason,omitempty"`
}

// Error is a fault. Message and Fields are safe to show; Cause is not.
type Error struct {
	Kind       Kind
	Reason     string        // stable code, snake_case: "role_lacks_operation"
	Message    string        // one sentence for the caller
	Fields     []Field       // the fields at fault, if any
	DecisionID string        // set by the gate on every denial
	Proposal   string        // of Proposed: what waits for the second person
	RetryAfter time.Duration // for TooMany and Unavailable
	Cause      error         // for the log only
}

// Error gives the full text, cause included: for logs, never for callers.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Kind.String())
	if e.Reason != "" {
		b.WriteString(" " + e.Reason)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	for _, f := range e.Fields {
		b.WriteString("; " + f.Path + ": " + f.Mend)
	}
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	return b.String()
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Cause }

// New makes a fault with a kind, a reason code and a message for the caller.
func New(k Kind, reason, message string) *Error {
	return &Error{Kind: k, Reason: reason, Message: message}
}

// Wrap makes a fault that carries a cause for the log.
func Wrap(k Kind, reason, message string, cause error) *Error {
	return &Error{Kind: k, Reason: reason, Message: message, Cause: cause}
}

// Bad is the common case of Invalid: one field and its mend.
func Bad(path, mend string) *Error {
	return &Error{Kind: Invalid, Reason: "invalid", Message: "Some fields need mending.", Fields: []Field{{Path: path, Mend: mend}}}
}

// Missing is the one answer for a row that is not there or not visible. what
// is the noun in the trade's words ("loan").
func Missing(what string) *Error {
	return &Error{Kind: NotFound, Reason: "not_found", Message: "There is no such " + what + ", or it may not be seen."}
}

// As gives the fault inside err, or an Internal one that wraps it. As(nil) is nil.
func As(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) && e != nil {
		return e
	}
	return &Error{Kind: Internal, Reason: "internal", Message: "Something went wrong on our side.", Cause: err}
}

// Is reports whether err is a fault of kind k.
func Is(err error, k Kind) bool { return err != nil && As(err).Kind == k }

// Collector gathers the faulty fields of one input, so that a caller sees all
// of them at once. The zero Collector is ready for use.
type Collector struct{ fields []Field }

// Add notes one field and its mend.
func (c *Collector) Add(path, mend string) {
	c.fields = append(c.fields, Field{Path: path, Mend: mend})
}

// Addf is Add with formatting; never format a rejected value into it.
func (c *Collector) Addf(path, mend string, args ...any) { c.Add(path, fmt.Sprintf(mend, args...)) }

// Check adds the field if ok is false.
func (c *Collector) Check(ok bool, path, mend string) {
	if !ok {
		c.Add(path, mend)
	}
}

// Merge adds the fields of err (if it is an Invalid fault) below prefix.
func (c *Collector) Merge(prefix string, err error) {
	if err == nil {
		return
	}
	e := As(err)
	if len(e.Fields) == 0 {
		c.Add(prefix, e.Message)
	}
	for _, f := range e.Fields {
		if prefix != "" && f.Path != "" {
			f.Path = prefix + "." + f.Path
		} else if prefix != "" {
			f.Path = prefix
		}
		c.fields = append(c.fields, f)
	}
}

// Err gives an Invalid fault with all gathered fields, or nil if there are none.
func (c *Collector) Err() error {
	if len(c.fields) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Reason: "invalid", Message: "Some fields need mending.", Fields: c.fields}
}
