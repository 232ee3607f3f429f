// Package verdict says what an engine's error means, and tells it without the values
// that an engine likes to quote. It must not know what was asked, nor of whom.
package verdict

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/ncruces/go-sqlite3"
)

// Duplicate: a row with the same unique key is there already.
func Duplicate(err error) bool {
	return errors.Is(err, sqlite3.CONSTRAINT_UNIQUE) || errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY) ||
		errors.Is(err, sqlite3.CONSTRAINT_ROWID) || Code(err) == "23505"
}

// Reference: a row refers to one that is not there, or another row refers to it.
func Reference(err error) bool {
	return errors.Is(err, sqlite3.CONSTRAINT_FOREIGNKEY) || Code(err) == "23503" || Code(err) == "23001"
}

// Code gives the SQLSTATE of an error of PostgreSQL, else "".
func Code(err error) string {
	var p *pgconn.PgError
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

// Busy knows locks that were not to be had in time, deadlocks and the like.
func Busy(err error) bool {
	switch Code(err) {
	case "55P03", "40001", "40P01", "57014", "25P03", "25P04":
		return true
	}
	return errors.Is(err, sqlite3.BUSY) || errors.Is(err, sqlite3.LOCKED)
}

// Down knows engines that do not answer, do not let us in, or have no room.
func Down(err error) bool {
	if c := Code(err); strings.HasPrefix(c, "08") || strings.HasPrefix(c, "53") || strings.HasPrefix(c, "57P") || strings.HasPrefix(c, "58") {
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

// Refusal is an engine's refusal of a statement. Its text withholds
// what the engine says about values.
type Refusal struct {
	Query string
	Cause error
}

// Error tells the refusal and the beginning of the statement.
func (e *Refusal) Error() string {
	text := e.Cause.Error()
	var p *pgconn.PgError
	if errors.As(e.Cause, &p) && strings.HasPrefix(p.Code, "22") { // data exceptions quote the value
		text = "a value does not fit (SQLSTATE " + p.Code + ")"
	}
	return "db: " + text + " [" + Short(e.Query) + "]"
}

// Unwrap gives the engine’s own error.
func (e *Refusal) Unwrap() error { return e.Cause }

// Short cuts a statement's text for a log line.
func Short(query string) string {
	query = strings.Join(strings.Fields(query), " ")
	if len(query) > 120 {
		return query[:120] + "…"
	}
	return query
}
