package db

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/lendkeep/lendkeep/internal/db/statement"
	"github.com/lendkeep/lendkeep/internal/db/verdict"
	"github.com/lendkeep/lendkeep/internal/fault"
)

// versionLock is the advisory lock that orders revocations and writes.
const versionLock = 0x4c656e64 // "Lend"

const (
	beginRead  = "begin isolation level repeatable read read only"
	beginWrite = "begin isolation level read committed read write"
	lockShared = "select pg_advisory_xact_lock_shared($1)"
	lockAlone  = "select pg_advisory_xact_lock($1)"
)

// endTimeout bounds COMMIT and ROLLBACK, which no caller's context may cut
// short: the outcome would not be known.
const endTimeout = 30 * time.Second

// postgres is a database on PostgreSQL.
type postgres struct {
	d    *DB
	pool *pgxpool.Pool
	x    statement.Texts
}

func openPostgres(ctx context.Context, d *DB) (backend, error) {
	if d.c.DSN == "" {
		return nil, fault.Bad("dsn", "Give the connection string of the PostgreSQL database.")
	}
	c, err := pgxpool.ParseConfig(d.c.DSN)
	if err != nil { // its text may quote the connection string
		return nil, fault.Bad("dsn", "The connection string of the PostgreSQL database cannot be read.")
	}
	c.MaxConns = 8
	if d.c.Readers > 0 {
		c.MaxConns = int32(min(d.c.Readers, 1000))
	}
	c.MinConns = 0
	c.MaxConnIdleTime = time.Minute
	c.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false } // begin tries again instead
	c.ConnConfig.StatementCacheCapacity = 200
	if c.ConnConfig.ConnectTimeout == 0 {
		c.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	for name, value := range map[string]string{
		"application_name":                    "lendkeep",
		"timezone":                            "UTC",
		"synchronous_commit":                  "on", // an acknowledged write is never lost
		"standard_conforming_strings":         "on",
		"default_transaction_isolation":       "repeatable read", // of a read that is one pipeline
		"default_transaction_read_only":       "on",
		"lock_timeout":                        "10s",
		"idle_in_transaction_session_timeout": "5min", // a node that hangs must not hold locks for ever
	} {
		if _, set := c.ConnConfig.RuntimeParams[name]; !set || name == "synchronous_commit" || strings.HasPrefix(name, "default_") {
			c.ConnConfig.RuntimeParams[name] = value
		}
	}
	d.where = net.JoinHostPort(c.ConnConfig.Host, strconv.Itoa(int(c.ConnConfig.Port))) + "/" + c.ConnConfig.Database
	p := &postgres{d: d}
	if p.pool, err = pgxpool.NewWithConfig(context.WithoutCancel(ctx), c); err != nil {
		return nil, d.mend(ctx, "open", err, false)
	}
	if err := p.checkCollation(ctx); err != nil {
		p.pool.Close()
		return nil, err
	}
	return p, nil
}

// checkCollation refuses a database that would not compare bytewise.
func (p *postgres) checkCollation(ctx context.Context) error {
	var collation, encoding string
	err := p.pool.QueryRow(ctx, "select datcollate, pg_encoding_to_char(encoding) from pg_database where datname = current_database()").Scan(&collation, &encoding)
	if err != nil {
		return p.d.mend(ctx, "open", err, false)
	}
	switch collation {
	case "C", "POSIX", "C.UTF-8", "C.utf8":
		if encoding == "UTF8" {
			return nil
		}
	}
	return fault.New(fault.Unavailable, "database_collation", "The PostgreSQL database does not compare text bytewise. Make it with TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'.")
}

func (p *postgres) close() error {
	p.pool.Close()
	return nil
}

func (p *postgres) migrate(ctx context.Context, migrations fs.FS) error {
	c := p.pool.Config().ConnConfig.Copy()
	c.RuntimeParams["lock_timeout"] = "0"
	c.RuntimeParams["default_transaction_isolation"], c.RuntimeParams["default_transaction_read_only"] = "read committed", "off"
	pool := stdlib.OpenDB(*c)
	defer pool.Close()
	pool.SetMaxOpenConns(2)
	if err := p.d.goose(ctx, pool, migrations); err != nil {
		return err
	}
	p.pool.Reset() // statements that were compiled for the old tables
	return nil
}

// begin opens a transaction and runs more in the same round trip. A connection
// that died while it was idle is replaced: nothing has run on it.
func (p *postgres) begin(ctx context.Context, begin string, more ...pgText) (*pgxpool.Conn, pgx.BatchResults, error) {
	for try := 0; ; try++ {
		conn, err := p.pool.Acquire(ctx)
		if err != nil {
			return nil, nil, p.d.mend(ctx, begin, err, ctx.Err() == nil)
		}
		b := &pgx.Batch{}
		b.Queue(begin)
		for _, q := range more {
			b.Queue(q.text, q.args...)
		}
		br := conn.SendBatch(ctx, b)
		if _, err = br.Exec(); err == nil {
			return conn, br, nil
		}
		br.Close()
		lost := conn.Conn().IsClosed()
		p.end(ctx, conn, "rollback", true)
		if !lost || try > 0 || ctx.Err() != nil {
			q := begin
			for _, m := range more {
				q += "; " + m.text
			}
			return nil, nil, p.d.mend(ctx, q, err, lost)
		}
		p.pool.Reset()
	}
}

