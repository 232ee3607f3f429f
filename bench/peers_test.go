package main

import (
	"strings"
	"testing"
	"time"
)

func theOffice(t testing.TB) *office {
	t.Helper()
	o, err := readOffice()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Who is measured must decide the same: every library answers every story as
// the table says, with the reason where it can tell one.
func TestPeersDecideAsTheTableSays(t *testing.T) {
	o := theOffice(t)
	all, err := peers(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		t.Run(p.name, func(t *testing.T) {
			for _, s := range o.Cases {
				c, err := o.of(s)
				if err != nil {
					t.Fatal(err)
				}
				decide, err := p.ready(c)
				if err != nil {
					t.Fatal(err)
				}
				want := s.want()
				want.reason = p.tells(want.reason)
				if strings.HasSuffix(p.name, "cached") {
					want.granted = false // its cache keeps yes and no alone
				}
				for range 2 { // the second answer is the cached one, where there is a cache
					if got, err := decide(); err != nil || got != want {
						t.Errorf("%s: %+v %v, want %+v", s.Story, got, err, want)
					}
				}
			}
		})
	}
}

// Every reason that the layers give stands in the table, and what is measured too.
func TestTheTableHoldsEveryRefusal(t *testing.T) {
	o := theOffice(t)
	seen := map[string]bool{}
	for _, s := range o.Cases {
		seen[s.Reason] = true
	}
	for _, reason := range []string{"ok", "tenant_inactive", "user_inactive", "key_expired", "session_ended", "address_denied",
		"address_not_allowed", "password_expired", "factor_stale", "role_lacks_operation", "grant_expired"} {
		if !seen[reason] {
			t.Errorf("no story ends with %s", reason)
		}
	}
	for _, w := range works() {
		if _, err := o.told(w.story); err != nil {
			t.Error(err)
		}
	}
	if len(o.Rules) != 8 || len(o.Operations) != 90 || len(o.UI)+len(o.API) != 90 {
		t.Errorf("%d rules, %d operations, %d of the role", len(o.Rules), len(o.Operations), len(o.UI)+len(o.API))
	}
}

// A turn counts what is allocated, and stops at a wrong answer.
func TestATurnCountsAndChecks(t *testing.T) {
	kept := make([][]byte, 2)
	twice := func() (answer, error) {
		kept[0], kept[1] = make([]byte, 100), make([]byte, 100)
		return answer{allowed: true}, nil
	}
	if ns, allocs, err := timed(twice, true, time.Millisecond); err != nil || ns <= 0 || allocs != 2 {
		t.Errorf("%v ns, %v allocations, %v", ns, allocs, err)
	}
	if _, _, err := timed(twice, false, time.Millisecond); err == nil {
		t.Error("a wrong answer was measured")
	}
}
