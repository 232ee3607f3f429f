package origination

import (
	"context"
	"errors"
	"net/netip"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/geo"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
)

// CheckRef names a request for a check; it is the payload of the jobs.
type CheckRef struct {
	Application id.Application `json:"application"`
	Check       id.Check       `json:"check"`
}

func (r *CheckRef) object() string { return "application/" + string(r.Application) }

// CheckBeginOut says whether there is anything to ask; whom and how is for the
// job alone.
type CheckBeginOut struct {
	Wanted bool `json:"wanted" class:"public"`

	address    netip.Addr
	connection docket.Connection
}

// CheckRecordIn hands in what a source answered. The answer is unexported
// because it is no caller's text: it has been bounded by its decoder and is
// cleaned here.
type CheckRecordIn struct {
	CheckRef
	result geo.Result
}

// CheckRecordOut says where the application stands then.
type CheckRecordOut struct {
	State  string `json:"state" class:"public"`
	Status string `json:"status" class:"public"`
}

func (d *Desk) checkOperations() {
	d.CheckBegin = &gate.Op[CheckRef, CheckBeginOut]{Name: "application.check.begin", Title: "Begin network check", Area: "Applications",
		Kind: operation.Read, Audit: operation.Looked, Sensitivity: operation.Personal, Permit: gate.House, Object: (*CheckRef).object, Do: d.checkBegin}
	d.CheckRecord = &gate.Op[CheckRecordIn, CheckRecordOut]{Name: "application.check.record", Title: "Record network check", Area: "Applications",
		Kind: operation.Write, Audit: operation.Decided, Permit: gate.House, Object: func(in *CheckRecordIn) string { return in.object() }, Do: d.checkRecord}
	d.CheckExpire = &gate.Op[CheckRef, CheckRecordOut]{Name: "application.check.expire", Title: "Give up a network check", Area: "Applications",
		Kind: operation.Write, Audit: operation.Decided, Permit: gate.House, Object: (*CheckRef).object, Do: d.checkExpire}
}

// asked reads a request for a check; NotFound if there is none of this
// application.
func asked(ctx context.Context, c *gate.Call, r *CheckRef) (*docket.Check, error) {
	k, err := docket.CheckByID(ctx, c.Tx, c.Persons(), r.Check)
	if err != nil {
		return nil, err
	}
	if k.Application != r.Application || k.Asked != k.ID {
		return nil, fault.Missing("network check")
	}
	return k, nil
}

func (d *Desk) checkBegin(ctx context.Context, c *gate.Call, in *CheckRef) (*CheckBeginOut, error) {
	k, err := asked(ctx, c, in)
	if err != nil {
		return nil, err
	}
	done, err := docket.Answered(ctx, c.Tx, in.Check)
	out := &CheckBeginOut{Wanted: !done && k.Client.Address != ""}
	if err != nil || !out.Wanted {
		return out, err
	}
	if out.address, err = netip.ParseAddr(k.Client.Address); err != nil {
		return nil, fault.Wrap(fault.Internal, "stored_address", "The stored address cannot be read.", err)
	}
	out.connection, err = docket.ReadConnection(ctx, c.Tx, c.Tenant.Ring)
	return out, err
}

// checkRecord pins what was found and decides, unless a person has.
func (d *Desk) checkRecord(ctx context.Context, c *gate.Call, in *CheckRecordIn) (*CheckRecordOut, error) {
	a, err := docket.Lock(ctx, c.Tx, c.Scope, in.Application)
	if err != nil {
		return nil, err
	}
	k, err := asked(ctx, c, &in.CheckRef)
	if err != nil {
		return nil, err
	}
	done, err := docket.Answered(ctx, c.Tx, k.ID)
	if err != nil {
		return nil, err
	}
	if done { // the job ran twice
		return &CheckRecordOut{State: a.CheckState, Status: a.Status}, nil
	}
	r := cleaned(in.result)
	row := &docket.Check{ID: id.New[id.Check](c.At), Application: a.ID, Asked: k.ID, State: docket.Unavailable, RawHash: r.RawHash, Failure: r.Failure, At: c.At,
		Sources: []docket.Source{{Name: r.Source, Version: r.Version, At: r.At, Use: r.Use}}}
	merged := geo.Merge(r)
	if merged.Answered > 0 && merged.Failed == 0 {
		row.State = docket.Done
	}
	row.Facts = docket.Facts{Merged: merged, Match: d.compare(a, merged), Results: []geo.Result{r}}
	return d.settle(ctx, c, a, row)
}

