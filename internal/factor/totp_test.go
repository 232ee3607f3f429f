package factor

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pquerna/otp"
	"pgregory.net/rapid"

	"github.com/lendkeep/lendkeep/internal/secret"
)

func text(s string) secret.Text { return secret.NewText(s) }

// RFC 6238, appendix B. The vectors have eight digits; an app's six are the
// last six of them, since both are remainders of one number.
func TestTheVectorsOfRFC6238(t *testing.T) {
	s := text(base32Plain.EncodeToString([]byte("12345678901234567890")))
	for at, code := range map[int64]string{59: "94287082", 1111111109: "07081804", 1111111111: "14050471",
		1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130"} {
		if step, ok := VerifyTOTP(s, text(code[2:]), at*second, 0); !ok || step != at/30 {
			t.Errorf("at %d: step %d, %v", at, step, ok)
		}
	}
}

// oracle computes a code from the words of RFC 4226, without the library.
func oracle(key []byte, step int64) string {
	h := hmac.New(sha1.New, key)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := h.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[19]&15:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000)
}

// A code is right within one step of its own, and only once.
func TestACodeIsGoodNearItsStepAndOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "key")
		s := text(base32Plain.EncodeToString(key))
		at := rapid.Int64Range(60*second, 1<<52).Draw(t, "at")
		off := rapid.Int64Range(-4, 4).Draw(t, "off")
		now := at / (30 * second)
		code := oracle(key, now+off)
		near := code == oracle(key, now-1) || code == oracle(key, now) || code == oracle(key, now+1)
		step, ok := VerifyTOTP(s, text(code), at, 0)
		if ok != near {
			t.Fatalf("%d steps away: %v", off, ok)
		}
		if !ok {
			return
		}
		if oracle(key, step) != code {
			t.Fatal("the step is not the code's own")
		}
		for later := at; later < at+120*second; later += 10 * second {
			if _, again := VerifyTOTP(s, text(code), later, step); again && oracle(key, later/(30*second)+1) != code {
				t.Fatal("the code was good twice")
			}
		}
	})
}

// Two steps can share a code. Then the later one counts as used. These two of
// the vectors' secret were found by trying.
func TestACodeThatTwoStepsShareIsGoodOnce(t *testing.T) {
	const step = 910738
	key := []byte("12345678901234567890")
	s, code := text(base32Plain.EncodeToString(key)), oracle(key, step)
	if oracle(key, step-1) != code {
		t.Fatal("the steps do not share a code")
	}
	got, ok := VerifyTOTP(s, text(code), (step-1)*30*second, 0)
	if !ok || got != step {
		t.Errorf("step %d, %v; want the later, %d", got, ok, step)
	}
	if _, ok := VerifyTOTP(s, text(code), step*30*second, got); ok {
		t.Error("the code was good twice")
	}
}

func TestHowACodeIsTyped(t *testing.T) {
	key := []byte("12345678901234567890")
	s := text(base32Plain.EncodeToString(key))
	code := oracle(key, 2)
	at := 60 * second
	for _, good := range []string{code, code[:3] + " " + code[3:], " " + code + " ", code[:3] + "-" + code[3:], code[:3] + "\u00a0" + code[3:]} {
		if _, ok := VerifyTOTP(s, text(good), at, 0); !ok {
			t.Errorf("%q is refused", good)
		}
	}
	for _, bad := range []string{"", code[:5], code + "0", "x" + code[1:], "+" + code, code + "\n", strings.Repeat(" ", 40) + code, "१२३४५६"} {
		if _, ok := VerifyTOTP(s, text(bad), at, 0); ok {
			t.Errorf("%q is taken", bad)
		}
	}
	if _, ok := VerifyTOTP(text("no base32!"), text(code), at, 0); ok {
		t.Error("a secret that is none verifies")
	}
	if _, ok := VerifyTOTP(s, text(oracle(key, 0)), -100*second, -9); ok {
		t.Error("an instant before the first step is taken")
	}
}

