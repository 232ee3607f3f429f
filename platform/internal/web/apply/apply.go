package apply

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// maxForm is the greatest form in bytes.
const maxForm = 64 << 10

func site(v *visit.Visit) string { return v.R.PathValue("site") }

// path is the address of this form.
func path(v *visit.Visit) string { return "/apply/" + url.PathEscape(site(v)) }

func lender(v *visit.Visit) string {
	if v.Tenant == nil {
		return "Lendkeep"
	}
	return v.Tenant.Name
}

// ask opens the form at the gate: the key must be known, and the page is
// audited like any other. take, if given, reads what was sent.
func (r *Room) ask(v *visit.Visit, take func() error) error {
	_, err := gate.Run(v.Context(), r.config.Gate, r.form, v.Portal(site(v)), nil, func(*FormIn) error {
		if take == nil {
			return nil
		}
		return take()
	})
	return err
}

func (r *Room) open(v *visit.Visit) {
	if err := r.ask(v, nil); err != nil {
		r.refuse(v, err)
		return
	}
	v.Print(http.StatusOK, r.first(v, newDraft()))
}

func (r *Room) first(v *visit.Visit, d *draft) templ.Component {
	return stepYou(lender(v), path(v), d, r.config.Demo)
}

// you takes the first step and shows the second.
func (r *Room) you(v *visit.Visit) {
	var d *draft
	err := r.ask(v, func() (err error) { d, err = form(v); return err })
	if err != nil {
		r.refuse(v, err)
		return
	}
	if d.check(aboutYou(), aboutHome()); len(d.lines) > 0 {
		v.Print(http.StatusUnprocessableEntity, r.first(v, d))
		return
	}
	v.Print(http.StatusOK, stepLoan(lender(v), path(v), d))
}

// change shows the first step again, as it was filled in.
func (r *Room) change(v *visit.Visit) {
	var d *draft
	if err := r.ask(v, func() (err error) { d, err = form(v); return err }); err != nil {
		r.refuse(v, err)
		return
	}
	v.Print(http.StatusOK, r.first(v, d))
}

// form reads what was sent.
func form(v *visit.Visit) (*draft, error) {
	v.R.Body = http.MaxBytesReader(v.W, v.R.Body, maxForm)
	if kind, _, _ := strings.Cut(v.R.Header.Get("Content-Type"), ";"); strings.TrimSpace(kind) != "application/x-www-form-urlencoded" {
		return nil, fault.New(fault.Malformed, "unsupported_media_type", "Send the form as application/x-www-form-urlencoded.")
	}
	if err := v.R.ParseForm(); err != nil {
		return nil, fault.Wrap(fault.Malformed, "malformed_form", "The form could not be read.", err)
	}
	return draftOf(v.R.PostForm), nil
}

// send hands the application in.
func (r *Room) send(v *visit.Visit) {
	request := v.Portal(site(v))
	var d *draft
	out, err := gate.Run(v.Context(), r.config.Gate, r.config.Desk.Submit, request, nil, func(in *origination.SubmitIn) (err error) {
		if d, err = form(v); err != nil {
			return err
		}
		request.IdempotencyKey = d.typed.Get(onceName)
		if r.config.Demo {
			request.Address = chosen(d, request.Address)
		}
		if d.check(aboutYou(), aboutHome(), aboutLoan()); len(d.lines) > 0 {
			return unanswered(d)
		}
		return visit.Decode(d.values(), in)
	})
	if err != nil {
		r.again(v, d, err)
		return
	}
	http.Redirect(v.W, v.R, path(v)+"/received?reference="+url.QueryEscape(string(out.ID)), http.StatusSeeOther)
}

// unanswered is the fault of the lines that a draft already has.
func unanswered(d *draft) error {
	var c fault.Collector
	for _, l := range d.lines {
		c.Add(l.Field, l.Text)
	}
	return c.Err()
}

// chosen is the demo's address in place of the connection's.
func chosen(d *draft, real httpserve.Address) httpserve.Address {
	if a, ok := chosenNetwork(d.get(networkName)); ok {
		real.Chosen, real.Reason = a, "chosen_in_demo"
	}
	return real
}

// again shows the step to which what is wrong belongs.
func (r *Room) again(v *visit.Visit, d *draft, err error) {
	f := fault.As(err)
	if d == nil || f.Kind != fault.Invalid {
		r.refuse(v, err)
		return
	}
	d.lines, d.errors = nil, nil
	first := d.take(f)
	d.forgetCards()
	if first {
		v.Print(http.StatusUnprocessableEntity, r.first(v, d))
		return
	}
	v.Print(http.StatusUnprocessableEntity, stepLoan(lender(v), path(v), d))
}

func (r *Room) received(v *visit.Visit) {
	if err := r.ask(v, nil); err != nil {
		r.refuse(v, err)
		return
	}
	reference := v.R.URL.Query().Get("reference")
	if _, err := id.Parse[id.Application](reference); err != nil {
		reference = ""
	}
	v.Print(http.StatusOK, thanks(lender(v), reference))
}

// refuse answers an applicant in plain words; what stands behind it is in the
// audit trail and in the log.
func (r *Room) refuse(v *visit.Visit, err error) {
	f := fault.As(err)
	code, o := http.StatusInternalServerError, parts.Outcome{Meaning: parts.Danger, Title: "Something went wrong on our side", Text: "Your application was not sent. Please try again in a few minutes."}
	switch f.Kind {
	case fault.Unauthenticated, fault.Denied, fault.NotFound:
		code, o = http.StatusNotFound, parts.Outcome{Meaning: parts.Unknown, Title: "There is no form here", Text: "The link may be old, or a letter of it is missing. Please open the form again from your lender's own page."}
	case fault.Conflict:
		code, o = http.StatusConflict, parts.Outcome{Meaning: parts.Warn, Title: "This form was sent already", Text: "We have the application that you sent first; what you changed afterwards was not sent. To apply once more, open the form again."}
	case fault.TooMany:
		code, o = http.StatusTooManyRequests, parts.Outcome{Meaning: parts.Warn, Title: "That was a little fast", Text: "Please wait a minute and try again."}
	case fault.Unavailable:
		code, o = http.StatusServiceUnavailable, parts.Outcome{Meaning: parts.Warn, Title: "We cannot take it at the moment", Text: "Please try again in a few minutes. Nothing was sent."}
	case fault.Malformed, fault.TooLarge, fault.Invalid:
		code, o = http.StatusBadRequest, parts.Outcome{Meaning: parts.Warn, Title: "This form could not be read", Text: "Please open it again and fill it in once more."}
	}
	if f.RetryAfter > 0 {
		v.W.Header().Set("Retry-After", strconv.Itoa(max(1, int(f.RetryAfter.Seconds()))))
	}
	if code == http.StatusInternalServerError {
		r.log(v.Context(), err)
	}
	v.Print(code, trouble(lender(v), o))
}

func (r *Room) log(ctx context.Context, err error) {
	if r.config.Log != nil {
		r.config.Log.ErrorContext(ctx, "the hosted form failed", "error", err)
	}
}
