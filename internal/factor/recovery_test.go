package factor

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTheSheetOfRecoveryCodes(t *testing.T) {
	codes, hashes := NewRecoveryCodes("usr_anna")
	if len(codes) != 10 || len(hashes) != 10 {
		t.Fatalf("%d codes, %d hashes", len(codes), len(hashes))
	}
	seen := map[string]bool{}
	for i, c := range codes {
		if !regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$`).MatchString(c.Reveal()) {
			t.Errorf("code %d is not easy to read", i)
		}
		if len(hashes[i]) != 32 || bytes.Contains(hashes[i], []byte(c.Reveal())) || seen[c.Reveal()] {
			t.Errorf("code %d is kept badly", i)
		}
		seen[c.Reveal()] = true
	}
}

// A code works once: the caller takes its hash away, and it is gone while the
// others stay.
func TestARecoveryCodeIsGoodOnceAndForItsOwner(t *testing.T) {
	codes, hashes := NewRecoveryCodes("usr_anna")
	for i := range codes {
		if _, ok := MatchRecoveryCode("usr_bob", codes[i], hashes); ok {
			t.Error("Anna's code is good for Bob")
		}
		at, ok := MatchRecoveryCode("usr_anna", codes[i], hashes)
		if !ok || at != 0 {
			t.Fatalf("code %d: found at %d, %v", i, at, ok)
		}
		hashes = append(hashes[:at:at], hashes[at+1:]...)
		if _, ok := MatchRecoveryCode("usr_anna", codes[i], hashes); ok {
			t.Errorf("code %d is good twice", i)
		}
	}
}

// However a code is copied from paper, it is the same one; and one letter wrong
// is wrong.
func TestARecoveryCodeMayBeTypedInManyWays(t *testing.T) {
	codes, hashes := NewRecoveryCodes("usr_anna")
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(codes)-1).Draw(t, "code")
		var typed strings.Builder
		for _, c := range strings.ReplaceAll(codes[i].Reveal(), "-", "") {
			typed.WriteString(rapid.SampledFrom([]string{"", "", "-", " ", "\u2011", "\r\n"}).Draw(t, "between"))
			s := string(c)
			if w := map[string][]string{"0": {"O", "o"}, "1": {"I", "l", "L", "i"}, "V": {"u", "U"}}[s]; w != nil && rapid.Bool().Draw(t, "misread") {
				s = rapid.SampledFrom(w).Draw(t, "as")
			} else if rapid.Bool().Draw(t, "small") {
				s = strings.ToLower(s)
			}
			typed.WriteString(s)
		}
		at, ok := MatchRecoveryCode("usr_anna", text(typed.String()), hashes)
		if !ok || at != i {
			t.Fatalf("%q is refused", typed.String())
		}
	})
	plain := strings.ReplaceAll(codes[0].Reveal(), "-", "")
	for i := range plain {
		for _, c := range recoveryLetters {
			if wrong := plain[:i] + string(c) + plain[i+1:]; wrong != plain {
				if _, ok := MatchRecoveryCode("usr_anna", text(wrong), hashes); ok {
					t.Fatalf("a code with letter %d wrong is taken", i)
				}
			}
		}
	}
	for _, bad := range []string{"", "-", plain[:15], plain + "0", "!" + plain[1:], strings.Repeat("-", 100) + plain} {
		if _, ok := MatchRecoveryCode("usr_anna", text(bad), hashes); ok {
			t.Errorf("%q is taken", bad)
		}
	}
}

// What cannot be read matches nothing, not even a hash made of it.
func TestUnreadableCodesMatchNothing(t *testing.T) {
	if _, ok := MatchRecoveryCode("usr_anna", text("?"), [][]byte{recoveryHash("usr_anna", "")}); ok {
		t.Error("an unreadable code matched the hash of nothing")
	}
	if _, ok := MatchRecoveryCode("usr_anna", text(""), nil); ok {
		t.Error("nothing matched nothing")
	}
}
