package book

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
)

// Named is a portfolio or a source company: people write its name, rows hold
// its id.
type Named struct {
	ID        string
	Name      string
	Loans     int64
	CreatedAt int64
}

func scanNamed(r *db.Rows) (n Named, err error) { return n, r.Scan(&n.ID, &n.Name, &n.CreatedAt) }

// Portfolios lists all portfolios by name.
func Portfolios(ctx context.Context, tx *db.Tx) ([]Named, error) {
	return db.All(ctx, tx, scanNamed, `SELECT id, name, created_at FROM portfolio ORDER BY name`)
}

// Companies lists all source companies by name.
func Companies(ctx context.Context, tx *db.Tx) ([]Named, error) {
	return db.All(ctx, tx, scanNamed, `SELECT id, name, created_at FROM source_company ORDER BY name`)
}

// CheckName gives a cleaned name of a portfolio or company, or the fault.
func CheckName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" || !Plain(name, 100) {
		return "", fault.Bad("name", "Give a name of at most 100 bytes without control characters.")
	}
	return name, nil
}

// AddPortfolio stores a portfolio; Conflict if the name is taken.
func AddPortfolio(ctx context.Context, tx *db.Tx, name string) (id.Portfolio, error) {
	n := id.New[id.Portfolio](tx.At)
	_, err := tx.Exec(ctx, `INSERT INTO portfolio (id, name, created_at) VALUES (?, ?, ?)`, n, name, tx.At)
	return n, taken(err, "portfolio")
}

// AddCompany stores a source company; Conflict if the name is taken.
func AddCompany(ctx context.Context, tx *db.Tx, name string) (id.SourceCompany, error) {
	n := id.New[id.SourceCompany](tx.At)
	_, err := tx.Exec(ctx, `INSERT INTO source_company (id, name, created_at) VALUES (?, ?, ?)`, n, name, tx.At)
	return n, taken(err, "source company")
}

func taken(err error, what string) error {
	if db.IsDuplicate(err) {
		return fault.New(fault.Conflict, "name_taken", "Another "+what+" has this name.")
	}
	return err
}

// resolve finds ids for names or ids; the fault names the field alone.
func resolve(list []Named, field, given string) (string, error) {
	for _, n := range list {
		if n.Name == given || n.ID == given {
			return n.ID, nil
		}
	}
	return "", fault.Bad(field, "Name one that exists.")
}

// ResolvePortfolios turns names or ids into ids without doubles.
func ResolvePortfolios(ctx context.Context, tx *db.Tx, given []string) ([]id.Portfolio, error) {
	if len(given) == 0 {
		return nil, nil
	}
	if len(given) > 100 {
		return nil, fault.Bad("portfolios", "Give at most 100 portfolios.")
	}
	list, err := Portfolios(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []id.Portfolio
	for i, g := range given {
		one, err := resolve(list, fmt.Sprintf("portfolios[%d]", i), g)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, id.Portfolio(one)) {
			out = append(out, id.Portfolio(one))
		}
	}
	return out, nil
}

// ResolveCompany turns a name or id into an id; "" stays "".
func ResolveCompany(ctx context.Context, tx *db.Tx, given string) (id.SourceCompany, error) {
	if given == "" {
		return "", nil
	}
	list, err := Companies(ctx, tx)
	if err != nil {
		return "", err
	}
	one, err := resolve(list, "source_company", given)
	return id.SourceCompany(one), err
}

// InsertPlaceSQL puts a loan into a portfolio: loan, portfolio, number.
const InsertPlaceSQL = `INSERT INTO loan_portfolio (loan_id, portfolio_id, number) VALUES (?, ?, ?)`

func placeIn(ctx context.Context, tx *db.Tx, l *Loan, portfolios []id.Portfolio) error {
	for _, p := range portfolios {
		if _, err := tx.Exec(ctx, InsertPlaceSQL, l.ID, p, l.Number); err != nil {
			return err
		}
	}
	return nil
}

// Place replaces the portfolios of a locked loan and gives their names before
// and after.
func Place(ctx context.Context, tx *db.Tx, l *Loan, portfolios []id.Portfolio) (before, after []string, err error) {
	names := func() ([]string, error) {
		return db.All(ctx, tx, func(r *db.Rows) (s string, err error) { return s, r.Scan(&s) },
			`SELECT p.name FROM loan_portfolio lp JOIN portfolio p ON p.id = lp.portfolio_id WHERE lp.loan_id = ? ORDER BY p.name`, l.ID)
	}
	if before, err = names(); err != nil {
		return nil, nil, err
	}
	if _, err = tx.Exec(ctx, `DELETE FROM loan_portfolio WHERE loan_id = ?`, l.ID); err != nil {
		return nil, nil, err
	}
	if err = placeIn(ctx, tx, l, portfolios); err != nil {
		return nil, nil, err
	}
	after, err = names()
	return before, after, err
}

// PortfoliosOf gives the names of the portfolios of each loan, sorted.
func PortfoliosOf(ctx context.Context, tx *db.Tx, loans []id.Loan) (map[id.Loan][]string, error) {
	out := make(map[id.Loan][]string, len(loans))
	if len(loans) == 0 {
		return out, nil
	}
	s := portfoliosOf(loans)
	_, err := db.All(ctx, tx, func(r *db.Rows) (struct{}, error) {
		var l id.Loan
		var name string
		err := r.Scan(&l, &name)
		out[l] = append(out[l], name)
		return struct{}{}, err
	}, s.Query, s.Args...)
	return out, err
}

func portfoliosOf(loans []id.Loan) db.Statement {
	in := db.In("lp.loan_id", loans)
	return db.Statement{Query: `SELECT lp.loan_id, p.name FROM loan_portfolio lp JOIN portfolio p ON p.id = lp.portfolio_id WHERE ` + in.SQL() + ` ORDER BY p.name`, Args: in.Args()}
}
