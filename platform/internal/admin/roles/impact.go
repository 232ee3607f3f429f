package roles

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// ImpactIn is a role as it would be.
type ImpactIn struct {
	ID          id.Role     `path:"id" json:"-"`
	Name        string      `json:"name,omitempty" maxLength:"200"`
	Description string      `json:"description,omitempty" maxLength:"500"`
	UI          []string    `json:"ui" maxItems:"1000" doc:"operations in the screens"`
	API         []string    `json:"api" maxItems:"1000" doc:"operations in the API"`
	Visibility  *Visibility `json:"visibility,omitempty" doc:"left out: as it is"`
}

// Turn is what a channel of the role gains and loses.
type Turn struct {
	Gains []string `json:"gains" class:"public"`
	Loses []string `json:"loses" class:"public"`
}

// Effect is what the change means to one holder: how many operations they gain
// and lose on the screens, and through the API if they have a live key.
type Effect struct {
	User        id.User `json:"user" class:"public"`
	Name        string  `json:"name" class:"public"`
	Active      bool    `json:"active" class:"public"`
	Machine     bool    `json:"machine" class:"public"`
	Keys        int     `json:"keys" class:"public" doc:"live API keys"`
	ScreensGain int     `json:"screens_gain" class:"public"`
	ScreensLose int     `json:"screens_lose" class:"public"`
	APIGain     int     `json:"api_gain" class:"public"`
	APILose     int     `json:"api_lose" class:"public"`
	Denied      int64   `json:"calls_denied" class:"public" doc:"recorded calls that were allowed and would be denied"`
	Allowed     int64   `json:"calls_allowed" class:"public" doc:"recorded calls that the role refused and would permit"`
}

// gains and loses report whether anything in a channel that the person uses
// comes or goes.
func (e *Effect) gains() bool { return e.Active && e.ScreensGain+e.APIGain > 0 }
func (e *Effect) loses() bool { return e.Active && e.ScreensLose+e.APILose > 0 }

// ImpactOut is what a change of a role would do.
type ImpactOut struct {
	Role        Side      `json:"role"`
	UI          Turn      `json:"ui"`
	API         Turn      `json:"api"`
	Visibility  []Differs `json:"visibility" doc:"a: as it is, b: as it would be; only what differs"`
	PeopleGain  int       `json:"people_gain" class:"public" doc:"active holders who gain something"`
	PeopleLose  int       `json:"people_lose" class:"public" doc:"active holders who lose something"`
	People      []Effect  `json:"people"`
	Replay      Replay    `json:"replay"`
	WouldBeLost bool      `json:"would_leave_no_administrator" class:"public"`
}

func (d *Desk) impact() *gate.Op[ImpactIn, ImpactOut] {
	o := look("role.impact", "See impact of role change", "Role", "/roles/{id}/impact", d.tell)
	o.Method = "POST"
	o.Object = func(in *ImpactIn) string { return object(in.ID) }
	return o
}

func (d *Desk) tell(ctx context.Context, c *gate.Call, in *ImpactIn) (*ImpactOut, error) {
	before, err := held(c, in.ID)
	if err != nil {
		return nil, err
	}
	as := Content{Name: in.Name, Description: in.Description, UI: in.UI, API: in.API, Visibility: in.Visibility}
	if as.Name == "" {
		as.Name = before.Name
	}
	after, err := Checked(d.config.Catalogue(), &as, *before)
	if err != nil {
		return nil, err
	}
	after.Customized = after.Shipped != ""
	out := &ImpactOut{Role: Side{before.ID, before.Name}, UI: turn(before.UI, after.UI), API: turn(before.API, after.API),
		Visibility: visibilities(before.Visibility, after.Visibility), WouldBeLost: refuseNoAdministrator(d.config.Catalogue(), &after) != nil}
	bearers, err := bearersNow(ctx, c.Tx, before.ID)
	if err != nil {
		return nil, err
	}
	if out.Replay, err = d.replay(ctx, c, before, &after, bearers); err != nil {
		return nil, err
	}
	// What they have called meanwhile is not replayed: what was lent permitted some of it.
	leaning, err := bearersAbove(ctx, c, before.ID)
	if err != nil {
		return nil, err
	}
	return out, out.tellPeople(ctx, c, append(bearers, leaning...))
}

// bearersAbove gives the people who hold a role that is lent and adds to this one:
// what this one loses, they lose.
func bearersAbove(ctx context.Context, c *gate.Call, rid id.Role) ([]policy.Bearer, error) {
	all, err := policy.Bearers(ctx, c.Tx, rid)
	var out []policy.Bearer
	for _, b := range all {
		if !b.Later {
			continue
		}
		s, err := c.Policy.Subject(ctx, c.Tx, b.User, "")
		if err != nil {
			return nil, err
		}
		if s.Role.From == rid {
			out = append(out, b)
		}
	}
	return out, err
}

func turn(before, after []string) Turn {
	before, after = sorted(before), sorted(after)
	return Turn{Gains: minus(after, before), Loses: minus(before, after)}
}

func bearersNow(ctx context.Context, tx *db.Tx, rid id.Role) ([]policy.Bearer, error) {
	all, err := policy.Bearers(ctx, tx, rid)
	var out []policy.Bearer
	for _, b := range all {
		if !b.Later {
			out = append(out, b)
		}
	}
	return out, err
}

func (o *ImpactOut) tellPeople(ctx context.Context, c *gate.Call, bearers []policy.Bearer) error {
	keys, err := liveKeys(ctx, c.Tx)
	if err != nil {
		return err
	}
	o.People = make([]Effect, 0, len(bearers))
	for _, b := range bearers {
		e := Effect{User: b.User, Name: b.Name, Active: b.Active, Machine: b.Machine, Keys: keys[b.User]}
		if !b.Machine {
			e.ScreensGain, e.ScreensLose = len(o.UI.Gains), len(o.UI.Loses)
		}
		if e.Keys > 0 {
			e.APIGain, e.APILose = len(o.API.Gains), len(o.API.Loses)
		}
		for _, l := range o.Replay.Lines {
			switch {
			case l.User != b.User:
			case l.Verdict == wouldBeDenied:
				e.Denied += l.Calls
			default:
				e.Allowed += l.Calls
			}
		}
		if e.gains() {
			o.PeopleGain++
		}
		if e.loses() {
			o.PeopleLose++
		}
		o.People = append(o.People, e)
	}
	return nil
}

// liveKeys counts the API keys of each user that are good at this instant.
func liveKeys(ctx context.Context, tx *db.Tx) (map[id.User]int, error) {
	type row struct {
		user id.User
		n    int
	}
	rows, err := db.All(ctx, tx, func(r *db.Rows) (x row, err error) { return x, r.Scan(&x.user, &x.n) },
		`SELECT user_id, COUNT(*) FROM api_key WHERE revoked_at = 0 AND (expires_at = 0 OR expires_at > ?) GROUP BY user_id`, tx.At)
	out := make(map[id.User]int, len(rows))
	for _, x := range rows {
		out[x.user] = x.n
	}
	return out, err
}
