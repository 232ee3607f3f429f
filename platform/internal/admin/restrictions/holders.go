package restrictions

import (
	"context"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// HoldersIn says who holds a restriction: exactly these users, of their own, and
// exactly these teams.
type HoldersIn struct {
	ID      id.Restriction `path:"id" json:"-"`
	Users   []id.User      `json:"users" maxItems:"1000"`
	Teams   []id.Team      `json:"teams" maxItems:"1000"`
	Version *int64         `json:"version,omitempty" doc:"the holders_version that was read: if others hold it since, the answer is 409 and names them"`
}

// heldVersion is the version of who holds a restriction, in whatever order.
func heldVersion(h *policy.Holding) int64 {
	if h == nil {
		h = &policy.Holding{}
	}
	return admin.VersionOf(names(ids[id.User](h.Users)), names(ids[id.Team](h.Teams)))
}

// assign gives a restriction to users and teams and takes it from all others.
// Nobody gives it to themselves or takes it from themselves, through a team
// neither.
func (d *Desk) assign(ctx context.Context, c *gate.Call, in *HoldersIn) (*Restriction, error) {
	if _, err := policy.RestrictionByID(ctx, c.Tx, in.ID); err != nil {
		return nil, err
	}
	held, err := policy.Holdings(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	before := held[in.ID]
	if before == nil {
		before = &policy.Holding{}
	}
	now := []fault.Field{{Path: "users", Mend: "Nobody holds it now."}}
	if !before.Empty() {
		now[0].Mend = "Now it is held by " + before.String() + "."
	}
	if err := admin.Same(ctx, c, admin.Stored{Object: object(in.ID), Noun: "assignment"}, heldVersion(before), in.Version, now); err != nil {
		return nil, err
	}
	if err := refuseOwn(ctx, c, before, in); err != nil {
		return nil, err
	}
	rows, err := admin.WatchRows(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := policy.Hold(ctx, c.Tx, in.ID, in.Users, in.Teams); err != nil {
		return nil, err
	}
	if err := rows.Refuse(ctx, c); err != nil {
		return nil, err
	}
	c.Change("users", names(ids[id.User](before.Users)), names(in.Users))
	c.Change("teams", names(ids[id.Team](before.Teams)), names(in.Teams))
	d.changed(c)
	return d.view(ctx, c, &Ref{in.ID})
}

func refuseOwn(ctx context.Context, c *gate.Call, before *policy.Holding, in *HoldersIn) error {
	if moved(ids[id.User](before.Users), in.Users, c.Who.User) {
		return ownAccess()
	}
	mine, err := policy.TeamsOf(ctx, c.Tx, c.Who.User)
	if err != nil {
		return err
	}
	for _, t := range mine {
		if moved(ids[id.Team](before.Teams), in.Teams, t) {
			return ownAccess()
		}
	}
	return nil
}

// moved reports whether one joins or leaves a list.
func moved[T comparable](before, after []T, one T) bool {
	return slices.Contains(before, one) != slices.Contains(after, one)
}

func ids[T ~string](list []policy.HeldBy) []T {
	out := make([]T, len(list))
	for i, h := range list {
		out[i] = T(h.ID)
	}
	return out
}

func names[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, one := range list {
		texts[i] = string(one)
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}
