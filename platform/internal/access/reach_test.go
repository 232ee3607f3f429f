package access

import (
	"testing"

	"pgregory.net/rapid"
)

// Joined rules decide as each rule asked for itself, and rules joined under
// another policy are not taken.
func TestJoinedRulesDecideTheSame(t *testing.T) {
	refused := 0
	rapid.Check(t, func(t *rapid.T) {
		for range 200 {
			c := drawScene(t)
			want := Decide(&c.p, &c.s, &c.q)
			joined := c.s
			joined.Join(&c.p)
			if got := Decide(&c.p, &joined, &c.q); got != want {
				t.Fatalf("joined %+v, asked one by one %+v", got, want)
			}
			other := c.p
			other.TenantIP = nil
			if got, want := Decide(&other, &joined, &c.q), Decide(&other, &c.s, &c.q); got != want {
				t.Fatalf("under another policy joined %+v, asked one by one %+v", got, want)
			}
			if want.Layer == Address {
				refused++
			}
		}
	})
	if refused < 100 {
		t.Errorf("only %d were refused by address: too few to prove anything", refused)
	}
}
