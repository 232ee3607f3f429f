package house_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/house/restore"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// cameBack restores and gives the leaver as they stand in the restored house, with what
// the operator is told.
func (l *leaver) cameBack(to house.Config, r restore.Restoring) (*leaver, string) {
	l.t.Helper()
	done, err := restore.Restore(l.t.Context(), to, r)
	check(l.t, err)
	back := &leaver{safe: l.moved(to), second: l.second, borrower: l.borrower, loan: l.loan, application: l.application, rejected: l.rejected}
	return back, strings.Join(done.Words, "\n")
}

// staysErased wants nothing in a restored house that tells who the erased person was. Only
// a search for them by what lay under their key stays, where that key is gone.
func (l *leaver) staysErased(story, said string) {
	l.t.Helper()
	for _, trace := range l.traces() {
		if !strings.HasPrefix(trace, "audit_entry.sealed of") {
			l.t.Errorf("%s: %s", story, trace)
		}
	}
	if n := l.one(`SELECT (SELECT COUNT(*) FROM borrower WHERE erased_at = 0 AND id = ?) + (SELECT COUNT(*) FROM application WHERE erased_at = 0 AND id IN (?, ?))`, l.borrower, l.application, l.rejected); n != 0 {
		l.t.Errorf("%s: %d of borrower and applications are not erased", story, n)
	}
	if n := l.one(`SELECT COUNT(*) FROM erasure WHERE ended_at = 0 OR state <> 'done'`); n != 0 {
		l.t.Errorf("%s: %d erasures are not at their end", story, n)
	}
	for _, person := range []string{l.borrower, l.application, l.rejected} {
		if _, err := l.tenant.Persons.Open(l.t.Context(), person); !errors.Is(err, keys.ErrDestroyed) {
			l.t.Errorf("%s: the key of %s: %v", story, person, err)
		}
	}
	for _, untrue := range []string{"after the key store's backup", "revoked or erased"} {
		if strings.Contains(said, untrue) {
			l.t.Errorf("%s: it is said %q", story, untrue)
		}
	}
	if strings.Count(said, "is not known here and is readable again") != 1 {
		l.t.Errorf("%s: it is not said from when on nobody knows who was erased:\n%s", story, said)
	}
}

// A backup of the key store and one of the data are seldom of one moment. Who was erased
// between the two, or after the older one, does not come back; nor does anybody lose
// their access because a second person approved the erasure.
func TestWhoWasErasedDoesNotReturnWhicheverFileIsOlder(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			l := settleIn(t, engine)
			l.later(3 * years)
			folder := t.TempDir()
			l.witnessed(folder)
			l.publish()
			before, keysBefore := l.backedUp("data"), l.backedUp("key_store")
			p := l.must("POST", "/borrowers/"+l.borrower+"/erase", `{"reason":"asked for by letter"}`)["proposal"].(string)
			l.mustAs(l.second, "POST", "/proposals/"+p+"/approve", `{}`)
			l.placed()
			asked := l.backedUp("data")
			l.goOn()
			l.publish()
			after, keysAfter := l.backedUp("data"), l.backedUp("key_store")
			both := []string{"Erased again: borrower/" + l.borrower, "Erased again: application/" + l.rejected}
			bare := t.TempDir() // keeps checkpoints, and no notices
			notes, err := filepath.Glob(filepath.Join(folder, "*"))
			check(t, err)
			notes = slices.DeleteFunc(notes, func(name string) bool { return strings.HasSuffix(name, ".notices") })
			for _, c := range []struct {
				story string
				r     restore.Restoring
				says  []string
			}{
				{"a witness, younger keys", restore.Restoring{Data: before, KeyStore: keysAfter, Witnesses: []string{folder}, Keys: l.keysOf()}, append(both, "nobody can tell any more which searches")},
				{"a witness, older keys", restore.Restoring{Data: before, KeyStore: keysBefore, Witnesses: []string{folder}}, []string{both[0] + ", application/"}},
				{"void, younger keys", void(before, keysAfter), both},
				{"void, younger keys, the erasure was asked for", void(asked, keysAfter), both},
				{"void, older keys", void(after, keysBefore), []string{"Destroyed again: 3 keys"}},
				{"void, both older, a witness", restore.Restoring{Data: before, KeyStore: keysBefore, Witnesses: []string{folder}, Void: true, Administrator: "first@acme.test"}, []string{both[0]}},
				{"void, younger keys, a witness without notices", restore.Restoring{Data: before, KeyStore: keysAfter, Witnesses: []string{copied(t, notes, bare)}, Void: true, Administrator: "first@acme.test"}, append(both, "The notices in "+bare+" are not taken")},
			} {
				back, said := l.cameBack(l.elsewhere(engine), c.r)
				back.staysErased(c.story, said)
				for _, want := range c.says {
					if !strings.Contains(said, want) {
						t.Errorf("%s: %q is not said:\n%s", c.story, want, said)
					}
				}
				if !c.r.Void && (!back.on(l.boss) || !back.on(l.second) || strings.Contains(said, "may concern anybody")) {
					t.Errorf("%s: an approved erasure has switched people off:\n%s", c.story, said)
				}
			}
		})
	}
}

func copied(t *testing.T, files []string, to string) string {
	t.Helper()
	for _, name := range files {
		b, err := os.ReadFile(name)
		check(t, err)
		check(t, os.WriteFile(filepath.Join(to, filepath.Base(name)), b, 0o600))
	}
	return to
}

// Of a proposal that was approved after the backup the operation counts that was carried
// out: whom it concerns is switched off, and nobody else.
func TestAnApprovedProposalConcernsWhomItWasAbout(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			s := stock(t, walkable(t, engine), 2)
			second, moved, kept := s.newcomer(policy.Admin), s.newcomer(policy.Agent), s.newcomer(policy.Manager)
			s.write(func(ctx context.Context, tx *db.Tx) error {
				if _, err := tx.Exec(ctx, `UPDATE access_setting SET four_eyes = '["user.update"]'`); err != nil {
					return err
				}
				return policy.Bump(ctx, tx)
			})
			folder := t.TempDir()
			s.witnessed(folder)
			s.publish()
			data, keyStore := s.backedUp("data"), s.backedUp("key_store")
			p := s.must("PATCH", "/users/"+string(moved.id), `{"role":"Investor"}`)["proposal"].(string)
			s.mustAs(second, "POST", "/proposals/"+p+"/approve", `{}`)
			s.publish()
			to := s.elsewhere(engine)
			done, err := restore.Restore(t.Context(), to, restore.Restoring{Data: data, KeyStore: keyStore, Witnesses: []string{folder}})
			check(t, err)
			r := s.moved(to)
			if r.on(moved) || !r.on(second) || !r.on(kept) || !r.on(s.boss) {
				t.Errorf("on are: whose role changed %v, who approved %v, who proposed %v, another %v\n%s", r.on(moved), r.on(second), r.on(s.boss), r.on(kept), strings.Join(done.Words, "\n"))
			}
		})
	}
}
