// Package retention is the desk that says how long entries of the audit trail stay,
// and disposes of them when their time is over. An entry belongs to one category by
// its operation. Disposal takes what the entry said and leaves its place and its leaf,
// so that every proof still holds; each disposal is itself an entry. What a legal hold
// speaks of stays.
//
// Invariants: nothing goes within a year; what proves the trail, and what was done with
// keys, never goes; a job disposes, and nobody by hand.
package retention

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit/retention"
	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/proof/disposal"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Held is what legal holds say of a category.
type Held struct {
	Whole   bool    // nothing of it goes
	Entries db.Cond // those that stay, over the columns of an entry; the zero Cond: none
	Basis   string  // another one whenever holds have changed
}

// Config is what the desk is wired with.
type Config struct {
	Catalogue func() []*gate.Meta
	// Holds tells which legal holds are in force, in the caller's transaction.
	Holds func(ctx context.Context, tx *db.Tx, category string) (Held, error)
}

// Desk holds the operations.
type Desk struct {
	config  Config
	View    *gate.Op[Nothing, View]
	Update  *gate.Op[UpdateIn, Category]
	Dispose *gate.Op[DisposeIn, Disposal]
}

// Nothing is the input of operations that need none.
type Nothing struct{}

const area, screen = "Audit", "Audit trail/Retention"

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c}
	d.View = &gate.Op[Nothing, View]{Name: "audit.retention.view", Title: "See how long audit entries are kept", Area: area, Screen: screen, Method: "GET", Path: "/audit/retention",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: d.view}
	d.Update = &gate.Op[UpdateIn, Category]{Name: "audit.retention.update", Title: "Change how long audit entries are kept", Area: area, Screen: screen, Method: "PATCH", Path: "/audit/retention/{category}",
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.ByRole, Sensitivity: operation.Security, StepUp: true, Pairing: gate.MayPair,
		Object: func(in *UpdateIn) string { return "audit/" + in.Category }, Do: d.update}
	d.Dispose = &gate.Op[DisposeIn, Disposal]{Name: disposal.Operation, Title: "Dispose of audit entries", Area: area,
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.House, Sensitivity: operation.Security,
		Object: func(in *DisposeIn) string { return "audit/" + in.Category }, Do: d.dispose}
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry { return []gate.Entry{d.View, d.Update, d.Dispose} }

// View is how long entries are kept, by category.
type View struct {
	Items []Category `json:"items"`
}

// Category is a part of the trail that is kept for as long.
type Category struct {
	Name      string `json:"category" class:"public"`
	Title     string `json:"title" class:"public"`
	Months    int64  `json:"months" class:"public" doc:"how long an entry is kept; 0: for ever"`
	Fixed     bool   `json:"fixed" class:"public" doc:"It is kept for ever, and that cannot be changed."`
	Held      bool   `json:"held" class:"public" doc:"A legal hold keeps all of it."`
	Before    string `json:"before,omitempty" class:"public" doc:"Entries made before this date go, unless a hold keeps them."`
	Disposed  int64  `json:"disposed" class:"public" doc:"entries that were disposed of until now"`
	LastAt    string `json:"last_at,omitempty" class:"public" doc:"of the last disposal"`
	ChangedAt string `json:"changed_at,omitempty" class:"public"`
}

// UpdateIn changes how long a category is kept.
type UpdateIn struct {
	Category string `path:"category"`
	Months   int64  `json:"months" minimum:"0" maximum:"1200" doc:"at least 13; 0: for ever"`
	Reason   string `json:"reason" minLength:"1" maxLength:"500"`
}

// leastMonths keeps every entry for longer than disposal.Least.
const leastMonths = 13

// ownMonths is how long applications, and what was done with them, must be kept under
// Regulation B, 12 CFR 1002.12(b).
const ownMonths = 25

// stored is the row of a category.
type stored struct {
	months, changedAt, reached, disposed, lastAt int64
	basis                                        string
}

