package factor

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/fault"
)

var smith = About{Email: "a.smith+loans@acme.example", Name: "Anna-Lena Smith O'Hara Li", House: []string{"Acme Lending", "Lendkeep"}}

func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Path != "password" || f.Fields[0].Reason != f.Reason {
		return "no fault about the password: " + err.Error()
	}
	return f.Reason
}

func TestWhatIsTriedFirstIsRefused(t *testing.T) {
	b := open(t, leaked([]string{"xkvq-29-plume-thrush", "other"}, "counted"))
	for want, passwords := range map[string][]string{
		"password_common": {
			"password1234", "Password2026!", "P@ssw0rd2026!", "passwordpassword", "p4$$w0rdp4$$w0rd", "MyPassword!!!", "password123456789",
			"qwertyuiop12", "qwertyuiopasdf", "1qaz2wsx3edc", "qazwsxedcrfv", "zxcvbnmasdfghjkl", "poiuytrewq123", "asdfasdfasdf", "qwerty123456",
			"123456789012", "1234567890123456", "098765432109", "111111111111", "aaaaaaaaaaaa", "abcabcabcabc", "abcdefghijkl", "zyxwvutsrqpo", "112233112233",
			"letmein12345", "LetMeIn!LetMeIn!", "iloveyou1234", "ILoveYouForever", "welcome12345", "Welcome2026!!", "admin1234567", "administrator",
			"changeme1234", "ChangeMe1!2?", "summer2026!!", "Winter-2026!", "december2026", "trustno1trustno1", "sunshine1234",
			"football1234", "Acme Lending 1", "AcmeLending2026!", "lendkeep1234", "Lendkeep!Lendkeep", "welcome to acme", "acme-lending-2026", "secretpassword", "superman1234",
			"Password Password Password", "hello aaaaaaaaa", "!!password!!", "ABCD1234abcd1234", "test test test", "one two three", "................", "qwertyqwerty",
		},
		"password_personal": {
			"smith-and-wesson-9", "I am a.smith", "ASMITH loves rain", "annalena forever x", "the ohara clan sings", "loans are my only joy", "xxSMITHxx-plum-tree",
		},
		"password_breached": {"xkvq-29-plume-thrush"},
		"": {
			"correct horse battery staple", "plum thrush gravel 9", "climbing slippery wall", "Tr0ub4dor&3-zebra", "xkvq-29-plume-thrusH", "q7#Lw92!mPzR",
			"kj3h4k5j6h7k8j", "mein Fahrrad ist grün", "パスワードではない言葉です", "summer thrush gravel", "84937265019284", "anchor lends kept", "summer tiger coffee purple dragon", "tiger 84-93-72-65-01", "plumthrushgrplumthrushgr",
		},
	} {
		for _, p := range passwords {
			if got := reasonOf(b.Check(text(p), smith)); got != want {
				t.Errorf("%q: %q, want %q", p, got, want)
			}
		}
	}
}

// An answer about a password never holds it.
func TestTheAnswerDoesNotRepeatThePassword(t *testing.T) {
	b := open(t, leaked([]string{"xkvq-29-plume-thrush"}, "lines"))
	for _, p := range []string{"xkvq-29-plume-thrush", "password1234", "smith-and-wesson-9"} {
		if err := b.Check(text(p), smith); err == nil || strings.Contains(err.Error(), p) {
			t.Errorf("%v", err)
		}
	}
}

// Without anything about the person, and with the longest of passwords, the
// check goes through.
func TestTheCheckTakesWhatItGets(t *testing.T) {
	b := &Breached{}
	for _, p := range []string{"", "a", strings.Repeat("qwer", 5000), strings.Repeat("\xff", 300), strings.Repeat("é", 300)} {
		if got := reasonOf(b.Check(text(p), About{})); got != "" && got != "password_common" {
			t.Errorf("%.10q: %s", p, got)
		}
	}
	long := ""
	for i := range 2000 {
		long += fmt.Sprintf("%x", i*i*7919)
	}
	if got := reasonOf(b.Check(text(long), About{})); got != "" {
		t.Errorf("a long password: %s", got)
	}
	unreadable := &Breached{list: bytes.NewReader([]byte("x")), size: 100, path: "gone"}
	if err := unreadable.Check(text("plum thrush gravel 9"), About{}); err == nil || fault.Is(err, fault.Invalid) {
		t.Errorf("a list that cannot be read lets a password pass: %v", err)
	}
}
