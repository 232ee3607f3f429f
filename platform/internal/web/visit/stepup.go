package visit

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// The pages that mend a session: every denial that one of them lifts leads there
// and back.
const (
	StepUpPath   = "/step-up"  // proves once more who the person is
	FactorPath   = "/factor"   // gives a second factor, or makes the first one
	PasswordPath = "/password" // changes a password that is too old
)

// mends gives the page that lifts a denial; empty where there is none.
func mends(f *fault.Error) string {
	if f.Kind != fault.Denied {
		return ""
	}
	switch f.Reason {
	case "step_up_needed":
		return StepUpPath
	case "factor_stale":
		return FactorPath
	case "password_expired":
		return PasswordPath
	}
	return ""
}

// toMend sends the person to a page that mends the session, to come back here.
func (v *Visit) toMend(page string) {
	back := v.R.URL.RequestURI()
	if v.R.Method == http.MethodPost {
		back = v.cameFrom()
	}
	v.protect()
	http.Redirect(v.W, v.R, Mending(page, back), http.StatusSeeOther)
}

// Mending is the address of such a page, with the way back.
func Mending(page, back string) string {
	if back = Local(back); back == "/" || pan.Contains(back) {
		return page
	}
	return page + "?next=" + url.QueryEscape(back)
}

// Held is a form that was refused for want of a fresh proof. It waits in the
// page that asks for the proof, without its secrets, and is shown again
// afterwards: it is never sent again by itself.
type Held struct {
	Path  string // where it was sent, query included; empty: nothing waits
	Form  string // what was typed
	Title string // what it was to do: "Add user"
	Back  string // the page that it was sent from
}

// The fields in which a form waits.
const (
	HeldPath  = "_held_path"
	HeldForm  = "_held_form"
	HeldTitle = "_held_title"
	HeldBack  = "_next"
)

// Hidden are the fields that carry a held form along.
func (h Held) Hidden() []parts.Hidden {
	return []parts.Hidden{{Name: HeldPath, Value: h.Path}, {Name: HeldForm, Value: h.Form}, {Name: HeldTitle, Value: h.Title}, {Name: HeldBack, Value: h.Back}}
}

// HeldOf reads them back.
func HeldOf(form url.Values) Held {
	h := Held{Path: form.Get(HeldPath), Form: form.Get(HeldForm), Title: form.Get(HeldTitle), Back: Local(form.Get(HeldBack))}
	if Local(h.Path) != h.Path || len(h.Title) > 200 {
		h.Path, h.Title = "", ""
	}
	return h
}

// Confirms registers the page that asks for a fresh proof, in the place of a
// form that was refused for want of it.
func (m *Mux) Confirms(page func(v *Visit, h Held) Screen) { m.confirms = page }

// hold answers a refused form with the question who it is.
func (v *Visit) hold(err error, in reflect.Type) {
	if v.mux.confirms == nil || v.readForm() != nil {
		v.Refuse(err)
		return
	}
	v.back(err) // takes out what must not come back
	for _, name := range secretFields(in) {
		v.typed.Del(name)
	}
	h := Held{Path: v.R.URL.RequestURI(), Form: v.typed.Encode(), Title: v.asked.title, Back: v.cameFrom()}
	v.typed, v.err = nil, nil
	v.show(http.StatusForbidden, v.mux.confirms(v, h))
}

// secretFields are the fields of an input that must not wait on a page.
func secretFields(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Type == reflect.TypeFor[secret.Text]() {
			if name, ok := fieldName(f); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// resume shows a held form again, now that the person has proved who they are.
// The act that it was sent to prints its page with what was typed.
func (v *Visit) resume(at int64, h Held, also parts.Toast) {
	form, err := url.ParseQuery(h.Form)
	u, bad := url.Parse(h.Path)
	if err != nil || bad != nil || h.Path == "" || len(form) > maxNames {
		v.say(at, also)
		v.protect()
		http.Redirect(v.W, v.R, Local(h.Back), http.StatusSeeOther)
		return
	}
	r := v.R.Clone(v.Context())
	r.URL, r.RequestURI, r.Body = u, h.Path, http.NoBody
	v.mux.ServeHTTP(&resumed{ResponseWriter: v.W, form: form, back: h.Back, also: also}, r)
}

// resumed hands a held form to the act that it belongs to.
type resumed struct {
	http.ResponseWriter
	form url.Values
	back string
	also parts.Toast // what goes with "it is you"
}

// proved is why a form came back although nothing is wrong with it.
type proved struct{}

func (proved) Error() string { return "the person has proved who they are" }

const sayAgain = "It is you. Check the form and send it once more."

// again shows a held form; true where there was one.
func (v *Visit) again(s Screen) bool {
	if v.resumed == nil {
		return false
	}
	if s == nil || strings.TrimSpace(v.resumed.form.Get(formName)) == "" {
		v.say(v.Request().At, parts.Toast{Meaning: v.resumed.also.Meaning, Text: "It is you. Press the button once more." + v.resumed.also.Text})
		v.protect()
		http.Redirect(v.W, v.R, Local(v.resumed.back), http.StatusSeeOther)
		return true
	}
	v.typed, v.err = v.resumed.form, proved{}
	v.show(http.StatusOK, s)
	return true
}
