package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/ncruces/go-sqlite3"

	"github.com/lendkeep/lendkeep/internal/fault"
)

// retryAfter is what a caller is told to wait when the database is away.
const retryAfter = 5 * time.Second

// IsDuplicate reports whether err says that a row with the same unique key is
// there already.
func IsDuplicate(err error) bool {
	return errors.Is(err, sqlite3.CONSTRAINT_UNIQUE) || errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY) ||
		errors.Is(err, sqlite3.CONSTRAINT_ROWID) || code(err) == "23505"
}

// IsReference reports whether err says that a row refers to one that is not
// there, or that another row still refers to it.
func IsReference(err error) bool {
	return errors.Is(err, sqlite3.CONSTRAINT_FOREIGNKEY) || code(err) == "23503" || code(err) == "23001"
}

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
	return isBusy(err) || isDown(err)
}

// code gives the SQLSTATE of an error of PostgreSQL, else "".
func code(err error) string {
	var p *pgconn.PgError
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

// isBusy knows locks that were not to be had in time, deadlocks and the like.
func isBusy(err error) bool {
	switch code(err) {
	case "55P03", "40001", "40P01", "57014", "25P03", "25P04":
		return true
	}
	return errors.Is(err, sqlite3.BUSY) || errors.Is(err, sqlite3.LOCKED) || errors.Is(err, errLost)
}

// isDown knows engines that do not answer, do not let us in, or have no room.
func isDown(err error) bool {
	if c := code(err); strings.HasPrefix(c, "08") || strings.HasPrefix(c, "53") || strings.HasPrefix(c, "57P") || strings.HasPrefix(c, "58") {
		return true
	}
	var connect *pgconn.ConnectError
	var op *net.OpError
	switch {
	case errors.As(err, &connect), errors.As(err, &op), errors.Is(err, net.ErrClosed),
		errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNREFUSED),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return true
	}
	for _, c := range []sqlite3.ErrorCode{sqlite3.IOERR, sqlite3.CANTOPEN, sqlite3.FULL, sqlite3.PROTOCOL, sqlite3.NOTADB} {
		if errors.Is(err, c) {
			return true
		}
	}
	return false
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
	if stop := ctx.Err(); stop != nil && (lost || errors.Is(err, sqlite3.INTERRUPT) || errors.Is(err, stop) || code(err) == "57014") {
		return stop
	}
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	switch {
	case lost || isDown(err):
		d.tell(err)
		return &fault.Error{Kind: fault.Unavailable, Reason: "database_unavailable", Message: "The database does not answer. Try again shortly.", RetryAfter: retryAfter, Cause: err}
	case isBusy(err):
		d.c.Log.Warn("the database is busy: another transaction holds what this one needs", "database", d.where, "statement", short(query), "cause", err.Error())
		return &fault.Error{Kind: fault.Unavailable, Reason: "database_busy", Message: "The database is busy. Try again shortly.", RetryAfter: retryAfter, Cause: err}
	}
	return &statementError{query: short(query), cause: err}
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

// statementError is an engine's refusal of a statement. Its text withholds
// what the engine says about values.
type statementError struct {
	query string
	cause error
}

func (e *statementError) Error() string {
	text := e.cause.Error()
	var p *pgconn.PgError
	if errors.As(e.cause, &p) && strings.HasPrefix(p.Code, "22") { // data exceptions quote the value
		text = "a value does not fit (SQLSTATE " + p.Code + ")"
	}
	return "db: " + text + " [" + e.query + "]"
}

func (e *statementError) Unwrap() error { return e.cause }

// short cuts a statement's text for a log line.
func short(query string) string {
	query = strings.Join(strings.Fields(query), " ")
	if len(query) > 120 {
		return query[:120] + "…"
	}
	return query
}

func errLostBatch() error {
	return &fault.Error{Kind: fault.Unavailable, Reason: "database_busy", Message: "The database gave the transaction up. Try again shortly.", RetryAfter: retryAfter, Cause: errLost}
}
