package house

import (
	"context"
	"errors"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/factor"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// First is a tenant's first administrator. Without a password they ask for a
// reset link.
type First struct {
	Email    string
	Name     string
	Password secret.Text
}

// CreateTenant makes a tenant with the shipped roles and its first
// administrator, and begins its work if the house is running. There is nobody
// yet whose rights a gate could ask for; the entry says that the console did it.
func (h *House) CreateTenant(ctx context.Context, n tenant.New, first First) (*tenant.Tenant, error) {
	phc := ""
	if !first.Password.Empty() {
		if err := h.Passwords.Choose(first.Password, factor.About{Email: first.Email, Name: first.Name}); err != nil {
			return nil, err
		}
		var err error
		if phc, err = h.Passwords.Hash(ctx, first.Password); err != nil {
			return nil, err
		}
	}
	if first.Email == "" || first.Name == "" {
		return nil, errors.New("a tenant needs a first administrator with an e-mail address and a name")
	}
	if h.Config.Region != "" && n.Region != h.Config.Region {
		return nil, fault.Bad("region", "This installation's data lies in "+h.Config.Region+" (LENDKEEP_REGION), so a tenant's must stay there.")
	}
	t, err := h.Directory.Create(ctx, n)
	if err != nil {
		return nil, err
	}
	err = t.DB.WriteExclusive(ctx, t.DB.Now(), func(ctx context.Context, tx *db.Tx) error {
		roles, err := policy.EstablishRoles(ctx, tx)
		if err != nil {
			return err
		}
		s := identity.Staff{ID: id.New[id.User](tx.At), Email: first.Email, Name: first.Name, Role: roles[policy.Admin], Active: true,
			PasswordHash: phc, PasswordAt: tx.At, CreatedAt: tx.At}
		if err := identity.InsertStaff(ctx, tx, s); err != nil {
			return err
		}
		if err := policy.Bump(ctx, tx); err != nil {
			return err
		}
		return t.Trail.Record(ctx, tx, &audit.Entry{Actor: "house/console", ActorName: "Console", Channel: operation.Console, Operation: "tenant.create",
			Object: "tenant/" + string(t.ID), Outcome: operation.Allowed, Detail: map[string]string{"slug": n.Slug, "region": n.Region},
			Changes: []audit.Change{{Field: "administrator", After: identity.NormalEmail(first.Email)}}})
	})
	if err != nil {
		return nil, err
	}
	h.work.joined(t)
	return t, nil
}
