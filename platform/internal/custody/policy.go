package custody

import (
	"context"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Policy says when the key of a purpose is turned by itself.
type Policy struct {
	RotateDays int64 `json:"rotate_days" class:"public" doc:"the age at which a version is replaced; 0: never by itself"`
	KeepDays   int64 `json:"keep_days" class:"public" doc:"how long the old version still reads after the proof, for backups that are put back"`
}

// PolicyIn changes it; fields that are left out stay as they are.
type PolicyIn struct {
	Purpose    string `path:"purpose"`
	RotateDays *int64 `json:"rotate_days,omitempty" minimum:"0" maximum:"3650"`
	KeepDays   *int64 `json:"keep_days,omitempty" minimum:"0" maximum:"3650"`
}

// The house's own policy: a year, and as long as backups of the key store live.
// A blind index costs the most to make again and protects the least; a page key
// writes the whole file anew, and every value that matters is sealed beneath it.
const (
	ownRotateDays = 365
	ownKeepDays   = 7
)

func (d *Desk) ownPolicy(p keys.Purpose) Policy {
	o := Policy{RotateDays: ownRotateDays, KeepDays: ownKeepDays}
	if p == keys.BlindIndex || p == keys.Page || !p.Turns() {
		o.RotateDays = 0
	}
	return o
}

// policies reads when each purpose is turned.
func (d *Desk) policies(ctx context.Context, tx *db.Tx) (map[keys.Purpose]Policy, error) {
	out := map[keys.Purpose]Policy{}
	for _, p := range keys.Purposes() {
		out[p] = d.ownPolicy(p)
	}
	_, err := db.All(ctx, tx, func(r *db.Rows) (struct{}, error) {
		var p keys.Purpose
		var o Policy
		err := r.Scan(&p, &o.RotateDays, &o.KeepDays)
		out[p] = o
		return struct{}{}, err
	}, `SELECT purpose, rotate_days, keep_days FROM key_policy ORDER BY purpose`)
	return out, err
}

// turns reports whether a key of this tenant can be turned.
func turns(t *tenant.Tenant, p keys.Purpose) bool {
	return p.Turns() && (p != keys.Page || t.PagesTurn())
}

// turnable gives a purpose that can be turned.
func (d *Desk) turnable(t *tenant.Tenant, name string) (keys.Purpose, error) {
	p := keys.Purpose(name)
	switch {
	case turns(t, p):
		return p, nil
	case p == keys.Page:
		return p, fault.New(fault.Conflict, "key_does_not_turn", "Nothing lies under the page key: this tenant's database is on PostgreSQL, whose volume is encrypted by whoever runs it.")
	case p == keys.Digest:
		return p, fault.New(fault.Conflict, "key_does_not_turn", "What this key has made cannot be made again from what is stored, so it is not rotated.")
	}
	return p, fault.Missing("key")
}

func (d *Desk) savePolicy(ctx context.Context, c *gate.Call, in *PolicyIn) (*Policy, error) {
	p, err := d.turnable(c.Tenant, in.Purpose)
	if err != nil {
		return nil, err
	}
	all, err := d.policies(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	was, next := all[p], all[p]
	if in.RotateDays != nil {
		next.RotateDays = *in.RotateDays
	}
	if in.KeepDays != nil {
		next.KeepDays = *in.KeepDays
	}
	if p == keys.Token && next.KeepDays < 1 {
		return nil, fault.Bad("keep_days", "Keep it for a day at least: links that were mailed are sealed under it.")
	}
	c.Change("rotate_days", strconv.FormatInt(was.RotateDays, 10), strconv.FormatInt(next.RotateDays, 10))
	c.Change("keep_days", strconv.FormatInt(was.KeepDays, 10), strconv.FormatInt(next.KeepDays, 10))
	_, err = c.Tx.Exec(ctx, `INSERT INTO key_policy (purpose, rotate_days, keep_days, changed_at, changed_by) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (purpose) DO UPDATE SET rotate_days = excluded.rotate_days, keep_days = excluded.keep_days, changed_at = excluded.changed_at, changed_by = excluded.changed_by`,
		p, next.RotateDays, next.KeepDays, c.At, c.Who.String())
	return &next, err
}
