package restrictions

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/rule/outline"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	"github.com/lendkeep/lendkeep/platform/internal/web/meanwhile"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Fields of the front's own.
const (
	understoodName = "_understood"  // the box of the second question
	storedName     = "_restriction" // whose draft is counted
	asName         = "_as"          // whose combination is counted beside
)

func (r *Room) add(v *visit.Visit) {
	visit.Act(v, r.desk.Create, func(out *restrictions.Restriction) visit.Answer {
		return visit.Go(home+"/"+string(out.ID), "Search restriction added. Now say who holds it.")
	}, r.new(v), func(form url.Values, in *restrictions.RestrictionIn) error { return read(form, in, in) })
}

func (r *Room) change(v *visit.Visit) {
	visit.Act(v, r.desk.Update, func(out *restrictions.Restriction) visit.Answer {
		return visit.Go(home+"/"+string(out.ID), "Search restriction changed.")
	}, r.one(v), func(form url.Values, in *restrictions.UpdateIn) error {
		in.Version = meanwhile.Version(form)
		return read(form, in, &in.RestrictionIn)
	})
}

// read takes the editor's form: rows of limits that say nothing are left out.
func read(form url.Values, in any, to *restrictions.RestrictionIn) error {
	compact(form)
	if err := visit.Decode(form, in); err != nil {
		return err
	}
	if form.Get(understoodName) == "yes" {
		to.Confirm = restrictions.HidesEverything
	}
	return nil
}

func (r *Room) assign(v *visit.Visit) {
	visit.Act(v, r.desk.Assign, func(out *restrictions.Restriction) visit.Answer {
		return visit.Go(home+"/"+string(out.ID), "Assigned. It holds from the next call on.")
	}, r.one(v), func(form url.Values, in *restrictions.HoldersIn) error {
		in.Version = meanwhile.Version(form)
		return visit.Decode(form, in)
	})
}

func (r *Room) remove(v *visit.Visit) {
	visit.Act(v, r.desk.Delete, func(*restrictions.Done) visit.Answer {
		return visit.Go(home, "Search restriction deleted.")
	}, r.one(v))
}

// exchange answers the builder: text for rows, rows for text.
func (r *Room) exchange(v *visit.Visit) {
	visit.Tell(v, r.desk.Translate, func(out *restrictions.TranslateOut, err error) any {
		if err != nil {
			prefix := "text"
			if v.Form().Has("outline") {
				prefix = "outline"
			}
			return parts.ExchangedFault(err, prefix)
		}
		x := parts.Exchanged{Sentence: out.Sentence}
		if v.Form().Has("outline") {
			x.Text = out.Text
			return x
		}
		x.Outline = new(outline.Part)
		if err := json.Unmarshal([]byte(out.Outline), x.Outline); err != nil {
			return parts.ExchangedFault(err, "")
		}
		return x
	}, func(form url.Values, in *restrictions.TranslateIn) error {
		in.Of, in.Text, in.Outline = subject(form.Get("field")), form.Get("text"), form.Get("outline")
		return nil
	})
}

// subject says what an expression of the editor is about, by its field.
func subject(field string) string {
	switch {
	case field == "borrowers", field == "applications":
		return field
	case strings.HasSuffix(field, applicationWhen):
		return "applications"
	}
	return "loans"
}

// count answers the live count of the editor.
func (r *Room) count(v *visit.Visit) {
	visit.Tell(v, r.desk.Preview, func(out *restrictions.PreviewOut, err error) any { return counted(out, err) },
		func(form url.Values, in *restrictions.PreviewIn) error {
			compact(form)
			if err := visit.Decode(form, in); err != nil {
				return err
			}
			in.Restriction, in.User = id.Restriction(form.Get(storedName)), id.User(form.Get(asName))
			if in.Visible == "" {
				return fault.Bad("visible", "Say which loans may be found.")
			}
			return nil
		})
}

// countStored answers the live count of a row of the list: loans alone.
func (r *Room) countStored(v *visit.Visit) {
	visit.Tell(v, r.desk.Preview, func(out *restrictions.PreviewOut, err error) any {
		c := counted(out, err)
		return parts.Counted{Headline: c.Headline, Meaning: c.Meaning}
	}, func(_ url.Values, in *restrictions.PreviewIn) error {
		in.Restriction, in.Stored, in.LoansOnly = id.Restriction(v.R.PathValue("id")), true, true
		return nil
	})
}
