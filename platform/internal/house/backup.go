package house

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/audit/signing"
	"github.com/lendkeep/lendkeep/internal/backup"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dump"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/custody/backups"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Backup writes the file of a backup that was begun (backup.begin), as one transaction
// sees the tenant. Writers go on. A file that is broken off has no signed end.
func (h *House) Backup(ctx context.Context, t *tenant.Tenant, which id.Backup, out io.Writer) error {
	var b backups.Backup
	err := t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		b, err = backups.Find(ctx, tx, which)
		return err
	})
	if err != nil {
		return err
	}
	signed, err := h.signed(ctx, t)
	if err != nil {
		return err
	}
	head := backup.Head{Kind: backup.Kind(b.Kind), ID: string(b.ID), Tenant: string(t.ID), Slug: t.Slug, Region: t.Region, Engine: t.DB.Engine().String()}
	from := t.DB
	if head.Kind == backup.KeyStore {
		from = t.Persons.DB
	}
	return from.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		if head.Schema, err = dump.Version(ctx, tx); err != nil {
			return err
		}
		if head.Kind == backup.Data {
			if signed, err = readSigned(ctx, t, tx); err != nil { // the one of this snapshot
				return err
			}
		} else if err := t.Ring.Refresh(ctx); err != nil {
			return err
		} else {
			head.Ring = t.Ring.Stored()
		}
		head.MadeAt, head.Checkpoint, head.Handovers, head.Versions = tx.At, signed.note, signed.handovers, versions(t.Ring)
		return h.written(ctx, t, tx, head, out)
	})
}

// written writes a file from a transaction.
func (h *House) written(ctx context.Context, t *tenant.Tenant, tx *db.Tx, head backup.Head, out io.Writer) error {
	w, err := backup.NewWriter(ctx, out, head, h.Directory.KMS())
	if err != nil {
		return err
	}
	if head.Kind == backup.Data {
		j, err := json.Marshal(tenant.New{Slug: t.Slug, Name: t.Name, Host: t.Host, Region: t.Region, Zone: t.Zone.String()})
		if err != nil {
			return err
		}
		if _, err := w.Write(append(j, '\n')); err != nil {
			return err
		}
	}
	if err := dump.Write(ctx, tx, w, nil); err != nil {
		return err
	}
	return w.Close(t.Trail.Signers()...)
}

// signedTrail is what the head of a file says of the trail.
type signedTrail struct {
	note      string
	handovers []string
}

func readSigned(ctx context.Context, t *tenant.Tenant, tx *db.Tx) (s signedTrail, err error) {
	newest, err := t.Trail.Newest(ctx, tx)
	if err != nil {
		return s, err
	}
	s.note = newest.Note
	s.handovers, err = signing.Handovers(ctx, tx)
	return s, err
}

// signed gives the newest checkpoint; a trail that is a moment old gets its first one.
func (h *House) signed(ctx context.Context, t *tenant.Tenant) (s signedTrail, err error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range 100 {
		err = t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
			s, err = readSigned(ctx, t, tx)
			return err
		})
		if !errors.Is(err, audit.ErrNoCheckpoint) {
			return s, err
		}
		select {
		case <-ctx.Done():
			return s, ctx.Err()
		case <-tick.C:
		}
	}
	return s, fault.New(fault.Unavailable, "no_checkpoint", "The trail has no signed checkpoint, so a backup could not be verified. Look into the log for why it is not signed.")
}

func versions(r *keys.Ring) map[string]int {
	out := map[string]int{}
	for _, p := range keys.Purposes() {
		out[string(p)] = r.Using(p).Number
	}
	return out
}

// backup streams a file to the command line.
func (h *House) backup(w http.ResponseWriter, r *http.Request) {
	t := h.tenantOf(w, r)
	if t == nil {
		return
	}
	out := &counted{to: w}
	err := h.Backup(r.Context(), t, id.Backup(r.URL.Query().Get("id")), out)
	switch {
	case err == nil:
	case out.bytes == 0:
		answer(w, err, nil)
	default:
		h.Config.Log.Warn("a backup was broken off", "tenant", t.Slug, "error", err)
		panic(http.ErrAbortHandler) // nobody must take half a file for a whole one
	}
}

// counted counts what is written.
type counted struct {
	to    io.Writer
	bytes int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.bytes += int64(n)
	return n, err
}
