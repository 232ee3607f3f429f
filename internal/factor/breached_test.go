package factor

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// leaked writes a list of passwords in one of the forms that are about.
func leaked(passwords []string, form string) []byte {
	var hashes []string
	for _, p := range passwords {
		h := fmt.Sprintf("%x", sha1.Sum([]byte(p)))
		if form != "small" {
			h = strings.ToUpper(h)
		}
		hashes = append(hashes, h)
	}
	slices.Sort(hashes)
	end := map[string]string{"lines": "\n", "counted": ":17\n", "windows": ":3\r\n", "open": "\n", "small": "\n"}[form]
	list := strings.Join(hashes, end) + end
	if form == "open" {
		list = strings.TrimSuffix(list, "\n")
	}
	return []byte(list)
}

func write(t testing.TB, content []byte) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "leaked.txt")
	if err := os.WriteFile(p, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func open(t testing.TB, content []byte) *Breached {
	t.Helper()
	b, err := OpenBreached(write(t, content))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// The list answers for each of its passwords and for no other, whatever its
// length and form, first and last line included.
func TestTheListIsSearched(t *testing.T) {
	for _, form := range []string{"lines", "counted", "windows", "open", "small"} {
		for _, n := range []int{1, 2, 3, 7, 100, 400} {
			var in []string
			for i := range n {
				in = append(in, fmt.Sprintf("leaked %d", i))
			}
			b := open(t, leaked(in, form))
			for i := range n {
				if ok, err := b.Contains(text(in[i])); err != nil || !ok {
					t.Fatalf("%s, %d lines: password %d is not found: %v", form, n, i, err)
				}
			}
			for i := range 200 {
				if ok, err := b.Contains(text(fmt.Sprintf("never leaked %d", i))); err != nil || ok {
					t.Fatalf("%s, %d lines: a strange password is found: %v", form, n, err)
				}
			}
		}
	}
}

// Lines of many lengths, as counts make them.
func TestLinesMayDifferInLength(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "lines")
		var sums []sum
		for i := range n {
			sums = append(sums, sha1.Sum([]byte{byte(i)}))
		}
		slices.SortFunc(sums, func(a, b sum) int { return bytes.Compare(a[:], b[:]) })
		var list bytes.Buffer
		for _, s := range sums {
			fmt.Fprintf(&list, "%X", s)
			if d := rapid.IntRange(0, 20).Draw(t, "digits"); d > 0 {
				list.WriteString(":" + strings.Repeat("9", d))
			}
			list.WriteString(rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "end"))
		}
		b := &Breached{list: bytes.NewReader(list.Bytes()), size: int64(list.Len())}
		if err := b.sample(); err != nil {
			t.Fatal(err)
		}
		for i := range 2 * n {
			s := sha1.Sum([]byte{byte(i)})
			if ok, err := b.search(s); err != nil || ok != (i < n) {
				t.Fatalf("password %d of %d: %v, %v", i, n, ok, err)
			}
		}
	})
}

// vast is a list of a thousand million hashes at equal distances that exists
// only where it is read.
type vast struct {
	lines int64
	reads int
}

const vastLine = 41

func (v *vast) sum(i int64) (s sum) {
	n := new(big.Int).Lsh(big.NewInt(i), 160)
	n.Div(n, big.NewInt(v.lines)).FillBytes(s[:])
	return s
}

