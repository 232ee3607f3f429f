package custody

import (
	"context"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// RotateIn asks for a new version of a purpose's key.
type RotateIn struct {
	Purpose string `path:"purpose"`
	Reason  string `json:"reason,omitempty" maxLength:"500"`
}

// rotate asks for a rotation; a job does it.
func (d *Desk) rotate(ctx context.Context, c *gate.Call, in *RotateIn) (*Rotation, error) {
	p, err := d.turnable(c.Tenant, in.Purpose)
	if err != nil {
		return nil, err
	}
	if under, err := openRotation(ctx, c.Tx, p); err != nil || under != nil {
		if err == nil {
			err = errUnderWay()
		}
		return nil, err
	}
	t := &turning{id: id.New[id.Rotation](c.At), purpose: p, old: c.Tenant.Ring.Using(p).Number, state: asked, by: c.Who.String(), askedAt: c.At}
	if err := insertRotation(ctx, c.Tx, t); err != nil {
		return nil, err
	}
	c.Given(strings.TrimSpace(in.Reason))
	c.Detail("rotation", string(t.id))
	c.Change("version", strconv.Itoa(t.old), "next")
	out := t.shown()
	return &out, d.goOn(ctx, c, t.id, 0)
}

// goOn has a job go on with a rotation.
func (d *Desk) goOn(ctx context.Context, c *gate.Call, rid id.Rotation, at int64) error {
	if _, err := job.Enqueue(ctx, c.Tx, TurnJob, string(rid), turnPayload{rid}, at); err != nil {
		return err
	}
	c.After(func() { d.config.Kick(c) })
	return nil
}

// DestroyIn names an old version whose key goes now.
type DestroyIn struct {
	Purpose string `path:"purpose"`
	Version int    `path:"version"`
	Reason  string `json:"reason" minLength:"1" maxLength:"500" doc:"why it does not wait until its time"`
}

// destroy lets an old version go before its time. It goes the same way as ever:
// rows are counted again first.
func (d *Desk) destroy(ctx context.Context, c *gate.Call, in *DestroyIn) (*Rotation, error) {
	p, err := d.turnable(c.Tenant, in.Purpose)
	if err != nil {
		return nil, err
	}
	reason := strings.TrimSpace(in.Reason)
	if reason == "" {
		return nil, fault.Bad("reason", "Say why the old version does not wait until its time.")
	}
	t, err := openRotation(ctx, c.Tx, p)
	if err != nil {
		return nil, err
	}
	switch {
	case !known(c.Tenant.Ring.Versions(p), in.Version):
		return nil, fault.Missing("version of the key")
	case t == nil || t.old != in.Version:
		return nil, fault.New(fault.Conflict, "key_version_in_use", "Only an old version that a rotation keeps can be destroyed. Rotate the key first; a version that is destroyed already needs nothing.")
	case t.state != kept:
		return nil, fault.New(fault.Conflict, "key_rotation_open", "The rotation has not proved yet that no row is left on this version. Wait until it has.")
	}
	before := *t
	t.dropAt = c.At
	c.Given(reason)
	c.Detail("rotation", string(t.id))
	c.Change("drop_at", instant(before.dropAt), instant(t.dropAt))
	if err := t.save(ctx, c.Tx, &before); err != nil {
		return nil, err
	}
	out := t.shown()
	return &out, d.goOn(ctx, c, t.id, 0)
}

func known(list []keys.Version, number int) bool {
	for _, v := range list {
		if v.Number == number {
			return true
		}
	}
	return false
}

// AdvanceIn is a step of a rotation that the trail must tell of; only the house
// takes one.
type AdvanceIn struct {
	ID           id.Rotation `path:"id"`
	before, next *turning
}

// advance notes a step that has been taken, or that may be taken once its entry
// stands.
func (d *Desk) advance(ctx context.Context, c *gate.Call, in *AdvanceIn) (*Rotation, error) {
	if in.before == nil || in.next == nil {
		return nil, fault.New(fault.Conflict, "by_itself", "A rotation goes on by itself.")
	}
	in.next.movedAt = c.At
	c.Detail("purpose", string(in.next.purpose))
	c.Change("state", in.before.state, in.next.state)
	if in.next.new != in.before.new {
		c.Change("new_version", strconv.Itoa(in.before.new), strconv.Itoa(in.next.new))
	}
	switch in.next.state {
	case kept, proved:
		in.next.provedAt = c.At
		list, err := proofOf(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		c.Detail("version "+strconv.Itoa(in.next.old), "no row is left under it")
		for _, p := range list {
			c.Detail("counted in "+p.Name, strconv.FormatInt(p.Rows, 10)+" rows, "+strconv.FormatInt(p.Left, 10)+" left")
		}
	case ended:
		in.next.endAt = c.At
		c.Detail("version "+strconv.Itoa(in.next.old), "destroyed")
	}
	if err := in.next.save(ctx, c.Tx, in.before); err != nil {
		return nil, err
	}
	out := in.next.shown()
	return &out, nil
}
