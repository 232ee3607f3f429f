// Package backups is the desk that knows which backups of a tenant were taken: when,
// by whom, how large, and by which digest a file is known.
//
//	begin ─▶ the file is written ─▶ end, with its digest or with what went wrong
//
// Invariants: a backup is in the trail before its first byte leaves, and what does not
// end shows as not ended; only the house itself takes one, for the operator or on its
// own. It must not know what lies in a file, nor write one.
package backups

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Desk holds the operations.
type Desk struct {
	Begin *gate.Op[BeginIn, Backup]
	End   *gate.Op[EndIn, Backup]
	List  *gate.Op[Nothing, ListOut]
}

// Nothing is the input of operations that need none.
type Nothing struct{}

// Backup is one that was taken.
type Backup struct {
	ID      id.Backup `json:"id" class:"public"`
	Kind    string    `json:"kind" class:"public" enum:"data,key_store" doc:"key_store: the keys of persons, and the tenant's ring"`
	Begun   string    `json:"begun_at" class:"public"`
	By      string    `json:"by" class:"public"`
	Ended   string    `json:"ended_at,omitempty" class:"public" doc:"when the file was whole; empty: it is being written, or was broken off"`
	Bytes   int64     `json:"bytes" class:"public"`
	SHA256  string    `json:"sha256,omitempty" class:"public" doc:"of the file up to its signed end, as lendkeep restore tells it"`
	Trouble string    `json:"trouble,omitempty" class:"public" doc:"why there is no file"`
}

// ListOut is the newest backups, newest first.
type ListOut struct {
	Items []Backup `json:"items"`
	Total int      `json:"total" class:"public"`
	Next  string   `json:"next" class:"public"`
}

// BeginIn says what is taken.
type BeginIn struct {
	Kind string `json:"kind" enum:"data,key_store"`
}

// EndIn tells of the file.
type EndIn struct {
	ID      id.Backup `path:"id" json:"-"`
	Bytes   int64     `json:"bytes" minimum:"0"`
	SHA256  string    `json:"sha256,omitempty" maxLength:"64"`
	Trouble string    `json:"trouble,omitempty" maxLength:"300"`
}

// New makes the desk.
func New() *Desk {
	return &Desk{
		Begin: &gate.Op[BeginIn, Backup]{Name: "backup.begin", Title: "Begin a backup", Area: "Keys", Kind: operation.Write, Audit: operation.Changed,
			Sensitivity: operation.Security, Permit: gate.House, Do: begin},
		End: &gate.Op[EndIn, Backup]{Name: "backup.end", Title: "End a backup", Area: "Keys", Kind: operation.Write, Audit: operation.Changed,
			Sensitivity: operation.Security, Permit: gate.House, Object: func(in *EndIn) string { return object(in.ID) }, Do: finish},
		List: &gate.Op[Nothing, ListOut]{Name: "backup.list", Title: "List backups", Area: "Keys", Screen: "Encryption keys", Method: "GET", Path: "/backups",
			Kind: operation.Read, Audit: operation.Looked, Sensitivity: operation.Security, Permit: gate.ByRole, Do: list},
	}
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry { return []gate.Entry{d.Begin, d.End, d.List} }

func object(b id.Backup) string { return "backup/" + string(b) }

const (
	columns   = `id, kind, begun_at, begun_by, ended_at, bytes, sha256, trouble`
	insertOne = `INSERT INTO backup (` + columns + `) VALUES (?, ?, ?, ?, 0, 0, '', '')`
	endOne    = `UPDATE backup SET ended_at = ?, bytes = ?, sha256 = ?, trouble = ? WHERE id = ? AND ended_at = 0 AND trouble = ''`
	selectOne = `SELECT ` + columns + ` FROM backup WHERE id = ?`
	newest    = `SELECT ` + columns + ` FROM backup ORDER BY begun_at DESC, id DESC LIMIT 50`
)

func scan(s func(dest ...any) error) (b Backup, err error) {
	var begun, ended int64
	err = s(&b.ID, &b.Kind, &begun, &b.By, &ended, &b.Bytes, &b.SHA256, &b.Trouble)
	b.Begun, b.Ended = instant(begun), instant(ended)
	return b, err
}

func instant(at int64) string {
	if at == 0 {
		return ""
	}
	return time.UnixMicro(at).UTC().Format(time.RFC3339)
}

func begin(ctx context.Context, c *gate.Call, in *BeginIn) (*Backup, error) {
	b := &Backup{ID: id.New[id.Backup](c.At), Kind: in.Kind, Begun: instant(c.At), By: c.Who.String()}
	c.Object(object(b.ID))
	c.Change("backup", "", b.Kind)
	_, err := c.Tx.Exec(ctx, insertOne, b.ID, b.Kind, c.At, b.By)
	return b, err
}

func finish(ctx context.Context, c *gate.Call, in *EndIn) (*Backup, error) {
	in.Trouble = strings.TrimSpace(in.Trouble)
	if in.Trouble == "" && len(in.SHA256) != 64 {
		return nil, fault.Bad("sha256", "Give the digest of the file in hexadecimal, or say what went wrong.")
	}
	at := c.At
	if in.Trouble != "" {
		at = 0
	}
	n, err := c.Tx.Exec(ctx, endOne, at, in.Bytes, in.SHA256, in.Trouble, in.ID)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, fault.Missing("open backup")
	}
	c.Change("bytes", "", strconv.FormatInt(in.Bytes, 10))
	c.Change("sha256", "", in.SHA256)
	c.Change("trouble", "", in.Trouble)
	b, err := scan(func(dest ...any) error { return c.Tx.One(ctx, selectOne, []any{in.ID}, dest...) })
	return &b, err
}

// Find gives one that was begun and has not ended; it is Missing otherwise.
func Find(ctx context.Context, tx *db.Tx, b id.Backup) (Backup, error) {
	out, err := scan(func(dest ...any) error { return tx.One(ctx, selectOne, []any{b}, dest...) })
	if errors.Is(err, sql.ErrNoRows) || err == nil && (out.Ended != "" || out.Trouble != "") {
		err = fault.Missing("open backup")
	}
	return out, err
}

func list(ctx context.Context, c *gate.Call, _ *Nothing) (*ListOut, error) {
	items, err := db.All(ctx, c.Tx, func(r *db.Rows) (Backup, error) { return scan(r.Scan) }, newest)
	if items == nil {
		items = []Backup{}
	}
	return &ListOut{Items: items, Total: len(items)}, err
}
