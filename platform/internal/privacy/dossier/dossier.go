// Package dossier is everything that is held about one person as a document that
// the person is given: as JSON, which another program can read, and as PDF.
//
// Invariants: both forms say the same; equal documents give equal files; the
// highest data class that it holds is printed on it.
//
// It must not know where anything came from, nor who may have it.
package dossier

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/platform/internal/privacy/register"
)

// Class is the highest data class in the document.
const Class = "personal"

// Format names the form of the JSON; it moves when a reader would have to change.
const Format = "lendkeep personal data 2"

// Look is how often somebody did one thing to one object of the person.
type Look struct {
	Who       string `json:"who"`
	Operation string `json:"operation"`
	Object    string `json:"object"`
	Outcome   string `json:"outcome"`
	Times     int64  `json:"times"`
	First     string `json:"first"`
	Last      string `json:"last"`
}

// Document is everything that is held about one person.
type Document struct {
	ID       string
	Object   string
	Lender   string
	Made     string
	MadeBy   string
	Class    string
	Sections []register.Section
	Looks    []Look
}

// Fields lists the sections and fields that tell who the person is, for the trail.
func (d *Document) Fields() string {
	var out []string
	for _, s := range d.Sections {
		if s.Personal {
			out = append(out, s.Title)
		}
	}
	return strings.Join(out, ", ")
}

type section struct {
	Title string              `json:"title"`
	Rows  []map[string]string `json:"rows"`
}

// JSON writes the document: sections in a fixed order, rows oldest first, every
// value as text.
func (d *Document) JSON() ([]byte, error) {
	out := struct {
		Format   string    `json:"format"`
		ID       string    `json:"id"`
		Class    string    `json:"data_class"`
		Lender   string    `json:"lender"`
		Object   string    `json:"object"`
		Made     string    `json:"made"`
		MadeBy   string    `json:"made_by"`
		Sections []section `json:"sections"`
		Looks    []Look    `json:"who_looked"`
	}{Format, d.ID, d.Class, d.Lender, d.Object, d.Made, d.MadeBy, []section{}, slices.Concat([]Look{}, d.Looks)}
	for _, s := range d.Sections {
		rows := make([]map[string]string, 0, len(s.Rows))
		for _, r := range s.Rows {
			row := make(map[string]string, len(r))
			for _, v := range r {
				row[v.Name] = v.Text
			}
			rows = append(rows, row)
		}
		out.Sections = append(out.Sections, section{s.Title, rows})
	}
	body, err := json.MarshalIndent(out, "", "  ")
	return append(body, '\n'), err
}
