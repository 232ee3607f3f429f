package people

import (
	"context"
	"slices"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// unmovedUser refuses an edit of a user who is not as the editor has read them, by
// whatever road: a form that stood open must not take a revocation back unseen.
func unmovedUser(ctx context.Context, c *gate.Call, in *UserUpdateIn, s identity.Staff) error {
	if in.Version == nil {
		return nil
	}
	u, err := shown(ctx, c, s)
	if err != nil {
		return err
	}
	var now []fault.Field
	differs := func(field string, yes bool, mend string) {
		if yes {
			now = append(now, fault.Field{Path: field, Mend: mend})
		}
	}
	differs("name", in.Name != nil && *in.Name != u.Name, "The name is “"+u.Name+"” now.")
	if in.Role != nil {
		asked := findRole(c, *in.Role)
		differs("role", asked == nil || asked.Name != u.Role, "The role is “"+u.Role+"” now.")
	}
	state := "off"
	if u.Active {
		state = "active"
	}
	differs("active", in.Active != nil && *in.Active != u.Active, "The user is "+state+" now.")
	differs("teams", in.Teams != nil && unlike(*in.Teams, u.Teams), "They are in "+counted(len(u.Teams), "team")+" now, and not in the ones that you send.")
	differs("search_restrictions", in.SearchRestrictions != nil && unlike(*in.SearchRestrictions, u.SearchRestrictions),
		"They hold "+counted(len(u.SearchRestrictions), "search restriction")+" now, and not the ones that you send.")
	return admin.Same(ctx, c, admin.Stored{Object: "user/" + string(in.ID), Noun: "user"}, u.Version, in.Version, now)
}

// unmovedTeam is the same for a team.
func unmovedTeam(ctx context.Context, c *gate.Call, in *TeamUpdateIn, was *policy.Team) error {
	t := shownTeam(c, was)
	var now []fault.Field
	if in.Name != nil && *in.Name != t.Name {
		now = append(now, fault.Field{Path: "name", Mend: "The name is “" + t.Name + "” now."})
	}
	if in.Members != nil && unlike(*in.Members, t.Members) {
		now = append(now, fault.Field{Path: "members", Mend: "It has " + counted(len(t.Members), "member") + " now, and not the ones that you send."})
	}
	if in.SearchRestrictions != nil && unlike(*in.SearchRestrictions, t.SearchRestrictions) {
		now = append(now, fault.Field{Path: "search_restrictions", Mend: "It holds " + counted(len(t.SearchRestrictions), "search restriction") + " now, and not the ones that you send."})
	}
	return admin.Same(ctx, c, admin.Stored{Object: "team/" + string(in.ID), Noun: "team"}, t.Version, in.Version, now)
}

// unlike reports that two lists do not hold the same, in whatever order.
func unlike[T ~string](a, b []T) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return !slices.Equal(a, b)
}

func counted(n int, what string) string {
	switch n {
	case 0:
		return "no " + what
	case 1:
		return "one " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
