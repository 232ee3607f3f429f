package db_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
)

// TestMain lets the test program stand in for a node that is killed.
func TestMain(m *testing.M) {
	if os.Getenv("LENDKEEP_TEST_NODE") != "" {
		node()
		return
	}
	os.Exit(m.Run())
}

// node writes from eight goroutines and says each id that was acknowledged,
// until somebody kills it.
func node() {
	c := db.Config{Engine: db.SQLite, Path: os.Getenv("LENDKEEP_TEST_PATH"), DSN: os.Getenv("LENDKEEP_TEST_DSN"), Now: time.Now}
	if c.DSN != "" {
		c.Engine = db.PostgreSQL
	}
	c.Key = func() ([]byte, error) { return hex.DecodeString(os.Getenv("LENDKEEP_TEST_KEY")) }
	d, err := db.Open(ctx, c)
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d", g, i)
				err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
					_, err := tx.Exec(ctx, insertBorrower, id, strings.Repeat("x", 500))
					return err
				})
				if err != nil {
					panic(err)
				}
				mu.Lock()
				os.Stdout.WriteString(id + "\n")
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestKilledNodeLosesNoAcknowledgedWrite(t *testing.T) {
	for _, e := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(e.String(), func(t *testing.T) {
			c := dbtest.Config(t, e)
			d, err := db.Open(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Migrate(ctx, schema()); err != nil {
				t.Fatal(err)
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), "LENDKEEP_TEST_NODE=1", "LENDKEEP_TEST_PATH="+c.Path, "LENDKEEP_TEST_DSN="+c.DSN)
			if c.Key != nil {
				key, _ := c.Key()
				cmd.Env = append(cmd.Env, "LENDKEEP_TEST_KEY="+hex.EncodeToString(key))
			}
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var acknowledged []string
			lines := bufio.NewScanner(out)
			for lines.Scan() {
				acknowledged = append(acknowledged, lines.Text())
				if len(acknowledged) == 300 {
					if err := cmd.Process.Kill(); err != nil {
						t.Fatal(err)
					}
				}
			}
			_ = cmd.Wait()
			if len(acknowledged) < 300 {
				t.Fatalf("the node wrote only %d rows", len(acknowledged))
			}
			there := map[string]bool{}
			for _, id := range borrowers(t, dbtest.OpenConfig(t, c, nil)) {
				there[id] = true
			}
			for _, id := range acknowledged {
				if !there[id] {
					t.Errorf("the acknowledged write %s is lost", id)
				}
			}
		})
	}
}
