package signing

import (
	"context"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
)

// Every checkpoint of the last day is kept; of older ones the last of each hour, and
// those that a witness holds as its newest. A later checkpoint covers all that an
// earlier one did, and one that a witness kept stays with the witness.
const (
	keepAll = 24 * time.Hour
	perSpan = time.Hour
)

const thinOut = `DELETE FROM audit_checkpoint WHERE at < ?
	AND size NOT IN (SELECT MAX(size) FROM audit_checkpoint GROUP BY at / ?)
	AND size NOT IN (SELECT size FROM audit_witness)`

// Thin takes away checkpoints that are not needed any more, once an hour: last is when
// the checkpoint before was signed.
func Thin(ctx context.Context, tx *db.Tx, last int64) error {
	span := perSpan.Microseconds()
	if last/span == tx.At/span {
		return nil
	}
	_, err := tx.Exec(ctx, thinOut, tx.At-keepAll.Microseconds(), span)
	return err
}
