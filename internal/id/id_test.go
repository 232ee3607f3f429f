package id

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const morning = int64(1_763_790_000_000_000)

// round makes, reads back and counts an id of one noun.
func round[N Noun](t *testing.T, seen map[string]string) {
	t.Helper()
	n := New[N](morning)
	prefix, _, _ := strings.Cut(string(n), "_")
	if other, twice := seen[prefix]; twice {
		t.Errorf("%T and %s share the prefix %s", n, other, prefix)
	}
	seen[prefix] = string(n)
	if got, err := Parse[N](string(n)); err != nil || got != n || len(n) != 29 {
		t.Errorf("%T %s came back as %s %v", n, n, got, err)
	}
}

func TestEveryNounHasItsPrefix(t *testing.T) {
	seen := map[string]string{}
	for _, one := range []func(*testing.T, map[string]string){
		round[Tenant], round[User], round[Role], round[Session], round[APIKey], round[Borrower], round[Loan], round[Entry], round[Note], round[Portfolio], round[SourceCompany], round[CustomField],
		round[Application], round[Check], round[Verdict], round[RuleSet], round[Restriction], round[IPRule], round[Grant], round[SiteKey], round[Decision], round[Audit], round[Job],
	} {
		one(t, seen)
	}
	if len(seen) != 23 {
		t.Errorf("%d prefixes", len(seen))
	}
	for _, s := range seen { // no id stands for another noun
		_, loan := Parse[Loan](s)
		_, borrower := Parse[Borrower](s)
		if (loan == nil) != strings.HasPrefix(s, "ln_") || (borrower == nil) != strings.HasPrefix(s, "bo_") {
			t.Errorf("%s is read as a loan %v, a borrower %v", s, loan, borrower)
		}
	}
}

func TestIDsAreUnique(t *testing.T) {
	seen := make(map[Loan]bool, 100_000)
	for range 100_000 {
		n := New[Loan](morning)
		if seen[n] {
			t.Fatalf("%s came twice", n)
		}
		seen[n] = true
	}
}

func TestIDsSortByTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.SliceOfNDistinct(rapid.Int64Range(0, 4e15/1000), 2, 20, rapid.ID[int64]).Draw(t, "milliseconds")
		slices.Sort(at)
		var ids []Audit
		for _, ms := range at {
			ids = append(ids, New[Audit](ms*1000))
		}
		if !slices.IsSorted(ids) {
			t.Fatalf("out of order: %v at %v", ids, at)
		}
	})
}

func TestTheInstantIsAllThatAnIDTells(t *testing.T) {
	a, b := New[Loan](morning), New[Loan](morning)
	if a[:12] != b[:12] || a[13:] == b[13:] {
		t.Errorf("%s and %s", a, b)
	}
}

func TestHostileTextIsNoID(t *testing.T) {
	good := string(New[Loan](morning))
	for name, text := range map[string]string{
		"nothing": "", "prefix": "ln_", "short": good[:28], "long": good + "0", "upper case": strings.ToUpper(good), "another noun": "bo" + good[2:], "no prefix": good[3:], "a space": good[:28] + " ",
		"a letter left out of the alphabet": good[:28] + "u", "i": good[:28] + "i", "bits behind the end": good[:28] + "1", "a line end": good[:28] + "\n", "line ends inside": "ln_" + good[3:15] + "\n" + good[15:28],
		"a zero": good[:28] + "\x00", "twice": "ln_" + good, "other digits": "ln_" + strings.Repeat("٠", 13), "padding": good[:28] + "=",
	} {
		if n, err := Parse[Loan](text); !errors.Is(err, ErrID) || n != "" {
			t.Errorf("%s: %q was read as %q %v", name, text, n, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(string(New[Loan](morning)))
	f.Add("ln_00000000000000000000000000")
	f.Add("ln_zzzzzzzzzzzzzzzzzzzzzzzzzz")
	f.Add("bo_00000000000000000000000000")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Parse[Loan](text)
		if err != nil {
			if n != "" {
				t.Errorf("%q with an error gave %q", text, n)
			}
			return
		}
		if string(n) != text || len(text) != 29 || strings.Trim(text[3:], alphabet) != "" || !strings.ContainsAny(text[28:], "048cgmrw") {
			t.Errorf("%q is read as an id", text)
		}
	})
}

func TestAnIDTellsWhenItWasMade(t *testing.T) {
	const at = 1_795_347_600_123_456
	if got := Instant(New[Decision](at)); got != 1_795_347_600_123_000 {
		t.Errorf("made at %d, tells %d", int64(at), got)
	}
	for _, odd := range []Decision{"", "dc_", "dc_x", Decision(New[Loan](at))} {
		if got := Instant(odd); got != 0 {
			t.Errorf("%q tells %d", odd, got)
		}
	}
}
