package addresses

import (
	"context"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// LocksYouOut is the reason of the refusal that asks twice, and the word that
// confirms.
const LocksYouOut = "locks_you_out"

// CreateIn is a new rule.
type CreateIn struct {
	Content
	Confirm string `json:"confirm,omitempty" enum:"locks_you_out" doc:"that you understand that you could not call from your present address; the answer then holds a way back"`
}

// UpdateIn replaces a rule.
type UpdateIn struct {
	ID id.IPRule `path:"id" json:"-"`
	CreateIn
	Version *int64 `json:"version,omitempty" doc:"the version that was read: if somebody has saved another since, the answer is 409 and names who"`
}

func create(ctx context.Context, c *gate.Call, in *CreateIn) (*Rule, error) {
	r, known, err := checked(ctx, c, &in.Content)
	if err != nil {
		return nil, err
	}
	r.ID = id.New[id.IPRule](c.At)
	return change(ctx, c, nil, r, known, in.Confirm)
}

func update(ctx context.Context, c *gate.Call, in *UpdateIn) (*Rule, error) {
	before, err := held(c, in.ID)
	if err != nil {
		return nil, err
	}
	if err := admin.Unmoved(ctx, c, admin.Stored{Object: object(in.ID), Noun: "address rule", At: before.ChangedAt, By: before.ChangedBy}, in.Version); err != nil {
		return nil, err
	}
	r, known, err := checked(ctx, c, &in.Content)
	if err != nil {
		return nil, err
	}
	r.ID = in.ID
	return change(ctx, c, before, r, known, in.Confirm)
}

// change stores a rule; before is nil for a new one.
func change(ctx context.Context, c *gate.Call, before, after *policy.IPRule, known names, confirm string) (*Rule, error) {
	if confirm != "" && confirm != LocksYouOut {
		return nil, fault.Bad("confirm", "Say locks_you_out, or leave it out.")
	}
	out, err := shutsOut(ctx, c, after)
	if err != nil {
		return nil, err
	}
	if out && confirm == "" {
		return nil, fault.New(fault.Conflict, LocksYouOut, "Under this rule you could not call from your present address, "+ipset.Plain(c.Request.Address.Chosen).String()+
			". Take your address into it, or confirm that you mean it; you then have ten minutes to take it back.")
	}
	record(c, before, after)
	after.ChangedAt, after.ChangedBy = c.At, c.Who.Name
	if err := policy.SaveIPRule(ctx, c.Tx, after, before == nil); err != nil {
		return nil, err
	}
	saved := shown(after, known)
	saved.Overlaps = overlapping(c, after)
	if out {
		c.Detail(LocksYouOut, "confirmed")
		if saved.WayBack, err = open(ctx, c, before, after); err != nil {
			return nil, err
		}
	}
	return &saved, nil
}

// record notes a change for the trail; nil is a rule that is not there.
func record(c *gate.Call, before, after *policy.IPRule) {
	was, is := lines(before), lines(after)
	for i, field := range []string{"name", "mode", "entries", "active", "holders"} {
		c.Change(field, was[i], is[i])
	}
	if after != nil {
		before = after
	}
	c.Object(object(before.ID))
}

func lines(r *policy.IPRule) [5]string {
	if r == nil {
		return [5]string{}
	}
	active := "no"
	if r.Active {
		active = "yes"
	}
	return [5]string{r.Name, mode(r.Deny), strings.Join(r.Entries, ", "), active, references(r.Holders)}
}

func remove(ctx context.Context, c *gate.Call, in *Ref) (*admin.Done, error) {
	r, err := held(c, in.ID)
	if err != nil {
		return nil, err
	}
	if len(r.Holders) > 0 {
		known, err := Names(ctx, c.Tx, r.Holders)
		if err != nil {
			return nil, err
		}
		return nil, fault.New(fault.Conflict, "in_use", "This rule binds "+sentence(names(known).holders(r.Holders))+"; take it from them first.")
	}
	record(c, r, nil)
	_, err = policy.DeleteIPRule(ctx, c.Tx, in.ID)
	return &admin.Done{Done: true}, err
}
