package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/lendkeep/lendkeep/internal/backup"
	"github.com/lendkeep/lendkeep/platform/internal/custody/backups"
	"github.com/lendkeep/lendkeep/platform/internal/house/restore"
)

type backupCommand struct {
	Tenant   string `help:"Slug of the tenant." required:""`
	Out      string `short:"o" help:"File for the data; it must not be there yet." placeholder:"FILE"`
	KeyStore string `help:"File for the key store, of which no backup may live longer than 7 days; it must not be there yet." placeholder:"FILE" name:"key-store"`
}

// Run takes a backup while people work. The key store comes second: it then has the key
// of everybody who is in the data.
func (b *backupCommand) Run(ctx context.Context, s *Settings) error {
	if b.Out == "" && b.KeyStore == "" {
		return errors.New("name a file for the data (--out), one for the key store (--key-store), or both")
	}
	c, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	for _, f := range []struct {
		kind backup.Kind
		file string
	}{{backup.Data, b.Out}, {backup.KeyStore, b.KeyStore}} {
		if f.file == "" {
			continue
		}
		if err := b.take(ctx, c, f.kind, f.file); err != nil {
			return err
		}
	}
	if b.KeyStore == "" {
		fmt.Fprintln(os.Stderr, "Without a backup of the key store, not older than 7 days, this data cannot be restored: take one with --key-store.")
	}
	return nil
}

// take takes one file, and has the house note it, or that there is none.
func (b *backupCommand) take(ctx context.Context, c *console, kind backup.Kind, file string) error {
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("%s is there already; a backup overwrites nothing", file)
	}
	var begun backups.Backup
	if err := c.call(ctx, b.Tenant, "backup.begin", nil, nil, map[string]string{"kind": string(kind)}, &begun); err != nil {
		return err
	}
	size, sum, err := b.receive(ctx, c, string(begun.ID), file)
	end := map[string]any{"bytes": size, "sha256": sum}
	if err != nil {
		end = map[string]any{"bytes": 0, "trouble": "The file was broken off."}
	}
	noted := c.call(context.WithoutCancel(ctx), b.Tenant, "backup.end", map[string]string{"id": string(begun.ID)}, nil, end, nil)
	if err := errors.Join(err, noted); err != nil {
		return err
	}
	fmt.Printf("%s: %s of %s, %d bytes, SHA-256 %s\n", file, kind, b.Tenant, size, sum)
	return nil
}

// receive writes the file beside its place, reads it back, and puts it there whole.
func (b *backupCommand) receive(ctx context.Context, c *console, id, file string) (size int64, sum string, err error) {
	resp, err := c.post(ctx, b.Tenant, "/console/v1/backup?id="+id, "text/plain", nil)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*.part") // 0600 by definition
	if err != nil {
		return 0, "", err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if size, err = io.Copy(io.MultiWriter(f, meter("Writing "+file)), resp.Body); err != nil {
		return 0, "", fmt.Errorf("the backup was broken off: %w", err)
	}
	whole, err := backup.Open(f, size)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Link(f.Name(), file) // never over another file
	}
	if err != nil {
		return 0, "", err
	}
	return size, whole.SHA256(), synced(filepath.Dir(file))
}

// synced makes what a folder lists durable.
func synced(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// meter shows on a terminal how much was written; elsewhere nothing.
func meter(what string) io.Writer {
	if term.IsTerminal(int(os.Stderr.Fd())) {
		return progressbar.DefaultBytes(-1, what)
	}
	return io.Discard
}

type restoreCommand struct {
	File          string   `arg:"" help:"The data's file." type:"existingfile"`
	KeyStore      string   `help:"The key store's file, not older than 7 days." type:"existingfile" required:"" placeholder:"FILE" name:"key-store"`
	OlderKeyStore string   `help:"Take an older key store: why." placeholder:"REASON" name:"older-key-store"`
	Key           []string `help:"A public key of the trail, as the page Proof shows it: the files must be signed by it. May be given several times."`
	Witness       []string `help:"Folder of a witness: what it holds must agree, and what was revoked or erased after the backup stays so. May be given several times." type:"existingdir" placeholder:"FOLDER" sep:"none" name:"from-witness"`
	Void          bool     `help:"No witness goes further than the backup: end every key, and switch everybody off but the administrator."`
	Administrator string   `help:"E-mail address of the administrator who stays on." placeholder:"EMAIL"`
}

// Run restores a tenant to a place where it is not. No server may run on the data folder.
func (r *restoreCommand) Run(ctx context.Context, s *Settings) error {
	release, err := hold(s.Data)
	if err != nil {
		return fmt.Errorf("stop the server first: %w", err)
	}
	defer release()
	if s.LogLevel == "info" {
		s.LogLevel = "warn" // a command talks to its operator, not to a log
	}
	config, err := s.config("https://localhost:8443")
	if err != nil {
		return err
	}
	config.Witness = "" // nothing is told to a witness before the server runs
	done, err := restore.Restore(ctx, config, restore.Restoring{Data: r.File, KeyStore: r.KeyStore, Keys: r.Key, OlderKeyStore: r.OlderKeyStore,
		Witnesses: r.Witness, Void: r.Void, Administrator: r.Administrator, Progress: steps()})
	if err != nil {
		return err
	}
	for _, w := range done.Words {
		fmt.Println(w)
	}
	fmt.Printf("Tenant %s is restored. Give it a new folder for checkpoints (LENDKEEP_WITNESS): the old one holds what came after the backup. Then start the server; people sign in again at https://%s.\n", done.Slug, done.Host)
	return nil
}

// steps tells of each step as it begins, and on a terminal how far it is.
func steps() func(what string, done, total int64) {
	last := ""
	var bar *progressbar.ProgressBar
	return func(what string, done, _ int64) {
		if what != last {
			if last = what; bar != nil {
				_ = bar.Finish()
			}
			if term.IsTerminal(int(os.Stderr.Fd())) {
				bar = progressbar.Default(-1, what)
			} else {
				fmt.Fprintln(os.Stderr, what)
			}
		}
		if bar != nil {
			_ = bar.Set64(done)
		}
	}
}
