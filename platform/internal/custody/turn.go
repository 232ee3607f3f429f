package custody

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// The jobs of this desk: one goes on with a rotation, the other looks once a day
// which keys are old.
const (
	TurnJob = "key.turn"
	DueJob  = "key.due"
)

type turnPayload struct {
	Rotation id.Rotation `json:"rotation"`
}

const (
	slice     = 2 * time.Second // after it a job hands over to the next one
	lookAgain = time.Hour       // how long a rotation rests that rows stop
	daily     = 24 * time.Hour
)

// Handlers does this desk's jobs for one tenant.
func (d *Desk) Handlers(g *gate.Gate, t *tenant.Tenant) map[string]job.Handler {
	return map[string]job.Handler{
		TurnJob: func(ctx context.Context, j job.Job) error {
			var p turnPayload
			if err := json.Unmarshal(j.Payload, &p); err != nil {
				return fmt.Errorf("payload of a key rotation: %w", err)
			}
			return d.turn(ctx, g, t, p.Rotation)
		},
		DueJob: func(ctx context.Context, _ job.Job) error { return d.due(ctx, g, t) },
	}
}

func caller(t *tenant.Tenant) *gate.Request {
	return &gate.Request{Tenant: t, Channel: operation.Job, Job: "key-custody"}
}

// Resume sees to it that a job goes on with every rotation that is not ended, and
// that one looks after old keys: after a crash the jobs may be gone or dead.
func (d *Desk) Resume(ctx context.Context, t *tenant.Tenant) error {
	return t.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		list, err := readRotations(ctx, tx, db.Where("ended_at = 0"), mostRotations)
		if err != nil {
			return err
		}
		for _, r := range list {
			if _, err := job.Enqueue(ctx, tx, TurnJob, string(r.id), turnPayload{r.id}, 0); err != nil {
				return err
			}
		}
		_, err = job.Enqueue(ctx, tx, DueJob, "daily", struct{}{}, 0)
		return err
	})
}

// due asks for the rotations whose time has come, and comes again tomorrow.
func (d *Desk) due(ctx context.Context, g *gate.Gate, t *tenant.Tenant) error {
	var want []keys.Purpose
	err := t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		all, err := d.policies(ctx, tx)
		if err != nil {
			return err
		}
		for _, p := range keys.Purposes() {
			under, err := openRotation(ctx, tx, p)
			if err != nil {
				return err
			}
			if next := nextTurn(t.Ring.Using(p), all[p]); turns(t, p) && under == nil && next != 0 && next <= tx.At {
				want = append(want, p)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range want {
		_, err := gate.Run(ctx, g, d.Rotate, caller(t), func(in *RotateIn) error { in.Purpose, in.Reason = string(p), "its time has come"; return nil }, nil)
		if err != nil && !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return t.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		_, err := job.Enqueue(ctx, tx, DueJob, "daily", struct{}{}, tx.At+daily.Microseconds())
		return err
	})
}

// nextTurn is when a version is replaced by itself; 0: never.
func nextTurn(v keys.Version, o Policy) int64 {
	if o.RotateDays == 0 {
		return 0
	}
	return v.Since + o.RotateDays*daily.Microseconds()
}

// turn goes on with a rotation for a slice of time and hands over to the next
// job, so that no job lives long enough to be given up for its attempts.
func (d *Desk) turn(ctx context.Context, g *gate.Gate, t *tenant.Tenant, rid id.Rotation) error {
	until := t.DB.Now() + slice.Microseconds()
	for {
		wait, err := d.Step(ctx, g, t, rid)
		switch {
		case errors.Is(err, errElsewhere):
			return nil
		case err != nil:
			return err
		case wait < 0:
			return nil
		case wait == 0 && t.DB.Now() < until:
			continue
		}
		return t.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			_, err := job.Enqueue(ctx, tx, TurnJob, string(rid), turnPayload{rid}, tx.At+wait.Microseconds())
			return err
		})
	}
}

// never says that there is nothing more to do.
const never = time.Duration(-1)

// Step takes the next step of a rotation, which may be one chunk of rows, and
// says how long to wait for the one after it; less than nothing when it is
// ended. It goes by what is stored alone.
func (d *Desk) Step(ctx context.Context, g *gate.Gate, t *tenant.Tenant, rid id.Rotation) (time.Duration, error) {
	var r *turning
	err := t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		r, err = readRotation(ctx, tx, rid)
		return err
	})
	if err != nil {
		return 0, err
	}
	s := &step{Desk: d, gate: g, tenant: t, before: *r, next: r, now: t.DB.Now()}
	switch r.state {
	case asked:
		return s.stage(ctx)
	case staged:
		return s.promote(ctx)
	case promoted:
		return s.begin(ctx)
	case moving:
		return s.move(ctx)
	case proving:
		return s.prove(ctx)
	case kept:
		return s.keep(ctx)
	case proved:
		return s.drop(ctx)
	}
	return never, nil
}

// step is one step of one rotation.
type step struct {
	*Desk
	gate   *gate.Gate
	tenant *tenant.Tenant
	before turning
	next   *turning
	now    int64
}

// to moves the rotation to a state, with an entry in the trail.
func (s *step) to(ctx context.Context, state string) error {
	s.next.state = state
	_, err := gate.Run(ctx, s.gate, s.Advance, caller(s.tenant), func(in *AdvanceIn) error {
		in.ID, in.before, in.next = s.next.id, &s.before, s.next
		return nil
	}, nil)
	return err
}

// settled is how long to wait until everybody works with what the last step has
// stored in the ring.
func (s *step) settled() time.Duration {
	return s.settle(s.tenant) - time.Duration(s.now-s.next.movedAt)*time.Microsecond
}

