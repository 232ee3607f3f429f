package retention

import (
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// forEver is kept without end.
const forEver = 0

// kind is a category as the house knows it.
type kind struct {
	name, title string
	months      int64 // unless the lender says otherwise; forEver: nobody can
}

// kinds are the categories, in the order in which they are shown.
func kinds() []kind {
	return []kind{
		{"proof", "What proves the trail: keys, witnesses, exports, backups and restores, disposals, erasures", forEver},
		{"looks", "Looks: calls that only read", ownMonths},
		{"applications", "Applications and decisions", ownMonths},
		{"lending", "Loans, borrowers and payments", ownMonths},
		{"access", "Sign-in, people and rights", ownMonths},
		{"other", "Calls of what is not there, and of what this version does not know", ownMonths},
	}
}

// kindOf gives a category by its name, or nil.
func kindOf(name string) *kind {
	for _, k := range kinds() {
		if k.name == name {
			return &k
		}
	}
	return nil
}

// lasting proves the trail by its name: an export of the trail is a read like others, and
// a restore is no operation of the list.
func lasting() []string { return []string{"audit.export", "backup.restore"} }

// place says to which category an operation belongs. What reveals personal data is no
// mere look: it stays as long as what is done with loans.
func place(m *gate.Meta) string {
	area, _, _ := strings.Cut(m.Area, "/")
	switch {
	case slices.Contains(lasting(), m.Name):
		return "proof"
	case m.Kind == operation.Read && m.Sensitivity != operation.Personal:
		return "looks"
	case area == "Audit" || area == "Keys" || area == "Privacy" || area == "Backups" || area == "House":
		return "proof"
	case area == "Applications" || area == "Decision engine":
		return "applications"
	case area == "Loans" || area == "Borrowers" || area == "Documents" || area == "Imports" || area == "Portfolios" || area == "Custom fields" || area == "Loan":
		return "lending"
	}
	return "access"
}

// of is the condition of a category over the columns of an entry.
func (d *Desk) of(k *kind) db.Cond {
	var names, all []string
	for _, m := range d.config.Catalogue() {
		all = append(all, m.Name)
		if place(m) == k.name {
			names = append(names, m.Name)
		}
	}
	switch k.name {
	case "other":
		return db.Not(db.In("operation", append(append(all, "page"), lasting()...)))
	case "looks":
		names = append(names, "page") // the reads of one page
	case "proof":
		names = append(names, lasting()...)
	}
	return db.In("operation", names)
}
