// Package book is the loan book: borrowers, loans, ledger, portfolios, custom
// fields and notes as rows, with their SQL beside their scan.
//
// Invariants:
//   - Whoever reads loans or borrowers hands in the gate's Scope, and its
//     condition comes first; a row outside it is missing.
//   - A loan's figures are a replay of its entries (package schedule); the loan
//     row holds caches, rebuilt in the transaction of every entry. An entry is
//     never changed.
//   - Personal fields lie sealed under the borrower's own key; they are found by
//     blind indexes of their normalized form.
//   - What an import has written is seen by nobody until the import has landed.
//   - Kept sets (package sight) make pages and totals quick and decide nothing:
//     every row shown has met the Scope's own condition.
//
// It must not know operations, HTTP, or how a role came to its scope.
package book

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/platform/internal/servicing/sight"
)

// landedLoan and landedBorrower leave out what an import has not landed yet.
const (
	landedLoan     = sight.Landed
	landedBorrower = `(b.import_id = '' OR NOT EXISTS (SELECT 1 FROM import_run ir WHERE ir.id = b.import_id AND ir.landed_at = 0))`
)

// Fold gives the form under which names are sorted and searched: lower case,
// single spaces.
func Fold(parts ...string) string {
	return strings.ToLower(strings.Join(strings.Fields(strings.Join(parts, " ")), " "))
}

// Beyond gives the least text that is greater than every text with the prefix,
// for ranges that mean the same on both engines.
func Beyond(prefix string) string { return prefix + string(utf8.MaxRune) }

// Plain reports whether text fits a plain field: not longer than limit bytes,
// valid UTF-8 and free of control characters.
func Plain(text string, limit int) bool {
	return len(text) <= limit && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
