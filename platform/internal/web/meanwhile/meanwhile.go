// Package meanwhile keeps one person from taking back unseen what another has just
// saved: the form of something that two may edit carries the version that it was
// filled from.
//
// Invariants. A form that comes back for another mistake keeps its version, so that a
// save in between is still noticed. Only the page that has shown what was saved
// meanwhile carries the new one: sending that is meant. The package knows no desk but
// the one word by which they all refuse.
package meanwhile

import (
	"net/url"
	"strconv"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Field is the form's field for the version that was read.
const Field = "_version"

// saved reports that this form came back because somebody has saved meanwhile.
func saved(v *visit.Visit, s *visit.Sheet) bool {
	return s.Open() && fault.As(v.Fault()).Reason == admin.ChangedMeanwhile
}

// Hidden carries the version: the stored one, or that of this form where it goes on. A
// page may have two such forms, so that what the other one sends is not looked at.
// kept is a form that another page has held; nil for none.
func Hidden(v *visit.Visit, s *visit.Sheet, stored int64, kept url.Values) parts.Hidden {
	h := parts.Hidden{Name: Field, Value: strconv.FormatInt(stored, 10)}
	if saved(v, s) {
		return h
	}
	if h.Value = s.Value(Field, h.Value); kept.Has(Field) {
		h.Value = kept.Get(Field)
	}
	return h
}

// Version reads it back; nil where the form has none.
func Version(form url.Values) *int64 {
	n, err := strconv.ParseInt(form.Get(Field), 10, 64)
	if err != nil {
		return nil
	}
	return &n
}

// Note says who has saved meanwhile; nothing on every other page. What they changed
// stands among the problems of the form.
func Note(v *visit.Visit, s *visit.Sheet) templ.Component {
	if !saved(v, s) {
		return templ.NopComponent
	}
	return parts.Note(parts.Warn, fault.As(v.Fault()).Message+" What you typed is kept below.")
}
