// Package apikeys is the desk of keys with which programs call: the API keys of
// users, and the site keys of hosted forms.
//
// Invariants:
//   - A key is shown once, in the answer that made it; only its hash is kept.
//   - A key does what its user's role permits in the API, never more: a scope
//     narrows it, address rules bind it, an end stops it. What it may do is asked
//     at every call, so a change, a revocation or a user switched off stops the
//     very next one. Switching a user off revokes no key; it stops all of them
//     until the user is switched on again.
//   - A key cannot make, or change, a key so that it may do more than itself, and
//     cannot change itself. Nobody makes a key for somebody else with operations
//     that they may not give away.
//   - Rotating makes a key of the same label, scope, rules and user, and ends the
//     old one after the overlap. A revoked key never comes back.
//
// It must not know screens, nor how a key is found at a call.
package apikeys

import (
	"context"
	"time"

	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Config is what the desk is wired with.
type Config struct {
	Catalogue func() []*gate.Meta // the gate's list, once it is made
}

// Desk holds the operations.
type Desk struct {
	config     Config
	List       *gate.Op[UserRef, ListOut]
	ListAll    *gate.Op[admin.Nothing, ListOut]
	View       *gate.Op[Ref, Key]
	Create     *gate.Op[CreateIn, Made]
	Update     *gate.Op[UpdateIn, Key]
	Rotate     *gate.Op[RotateIn, Made]
	Revoke     *gate.Op[Ref, Key]
	Own        *gate.Op[admin.Nothing, ListOut]
	OwnRevoke  *gate.Op[Ref, Key]
	SiteList   *gate.Op[admin.Nothing, SiteListOut]
	SiteCreate *gate.Op[SiteCreateIn, Site]
	SiteUpdate *gate.Op[SiteUpdateIn, Site]
}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c}
	d.List = look("api_key.list", "List API keys", keyScreen, "/users/{id}/api-keys", d.list)
	d.List.Object = func(in *UserRef) string { return "user/" + string(in.ID) }
	d.ListAll = look("api_key.list_all", "List everybody’s API keys", keyScreen, "/api-keys", d.listAll)
	d.View = look("api_key.view", "View API key", keyScreen, "/api-keys/{id}", d.view)
	d.View.Object = (*Ref).object
	d.Create = edit("api_key.create", "Make API key", keyScreen, "POST", "/users/{id}/api-keys", d.create)
	d.Create.Status, d.Create.Object = 201, func(in *CreateIn) string { return "user/" + string(in.ID) }
	d.Update = edit("api_key.update", "Change API key", keyScreen, "PATCH", "/api-keys/{id}", d.update)
	d.Update.Object = func(in *UpdateIn) string { return object(in.ID) }
	d.Rotate = edit("api_key.rotate", "Rotate API key", keyScreen, "POST", "/api-keys/{id}/rotate", d.rotate)
	d.Rotate.Status, d.Rotate.Object = 201, func(in *RotateIn) string { return object(in.ID) }
	d.Revoke = edit("api_key.revoke", "Revoke API key", keyScreen, "DELETE", "/api-keys/{id}", d.revoke)
	d.Revoke.Object = (*Ref).object
	d.Own = own("me.api_key.list", "List my API keys", "GET", "/me/api-keys", operation.Read, operation.Looked, d.mine)
	d.OwnRevoke = own("me.api_key.revoke", "Revoke my API key", "DELETE", "/me/api-keys/{id}", operation.Write, operation.Access, d.revokeOwn)
	d.OwnRevoke.Object = (*Ref).object
	d.SiteList = look("site_key.list", "List site keys", siteScreen, "/site-keys", siteList)
	d.SiteCreate = edit("site_key.create", "Make site key", siteScreen, "POST", "/site-keys", siteCreate)
	d.SiteCreate.Status = 201
	d.SiteUpdate = edit("site_key.update", "Change site key", siteScreen, "PATCH", "/site-keys/{id}", siteUpdate)
	d.SiteUpdate.Object = func(in *SiteUpdateIn) string { return "site_key/" + string(in.ID) }
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry {
	return []gate.Entry{d.List, d.ListAll, d.View, d.Create, d.Update, d.Rotate, d.Revoke, d.Own, d.OwnRevoke, d.SiteList, d.SiteCreate, d.SiteUpdate}
}

// Places in the screen tree.
const (
	keyScreen  = "Users/API keys"
	siteScreen = "Site keys"
)

// look describes a read of this desk; edit an access change; own what everybody
// does about their own keys.
func look[In, Out any](name, title, screen, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Access", Screen: screen, Method: "GET", Path: path,
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: do}
}

func edit[In, Out any](name, title, screen, method, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Access", Screen: screen, Method: method, Path: path,
		Kind: operation.Write, Audit: operation.Access, Permit: gate.ByRole, Sensitivity: operation.Security, StepUp: true, Do: do}
}

func own[In, Out any](name, title, method, path string, kind operation.Kind, form operation.Form, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Sign-in", Screen: "My access", Method: method, Path: path,
		Kind: kind, Audit: form, Permit: gate.SignedIn, Sensitivity: operation.Security, Do: do}
}

// instant prints an instant as the API writes it; empty for never.
func instant(micros int64) string {
	if micros == 0 {
		return ""
	}
	return time.UnixMicro(micros).UTC().Format(time.RFC3339)
}
