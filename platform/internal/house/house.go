// Package house puts the platform together: desks, gate, tenants, fronts, and
// the work that goes on behind them. It is the roof's one wiring, used by the
// server, the demo, the command line and the end-to-end tests alike.
//
// It holds no rule of its own. Functions from one desk to another (approving an
// application makes a loan) are handed over here and nowhere else.
package house

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/factor"
	"github.com/lendkeep/lendkeep/internal/geo/gazetteer"
	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/keys/filekms"
	"github.com/lendkeep/lendkeep/internal/mail"
	"github.com/lendkeep/lendkeep/internal/outbound"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/addresses"
	"github.com/lendkeep/lendkeep/platform/internal/admin/apikeys"
	"github.com/lendkeep/lendkeep/platform/internal/admin/approval"
	"github.com/lendkeep/lendkeep/platform/internal/admin/inquiry"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/admin/policyfile"
	"github.com/lendkeep/lendkeep/platform/internal/admin/recovery"
	"github.com/lendkeep/lendkeep/platform/internal/admin/rehearsal"
	"github.com/lendkeep/lendkeep/platform/internal/admin/requests"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/admin/vantage"
	"github.com/lendkeep/lendkeep/platform/internal/api"
	"github.com/lendkeep/lendkeep/platform/internal/custody"
	"github.com/lendkeep/lendkeep/platform/internal/custody/backups"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/rate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/origination/provider"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/privacy"
	"github.com/lendkeep/lendkeep/platform/internal/records"
	"github.com/lendkeep/lendkeep/platform/internal/records/documents"
	"github.com/lendkeep/lendkeep/platform/internal/records/retention"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/onboarding"
	"github.com/lendkeep/lendkeep/platform/internal/signin"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
	"github.com/lendkeep/lendkeep/platform/internal/web"
	addressroom "github.com/lendkeep/lendkeep/platform/internal/web/addresses"
	keyroom "github.com/lendkeep/lendkeep/platform/internal/web/apikeys"
	"github.com/lendkeep/lendkeep/platform/internal/web/applications"
	"github.com/lendkeep/lendkeep/platform/internal/web/apply"
	"github.com/lendkeep/lendkeep/platform/internal/web/approvals"
	custodyroom "github.com/lendkeep/lendkeep/platform/internal/web/custody"
	"github.com/lendkeep/lendkeep/platform/internal/web/door"
	"github.com/lendkeep/lendkeep/platform/internal/web/engine"
	askroom "github.com/lendkeep/lendkeep/platform/internal/web/inquiry"
	"github.com/lendkeep/lendkeep/platform/internal/web/loans"
	peopleroom "github.com/lendkeep/lendkeep/platform/internal/web/people"
	privacyroom "github.com/lendkeep/lendkeep/platform/internal/web/privacy"
	recoveryroom "github.com/lendkeep/lendkeep/platform/internal/web/recovery"
	limitroom "github.com/lendkeep/lendkeep/platform/internal/web/restrictions"
	roleroom "github.com/lendkeep/lendkeep/platform/internal/web/roles"
	"github.com/lendkeep/lendkeep/platform/internal/web/settings"
	shelfroom "github.com/lendkeep/lendkeep/platform/internal/web/shelf"
	"github.com/lendkeep/lendkeep/platform/internal/web/trail"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Config is how the platform is run. The zero Demo is production.
type Config struct {
	Data     string // folder of databases, keys and socket; made if missing, 0700
	Engine   db.Engine
	Postgres string // administrator's DSN in URL form
	Prefix   string // of PostgreSQL database names
	Proxies  []string
	Mail     mail.Sender
	Region   string // where this installation's data lies; a backup of elsewhere is not restored here
	// KMS opens the key that wraps every tenant's ring; fresh: a key file that is
	// not there is made. nil: the key file kms.key in Data.
	KMS      func(ctx context.Context, fresh bool) (keys.KMS, error)
	Witness  string           // folder that keeps checkpoints of every tenant's trail; empty: none
	URL      string           // under which people reach the server: the scheme and the port hold for every tenant
	Breached *factor.Breached // known passwords that nobody may take; nil: those built in
	Demo     Demo
	Rates    rate.Limits   // calls a minute; zero values mean the defaults
	Settle   time.Duration // how long a turned key waits for other nodes; 0: as the engine needs
	Grace    time.Duration // how long entries cannot be written before people hear of it; 0: 15 seconds
	Version  string
	Now      func() time.Time
	Log      *slog.Logger
}

