package house

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit/witness"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/records"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// recorded is what the desk of the trail must know of the operator's folder.
func (c *Config) recorded() (records.Config, error) {
	if c.Witness == "" {
		return records.Config{}, nil
	}
	if err := os.MkdirAll(c.Witness, 0o750); err != nil {
		return records.Config{}, fmt.Errorf("making the folder of checkpoints: %w", err)
	}
	apart, err := witness.Apart(c.Witness, c.Data)
	if err == nil && !apart {
		c.Log.Warn("the folder of checkpoints lies on the same volume as the data: whoever can change the one can change the other", "folder", c.Witness)
	}
	return records.Config{FolderApart: apart}, err
}

// lastTime bounds how long a program that ends waits for the operator's folder.
const lastTime = 3 * time.Second

// witnessed brings a tenant's checkpoints to its witnesses until ctx ends, and the last
// one, once it is signed, to the operator's folder.
func (h *House) witnessed(ctx context.Context, t *tenant.Tenant, signed <-chan struct{}) error {
	// Also for a command that ends at once: what it did must lie with the witness.
	begin, begun := context.WithTimeout(context.WithoutCancel(ctx), lastTime)
	defer begun()
	err := t.DB.Write(begin, t.DB.Now(), func(ctx context.Context, tx *db.Tx) error {
		return witness.Operated(ctx, tx, h.Config.Witness, "house/operator")
	})
	if err != nil {
		h.Config.Log.Error("the operator's folder could not be made a witness; start again to try anew", "tenant", t.Slug, "error", err)
	}
	p := witness.Publisher{DB: t.DB, Trail: t.Trail, Lender: t.Name, Notices: noticed(h.Gate.Catalogue()), Open: h.openWitness, Log: h.Config.Log}
	err = ended(ctx, p.Run(ctx))
	<-signed
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTime)
	defer cancel()
	if e := p.Last(last); e != nil {
		h.Config.Log.Warn("the last checkpoint was not given to the operator's folder; the next start gives it", "tenant", t.Slug, "error", e)
	}
	return err
}

func (h *House) openWitness(w witness.Row) (witness.Witness, error) {
	switch w.Kind {
	case witness.File:
		return witness.Folder{Path: w.Target}, nil
	case witness.HTTPS:
		return witness.Endpoint{URL: w.Target, Key: w.Key, Call: h.outbound.Do}, nil
	case witness.Mail:
		return witness.Mailbox{Address: w.Target, Sender: h.Config.Mail}, nil
	}
	return nil, errors.New("a witness of an unknown kind")
}

// Erasing is the operation by which an erasure goes on.
const Erasing = "privacy.erasure.advance"

// noticed lists the operations of which witness folders keep notices: whatever changes
// who may do what, or by what somebody proves who they are; and erasures. They are
// found by what an operation says of itself, so that none is forgotten.
func noticed(list []*gate.Meta) (out []string) {
	for _, m := range list {
		if m.Kind == operation.Write && m.Bumps {
			out = append(out, m.Name)
		}
	}
	return append(out, Erasing)
}
