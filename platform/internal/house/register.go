package house

import (
	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
	"github.com/lendkeep/lendkeep/platform/internal/records/documents"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/signin"
)

// register lists everything that is sealed, and every blind index, as the owners
// of the tables state it. A test holds it against the schema: a column of bytes
// that is neither here nor named there as something else is refused.
func register() keys.Register {
	sealed := []keys.Rewrap{keys.Stored(), signin.Sealed(),
		// The gate's proposals lie under the names that the gate seals them by.
		{Table: "proposal", Row: "id", Columns: []string{"input", "difference"}, Under: keys.Fields}}
	sealed = append(append(append(sealed, docket.Sealed()...), book.Sealed()...), documents.Sealed()...)
	// An entry keeps its sealed part when it goes from pending to its place in the
	// trail. The pending ones come first: what leaves them is met behind them.
	for _, table := range []string{"audit_pending", audit.Stored().Table} {
		r := audit.Stored()
		r.Table, r.Place, r.Grouped = table, "audit", true
		sealed = append(sealed, r)
	}
	return keys.Register{Sealed: sealed, Indexed: append(book.Indexed(), docket.Indexed()...)}
}
