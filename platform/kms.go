package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/keys/kms"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// kmsAddress names the KMS that the settings choose.
func (s *Settings) kmsAddress() (string, error) {
	switch {
	case s.KMS != "" && s.KMSFile != "":
		return "", errors.New("LENDKEEP_KMS and LENDKEEP_KMS_FILE are both set: keep one")
	case s.KMS != "":
		return s.KMS, nil
	case s.KMSFile != "":
		return "file:" + s.KMSFile, nil
	}
	return "file:" + filepath.Join(s.Data, "kms.key"), nil
}

// adapters is what the adapters are opened with.
func (s *Settings) adapters(fresh bool) kms.Config {
	return kms.Config{Env: os.Getenv, Make: fresh, Now: time.Now, Log: s.log()}
}

// kms opens the KMS that the settings choose; fresh: a key file that is not there
// is made.
func (s *Settings) kms(ctx context.Context, fresh bool) (keys.KMS, error) {
	address, err := s.kmsAddress()
	if err != nil {
		return nil, err
	}
	return kms.Open(ctx, address, s.adapters(fresh))
}

// lookAtKMS has the KMS wrap a key and open it, here and for another place.
func (s *Settings) lookAtKMS(ctx context.Context) finding {
	address, err := s.kmsAddress()
	if err != nil {
		return finding{"KMS", err.Error(), "unset one of the two"}
	}
	file, plain := strings.CutPrefix(address, "file:")
	if _, err := os.Stat(file); plain && errors.Is(err, fs.ErrNotExist) {
		return finding{"KMS", file + " is not there yet; the first start makes it", ""}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	k, err := kms.Open(ctx, address, s.adapters(false))
	switch {
	case err != nil && plain:
		return finding{"KMS", err.Error(), "restore the key file from its own backup, readable by this user alone; without it no tenant opens"}
	case err != nil:
		return finding{"KMS", err.Error(), "mend LENDKEEP_KMS, or what it names; without it nothing starts"}
	}
	switch err := keys.Probe(ctx, k); {
	case errors.Is(err, keys.ErrUnbound):
		return finding{"KMS", err.Error(), "use a key and a server that honour associated data: Vault 1.13 or OpenBao, a key of type aes256-gcm96"}
	case errors.Is(err, keys.ErrDenied):
		return finding{"KMS", err.Error(), "mend that at the KMS; a server that runs goes on, and none starts until then"}
	case err != nil:
		return finding{"KMS", err.Error(), "look whether it runs and whether this machine reaches it; a server that runs goes on, and none starts until then"}
	case plain:
		return finding{"KMS", k.Name() + " in " + file + " (a key file: for development and single machines; keep it apart from the data's backups)", ""}
	}
	return finding{"KMS", k.Name() + " wraps, opens, and refuses what was moved", ""}
}

type keysMake struct {
	KMS string `arg:"" name:"address" help:"file:PATH, or pkcs11:token=…;object=…?module-path=…&pin-source=…"`
}

// Run makes a key for LENDKEEP_KMS, where Lendkeep can.
func (k *keysMake) Run(ctx context.Context) error {
	if err := kms.Make(ctx, k.KMS); err != nil {
		return err
	}
	fmt.Println("The key is there. Whoever loses it loses every tenant: see that it outlives this machine.")
	return nil
}

type keysRewrap struct {
	From string `help:"Address of the KMS key that wraps the rings now." required:""`
	To   string `help:"Address of the KMS key that shall; the same again wraps under its newest version." required:""`
}

// Run wraps every ring under another KMS key. The server must not run: it would
// ask the old one.
func (k *keysRewrap) Run(ctx context.Context, s *Settings) error {
	if s.LogLevel == "info" {
		s.LogLevel = "warn"
	}
	release, err := hold(s.Data)
	if err != nil {
		return fmt.Errorf("%w; stop the server first", err)
	}
	defer release()
	from, err := kms.Open(ctx, k.From, s.adapters(false))
	if err != nil {
		return fmt.Errorf("the old key: %w", err)
	}
	to, err := kms.Open(ctx, k.To, s.adapters(false))
	if err != nil {
		return fmt.Errorf("the new key: %w", err)
	}
	c := tenant.Config{Engine: db.SQLite, Data: s.Data, Postgres: s.Postgres, Prefix: s.Prefix, KMS: from, Now: time.Now, Log: s.log()}
	if s.Postgres != "" {
		c.Engine = db.PostgreSQL
	}
	n, err := tenant.Rewrap(ctx, c, to, func(ring string, done bool) {
		if done {
			fmt.Println(ring + ": wrapped by " + to.Name() + " already, and opens")
			return
		}
		fmt.Println(ring + ": wrapped by " + to.Name())
	})
	if err != nil {
		return fmt.Errorf("%w\n%d rings are wrapped by the new key; the others still by the old one. Call the command again: it goes on where it ended", err, n)
	}
	fmt.Printf("%d of %d rings open with %s. Set LENDKEEP_KMS to it before the next start, and keep the old key as long as backups from before.\n", n, n, to.Name())
	return nil
}
