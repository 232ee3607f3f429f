package requests

import (
	"context"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/inquiry"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// longest is the furthest end that can be asked for, in microseconds.
const longest = 90 * 24 * 60 * 60 * 1_000_000

// mostOpen bounds what one person can have waiting.
const mostOpen = 20

// CreateIn asks for access: from one's own denied decision, or for an operation.
type CreateIn struct {
	Decision  id.Decision `json:"decision,omitempty" maxLength:"60" doc:"one’s own denial; leave operation, object and channel out"`
	Operation string      `json:"operation,omitempty" maxLength:"100" example:"loan.payment.log"`
	Object    string      `json:"object,omitempty" maxLength:"100" example:"loan/ln_…" doc:"what the operation is about, or a loan’s number"`
	Channel   string      `json:"channel,omitempty" enum:"ui,api" doc:"empty: ui"`
	Reason    string      `json:"reason" minLength:"1" maxLength:"1000"`
	Until     string      `json:"until" minLength:"1" maxLength:"40" doc:"a date, to its end, or an instant; at most 90 days ahead" example:"2026-12-01"`
}

func (d *Desk) create(ctx context.Context, c *gate.Call, in *CreateIn) (*Request, error) {
	r := &row{id: id.New[id.AccessRequest](c.At), user: c.Who.User, reason: strings.TrimSpace(in.Reason), state: Open, madeAt: c.At, decision: in.Decision, change: "{}"}
	var f fault.Collector
	f.Check(r.reason != "" && utf8.RuneCountInString(r.reason) <= 1000, "reason", "Say what you need it for, in at most 1,000 characters.")
	var err error
	if r.until, err = end(c, in.Until); err != nil {
		f.Merge("", err)
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	q, err := d.wanted(ctx, c, in, r)
	if err != nil {
		return nil, err
	}
	if err := d.layer(ctx, c, q, r); err != nil {
		return nil, err
	}
	if n, err := waiting(ctx, c.Tx, r); err != nil || n > 0 {
		return nil, first(err, fault.New(fault.Conflict, "already_requested", "You have asked for this already, and it waits."))
	}
	if err := bounded(ctx, c); err != nil {
		return nil, err
	}
	c.Object(object(r.id))
	c.Given(r.reason)
	c.Change("request", "", r.operation+" "+r.object)
	c.Change("until", "", instant(r.until))
	if err := insert(ctx, c.Tx, r); err != nil {
		return nil, err
	}
	if err := d.tellGranters(ctx, c, r); err != nil {
		return nil, err
	}
	return d.shown(ctx, c, r, false)
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func bounded(ctx context.Context, c *gate.Call) error {
	var n int64
	err := c.Tx.One(ctx, `SELECT COUNT(*) FROM access_request WHERE user_id = ? AND state = 'open'`, []any{c.Who.User}, &n)
	if err == nil && n >= mostOpen {
		return fault.New(fault.Conflict, "too_many_requests", "Many of your requests wait already; withdraw one first.")
	}
	return err
}

// end reads until when access is asked for.
func end(c *gate.Call, text string) (int64, error) {
	wrong := fault.Bad("until", "Give a date ahead such as 2026-12-01, at most 90 days from today.")
	at := int64(0)
	if d, err := civil.Parse(text); err == nil {
		day, err := time.ParseInLocation("2006-01-02", d.String(), c.Tenant.Zone)
		if err != nil {
			return 0, wrong
		}
		at = day.AddDate(0, 0, 1).UnixMicro()
	} else if t, err := time.Parse(time.RFC3339, text); err == nil {
		at = t.UnixMicro()
	}
	if at <= c.At || at > c.At+longest {
		return 0, wrong
	}
	return at, nil
}

// wanted is the call that is asked for.
func (d *Desk) wanted(ctx context.Context, c *gate.Call, in *CreateIn, r *row) (inquiry.Question, error) {
	if in.Decision == "" {
		m := d.config.Inquiry.Meta(in.Operation)
		if m == nil || m.Permit != gate.ByRole {
			return inquiry.Question{}, fault.Bad("operation", "Name an operation of the catalogue that a role can hold, or one of your own denials.")
		}
		about, err := admin.ObjectOf(ctx, c, m.Noun, "object", in.Object)
		if err != nil {
			return inquiry.Question{}, err
		}
		r.operation, r.object, r.channel, r.address = m.Name, about, "ui", c.Request.Address.Chosen.String()
		if in.Channel == "api" {
			r.channel = "api"
		}
		return d.question(ctx, c, r)
	}
	q, then, err := d.config.Inquiry.Recall(ctx, c, in.Decision)
	if err != nil {
		return q, err
	}
	if q.User != c.Who.User {
		return q, fault.Missing("decision")
	}
	r.operation, r.object, r.channel, r.layer = q.Meta.Name, q.Object, q.Channel.String(), then.Layer
	if q.Address.IsValid() {
		r.address = q.Address.String()
	}
	if q.Key != "" {
		r.change = deed{Key: q.Key}.String()
	}
	q.FactorAt, q.ProvedAt, q.ViewAs, q.Draft = c.At, c.At, "", ""
	return q, nil
}

// question is a request as a call that might be made now, by a person who has just
// signed in. A loan that its asker could name by number alone is the one of this
// number that the caller sees.
func (d *Desk) question(ctx context.Context, c *gate.Call, r *row) (inquiry.Question, error) {
	m := d.config.Inquiry.Meta(r.operation)
	if m == nil {
		return inquiry.Question{}, fault.New(fault.Conflict, "operation_gone", "This operation does not exist any more; refuse the request.")
	}
	q := inquiry.Question{User: r.user, Meta: m, Channel: operation.ParseChannel(r.channel), Key: r.deed().Key, At: c.At, FactorAt: c.At, ProvedAt: c.At}
	if a, err := netip.ParseAddr(r.address); err == nil {
		q.Address = a
	}
	var err error
	q.Object, err = admin.Located(ctx, c, r.object)
	return q, err
}

// layer notes which layer says no, as the person's own eyes see it: of a row that
// is hidden and one that is missing alike that it is the row.
func (d *Desk) layer(ctx context.Context, c *gate.Call, q inquiry.Question, r *row) error {
	a, err := d.config.Inquiry.Ask(ctx, c, q)
	if err != nil {
		return err
	}
	if a.Allowed {
		return fault.New(fault.Conflict, "already_allowed", "You may do this by now; try it again.")
	}
	if r.layer == "" {
		r.layer = a.Obstacles[0].Layer.String()
	}
	if a.Obstacles[0].By == inquiry.ByPerson && len(a.Obstacles) == 1 {
		return fault.New(fault.Conflict, "yours_to_mend", a.Obstacles[0].Words)
	}
	if a.Obstacles[0].Layer == access.Tenant {
		return fault.New(fault.Conflict, "tenant_inactive", "The tenant is not active; nobody can grant this.")
	}
	return nil
}
