package house

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/mail"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/signin"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
	"github.com/lendkeep/lendkeep/platform/internal/web/door"
)

// origin is where people reach a tenant: its host, with the scheme and the port
// under which this server is reached.
func (h *House) origin(t *tenant.Tenant) string {
	u, err := url.Parse(h.Config.URL)
	if err != nil || u.Host == "" {
		return "https://" + t.Host
	}
	if p := u.Port(); p != "" {
		return u.Scheme + "://" + t.Host + ":" + p
	}
	return u.Scheme + "://" + t.Host
}

// linkMail sends a link by which a password is set: to somebody who has forgotten
// it, or as an invitation. A job for nobody does nothing: it is there so that
// asking costs the same whether the address is known or not.
func (h *House) linkMail(t *tenant.Tenant, kind string) job.Handler {
	return func(ctx context.Context, j job.Job) error {
		var p signin.ResetMail
		if err := json.Unmarshal(j.Payload, &p); err != nil {
			return fmt.Errorf("reading the job: %w", err)
		}
		if p.User == "" {
			return nil
		}
		token, err := t.Ring.OpenToken(kind, p.Sealed)
		if err != nil {
			return errors.New("the token of the link cannot be opened")
		}
		var s identity.Staff
		err = t.DB.Read(ctx, t.DB.Now(), func(ctx context.Context, tx *db.Tx) (err error) {
			s, err = identity.StaffByID(ctx, tx, id.User(p.User))
			return err
		})
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return h.Config.Mail.Send(ctx, h.letter(t, kind, s, string(token)))
	}
}

func (h *House) letter(t *tenant.Tenant, kind string, s identity.Staff, token string) mail.Message {
	if kind == people.InvitationMailKind {
		return mail.Message{To: s.Email, Subject: "You are invited to " + t.Name,
			Text: "Hello " + s.Name + ",\n\n" + t.Name + " has an account for you. Your log-in name is " + s.Email + ".\n\n" +
				"Open this link within seven days and choose a password:\n" + h.origin(t) + door.InvitedPath + "?token=" + token + "\n\n" +
				"When you sign in for the first time, have your phone or your security key at hand: a second factor is set up then.\n"}
	}
	return mail.Message{To: s.Email, Subject: "Set a new password for " + t.Name,
		Text: "Somebody, hopefully you, asked to set a new password for " + t.Name + ".\n\n" +
			"Open this link within an hour:\n" + h.origin(t) + door.ResetPath + "?token=" + token + "\n\n" +
			"If it was not you, do nothing: your password stays as it is.\n"}
}