// Demo loosens what only the demo may: documentation ranges count as public,
// outgoing calls may reach loopback, a quota error binds one address only.
type Demo struct {
	On         bool
	AlsoPublic []string
	Mail       func() ([]door.Letter, error) // the newest letters that the demo kept
}

// House is the platform, put together and open.
type House struct {
	Config       Config
	Gate         *gate.Gate
	Directory    *tenant.Directory
	Passwords    *identity.Passwords
	Signin       *signin.Desk
	Admin        *admin.Desk
	Inquiry      *inquiry.Desk
	Requests     *requests.Desk
	Vantage      *vantage.Desk
	Rehearsal    *rehearsal.Desk
	People       *people.Desk
	Roles        *roles.Desk
	PolicyFile   *policyfile.Desk
	Restrictions *restrictions.Desk
	Addresses    *addresses.Desk
	Keys         *apikeys.Desk
	Approval     *approval.Desk
	Recovery     *recovery.Desk
	Servicing    *servicing.Desk
	Onboarding   *onboarding.Desk
	Origination  *origination.Desk
	Records      *records.Desk
	Retention    *retention.Desk
	Documents    *documents.Desk
	Custody      *custody.Desk
	Backups      *backups.Desk
	Privacy      *privacy.Desk
	API          *api.API
	handler      http.Handler
	screens      []string // routes of the screens
	work         *work
	outbound     *outbound.Client
}

