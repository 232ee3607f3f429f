package parts

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// go test ./platform/internal/web/parts -run Storybook -write DIR leaves the pages
// behind, to be looked at in a browser.
var write = flag.String("write", "", "write the storybook's pages into this directory")

func render(t *testing.T, s Story) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Page.Render(t.Context(), &b); err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	return b.Bytes()
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// words is the text of a node as a screen reader would hear it.
func words(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	if v, _ := attr(n, "aria-hidden"); v == "true" {
		return ""
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(words(c))
	}
	return b.String()
}

// page is one rendered page and what is wrong with it.
type page struct {
	ids, labels map[string]bool
	refs        map[string]string
	mistakes    []string
}

func (p *page) complain(n *html.Node, what string) {
	var b bytes.Buffer
	html.Render(&b, n)
	text := b.String()
	p.mistakes = append(p.mistakes, what+": "+text[:min(len(text), 160)])
}

func (p *page) collect(n *html.Node) {
	if id, ok := attr(n, "id"); ok {
		if p.ids[id] {
			p.complain(n, "an id that stands twice")
		}
		p.ids[id] = true
	}
	if n.Data == "label" {
		if v, ok := attr(n, "for"); ok {
			p.labels[v] = true
		}
	}
	for _, name := range []string{"for", "aria-describedby", "aria-labelledby", "commandfor", "form"} {
		v, _ := attr(n, name)
		for _, id := range strings.Fields(v) {
			if id != "bulk" { // the story's form of selected rows stands on no page
				p.refs[id] = name
			}
		}
	}
	if v, _ := attr(n, "href"); n.Data == "a" && strings.HasPrefix(v, "#") {
		p.refs[v[1:]] = "href"
	}
}

func (p *page) check(n *html.Node) {
	for _, a := range n.Attr {
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
			p.complain(n, "the content policy forbids the attribute "+a.Key)
		}
		if a.Key == "href" && strings.Contains(a.Val, "about:invalid") {
			p.complain(n, "an address that was refused")
		}
	}
	switch n.Data {
	case "style":
		p.complain(n, "an inline style")
	case "script":
		if _, ok := attr(n, "src"); !ok {
			p.complain(n, "an inline script")
		}
	case "input", "select", "textarea":
		p.checkControl(n)
	case "button", "a", "summary", "h1", "h2", "legend", "th", "caption":
		label, _ := attr(n, "aria-label")
		if strings.TrimSpace(label+words(n)) == "" && !holdsBox(n) {
			p.complain(n, "nothing to read")
		}
	}
}

func holdsBox(n *html.Node) bool {
	for c := range n.Descendants() {
		if c.Data == "input" {
			return true
		}
	}
	return false
}

func (p *page) checkControl(n *html.Node) {
	if kind, _ := attr(n, "type"); kind == "hidden" {
		return
	}
	if name, _ := attr(n, "name"); name == "" {
		_, all := attr(n, "data-select-all")
		_, unsent := attr(n, "data-unsent")
		if !all && !unsent {
			p.complain(n, "a control that sends nothing")
		}
	}
	if label, _ := attr(n, "aria-label"); label != "" {
		return
	}
	if id, ok := attr(n, "id"); ok && p.labels[id] {
		return
	}
	for up := n.Parent; up != nil; up = up.Parent {
		if up.Data == "label" {
			return
		}
	}
	p.complain(n, "a control without a label")
}

// A browser that must mend the markup moves elements: then the tree that it built
// is not the tree that was written.
func (p *page) checkNesting(source []byte, doc *html.Node) {
	void := []string{"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
	var open, written, built []string
	z := html.NewTokenizer(bytes.NewReader(source))
	for kind := z.Next(); kind != html.ErrorToken; kind = z.Next() {
		name, _ := z.TagName()
		tag := string(name)
		switch kind {
		case html.StartTagToken, html.SelfClosingTagToken:
			written = append(written, strings.Join(append(open, tag), ">"))
			if kind == html.StartTagToken && !slices.Contains(void, tag) {
				open = append(open, tag)
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != tag {
				p.mistakes = append(p.mistakes, fmt.Sprintf("</%s> closes %v", tag, open))
				return
			}
			open = open[:len(open)-1]
		}
	}
	var walk func(n *html.Node, path string)
	walk = func(n *html.Node, path string) {
		for c := range n.ChildNodes() {
			if c.Type == html.ElementNode {
				here := strings.TrimPrefix(path+">"+c.Data, ">")
				built = append(built, here)
				walk(c, here)
			}
		}
	}
	walk(doc, "")
	if len(open) > 0 {
		p.mistakes = append(p.mistakes, fmt.Sprintf("%v left open", open))
	}
	for i := range min(len(written), len(built)) {
		if written[i] != built[i] {
			p.mistakes = append(p.mistakes, "written "+written[i]+", built by a browser "+built[i])
			return
		}
	}
	if len(written) != len(built) {
		p.mistakes = append(p.mistakes, fmt.Sprintf("%d elements written, %d built by a browser", len(written), len(built)))
	}
}

// judge gives everything that is wrong with a page.
func judge(t *testing.T, source []byte) []string {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	p := &page{ids: map[string]bool{}, labels: map[string]bool{}, refs: map[string]string{}}
	for _, look := range []func(*html.Node){p.collect, p.check} {
		for n := range doc.Descendants() {
			if n.Type == html.ElementNode {
				look(n)
			}
		}
	}
	for id, by := range p.refs {
		if !p.ids[id] {
			p.mistakes = append(p.mistakes, by+" names "+id+", which is not on the page")
		}
	}
	p.checkNesting(source, doc)
	return p.mistakes
}

func TestStorybookHoldsTheRulesOfThePages(t *testing.T) {
	for _, s := range Stories() {
		t.Run(s.Name, func(t *testing.T) {
			source := render(t, s)
			for _, m := range judge(t, source) {
				t.Error(m)
			}
			if *write != "" {
				if err := os.WriteFile(filepath.Join(*write, s.Name+".html"), source, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestTheRulesOfThePagesSeeMistakes(t *testing.T) {
	around := func(s string) []byte {
		return []byte("<!DOCTYPE html><html><head><title>x</title></head><body>" + s + "</body></html>")
	}
	if m := judge(t, around(`<label for="a">A</label><input id="a" name="a"><p>x</p>`)); len(m) > 0 {
		t.Errorf("a good page was refused: %v", m)
	}
	for _, bad := range []string{
		`<p style="color:red">x</p>`, `<style>p{}</style>`, `<script>1</script>`, `<p onclick="x()">x</p>`,
		`<button></button>`, `<button><span aria-hidden="true">✕</span></button>`, `<a href="/x"> </a>`,
		`<input name="a">`, `<label>A <input></label>`, `<label for="b">B</label>`, `<b id="x"></b><i id="x"></i>`,
		`<p>x<div>y</div></p>`, `<form><form></form></form>`, `<a href="/a">a<a href="/b">b</a></a>`, `<table><p>x</p></table>`,
		`<a href="about:invalid#x">x</a>`, `<a href="#nowhere">x</a>`, `<div>`,
	} {
		if len(judge(t, around(bad))) == 0 {
			t.Errorf("nothing seen in %s", bad)
		}
	}
}
