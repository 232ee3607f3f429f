package restore

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/audit/witness"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/identity/revoked"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// kept is what witnesses kept of the trail.
type kept struct {
	notes   []string // checkpoints that the restored trail must contain
	size    uint64   // of the newest
	at      int64
	told    int64            // until when every notice is known
	notices []witness.Notice // of what happened after the backup
}

// remember reads what the witnesses kept, and wants either a witness that goes further
// than the backup, or everything void.
func (x *restoring) remember(context.Context) error {
	origin := checkpoint.Origin(x.data.Head.Tenant)
	for _, folder := range x.Witnesses {
		b, err := os.ReadFile(filepath.Join(folder, witness.FileOf(origin)))
		if err != nil {
			return fmt.Errorf("the witness folder keeps nothing of this trail: %w", err)
		}
		var newest int64
		notes, torn := checkpoint.Whole(string(b))
		if len(notes) == 0 {
			return fault.Bad("witness", "There is no checkpoint in "+folder+".")
		}
		if torn > 0 {
			x.say("In %s %s cut off or damaged and passed over.", folder, plural(int64(torn), "checkpoint was", "checkpoints were"))
		}
		for _, n := range notes {
			c, _, err := checkpoint.Open(n, x.trusted...)
			if err != nil {
				return fmt.Errorf("a checkpoint in %s: %w", folder, err)
			}
			if c.Size <= x.point.Size {
				x.kept.notes = append(x.kept.notes, n)
			}
			if c.Size > x.kept.size {
				x.kept.size, x.kept.at = c.Size, c.At
			}
			newest = max(newest, c.At)
		}
		whole, err := x.forget(folder, origin)
		if err != nil {
			return err
		}
		if whole {
			x.kept.told = max(x.kept.told, newest)
		}
	}
	if x.Void {
		if x.Administrator == "" {
			return fault.Bad("administrator", "Name who stays on, by e-mail address: everybody else is switched off.")
		}
		return nil
	}
	if x.kept.size < x.point.Size || len(x.Witnesses) == 0 {
		return fault.Bad("witness", "What was revoked or erased after the backup would come back. Give the folder of a witness that goes further than the backup (--from-witness FOLDER); where there is none, end every key and switch everybody off but one administrator (--void --administrator EMAIL).")
	}
	return nil
}

// settle verifies what was loaded, ends what must not come back, and writes the entry
// that says from where the house was restored.
func (x *restoring) settle(ctx context.Context, h *house.House, t *tenant.Tenant) error {
	x.Progress("Verifying the trail", 0, 0)
	err := t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		return t.Trail.Verify(ctx, tx, append(x.kept.notes, x.data.Head.Checkpoint)...)
	})
	if err != nil {
		return fmt.Errorf("the restored trail does not verify: %w", err)
	}
	x.say("The trail verifies: %s, with the backup's checkpoint%s.", plural(int64(x.point.Size), "signed entry", "signed entries"), x.agreed())
	x.turned()
	err = t.DB.WriteExclusive(ctx, t.DB.Now(), func(ctx context.Context, tx *db.Tx) error {
		done, err := x.end(ctx, tx)
		if err != nil {
			return err
		}
		if err := policy.Bump(ctx, tx); err != nil {
			return err
		}
		return t.Trail.Record(ctx, tx, x.entry(t, done))
	})
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context, *tenant.Tenant) error{x.keepDestroyed, x.returned} {
		if err := step(ctx, t); err != nil {
			return err
		}
	}
	if err := x.eraseAgain(ctx, h, t); err != nil {
		return err
	}
	if err := t.DB.Analyze(ctx); err != nil {
		h.Config.Log.Warn("the restored tables could not be counted; the first pages may be slow", "error", err)
	}
	return nil
}

func (x *restoring) agreed() string {
	if len(x.kept.notes) == 0 {
		return ""
	}
	return fmt.Sprintf(" and %s kept elsewhere", plural(int64(len(x.kept.notes)), "checkpoint", "checkpoints"))
}

// turned tells of keys that were turned between the two files.
func (x *restoring) turned() {
	for _, p := range keys.Purposes() {
		was := x.data.Head.Versions[string(p)]
		if was == 0 || was == x.ring.Using(p).Number {
			continue
		}
		x.say("The key %s has been turned from version %d to %d since the data was backed up: rotate it again, so that every row lies under the newest.", p, was, x.ring.Using(p).Number)
		for _, v := range x.ring.Versions(p) {
			if v.Number == was && v.State() == keys.Dropped {
				x.say("Version %d of it was destroyed: what lies under it cannot be read.", was)
			}
		}
	}
}

// end ends what must not come back.
func (x *restoring) end(ctx context.Context, tx *db.Tx) ([]revoked.Ended, error) {
	done, err := revoked.Passing(ctx, tx)
	if err != nil {
		return nil, err
	}
	var who id.User
	if x.Administrator != "" {
		if who, err = revoked.Administrator(ctx, tx, x.Administrator); err != nil {
			return nil, err
		}
	}
	ending := x.replay
	if x.Void {
		ending = revoked.Everything
		x.say("Nothing is known of the time after %s: every key has ended, and everybody but %s is switched off until that person has looked.", told8601(x.data.Head.MadeAt), x.Administrator)
	} else {
		x.say("The witness goes on to entry %d of %s: what was revoked after that is not known here.", x.kept.size, told8601(x.kept.at))
	}
	more, err := ending(ctx, tx, who)
	if err != nil {
		return nil, err
	}
	done = slices.DeleteFunc(append(done, more...), func(d revoked.Ended) bool { return d.Rows == 0 })
	for _, d := range done {
		x.say("Ended: %d %s.", d.Rows, d.What)
	}
	return done, nil
}

// entry tells the trail from where it goes on.
func (x *restoring) entry(t *tenant.Tenant, done []revoked.Ended) *audit.Entry {
	d := x.data.Head
	e := &audit.Entry{Actor: "house/console", ActorName: "Console", Channel: operation.Console, Operation: "backup.restore", Object: "backup/" + d.ID, Outcome: operation.Allowed,
		Given: strings.TrimSpace(x.OlderKeyStore), Detail: map[string]string{"tenant": t.Slug, "made_at": told8601(d.MadeAt), "entries": strconv.FormatUint(x.point.Size, 10),
			"file": x.data.SHA256(), "key_store": x.keyStore.Head.ID + " of " + told8601(x.keyStore.Head.MadeAt), "from_engine": d.Engine}}
	if x.kept.size > 0 {
		e.Detail["witness"] = "goes on to entry " + strconv.FormatUint(x.kept.size, 10) + " of " + told8601(x.kept.at)
	}
	for _, x := range done {
		e.Changes = append(e.Changes, audit.Change{Field: x.What, Before: strconv.FormatInt(x.Rows, 10), After: "0"})
	}
	return e
}
