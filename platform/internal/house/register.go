package house

import (
	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
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
	sealed = append(append(sealed, docket.Sealed()...), book.Sealed()...)
	// An entry keeps its sealed part when it goes from pending to its place in the
	// trail. The pending ones come first: what leaves them is met behind them.
	for _, table := range []string{"audit_pending", audit.Stored().Table} {
		r := audit.Stored()
		r.Table, r.Place, r.Grouped = table, "audit", true
		sealed = append(sealed, r)
	}
	return keys.Register{Sealed: sealed, Indexed: append(book.Indexed(), docket.Indexed()...)}
}

// fixedKeys are the keys that this house does not turn, and why.
func fixedKeys() map[keys.Purpose]string {
	return map[keys.Purpose]string{
		// The ring can turn it and signs with both keys meanwhile; the trail must
		// first verify old checkpoints with keys of the past.
		keys.Sign: "The signing key of the audit trail is not rotated yet: checkpoints that it signed are verified with the key in use alone.",
	}
}
