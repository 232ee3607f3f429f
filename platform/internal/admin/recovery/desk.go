// Package recovery is the desk of a tenant that nobody can administer any more: its
// administrators have left, or lost both password and second factor.
//
//	ask (the machine's operator) ─ waiting ─ a day later → done: an administrator
//	                                  └─ refused by whoever may look after access
//
// Invariants. Only the operator of the machine asks, on the console, which opens to
// whoever runs the house and its KMS. Everybody who may change access is told by mail
// at once, and again at the end. Nothing comes into force before a day is over; until
// then whoever may change access stops it. One recovery waits at a time. What comes
// into force is one person with the shipped role Admin, without search restrictions,
// who must choose a second factor anew; no password is known to the operator.
package recovery

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/mail"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Delay is how long a recovery waits before it comes into force.
const Delay = 24 * time.Hour

// The jobs of this desk: one brings a recovery into force, one sends a letter.
const (
	Job      = "admin_recovery.settle"
	MailKind = "admin_recovery.mail"
)

// Page is where recoveries are seen on the screens.
const Page = "/settings/recovery"

// Config is what the desk is wired with.
type Config struct {
	Catalogue func() []*gate.Meta // the gate's list, once it is made
	Invite    func(ctx context.Context, c *gate.Call, u id.User) error
	Built     func(c *gate.Call) // told when rows are shown that were hidden; nil: nobody
	Kick      func(c *gate.Call) // wakes the job runner of the call's tenant; nil: nobody
}

// Desk holds the operations.
type Desk struct {
	config Config
	Ask    *gate.Op[AskIn, Recovery]
	List   *gate.Op[Nothing, ListOut]
	Refuse *gate.Op[RefuseIn, Recovery]
	Settle *gate.Op[Ref, Recovery]
}

// Nothing is the input of operations that need none.
type Nothing struct{}

// Ref names a recovery in a path.
type Ref struct {
	ID id.Recovery `path:"id" json:"-"`
}

// AskIn says who is to administer the tenant.
type AskIn struct {
	Email  string `json:"email" minLength:"3" maxLength:"320"`
	Name   string `json:"name" maxLength:"200" doc:"of somebody who is not a user yet"`
	Reason string `json:"reason" minLength:"1" maxLength:"500"`
}

// RefuseIn stops a recovery.
type RefuseIn struct {
	ID     id.Recovery `path:"id" json:"-"`
	Reason string      `json:"reason" minLength:"1" maxLength:"500"`
}

// Recovery is one, as everybody sees it who may change access.
type Recovery struct {
	ID          id.Recovery `json:"id" class:"public"`
	User        id.User     `json:"user" class:"public"`
	Name        string      `json:"name" class:"public"`
	Email       string      `json:"email" class:"public"`
	Reason      string      `json:"reason" class:"public"`
	State       string      `json:"state" class:"public" enum:"waiting,done,refused"`
	AskedAt     string      `json:"asked_at" class:"public" format:"date-time"`
	EffectiveAt string      `json:"effective_at" class:"public" format:"date-time"`
	DecidedAt   string      `json:"decided_at,omitempty" class:"public"`
	DecidedBy   string      `json:"decided_by,omitempty" class:"public" doc:"who refused it"`
	Remark      string      `json:"remark,omitempty" class:"public" doc:"why it was refused"`
}

// ListOut lists recoveries, newest first.
type ListOut struct {
	Items []Recovery `json:"items"`
	Total int        `json:"total" class:"public"`
	Next  string     `json:"next" class:"public"`
}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c}
	const area, screen = "Access", "Users/Recovery"
	d.Ask = &gate.Op[AskIn, Recovery]{Name: "admin_recovery.ask", Title: "Ask for a new administrator", Area: area,
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.House, Sensitivity: operation.Security, Do: d.ask}
	d.Settle = &gate.Op[Ref, Recovery]{Name: "admin_recovery.settle", Title: "Bring a new administrator into force", Area: area,
		Kind: operation.Write, Audit: operation.Access, Permit: gate.House, Sensitivity: operation.Security,
		Object: func(in *Ref) string { return object(in.ID) }, Do: d.settle}
	d.List = &gate.Op[Nothing, ListOut]{Name: "admin_recovery.list", Title: "See recoveries of administration", Area: area, Screen: screen, Method: "GET", Path: "/admin-recoveries",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: d.list}
	d.Refuse = &gate.Op[RefuseIn, Recovery]{Name: "admin_recovery.refuse", Title: "Refuse a recovery of administration", Area: area, Screen: screen, Method: "POST", Path: "/admin-recoveries/{id}/refuse",
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.ByRole, Sensitivity: operation.Security, StepUp: true,
		Object: func(in *RefuseIn) string { return object(in.ID) }, Do: d.refuse}
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry { return []gate.Entry{d.Ask, d.List, d.Refuse, d.Settle} }

func object(r id.Recovery) string { return "admin_recovery/" + string(r) }

type payload struct {
	Recovery id.Recovery `json:"recovery"`
}

// Handlers does this desk's jobs for one tenant; origin is under which people reach it.
func (d *Desk) Handlers(g *gate.Gate, t *tenant.Tenant, send mail.Sender, origin string) map[string]job.Handler {
	return map[string]job.Handler{
		Job: func(ctx context.Context, j job.Job) error {
			var p payload
			if err := json.Unmarshal(j.Payload, &p); err != nil {
				return fmt.Errorf("payload of a recovery: %w", err)
			}
			_, err := gate.Run(ctx, g, d.Settle, &gate.Request{Tenant: t, Channel: operation.Job, Job: "recovery"}, func(in *Ref) error {
				in.ID = p.Recovery
				return nil
			}, nil)
			return err
		},
		MailKind: func(ctx context.Context, j job.Job) error {
			var l letter
			if err := json.Unmarshal(j.Payload, &l); err != nil {
				return fmt.Errorf("payload of a letter: %w", err)
			}
			var m mail.Message
			if err := t.DB.Read(ctx, t.DB.Now(), func(ctx context.Context, tx *db.Tx) (err error) {
				m, err = message(ctx, tx, t.Name, origin, l)
				return err
			}); err != nil || m.To == "" {
				return err
			}
			return send.Send(ctx, m)
		},
	}
}

// instant prints an instant as the API writes it; empty for never.
func instant(micros int64) string {
	if micros == 0 {
		return ""
	}
	return time.UnixMicro(micros).UTC().Format(time.RFC3339)
}
