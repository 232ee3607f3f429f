package house_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// offer is something that a page offers to do: a link, or a form with a button.
type offer struct {
	method, path string
	form         url.Values
}

// String names an offer: where it leads, with which fields.
func (o offer) String() string {
	path, query, _ := strings.Cut(o.path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return o.method + " " + o.path
	}
	if o.method == "POST" {
		return "POST " + path + " " + o.form.Get("_form") + " " + fieldNames(o.form)
	}
	return "GET " + path + " " + fieldNames(values)
}

// counters are what sets apart the rows of a form that are alike.
var counters = regexp.MustCompile(`[0-9]+`)

func fieldNames(form url.Values) string {
	names := []string{}
	for name := range form {
		names = append(names, counters.ReplaceAllString(name, "0"))
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}

// shown is the answer of the screens.
type shown struct {
	status   int
	location string
	page     bool // it was asked for, not the answer to a form
	doc      *html.Node
}

// open calls the screens with somebody's cookie, as a page of ours would; a form
// goes with a session that is fresh.
func (w *world) open(o offer, who *person) shown {
	w.t.Helper()
	if o.method != "POST" {
		return w.enter(o, who)
	}
	w.signIn(who)
	defer w.signIn(who)
	return w.enter(o, who)
}

// enter calls the screens with whatever session somebody has. Nil is nobody.
func (w *world) enter(o offer, who *person) shown {
	w.t.Helper()
	w.tick()
	r, err := http.NewRequest(o.method, w.server.URL+o.path, strings.NewReader(o.form.Encode()))
	check(w.t, err)
	r.Host = "acme.test"
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if o.method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if o.form.Has("file") {
		withFile(r, o.form)
	}
	if who != nil {
		r.Header.Set("X-Forwarded-For", who.address)
		r.AddCookie(&http.Cookie{Name: visit.SessionCookie, Value: who.session.Reveal()})
	}
	client := *w.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(r)
	check(w.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	check(w.t, err)
	out := shown{status: res.StatusCode, location: res.Header.Get("Location"), page: o.method == "GET"}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		out.doc, err = html.Parse(bytes.NewReader(text))
		check(w.t, err)
	}
	return out
}

// withFile sends a form as one with a file.
func withFile(r *http.Request, form url.Values) {
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for name, values := range form {
		if name == "file" {
			part, _ := m.CreateFormFile(name, "walked.txt") // into memory: cannot fail
			_, _ = io.WriteString(part, values[0])
			continue
		}
		for _, v := range values {
			_ = m.WriteField(name, v)
		}
	}
	_ = m.Close()
	r.Body, r.ContentLength = io.NopCloser(&b), int64(b.Len())
	r.Header.Set("Content-Type", m.FormDataContentType())
}

// offers lists what a page offers, in order, without what is switched off.
func (s shown) offers(at string) (out []offer) {
	if s.doc == nil {
		return nil
	}
	base, _ := url.Parse(at)
	to := func(ref string) string {
		u, err := base.Parse(ref)
		if err != nil || u.Host != "" || u.Scheme != "" {
			return ""
		}
		u.Fragment = ""
		return u.RequestURI()
	}
	for n := range s.doc.Descendants() {
		switch {
		case n.Data == "a" && attribute(n, "href") != "" && !strings.HasPrefix(attribute(n, "href"), "#"):
			out = append(out, offer{method: "GET", path: to(attribute(n, "href"))})
		case n.Data == "form" && attribute(n, "method") != "dialog":
			out = append(out, s.sendings(n, to)...)
		}
		for _, name := range []string{"data-live-count", "data-exchange", "data-options"} {
			if ref := attribute(n, name); ref != "" {
				out = append(out, offer{"POST", to(ref), s.fields(s.formOf(n))})
			}
		}
		if id := attribute(n, "data-passkey"); id != "" {
			if form := s.byID(id); form != nil {
				out = append(out, offer{"POST", to(attribute(form, "action")), s.fields(form)})
			}
		}
	}
	return slices.DeleteFunc(out, func(o offer) bool { return o.path == "" })
}

// sendings are the ways to send a form: one for each of its buttons.
func (s shown) sendings(form *html.Node, to func(string) string) (out []offer) {
	for n := range s.doc.Descendants() {
		button := n.Data == "button" && attribute(n, "type") != "button" || n.Data == "input" && attribute(n, "type") == "submit"
		if !button || s.formOf(n) != form || off(n) || attribute(n, "form") == "" && !within(n, form) {
			continue
		}
		action, values := attribute(form, "action"), s.fields(form)
		if other := attribute(n, "formaction"); other != "" {
			action = other
		}
		if name := attribute(n, "name"); name != "" {
			values.Set(name, attribute(n, "value"))
		}
		if strings.EqualFold(attribute(form, "method"), "post") {
			out = append(out, offer{"POST", to(action), values})
			continue
		}
		out = append(out, offer{method: "GET", path: to(action + "?" + values.Encode())})
	}
	return out
}

// fields gives what a form holds as the page shows it; what must be filled in and
// is empty is filled with what fits.
func (s shown) fields(form *html.Node) url.Values {
	out := url.Values{}
	if form == nil {
		return out
	}
	for n := range s.doc.Descendants() {
		name := attribute(n, "name")
		if name == "" || off(n) || s.formOf(n) != form {
			continue
		}
		switch n.Data {
		case "input":
			kind := attribute(n, "type")
			if kind == "file" && attribute(form, "enctype") == "multipart/form-data" {
				out.Add(name, "Walked")
				continue
			}
			if kind == "submit" || kind == "file" || (kind == "checkbox" || kind == "radio") && !has(n, "checked") {
				continue
			}
			value := attribute(n, "value")
			if (kind == "checkbox" || kind == "radio") && value == "" {
				value = "on"
			}
			out.Add(name, filled(n, name, value))
		case "textarea":
			out.Add(name, filled(n, name, words(n)))
		case "select":
			out.Add(name, chosen(n))
		}
	}
	return out
}

// filled gives what somebody would write into an empty field that asks for it.
func filled(n *html.Node, name, value string) string {
	if value != "" || !has(n, "required") {
		return value
	}
	switch {
	case name == "loan" || name == "user":
		return "{" + name + "}"
	case strings.Contains(name, "email"):
		return "walker@acme.test"
	case strings.Contains(name, "date") || strings.Contains(name, "until"):
		return "2026-11-23"
	case attribute(n, "inputmode") == "decimal" || attribute(n, "inputmode") == "numeric":
		return "1"
	}
	return "Walked"
}

// chosen gives what a select holds, and its first choice where it holds none.
func chosen(n *html.Node) string {
	first := ""
	for o := range n.Descendants() {
		value := attribute(o, "value")
		if o.Data != "option" || has(o, "disabled") || value == "" {
			continue
		}
		if has(o, "selected") {
			return value
		}
		if first == "" {
			first = value
		}
	}
	return first
}

// formOf gives the form that an element belongs to, by name or by place.
func (s shown) formOf(n *html.Node) *html.Node {
	if id := attribute(n, "form") + attribute(n, "data-form"); id != "" {
		return s.byID(id)
	}
	for ; n != nil; n = n.Parent {
		if n.Type == html.ElementNode && n.Data == "form" {
			return n
		}
	}
	return nil
}

func (s shown) byID(id string) *html.Node {
	for f := range s.doc.Descendants() {
		if f.Data == "form" && attribute(f, "id") == id {
			return f
		}
	}
	return nil
}

func within(n, form *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if n == form {
			return true
		}
	}
	return false
}

// off reports whether an element, or a group around it, is switched off.
func off(n *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if has(n, "disabled") {
			return true
		}
	}
	return false
}

func words(n *html.Node) string {
	var b strings.Builder
	for t := range n.Descendants() {
		if t.Type == html.TextNode {
			b.WriteString(t.Data)
		}
	}
	return strings.TrimPrefix(b.String(), "\n")
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
