package loans

import (
	"context"
	"net/url"
	"slices"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// sealedName lists the custom fields whose value the page could not show: left
// empty, they stay as they are.
const sealedName = "_sealed"

// settings are the acts that change a loan and move no money.
func (r *Room) settings() []*act {
	stand := &act{path: "/status", by: "loan.status.set", need: needs(r.desk.StatusSet), title: "Set status", verb: "Set status", kind: parts.Primary, fields: statusFields,
		effect: func(w *actView) string {
			return "The loan is " + status(w.Status).Word + ". A closed loan takes no payments and fees; “Paid off” and “Charged off” follow from the ledger by themselves."
		}}
	stand.post = func(v *visit.Visit) {
		visit.Act(v, r.desk.StatusSet, done[servicing.StatusOut](v, "", "Status set."), stand.screen(v))
	}
	place := &act{path: "/portfolios", by: "loan.portfolio.set", need: needs(r.desk.PortfolioSet), title: "Set portfolios", verb: "Set portfolios", kind: parts.Primary, fields: portfolioFields, read: r.readPlaces,
		effect: func(w *actView) string {
			return "This changes who may see loan " + w.Number + ": people whose search restriction names a portfolio gain or lose it at once, and its borrower with it."
		}}
	place.post = func(v *visit.Visit) {
		visit.Act(v, r.desk.PortfolioSet, done[servicing.PortfolioSetOut](v, "", "Portfolios set. Who may see the loan has changed with them."), place.screen(v))
	}
	custom := &act{path: "/custom-fields", by: "loan.custom_field.set", need: needs(r.desk.CustomSet), title: "Set custom fields", verb: "Set custom fields", kind: parts.Primary, fields: customFields,
		effect: func(w *actView) string {
			return "Search restrictions may speak of public fields, so a change may change who sees this loan."
		}}
	custom.post = func(v *visit.Visit) {
		visit.Act(v, r.desk.CustomSet, done[servicing.CustomSetOut](v, "", "Custom fields set."), custom.screen(v), keepSealed)
	}
	return []*act{stand, place, custom}
}

// readPlaces lists the portfolios that a loan can be in.
func (r *Room) readPlaces(ctx context.Context, p *gate.Page, _ *visit.Visit, w *actView) error {
	out, err := gate.Look(ctx, p, r.desk.PortfolioList, &servicing.NamedListIn{})
	if err == nil {
		w.places = out.Items
	}
	return err
}

// customOrder puts public custom fields first: what keepSealed leaves out then
// stands behind them, and a fault names the public field that it is about.
func (w *actView) customOrder() []servicing.CustomOut {
	out := slices.Clone(w.CustomFields)
	slices.SortStableFunc(out, func(a, b servicing.CustomOut) int {
		switch {
		case a.Class == "public" && b.Class != "public":
			return -1
		case a.Class != "public" && b.Class == "public":
			return 1
		}
		return 0
	})
	return out
}

// customField is the field of a custom field; a sealed value is typed anew or
// stays as it is.
func customField(name string, c servicing.CustomOut) parts.Field {
	f := parts.Field{Name: name, Label: sentence(c.Name), Value: c.Value, MaxLength: 500}
	switch c.Kind {
	case "money":
		f.Kind, f.Unit = parts.Money, currency
	case "date":
		f.Kind = parts.Date
	case "int":
		f.Kind = parts.Whole
	}
	if c.Class != "public" {
		f.Hint = "Sealed. Leave it empty to keep what is there."
		if c.Kind == "bool" {
			f.Hint = "Sealed: true or false. Leave it empty to keep what is there."
		}
	}
	return f
}

// keepSealed leaves fields out whose value the page could not show and nobody
// has typed anew.
func keepSealed(form url.Values, in *servicing.CustomSetIn) error {
	if err := visit.Decode(form, in); err != nil {
		return err
	}
	in.Fields = slices.DeleteFunc(in.Fields, func(c servicing.CustomIn) bool {
		return c.Value == "" && slices.Contains(form[sealedName], c.Name)
	})
	if len(in.Fields) == 0 {
		return fault.Bad("fields", "Type a new value into at least one field.")
	}
	return nil
}

func missingEntry() error { return fault.Missing("entry") }
