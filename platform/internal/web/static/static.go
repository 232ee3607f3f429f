// Package static serves the stylesheet, the scripts and the sign of the web
// front from the binary.
//
// Everything stands under one hash of all of it (/static/<hash>/app.css), so
// that the modules can import each other by relative paths, an address never
// changes its content, and browsers may keep it for a year. The package knows
// nothing of pages, tenants or requests beyond the path.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed css/*.css js/*.js favicon.svg
var files embed.FS

const prefix = "/static/"

// bundle is built once from the embedded files and only read afterwards.
var bundle = load(files)

type asset struct {
	kind        string
	plain, gzip []byte
}

type assets struct {
	hash   string
	byName map[string]asset
}

// load joins the stylesheets, in the order of their names, into app.css and
// keeps the scripts as they are.
func load(from fs.FS) assets {
	a := assets{byName: map[string]asset{}}
	sum := sha256.New()
	var css bytes.Buffer
	err := fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		sum.Write([]byte(name))
		sum.Write(b)
		if path.Ext(name) == ".css" {
			css.Write(b)
			return nil
		}
		a.byName[path.Base(name)] = newAsset(name, b)
		return nil
	})
	if err != nil {
		panic("static: the embedded files cannot be read: " + err.Error())
	}
	a.byName["app.css"] = newAsset("app.css", css.Bytes())
	a.hash = hex.EncodeToString(sum.Sum(nil))[:16]
	return a
}

func newAsset(name string, b []byte) asset {
	kinds := map[string]string{
		".css": "text/css; charset=utf-8",
		".js":  "text/javascript; charset=utf-8",
		".svg": "image/svg+xml",
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(b)
	w.Close()
	return asset{kind: kinds[path.Ext(name)], plain: b, gzip: z.Bytes()}
}

// Path is the address of a file: Path("app.css"), "app.js", "theme.js",
// "favicon.svg". A name that does not exist panics: it is a mistake in a page.
func Path(name string) string {
	if _, ok := bundle.byName[name]; !ok {
		panic("static: no file " + strconv.Quote(name))
	}
	return prefix + bundle.hash + "/" + name
}

// Handler answers everything under /static/. A name under the current hash may
// be cached for a year; any other hash or name is not found.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, ok := strings.CutPrefix(r.URL.Path, prefix+bundle.hash+"/")
		f, found := bundle.byName[rest]
		if !ok || !found {
			w.Header().Set("Cache-Control", "no-store")
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.kind)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Vary", "Accept-Encoding")
		body := f.plain
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = f.gzip
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method == http.MethodGet {
			w.Write(body)
		}
	})
}
