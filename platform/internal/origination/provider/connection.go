// Package provider is the part of the origination desk that keeps the connection
// to ipstack: its settings, its test, its client and the alerts that the client
// raises.
//
// Invariants: the access key is sealed, write only, and forgotten when the base
// URL changes; a client lives as long as the version of its settings, so that a
// pause after an exhausted quota outlives a call; no call is made with a
// transaction open. It must not know applications, rules or jobs.
package provider

import (
	"context"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/geo/ipstack"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
)

// ConnectionIn changes how ipstack is reached.
type ConnectionIn struct {
	BaseURL      string      `json:"base_url" maxLength:"300" example:"https://api.ipstack.com"`
	AccessKey    secret.Text `json:"access_key,omitempty" doc:"Write only. Left out, the stored key stays, unless base_url changes: then it is cleared."`
	TimeoutMS    int64       `json:"timeout_ms" minimum:"100" maximum:"30000"`
	UseConfirmed *bool       `json:"use_confirmed,omitempty" doc:"Left out, it stays as it is. Our contract allows its use in credit decisions. Without it the facts are shown and can ask for a review, and reject nobody."`
}

// AlertOut is an alert that stands: the check has stopped working.
type AlertOut struct {
	Failure string `json:"failure" class:"public"`
	Words   string `json:"words" class:"public"`
	At      string `json:"at" class:"public"`
	Until   string `json:"until" class:"public" doc:"Until when nothing is asked; empty: until it is mended."`
}

// TestedOut is how the last test went.
type TestedOut struct {
	OK    bool   `json:"ok" class:"public"`
	Words string `json:"words" class:"public"`
	At    string `json:"at" class:"public"`
}

// ConnectionOut is how ipstack is reached; the key is never shown.
type ConnectionOut struct {
	BaseURL      string     `json:"base_url" class:"public"`
	KeySet       bool       `json:"access_key_set" class:"public"`
	TimeoutMS    int64      `json:"timeout_ms" class:"public"`
	UseConfirmed bool       `json:"use_confirmed" class:"public"`
	ConfirmedBy  string     `json:"use_confirmed_by" class:"public"`
	ConfirmedAt  string     `json:"use_confirmed_at" class:"public"`
	Alert        *AlertOut  `json:"alert,omitempty"`
	LastTest     *TestedOut `json:"last_test,omitempty"`
}

// TestOut is what the Test button shows.
type TestOut struct {
	OK            bool   `json:"ok" class:"public"`
	Code          string `json:"code" class:"public"`
	Words         string `json:"words" class:"public" doc:"What is wrong, in plain words, and how to mend it."`
	HasSecurity   bool   `json:"has_security" class:"public"`
	HasLocation   bool   `json:"has_location" class:"public"`
	HasConnection bool   `json:"has_connection" class:"public"`
}

// TroubleIn notes an alert of the provider's client.
type TroubleIn struct {
	Version int64  `json:"version"` // of the connection that met it
	Failure string `json:"failure"`
	Words   string `json:"words"`
	Until   int64  `json:"until"`
}

const connectionObject = "settings/ipstack"

func ipstackOp[In, Out any](name, title, method, path string, kind operation.Kind, form operation.Form, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Settings", Screen: "Connections/ipstack", Method: method, Path: "/settings/connections/ipstack" + path,
		Kind: kind, Audit: form, Sensitivity: operation.Security, Permit: gate.ByRole, Object: func(*In) string { return connectionObject }, Do: do}
}

func connectionOut(n docket.Connection) *ConnectionOut {
	out := &ConnectionOut{BaseURL: n.BaseURL, KeySet: !n.Key.Empty(), TimeoutMS: n.TimeoutMS, UseConfirmed: n.Confirmed, ConfirmedBy: n.ConfirmedBy, ConfirmedAt: docket.Instant(n.ConfirmedAt)}
	if n.Trouble != "" {
		out.Alert = &AlertOut{n.Trouble, n.TroubleWords, docket.Instant(n.TroubleAt), docket.Instant(n.TroubleUntil)}
	}
	if n.TestedAt != 0 {
		out.LastTest = &TestedOut{n.TestOK, n.TestWords, docket.Instant(n.TestedAt)}
	}
	return out
}

func (p *Provider) connectionView(ctx context.Context, c *gate.Call, _ *Nothing) (*ConnectionOut, error) {
	n, err := docket.ReadConnection(ctx, c.Tx, c.Tenant.Ring)
	return connectionOut(n), err
}

func (p *Provider) connectionSet(ctx context.Context, c *gate.Call, in *ConnectionIn) (*ConnectionOut, error) {
	var f fault.Collector
	base := strings.TrimRight(strings.TrimSpace(in.BaseURL), "/")
	f.Merge("", ipstack.CheckBaseURL(base, p.config.PlainLoopback))
	key := strings.TrimSpace(in.AccessKey.Reveal())
	f.Check(len(key) <= 200 && strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == "", "access_key", "Use the key as ipstack shows it: letters and digits only.")
	f.Check(in.TimeoutMS >= 100 && in.TimeoutMS <= 30000, "timeout_ms", "Give a number of milliseconds between 100 and 30000.")
	if err := f.Err(); err != nil {
		return nil, err
	}
	n, err := docket.ReadConnection(ctx, c.Tx, c.Tenant.Ring)
	if err != nil {
		return nil, err
	}
	before := n
	if base != n.BaseURL { // a key must not travel to another server than it was given for
		n.BaseURL, n.Key = base, secret.Text{}
	}
	if key != "" {
		n.Key = secret.NewText(key)
	}
	n.TimeoutMS = in.TimeoutMS
	switch yes := in.UseConfirmed; {
	case yes == nil:
	case !*yes:
		n.Confirmed, n.ConfirmedBy, n.ConfirmedAt = false, "", 0
	case !n.Confirmed || base != before.BaseURL:
		n.Confirmed, n.ConfirmedBy, n.ConfirmedAt = true, c.Who.Name, c.At
	}
	n.Version++
	n.Trouble, n.TroubleWords, n.TroubleAt, n.TroubleUntil = "", "", 0, 0
	n.TestedAt, n.TestOK, n.TestWords = 0, false, ""
	noteConnection(c, before, n, key != "")
	return connectionOut(n), docket.SaveConnection(ctx, c.Tx, c.Tenant.Ring, n)
}

// noteConnection tells the trail what changed; of the key only that it did.
func noteConnection(c *gate.Call, before, n docket.Connection, newKey bool) {
	state := func(set bool) string {
		if set {
			return "set"
		}
		return "not set"
	}
	c.Change("base_url", before.BaseURL, n.BaseURL)
	c.Change("timeout_ms", strconv.FormatInt(before.TimeoutMS, 10), strconv.FormatInt(n.TimeoutMS, 10))
	c.Change("use_confirmed", strconv.FormatBool(before.Confirmed), strconv.FormatBool(n.Confirmed))
	after := state(!n.Key.Empty())
	if newKey && !before.Key.Empty() {
		after = "set anew"
	}
	c.Change("access_key", state(!before.Key.Empty()), after)
}
