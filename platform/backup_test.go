package main_test

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lender is a data folder with a tenant, and the program that works on it.
type lender struct {
	*testing.T
	program, dir string
}

func (l *lender) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, l.program, args...)
	c.Dir, c.Env = l.dir, append(os.Environ(), "LENDKEEP_REGION=us-east", "LENDKEEP_WITNESS=", "LENDKEEP_POSTGRES=")
	return c
}

func (l *lender) run(args ...string) string {
	l.Helper()
	out, err := l.command(l.Context(), args...).CombinedOutput()
	if err != nil {
		l.Fatalf("lendkeep %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// killed runs a command and kills it after a while; it reports whether it was quicker.
func (l *lender) killed(after time.Duration, args ...string) (ended bool) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), after) // CommandContext kills with SIGKILL
	defer cancel()
	return l.command(ctx, args...).Run() == nil
}

// Whenever a backup is killed there is no file of its name, or a whole one; whenever a
// restore is killed there is no tenant, or a whole one, and the next restore succeeds.
func TestKilledBackupsAndRestoresLeaveNothingHalf(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole program takes longer than a short run")
	}
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	l := &lender{T: t, program: path, dir: t.TempDir()}
	l.run("tenant", "create", "acme", "--name", "Acme", "--host", "lend.acme.example", "--region", "us-east", "--admin-email", "boss@acme.example")
	began := time.Now()
	l.run("backup", "--tenant", "acme", "--out", "good.backup", "--key-store", "good.keys")
	long := time.Since(began)
	restore := []string{"--void", "--administrator", "boss@acme.example", "--data", "back"}
	folder := filepath.Join(l.dir, "back")
	fresh := func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		key, err := os.ReadFile(filepath.Join(l.dir, "data", "kms.key"))
		if err == nil {
			err = os.Mkdir(folder, 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, "kms.key"), key, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	fresh()
	began = time.Now()
	l.run(append([]string{"restore", "good.backup", "--key-store", "good.keys"}, restore...)...)
	back := time.Since(began)
	const kills = 12
	halves := 0
	for range kills {
		for _, f := range []string{"cut.backup", "cut.keys"} {
			_ = os.Remove(filepath.Join(l.dir, f))
		}
		l.killed(time.Duration(rand.Int64N(int64(long))), "backup", "--tenant", "acme", "--out", "cut.backup", "--key-store", "cut.keys")
		file := "good.backup"
		if _, err := os.Stat(filepath.Join(l.dir, "cut.backup")); err == nil {
			file = "cut.backup" // then it must be whole
		}
		fresh()
		if l.killed(back/4+time.Duration(rand.Int64N(int64(back))), append([]string{"restore", file, "--key-store", "good.keys"}, restore...)...) {
			continue
		}
		if left, _ := filepath.Glob(filepath.Join(folder, "tenants", "*.db")); len(left) > 0 {
			halves++
		}
		if list := l.run("tenant", "list", "--data", "back"); strings.Contains(list, "acme") {
			l.run("audit", "verify", "--tenant", "acme", "--data", "back")
			continue
		}
		l.run(append([]string{"restore", file, "--key-store", "good.keys"}, restore...)...)
		l.run("audit", "verify", "--tenant", "acme", "--data", "back")
	}
	if halves == 0 {
		t.Errorf("of %d restores none was killed with its databases half made, so the test says nothing", kills)
	}
	t.Logf("%d of %d restores were killed with databases half made", halves, kills)
}