// settle appends an answer and lets it decide where it still may.
func (d *Desk) settle(ctx context.Context, c *gate.Call, a *docket.Application, row *docket.Check) (*CheckRecordOut, error) {
	key, err := c.Persons().Open(ctx, a.Person())
	if err != nil && !errors.Is(err, keys.ErrDestroyed) {
		return nil, err
	}
	if err := docket.AddCheck(ctx, c.Tx, key, row); err != nil {
		return nil, err
	}
	c.Detail("check", row.State)
	c.Detail("failure", row.Failure)
	c.Detail("raw_hash", row.RawHash)
	if row.Asked != a.Asked { // a later request stands in its place
		c.Detail("late", "true")
		return &CheckRecordOut{State: a.CheckState, Status: a.Status}, docket.Save(ctx, c.Tx, a)
	}
	c.Change("network_check", a.CheckState, row.State)
	a.Check, a.CheckState = row.ID, row.State
	if a.DecidedAt != 0 {
		c.Detail("late", "true")
		return &CheckRecordOut{State: a.CheckState, Status: a.Status}, docket.Save(ctx, c.Tx, a)
	}
	before, err := docket.VerdictByID(ctx, c.Tx, a.Machine)
	if err != nil {
		return nil, err
	}
	in, err := withFacts(ctx, c, a, before.Input, &row.Facts)
	if err != nil {
		return nil, err
	}
	why := "the network check is done"
	if row.State == docket.Unavailable {
		why = "the network check could not be completed"
	}
	v, err := d.redecide(ctx, c, a, in, engine(), why)
	if err != nil {
		return nil, err
	}
	noteVerdict(c, v)
	return &CheckRecordOut{State: a.CheckState, Status: a.Status}, docket.Save(ctx, c.Tx, a)
}

func noteVerdict(c *gate.Call, v *docket.Verdict) {
	c.Change("outcome", "", v.Outcome.String())
	for _, r := range v.Reasons {
		c.Detail("reason."+r.Code, r.Words)
	}
}

// withFacts gives the pinned input with what a check found in place of what was
// found before.
func withFacts(ctx context.Context, c *gate.Call, a *docket.Application, in decision.Input, f *docket.Facts) (decision.Input, error) {
	if err := a.Recall(ctx, c.Tx, c.Tenant.Ring, c.Persons()); err != nil {
		return in, err
	}
	n, err := docket.FromAddress(ctx, c.Tx, a)
	if err != nil {
		return in, err
	}
	in.Velocity = decision.Number{Known: n > 0, N: n}
	in.SetFacts(f.Merged)
	if len(f.Results) == 0 {
		in.Check = decision.CheckFailed
	}
	m := f.Match
	in.SetLocation(m.Country.Verdict.Tri(), m.Region.Verdict.Tri(), m.City.Verdict.Tri(), m.Postal.Verdict.Tri(),
		m.DistanceKM, m.HasDistance && m.DistanceAssessed, f.Merged.LocationUse)
	return in, nil
}

// checkExpire gives up a check that never came: the facts stay unknown.
func (d *Desk) checkExpire(ctx context.Context, c *gate.Call, in *CheckRef) (*CheckRecordOut, error) {
	a, err := docket.Lock(ctx, c.Tx, c.Scope, in.Application)
	if err != nil {
		return nil, err
	}
	if a.Asked != in.Check || a.CheckState != docket.Pending {
		return &CheckRecordOut{State: a.CheckState, Status: a.Status}, nil
	}
	return d.settle(ctx, c, a, &docket.Check{ID: id.New[id.Check](c.At), Application: a.ID, Asked: in.Check, State: docket.Unavailable, Failure: neverCame, At: c.At})
}

// cleaned bounds an answer and empties texts that look like a card number: no
// provider has reason to send one, and none is kept here.
func cleaned(r geo.Result) geo.Result {
	f := r.Facts.Bounded()
	for _, s := range []*string{&f.ProxyType, &f.VPNService, &f.ProxyLastDetected, &f.CrawlerName, &f.CrawlerType, &f.ConnectionType, &f.RoutingType, &f.ISP, &f.CallingCode, &f.TimeZone,
		&f.Location.Country, &f.Location.Region, &f.Location.RegionName, &f.Location.City, &f.Location.Postal} {
		if pan.Contains(*s) {
			*s = ""
		}
	}
	kept := f.ThreatTypes[:0:0]
	for _, s := range f.ThreatTypes {
		if !pan.Contains(s) {
			kept = append(kept, s)
		}
	}
	f.ThreatTypes = kept
	r.Facts = f
	return r
}
