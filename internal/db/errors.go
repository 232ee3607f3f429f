package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"

	"github.com/lendkeep/lendkeep/internal/db/verdict"
	"github.com/lendkeep/lendkeep/internal/fault"
)

// retryAfter is what a caller is told to wait when the database is away.
const retryAfter = 5 * time.Second

// IsDuplicate reports whether err says that a row with the same unique key is
// there already.
func IsDuplicate(err error) bool { return verdict.Duplicate(err) }

// IsReference reports whether err says that a row refers to one that is not
// there, or that another row still refers to it.
func IsReference(err error) bool { return verdict.Reference(err) }

// IsBusyOrDown reports whether err says that the database cannot be reached,
// is locked by somebody else, or gave the transaction up for a reason that may
// be gone at the next try.
func IsBusyOrDown(err error) bool {
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.Unavailable {
		switch f.Reason {
		case "database_unavailable", "database_busy", "database_closed":
			return true
		}
	}
	return verdict.Busy(err) || errors.Is(err, errLost) || verdict.Down(err)
}

// mend makes an engine's error one for callers: the context's own error, a
// fault if the database is away or busy, else the engine's error with the
// statement's text (which holds marks, never values). lost says that the
// connection is gone.
func (d *DB) mend(ctx context.Context, query string, err error, lost bool) error {
	if err == nil || err == sql.ErrNoRows {
		return err
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return sql.ErrNoRows
	}
	if stop := ctx.Err(); stop != nil && (lost || errors.Is(err, sqlite3.INTERRUPT) || errors.Is(err, stop) || verdict.Code(err) == "57014") {
		return stop
	}
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	switch {
	case lost || verdict.Down(err):
		d.tell(err)
		return &fault.Error{Kind: fault.Unavailable, Reason: "database_unavailable", Message: "The database does not answer. Try again shortly.", RetryAfter: retryAfter, Cause: err}
	case verdict.Busy(err), errors.Is(err, errLost):
		d.c.Log.Warn("the database is busy: another transaction holds what this one needs", "database", d.where, "statement", verdict.Short(query), "cause", err.Error())
		return &fault.Error{Kind: fault.Unavailable, Reason: "database_busy", Message: "The database is busy. Try again shortly.", RetryAfter: retryAfter, Cause: err}
	}
	return &verdict.Refusal{Query: query, Cause: err}
}

// tell logs, at most once in five seconds, that the database is away, and what
// to do about it.
func (d *DB) tell(err error) {
	now, last := d.Now(), d.logged.Load()
	if last != 0 && now-last < retryAfter.Microseconds() && now >= last || !d.logged.CompareAndSwap(last, now) {
		return
	}
	advice := "the database file cannot be used: check that its disk is mounted, writable and not full"
	if d.c.Engine == PostgreSQL {
		advice = fmt.Sprintf("PostgreSQL at %s does not answer: check that it runs, that it is reached from here, and that the LENDKEEP_ settings for the database are right", d.where)
	}
	d.c.Log.Error(advice, "database", d.where, "cause", err.Error())
}

func errLostBatch() error {
	return &fault.Error{Kind: fault.Unavailable, Reason: "database_busy", Message: "The database gave the transaction up. Try again shortly.", RetryAfter: retryAfter, Cause: errLost}
}
