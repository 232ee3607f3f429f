package signin

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// MeOut is who the caller is to the house and what the caller may do here.
type MeOut struct {
	ID         id.User   `json:"id" class:"public"`
	Name       string    `json:"name" class:"public"`
	Email      string    `json:"email" class:"public"`
	Role       string    `json:"role" class:"public"`
	Tenant     string    `json:"tenant" class:"public"`
	Channel    string    `json:"channel" class:"public" doc:"ui or api: the credential decides"`
	Operations []string  `json:"operations" class:"public" doc:"operations permitted in this channel"`
	Restricted bool      `json:"restricted" class:"public" doc:"whether a search restriction narrows what is shown"`
	APIKey     id.APIKey `json:"api_key,omitempty" class:"public"`
}

func (d *Desk) me() *gate.Op[Nothing, MeOut] {
	return &gate.Op[Nothing, MeOut]{
		Name: "me.view", Title: "My access", Area: "Sign-in", Screen: "My access", Method: "GET", Path: "/me",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.SignedIn,
		Do: func(_ context.Context, c *gate.Call, _ *Nothing) (*MeOut, error) {
			out := &MeOut{ID: c.Who.User, Name: c.Who.Name, Email: c.Who.Email, Role: c.Who.RoleName, Tenant: c.Tenant.Name,
				Channel: c.Channel.String(), Operations: []string{}, APIKey: c.Who.APIKey}
			s := c.Subject()
			if s == nil {
				return out, nil
			}
			out.Restricted = s.Restricted()
			out.Operations = s.Role.UI
			if c.Channel == operation.API {
				out.Operations = s.Role.API
			}
			return out, nil
		},
	}
}
