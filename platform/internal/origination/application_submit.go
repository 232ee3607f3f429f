package origination

import (
	"context"
	"net/netip"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/geo"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
	"github.com/lendkeep/lendkeep/platform/internal/origination/form"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// ClientIn is where a server's applicant came from.
type ClientIn struct {
	Address   string `json:"address" maxLength:"100" example:"198.51.100.7" doc:"The applicant's internet address, as the server saw it."`
	UserAgent string `json:"user_agent,omitempty" maxLength:"1000"`
}

// SubmitIn is an application.
type SubmitIn struct {
	Applicant     form.ApplicantIn `json:"applicant"`
	Requested     form.RequestedIn `json:"requested"`
	Client        *ClientIn        `json:"client,omitempty" doc:"With a server key only, and then required."`
	SourceCompany string           `json:"source_company,omitempty" maxLength:"100" doc:"Name or id; not with a site key, which has its own."`
}

// SubmitOut says that an application has been stored; what is thought of it is
// not for the applicant's browser.
type SubmitOut struct {
	ID     id.Application `json:"id" class:"public"`
	Status string         `json:"status" class:"public" enum:"received"`
}

// intake is a checked application on its way into the docket.
type intake struct {
	tenant   *tenant.Tenant
	app      docket.Application
	personal docket.Personal
	client   docket.Client
	address  netip.Addr // zero where the network is not checked
	key      *keys.PersonKey
	age      int64
}

// receive checks the whole input and names every faulty field.
func (d *Desk) receive(ctx context.Context, c *gate.Call, in *SubmitIn) (any, error) {
	var f fault.Collector
	p := &intake{tenant: c.Tenant}
	p.app, p.personal = form.CheckApplicant(&f, &in.Applicant, c.Today)
	form.CheckRequested(&f, &in.Requested, &p.app)
	p.app.ID, p.app.CreatedAt = id.New[id.Application](c.At), c.At
	p.app.Channel = channel(c)
	d.origin(&f, c, in, p)
	if err := company(ctx, &f, c, in, p); err != nil {
		return nil, err
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	birth, _ := civil.Parse(p.personal.Birth) // checked above
	p.age = form.FullYears(birth, c.Today)
	return p, nil
}

// channel follows from the sort of credential and nothing else.
func channel(c *gate.Call) string {
	switch c.Who.Sort {
	case gate.Site:
		return docket.BySite
	case gate.Server:
		return docket.ByServer
	}
	return docket.ByOfficer
}

// origin finds where the applicant came from. An officer's own address says
// nothing about an applicant.
func (d *Desk) origin(f *fault.Collector, c *gate.Call, in *SubmitIn, p *intake) {
	r := c.Request
	switch p.app.Channel {
	case docket.BySite:
		f.Check(in.Client == nil, "client", "Leave it out: with a site key the address is taken from the connection.")
		p.address = r.Address.Chosen.Unmap().WithZone("")
		p.client = docket.Client{Address: p.address.String(), Peer: r.Address.Peer.String(), Forwarded: r.Address.Raw, UserAgent: agent(r.UserAgent), Chosen: r.Address.Reason}
	case docket.ByServer:
		if in.Client == nil {
			f.Add("client", "Say where the applicant came from: address and user_agent.")
			return
		}
		a, err := netip.ParseAddr(strings.TrimSpace(in.Client.Address))
		if err != nil || a.Zone() != "" || !ipset.Public(a.Unmap(), d.config.Provider.AlsoPublic) {
			f.Add("client.address", "Give the applicant's own public internet address, not that of a proxy or of your network.")
			return
		}
		p.address = a.Unmap()
		p.client = docket.Client{Address: p.address.String(), Peer: r.Address.Chosen.String(), UserAgent: agent(in.Client.UserAgent), Chosen: "given_by_server"}
	default:
		f.Check(in.Client == nil, "client", "Leave it out: applications entered by an officer have no network check. A server uses a server key.")
	}
}

// agent makes a user agent safe to keep.
func agent(s string) string {
	if len(s) > 512 {
		s = s[:512]
	}
	return geo.Text(s)
}

func company(ctx context.Context, f *fault.Collector, c *gate.Call, in *SubmitIn, p *intake) error {
	if p.app.Channel == docket.BySite {
		f.Check(in.SourceCompany == "", "source_company", "Leave it out: a site key has its own.")
		p.app.Company = c.Who.SourceCompany
		return nil
	}
	if in.SourceCompany == "" {
		return nil
	}
	found, ok, err := docket.CompanyOf(ctx, c.Tx, in.SourceCompany)
	f.Check(ok || err != nil, "source_company", "Name a source company that exists.")
	p.app.Company = found
	return err
}

// giveKey makes the applicant's own key while no transaction is open. If the
// submission comes to nothing, a key stays behind that seals nothing.
func (d *Desk) giveKey(ctx context.Context, _ *SubmitIn, prepared any) (any, error) {
	p := prepared.(*intake)
	made, err := p.tenant.Persons.Create(ctx, p.app.Person())
	if err != nil {
		return nil, err
	}
	p.key = made[p.app.Person()]
	return p, p.app.Seal(p.tenant.Ring, p.key, p.personal, p.address)
}

func (d *Desk) submit(ctx context.Context, c *gate.Call, _ *SubmitIn) (*SubmitOut, error) {
	p := c.Outside.(*intake)
	a := p.app // a copy: the transaction may be tried again
	if err := a.Take(ctx, c.Tx); err != nil {
		return nil, err
	}
	input, err := firstInput(ctx, c, &a, p.age)
	if err != nil {
		return nil, err
	}
	a.Asked = id.New[id.Check](c.At)
	a.Check, a.CheckState = a.Asked, docket.Pending
	if a.Channel == docket.ByOfficer {
		a.CheckState, a.Asked = docket.NotApplicable, ""
		input.Check = decision.CheckNotApplicable
	}
	a.Notice = c.Today.AddDays(noticeDays)
	rules, err := docket.PinRules(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	v, err := automatic(&a, &rules.RuleSet, input, c.At)
	if err != nil {
		return nil, err
	}
	a.Status, a.Revision = statusOf(&a, v), 1
	if err := docket.Insert(ctx, c.Tx, &a); err != nil {
		return nil, err
	}
	return &SubmitOut{ID: a.ID, Status: "received"}, d.file(ctx, c, p, &a, v)
}

// firstInput gathers what the rules look at beside the network.
func firstInput(ctx context.Context, c *gate.Call, a *docket.Application, age int64) (in decision.Input, err error) {
	in.SetAmount(a.Amount)
	in.Age = decision.Known(age)
	open, err := docket.OpenElsewhere(ctx, c.Tx, a)
	if err != nil {
		return in, err
	}
	in.OpenApplications = decision.Known(open)
	n, err := docket.FromAddress(ctx, c.Tx, a)
	in.Velocity = decision.Number{Known: n > 0, N: n}
	return in, err
}

// file puts everything that belongs to a new application beside it, and asks
// for its check.
func (d *Desk) file(ctx context.Context, c *gate.Call, p *intake, a *docket.Application, v *docket.Verdict) error {
	k := &docket.Check{ID: a.Check, Application: a.ID, Asked: a.Check, State: a.CheckState, Client: p.client, At: c.At}
	if err := docket.AddCheck(ctx, c.Tx, p.key, k); err != nil {
		return err
	}
	if err := docket.AddVerdict(ctx, c.Tx, v); err != nil {
		return err
	}
	why := "the network check is under way"
	if a.Asked == "" {
		why = "entered by an officer; decided by the rules"
	}
	if err := docket.AddMove(ctx, c.Tx, a.ID, docket.Move{N: a.Revision, From: "received", To: a.Status, By: engine(), Reason: why, At: c.At}); err != nil {
		return err
	}
	noteApplication(c, a, &p.personal)
	c.SealedDetail("client_address", p.client.Address)
	c.Detail("address_chosen", p.client.Chosen)
	if a.Asked == "" {
		return nil
	}
	return d.ask(ctx, c, a)
}

// ask enqueues a check and what happens if it never comes.
func (d *Desk) ask(ctx context.Context, c *gate.Call, a *docket.Application) error {
	n, err := docket.ReadConnection(ctx, c.Tx, c.Tenant.Ring)
	if err != nil {
		return err
	}
	ref := CheckRef{Application: a.ID, Check: a.Asked}
	if _, err := job.Enqueue(ctx, c.Tx, CheckJob, string(a.Asked), ref, c.At); err != nil {
		return err
	}
	if _, err := job.Enqueue(ctx, c.Tx, OverdueJob, string(a.Asked), ref, c.At+(n.TimeoutMS+overdueMS)*1000); err != nil {
		return err
	}
	if d.config.Kick != nil {
		c.After(func() { d.config.Kick(c) })
	}
	return nil
}

func noteApplication(c *gate.Call, a *docket.Application, p *docket.Personal) {
	c.Object("application/" + string(a.ID))
	c.Change("number", "", a.Number())
	c.Change("status", "", a.Status)
	c.Change("amount", "", a.Amount.String())
	c.Change("channel", "", a.Channel)
	c.Change("source_company", "", string(a.Company))
	person := a.Person()
	c.ChangePersonal(person, "name", "", a.Name())
	c.ChangePersonal(person, "email", "", p.Email)
	c.ChangePersonal(person, "phone", "", p.Phone)
	c.ChangePersonal(person, "date_of_birth", "", p.Birth)
	c.ChangePersonal(person, "ssn", "", p.SSN)
	c.ChangePersonal(person, "address", "", strings.Join([]string{p.Line1, a.City, a.Region, a.PostalCode, a.Country}, ", "))
}
