package entry_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/lendkeep/lendkeep/internal/proof"
	"github.com/lendkeep/lendkeep/internal/proof/entry"
)

func TestALeafDependsOnAllThatItBinds(t *testing.T) {
	at := entry.Place{Sequence: 9, ObjectSequence: 2, Before: proof.Hash{1}}
	body := []byte("\x02{}")
	base := entry.Leaf("tn_1", at, body)
	for story, other := range map[string]proof.Hash{
		"tenant":              entry.Leaf("tn_2", at, body),
		"sequence":            entry.Leaf("tn_1", entry.Place{Sequence: 8, ObjectSequence: 2, Before: proof.Hash{1}}, body),
		"place in the chain":  entry.Leaf("tn_1", entry.Place{Sequence: 9, ObjectSequence: 3, Before: proof.Hash{1}}, body),
		"what stands before":  entry.Leaf("tn_1", entry.Place{Sequence: 9, ObjectSequence: 2, Before: proof.Hash{2}}, body),
		"body":                entry.Leaf("tn_1", at, []byte("\x02{ }")),
		"version":             entry.Leaf("tn_1", at, []byte("\x01{}")),
		"no body":             entry.Leaf("tn_1", at, nil),
		"parts that run over": entry.Leaf("tn_", at, []byte("\x021{}")),
	} {
		if other == base {
			t.Errorf("%s does not matter to the leaf", story)
		}
	}
}

// TestTheObjectIsFoundAsDecodingFindsIt: an auditor that reads another object than the
// server would hold an entry against the wrong chain.
func TestTheObjectIsFoundAsDecodingFindsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.SampledFrom([]rune(`ab"\,:{}[]é`)))
		b := entry.Body{ID: "au_1", Actor: s.Draw(t, "actor"), Object: s.Draw(t, "object"), Reason: s.Draw(t, "reason"), PolicyVersion: rapid.Int64().Draw(t, "version"),
			Operations: rapid.SliceOfN(s, 0, 3).Draw(t, "operations"), Detail: map[string]string{s.Draw(t, "key"): s.Draw(t, "value"), "object": "no"}}
		stored, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := entry.Object(stored)
		if err != nil || got != b.Object {
			t.Fatalf("%s: found %q, %v", stored, got, err)
		}
	})
}

func FuzzObject(f *testing.F) {
	for _, s := range []string{`{}`, `{"object":"loan/ln_1"}`, `{"a":{"object":"x"},"object":"y\"","b":[1,"]"]}`, `{"object":1}`, `{"object":`, `{"a"`, `{"a":"\\"}`, `{"a":1,}`, `{,}`} {
		f.Add([]byte("\x02" + s))
	}
	f.Fuzz(func(t *testing.T, stored []byte) {
		got, err := entry.Object(stored)
		b, bad := entry.Decode(stored)
		if err == nil && bad == nil && canonical(stored) && got != b.Object {
			t.Fatalf("%q: found %q, decoding finds %q", stored, got, b.Object)
		}
	})
}

// canonical reports whether a body is as an encoder writes it; keys in another case,
// which decoding takes, are not.
func canonical(stored []byte) bool {
	b, err := entry.Decode(stored)
	if err != nil {
		return false
	}
	again, err := json.Marshal(b)
	return err == nil && string(again) == string(stored[1:])
}

func BenchmarkObject(b *testing.B) {
	body := entry.Body{ID: "au_00000000000000000000000001", At: 1, Actor: "user/us_00000000000000000000000001", ActorName: "Ada", Channel: "ui", Credential: "se_00000000000000000000000001",
		Address: "198.51.100.7", UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", Operation: "loan.view", Object: "loan/ln_00000000000000000000000001", Outcome: "allowed"}
	for i := range 3 {
		body.Changes = append(body.Changes, entry.Change{Field: fmt.Sprint("field ", i), Before: "1.00", After: "2.00"})
	}
	stored, _ := body.Encode()
	b.SetBytes(int64(len(stored)))
	for b.Loop() {
		if o, err := entry.Object(stored); err != nil || o == "" {
			b.Fatal(err)
		}
	}
}