// end finishes the transaction and gives the connection back. wait=false is
// for transactions that wrote nothing: the caller has its answer already.
func (p *postgres) end(ctx context.Context, conn *pgxpool.Conn, how string, wait bool) error {
	finish := func() error {
		defer conn.Release() // it drops a connection that is still inside a transaction
		c := conn.Conn()
		if c.IsClosed() || c.PgConn().TxStatus() == 'I' {
			if how != "commit" || !wait {
				return nil
			}
			return p.d.mend(ctx, how, errLost, c.IsClosed())
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		results, err := c.PgConn().Exec(ctx, how).ReadAll()
		if err != nil {
			return p.d.mend(ctx, how, err, c.IsClosed())
		}
		if how == "commit" && (len(results) != 1 || results[0].CommandTag.String() != "COMMIT") {
			return p.d.mend(ctx, how, errLost, false)
		}
		return nil
	}
	if wait {
		return finish()
	}
	go finish()
	return nil
}

// statement makes a query and its arguments fit for PostgreSQL.
func (p *postgres) statement(query string, args []any) (statement.Numbered, []any, error) {
	n, err := p.x.Rewrite(query)
	if err != nil {
		return n, nil, err
	}
	if len(args) != n.Marks {
		return n, nil, fmt.Errorf("db: the statement has %d marks and %d arguments", n.Marks, len(args))
	}
	out := make([]any, len(args))
	for i, a := range args {
		if out[i], err = statement.Plain(a); err != nil {
			return n, nil, err
		}
	}
	return n, out, nil
}

type pgText struct {
	text string
	args []any
}

func (t *Tx) pgQuery(query string, args []any) (pgText, error) {
	n, out, err := t.d.back.(*postgres).statement(query, args)
	if err != nil {
		return pgText{}, t.fail(context.Background(), query, err)
	}
	return pgText{text: n.Text, args: out}, nil
}

// pgOne scans the first of rows and closes them.
func (t *Tx) pgOne(ctx context.Context, query string, rows pgx.Rows, dest []any) error {
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return t.fail(ctx, query, err)
		}
		return t.d.mend(ctx, query, pgx.ErrNoRows, false)
	}
	if err := rows.Scan(pgDest(dest)...); err != nil {
		return err
	}
	rows.Close()
	return t.fail(ctx, query, rows.Err())
}

// pgDest lets a bool receive BIGINT 0 or 1, as everywhere in this package.
func pgDest(dest []any) []any {
	var out []any
	for i, d := range dest {
		if b, ok := d.(*bool); ok {
			if out == nil {
				out = append([]any{}, dest...)
			}
			out[i] = (*Bool)(b)
		}
	}
	if out == nil {
		return dest
	}
	return out
}

// bulkRows is how many rows of Bulk travel at once.
const bulkRows = 2000

func (t *Tx) pgBulk(ctx context.Context, query string, rows [][]any) error {
	for len(rows) > 0 {
		n := min(len(rows), bulkRows)
		b := &pgx.Batch{}
		for _, args := range rows[:n] {
			q, err := t.pgQuery(query, args)
			if err != nil {
				return err
			}
			b.Queue(q.text, q.args...)
		}
		if err := t.pg.SendBatch(ctx, b).Close(); err != nil {
			return t.fail(ctx, query, err)
		}
		rows = rows[n:]
	}
	return nil
}

// CreateDatabase makes a PostgreSQL database that compares bytewise, as Open
// demands, and gives its connection string. adminDSN is one that may create
// databases. A database of that name is a Conflict.
func CreateDatabase(ctx context.Context, adminDSN, name string) (dsn string, err error) {
	dsn, err = withDatabase(adminDSN, name)
	if err != nil {
		return "", err
	}
	err = administer(ctx, adminDSN, "create database "+pgx.Identifier{name}.Sanitize()+" template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'")
	if verdict.Code(err) == "42P04" {
		return "", fault.Wrap(fault.Conflict, "database_exists", "A database of this name is there already.", err)
	}
	if err != nil {
		return "", err
	}
	return dsn, nil
}

// DropDatabase removes a PostgreSQL database and all that is in it, also while
// somebody is connected to it.
func DropDatabase(ctx context.Context, adminDSN, name string) error {
	return administer(ctx, adminDSN, "drop database if exists "+pgx.Identifier{name}.Sanitize()+" with (force)")
}

func administer(ctx context.Context, adminDSN, statement string) error {
	conn, err := pgx.Connect(ctx, adminDSN)
	if err != nil {
		return &fault.Error{Kind: fault.Unavailable, Reason: "database_unavailable", Message: "The PostgreSQL server does not let us in. Check that it runs and that the connection string is right.", RetryAfter: retryAfter, Cause: err}
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, statement)
	return err
}
