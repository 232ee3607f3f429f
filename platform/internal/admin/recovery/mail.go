package recovery

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/mail"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// letter is the job's payload: nothing that is not in the recovery.
type letter struct {
	Recovery id.Recovery `json:"recovery"`
	To       id.User     `json:"to"`
	State    string      `json:"state"` // as it was when the letter was written
}

// announce tells everybody who may change access how a recovery stands.
func (d *Desk) announce(ctx context.Context, c *gate.Call, r *row) error {
	staff, err := identity.AllStaff(ctx, c.Tx)
	if err != nil {
		return err
	}
	for _, s := range staff {
		if !s.Active || s.Machine {
			continue
		}
		who, err := c.Policy.Subject(ctx, c.Tx, s.ID, "")
		if err != nil {
			return err
		}
		if s.ID != r.user && !d.mayChangeAccess(who) {
			continue
		}
		if _, err := job.Enqueue(ctx, c.Tx, MailKind, "", letter{r.id, s.ID, r.state}, c.At); err != nil {
			return err
		}
	}
	if d.config.Kick != nil {
		c.After(func() { d.config.Kick(c) })
	}
	return nil
}

// mayChangeAccess reports whether a role holds anything that changes access, on the
// screens or in the API.
func (d *Desk) mayChangeAccess(who *policy.Subject) bool {
	for _, m := range d.config.Catalogue() {
		if m.Permit == gate.ByRole && m.Area == "Access" && m.Kind == operation.Write && (who.Role.Rights.UI.Has(m.Number) || who.Role.Rights.API.Has(m.Number)) {
			return true
		}
	}
	return false
}

// message words a letter; an empty one if the person is gone.
func message(ctx context.Context, tx *db.Tx, tenant, origin string, l letter) (m mail.Message, err error) {
	r, err := byID(ctx, tx, l.Recovery)
	if err != nil {
		return m, err
	}
	to, err := identity.StaffByID(ctx, tx, l.To)
	if fault.Is(err, fault.NotFound) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	new, err := identity.StaffByID(ctx, tx, r.user)
	if err != nil {
		return m, err
	}
	m.To = to.Email
	who := new.Name + " (" + new.Email + ")"
	switch l.State {
	case Waiting:
		m.Subject = "A new administrator is to come to " + tenant
		m.Text = "Whoever operates this installation asks that " + who + " become an administrator of " + tenant + " at " + instant(r.effectiveAt) +
			", with every right and without their present second factors.\n\nThe reason given: " + r.reason +
			"\n\nIf that is not wanted, refuse it before then:\n" + origin + Page + "\n"
	case Done:
		m.Subject = tenant + " has a new administrator"
		m.Text = who + " is an administrator of " + tenant + " now, as whoever operates this installation asked at " + instant(r.askedAt) + ".\n\nThe reason given: " + r.reason + "\n\n" + origin + Page + "\n"
	default:
		m.Subject = "The new administrator of " + tenant + " was refused"
		m.Text = "That " + who + " become an administrator of " + tenant + " was refused.\n\nThe reason given: " + r.remark + "\n\n" + origin + Page + "\n"
	}
	return m, nil
}