func TestWhatAnAppIsShown(t *testing.T) {
	s := NewTOTPSecret()
	if s.Equal(NewTOTPSecret()) || len(s.Reveal()) != 32 {
		t.Fatal("secrets are not 160 fresh bits")
	}
	e, err := ShowTOTP(s, " Acme: Lending & Söhne + 1", "anna+test&secret=AAAA@lend.example")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(e.URI.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Acme Lending & Söhne + 1:anna+test&secret=AAAA@lend.example" || len(q) != 5 || !slices.Equal(q["secret"], []string{s.Reveal()}) ||
		q.Get("issuer") != "Acme Lending & Söhne + 1" || q.Get("algorithm") != "SHA1" || q.Get("digits") != "6" || q.Get("period") != "30" {
		t.Errorf("%s", u)
	}
	if !regexp.MustCompile(`^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$`).MatchString(e.Typed.Reveal()) || strings.ReplaceAll(e.Typed.Reveal(), " ", "") != s.Reveal() {
		t.Error("the secret cannot be typed in as it is shown")
	}
	for _, bad := range []struct{ s, issuer, account string }{
		{s.Reveal(), "", "anna"}, {s.Reveal(), "Acme", ""}, {s.Reveal(), " : ", "anna"}, {"", "Acme", "anna"}, {"AAAA", "Acme", "anna"},
		{strings.ToLower(s.Reveal()), "Acme", "anna"}, {s.Reveal(), strings.Repeat("Acme", 1000), "anna"},
	} {
		if _, err := ShowTOTP(text(bad.s), bad.issuer, bad.account); err == nil || strings.Contains(err.Error(), s.Reveal()) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// The path draws the library's modules and nothing else, within the margin.
func TestTheQRCodeIsDrawnAsItIs(t *testing.T) {
	for n := 1; n < 1200; n += n/2 + 1 {
		account := strings.Repeat("a", n)
		s := NewTOTPSecret()
		e, err := ShowTOTP(s, "Lendkeep", account)
		if err != nil {
			t.Fatal(err)
		}
		dark := draw(t, e.QR)
		key, err := otp.NewKeyFromURL(e.URI.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		side := e.QR.Side - 2*quiet
		img, err := key.Image(side, side)
		if err != nil || (side-17)%4 != 0 {
			t.Fatal(side, err)
		}
		for y := range e.QR.Side {
			for x := range e.QR.Side {
				inside := min(x, y) >= quiet && max(x, y) < quiet+side
				want := false
				if inside {
					r, _, _, _ := img.At(x-quiet, y-quiet).RGBA()
					want = r == 0
				}
				if dark[[2]int{x, y}] != want {
					t.Fatalf("account of %d: the module at %d, %d is wrong", n, x, y)
				}
			}
		}
		// The three eyes by which a camera finds the symbol, and the clock between.
		for _, eye := range [][2]int{{0, 0}, {side - 7, 0}, {0, side - 7}} {
			for i := range 7 {
				for j := range 7 {
					ring := max(max(3-i, i-3), max(3-j, j-3))
					if dark[[2]int{quiet + eye[0] + i, quiet + eye[1] + j}] != (ring != 2) {
						t.Fatalf("account of %d: the eye at %v is not drawn", n, eye)
					}
				}
			}
		}
		for i := 8; i < side-8; i++ {
			if dark[[2]int{quiet + i, quiet + 6}] != (i%2 == 0) {
				t.Fatalf("account of %d: the clock is not drawn", n)
			}
		}
	}
}

// draw reads the path as a browser would.
func draw(t *testing.T, q QR) map[[2]int]bool {
	t.Helper()
	run := regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)
	out := map[[2]int]bool{}
	if rest := run.ReplaceAllString(q.Path.Reveal(), ""); rest != "" {
		t.Fatalf("the path holds more than runs: %.40s", rest)
	}
	for _, m := range run.FindAllStringSubmatch(q.Path.Reveal(), -1) {
		var n [4]int
		for i := range n {
			v, err := strconv.Atoi(m[i+1])
			if err != nil {
				t.Fatal(err)
			}
			n[i] = v
		}
		if n[2] != n[3] {
			t.Fatal("a run does not come back to where it began")
		}
		for i := range n[2] {
			out[[2]int{n[0] + i, n[1]}] = true
		}
	}
	return out
}
