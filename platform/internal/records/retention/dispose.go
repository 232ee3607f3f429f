package retention

import (
	"context"
	"crypto/rand"
	"strconv"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit/retention"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Job looks once a day for entries whose time is over.
const Job = "audit.retention"

const (
	daily = 24 * time.Hour
	slice = 2 * time.Second // after it a job hands over to the next one
)

// DisposeIn takes entries of a category from behind a sequence; only the house does.
type DisposeIn struct {
	Category   string
	after, end int64
}

// Disposal is what went.
type Disposal struct {
	Category string `json:"category" class:"public"`
	Count    int64  `json:"count" class:"public"`
	last     int64
}

// dispose asks again which entries go: since the job looked, a hold may have come.
func (d *Desk) dispose(ctx context.Context, c *gate.Call, in *DisposeIn) (*Disposal, error) {
	k := kindOf(in.Category)
	if k == nil {
		return nil, fault.Missing("category")
	}
	rows, err := d.rows(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	r, held, ok, err := d.rule(ctx, c.Tx, k, rows[k.name], c.Tenant.Today(c.At), c.Tenant.Zone)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errNothing()
	}
	n, err := retention.Dispose(ctx, c.Tx, rand.Text(), r, in.after, in.end)
	if err != nil {
		return nil, err
	}
	if n.Count == 0 {
		return nil, errNothing()
	}
	for key, value := range n.Detail() {
		c.Detail(key, value)
	}
	c.Detail("category", k.name)
	c.Detail("months", strconv.FormatInt(rows[k.name].months, 10))
	c.Detail("made_before", time.UnixMicro(r.Before).UTC().Format(time.RFC3339))
	return &Disposal{Category: k.name, Count: n.Count, last: n.Last}, d.note(ctx, c.Tx, k, n.Last, held.Basis, n.Count)
}

func errNothing() error {
	return fault.New(fault.Conflict, "nothing_to_dispose", "No entry of this category goes now.")
}

// note keeps how far disposal has come, and under which holds.
func (d *Desk) note(ctx context.Context, tx *db.Tx, k *kind, reached int64, basis string, count int64) error {
	lastAt := int64(0)
	if count > 0 {
		lastAt = tx.At
	}
	_, err := tx.Exec(ctx, `INSERT INTO audit_retention (category, months, changed_at, changed_by, reached, basis, looked_at, disposed, last_at) VALUES (?, -1, 0, '', ?, ?, ?, ?, ?)
		ON CONFLICT (category) DO UPDATE SET reached = excluded.reached, basis = excluded.basis, looked_at = excluded.looked_at, disposed = audit_retention.disposed + excluded.disposed,
		last_at = CASE WHEN excluded.last_at > 0 THEN excluded.last_at ELSE audit_retention.last_at END`,
		k.name, reached, basis, tx.At, count, lastAt)
	return err
}

// Handlers does this desk's job for one tenant.
func (d *Desk) Handlers(g *gate.Gate, t *tenant.Tenant) map[string]job.Handler {
	return map[string]job.Handler{Job: func(ctx context.Context, _ job.Job) error {
		done, err := d.Sweep(ctx, g, t, slice)
		if err != nil {
			return err
		}
		return t.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			next := tx.At
			if done {
				next += daily.Microseconds()
			}
			_, err := job.Enqueue(ctx, tx, Job, "daily", struct{}{}, next)
			return err
		})
	}}
}

// Resume sees to it that the job is there.
func (d *Desk) Resume(ctx context.Context, t *tenant.Tenant) error {
	return t.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		_, err := job.Enqueue(ctx, tx, Job, "daily", struct{}{}, 0)
		return err
	})
}

// Sweep disposes of what may go, for about as long as it is given; done says whether
// it came to the end.
func (d *Desk) Sweep(ctx context.Context, g *gate.Gate, t *tenant.Tenant, patience time.Duration) (done bool, err error) {
	until := t.DB.Now() + patience.Microseconds()
	for _, k := range kinds() {
		for more := true; more; {
			if more, err = d.step(ctx, g, t, &k); err != nil {
				return false, err
			}
			if more && t.DB.Now() >= until {
				return false, nil
			}
		}
	}
	return true, nil
}

// look is what a step found before it acts.
type look struct {
	reached, end int64
	basis        string
	found        bool
	stored       stored
}

// step looks at one stretch of the trail for a category, and disposes of what it finds
// there; more says that there is another.
func (d *Desk) step(ctx context.Context, g *gate.Gate, t *tenant.Tenant, k *kind) (more bool, err error) {
	var l *look
	err = t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		l, err = d.look(ctx, tx, t, k)
		return err
	})
	if err != nil || l == nil {
		return false, err
	}
	if l.found {
		caller := &gate.Request{Tenant: t, Channel: operation.Job, Job: "retention"}
		_, err = gate.Run(ctx, g, d.Dispose, caller, func(in *DisposeIn) error { in.Category, in.after, in.end = k.name, l.reached, l.end; return nil }, nil)
		if fault.Is(err, fault.Conflict) { // a hold came between
			err = nil
		}
		return err == nil, err
	}
	if l.reached == l.stored.reached && l.basis == l.stored.basis {
		return false, nil
	}
	err = t.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error { return d.note(ctx, tx, k, l.reached, l.basis, 0) })
	return l.reached < l.end, err
}

func (d *Desk) look(ctx context.Context, tx *db.Tx, t *tenant.Tenant, k *kind) (*look, error) {
	rows, err := d.rows(ctx, tx)
	if err != nil {
		return nil, err
	}
	s := rows[k.name]
	r, held, ok, err := d.rule(ctx, tx, k, s, t.Today(tx.At), t.Zone)
	if err != nil || !ok {
		return nil, err
	}
	l := &look{reached: s.reached, basis: held.Basis, stored: s}
	if held.Basis != s.basis {
		l.reached = 0 // what was held may go now
	}
	if l.end, err = retention.End(ctx, tx, r.Before); err != nil {
		return nil, err
	}
	l.reached, l.found, err = retention.Next(ctx, tx, r, l.reached, l.end)
	return l, err
}
