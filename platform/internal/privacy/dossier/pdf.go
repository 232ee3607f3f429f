package dossier

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/go-pdf/fpdf"
)

// Measures in millimetres of an A4 page.
const (
	edge  = 18.0
	inner = 210 - 2*edge
	term  = 48.0
	step  = 5.0
)

// page draws one document.
type page struct {
	pdf   *fpdf.Fpdf
	coded func(string) string // into the letters of the built-in fonts
}

// PDF draws the document, dated by the instant at (unix microseconds). Letters
// that the built-in fonts do not have are drawn as dots: the JSON has them all.
func (d *Document) PDF(at int64) ([]byte, error) {
	pdf := fpdf.New("P", "mm", "A4", "")
	when := time.UnixMicro(at).UTC()
	pdf.SetCreationDate(when)
	pdf.SetModificationDate(when)
	pdf.SetCatalogSort(true)
	pdf.SetMargins(edge, edge, edge)
	pdf.SetAutoPageBreak(true, edge)
	pdf.SetTitle("Personal data "+d.ID, true)
	p := &page{pdf, pdf.UnicodeTranslatorFromDescriptor("cp1252")}
	pdf.SetFooterFunc(func() {
		pdf.SetY(-12)
		pdf.SetFont("Helvetica", "", 8)
		pdf.SetTextColor(90, 90, 90)
		pdf.CellFormat(inner, 4, p.coded(fmt.Sprintf("%s · data class: %s · %s · page %d", d.Lender, d.Class, d.ID, pdf.PageNo())), "", 0, "C", false, 0, "")
		pdf.SetTextColor(0, 0, 0)
	})
	pdf.AddPage()
	d.print(p)
	var out bytes.Buffer
	if err := pdf.Output(&out); err != nil {
		return nil, fmt.Errorf("drawing personal data: %w", err)
	}
	return out.Bytes(), nil
}

func (d *Document) print(p *page) {
	p.title("Everything that is held about a person", 16)
	p.line("Lender", d.Lender)
	p.line("Record", d.Object)
	p.line("Made", d.Made+" by "+d.MadeBy)
	p.line("Data class", d.Class)
	for _, s := range d.Sections {
		p.title(s.Title, 12)
		for i, row := range s.Rows {
			if i > 0 {
				p.pdf.Ln(2)
			}
			for _, v := range row {
				p.line(words(v.Name), v.Text)
			}
		}
	}
	if len(d.Looks) > 0 {
		p.title("Who looked or acted", 12)
	}
	for _, l := range d.Looks {
		p.line(l.Who, fmt.Sprintf("%s on %s, %s: %d times from %s to %s", l.Operation, l.Object, l.Outcome, l.Times, l.First, l.Last))
	}
}

// words makes a column's name readable.
func words(name string) string {
	text := strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(text[:1]) + text[1:]
}

func (p *page) title(text string, size float64) {
	p.pdf.Ln(3)
	p.pdf.SetFont("Helvetica", "B", size)
	p.pdf.MultiCell(inner, size*0.5, p.coded(text), "", "L", false)
	p.pdf.Ln(1)
}

// line writes a term with its text; a text that is empty is left out.
func (p *page) line(name, text string) {
	if text == "" {
		return
	}
	if p.pdf.GetY() > 297-edge-2*step {
		p.pdf.AddPage()
	}
	top := p.pdf.GetY()
	p.pdf.SetFont("Helvetica", "B", 9)
	p.pdf.MultiCell(term-2, step, p.coded(name), "", "L", false)
	below := p.pdf.GetY()
	p.pdf.SetXY(edge+term, top)
	p.pdf.SetFont("Helvetica", "", 9)
	p.pdf.MultiCell(inner-term, step, p.coded(text), "", "L", false)
	if p.pdf.GetY() > top { // on the same page
		p.pdf.SetY(max(below, p.pdf.GetY()))
	}
}
