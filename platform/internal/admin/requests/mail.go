package requests

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/mail"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// MailKind is the job that tells somebody of a request.
const MailKind = "access_request.mail"

// letter is the job's payload: nothing that is not in the request.
type letter struct {
	Request id.AccessRequest `json:"request"`
	To      id.User          `json:"to"`
}

// mostLetters bounds how many granters one request is sent to.
const mostLetters = 20

// tellGranters enqueues a letter to everybody who can grant the request.
func (d *Desk) tellGranters(ctx context.Context, c *gate.Call, r *row) error {
	m, sent := d.config.Inquiry.Meta("access_request.grant"), 0
	staff, err := identity.AllStaff(ctx, c.Tx)
	if err != nil {
		return err
	}
	for _, s := range staff {
		if !s.Active || s.Machine || s.ID == r.user || sent == mostLetters {
			continue
		}
		who, err := c.Policy.Subject(ctx, c.Tx, s.ID, "")
		if err != nil {
			return err
		}
		if who.Role.Rights.UI.Has(m.Number) && who.MayGive(r.operation) {
			sent++
			if err := d.post(ctx, c, letter{r.id, s.ID}); err != nil {
				return err
			}
		}
	}
	return nil
}

// tellAsker enqueues the letter that says how a request was decided.
func (d *Desk) tellAsker(ctx context.Context, c *gate.Call, r *row) error {
	return d.post(ctx, c, letter{r.id, r.user})
}

func (d *Desk) post(ctx context.Context, c *gate.Call, l letter) error {
	if _, err := job.Enqueue(ctx, c.Tx, MailKind, "", l, c.At); err != nil {
		return err
	}
	if d.config.Kick != nil {
		c.After(func() { d.config.Kick(c) })
	}
	return nil
}

// Page is where requests are seen on the screens.
const Page = "/access/requests"

// Handlers sends the letters of one tenant; origin is under which people reach it.
func (d *Desk) Handlers(t *tenant.Tenant, send mail.Sender, origin string) map[string]job.Handler {
	return map[string]job.Handler{MailKind: func(ctx context.Context, j job.Job) error {
		var l letter
		if err := json.Unmarshal(j.Payload, &l); err != nil {
			return fmt.Errorf("reading the job: %w", err)
		}
		var m mail.Message
		err := t.DB.Read(ctx, t.DB.Now(), func(ctx context.Context, tx *db.Tx) (err error) {
			m, err = d.message(ctx, tx, t, origin, l)
			return err
		})
		if fault.Is(err, fault.NotFound) {
			return nil // the person or the request is gone
		}
		if err != nil {
			return err
		}
		return send.Send(ctx, m)
	}}
}

func (d *Desk) message(ctx context.Context, tx *db.Tx, t *tenant.Tenant, origin string, l letter) (m mail.Message, err error) {
	r, err := byID(ctx, tx, l.Request)
	if err != nil {
		return m, err
	}
	to, err := identity.StaffByID(ctx, tx, l.To)
	if err != nil {
		return m, err
	}
	m.To = to.Email
	link := "\n\n" + origin + Page + "/" + string(r.id) + "\n"
	if l.To == r.user {
		m.Subject = "Your request for access at " + t.Name + ": " + r.state
		m.Text = "Your request for " + d.about(r) + " was " + r.state + "."
		if r.remark != "" {
			m.Text += "\n\n" + r.remark
		}
		m.Text += link
		return m, nil
	}
	asker, err := identity.StaffByID(ctx, tx, r.user)
	if err != nil {
		return m, err
	}
	m.Subject = "Access is requested at " + t.Name
	m.Text = asker.Name + " asks for " + d.about(r) + " until " + lasts(r.until, t.Zone) + ":\n\n" + r.reason + "\n\nGrant or refuse it here:" + link
	return m, nil
}

// lasts names the last day of an end, and the time of one within a day.
func lasts(until int64, zone *time.Location) string {
	at := time.UnixMicro(until).In(zone)
	if h, m, s := at.Clock(); h+m+s == 0 {
		return at.AddDate(0, 0, -1).Format("2006-01-02")
	}
	return at.Format("2006-01-02 15:04 MST")
}
