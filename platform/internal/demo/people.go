package demo

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/admin/apikeys"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// person is one of the demo's staff.
type person struct{ key, role, name string }

func staff() []person {
	return []person{
		{"manager", "Loan Servicing Manager", "Maya Brandt"},
		{"agent", "Agent", "Sam Ortiz"},
		{"underwriter", "Underwriter", "Uma Keller"},
		{"investor", "Investor", "Ivo Stern"},
	}
}

const factorNote = "demo: shipped people sign in with a password alone"

// found makes the tenant and its people.
func (b *builder) found(ctx context.Context) error {
	b.facts.Users = map[string]User{}
	password := newPassword()
	t, err := b.House.CreateTenant(ctx, tenant.New{Slug: slug, Name: "Lendkeep Demo", Host: "localhost", Region: "local", Zone: "America/New_York"},
		house.First{Email: "admin@demo.example", Name: "Ada Fischer", Password: secret.NewText(password)})
	if err != nil {
		return err
	}
	b.tenant, b.facts.Tenant = t, slug
	users, err := do(ctx, b, b.House.People.UserList, people.Nothing{})
	if err != nil {
		return err
	}
	if err := b.person(ctx, "admin", users.Items[0].ID, users.Items[0].Email, password); err != nil {
		return err
	}
	for _, p := range staff() {
		password := newPassword()
		email := p.key + "@demo.example"
		u, err := do(ctx, b, b.House.People.UserCreate, people.UserCreateIn{Email: email, Name: p.name, Role: p.role, Password: secret.NewText(password)})
		if err != nil {
			return err
		}
		if err := b.person(ctx, p.key, u.ID, email, password); err != nil {
			return err
		}
	}
	intake, err := do(ctx, b, b.House.People.UserCreate, people.UserCreateIn{Email: "website@demo.example", Name: "Lender's web site", Role: "Application intake", Machine: true})
	if err != nil {
		return err
	}
	key, err := do(ctx, b, b.House.Keys.Create, apikeys.CreateIn{ID: intake.ID, Label: "web site", Server: true})
	if err != nil {
		return err
	}
	b.facts.ServerKey = key.Secret
	return b.exempt(ctx)
}

func (b *builder) person(ctx context.Context, key string, u id.User, email, password string) error {
	k, err := do(ctx, b, b.House.Keys.Create, apikeys.CreateIn{ID: u, Label: "demo"})
	if err != nil {
		return err
	}
	b.facts.Users[key] = User{ID: u, Email: email, Password: password, APIKey: k.Secret}
	return nil
}

// exempt records that the demo's people need no second factor for a year;
// screens show it.
func (b *builder) exempt(ctx context.Context) error {
	return b.tenant.DB.WriteExclusive(ctx, b.tenant.DB.Now(), func(ctx context.Context, tx *db.Tx) error {
		staff, err := identity.AllStaff(ctx, tx)
		if err != nil {
			return err
		}
		for _, s := range staff {
			if s.Machine {
				continue
			}
			x := identity.Exception{ID: id.New[id.Exception](tx.At), User: s.ID, Reason: factorNote, ApprovedBy: "house/demo", Until: tx.At + 365*24*60*60*1_000_000}
			if err := identity.InsertException(ctx, tx, x); err != nil {
				return err
			}
		}
		return policy.Bump(ctx, tx)
	})
}

// newPassword makes a random password that is easy to copy.
func newPassword() string {
	text := strings.ToLower(rand.Text())
	return text[:5] + "-" + text[5:10] + "-" + text[10:15]
}

// restrict lets the investor see one portfolio and nothing else.
func (b *builder) restrict(ctx context.Context) error {
	r, err := do(ctx, b, b.House.Restrictions.Create, restrictions.RestrictionIn{Name: "Acme portfolio only", Visible: `loan.portfolios.overlaps(["Acme"])`})
	if err != nil {
		return err
	}
	_, err = do(ctx, b, b.House.People.UserUpdate, people.UserUpdateIn{ID: b.facts.Users["investor"].ID, SearchRestrictions: &[]id.Restriction{r.ID}})
	return err
}
