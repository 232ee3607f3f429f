package folder

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/mail"
)

var letter = mail.Message{To: "jane@example.com", Subject: "Hello", Text: "text"}

func TestLettersLieInTheFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "post")
	var mu sync.Mutex
	now := int64(1_763_790_000_000_000)
	box, err := New(dir, "house@lender.example", func() int64 { mu.Lock(); defer mu.Unlock(); now++; return now })
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := box.Send(t.Context(), letter); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var names []string
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 || filepath.Ext(f.Name()) != ".eml" {
			t.Errorf("%s %v %v", f.Name(), info.Mode(), err)
		}
		names = append(names, f.Name())
	}
	if !slices.IsSorted(names) || !strings.HasPrefix(names[0], "20251122T") {
		t.Errorf("names %v", names)
	}
	raw, err := os.ReadFile(filepath.Join(dir, names[0]))
	if err != nil || !strings.Contains(string(raw), "\r\nTo: jane@example.com\r\n") {
		t.Errorf("%s %v", raw, err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder is %v", info.Mode())
	}
}

func TestBadLettersLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	box, err := New(dir, "house@lender.example", func() int64 { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	bad := letter
	bad.To = "a@b\nBcc: c@d"
	if err := box.Send(t.Context(), bad); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := box.Send(over, letter); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("left %v", files)
	}
	if _, err := New(dir, "nobody", nil); err == nil {
		t.Error("a sender that is no address was taken")
	}
	os.RemoveAll(dir)
	if err := box.Send(t.Context(), letter); err == nil {
		t.Error("a letter went to a folder that is gone")
	}
}
