package audit

import "github.com/lendkeep/lendkeep/internal/db"

// ListQuery gives tests the statement that finds one page.
func ListQuery(f Filter) (query string, args []any) {
	page := db.And(f.narrow(), f.cursor())
	return listEntries + page.SQL() + newestFirst, append(page.Args(), 51)
}
