package audit

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/audit/clean"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/internal/proof"
	"github.com/lendkeep/lendkeep/internal/proof/entry"
)

// TestTheStoredFormIsStableForEver: an auditor's copy of an entry must hash to
// the same leaf in every later version. If this fails, do not mend the golden:
// give bodies a new version byte and keep reading this one.
func TestTheStoredFormIsStableForEver(t *testing.T) {
	e := &Entry{
		ID: "au_00000000000000000000000001", At: 1772442000000000, Actor: "user/us_1", ActorName: "Ada <Agent>", For: "user/us_2",
		Channel: operation.Walkthrough, Credential: "se_1", Address: netip.MustParseAddr("198.51.100.7"), UserAgent: "B/1",
		Operation: "loan.payment.log", Operations: []string{"a", "b"}, Object: "loan/ln_1", Outcome: operation.Failed,
		Layer: "grant", Reason: "expired", Rule: "r & s", DecisionID: "dc_1", PolicyVersion: 7, Grant: "gr_1", Given: "why",
		Changes: []Change{{Field: "balance", Before: "2.00", After: "1.00"}}, Detail: map[string]string{"z": "1", "a": "2"}, Count: 3,
	}
	b, err := newBody(e, &sealing{entry: e.ID}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	const want = "\x02" + `{"id":"au_00000000000000000000000001","at":1772442000000000,"actor":"user/us_1","actor_name":"Ada \u003cAgent\u003e",` +
		`"for":"user/us_2","channel":"walkthrough","credential":"se_1","address":"198.51.100.7","user_agent":"B/1","operation":"loan.payment.log",` +
		`"operations":["a","b"],"object":"loan/ln_1","outcome":"failed","layer":"grant","reason":"expired","rule":"r \u0026 s","decision_id":"dc_1",` +
		`"policy_version":7,"grant":"gr_1","given":"why","changes":[{"field":"balance","before":"2.00","after":"1.00"}],` +
		`"detail":{"a":"2","z":"1"},"count":3}`
	if string(b) != want {
		t.Errorf("stored form:\n%s\nwant\n%s", b, want)
	}
	leaf := entry.Leaf("tn_00000000000000000000000001", entry.Place{Sequence: 17, ObjectSequence: 4, Before: proof.Hash{1, 2, 3}}, b)
	if got := hex.EncodeToString(leaf[:]); got != goldenLeaf {
		t.Errorf("leaf %s, want %s", got, goldenLeaf)
	}
	old := entry.Leaf("tn_00000000000000000000000001", entry.Place{Sequence: 17}, append([]byte{entry.Unlinked}, b[1:]...))
	if got := hex.EncodeToString(old[:]); got != goldenUnlinkedLeaf {
		t.Errorf("leaf of the first form %s, want %s", got, goldenUnlinkedLeaf)
	}
	c := entry.Commitment(e.ID, "change/0/after", []byte("0123456789abcdef"), "987-65-4320")
	if got := hex.EncodeToString(c); got != goldenCommitment {
		t.Errorf("commitment %s, want %s", got, goldenCommitment)
	}
}

const (
	goldenLeaf         = "775a5cc0778d96e2f07ce1a61e921be842f501d0474112aa1c95741dde36d93f"
	goldenUnlinkedLeaf = "ea6a63e074f220dc4a9bbd720629f6af68b8b5bd57fff55cfbdee3618e59394b"
	goldenCommitment   = "863cd6ff1d6e2b29988c8b184d73a4a2a05ee0bcb507073646dca2ed1e9a8ebf"
)

func TestLongEntriesSayWhatTheyLeftOut(t *testing.T) {
	e := &Entry{Operations: make([]string, 700), Changes: make([]Change, 800), Detail: map[string]string{}}
	for i := range 100 {
		e.Detail[string(rune('a'+i%26))+strings.Repeat("x", i)] = "v"
	}
	b := newBody(e, &sealing{})
	if len(b.Operations) != clean.List || b.Detail["operations_left_out"] != "200" || len(b.Changes) != clean.List || b.Detail["changes_left_out"] != "300" || b.Detail["left_out"] != "36 more" {
		t.Errorf("%d operations, %d changes, %v", len(b.Operations), len(b.Changes), b.Detail)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "plain", "4111 1111 1111 1111", "４１１１１１１１１１１１１１１１", "\u202eabc\x00\xff\r\n", strings.Repeat("é", 300),
		strings.Repeat("4111111111111111 ", 40), "4111\u200b1111\u200b1111\u200b1111", "4111\n1111\n1111\n1111", "NDExMTExMTExMTExMTExMQ==", "/q?a=%34%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31", "/borrowers/bo_01jnm8y7zj3q6r9t0v2x4z6a8c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := clean.Text(s, clean.Name)
		if len(got) > clean.Name || !utf8.ValidString(got) {
			t.Fatalf("%d bytes, valid %v", len(got), utf8.ValidString(got))
		}
		for _, r := range got {
			if !unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r) {
				t.Fatalf("%q holds %U", got, r)
			}
		}
		if pan.Contains(got) {
			t.Fatalf("%q holds a card number", got)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x01{}"))
	f.Add([]byte("\x01" + `{"id":"au_1","changes":[{"sealed":true,"person":"bo_1"}],"sealed_detail":{"a":"AA=="}}`))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, stored []byte) {
		b, err := entry.Decode(stored)
		if err != nil {
			return
		}
		b.Commitments()
		if e := shown(b); e.Count < 1 {
			t.Fatalf("count %d", e.Count)
		}
		again, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Decode(again); err != nil {
			t.Fatal(err)
		}
	})
}
