package origination

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
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// ConnectionIn changes how ipstack is reached.
type ConnectionIn struct {
	BaseURL      string      `json:"base_url" maxLength:"300" example:"https://api.ipstack.com"`
	AccessKey    secret.Text `json:"access_key,omitempty" doc:"Write only. Left out, the stored key stays, unless base_url changes: then it is cleared."`
	TimeoutMS    int64       `json:"timeout_ms" minimum:"100" maximum:"30000"`
	UseConfirmed bool        `json:"use_confirmed,omitempty" doc:"Our contract allows its use in credit decisions. Without it the facts are shown and can ask for a review, and reject nobody."`
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

	until int64
}

const connectionObject = "connection/ipstack"

func ipstackOp[In, Out any](name, title, method, path string, kind operation.Kind, form operation.Form, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Settings", Screen: "Connections/ipstack", Method: method, Path: "/settings/connections/ipstack" + path,
		Kind: kind, Audit: form, Sensitivity: operation.Security, Permit: gate.ByRole, Object: func(*In) string { return connectionObject }, Do: do}
}

func (d *Desk) connectionOperations() {
	d.ConnectionView = ipstackOp("ipstack.view", "View ipstack connection", "GET", "", operation.Read, operation.Looked, d.connectionView)
	d.ConnectionSet = ipstackOp("ipstack.update", "Change ipstack connection", "PUT", "", operation.Write, operation.Changed, d.connectionSet)
	d.ConnectionTest = ipstackOp("ipstack.test", "Test ipstack connection", "POST", "/test", operation.Write, operation.Changed, d.connectionTest)
	d.ConnectionTest.Prepare, d.ConnectionTest.Outside = d.testPrepare, d.testOutside
	d.TroubleRecord = &gate.Op[TroubleIn, Done]{Name: "ipstack.trouble.record", Title: "Record trouble with ipstack", Area: "Settings",
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.House, Object: func(*TroubleIn) string { return connectionObject }, Do: d.troubleRecord}
}

func connectionOut(n docket.Connection) *ConnectionOut {
	out := &ConnectionOut{BaseURL: n.BaseURL, KeySet: !n.Key.Empty(), TimeoutMS: n.TimeoutMS, UseConfirmed: n.Confirmed, ConfirmedBy: n.ConfirmedBy, ConfirmedAt: instant(n.ConfirmedAt)}
	if n.Trouble != "" {
		out.Alert = &AlertOut{n.Trouble, n.TroubleWords, instant(n.TroubleAt), instant(n.TroubleUntil)}
	}
	if n.TestedAt != 0 {
		out.LastTest = &TestedOut{n.TestOK, n.TestWords, instant(n.TestedAt)}
	}
	return out
}

func (d *Desk) connectionView(ctx context.Context, c *gate.Call, _ *Nothing) (*ConnectionOut, error) {
	n, err := docket.ReadConnection(ctx, c.Tx, c.Tenant.Ring)
	return connectionOut(n), err
}

func (d *Desk) connectionSet(ctx context.Context, c *gate.Call, in *ConnectionIn) (*ConnectionOut, error) {
	var f fault.Collector
	base := strings.TrimRight(strings.TrimSpace(in.BaseURL), "/")
	f.Merge("", ipstack.CheckBaseURL(base, d.config.PlainLoopback))
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
	switch {
	case !in.UseConfirmed:
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

// testing is a connection on its way to being tested.
type testing struct {
	tenant     *tenant.Tenant
	connection docket.Connection
}

func (d *Desk) testPrepare(ctx context.Context, c *gate.Call, _ *Nothing) (any, error) {
	n, err := docket.ReadConnection(ctx, c.Tx, c.Tenant.Ring)
	return testing{c.Tenant, n}, err
}

func (d *Desk) testOutside(ctx context.Context, _ *Nothing, prepared any) (any, error) {
	p := prepared.(testing)
	n, err := d.connect(p.tenant, p.connection)
	if err != nil {
		return nil, err
	}
	return n.source.Test(ctx), nil
}

func (d *Desk) connectionTest(ctx context.Context, c *gate.Call, _ *Nothing) (*TestOut, error) {
	r := c.Outside.(ipstack.TestReport)
	n, err := docket.ReadConnection(ctx, c.Tx, c.Tenant.Ring)
	if err != nil {
		return nil, err
	}
	n.TestedAt, n.TestOK, n.TestWords = c.At, r.OK, r.Words
	if r.OK {
		c.Change("trouble", n.Trouble, "")
		n.Trouble, n.TroubleWords, n.TroubleAt, n.TroubleUntil = "", "", 0, 0
	}
	c.Detail("ok", strconv.FormatBool(r.OK))
	c.Detail("code", r.Code)
	return &TestOut{r.OK, r.Code, r.Words, r.HasSecurity, r.HasLocation, r.HasConnection}, docket.SaveConnection(ctx, c.Tx, c.Tenant.Ring, n)
}

func (d *Desk) troubleRecord(ctx context.Context, c *gate.Call, in *TroubleIn) (*Done, error) {
	n, err := docket.ReadConnection(ctx, c.Tx, c.Tenant.Ring)
	if err != nil || n.Version != in.Version { // mended meanwhile
		return &Done{Done: true}, err
	}
	c.Change("trouble", n.Trouble, in.Failure)
	n.Trouble, n.TroubleWords, n.TroubleAt, n.TroubleUntil = in.Failure, in.Words, c.At, in.until
	return &Done{Done: true}, docket.SaveConnection(ctx, c.Tx, c.Tenant.Ring, n)
}
