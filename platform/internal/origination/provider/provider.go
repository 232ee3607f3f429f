package provider

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/geo"
	"github.com/lendkeep/lendkeep/internal/geo/ipstack"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Config is what the provider is reached with.
type Config struct {
	// Outbound is the only way out, an *outbound.Client.
	Outbound ipstack.Getter
	// AlsoPublic are ranges that count as public beside the public ones (demo).
	AlsoPublic *ipset.Set
	// PlainLoopback lets an administrator name a plain-http stand-in on loopback
	// (demo).
	PlainLoopback bool
	// QuotaPerAddress pauses only the address that met the quota (demo).
	QuotaPerAddress bool
	// Alert is told when the provider has stopped answering; it must not block.
	Alert func(t *tenant.Tenant, failure, words string, until int64)
	// Now is the client's clock, for its circuit and the instant of answers.
	Now func() time.Time
}

// Provider holds the operations on the connection, and the clients.
type Provider struct {
	config  Config
	mu      sync.Mutex               // guards clients
	clients map[id.Tenant]*connected // one a tenant, of its newest connection

	ConnectionView *gate.Op[Nothing, ConnectionOut]
	ConnectionSet  *gate.Op[ConnectionIn, ConnectionOut]
	ConnectionTest *gate.Op[Nothing, TestOut]
	TroubleRecord  *gate.Op[TroubleIn, Done]
}

// Nothing is the input of operations that need none.
type Nothing struct{}

// Done is the output of operations that say no more.
type Done struct {
	Done bool `json:"done" class:"public"`
}

// New makes the provider.
func New(c Config) *Provider {
	p := &Provider{config: c, clients: map[id.Tenant]*connected{}}
	p.ConnectionView = ipstackOp("ipstack.view", "View ipstack connection", "GET", "", operation.Read, operation.Looked, p.connectionView)
	p.ConnectionSet = ipstackOp("ipstack.update", "Change ipstack connection", "PUT", "", operation.Write, operation.Changed, p.connectionSet)
	p.ConnectionTest = ipstackOp("ipstack.test", "Test ipstack connection", "POST", "/test", operation.Write, operation.Changed, p.connectionTest)
	p.ConnectionTest.Prepare, p.ConnectionTest.Outside = p.testPrepare, p.testOutside
	p.TroubleRecord = &gate.Op[TroubleIn, Done]{Name: "ipstack.trouble.record", Title: "Record trouble with ipstack", Area: "Settings",
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.House, Object: func(*TroubleIn) string { return connectionObject }, Do: p.troubleRecord}
	return p
}

// Entries lists the operations.
func (p *Provider) Entries() []gate.Entry {
	return []gate.Entry{p.ConnectionView, p.ConnectionSet, p.ConnectionTest, p.TroubleRecord}
}

// connected is a tenant's provider client with the alerts that it raised. It
// lives as long as the connection's version, so that a pause outlives a call.
type connected struct {
	version int64
	source  *ipstack.Client

	mu     sync.Mutex // guards alerts
	alerts []TroubleIn
}

// connect gives the client of a tenant's connection as it is stored.
func (p *Provider) connect(t *tenant.Tenant, n docket.Connection) (*connected, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old := p.clients[t.ID]; old != nil && old.version == n.Version {
		return old, nil
	}
	if p.config.Outbound == nil || p.config.Now == nil {
		return nil, fault.New(fault.Unavailable, "no_way_out", "Outgoing calls are not set up.")
	}
	made := &connected{version: n.Version}
	var err error
	made.source, err = ipstack.New(ipstack.Config{BaseURL: n.BaseURL, Key: n.Key.Reveal, Timeout: time.Duration(n.TimeoutMS) * time.Millisecond, Use: useOf(n),
		Out: p.config.Outbound, Now: func() int64 { return p.config.Now().UnixMicro() }, Public: func(a netip.Addr) bool { return ipset.Public(a, p.config.AlsoPublic) },
		QuotaPerAddress: p.config.QuotaPerAddress, Alert: func(failure, words string, until int64) {
			made.mu.Lock()
			defer made.mu.Unlock()
			made.alerts = append(made.alerts, TroubleIn{Version: n.Version, Failure: failure, Words: words, Until: until})
		}})
	if err != nil {
		return nil, err
	}
	p.clients[t.ID] = made
	return made, nil
}

// useOf says what the facts may be used for: nothing grave until somebody has
// confirmed that the contract allows it.
func useOf(n docket.Connection) geo.Use {
	if n.Confirmed {
		return geo.UseAllowed
	}
	return geo.UseUnknown
}

// Lookup asks about one address, within the connection's deadline. A failure of
// the provider is a result; an error is the house's own.
func (p *Provider) Lookup(ctx context.Context, t *tenant.Tenant, n docket.Connection, a netip.Addr) (geo.Result, error) {
	made, err := p.connect(t, n)
	if err != nil {
		return geo.Result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(n.TimeoutMS)*time.Millisecond)
	defer cancel()
	return made.source.Lookup(ctx, a), nil
}

// Report records the alerts that look-ups of a version have raised, as the
// caller of r, which is the house.
func (p *Provider) Report(ctx context.Context, g *gate.Gate, r *gate.Request, version int64) error {
	p.mu.Lock()
	n := p.clients[r.Tenant.ID]
	p.mu.Unlock()
	if n == nil || n.version != version {
		return nil
	}
	n.mu.Lock()
	alerts := n.alerts
	n.alerts = nil
	n.mu.Unlock()
	for _, a := range alerts {
		request := *r
		if _, err := gate.Run(ctx, g, p.TroubleRecord, &request, func(in *TroubleIn) error { *in = a; return nil }, nil); err != nil {
			return err
		}
		if p.config.Alert != nil {
			p.config.Alert(r.Tenant, a.Failure, a.Words, a.Until)
		}
	}
	return nil
}
