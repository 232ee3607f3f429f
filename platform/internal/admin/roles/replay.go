package roles

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// replayed is how far back recorded decisions are decided again.
const replayed = 30 * 24 * 60 * 60 * 1_000_000

// mostLines bounds the lines of an answer; the counts are of all of them.
const mostLines = 500

// mostExamples is how many lines come with their newest call.
const mostExamples = 20

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
	Entry     id.Audit `json:"entry" class:"public" doc:"audit entry of the newest, for the first lines"`
	Object    string   `json:"object" class:"public" doc:"what the newest was about, for the first lines"`

	at int64
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

// alike is a group of recorded calls that differ in nothing that a role asks for.
type alike struct {
	actor, channel, outcome, operation, operations string
	key                                            id.APIKey
	calls, newest                                  int64
}

// countAlike groups what holders of a role have called. Pages are kept with the
// list of their operations; a call that a grant permitted asked no role, and
// what any layer but the role refused would be refused again.
const countAlike = `SELECT actor, channel, outcome, operation, operations, CASE WHEN outcome = 'denied' THEN api_key ELSE '' END AS used, COUNT(*), MAX(at)
	FROM recorded_call WHERE at >= ? AND channel IN ('ui', 'api', 'walkthrough') AND (outcome = 'denied' AND by_role = 1 OR outcome <> 'denied' AND by_grant = 0) AND `

const groupAlike = ` GROUP BY actor, channel, outcome, operation, operations, CASE WHEN outcome = 'denied' THEN api_key ELSE '' END`

// replay decides the recorded calls of the holders again, under the role as it
// would be. All else is taken to be as it was: address, factors, rows.
func (d *Desk) replay(ctx context.Context, c *gate.Call, before, after *policy.Role, bearers []policy.Bearer) (Replay, error) {
	out := Replay{Since: instant(c.At - replayed), Until: instant(c.At), Lines: []Line{}}
	if len(bearers) == 0 {
		return out, nil
	}
	proposed, err := c.Policy.With(policy.Proposed{Roles: []*policy.Role{after}})
	if err != nil {
		return out, err
	}
	groups, err := recorded(ctx, c.Tx, c.At-replayed, bearers)
	if err != nil {
		return out, err
	}
	j := judge{ctx: ctx, c: c, is: &before.Rights, as: &proposed.Role(after.ID).Rights, catalogue: d.config.Catalogue(), lines: map[Line]*Line{}}
	for _, b := range bearers {
		for _, g := range groups {
			if g.actor == "user/"+string(b.User) {
				if err := j.again(b, &g, &out); err != nil {
					return out, err
				}
			}
		}
	}
	for _, l := range j.lines {
		out.Lines = append(out.Lines, *l)
	}
	slices.SortFunc(out.Lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.User, b.User), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Verdict, b.Verdict))
	})
	if len(out.Lines) > mostLines {
		out.LeftOut = len(out.Lines) - mostLines
		out.Lines = out.Lines[:mostLines]
	}
	return out, examples(ctx, c.Tx, out.Lines)
}

func recorded(ctx context.Context, tx *db.Tx, since int64, bearers []policy.Bearer) ([]alike, error) {
	actors := make([]string, len(bearers))
	for i, b := range bearers {
		actors[i] = "user/" + string(b.User)
	}
	who := db.In("actor", actors)
	return db.All(ctx, tx, func(r *db.Rows) (g alike, err error) {
		return g, r.Scan(&g.actor, &g.channel, &g.outcome, &g.operation, &g.operations, &g.key, &g.calls, &g.newest)
	}, countAlike+who.SQL()+groupAlike, append([]any{since}, who.Args()...)...)
}

// judge decides groups again.
type judge struct {
	ctx       context.Context
	c         *gate.Call
	is, as    *access.Role // rights as they are, and as they would be
	catalogue []*gate.Meta
	lines     map[Line]*Line // by operation, channel, person and verdict
}

func (j *judge) again(b policy.Bearer, g *alike, out *Replay) error {
	for _, name := range g.names() {
		m := named(j.catalogue, name)
		if m == nil || m.Permit != gate.ByRole {
			continue
		}
		out.Decisions += g.calls
		permitted := has(j.as, g.channel, m.Number)
		if permitted && g.outcome == operation.Denied.String() && g.key != "" {
			s, err := j.c.Policy.Subject(j.ctx, j.c.Tx, b.User, g.key)
			if err != nil {
				return err
			}
			permitted = s.KeyScope == nil || s.KeyScope.Has(m.Number)
		}
		was := g.outcome != operation.Denied.String()
		if permitted == was {
			continue
		}
		l := Line{Operation: name, Title: m.Title, Channel: g.channel, User: b.User, Name: b.Name, Verdict: wouldBeAllowed,
			Already: has(j.is, g.channel, m.Number) == permitted}
		if was {
			l.Verdict = wouldBeDenied
			out.Denied += g.calls
		} else {
			out.Allowed += g.calls
		}
		j.count(l, g)
	}
	return nil
}

func (j *judge) count(key Line, g *alike) {
	l := j.lines[key]
	if l == nil {
		one := key
		l = &one
		j.lines[key] = l
	}
	l.Calls += g.calls
	if g.newest > l.at {
		l.at, l.Newest = g.newest, instant(g.newest)
	}
}

// names gives the operations that a group's entries stand for.
func (g *alike) names() []string {
	if g.operations == "" {
		return []string{g.operation}
	}
	return strings.Split(strings.Trim(g.operations, `"`), `","`)
}

// has asks a role as the gate does: keys by the API, everybody else by the screens.
func has(r *access.Role, channel string, op uint16) bool {
	if channel == operation.API.String() {
		return r.API.Has(op)
	}
	return r.UI.Has(op)
}

// examples finds the newest entry of the first lines.
func examples(ctx context.Context, tx *db.Tx, lines []Line) error {
	for i := range lines[:min(len(lines), mostExamples)] {
		l := &lines[i]
		type found struct {
			id     id.Audit
			object string
		}
		list, err := db.All(ctx, tx, func(r *db.Rows) (f found, err error) { return f, r.Scan(&f.id, &f.object) },
			`SELECT id, object FROM recorded_call WHERE actor = ? AND at = ? AND channel = ? AND (operation = ? OR operations LIKE ?) ORDER BY id DESC LIMIT 1`,
			"user/"+string(l.User), l.at, l.Channel, l.Operation, `%"`+l.Operation+`"%`)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			l.Entry, l.Object = list[0].id, list[0].object
		}
	}
	return nil
}