func (v *vast) ReadAt(p []byte, at int64) (int, error) {
	v.reads++
	var text []byte
	first := at / vastLine
	for i := first; i < v.lines && len(text) < len(p)+vastLine; i++ {
		text = fmt.Appendf(text, "%X\n", v.sum(i))
	}
	n := copy(p, text[min(at-first*vastLine, int64(len(text))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// The public list has forty gigabytes; a question must not read them.
func TestALongListIsAskedInFewReads(t *testing.T) {
	v := &vast{lines: 1_000_000_000}
	b := &Breached{list: v, size: v.lines * vastLine}
	if err := b.sample(); err != nil {
		t.Fatal(err)
	}
	if v.reads > 2*samples+20 {
		t.Errorf("opening reads %d times", v.reads)
	}
	for _, i := range []int64{0, 1, 2, 499_999_999, 500_000_000, 123_456_789, v.lines - 2, v.lines - 1} {
		v.reads = 0
		ok, err := b.search(v.sum(i))
		if err != nil || !ok || v.reads > 90 {
			t.Errorf("line %d: %v, %v, %d reads", i, ok, err, v.reads)
		}
		near := v.sum(i)
		binary.BigEndian.PutUint32(near[16:], binary.BigEndian.Uint32(near[16:])+1)
		if ok, err := b.search(near); err != nil || ok {
			t.Errorf("beside line %d: %v, %v", i, ok, err)
		}
	}
}

func TestADamagedListIsRefused(t *testing.T) {
	var many []string
	for i := range 30_000 {
		many = append(many, fmt.Sprintf("leaked %d", i))
	}
	good := leaked(many, "lines")
	lines := bytes.SplitAfter(bytes.TrimSuffix(good, []byte("\n")), []byte("\n"))
	byCount := slices.Clone(lines)
	byCount[len(byCount)-1] = append(bytes.Clone(byCount[len(byCount)-1]), '\n')
	slices.SortFunc(byCount, func(a, b []byte) int { return bytes.Compare(a[7:], b[7:]) })
	torn := bytes.Clone(good)
	copy(torn[len(good)/2:], bytes.Repeat([]byte("NOT HEXADECIMAL, "), len(good)/50/17))
	for name, content := range map[string][]byte{
		"nothing":             nil,
		"an empty line":       []byte("\n"),
		"words":               []byte("password\nletmein\n"),
		"ordered by count":    bytes.Join(byCount, nil),
		"backwards":           bytes.Join(append([][]byte{[]byte("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\n")}, lines...), nil),
		"half a download":     good[:41*15_000],
		"most of a download":  good[:41*26_000],
		"the second half":     good[41*3_000:],
		"cut within a line":   good[:len(good)-10],
		"an empty line after": append(bytes.Clone(good), '\n'),
		"one long line":       bytes.Repeat([]byte("A"), 5000),
		"a damaged middle":    torn,
		"two parts swapped":   bytes.Join([][]byte{good[:41*8000], good[41*16_000 : 41*24_000], good[41*8000 : 41*16_000], good[41*24_000:]}, nil),
		"a count of letters":  []byte("0000000000000000000000000000000000000000:many\n"),
		"a colon and no more": []byte("0000000000000000000000000000000000000000:\n"),
		"a count too long":    []byte(strings.Repeat("0", 40) + ":" + strings.Repeat("1", 21) + "\n"),
		"a short hash":        []byte("000000000000000000000000000000000000000\n"),
		"NTLM hashes":         []byte("8846F7EAEE8FB117AD06BDD830B7586C:1\n"),
	} {
		p := write(t, content)
		b, err := OpenBreached(p)
		if name == "half a download" {
			// Of 600 kB nobody can say that it should be more.
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else if err == nil {
			t.Errorf("%s is taken", name)
		} else if !strings.Contains(err.Error(), p) {
			t.Errorf("%s: the list is not named: %v", name, err)
		}
		if err == nil {
			_ = b.Close()
		}
	}
	if _, err := OpenBreached(t.TempDir()); err == nil {
		t.Error("a folder is taken for a list")
	}
	if _, err := OpenBreached(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// Damage that the samples missed is an error for whoever comes across it.
func TestDamageFoundLaterIsAnError(t *testing.T) {
	passwords := []string{"pw 1", "pw 2", "pw 3", "pw 4", "pw 5", "pw 6", "pw 7"}
	good := leaked(passwords, "lines")
	const middle = 4 * 41 // the line that a search of these looks at first
	for name, damage := range map[string]string{"a torn line": "?", "two lines changed about": strings.Repeat("F", 40) + "\n" + strings.Repeat("0", 40)} {
		list := bytes.Clone(good)
		copy(list[middle:], damage)
		b := &Breached{list: bytes.NewReader(list), size: int64(len(list)), path: "late"}
		for _, p := range append(passwords, "pw 8", "pw 9") {
			if ok, err := b.Contains(text(p)); err == nil || ok || !strings.Contains(err.Error(), "late") || strings.Contains(err.Error(), p) {
				t.Errorf("%s: %v, %v", name, ok, err)
			}
		}
	}
	backwards := bytes.Join([][]byte{good[5*41:], good[4*41 : 5*41], good[3*41 : 4*41], good[2*41 : 3*41], good[:2*41]}, nil)
	b := &Breached{list: bytes.NewReader(backwards), size: int64(len(backwards)), path: "late"}
	if _, err := b.Contains(text("pw 1")); err == nil {
		t.Error("a list in falling order answers")
	}
	var hundred []string
	for i := range 100 {
		hundred = append(hundred, fmt.Sprintf("leaked %d", i))
	}
	sorted := leaked(hundred, "lines")
	for cut, want := range map[int]byte{30: 0xff, 70: 0x00} { // each part is in order, and one is in the wrong place
		list := slices.Concat(sorted[cut*41:], sorted[:cut*41])
		b := &Breached{list: bytes.NewReader(list), size: int64(len(list)), path: "late"}
		if _, err := b.search(sum(bytes.Repeat([]byte{want}, 20))); err == nil {
			t.Errorf("a list turned about by %d lines answers", cut)
		}
	}
	tail := []byte(strings.Repeat("0", 40) + ":" + strings.Repeat("1", 200) + "\n" + strings.Repeat("1", 40) + "\n")
	b = &Breached{list: bytes.NewReader(tail), size: int64(len(tail)), path: "late"}
	if _, err := b.search(sum(bytes.Repeat([]byte{0xff}, 20))); err == nil {
		t.Error("a line that is too long was passed over")
	}
	short := &Breached{list: bytes.NewReader(good[:20]), size: int64(len(good)), path: "late"}
	if ok, err := short.Contains(text("pw 1")); err == nil || ok {
		t.Error("a list that became shorter says no")
	}
}

func TestWithoutAListNothingIsOnIt(t *testing.T) {
	b, err := OpenBreached("")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := b.Contains(text("password")); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
