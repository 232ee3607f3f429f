package evidence

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/go-pdf/fpdf"
)

// Widths in millimetres of an A4 page between its margins.
const (
	margin = 18.0
	width  = 210 - 2*margin
	label  = 44.0
	line   = 5.0
)

// sheet draws one document.
type sheet struct {
	pdf  *fpdf.Fpdf
	text func(string) string // into the font's own letters
}

// PDF draws the document. at is the instant that the file carries; equal
// documents give equal files. Letters that the built-in fonts do not have are
// drawn as a dot: the JSON form has every letter.
func (d *Document) PDF(at time.Time) ([]byte, error) {
	p := fpdf.New("P", "mm", "A4", "")
	p.SetCreationDate(at)
	p.SetModificationDate(at)
	p.SetCatalogSort(true)
	p.SetMargins(margin, margin, margin)
	p.SetAutoPageBreak(true, margin)
	s := &sheet{pdf: p, text: p.UnicodeTranslatorFromDescriptor("cp1252")}
	p.SetTitle("Evidence "+d.Application.Number, true)
	p.SetFooterFunc(func() {
		p.SetY(-12)
		p.SetFont("Helvetica", "", 8)
		p.SetTextColor(90, 90, 90)
		p.CellFormat(width, 4, s.text(fmt.Sprintf("%s · evidence of application %s · page %d", d.Lender, d.Application.Number, p.PageNo())), "", 0, "C", false, 0, "")
		p.SetTextColor(0, 0, 0)
	})
	p.AddPage()
	d.draw(s)
	var out bytes.Buffer
	if err := p.Output(&out); err != nil {
		return nil, fmt.Errorf("drawing evidence: %w", err)
	}
	return out.Bytes(), nil
}

func (d *Document) draw(s *sheet) {
	a := d.Application
	s.heading("Evidence of a credit decision", 16)
	s.pairs("Lender", d.Lender, "Made", d.Made+" for "+d.MadeFor, "Data class", d.Class)
	s.heading("Application "+a.Number, 12)
	s.pairs("Id", a.ID, "Applicant", a.Applicant, "Declared place", a.Place, "Requested", fmt.Sprintf("%s over %d months", a.Amount, a.TermMonths),
		"Received", a.Received+" by "+a.Channel, "Status", words(a.Status))
	s.heading("Decision", 12)
	s.decision(&d.Decision)
	s.pairs("Rules", fmt.Sprintf("version %d, %s", d.Rules.Version, madeBy(d.Rules)), "Notice due", d.NoticeDue)
	s.heading("Rules", 12)
	s.rules(d.Decision.Rules)
	s.heading("Network check", 12)
	d.check(s)
	s.heading("History", 12)
	for _, t := range d.Transitions {
		s.pairs(t.At, fmt.Sprintf("%s -> %s, by %s: %s", words(t.From), words(t.To), t.By, t.Reason))
	}
	for i := range d.Decisions {
		p := &d.Decisions[i]
		s.pairs(p.At, fmt.Sprintf("Decision by %s under rules %d: %s. %s", p.By, p.RulesVersion, words(p.Outcome), strings.Join(p.Reasons, " ")))
	}
}

func (d *Document) check(s *sheet) {
	k := d.Check
	s.pairs("State", words(k.State), "Address", k.Address, "Taken because", words(k.ChosenBy), "Checked", k.At, "Failure", k.Failure, "Raw answer", k.RawHash)
	for _, f := range k.Facts {
		text := words(f.Value)
		if f.Declared != "" || f.Found != "" {
			text += fmt.Sprintf(" (declared %s, found %s)", orNone(f.Declared), orNone(f.Found))
		}
		if f.How != "" {
			text += ": " + f.How
		}
		s.pairs(words(f.Name), text)
	}
	for _, o := range k.Sources {
		s.pairs("Source", fmt.Sprintf("%s, %s, answered %d s before this document, use in decisions: %s", o.Name, o.Version, o.AgeSeconds, words(o.DecisionUse)))
	}
}

func (s *sheet) decision(d *Decision) {
	how := "by a person"
	if d.Automatic {
		how = "automatic"
	}
	s.pairs("Outcome", words(d.Outcome)+" ("+how+", "+d.By+", "+d.At+")", "Rules met", fmt.Sprintf("%d of %d rules met, %d unknown", d.Met, d.Used, d.Unknown), "Given reason", d.Note)
	for i, r := range d.Reasons {
		s.pairs(fmt.Sprintf("Reason %d", i+1), r)
	}
}

func (s *sheet) rules(list []Rule) {
	for _, r := range list {
		on := "used"
		if !r.Enabled {
			on = "not used"
		}
		text := fmt.Sprintf("%s: %s", on, words(r.Result))
		if r.Inputs != "" {
			text += " (" + r.Inputs + ")"
		}
		if r.Enabled {
			text += "; set to " + words(r.Action) + ", effect " + words(r.Taken)
		}
		s.pairs(r.Title+" "+r.Code, text)
	}
}

func (s *sheet) heading(text string, size float64) {
	s.pdf.Ln(3)
	s.pdf.SetFont("Helvetica", "B", size)
	s.pdf.MultiCell(width, size*0.5, s.text(text), "", "L", false)
	s.pdf.Ln(1)
}

// pairs writes labels with their texts; a text that is empty is left out.
func (s *sheet) pairs(list ...string) {
	for i := 0; i+1 < len(list); i += 2 {
		if list[i+1] == "" {
			continue
		}
		if s.pdf.GetY() > 297-margin-2*line {
			s.pdf.AddPage()
		}
		y := s.pdf.GetY()
		s.pdf.SetFont("Helvetica", "B", 9)
		s.pdf.MultiCell(label-2, line, s.text(list[i]), "", "L", false)
		under := s.pdf.GetY()
		s.pdf.SetXY(margin+label, y)
		s.pdf.SetFont("Helvetica", "", 9)
		s.pdf.MultiCell(width-label, line, s.text(list[i+1]), "", "L", false)
		if s.pdf.GetY() > y { // on the same page
			s.pdf.SetY(max(under, s.pdf.GetY()))
		}
	}
}

// words makes a code readable.
func words(code string) string { return strings.ReplaceAll(code, "_", " ") }

func orNone(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

func madeBy(r Rules) string {
	if r.By == "" {
		return "as shipped"
	}
	return "made by " + r.By + " at " + r.At
}
