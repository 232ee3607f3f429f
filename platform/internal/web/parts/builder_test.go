package parts

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/internal/rule/outline"
	"github.com/lendkeep/lendkeep/platform/internal/web/static"
)

// builderWords is the story's vocabulary as the compiler knows it.
func builderWords(t *testing.T) *rule.Vocabulary {
	t.Helper()
	kinds := map[outline.Kind]rule.Kind{outline.Text: rule.Text, outline.Whole: rule.Int, outline.Money: rule.Money, outline.Date: rule.Date, outline.YesNo: rule.Bool, outline.List: rule.TextList}
	var fields []rule.Field
	for _, f := range storyVocabulary() {
		if f.Name == rule.Today {
			continue
		}
		r := rule.Field{Name: f.Name, Kind: kinds[f.Kind], Column: "x", Label: f.Label, Known: f.Values}
		if f.Kind == outline.List {
			r.Column, r.Value = "x %s", func(name string) (any, bool) { return name, name != "Zeta" }
		}
		fields = append(fields, r)
	}
	v, err := rule.NewVocabulary(fields...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// exchange answers as a room does.
func exchange(v *rule.Vocabulary, form url.Values) Exchanged {
	if form.Has("outline") {
		o, err := outline.Decode([]byte(form.Get("outline")))
		if err != nil {
			return ExchangedFault(err, "")
		}
		text, err := v.Print(o)
		if err != nil {
			return ExchangedFault(err, "")
		}
		return Exchanged{Text: text, Sentence: o.Sentence("Loans", v.Fields())}
	}
	e, err := v.Compile(form.Get("text"))
	if err != nil {
		return ExchangedFault(err, "")
	}
	o := e.Outline()
	return Exchanged{Outline: &o, Sentence: o.Sentence("Loans", v.Fields())}
}

// workshop is the story of the builder with a server behind it.
type workshop struct {
	*tab
	v       *rule.Vocabulary
	posted  chan url.Values
	counted atomic.Int64
	broken  atomic.Bool
}

func openWorkshop(t *testing.T) *workshop {
	t.Helper()
	path := os.Getenv("LENDKEEP_TEST_CHROMIUM")
	if path == "" {
		t.Skip("LENDKEEP_TEST_CHROMIUM names no browser")
	}
	w := &workshop{v: builderWords(t), posted: make(chan url.Values, 4)}
	mux := http.NewServeMux()
	mux.Handle("GET /static/", static.Handler())
	mux.HandleFunc("GET /story/builder", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Security-Policy", contentPolicy)
		rw.Write(render(t, Story{"builder", storyBuilder()}))
	})
	answer := func(rw http.ResponseWriter, x any) {
		rw.Header().Set("Content-Type", "application/json")
		json.NewEncoder(rw).Encode(x)
	}
	mux.HandleFunc("POST /exchange", func(rw http.ResponseWriter, r *http.Request) {
		if w.broken.Load() {
			http.Error(rw, "off", http.StatusBadGateway)
			return
		}
		r.ParseForm()
		answer(rw, exchange(w.v, r.PostForm))
	})
	mux.HandleFunc("POST /count", func(rw http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		w.counted.Add(1)
		answer(rw, Counted{Headline: "12 of 18,902 loans", Meaning: "warn", Notes: []string{r.PostForm.Get("visible")}, Columns: []string{"Loan"}, Rows: [][]string{{"<b>LN-1</b>"}}})
	})
	mux.HandleFunc("POST /settings/", func(rw http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		w.posted <- r.PostForm
		rw.Header().Set("Content-Type", "text/html")
		rw.Write([]byte("<!DOCTYPE html><title>posted</title><p>posted"))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	ctx, end := context.WithTimeout(ctx, 90*time.Second)
	t.Cleanup(end)
	w.tab = &tab{t: t, ctx: ctx, base: server.URL}
	return w
}

// A server that goes away while rows are edited does not lock the text in.
func TestBuilderBrowserLetsTheTextOutWhenTheServerIsGone(t *testing.T) {
	w := openWorkshop(t)
	w.start()
	w.broken.Store(true)
	w.set("[data-builder] [data-use=join]", "any")
	w.press("[data-builder] [data-builder-view=text]")
	w.soon(firstRows+".hidden", "true")
	w.has(visibleText+`===document.getElementsByName("visible")[0].defaultValue`, "true")
}

// soon waits until an expression reads as wanted.
func (w *workshop) soon(expression, want string) {
	w.t.Helper()
	var got string
	for range 100 {
		var err error
		if got, err = chromedp.Run(w.ctx, chromedp.Evaluate[string]("String("+expression+")")); err != nil {
			w.t.Fatalf("%s: %v", expression, err)
		}
		if got == want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.t.Fatalf("%s is %q, want %q", expression, got, want)
}

const (
	visibleText = `document.getElementsByName("visible")[0].value`
	firstRows   = `document.querySelector("[data-builder-rows]")`
	firstBox    = `document.querySelector("[data-builder]")`
)

func (w *workshop) start() {
	w.t.Helper()
	w.open("builder")
	w.soon(firstRows+".hidden", "false")
}

// write types over what stands in the first text area.
func (w *workshop) write(text string) {
	w.t.Helper()
	w.has(`(document.getElementsByName("visible")[0].select(), document.activeElement.name)`, "visible")
	w.keys(kb.Backspace)
	w.do(chromedp.SendKeys("[name=visible]", text))
	w.has(visibleText, text)
}

// set gives a select its value as the hand would.
func (w *workshop) set(selector, value string) {
	w.t.Helper()
	w.has(`(()=>{const s=document.querySelector('`+selector+`');s.value='`+value+`';s.dispatchEvent(new Event("change",{bubbles:true}));return s.isConnected||true})()`, "true")
}

func TestBuilderBrowserTurnsTextIntoRowsAndBack(t *testing.T) {
	w := openWorkshop(t)
	w.start()
	w.has(firstBox+`.querySelectorAll(".builder-row").length`, "6")
	w.has(firstBox+`.querySelectorAll(".builder-group").length`, "3")
	w.has(firstBox+`.querySelector("[data-builder-told]").textContent.slice(0,41)`, "Loans in portfolio Acme or Beta, and not ")
	w.has(visibleText+` === document.getElementsByName("visible")[0].defaultValue`, "true")

	// The first group becomes "any": the text follows, and the count after it.
	w.set("[data-builder] [data-use=join]", "any")
	w.soon(visibleText+`.includes("Beta\"]) ||")`, "true")
	w.soon(`document.querySelector("#story-count [data-count-head]").textContent.trim()`, "! 12 of 18,902 loans")
	w.soon(`document.querySelector("#story-count .hint").textContent===`+visibleText, "true")
	w.has(`document.querySelector("#story-count td").textContent`, "<b>LN-1</b>")

	// As text: what is typed is checked, with its place, and leads back.
	w.press("[data-builder] [data-builder-view=text]")
	w.soon(firstRows+".hidden", "true")
	w.has("document.activeElement.name", "visible")
	w.write("loan.stauts == \"x\"")
	w.soon(firstBox+`.querySelector("mark")?.textContent`, "loan.stauts")
	w.has(`document.getElementsByName("visible")[0].getAttribute("aria-invalid")`, "true")
	w.press("[data-builder] [data-builder-view=rows]")
	w.soon(`document.getElementsByName("visible")[0].selectionEnd`, "11")
	w.has(firstRows+".hidden", "true")
	w.write("!(loan.number == 'x')")
	w.soon(firstBox+`.querySelector("[data-builder-told]").textContent`, "Loans with number other than x")
	w.press("[data-builder] [data-builder-view=rows]")
	w.soon(firstRows+".hidden", "false")
	w.has(firstBox+`.querySelector("[data-use=compare]").value`, "is_not")
}

func TestBuilderBrowserByKeyboardAlone(t *testing.T) {
	w := openWorkshop(t)
	w.start()
	// The optional builder begins empty: its verb adds a first condition.
	w.soon(`document.querySelectorAll("[data-builder-rows]")[1].hidden`, "false")
	w.has(`(document.querySelectorAll("[data-builder-rows]")[1].querySelector("[data-use=add]").focus(), document.activeElement.textContent)`, "Add condition")
	w.keys(kb.Enter)
	w.has(`document.activeElement.dataset.use`, "field")
	w.keys(kb.Tab, kb.Tab)
	w.has(`document.activeElement.dataset.use`, "value")
	w.keys("C", "A")
	w.soon(`document.getElementsByName("borrowers")[0].value`, `borrower.state == "CA"`)
	// Duplicate, change the twin, move it up.
	w.keys(kb.Tab) // nothing to move past: both arrows are off
	w.has(`document.activeElement.dataset.use`, "copy")
	w.keys(kb.Enter)
	w.soon(`document.getElementsByName("borrowers")[0].value`, `borrower.state == "CA" && borrower.state == "CA"`)
	w.has(`document.activeElement.dataset.use`, "copy")
	w.do(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(8)))
	w.has(`document.activeElement.dataset.use`, "up")
	w.keys(kb.Enter)
	w.has(`document.activeElement.getAttribute("aria-label")`, "Move down condition")
	// Remove both: the text is empty again, and the focus on the verb.
	w.keys(kb.Tab, kb.Tab, kb.Enter)
	w.has(`document.activeElement.dataset.use`, "remove")
	w.keys(kb.Enter)
	w.has(`document.activeElement.dataset.use`, "add")
	w.soon(`document.getElementsByName("borrowers")[0].value`, "")
}

// Values that nobody knows beforehand are typed one by one; Enter ends one and
// does not send the form.
func TestBuilderBrowserTakesTypedValues(t *testing.T) {
	w := openWorkshop(t)
	w.start()
	w.press("[data-builder-rows] > .builder-group > .builder-add [data-use=add]")
	row := "[data-builder-rows] > .builder-group > .builder-parts > li:last-child > .builder-row"
	w.set(row+" [data-use=field]", "loan.number")
	w.set(row+" [data-use=compare]", "one_of")
	w.has(`(document.querySelector("`+row+` [data-use=value]").focus(), document.activeElement.placeholder)`, "Add a value")
	w.keys("L", "N", "1", kb.Enter, "L", "N", "2", kb.Enter, "x", kb.Enter, kb.Backspace)
	w.has(`document.querySelector("`+row+` .builder-values").textContent`, "LN1✕LN2✕")
	w.soon(visibleText+`.includes('loan.number in ["LN1", "LN2"]')`, "true")
	w.has("location.pathname", "/story/builder")
	if *shots != "" {
		picture, err := chromedp.Run(w.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(*shots, "builder-typed.png"), picture, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// An unfinished or wrong row keeps the form back and says what it needs; the
// text that is posted is never an older one.
func TestBuilderBrowserKeepsTheFormBackUntilTheTextIsTrue(t *testing.T) {
	w := openWorkshop(t)
	w.start()
	w.press("[data-builder-rows] > .builder-group > .builder-add [data-use=add]")
	row := "[data-builder-rows] > .builder-group > .builder-parts > li:last-child > .builder-row"
	w.set(row+" [data-use=field]", "loan.balance")
	w.press("button[form=restriction]")
	w.soon(`document.querySelector("`+row+` .error").textContent.trim()`, "✗ Enter a value")
	w.has("document.activeElement.dataset.use", "value")
	w.has(`document.getElementById(document.activeElement.getAttribute("aria-describedby")).textContent.trim()`, "✗ Enter a value")
	w.keys("1", "x")
	w.soon(`document.querySelector("`+row+` .error").textContent.trim()`, "✗ Enter an amount such as 250.00, without commas")
	w.keys(kb.Backspace, "2")
	w.press("button[form=restriction]") // at once: the text has not followed yet
	select {
	case form := <-w.posted:
		if got := form.Get("visible"); !strings.Contains(got, `loan.balance == money("12.00")`) {
			t.Errorf("posted %s", got)
		}
		if form.Get("applications") == "" || form.Get("plain") != "true" {
			t.Errorf("the other fields: %v", form)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was posted")
	}
}

func TestBuilderBrowserFallsBackToTheText(t *testing.T) {
	w := openWorkshop(t)
	w.broken.Store(true)
	w.open("builder")
	w.soon(firstBox+`.querySelector("[data-builder-told]").textContent`, "The server did not answer. The text can still be edited and saved.")
	w.has(firstRows+".hidden", "true")
	w.has(`document.getElementsByName("visible")[0].hidden`, "false")
	w.press("button[form=restriction]")
	select {
	case form := <-w.posted:
		if got := strings.ReplaceAll(form.Get("visible"), "\r", ""); got != storyVisible {
			t.Errorf("posted %s", got)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was posted")
	}
}

func TestBuilderBrowserPictures(t *testing.T) {
	if *shots == "" {
		t.Skip("-shots names no directory")
	}
	w := openWorkshop(t)
	for _, scheme := range []string{"light", "dark"} {
		w.do(media(scheme))
		w.start()
		for _, step := range []string{"", "open"} {
			if step == "open" {
				w.press("[data-builder] summary")
			}
			picture, err := chromedp.Run(w.ctx, chromedp.FullScreenshot(100))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(*shots, "builder"+step+"-"+scheme+".png"), picture, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestTheBuilderIsATextAreaFirst(t *testing.T) {
	got := text(t, RuleBuilder(Builder{Name: "visible", Label: "Loans", Required: true, Value: "loan.x < \"<b>\"", Error: "line 1, column 1: loan.x is not a field"}))
	for _, want := range []string{`name="visible"`, `aria-required="true"`, `loan.x &lt; &#34;&lt;b&gt;&#34;</textarea>`, `<mark>loan.x</mark> &lt; `, "Line 1, column 1: loan.x is not a field"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if strings.Contains(got, "data-exchange") || strings.Contains(got, "data-builder-view") || strings.Contains(got, " required") {
		t.Errorf("without an exchange there are no rows: %s", got)
	}
}

func TestThePlaceOfAMendIsMarked(t *testing.T) {
	for _, c := range []struct {
		value, mend         string
		before, word, after string
		ok                  bool
	}{
		{"a &&\n  loan.x == 1", "line 2, column 3: no field", "  ", "loan.x", " == 1", true},
		{"loan.number == \"ä\" = 1", "line 1, column 20: write ==", "loan.number == \"ä\" ", "=", " 1", true},
		{"loan.x ==", "line 1, column 10: cannot be understood", "loan.x ==", "", "", true},
		{"loan.x ==", "line 1, column 400: cannot be understood", "loan.x ==", "", "", true},
		{"loan.x", "line 3, column 1: elsewhere", "", "", "", false},
		{"loan.x", "the expression is empty", "", "", "", false},
		{"loan.x", "", "", "", "", false},
	} {
		before, word, after, ok := Builder{Value: c.value, Error: c.mend}.place()
		if before != c.before || word != c.word || after != c.after || ok != c.ok {
			t.Errorf("%q, %q: %q %q %q %v", c.value, c.mend, before, word, after, ok)
		}
	}
}

func TestAFaultBecomesWhatTheModuleShows(t *testing.T) {
	var c fault.Collector
	c.Add("outline.all.0.values.1", "enter a day as YYYY-MM-DD")
	c.Add("outline", "line 2, column 3: no field")
	want := []ExchangedError{{Path: "all.0.values.1", Message: "enter a day as YYYY-MM-DD"}, {Line: 2, Column: 3, Message: "no field"}}
	if diff := cmp.Diff(want, ExchangedFault(c.Err(), "outline").Errors); diff != "" {
		t.Error(diff)
	}
	if got := ExchangedFault(fault.New(fault.Malformed, "outline", "Send an outline."), "").Errors; len(got) != 1 || got[0].Message != "Send an outline." {
		t.Errorf("%+v", got)
	}
}
