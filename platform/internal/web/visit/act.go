package visit

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/parcel"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// maxForm is the greatest form in bytes, maxNames the most fields in it.
const (
	maxForm  = 1 << 20
	maxNames = 2000
)

// Answer is what follows an act that was done.
type Answer struct {
	to    string
	toast parts.Toast
	see   Screen
	held  *Held
	print templ.Component
}

// Go sends the browser on with a toast. said is a fixed sentence without
// personal data: "Payment logged."
func Go(to, said string) Answer {
	return Answer{to: to, toast: parts.Toast{Meaning: parts.OK, Text: said}}
}

// Told is Go with a toast of one's own: a warning, a link.
func Told(to string, t parts.Toast) Answer { return Answer{to: to, toast: t} }

// Render answers with a page in place: for what is shown once.
func Render(s Screen) Answer { return Answer{see: s} }

// Printed answers with a whole page that asks the gate for nothing: for a person
// whom the act itself has shut out.
func Printed(c templ.Component) Answer { return Answer{print: c} }

// Return answers a fresh proof: the form that was held is shown again, or the
// page that asked is opened. also is a warning that goes with it, such as how many
// recovery codes are left.
func Return(h Held, also string) Answer {
	t := parts.Toast{Meaning: parts.OK}
	if also != "" {
		t = parts.Toast{Meaning: parts.Warn, Text: " " + also}
	}
	return Answer{held: &h, toast: t}
}

// Fill takes the form into the input where tags do not do; it may begin with
// Decode.
type Fill[In any] func(form url.Values, in *In) error

// Act runs an operation with the form that was sent and answers: done on
// success; the proposal's page where a second person must approve it; again, the
// page with what was typed, on a fault that the person can mend, and after a
// fresh proof was asked for; the fault's own page otherwise. Path tags come from the address. The
// body is read only when the gate has permitted the operation.
func Act[In, Out any](v *Visit, o *gate.Op[In, Out], done func(out *Out) Answer, again Screen, fill ...Fill[In]) {
	if v.again(again) {
		return
	}
	r := v.Request()
	out, err := run(v, r, o, fill...)
	if err != nil && mends(fault.As(err)) == StepUpPath {
		v.hold(err, reflect.TypeFor[In]())
		return
	}
	if f := fault.As(err); err != nil && f.Kind == fault.Proposed {
		v.follow(r.At, proposed(f))
		return
	}
	if err != nil {
		if !mendable(err) || again == nil {
			v.Refuse(err)
			return
		}
		v.back(err)
		v.show(httpserve.StatusOf(fault.As(err).Kind), again)
		return
	}
	v.follow(r.At, done(out))
}

// ActOpen is Act for pages that need no session: signing in, the hosted form.
// The request says as whom; again renders the whole page.
func ActOpen[In, Out any](v *Visit, r *gate.Request, o *gate.Op[In, Out], done func(out *Out) Answer, again func() templ.Component, fill ...Fill[In]) {
	out, err := run(v, r, o, fill...)
	if err != nil {
		f := fault.As(err)
		if !mendable(err) && f.Kind != fault.Unauthenticated && f.Kind != fault.Denied {
			v.Refuse(err)
			return
		}
		v.back(err)
		v.Print(httpserve.StatusOf(f.Kind), again())
		return
	}
	v.follow(r.At, done(out))
}

func run[In, Out any](v *Visit, r *gate.Request, o *gate.Op[In, Out], fill ...Fill[In]) (*Out, error) {
	v.asked = wanted{name: o.Name, title: o.Title}
	return gate.Run(v.Context(), v.mux.config.Gate, o, r, func(in *In) error {
		return bindPath(v.R, in)
	}, func(in *In) error {
		if err := v.readForm(); err != nil {
			return err
		}
		if o.Idempotent {
			r.IdempotencyKey = v.typed.Get(onceName)
		}
		if len(fill) == 0 {
			return Decode(v.typed, in)
		}
		for _, f := range fill {
			if err := f(v.typed, in); err != nil {
				return err
			}
		}
		return nil
	})
}

func (v *Visit) follow(at int64, a Answer) {
	if a.print != nil {
		v.Print(http.StatusOK, a.print)
		return
	}
	if a.see != nil {
		v.typed = nil
		v.show(http.StatusOK, a.see)
		return
	}
	if a.held != nil {
		v.resume(at, *a.held, a.toast)
		return
	}
	v.say(at, a.toast)
	v.protect()
	http.Redirect(v.W, v.R, Local(a.to), http.StatusSeeOther)
}

// proposed is what follows an act that waits for a second person now: a success
// of another kind, so it leads to what waits.
func proposed(f *fault.Error) Answer {
	return Told("/approvals/"+f.Proposal, parts.Toast{Meaning: parts.OK, Text: "Proposed. A second person must approve it; nothing has changed yet."})
}

// mendable reports a fault that belongs beside the form it came from.
func mendable(err error) bool {
	switch fault.As(err).Kind {
	case fault.Invalid, fault.Conflict:
		return true
	}
	return false
}

// readForm reads a form's body, once.
func (v *Visit) readForm() error {
	if v.typed != nil {
		return nil
	}
	if v.R.ContentLength == 0 && v.R.Header.Get("Content-Type") == "" {
		v.typed = url.Values{} // a script that has nothing to say
		return nil
	}
	if v.parcel != nil && parcel.Multipart(v.R) {
		return v.readParcel()
	}
	kind, _, err := mime.ParseMediaType(v.R.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return fault.New(fault.Malformed, "unsupported_media_type", "Send the form as application/x-www-form-urlencoded.")
	}
	raw, err := io.ReadAll(io.LimitReader(v.R.Body, maxForm+1))
	if err != nil {
		return fault.Wrap(fault.Malformed, "unreadable_body", "The form did not arrive whole.", err)
	}
	if len(raw) > maxForm {
		return fault.New(fault.TooLarge, "body_too_large", "The form is larger than the limit of 1 MB.")
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil || len(form) > maxNames {
		return fault.New(fault.Malformed, "malformed_form", "The form could not be read.")
	}
	v.typed = form
	return nil
}

// Form gives what was sent, for a Fill of several steps; nil before it was read.
func (v *Visit) Form() url.Values { return v.typed }

// Fault is why the form came back; nil on a page that was only opened.
func (v *Visit) Fault() error { return v.err }

// furnished makes sure that there is a frame, for a fault outside of a page.
func (v *Visit) furnished() bool {
	if v.framed {
		return true
	}
	err := v.mux.config.Gate.Page(v.Context(), v.Request(), v.furnish)
	return err == nil && v.framed
}