func (d *Desk) rows(ctx context.Context, tx *db.Tx) (map[string]stored, error) {
	out := map[string]stored{}
	for _, k := range kinds() {
		out[k.name] = stored{months: k.months}
	}
	_, err := db.All(ctx, tx, func(r *db.Rows) (struct{}, error) {
		var name string
		var s stored
		err := r.Scan(&name, &s.months, &s.changedAt, &s.reached, &s.basis, &s.disposed, &s.lastAt)
		if own, known := out[name]; known {
			if s.months < 0 || kindOf(name).months == forEver {
				s.months = own.months
			}
			out[name] = s
		}
		return struct{}{}, err
	}, `SELECT category, months, changed_at, reached, basis, disposed, last_at FROM audit_retention ORDER BY category`)
	return out, err
}

func (d *Desk) view(ctx context.Context, c *gate.Call, _ *Nothing) (*View, error) {
	rows, err := d.rows(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	out := &View{}
	for _, k := range kinds() {
		one, err := d.category(ctx, c, k, rows[k.name])
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, *one)
	}
	return out, nil
}

func (d *Desk) category(ctx context.Context, c *gate.Call, k kind, s stored) (*Category, error) {
	held, err := d.held(ctx, c.Tx, k.name)
	if err != nil {
		return nil, err
	}
	out := &Category{Name: k.name, Title: k.title, Months: s.months, Fixed: k.months == forEver, Held: held.Whole, Disposed: s.disposed}
	if s.months > 0 {
		out.Before = before(c.Tenant.Today(c.At), s.months).String()
	}
	for at, text := range map[int64]*string{s.lastAt: &out.LastAt, s.changedAt: &out.ChangedAt} {
		if at != 0 {
			*text = time.UnixMicro(at).UTC().Format(time.RFC3339)
		}
	}
	return out, nil
}

func (d *Desk) held(ctx context.Context, tx *db.Tx, category string) (Held, error) {
	if d.config.Holds == nil {
		return Held{}, nil
	}
	return d.config.Holds(ctx, tx, category)
}

// before is the first date of which entries stay.
func before(today civil.Date, months int64) civil.Date { return today.AddMonths(-int(months)) }

func (d *Desk) update(ctx context.Context, c *gate.Call, in *UpdateIn) (*Category, error) {
	k := kindOf(in.Category)
	if k == nil {
		return nil, fault.Missing("category")
	}
	var bad fault.Collector
	in.Reason = strings.TrimSpace(in.Reason)
	bad.Check(in.Reason != "", "reason", "Say why.")
	bad.Check(in.Months == 0 || in.Months >= leastMonths, "months", "Keep entries for at least "+strconv.Itoa(leastMonths)+" months, or give 0 to keep them for ever.")
	if err := bad.Err(); err != nil {
		return nil, err
	}
	if k.months == forEver {
		return nil, fault.New(fault.Conflict, "kept_for_ever", "These entries prove what became of the others, so they are kept for ever.")
	}
	rows, err := d.rows(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	s := rows[k.name]
	c.Given(in.Reason)
	c.Change("months", strconv.FormatInt(s.months, 10), strconv.FormatInt(in.Months, 10))
	s.months, s.changedAt = in.Months, c.At
	_, err = c.Tx.Exec(ctx, `INSERT INTO audit_retention (category, months, changed_at, changed_by, reached, basis, looked_at, disposed, last_at) VALUES (?, ?, ?, ?, 0, '', 0, 0, 0)
		ON CONFLICT (category) DO UPDATE SET months = excluded.months, changed_at = excluded.changed_at, changed_by = excluded.changed_by`, k.name, in.Months, c.At, c.Who.String())
	if err != nil {
		return nil, err
	}
	return d.category(ctx, c, *k, s)
}

// rule says which entries of a category go now; ok is false if none do.
func (d *Desk) rule(ctx context.Context, tx *db.Tx, k *kind, s stored, today civil.Date, zone *time.Location) (r *retention.Rule, held Held, ok bool, err error) {
	if held, err = d.held(ctx, tx, k.name); err != nil || held.Whole || s.months <= 0 {
		return nil, held, false, err
	}
	year, month, day := before(today, max(s.months, leastMonths)).YMD()
	return &retention.Rule{Which: d.of(k), Stay: held.Entries, Before: time.Date(year, month, day, 0, 0, 0, 0, zone).UnixMicro()}, held, true, nil
}
