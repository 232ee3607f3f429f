package factor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/secret"
)

// Whatever is typed for a code, only its six digits are ever right.
func FuzzTOTPCode(f *testing.F) {
	key := []byte("12345678901234567890")
	s := text(base32Plain.EncodeToString(key))
	right := []string{oracle(key, 1), oracle(key, 2), oracle(key, 3)}
	for _, seed := range append(right, "", "123 456", "\x00\xff", "\u00a0\u00a0") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		step, ok := VerifyTOTP(s, text(typed), 60*second, 0)
		if ok != (step > 0) || ok && digits(typed) != right[step-1] {
			t.Fatalf("%q: step %d, %v", typed, step, ok)
		}
	})
}

// A recovery code that can be read has one form, and reading that gives it back.
func FuzzRecoveryCode(f *testing.F) {
	codes, hashes := NewRecoveryCodes("usr_anna")
	f.Add("7K3D-9XQ2-0000-ZZZZ")
	f.Add("oooo iiii llll uuuu")
	f.Add("\u2011\n\r=")
	f.Fuzz(func(t *testing.T, typed string) {
		plain, ok := readRecoveryCode(typed)
		if _, matched := MatchRecoveryCode("usr_anna", text(typed), hashes); matched != (ok && knows(codes, plain)) {
			t.Fatalf("%q matches", typed)
		}
		if !ok {
			return
		}
		again, ok := readRecoveryCode(fours(plain, "-"))
		if !ok || again != plain || len(plain) != 16 {
			t.Fatalf("%q is read as %q, and then as %q", typed, plain, again)
		}
	})
}

func knows(codes []secret.Text, plain string) bool {
	for _, c := range codes {
		if c.Reveal() == fours(plain, "-") {
			return true
		}
	}
	return false
}

// A line is read if it is a hash and a count, and then the hash is the line's.
func FuzzBreachedLine(f *testing.F) {
	for _, form := range []string{"lines", "counted", "windows", "small"} {
		f.Add(leaked([]string{"a", "b", "c"}, form))
	}
	f.Add([]byte("\n\n\n"))
	f.Add(bytes.Repeat([]byte("F"), 300))
	f.Fuzz(func(t *testing.T, list []byte) {
		if s, ok := readLine(list); ok && !bytes.EqualFold(fmt.Appendf(nil, "%x", s), list[:40]) {
			t.Fatalf("%q is read as %x", list, s)
		}
		b := &Breached{list: bytes.NewReader(list), size: int64(len(list)), path: "fuzz"}
		if len(list) == 0 || b.sample() != nil {
			return
		}
		for l := range bytes.Lines(list) {
			// Samples do not see every line; but what is found is there.
			if s, ok := readLine(bytes.TrimSuffix(l, []byte("\n"))); ok {
				if found, err := b.search(s); len(list) < 41*3 && (!found || err != nil) {
					t.Fatalf("%q: line %x is not found: %v", list, s, err)
				}
				s[19]++
				if found, _ := b.search(s); found && !bytes.Contains(bytes.ToLower(list), fmt.Appendf(nil, "%x", s)) {
					t.Fatalf("%q: %x is found and not there", list, s)
				}
			}
		}
	})
}

// A record that is read is one that could be kept, and stays as it is.
func FuzzPasskeyRecord(f *testing.F) {
	h := enrol(f, site(f), newDevice(f), anna())
	f.Add(encode(f, h.Passkeys[0]))
	f.Add([]byte(`{"id":"AA==","public_key":"","sign_count":0,"flags":0,"aaguid":""}`))
	f.Add([]byte(`{"id":null}{}`))
	f.Fuzz(func(t *testing.T, record []byte) {
		k, err := ParsePasskey(record)
		if err != nil {
			return
		}
		kept(t, k)
		if len(k.ID) == 0 || len(k.AAGUID) != 16 || len(k.PublicKey) == 0 {
			t.Fatalf("%q is taken", record)
		}
		if _, err := site(t).BeginLogin(Holder{Handle: []byte("x"), Passkeys: []Passkey{k}}, noon); err != nil {
			t.Fatalf("%q is read and cannot be used: %v", record, err)
		}
	})
}

// Nothing that a browser may answer signs in without the key, registers without
// the challenge, or is anything but a fault of the caller's.
func FuzzBrowserAnswer(f *testing.F) {
	rp, d := site(f), newDevice(f)
	h := enrol(f, rp, d, anna())
	login, err1 := rp.BeginLogin(h, noon)
	discover, err2 := rp.BeginDiscoverableLogin(noon)
	register, err3 := rp.BeginRegistration(bob(), noon)
	other, err4 := rp.BeginLogin(h, noon)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		f.Fatal(err)
	}
	f.Add(d.login(other.Options))
	f.Add(newDevice(f).register(encode(f, map[string]any{"challenge": url64(make([]byte, 32)), "user": map[string]any{"id": "AA"}})))
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		_, e1 := rp.FinishLogin(h, login.State, answer, noon)
		_, _, e2 := rp.FinishDiscoverableLogin(people(h), discover.State, answer, noon)
		_, e3 := rp.FinishRegistration(bob(), register.State, answer, noon)
		for _, err := range []error{e1, e2, e3} {
			if err == nil || fault.Is(err, fault.Internal) {
				t.Fatalf("%q: %v", answer, err)
			}
		}
	})
}

// Whatever is kept as a state, an answer to no challenge of ours lets nobody in.
func FuzzState(f *testing.F) {
	rp, d := site(f), newDevice(f)
	h := enrol(f, rp, d, anna())
	c, err := rp.BeginLogin(h, noon)
	if err != nil {
		f.Fatal(err)
	}
	var s state
	if err := json.Unmarshal(c.State, &s); err != nil {
		f.Fatal(err)
	}
	s.Session.Challenge = ""
	free := encode(f, s)
	d.lie.challenge = "="
	answer := d.login(c.Options)
	for _, seed := range [][]byte{c.State, free, []byte(`{"act":"login"}`), []byte("null"), nil} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, kept []byte) {
		if _, err := rp.FinishLogin(h, kept, answer, noon); err == nil {
			t.Fatalf("%q lets somebody in", kept)
		}
	})
}
