package roles

import (
	"cmp"
	"context"
	"slices"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// replayed is how many days back recorded decisions are decided again, beside
// today's.
const replayed = 30

// mostLines bounds the lines of an answer; the counts are of all of them.
const mostLines = 500

// The verdicts of a line.
const (
	wouldBeDenied  = "denied"
	wouldBeAllowed = "allowed"
)

// Line is a kind of recorded calls whose decision would be another one.
type Line struct {
	Operation string   `json:"operation" class:"public"`
	Title     string   `json:"title" class:"public"`
	Channel   string   `json:"channel" class:"public" enum:"ui,api,walkthrough"`
	User      id.User  `json:"user" class:"public"`
	Name      string   `json:"name" class:"public"`
	Verdict   string   `json:"verdict" class:"public" enum:"denied,allowed" doc:"what the role as it would be says to them"`
	Already   bool     `json:"already" class:"public" doc:"the role as it is says so too: it was another role, or another content of it, when they were made"`
	Calls     int64    `json:"calls" class:"public"`
	Newest    string   `json:"newest" class:"public"`
	Entry     id.Audit `json:"entry" class:"public" doc:"audit entry of the newest"`
	Object    string   `json:"object" class:"public" doc:"what the newest was about; empty where the asker does not see it"`
}

// Replay is what the role as it would be says to the calls that its holders have
// made.
type Replay struct {
	Since     string `json:"since" class:"public"`
	Until     string `json:"until" class:"public"`
	Decisions int64  `json:"decisions" class:"public" doc:"recorded decisions that the role was asked for"`
	Denied    int64  `json:"denied" class:"public" doc:"that were allowed and would be denied"`
	Allowed   int64  `json:"allowed" class:"public" doc:"that were refused for want of the operation and would be permitted"`
	Lines     []Line `json:"lines" doc:"most calls first"`
	LeftOut   int    `json:"lines_left_out" class:"public"`
}

// replay decides the recorded calls of the holders again, under the role as it
// would be. All else is taken to be as it was: address, factors, rows.
func (d *Desk) replay(ctx context.Context, c *gate.Call, before, after *policy.Role, bearers []policy.Bearer) (Replay, error) {
	since := (c.At/day - replayed) * day
	out := Replay{Since: instant(since), Until: instant(c.At), Lines: []Line{}}
	if len(bearers) == 0 {
		return out, nil
	}
	proposed, err := c.Policy.With(policy.Proposed{Roles: []*policy.Role{after}})
	if err != nil {
		return out, err
	}
	j := judge{ctx: ctx, c: c, is: &before.Rights, as: &proposed.Role(after.ID).Rights, holders: map[string]policy.Bearer{}, known: map[string]*gate.Meta{}, lines: map[Line]called{}, out: &out}
	for _, b := range bearers {
		j.holders["user/"+string(b.User)] = b
	}
	for _, m := range d.config.Catalogue() {
		if m.Permit == gate.ByRole {
			j.known[m.Name] = m
		}
	}
	if err := d.tallies.of(c.Tenant).each(ctx, c.Tx, since, j.again); err != nil {
		return out, err
	}
	j.tell()
	for i := range out.Lines {
		if out.Lines[i].Object, err = admin.Visible(ctx, c, out.Lines[i].Object); err != nil {
			return out, err
		}
	}
	return out, nil
}

// judge decides groups of recorded calls again.
type judge struct {
	ctx     context.Context
	c       *gate.Call
	is, as  *access.Role // rights as they are, and as they would be
	holders map[string]policy.Bearer
	known   map[string]*gate.Meta
	lines   map[Line]called // by operation, channel, person and verdict
	out     *Replay
}

func (j *judge) again(g alike, n called) error {
	b, holds := j.holders[g.actor]
	m := j.known[g.operation]
	if !holds || m == nil {
		return nil
	}
	j.out.Decisions += n.calls
	permitted := has(j.as, g.channel, m.Number)
	if permitted && g.key != "" {
		s, err := j.c.Policy.Subject(j.ctx, j.c.Tx, b.User, g.key)
		if err != nil {
			return err
		}
		permitted = s.KeyScope == nil || s.KeyScope.Has(m.Number)
	}
	if permitted != g.denied {
		return nil // as it was decided then
	}
	l := Line{Operation: m.Name, Title: m.Title, Channel: g.channel, User: b.User, Name: b.Name, Verdict: wouldBeDenied, Already: has(j.is, g.channel, m.Number) == permitted}
	if permitted {
		l.Verdict = wouldBeAllowed
		j.out.Allowed += n.calls
	} else {
		j.out.Denied += n.calls
	}
	j.lines[l] = j.lines[l].and(n)
	return nil
}

// tell puts the lines into the answer, those with most calls first.
func (j *judge) tell() {
	for l, n := range j.lines {
		l.Calls, l.Newest, l.Entry, l.Object = n.calls, instant(n.newest), n.entry, n.object
		j.out.Lines = append(j.out.Lines, l)
	}
	slices.SortFunc(j.out.Lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.User, b.User), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Verdict, b.Verdict))
	})
	if len(j.out.Lines) > mostLines {
		j.out.LeftOut = len(j.out.Lines) - mostLines
		j.out.Lines = j.out.Lines[:mostLines]
	}
}

// has asks a role as the gate does: keys by the API, everybody else by the screens.
func has(r *access.Role, channel string, op uint16) bool {
	if channel == operation.API.String() {
		return r.API.Has(op)
	}
	return r.UI.Has(op)
}
