package static

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, method, path, accept string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Accept-Encoding", accept)
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestFilesAreKeptForAYearUnderTheirHash(t *testing.T) {
	for name, kind := range map[string]string{"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8", "theme.js": "text/javascript; charset=utf-8", "favicon.svg": "image/svg+xml"} {
		r := get(t, "GET", Path(name), "")
		body, _ := io.ReadAll(r.Body)
		if r.StatusCode != 200 || r.Header.Get("Content-Type") != kind || len(body) == 0 || !strings.Contains(r.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v, %d bytes", name, r.StatusCode, r.Header, len(body))
		}
		z := get(t, "GET", Path(name), "br, gzip")
		zr, err := gzip.NewReader(z.Body)
		if err != nil {
			t.Fatal(err)
		}
		if unpacked, err := io.ReadAll(zr); err != nil || string(unpacked) != string(body) {
			t.Errorf("%s: the packed file is another one: %v", name, err)
		}
	}
}

func TestOtherNamesAndHashesAreNotFound(t *testing.T) {
	for _, path := range []string{"/static/", "/static/app.css", "/static/0000000000000000/app.css", Path("app.css") + "x", strings.Replace(Path("app.css"), "app.css", "1-tokens.css", 1), strings.Replace(Path("app.css"), "app.css", "../static.go", 1)} {
		if r := get(t, "GET", path, ""); r.StatusCode != 404 || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", path, r.StatusCode, r.Header.Get("Cache-Control"))
		}
	}
	if r := get(t, "POST", Path("app.css"), ""); r.StatusCode != 405 {
		t.Errorf("POST: %d", r.StatusCode)
	}
}

// The content policy requires Trusted Types: markup must never come from text.
func TestScriptsImportWhatIsThereAndMakeNoMarkupFromText(t *testing.T) {
	sink := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc`)
	from := regexp.MustCompile(`from "\./([a-z]+\.js)"`)
	for name, f := range bundle.byName {
		if m := sink.Find(f.plain); m != nil {
			t.Errorf("%s uses %s", name, m)
		}
		for _, m := range from.FindAllSubmatch(f.plain, -1) {
			if _, ok := bundle.byName[string(m[1])]; !ok {
				t.Errorf("%s imports %s, which is not there", name, m[1])
			}
		}
	}
	if css := string(bundle.byName["app.css"].plain); strings.Contains(css, "url(") || strings.Contains(css, "@import") {
		t.Error("the stylesheet fetches something")
	}
}

func TestAWrongNameIsAMistakeOfThePage(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a name that does not exist got an address")
		}
	}()
	Path("missing.css")
}
