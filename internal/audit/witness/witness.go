// Package witness brings checkpoints of a trail to places that whoever runs this
// server cannot change: a folder on another volume, a witness of transparency logs
// over https, a mailbox.
//
//	newest checkpoint ─ Publisher ─┬─ Folder   one file a trail, appended; one of notices
//	                               ├─ Endpoint C2SP tlog-witness, add-checkpoint
//	                               └─ Mailbox  a letter a day
//
// A witness that holds a checkpoint which is not the beginning of the trail is the one
// proof that the trail was rewritten, or restored from an old backup: the error is
// ErrParted, and it is kept until somebody has looked at it.
//
// It decides nothing about who may name a witness, and writes no entry.
package witness

import (
	"context"
	"errors"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
)

// Kinds of witness.
const (
	File  = "file"
	HTTPS = "https"
	Mail  = "mail"
)

// ErrParted is the error of a witness that holds something else than this trail's
// beginning.
var ErrParted = errors.New("the witness holds a checkpoint that is not the beginning of this trail: it was rewritten, or restored from a backup")

// Taken is what a witness has of a trail.
type Taken struct {
	Size int64
	Note string // with the witness's own signature, if it gave one
}

// Witness keeps checkpoints.
type Witness interface {
	// Take hands over a checkpoint. last is what the witness took before, as far as we
	// know. The error wraps ErrParted if what it holds contradicts the trail.
	Take(ctx context.Context, t Trail, newest audit.Signed, last Taken) (Taken, error)
}

// Trail is what a witness may ask the trail for.
type Trail struct {
	Origin string
	Lender string
	// Consistent proves that the trail of a later size begins with an earlier one.
	Consistent func(ctx context.Context, earlier, later int64) ([][32]byte, error)
	// Root is the root that the trail had at a size.
	Root func(ctx context.Context, size int64) ([32]byte, error)
	// Noticed reads what a restored house must know of a stretch; nil: nobody asks.
	Noticed func(ctx context.Context, after, to int64) ([]Notice, error)
	// Signers are the keys that sign now, and Keys the public ones that ever did.
	Signers func() []checkpoint.Signer
	Keys    func() ([]string, error)
}
