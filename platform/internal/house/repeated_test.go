package house_test

import (
	"context"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
)

// A house at work forgets what it keeps for repeated calls when its time is over.
func TestAHouseAtWorkForgetsWhatItKeepsForRepeatedCalls(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			w := walkable(t, engine)
			w.write(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `INSERT INTO idempotency (principal, operation, given_key, request_hash, answer, at) VALUES ('user/us_1', 'borrower.create', 'old', ?, ?, ?)`,
					[]byte("hash"), []byte("{}"), tx.At-8*24*3600*1_000_000)
				return err
			})
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- w.house.Run(ctx) }()
			left := int64(1)
			for range 600 {
				check(t, w.tenant.DB.Read(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
					return tx.One(ctx, `SELECT COUNT(*) FROM idempotency WHERE given_key = 'old'`, nil, &left)
				}))
				if left == 0 {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			stop()
			check(t, <-done)
			if left != 0 {
				t.Error("an answer of last week is still kept")
			}
		})
	}
}