// Open puts the platform together and opens every tenant.
func Open(ctx context.Context, c Config) (*House, error) {
	if c.Now == nil || c.Log == nil || c.Mail == nil {
		return nil, errors.New("house: a clock, a log and a way to send mail are required")
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	h := &House{Config: c, Passwords: identity.NewPasswords()}
	if c.Breached != nil {
		h.Passwords = h.Passwords.Against(c.Breached)
	}
	h.work = newWork(h)
	if err := h.desks(); err != nil {
		return nil, err
	}
	if err := h.open(ctx); err != nil {
		return nil, err
	}
	if err := h.fronts(); err != nil {
		return nil, errors.Join(err, h.Directory.Close())
	}
	return h, nil
}

// desks builds every desk and the gate from their operations.
func (h *House) desks() error {
	c := h.Config
	also, err := ipset.Parse(c.Demo.AlsoPublic...)
	if err != nil {
		return fmt.Errorf("addresses that also count as public: %w", err)
	}
	h.outbound = outbound.New(outbound.Config{AllowLoopback: c.Demo.On, Extra: also, Log: c.Log})
	h.Signin = signin.New(signin.Config{Passwords: h.Passwords, Kick: h.work.kick, Origin: h.origin})
	h.Inquiry = inquiry.New(inquiry.Config{Catalogue: func() []*gate.Meta { return h.Gate.Catalogue() }})
	h.Requests = requests.New(requests.Config{Inquiry: h.Inquiry, Built: h.work.build, Kick: h.work.kick})
	h.Rehearsal = rehearsal.New(rehearsal.Config{Catalogue: func() []*gate.Meta { return h.Gate.Catalogue() }})
	h.Vantage = vantage.New(vantage.Config{Catalogue: func() []*gate.Meta { return h.Gate.Catalogue() }})
	h.Admin = admin.New(admin.Config{Catalogue: func() []*gate.Meta { return h.Gate.Catalogue() }})
	h.Restrictions = restrictions.New(restrictions.Config{Built: h.work.build})
	h.Addresses = addresses.New()
	h.Keys = apikeys.New(apikeys.Config{Catalogue: func() []*gate.Meta { return h.Gate.Catalogue() }})
	h.Approval = approval.New(approval.Config{Gate: func() *gate.Gate { return h.Gate }})
	h.People = people.New(people.Config{Passwords: h.Passwords, Catalogue: func() []*gate.Meta { return h.Gate.Catalogue() }, Built: h.work.build, Kick: h.work.kick})
	h.Recovery = recovery.New(recovery.Config{Catalogue: func() []*gate.Meta { return h.Gate.Catalogue() }, Invite: h.People.SendInvitation, Built: h.work.build, Kick: h.work.kick})
	h.Roles = roles.New(roles.Config{Catalogue: func() []*gate.Meta { return h.Gate.Catalogue() }})
	h.PolicyFile = policyfile.New(policyfile.Config{Roles: h.Roles, Restrictions: h.Restrictions, Addresses: h.Addresses, Catalogue: func() []*gate.Meta { return h.Gate.Catalogue() }})
	h.Servicing = servicing.New(servicing.Config{AccessChanged: h.work.buildFor})
	h.Onboarding = onboarding.New(onboarding.Config{Landed: h.work.buildFor})
	h.Origination = origination.New(origination.Config{Board: h.board, Kick: h.work.kick, Gazetteer: gazetteer.Small(),
		Provider: provider.Config{Outbound: h.outbound, AlsoPublic: also, PlainLoopback: c.Demo.On, QuotaPerAddress: c.Demo.On, Alert: h.alert, Now: c.Now}})
	recorded, err := c.recorded()
	if err != nil {
		return err
	}
	h.Records, h.Documents = records.New(recorded), documents.New(documents.Config{Person: h.sealedFor})
	h.Retention = retention.New(retention.Config{Catalogue: func() []*gate.Meta { return h.Gate.Catalogue() }, Holds: keptFor})
	if h.Custody, err = custody.New(custody.Config{Register: register(), Kick: h.work.kick, Settle: c.Settle}); err != nil {
		return err
	}
	if h.Privacy, err = privacy.New(privacy.Config{Register: persons(), Kick: h.work.kick, Kin: kin, Same: same, Moved: h.Servicing.Moved}); err != nil {
		return err
	}
	h.Backups = backups.New()
	var list []gate.Entry
	for _, operations := range [][]gate.Entry{h.Signin.Operations(), h.Admin.Operations(), h.Addresses.Operations(), h.Keys.Operations(), h.Inquiry.Operations(), h.Requests.Operations(), h.Vantage.Operations(), h.Rehearsal.Operations(), h.People.Operations(), h.Roles.Operations(), h.PolicyFile.Operations(), h.Restrictions.Operations(), h.Approval.Operations(), h.Recovery.Operations(), h.Servicing.Operations(),
		h.Onboarding.Operations(), h.Origination.Operations(), h.Records.Operations(), h.Retention.Operations(), h.Documents.Operations(), h.Custody.Operations(), h.Backups.Operations(), h.Privacy.Operations(), api.Operations(), visit.Operations(), apply.Operations()} {
		list = append(list, operations...)
	}
	h.Gate, err = gate.New(gate.Config{Now: c.Now, Log: c.Log, Limits: c.Rates}, list...)
	return err
}

// alert tells the log that the network check has stopped working; the settings
// page shows the same.
func (h *House) alert(t *tenant.Tenant, failure, words string, until int64) {
	list := []any{"tenant", t.Slug, "failure", failure}
	if until > 0 {
		list = append(list, "until", time.UnixMicro(until).UTC())
	}
	h.Config.Log.Error("the network check needs a person: "+words, list...)
}

// open opens the directory of tenants.
func (h *House) open(ctx context.Context) error {
	c := h.Config
	kms, err := c.openKMS(ctx, true)
	if err != nil {
		return err
	}
	h.Directory, err = tenant.OpenDirectory(ctx, tenant.Config{Engine: c.Engine, Data: c.Data, Postgres: c.Postgres, Prefix: c.Prefix, KMS: kms,
		Policy: policy.Config{Operations: gate.ForPolicy(h.Gate.List()), Vocabulary: h.Servicing.Vocabulary}, Now: c.Now, Log: c.Log})
	return err
}

// HeldKMS opens the KMS key that is there, and makes none: a new one opens nothing.
func (c *Config) HeldKMS(ctx context.Context) (keys.KMS, error) { return c.openKMS(ctx, false) }

// openKMS opens the KMS and asks whether it does what rings rest on.
func (c *Config) openKMS(ctx context.Context, fresh bool) (kms keys.KMS, err error) {
	switch file := filepath.Join(c.Data, "kms.key"); {
	case c.KMS != nil:
		kms, err = c.KMS(ctx, fresh)
	case fresh:
		kms, err = filekms.OpenOrMake(file)
	default:
		kms, err = filekms.Open(file)
	}
	if err == nil {
		err = keys.Probe(ctx, kms)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the KMS: %w", err)
	}
	return kms, nil
}

// fronts builds the API and the screens over the gate.
func (h *House) fronts() error {
	trusted, err := ipset.Parse(h.Config.Proxies...)
	if err != nil {
		return fmt.Errorf("trusted proxies: %w", err)
	}
	proxies := httpserve.Proxies{Trusted: trusted}
	h.API, err = api.New(api.Config{Gate: h.Gate, Directory: h.Directory, Proxies: proxies, Log: h.Config.Log, Now: h.Config.Now, Version: h.Config.Version})
	if err != nil {
		return err
	}
	screens, err := web.New(web.Config{Gate: h.Gate, Directory: h.Directory, Proxies: proxies, Log: h.Config.Log, Rooms: h.rooms(), Waiting: h.Approval.Waiting, Viewing: vantage.Seen})
	if err != nil {
		return err
	}
	h.screens = screens.Routes()
	mux := http.NewServeMux()
	mux.Handle("/api/", h.API.Handler())
	mux.HandleFunc("GET /healthz", healthy)
	mux.HandleFunc("GET /readyz", h.ready)
	mux.Handle("/", screens)
	h.handler = mux
	return nil
}

// rooms are the workplaces of the screens.
func (h *House) rooms() []visit.Room {
	catalogue := h.Gate.Catalogue
	lending := loans.New(h.Servicing, h.Records, h.Documents, h.Privacy)
	history := trail.New(h.Records, h.Retention, h.people, catalogue, map[string]trail.Tabs{"borrower": lending.BorrowerHistory})
	return []visit.Room{
		door.New(h.Signin, h.Config.Demo.Mail), settings.New(), peopleroom.New(h.People, h.Roles, h.Restrictions, catalogue), roleroom.New(h.Roles, h.PolicyFile, catalogue), limitroom.New(h.Restrictions, h.everybody),
		askroom.New(askroom.Config{Inquiry: h.Inquiry, Requests: h.Requests, Vantage: h.Vantage, Rehearsal: h.Rehearsal, People: h.People, Roles: h.Roles, Catalogue: catalogue}), history,
		lending, shelfroom.New(h.Servicing.Desk), applications.New(h.Origination, h.companies, h.Documents, h.Privacy), engine.New(h.Origination),
		addressroom.New(h.Addresses), keyroom.New(h.Keys, h.Addresses, catalogue), approvals.New(h.Approval, catalogue), custodyroom.New(h.Custody, h.Backups), privacyroom.New(h.Privacy), recoveryroom.New(h.Recovery),
		apply.New(apply.Config{Gate: h.Gate, Desk: h.Origination, Log: h.Config.Log, Demo: h.Config.Demo.On}),
	}
}

// companies are the source companies that filters offer, to those who may list
// them.
func (h *House) companies(ctx context.Context, p *gate.Page) ([]applications.Company, error) {
	if !p.Can(h.Servicing.CompanyList.Name, "") {
		return nil, nil
	}
	list, err := gate.Look(ctx, p, h.Servicing.CompanyList, &servicing.NamedListIn{})
	if err != nil {
		return nil, err
	}
	out := make([]applications.Company, 0, len(list.Items))
	for _, c := range list.Items {
		out = append(out, applications.Company{ID: c.ID, Name: c.Name})
	}
	return out, nil
}

// people are whom the audit trail's filter offers, to those who may list users.
func (h *House) people(ctx context.Context, p *gate.Page) ([]trail.Person, error) {
	if !p.Can(h.People.UserList.Name, "") {
		return nil, nil
	}
	list, err := gate.Look(ctx, p, h.People.UserList, &people.Nothing{})
	if err != nil {
		return nil, err
	}
	out := make([]trail.Person, 0, len(list.Items))
	for _, u := range list.Items {
		out = append(out, trail.Person{Actor: "user/" + string(u.ID), Name: u.Name})
	}
	return out, nil
}

// Handler serves API and screens.
func (h *House) Handler() http.Handler { return h.handler }

// Screens lists what the staff screens answer to: "GET /loans/{id}".
func (h *House) Screens() []string { return h.screens }

// Close lets go of every database. Run must have returned.
func (h *House) Close() error { return h.Directory.Close() }
