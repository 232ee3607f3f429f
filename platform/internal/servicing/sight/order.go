package sight

import (
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
)

// Order is an order in which the loans of a set lie ready: by its key, then by
// number.
type Order struct {
	Sort string // as lists call it
	Key  string // a column of loan; "" for number, which needs no key before it
	Text bool   // the key is a text, not a number
	No   int    // as it is stored

	placed string // the column of loan that remembers the key as it is stored
	shown  bool   // the order's index on loan has the sets' bits in it
}

// Orders lists the orders. Their numbers are stored: a new one goes to the end.
func Orders() []Order {
	return []Order{
		{Sort: "number", No: 0, Text: true},
		{Sort: "borrower", No: 1, Key: "borrower_key", placed: "placed_borrower", Text: true},
		{Sort: "principal_balance", No: 2, Key: "principal_balance", placed: "placed_balance", shown: true},
		{Sort: "days_past_due", No: 3, Key: "due_key", placed: "placed_due", shown: true},
		{Sort: "opened_on", No: 4, Key: "opened_on", placed: "placed_opened"},
		{Sort: "status", No: 5, Key: "status", placed: "placed_status", Text: true},
	}
}

// OrderBy finds an order by the name of its sort; "" is by number.
func OrderBy(sort string) Order {
	list := Orders()
	for _, o := range list {
		if o.Sort == sort {
			return o
		}
	}
	return list[0]
}

// column is where visible_place keeps the order's key.
func (o Order) column() string {
	if o.Text {
		return "txt"
	}
	return "num"
}

// Walks reports whether the set has no places in an order: its loans lie so
// scattered in it that the order's index on loan, which has the set's bit in it,
// is as good.
func (s *Set) Walks(o Order) bool { return s.Walked&(1<<o.No) != 0 }

// places gives the places of loans l in the orders of a set that have some,
// under the keys that key picks. The loans' condition is to be appended.
func (s *Set) places(key func(Order) string) string {
	var sorts, nums, txts []string
	for _, o := range Orders() {
		if s.Walks(o) {
			continue
		}
		n := strconv.Itoa(o.No)
		sorts = append(sorts, "SELECT "+n+" AS sort")
		switch {
		case o.Key == "":
		case o.Text:
			txts = append(txts, "WHEN "+n+" THEN l."+key(o))
		default:
			nums = append(nums, "WHEN "+n+" THEN l."+key(o))
		}
	}
	return `SELECT ` + strconv.FormatInt(s.No, 10) + `, o.sort, CASE o.sort ` + strings.Join(nums, " ") + ` ELSE 0 END, CASE o.sort ` + strings.Join(txts, " ") + ` ELSE '' END, l.number
		FROM loan l CROSS JOIN (` + strings.Join(sorts, " UNION ALL ") + `) o WHERE `
}

// placing gives the statement that puts loans into the set; their condition is
// to be appended.
func (s *Set) placing() string {
	return `INSERT INTO visible_place (set_no, sort, num, txt, number) ` + s.places(func(o Order) string { return o.Key })
}

// leaving gives the statement that takes loans out of the set; their condition
// and a closing parenthesis are to be appended.
func (s *Set) leaving() string {
	return `DELETE FROM visible_place WHERE (set_no, sort, num, txt, number) IN (` + s.places(func(o Order) string { return o.placed })
}

// moving gives the statement that moves one loan in the order, from where it
// lies to where it belongs; the condition on set_no is to be appended. Its
// arguments are the loan twice and its number.
func (o Order) moving() string {
	other := map[bool]string{true: "num = 0", false: "txt = ''"}[o.Text]
	return `UPDATE visible_place SET ` + o.column() + ` = (SELECT l.` + o.Key + ` FROM loan l WHERE l.id = ?)
		WHERE sort = ` + strconv.Itoa(o.No) + ` AND ` + other + ` AND ` + o.column() + ` = (SELECT l.` + o.placed + ` FROM loan l WHERE l.id = ?) AND number = ? AND `
}

// moved is an expression over loan l with one bit for each order in which the
// loan's key is another than the one under which it lies.
func moved() string {
	var bits []string
	for _, o := range Orders() {
		if o.Key != "" {
			bits = append(bits, "CASE WHEN l."+o.placed+" <> l."+o.Key+" THEN "+strconv.Itoa(1<<o.No)+" ELSE 0 END")
		}
	}
	return strings.Join(bits, " + ")
}

// remembering is the part of an UPDATE of loans that notes the keys under which
// they lie now.
func remembering() string {
	var set []string
	for _, o := range Orders() {
		if o.Key != "" {
			set = append(set, o.placed+" = "+o.Key)
		}
	}
	return strings.Join(set, ", ")
}

// In is the condition that the set shows a loan with alias l. A look-up is a
// scalar subselect, so that no engine turns it into a join.
func (s *Set) In() db.Cond {
	if s.Bit != 0 {
		return db.Where("(l.shown & ?) <> 0", s.Bit)
	}
	return db.Where("COALESCE((SELECT 1 FROM visible_place v WHERE v.set_no = ? AND v.sort = 0 AND v.num = 0 AND v.txt = '' AND v.number = l.number), 0) = 1", s.No)
}
