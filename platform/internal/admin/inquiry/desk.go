// Package inquiry is the desk of whoever asks about access: why a call was or
// would be denied, what a change would do before it is saved, what another
// person sees, and what oneself may do.
//
// Invariants. Nothing here changes anybody's rights: an explanation names the
// change and another operation makes it. Every answer is decided by the same code
// as calls are (package access, the gate's scopes and limits), under the policy of
// this very call. Whoever asks learns nothing of rows that they may not see
// themselves: what the asker does not see is not there. Looking through another's
// eyes shows no more than one's own and changes nothing; the gate sees to both.
//
// It must not know the desks whose operations it recommends: a change is data, one
// call of the list of operations.
package inquiry

import (
	"context"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Config is what the desk is wired with.
type Config struct {
	Catalogue func() []*gate.Meta // the gate's list, once it is made
}

// Desk holds the operations.
type Desk struct {
	config  Config
	Explain *gate.Op[ExplainIn, ExplainOut]
}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c}
	d.Explain = d.explain()
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry { return []gate.Entry{d.Explain} }

// inquire describes an answer that is asked for by a body.
func inquire[In, Out any](name, title, screen, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Access", Screen: screen, Method: "POST", Path: path,
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: do}
}

// Meta finds an operation of the list by name, or nil.
func (d *Desk) Meta(name string) *gate.Meta {
	for _, m := range d.config.Catalogue() {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// unknownOperation is the fault of a name that the list does not hold.
func unknownOperation(field string) error {
	return fault.Bad(field, "Name an operation of the catalogue, for example loan.payment.log.")
}

// tree is the tree of a role in which a channel's operations stand, in words.
func tree(ch operation.Channel) string {
	if ch == operation.API {
		return "the API"
	}
	return "the screens"
}

// quoted puts names into one phrase: “A” and “B”.
func quoted(names []string) string {
	for i := range names {
		names[i] = "“" + names[i] + "”"
	}
	if last := len(names) - 1; last > 0 {
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
	return strings.Join(names, "")
}

// instant prints an instant as the API writes it; empty for never.
func instant(micros int64) string {
	if micros == 0 {
		return ""
	}
	return time.UnixMicro(micros).UTC().Format(time.RFC3339)
}
