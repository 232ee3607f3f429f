package db

import "github.com/lendkeep/lendkeep/internal/db/statement"

// Cond is a composable predicate with bind parameters. The zero Cond is false:
// it shows nothing.
type Cond = statement.Cond

// Bool is a boolean that is stored as BIGINT 0 or 1 on both engines.
type Bool = statement.Bool

// True is the condition that leaves nothing out.
func True() Cond { return statement.True() }

// False is the condition that shows nothing.
func False() Cond { return statement.False() }

// Where makes a condition of trusted SQL text with `?` marks and its arguments.
func Where(sql string, args ...any) Cond { return statement.Where(sql, args...) }

// And holds where all of c hold; And() is True.
func And(c ...Cond) Cond { return statement.And(c...) }

// Or holds where one of c holds; Or() is False.
func Or(c ...Cond) Cond { return statement.Or(c...) }

// Not holds where c does not.
func Not(c Cond) Cond { return statement.Not(c) }

// In holds where the column is one of the values; none of them is False.
func In[T any](column string, values []T) Cond { return statement.In(column, values) }

// LikeEscape makes text stand for itself inside a LIKE pattern. The statement
// must say `LIKE ? ESCAPE '\'`.
func LikeEscape(text string) string { return statement.LikeEscape(text) }

// This holds for the one row of a table with this id, if seen holds for it too;
// table and alias, by which seen reads the row, are trusted text. Where no row has
// the id, the one beside it is asked whether it may be seen, and never given: so
// that the time of an answer does not tell a row that is hidden from one that is
// missing.
func This(table, alias string, id any, seen Cond) Cond {
	if seen.IsTrue() { // nothing is hidden
		return Where(alias+".id = ?", id)
	}
	beside := "COALESCE((SELECT n.id FROM " + table + " n WHERE n.id <= ? ORDER BY n.id DESC LIMIT 1), (SELECT MIN(n.id) FROM " + table + " n))"
	return Where(alias+".id = "+beside+" AND CASE WHEN "+seen.SQL()+" THEN "+alias+".id END = ?", append(append([]any{id}, seen.Args()...), id)...)
}
