package witness_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/audit/witness"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
)

const origin = "lendkeep/trail/tn_00000000000000000000000001"

// taken records that somebody was switched off, among other things that happen.
func (o *office) taken(users ...string) {
	o.Helper()
	for _, u := range users {
		for _, outcome := range []operation.Outcome{operation.Allowed, operation.Denied} {
			if err := o.trail.Join(o.Context(), &audit.Entry{Actor: "user/us_1", Channel: operation.UI, Operation: "user.update", Object: "user/" + u, Outcome: outcome}); err != nil {
				o.Fatal(err)
			}
		}
	}
	o.happen(2)
}

func (o *office) noticed() ([]witness.Notice, int64, error) {
	o.Helper()
	keys, err := o.trail.Keys()
	if err != nil {
		o.Fatal(err)
	}
	return witness.Notices(o.folder, origin, keys...)
}

func objects(list []witness.Notice) string {
	var out []string
	for _, n := range list {
		out = append(out, n.Object)
	}
	return strings.Join(out, " ")
}

// TestAFolderHasEveryNoticeUpToItsCheckpoint: what is allowed is noted in its order,
// what was refused or is something else is not, and nothing twice.
func TestAFolderHasEveryNoticeUpToItsCheckpoint(t *testing.T) {
	each(t, func(o *office) {
		o.publish.Notices = []string{"user.update"}
		o.name(witness.File, o.folder, "")
		o.happen(3)
		o.tell()
		if list, since, err := o.noticed(); err != nil || len(list) != 0 || since != 0 {
			o.Fatalf("nothing was taken from anybody: %v since %d, %v", list, since, err)
		}
		o.taken("us_a", "us_b")
		o.tell()
		o.happen(5)
		o.tell()
		o.tell()
		var many []string
		for i := range 150 {
			many = append(many, fmt.Sprintf("us_%03d", i))
		}
		o.taken(many...)
		if w := o.tell()[witness.File]; w.Trouble != "" {
			o.Fatal(w.Trouble)
		}
		o.taken("us_z")
		o.tell()
		list, since, err := o.noticed()
		if want := "user/us_a user/us_b user/" + strings.Join(many, " user/") + " user/us_z"; err != nil || since != 0 || objects(list) != want {
			o.Errorf("%s since %d, %v", objects(list), since, err)
		}
		b, err := os.ReadFile(filepath.Join(o.folder, witness.NoticesOf(origin)))
		if err != nil || strings.Contains(string(b), "us_1\n") {
			o.Errorf("the file names who did it, %v", err)
		}
	})
}

// TestNoticesCannotBeTakenAwayOrAdded: each note has its number, and is signed.
func TestNoticesCannotBeTakenAwayOrAdded(t *testing.T) {
	each(t, func(o *office) {
		o.publish.Notices = []string{"user.update"}
		o.name(witness.File, o.folder, "")
		for _, u := range []string{"us_a", "us_b", "us_c"} {
			o.taken(u)
			o.tell()
		}
		name := filepath.Join(o.folder, witness.NoticesOf(origin))
		whole, err := os.ReadFile(name)
		if err != nil {
			o.Fatal(err)
		}
		notes := strings.SplitAfter(string(whole), "\n\n")
		for story, text := range map[string]string{
			"a name altered": strings.Replace(string(whole), "us_b", "us_x", 1), "a line taken out": strings.Replace(string(whole), "user.update user/us_b", "", 1),
			"a note taken out": strings.Join(append(append([]string{}, notes[:2]...), notes[4:]...), ""), "nothing": "", "the number altered": strings.Replace(string(whole), "notices 2", "notices 3", 1),
			"the last name altered": strings.Replace(string(whole), "us_c", "us_x", 1), "the last note taken out": string(whole)[:strings.LastIndex(string(whole), origin+"\n")],
			"the last note cut off as if by a crash": string(whole)[:len(whole)-30], "a word behind the last note": strings.TrimSuffix(string(whole), "\n") + "— cut off\n\n",
		} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				o.Fatal(err)
			}
			if list, _, err := o.noticed(); !errors.Is(err, witness.ErrNotices) {
				o.Errorf("%s: %s, %v", story, objects(list), err)
			}
		}
		stranger := newServer("").key
		if err := os.WriteFile(name, whole, 0o600); err != nil {
			o.Fatal(err)
		}
		if _, _, err := witness.Notices(o.folder, origin, stranger); err == nil {
			o.Error("another key verifies them")
		}
		if list, _, err := o.noticed(); err != nil || objects(list) != "user/us_a user/us_b user/us_c" {
			o.Errorf("control: %s, %v", objects(list), err)
		}
	})
}

