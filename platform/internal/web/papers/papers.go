// Package papers is the tab of documents that loans, borrowers and applications
// share: the list, the form that takes a file, and the way to each file.
//
// Invariants: a file is never shown in place, whatever the browser makes of it;
// what the person may not do is not offered; a file that is refused leaves the
// page standing with what is wrong in words. The package knows the desk of
// documents and no other; whose page stands around the tab is its caller's.
package papers

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/parcel"
	"github.com/lendkeep/lendkeep/platform/internal/records/documents"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Shelf is the documents of one kind of subject.
type Shelf struct {
	folder *documents.Folder
	noun   string // "loan"
	base   string // "/loans"
	tab    string // of a page whose tabs stand in its query
}

// New makes the shelf of the subjects below base; tab names the tab in the query of
// their page, "" where the tab is a page of its own.
func New(f *documents.Folder, noun, base, tab string) *Shelf { return &Shelf{f, noun, base, tab} }

// List, the name of the operation that a tab is shown for.
func (s *Shelf) List() string { return s.folder.List.Name }

// home is where the documents of a subject are listed.
func (s *Shelf) home(ref string) string {
	if s.tab != "" {
		return s.base + "/" + ref + "?" + url.Values{"tab": {s.tab}}.Encode()
	}
	return s.base + "/" + ref + "/documents"
}

// act is an address that a form of the tab is sent to.
func (s *Shelf) act(ref, path string) string {
	out := s.base + "/" + ref + "/documents" + path
	if s.tab != "" {
		out += "?" + url.Values{"tab": {s.tab}}.Encode()
	}
	return out
}

// Routes registers what the tab leads to; page shows the tab.
func (s *Shelf) Routes(m *visit.Mux, page func(*visit.Visit) visit.Screen) {
	at := s.base + "/{id}/documents"
	m.Post(at, func(v *visit.Visit) {
		visit.ActWithFile(v, s.folder.Add, func(in *documents.AddIn) *parcel.File { return &in.File }, func(*documents.Document) visit.Answer {
			return visit.Go(s.home(v.R.PathValue("id")), "Document added.")
		}, page(v))
	})
	m.Get(at+"/{document}", func(v *visit.Visit) { visit.Stream(v, s.folder.View) })
	m.Post(at+"/{document}/remove", func(v *visit.Visit) {
		visit.Act(v, s.folder.Remove, func(*documents.Document) visit.Answer {
			return visit.Go(s.home(v.R.PathValue("id")), "Document removed.")
		}, page(v))
	})
	again := func(v *visit.Visit) {
		v.Show(func(context.Context, *gate.Page) (visit.View, error) {
			return visit.View{To: s.home(v.R.PathValue("id"))}, nil
		})
	}
	m.Get(at+"/{document}/remove", again) // where a form came back, opened anew
	if s.tab != "" {
		m.Get(at, again)
	}
}

// Tab is the documents of one subject on the way to a page.
type Tab struct {
	*Shelf
	v                        *visit.Visit
	ref                      string
	out                      *documents.ListOut
	mayAdd, mayView, mayTake bool
	removed                  bool // those that were removed are shown too
}

// Look reads the documents of a subject.
func (s *Shelf) Look(ctx context.Context, v *visit.Visit, p *gate.Page, ref string) (*Tab, error) {
	t := &Tab{Shelf: s, v: v, ref: ref, removed: v.R.URL.Query().Get("removed") == "also"}
	in := &documents.ListIn{ID: ref}
	if t.removed {
		in.Removed = "also"
	}
	var err error
	if t.out, err = gate.Look(ctx, p, s.folder.List, in); err != nil {
		return nil, err
	}
	may := func(name string) bool { return p.Can(name, s.noun+"/"+ref) }
	t.mayAdd, t.mayView, t.mayTake = may(s.folder.Add.Name), may(s.folder.View.Name), may(s.folder.Remove.Name)
	return t, nil
}

func (t *Tab) table() parts.Table {
	out := parts.Table{ID: "documents", Caption: "Documents", Columns: []parts.Column{{Head: "Name"}, {Head: "Kind", Narrow: true}, {Head: "Size", Align: parts.Right, Narrow: true}, {Head: "Added", Narrow: true}, {Head: "Act", Narrow: true}},
		Empty: parts.Empty{Title: "No documents yet", Text: "Pay slips, bank statements, letters and proofs of address stand here for the next person."}}
	for _, d := range t.out.Items {
		row := parts.Row{Label: d.Name, Quiet: d.RemovedAt != "" || d.Erased, Cells: []templ.Component{
			name(d), parts.Words(kind(d.Type)), parts.Figures(size(d.Size)), parts.TwoOf(parts.Time(moment(d.AddedAt, t.v.Zone())), d.AddedBy), t.last(d)}}
		if t.mayView && d.RemovedAt == "" && !d.Erased {
			row.Href = t.base + "/" + t.ref + "/documents/" + string(d.ID)
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

// removable reports a document with a button that removes it.
func (t *Tab) removable(d documents.Document) bool {
	return t.mayTake && d.RemovedAt == "" && !d.Erased
}

func dialogOf(d documents.Document) string { return "remove-" + string(d.ID) }

// others leads to the list with, or without, what was removed.
func (t *Tab) others() templ.Component {
	switch at, join := t.home(t.ref), "?"; {
	case t.removed:
		return parts.Anchor(parts.Link{Text: "Leave out what was removed", Href: at})
	case t.out.Gone > 0:
		if t.tab != "" {
			join = "&"
		}
		return parts.Anchor(parts.Link{Text: "Show " + strconv.FormatInt(t.out.Gone, 10) + " removed", Href: at + join + "removed=also"})
	}
	return nil
}

func kind(media string) string {
	switch media {
	case "application/pdf":
		return "PDF"
	case "image/png":
		return "PNG picture"
	case "image/jpeg":
		return "JPEG picture"
	case "text/csv":
		return "CSV table"
	case "text/plain":
		return "Text"
	}
	return "–"
}

// size is a number of bytes as people read it.
func size(n int64) string {
	switch {
	case n < 1000:
		return strconv.FormatInt(n, 10) + " B"
	case n < 1_000_000:
		return strconv.FormatInt((n+500)/1000, 10) + " KB"
	}
	return strconv.FormatFloat(float64(n)/1_000_000, 'f', 1, 64) + " MB"
}

func moment(text string, zone *time.Location) parts.Moment {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return parts.Moment{Machine: text, Text: text, Full: text}
	}
	return parts.At(t.UnixMicro(), zone)
}
