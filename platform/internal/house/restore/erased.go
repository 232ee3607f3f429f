package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/privacy"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Who was erased must not come back, whichever of the two files is the older one:
//
//	erased after both   a witness tells, or nobody does
//	keys are younger    the key is destroyed in the key store, the data know nothing
//	data are younger    the data know of the erasure, the key store still has the key

// atOnce bounds how many persons one statement asks about.
const atOnce = 500

// keepDestroyed destroys anew the keys of those whom the data know as erased: with them
// the trail would tell again what it held about them.
func (x *restoring) keepDestroyed(ctx context.Context, t *tenant.Tenant) error {
	var persons []string
	err := t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		persons, err = privacy.Without(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	n := int64(0)
	for some := range slices.Chunk(persons, atOnce) {
		gone, err := t.Persons.Destroyed(ctx, some)
		if err != nil {
			return err
		}
		for _, p := range some {
			if gone[p] {
				continue
			}
			if err := t.Persons.Destroy(ctx, p); err == nil {
				n++
			} else if !errors.Is(err, keys.ErrNoKey) {
				return err
			}
		}
	}
	if n > 0 {
		x.say("Destroyed again: %s of people who are erased in the data.", plural(n, "key", "keys"))
	}
	return nil
}

// returned finds everybody whom the data bring back: of whom a witness tells, and whose
// key was destroyed before the key store was backed up.
func (x *restoring) returned(ctx context.Context, t *tenant.Tenant) error {
	for i := range x.kept.notices {
		if n := &x.kept.notices[i]; follows(n) == erased {
			x.erased = append(x.erased, n.Object)
		}
	}
	for after := ""; ; {
		gone, err := t.Persons.Gone(ctx, after, atOnce)
		if err != nil || len(gone) == 0 {
			return err
		}
		err = t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			objects, err := privacy.Returned(ctx, tx, gone)
			x.erased, x.keyless = append(x.erased, objects...), x.keyless || len(objects) > 0
			return err
		})
		if err != nil {
			return err
		}
		after = gone[len(gone)-1]
	}
}

// eraseAgain erases again those who were erased after the data's backup: what is sealed
// for them, and what was in clear. Borrowers come first and take applications along.
func (x *restoring) eraseAgain(ctx context.Context, h *house.House, t *tenant.Tenant) error {
	slices.Sort(x.erased)
	slices.Reverse(x.erased)
	for _, object := range slices.Compact(x.erased) {
		var again id.Erasure
		var with []id.Application
		err := t.DB.WriteExclusive(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
			again, with, err = h.Privacy.Again(ctx, tx, t, object)
			return err
		})
		for more := again != ""; more && err == nil; {
			more, err = h.Privacy.Step(ctx, h.Gate, t, again)
		}
		_, ref, _ := strings.Cut(object, "/") // also the key of one who is not in the data
		if err == nil {
			err = t.Persons.Destroy(ctx, ref)
		}
		if err != nil && !errors.Is(err, keys.ErrNoKey) {
			return fmt.Errorf("erasing %s again: %w", object, err)
		}
		if again == "" {
			continue // came later, or went with another
		}
		for _, a := range with {
			if along := "application/" + string(a); along != object {
				object += ", " + along
			}
		}
		x.say("Erased again: %s.", object)
	}
	if x.keyless {
		x.say("Of those whose key was gone already nobody can tell any more which searches for an e-mail address, a telephone or a social security number in the older trail were for them: these stay there, sealed.")
	}
	x.say("Who was erased after %s is not known here and is readable again: erase them anew.", told8601(max(x.data.Head.MadeAt, x.keyStore.Head.MadeAt, x.kept.told)))
	return nil
}
