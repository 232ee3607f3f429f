package witness

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/audit/tree"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
)

// Publisher brings the newest checkpoint of one tenant's trail to its witnesses.
type Publisher struct {
	DB     *db.DB
	Trail  *audit.Trail
	Lender string
	// Notices are the operations that folders keep notices of; none: they keep none.
	Notices []string
	Open    func(w Row) (Witness, error) // makes the witness of a row
	Log     *slog.Logger
}

// every is how often each kind of witness is asked to take something new.
func every(kind string) time.Duration {
	switch kind {
	case File:
		return time.Second
	case HTTPS:
		return 10 * time.Second
	}
	return 24 * time.Hour
}

// again is how soon a witness is tried after it failed.
const again = time.Minute

// takeTime bounds one try.
const takeTime = 30 * time.Second

// Run publishes until ctx ends.
func (p *Publisher) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := p.Publish(ctx); err != nil && ctx.Err() == nil {
				p.Log.Error("checkpoints could not be handed to witnesses; check the tenant's database", "lender", p.Lender, "error", err)
			}
		}
	}
}

// Publish asks each witness whose time has come to take the newest checkpoint. What a
// single witness fails at is kept in its row and is no error.
func (p *Publisher) Publish(ctx context.Context) error { return p.toAll(ctx, due) }

// Last gives folders the newest checkpoint, whether they have rested or not: a program
// that ends takes no witness's time, and a command leaves what it did witnessed.
func (p *Publisher) Last(ctx context.Context) error {
	return p.toAll(ctx, func(w *Row, size, _ int64) bool { return w.Active && w.Kind == File && w.Taken.Size != size })
}

func (p *Publisher) toAll(ctx context.Context, due func(w *Row, size, now int64) bool) error {
	now := p.DB.Now()
	var rows []Row
	var newest audit.Signed
	err := p.DB.Read(ctx, now, func(ctx context.Context, tx *db.Tx) (err error) {
		if rows, err = All(ctx, tx); err != nil || len(rows) == 0 {
			return err
		}
		newest, err = p.Trail.Newest(ctx, tx)
		return err
	})
	if errors.Is(err, audit.ErrNoCheckpoint) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, w := range rows {
		if due(&w, newest.Size, now) {
			if err := p.publish(ctx, w, newest); err != nil {
				return err
			}
		}
	}
	return nil
}

// due: there is something new, and the witness has rested. One that holds more than
// the trail has must hear of it too.
func due(w *Row, size, now int64) bool {
	rest := every(w.Kind)
	if w.Trouble != "" && w.Kind != File {
		rest = again
	}
	return w.Active && (w.Taken.Size != size || w.Trouble != "") && (w.TriedAt == 0 || now-w.TriedAt >= rest.Microseconds())
}

func (p *Publisher) publish(ctx context.Context, w Row, newest audit.Signed) error {
	mine := false
	now := p.DB.Now()
	err := p.DB.Write(ctx, now, func(ctx context.Context, tx *db.Tx) error {
		n, err := tx.Exec(ctx, claimRow, max(now, w.TriedAt+1), string(w.ID), w.TriedAt)
		mine = n == 1
		return err
	})
	if err != nil || !mine {
		return err
	}
	taken, trouble := p.take(ctx, w, newest)
	if trouble == nil {
		return p.DB.Write(ctx, p.DB.Now(), func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, tookRow, taken.Size, taken.Note, p.DB.Now(), string(w.ID), taken.Size)
			return err
		})
	}
	parted := int64(0)
	if errors.Is(trouble, ErrParted) {
		parted = now
		p.Log.Error("A WITNESS CONTRADICTS THE AUDIT TRAIL: treat it as a break-in until it is explained", "lender", p.Lender, "witness", w.Kind, "error", trouble)
	} else {
		p.Log.Warn("a witness did not take the checkpoint; it is tried again", "lender", p.Lender, "witness", w.Kind, "error", trouble)
	}
	return p.DB.Write(ctx, p.DB.Now(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, failedRow, trouble.Error(), parted, string(w.ID))
		return err
	})
}

// take holds the trail against what the witness took before, then hands over the new
// checkpoint: a database that was set back behind a witness's back is noticed even by
// a witness that checks nothing.
func (p *Publisher) take(ctx context.Context, w Row, newest audit.Signed) (Taken, error) {
	ctx, cancel := context.WithTimeout(ctx, takeTime)
	defer cancel()
	t := p.trail()
	if w.Taken.Size > 0 {
		held, err := checkpoint.Unchecked(w.Taken.Note)
		if err != nil {
			return Taken{}, err
		}
		if err := begins(ctx, t, held, newest.Size); err != nil {
			return Taken{}, err
		}
	}
	opened, err := p.Open(w)
	if err != nil {
		return Taken{}, err
	}
	return opened.Take(ctx, t, newest, w.Taken)
}

func (p *Publisher) trail() Trail {
	read := func(ctx context.Context, fn func(ctx context.Context, tx *db.Tx) error) error {
		return p.DB.Read(ctx, p.DB.Now(), fn)
	}
	out := Trail{Origin: p.Trail.Origin(), Lender: p.Lender, Signers: p.Trail.Signers, Keys: p.Trail.Keys,
		Consistent: func(ctx context.Context, earlier, later int64) (path [][32]byte, err error) {
			err = read(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
				path, err = p.Trail.Consistency(ctx, tx, earlier, later)
				return err
			})
			return path, err
		},
		Root: func(ctx context.Context, size int64) (root [32]byte, err error) {
			err = read(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
				root, err = tree.Root(ctx, tx, uint64(size))
				return err
			})
			return root, err
		}}
	if len(p.Notices) > 0 {
		out.Noticed = func(ctx context.Context, after, to int64) (list []Notice, err error) {
			err = read(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
				list, err = Noticed(ctx, tx, p.Notices, after, to)
				return err
			})
			return list, err
		}
	}
	return out
}
