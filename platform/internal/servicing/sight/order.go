package sight

import (
	"strconv"
	"strings"
)

// Order is an order in which the loans of a set lie ready: by its key, then by
// number.
type Order struct {
	Sort string // as lists call it
	Key  string // a column of loan; "" for number, which needs no key before it
	Text bool   // the key is a text, not a number
	No   int    // as it is stored

	placed string // the column of loan that remembers the key as it is stored
}

// Orders lists the orders. Their numbers are stored: a new one goes to the end.
func Orders() []Order {
	return []Order{
		{Sort: "number", No: 0, Text: true},
		{Sort: "borrower", No: 1, Key: "borrower_key", placed: "placed_borrower", Text: true},
		{Sort: "principal_balance", No: 2, Key: "principal_balance", placed: "placed_balance"},
		{Sort: "days_past_due", No: 3, Key: "due_key", placed: "placed_due"},
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

// places gives the places of loans l in every order of set no, under the keys
// that key picks. The loans' condition is to be appended.
func places(no int64, key func(Order) string) string {
	var sorts, nums, txts []string
	for _, o := range Orders() {
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
	return `SELECT ` + strconv.FormatInt(no, 10) + `, o.sort, CASE o.sort ` + strings.Join(nums, " ") + ` ELSE 0 END, CASE o.sort ` + strings.Join(txts, " ") + ` ELSE '' END, l.number
		FROM loan l CROSS JOIN (` + strings.Join(sorts, " UNION ALL ") + `) o WHERE `
}

// placing gives the statement that puts loans into set no; their condition is
// to be appended.
func placing(no int64) string {
	return `INSERT INTO visible_place (set_no, sort, num, txt, number) ` + places(no, func(o Order) string { return o.Key })
}

// leaving gives the statement that takes loans out of set no; their condition
// and a closing parenthesis are to be appended.
func leaving(no int64) string {
	return `DELETE FROM visible_place WHERE (set_no, sort, num, txt, number) IN (` + places(no, func(o Order) string { return o.placed })
}

// moving gives the statement that moves one loan in the order, from where it
// lies to where it belongs; the condition on set_no is to be appended. Its
// arguments are the loan twice and its number.
func (o Order) moving() string {
	other := map[bool]string{true: "num = 0", false: "txt = ''"}[o.Text]
	return `UPDATE visible_place SET ` + o.column() + ` = (SELECT l.` + o.Key + ` FROM loan l WHERE l.id = ?)
		WHERE sort = ` + strconv.Itoa(o.No) + ` AND ` + other + ` AND ` + o.column() + ` = (SELECT l.` + o.placed + ` FROM loan l WHERE l.id = ?) AND number = ? AND `
}

// remembering gives the statement that notes on loans l the keys under which
// they lie now; their condition is to be appended.
func remembering() string {
	var set, moved []string
	for _, o := range Orders() {
		if o.Key != "" {
			set = append(set, o.placed+" = "+o.Key)
			moved = append(moved, "l."+o.placed+" <> l."+o.Key)
		}
	}
	return `UPDATE loan AS l SET ` + strings.Join(set, ", ") + ` WHERE (` + strings.Join(moved, " OR ") + `) AND `
}

// in is the condition that a place p shows that a loan, whose number is an
// expression, is in a set.
func in(set, number string) string {
	return `p.set_no = ` + set + ` AND p.sort = 0 AND p.num = 0 AND p.txt = '' AND p.number = ` + number
}
