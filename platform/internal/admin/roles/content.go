package roles

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Content is what somebody may decide about a role.
type Content struct {
	Name        string      `json:"name" minLength:"1" maxLength:"200" example:"Third-party servicer"`
	Description string      `json:"description,omitempty" maxLength:"500"`
	UI          []string    `json:"ui" maxItems:"1000" doc:"operations in the screens" example:"[\"loan.list\",\"loan.view\"]"`
	API         []string    `json:"api" maxItems:"1000" doc:"operations in the API" example:"[\"loan.list\"]"`
	Visibility  *Visibility `json:"visibility,omitempty" doc:"what is seen of personal data; left out: as it is, or for a new role as little as possible"`
}

// narrowest is what a role shows of personal data when nobody says.
func narrowest() secret.Visibility {
	return secret.Visibility{SSN: "last4", BankAccount: "hidden", BirthDate: "hidden"}
}

// Essential is what administering access needs on the screens; the Admin role
// keeps it, so that somebody always can.
func Essential() []string {
	return []string{"role.list", "role.update", "role.view", "user.list", "user.update", "user.view"}
}

// Checked holds a content against the list of operations and puts it into a
// role. The fault names each field and the mend; a name that is not in the list
// comes with the nearest one.
func Checked(catalogue []*gate.Meta, in *Content, r policy.Role) (policy.Role, error) {
	var f fault.Collector
	r.Name, r.Description = strings.TrimSpace(in.Name), strings.TrimSpace(in.Description)
	f.Check(r.Name != "" && len(r.Name) <= 200 && plain(r.Name), "name", "Give it a name of at most 200 characters, without control characters.")
	f.Check(len(r.Description) <= 500 && plain(r.Description), "description", "Use at most 500 characters, without control characters.")
	r.UI = checkedNames(&f, catalogue, "ui", in.UI, "No screen has this operation; it can be given in api only.", func(m *gate.Meta) bool { return m.Screen != "" })
	r.API = checkedNames(&f, catalogue, "api", in.API, "The API does not have this operation; it can be given in ui only.", func(m *gate.Meta) bool { return m.Path != "" })
	if in.Visibility != nil {
		r.Visibility = in.Visibility.stored()
	}
	f.Check(slices.Contains([]string{"full", "last4"}, r.Visibility.SSN), "visibility.ssn", "Say full or last4.")
	f.Check(slices.Contains([]string{"last4", "hidden"}, r.Visibility.BankAccount), "visibility.bank_account", "Say last4 or hidden.")
	f.Check(slices.Contains([]string{"full", "hidden", "year_hidden", "day_year_hidden", "month_year_hidden"}, r.Visibility.BirthDate),
		"visibility.date_of_birth", "Say full, hidden, year_hidden, day_year_hidden or month_year_hidden.")
	return r, f.Err()
}

func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) })
}

func checkedNames(f *fault.Collector, catalogue []*gate.Meta, field string, list []string, elsewhere string, has func(*gate.Meta) bool) []string {
	for i, name := range list {
		at := fmt.Sprintf("%s[%d]", field, i)
		m := named(catalogue, name)
		switch {
		case m == nil:
			f.Addf(at, "There is no operation of this name; the nearest is %s.", Nearest(catalogue, name))
		case m.Permit == gate.SignedIn || m.Permit == gate.Public:
			f.Add(at, "No role gives this operation, because everybody may do it; leave it out.")
		case m.Permit != gate.ByRole:
			f.Add(at, "No role gives this operation, because only the house itself does it; leave it out.")
		case !has(m):
			f.Add(at, elsewhere)
		}
	}
	return sorted(list)
}

func named(catalogue []*gate.Meta, name string) *gate.Meta {
	i, found := slices.BinarySearchFunc(catalogue, name, func(m *gate.Meta, n string) int { return strings.Compare(m.Name, n) })
	if !found {
		return nil
	}
	return catalogue[i]
}

// Nearest gives the operation that a role can give whose name is most like one
// that does not exist.
func Nearest(catalogue []*gate.Meta, name string) string {
	best, least := "", 1<<30
	if len(name) > 100 {
		name = name[:100] // no operation is as long
	}
	for _, m := range catalogue {
		if m.Permit != gate.ByRole {
			continue
		}
		if n := distance(strings.ToLower(name), m.Name); n < least {
			best, least = m.Name, n
		}
	}
	return best
}

// distance counts the letters that must be put in, taken out or changed to make
// one word of the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost++
			}
			corner = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// refuseGiving refuses what the caller may not give away: an operation outside
// of their grantable set, in either channel, or more of personal data than
// before without the right to give the revealing of it.
func refuseGiving(c *gate.Call, catalogue []*gate.Meta, before, after *policy.Role) error {
	s := c.Subject()
	if s == nil {
		return nil // the house itself
	}
	var not []string
	for _, name := range sorted(append(minus(after.UI, before.UI), minus(after.API, before.API)...)) {
		if !s.MayGive(name) {
			not = append(not, name)
		}
	}
	const reveal = "borrower.reveal"
	if wider := secret.Narrower(before.Visibility, after.Visibility) != after.Visibility; wider && named(catalogue, reveal) != nil && !s.MayGive(reveal) && !slices.Contains(not, reveal) {
		not = append(not, reveal)
	}
	if len(not) > 0 {
		return fault.New(fault.Denied, "not_grantable", "You may not give this to anybody: "+enumerate(not, 10)+". Ask somebody who may, or have your grantable set made larger.")
	}
	return nil
}

// enumerate joins names, the first of them.
func enumerate(list []string, most int) string {
	if len(list) > most {
		return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
	}
	return strings.Join(list, ", ")
}

// refuseNoAdministrator keeps with the Admin role what administering needs.
func refuseNoAdministrator(catalogue []*gate.Meta, r *policy.Role) error {
	if r.Shipped != policy.Admin {
		return nil
	}
	var lost []string
	for _, name := range minus(Essential(), r.UI) {
		if named(catalogue, name) != nil {
			lost = append(lost, name)
		}
	}
	if len(lost) > 0 {
		return fault.New(fault.Conflict, "last_administrator", "This would leave nobody who can administer access; the Admin role keeps "+enumerate(lost, 10)+" in the screens.")
	}
	return nil
}
