package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
)

// What the doctor says of a volume is said of the machine that PostgreSQL runs on: not of
// a folder that has the same name here, whatever address a tunnel makes the server see.
func TestADatabaseOfAnotherMachineIsNotLookedUnderHere(t *testing.T) {
	processes := t.TempDir()
	for process, name := range map[int]string{7: "postgres\n", 8: "sshd\n"} {
		folder := filepath.Join(processes, fmt.Sprint(process))
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "comm"), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for story, c := range map[string]struct {
		address string
		process int64
		want    bool
	}{
		"a socket, a process of ours":                     {"", 7, true},
		"our own address, a process of ours":              {"127.0.0.1", 7, true},
		"a socket that leads elsewhere":                   {"", 9, false},
		"a tunnel: its end sees its own address":          {"127.0.0.1", 9, false},
		"a tunnel, and another program has that number":   {"127.0.0.1", 8, false},
		"another address, and a server runs here as well": {"203.0.113.9", 7, false},
		"no address at all":                               {"elsewhere", 7, false},
	} {
		if got := here(c.address, c.process, processes); got != c.want {
			t.Errorf("%s: here %v", story, got)
		}
	}
}

// A server whose process is not among those of this machine: no folder of this machine is
// named, and nothing is said to be encrypted.
func TestTheDoctorSaysNothingOfAVolumeItCannotSee(t *testing.T) {
	d := dbtest.Open(t, db.PostgreSQL, nil)
	f := lookUnder(t.Context(), d, t.TempDir())
	if !strings.Contains(f.found, "from elsewhere than this machine") || strings.Contains(f.found, "/") {
		t.Errorf("%+v", f)
	}
}