// TestNoNoticeIsWrittenOverOnesThatAreGone: somebody takes the last away, or changes it,
// while the house goes on. It does not number the next one as if nothing had been.
func TestNoNoticeIsWrittenOverOnesThatAreGone(t *testing.T) {
	each(t, func(o *office) {
		o.publish.Notices = []string{"user.update"}
		o.name(witness.File, o.folder, "")
		for _, u := range []string{"us_a", "us_b", "us_c"} {
			o.taken(u)
			o.tell()
		}
		name := filepath.Join(o.folder, witness.NoticesOf(origin))
		whole := o.file(name)
		for story, text := range map[string]string{
			"the last name altered": strings.Replace(whole, "us_c", "us_x", 1), "the last note taken out": whole[:strings.LastIndex(whole, origin+"\n")],
			"all taken out": "", "the last note cut off": whole[:len(whole)-30],
		} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				o.Fatal(err)
			}
			o.taken("us_d")
			if w := o.tell()[witness.File]; !strings.Contains(w.Trouble, "not as they were written") || o.file(name) != text {
				o.Errorf("%s: %q\n%s", story, w.Trouble, o.file(name))
			}
		}
		if err := os.WriteFile(name, []byte(whole), 0o600); err != nil {
			o.Fatal(err)
		}
		o.happen(1)
		if w := o.tell()[witness.File]; w.Trouble != "" {
			o.Error(w.Trouble)
		}
		if list, _, err := o.noticed(); err != nil || objects(list) != "user/us_a user/us_b user/us_c user/us_d user/us_d user/us_d user/us_d" {
			o.Errorf("put back: %s, %v", objects(list), err)
		}
	})
}

// TestAFolderThatWentBackAsAWholeIsSeenByHowFarItGoes: notices and checkpoints of an
// earlier day agree with each other, and the house goes on from there.
func TestAFolderThatWentBackAsAWholeIsSeenByHowFarItGoes(t *testing.T) {
	each(t, func(o *office) {
		o.publish.Notices = []string{"user.update"}
		o.name(witness.File, o.folder, "")
		o.taken("us_a")
		o.tell()
		before := map[string]string{}
		for _, n := range []string{witness.NoticesOf(origin), witness.FileOf(origin)} {
			before[filepath.Join(o.folder, n)] = o.file(filepath.Join(o.folder, n))
		}
		o.taken("us_b")
		o.tell()
		for name, text := range before {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				o.Fatal(err)
			}
		}
		if list, _, err := o.noticed(); err != nil || objects(list) != "user/us_a" {
			o.Errorf("%s, %v", objects(list), err)
		}
		o.taken("us_c")
		o.tell()
		if list, _, err := o.noticed(); err != nil || objects(list) != "user/us_a user/us_b user/us_c" {
			o.Errorf("%s, %v", objects(list), err)
		}
	})
}

// TestAFolderFromBeforeCheckpointsToldOfNoticesGoesOn: what it holds is taken, and told
// from the next checkpoint on.
func TestAFolderFromBeforeCheckpointsToldOfNoticesGoesOn(t *testing.T) {
	each(t, func(o *office) {
		o.name(witness.File, o.folder, "")
		o.happen(3)
		o.tell()
		name := filepath.Join(o.folder, witness.FileOf(origin))
		if strings.Contains(o.file(name), "notices") {
			o.Fatal("a folder without notices tells of some")
		}
		o.publish.Notices = []string{"user.update"}
		o.taken("us_a")
		o.tell()
		o.taken("us_b")
		o.tell()
		if list, since, err := o.noticed(); err != nil || since != 3 || objects(list) != "user/us_a user/us_b" {
			o.Errorf("%s since %d, %v", objects(list), since, err)
		}
		kept, torn := checkpoint.Whole(o.file(name))
		if len(kept) != 3 || torn != 0 || !strings.Contains(kept[2], "\nnotices 2\n") {
			o.Errorf("%q", kept)
		}
		o.verify(kept)
	})
}

// cuts are places in the last note of a file where a crash may have cut it off: some, and
// those at which its lines end. (All of them hold; they take their time.)
func (o *office) cuts(whole string) (out []int) {
	step := 11
	if o.d.Engine() == db.PostgreSQL {
		step = 47 // the file is the same behind either engine
	}
	for at := strings.LastIndex(whole, origin+"\n") + 1; at < len(whole); at++ {
		if at%step == 0 || whole[at-1] == '\n' || at > len(whole)-4 {
			out = append(out, at)
		}
	}
	return out
}

// TestANoteThatACrashCutOffIsSaidAgain: the checkpoint was not written yet, so the next
// try begins where the cut one did.
func TestANoteThatACrashCutOffIsSaidAgain(t *testing.T) {
	each(t, func(o *office) {
		o.publish.Notices = []string{"user.update"}
		o.name(witness.File, o.folder, "")
		o.taken("us_a")
		o.tell()
		name, held := filepath.Join(o.folder, witness.NoticesOf(origin)), filepath.Join(o.folder, witness.FileOf(origin))
		before, err := os.ReadFile(held)
		if err != nil {
			o.Fatal(err)
		}
		o.taken("us_b")
		o.tell()
		whole, err := os.ReadFile(name)
		if err != nil {
			o.Fatal(err)
		}
		begins := strings.LastIndex(string(whole), origin+"\n")
		for _, cut := range o.cuts(string(whole)) {
			if err := os.WriteFile(name, whole[:cut], 0o600); err != nil {
				o.Fatal(err)
			}
			if err := os.WriteFile(held, before, 0o600); err != nil {
				o.Fatal(err)
			}
			o.happen(1)
			if w := o.tell()[witness.File]; w.Trouble != "" {
				o.Fatalf("cut at %d: %s", cut-begins, w.Trouble)
			}
			if list, _, err := o.noticed(); err != nil || objects(list) != "user/us_a user/us_b" {
				o.Fatalf("cut at %d: %s, %v", cut-begins, objects(list), err)
			}
		}
	})
}
