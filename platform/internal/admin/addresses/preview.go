package addresses

import (
	"context"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// PreviewIn is a rule that is not saved; ID names the one that it would replace.
type PreviewIn struct {
	ID id.IPRule `json:"id,omitempty"`
	Content
}

// PreviewOut is what saving it would mean.
type PreviewOut struct {
	Entries     []string `json:"entries" class:"public" doc:"as they would be stored: each once"`
	Covers      Covers   `json:"covers"`
	Overlaps    []Other  `json:"overlaps"`
	Holders     []Holder `json:"holders"`
	LocksYouOut bool     `json:"locks_you_out" class:"public" doc:"you could not call from your present address any more"`
}

func preview(ctx context.Context, c *gate.Call, in *PreviewIn) (*PreviewOut, error) {
	if in.ID != "" {
		if _, err := held(c, in.ID); err != nil {
			return nil, err
		}
	}
	r, known, err := checked(ctx, c, &in.Content)
	if err != nil {
		return nil, err
	}
	r.ID = in.ID
	out := &PreviewOut{Entries: r.Entries, Covers: covers(r.Set()), Overlaps: append([]Other{}, overlapping(c, r)...), Holders: known.holders(r.Holders)}
	out.LocksYouOut, err = shutsOut(ctx, c, r)
	return out, err
}

// MineOut is the address that the caller calls from.
type MineOut struct {
	Address string `json:"address" class:"public" example:"2001:db8:1:2:3:4:5:6"`
	Entry   string `json:"entry" class:"public" doc:"what a rule should name: the address, or of IPv6 the /64 network, whose lower half devices change at will" example:"2001:db8:1:2::/64"`
}

func mine(_ context.Context, c *gate.Call, _ *admin.Nothing) (*MineOut, error) {
	a := ipset.Plain(c.Request.Address.Chosen)
	if !a.IsValid() {
		return &MineOut{}, nil
	}
	entry := ipset.Network(a)
	if entry.IsSingleIP() {
		return &MineOut{Address: a.String(), Entry: a.String()}, nil
	}
	return &MineOut{Address: a.String(), Entry: entry.String()}, nil
}

// inOrder sorts holders as they are read back.
func inOrder(list []policy.Holder) []policy.Holder {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b policy.Holder) int {
		if n := strings.Compare(a.Kind, b.Kind); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}
