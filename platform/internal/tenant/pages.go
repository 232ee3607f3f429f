package tenant

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/keys"
)

// pagesOf names a SQLite file by the version of the page key under which it lies: a
// turned key lies in another file, so that the ring alone says which one is the tenant's.
func pagesOf(name string, version int) string {
	if version == 1 {
		return name + ".db"
	}
	return name + ".k" + strconv.Itoa(version) + ".db"
}

// files are the paths of a tenant's data and of its key store under a version of the
// page key; nil on PostgreSQL.
type files func(version int) [2]string

// PagesTurn reports whether the tenant's page key can be turned: PostgreSQL has no files
// of ours.
func (t *Tenant) PagesTurn() bool { return t.files != nil }

// MovePages brings the tenant's database and its key store under the version of the page
// key that stands by, and puts it to use, while the tenant works. Writers wait for pieces
// of a mebibyte, and at the end for the last ones; readers never wait.
//
// The ring decides which files are the tenant's: until the version is in use these are
// the old ones, from then on the new ones, which are whole and durable by then. What a
// crash leaves beside them the next start takes away.
func (t *Tenant) MovePages(ctx context.Context, version int) error {
	if !t.PagesTurn() {
		return fault.New(fault.Conflict, "no_page_key", "This tenant's database has no file of its own, and so no page key.")
	}
	key, err := t.Ring.PageKeyOf(version)
	if err != nil {
		return err
	}
	to := t.files(version)
	var moves []*db.Move
	defer func() {
		for _, m := range moves {
			m.GiveUp()
		}
	}()
	for i, d := range []*db.DB{t.DB, t.keyDB} {
		m, err := d.Move(ctx, to[i], key)
		if err != nil {
			return err
		}
		moves = append(moves, m)
		if err := nearly(ctx, m); err != nil {
			return err
		}
	}
	if err := nearly(ctx, moves[0]); err != nil { // what was written while the second was copied
		return err
	}
	for _, m := range moves {
		if err := m.Hold(ctx); err != nil {
			return err
		}
	}
	if err := t.promotePages(ctx, version); err != nil {
		return err
	}
	for _, m := range moves {
		m.Switch()
	}
	moves = nil
	return nil
}

// nearly copies all but the last piece, and brings it to the disk.
func nearly(ctx context.Context, m *db.Move) error {
	const often = 64 // pieces between two syncs
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, ready, err := m.Step(ctx)
		if err != nil {
			return err
		}
		if ready || n%often == 0 {
			if err := m.Sync(); err != nil {
				return fmt.Errorf("copy the database file: %w", err)
			}
		}
		if ready {
			return nil
		}
	}
}

// promotePages puts the version to use. Writers are held, and the files may be let go
// only when it is certain which ones the ring names: as long as that cannot be read,
// nobody writes.
func (t *Tenant) promotePages(ctx context.Context, version int) error {
	_, failed := t.Ring.Promote(ctx, keys.Page, version)
	if failed == nil {
		return nil
	}
	const again = 100 * time.Millisecond
	for asked := context.WithoutCancel(ctx); t.Ring.Refresh(asked) != nil; {
		<-time.After(again)
	}
	if t.Ring.Using(keys.Page).Number == version {
		return nil
	}
	return failed
}

// clearPages takes files of other versions of the page key away: half a copy, or what
// was moved from.
func (t *Tenant) clearPages() error {
	if !t.PagesTurn() {
		return nil
	}
	for _, v := range t.Ring.Versions(keys.Page) {
		if v.State() == keys.InUse {
			continue
		}
		for _, path := range t.files(v.Number) {
			if err := db.RemoveFile(path); err != nil {
				return fmt.Errorf("take away a file of an old page key: %w", err)
			}
		}
	}
	return nil
}
