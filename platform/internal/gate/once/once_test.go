package once_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/gate/once"
)

func TestKeptAnswersGoAfterSevenDays(t *testing.T) {
	gatetest.Each(t, func() gatetest.Config { return gatetest.Config{} }, func(t *testing.T, h *gatetest.House) {
		ctx := t.Context()
		day := func(n int) int64 { return h.Now().Add(time.Duration(n) * -24 * time.Hour).UnixMicro() }
		check(t, h.Write(func(ctx context.Context, tx *db.Tx) error {
			for i := range 1203 { // more than two pieces, and three young ones
				at := day(8)
				if i%401 == 0 {
					at = day(6)
				}
				if _, err := tx.Exec(ctx, `INSERT INTO idempotency (principal, operation, given_key, request_hash, answer, at) VALUES ('user/us_1', 'drawer.put', ?, ?, ?, ?)`,
					fmt.Sprint(i), []byte("hash"), []byte("{}"), at); err != nil {
					return err
				}
			}
			return nil
		}))
		check(t, once.Resume(ctx, h.Tenant))
		check(t, once.Handlers(h.Tenant)[once.Job](ctx, job.Job{}))
		var left, young, next int64
		check(t, h.Tenant.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			if err := tx.One(ctx, `SELECT COUNT(*), COUNT(CASE WHEN at = ? THEN 1 END) FROM idempotency`, []any{day(6)}, &left, &young); err != nil {
				return err
			}
			return tx.One(ctx, `SELECT COUNT(*) FROM job WHERE kind = ?`, []any{once.Job}, &next)
		}))
		if left != 3 || young != 3 {
			t.Errorf("%d answers are left, %d of them young", left, young)
		}
		if next != 1 {
			t.Errorf("%d jobs wait for tomorrow", next)
		}
	})
}

func TestForgettingStopsWhenItsTimeIsOver(t *testing.T) {
	gatetest.Each(t, func() gatetest.Config { return gatetest.Config{} }, func(t *testing.T, h *gatetest.House) {
		check(t, h.Write(func(ctx context.Context, tx *db.Tx) error {
			for i := range 700 {
				if _, err := tx.Exec(ctx, `INSERT INTO idempotency (principal, operation, given_key, request_hash, answer, at) VALUES ('user/us_1', 'drawer.put', ?, ?, ?, 1)`,
					fmt.Sprint(i), []byte("hash"), []byte("{}")); err != nil {
					return err
				}
			}
			return nil
		}))
		for _, want := range []bool{false, true} {
			done, err := once.Forget(t.Context(), h.Tenant.DB, 0)
			check(t, err)
			if done != want {
				t.Fatalf("done is %v", done)
			}
		}
	})
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