func (s *step) stage(ctx context.Context) (time.Duration, error) {
	v, err := s.tenant.Ring.Stage(ctx, s.next.purpose)
	if err != nil {
		return 0, err
	}
	s.next.new = v.Number
	return 0, s.to(ctx, staged)
}

func (s *step) promote(ctx context.Context) (time.Duration, error) {
	if wait := s.settled(); wait > 0 {
		return wait, nil
	}
	var err error
	switch {
	case s.next.purpose != keys.Page:
		_, err = s.tenant.Ring.Promote(ctx, s.next.purpose, s.next.new)
	case s.tenant.Ring.Using(keys.Page).Number != s.next.new: // else a step that died had done it
		err = s.tenant.MovePages(ctx, s.next.new)
	}
	if err != nil {
		return 0, err
	}
	return 0, s.to(ctx, promoted)
}

// begin waits until nobody writes under the old version any more: nodes have
// looked at the ring, and writes that had begun have ended, which the exclusive
// lock makes sure of.
func (s *step) begin(ctx context.Context) (time.Duration, error) {
	if wait := s.settled(); wait > 0 {
		return wait, nil
	}
	return 0, s.tenant.DB.WriteExclusive(ctx, 0, func(ctx context.Context, tx *db.Tx) error { return s.walkAgain(ctx, tx, moving) })
}

// walkAgain begins a walk over all rows.
func (s *step) walkAgain(ctx context.Context, tx *db.Tx, state string) error {
	r := s.next
	r.total, r.seen, r.mark, r.state, r.movedAt, r.pass = max(r.total, r.seen), 0, keys.Mark{}, state, tx.At, r.pass+1
	if _, err := tx.Exec(ctx, `DELETE FROM key_proof WHERE rotation_id = ?`, r.id); err != nil {
		return err
	}
	return r.save(ctx, tx, &s.before)
}

// move seals a chunk of rows again. It rests as long as the chunk took, so that
// the tenant's own traffic has the database to itself for half of the time.
func (s *step) move(ctx context.Context) (time.Duration, error) {
	c, err := s.walk(s.tenant).Turn(ctx, s.next.purpose, s.next.mark, func(ctx context.Context, tx *db.Tx, c keys.Chunk) error {
		if c.End {
			return s.walkAgain(ctx, tx, proving)
		}
		s.next.mark, s.next.seen = c.Next, s.next.seen+c.Rows
		return s.next.save(ctx, tx, &s.before)
	})
	if err == nil && !c.End && c.Left > 0 {
		rest := time.Duration(s.tenant.DB.Now()-s.now) * time.Microsecond
		select {
		case <-ctx.Done():
		case <-time.After(min(rest, slice)):
		}
	}
	return 0, err
}

// prove counts a chunk of rows, and decides at the end.
func (s *step) prove(ctx context.Context) (time.Duration, error) {
	c, err := s.walk(s.tenant).Count(ctx, s.next.purpose, s.next.mark)
	if err != nil {
		return 0, err
	}
	if c.End {
		return s.judge(ctx)
	}
	return 0, s.tenant.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		s.next.mark, s.next.seen = c.Next, s.next.seen+c.Rows
		if err := s.next.count(ctx, tx, c); err != nil {
			return err
		}
		return s.next.save(ctx, tx, &s.before)
	})
}

// judge looks at what was counted: only where nothing is left the rotation goes
// on to its end. What somebody wrote under the old version meanwhile is walked
// over again; what cannot be opened stops the rotation, and the old version
// stays, until a person has looked at it.
func (s *step) judge(ctx context.Context) (time.Duration, error) {
	var left, broken int64
	var keep Policy
	err := s.tenant.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		all, err := s.policies(ctx, tx)
		if err != nil {
			return err
		}
		keep = all[s.next.purpose]
		_, left, broken, err = sums(ctx, tx, s.next.id)
		return err
	})
	switch {
	case err != nil:
		return 0, err
	case left > 0:
		s.next.trouble = ""
		wait := time.Duration(0)
		if left == broken {
			s.next.trouble, wait = fmt.Sprintf("%d rows cannot be opened: they were altered, moved or put back from elsewhere. The proof names the first of each table. The old version stays until they are mended or removed.", broken), lookAgain
		}
		return wait, s.tenant.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			r := s.next
			r.total, r.seen, r.mark, r.state, r.movedAt, r.pass = r.seen, 0, keys.Mark{}, moving, tx.At, r.pass+1
			return r.save(ctx, tx, &s.before) // the proof stays to be read until the next walk
		})
	}
	s.next.trouble, s.next.mark = "", keys.Mark{}
	if s.next.dropAt == 0 {
		s.next.dropAt = s.now + keep.KeepDays*daily.Microseconds()
	}
	if s.next.dropAt > s.now {
		return 0, s.to(ctx, kept)
	}
	return 0, s.to(ctx, proved)
}

// keep waits with the old version until its time has come, and has rows counted
// again then: a backup may have been put back meanwhile.
func (s *step) keep(ctx context.Context) (time.Duration, error) {
	if wait := time.Duration(s.next.dropAt-s.now) * time.Microsecond; wait > 0 {
		return wait, nil
	}
	return 0, s.tenant.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error { return s.walkAgain(ctx, tx, moving) })
}

// drop destroys the old version. The entry that says that nothing is left under
// it stands already.
func (s *step) drop(ctx context.Context) (time.Duration, error) {
	if _, err := s.tenant.Ring.Drop(ctx, s.next.purpose, s.next.old); err != nil {
		return 0, err
	}
	return never, s.to(ctx, ended)
}
