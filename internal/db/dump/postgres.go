package dump

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
)

// postgres is a PostgreSQL database that is loaded, in one transaction.
type postgres struct {
	conn  *pgx.Conn
	again []string // what finish makes, as SQL
}

const (
	pgReferences = `SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint
		WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY conrelid::regclass::text, conname`
	pgIndexes = `SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid
		WHERE t.relnamespace = 'public'::regnamespace AND t.relname <> 'goose_db_version'
		AND NOT EXISTS (SELECT 1 FROM pg_constraint AS c WHERE c.conindid = i.indexrelid) ORDER BY 1`
	pgCounters = `SELECT pg_get_serial_sequence(quote_ident(t.relname), c.attname), quote_ident(t.relname), quote_ident(c.attname)
		FROM pg_attribute AS c JOIN pg_class AS t ON t.oid = c.attrelid WHERE c.attidentity <> '' AND t.relnamespace = 'public'::regnamespace`
)

func openPostgres(ctx context.Context, c db.Config) (target, error) {
	conn, err := pgx.Connect(ctx, c.DSN)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "database_unavailable", "The PostgreSQL server does not let us in. Check that it runs and that the connection string is right.", err)
	}
	p := &postgres{conn: conn}
	if err := p.run(ctx, `BEGIN`, `SET LOCAL maintenance_work_mem = '128MB'`); err != nil {
		_ = p.close()
		return nil, err
	}
	return p, nil
}

// close ends the transaction too, if finish has not.
func (p *postgres) close() error { return p.conn.Close(context.Background()) }

func (p *postgres) run(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := p.conn.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// rows gives the rows of a query, all of text.
func (p *postgres) rows(ctx context.Context, query string) ([][]string, error) {
	rows, err := p.conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) ([]string, error) {
		out := make([]string, len(r.FieldDescriptions()))
		dest := make([]any, len(out))
		for i := range out {
			dest[i] = &out[i]
		}
		return out, r.Scan(dest...)
	})
}

func (p *postgres) prepare(ctx context.Context) ([]table, error) {
	var list []table
	columns, err := p.rows(ctx, pgTables)
	for _, c := range columns {
		list = gathered(list, c[0], c[1])
	}
	if err != nil || len(list) == 0 {
		return nil, err
	}
	var drop, references []string
	found, err := p.rows(ctx, pgReferences)
	if err != nil {
		return nil, err
	}
	for _, r := range found {
		drop = append(drop, `ALTER TABLE `+r[0]+` DROP CONSTRAINT `+r[1])
		references = append(references, `ALTER TABLE `+r[0]+` ADD CONSTRAINT `+r[1]+` `+r[2])
	}
	if found, err = p.rows(ctx, pgIndexes); err != nil {
		return nil, err
	}
	for _, i := range found {
		drop, p.again = append(drop, `DROP INDEX `+i[0]), append(p.again, i[1])
	}
	if found, err = p.rows(ctx, pgCounters); err != nil {
		return nil, err
	}
	for _, c := range found {
		p.again = append(p.again, fmt.Sprintf(`SELECT setval('%s', COALESCE((SELECT MAX(%s) FROM %s), 0) + 1, false)`, c[0], c[2], c[1]))
	}
	p.again = append(p.again, references...)
	for _, t := range list { // a migration may have put rows in
		drop = append(drop, `DELETE FROM `+quoted(t.Name))
	}
	return list, p.run(ctx, drop...)
}

func (p *postgres) load(ctx context.Context, t table, next func() ([]any, error)) error {
	_, err := p.conn.CopyFrom(ctx, pgx.Identifier{t.Name}, t.Columns, pgx.CopyFromFunc(next))
	return err
}

func (p *postgres) finish(ctx context.Context) error {
	if err := p.run(ctx, p.again...); err != nil {
		return err
	}
	return p.run(ctx, `COMMIT`)
}
