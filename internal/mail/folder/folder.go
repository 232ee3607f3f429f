// Package folder puts letters into a folder instead of sending them, one .eml
// file each that any mail program opens. It is the demo's post box: the files
// hold links that open doors, so only their owner may read them.
package folder

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/lendkeep/lendkeep/internal/mail"
)

// Box is a folder of letters; it is safe for concurrent use.
type Box struct {
	dir, from string
	now       func() int64
}

// New makes the folder if need be. from is the sender's address, now gives unix
// microseconds.
func New(dir, from string, now func() int64) (*Box, error) {
	if !mail.IsAddress(from) {
		return nil, errors.New("mail folder: the sender is not an address")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("mail folder: %w", err)
	}
	return &Box{dir: dir, from: from, now: now}, nil
}

// Send writes the letter. File names sort by time; a file that has its name is
// complete.
func (b *Box) Send(ctx context.Context, m mail.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	at := b.now()
	letter, err := mail.Compose(m, b.from, at)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(b.dir, ".letter-*") // 0600
	if err != nil {
		return fmt.Errorf("mail folder: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(letter)
	err = errors.Join(err, f.Chmod(0o600), f.Close())
	if err == nil {
		name := time.UnixMicro(at).UTC().Format("20060102T150405.000000") + "-" + rand.Text()[:8] + ".eml"
		err = os.Rename(f.Name(), filepath.Join(b.dir, name))
	}
	if err != nil {
		return fmt.Errorf("mail folder: %w", err)
	}
	return nil
}
