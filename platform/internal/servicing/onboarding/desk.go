package onboarding

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/shape"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Config is what the roof hands in.
type Config struct {
	// Landed wakes whoever rebuilds visible sets after a file of loans; it must
	// not block. Nil: nobody.
	Landed func(*tenant.Tenant)
}

// Desk takes files.
type Desk struct {
	config Config

	Loans     *gate.Op[ImportIn, Report]
	Borrowers *gate.Op[ImportIn, Report]
}

// ImportIn is a file: CSV through the API, File from the console.
type ImportIn struct {
	CSV      string                  `json:"csv" guard:"cells" maxLength:"20000000" doc:"The file's text, header line first."`
	Partial  bool                    `json:"partial,omitempty" doc:"Take the good rows of a file with bad ones."`
	File     io.Reader               `json:"-"`
	Size     int64                   `json:"-"`
	Progress func(done, total int64) `json:"-"`
	Bad      func(Problem)           `json:"-"`
}

func (in *ImportIn) options() (io.Reader, ImportOptions) {
	opt := ImportOptions{Partial: in.Partial, Size: in.Size, Progress: in.Progress, Bad: in.Bad}
	if in.File != nil {
		return in.File, opt
	}
	opt.Size = int64(len(in.CSV))
	return strings.NewReader(in.CSV), opt
}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c}
	d.Loans = d.operation(loans, "import.loans", "Import loans", "/imports/loans")
	d.Borrowers = d.operation(borrowers, "import.borrowers", "Import borrowers", "/imports/borrowers")
	return d
}

// Operations lists the desk's operations for the gate.
func (d *Desk) Operations() []gate.Entry { return []gate.Entry{d.Loans, d.Borrowers} }

// prepared is what the work outside a transaction needs of the call.
type prepared struct {
	t     *tenant.Tenant
	at    int64
	entry audit.Entry
}

// operation makes one import: the file is staged with no transaction open, and
// landed in the transaction of the call's own audit entry. Loans land in
// portfolios, which decide who may see them: an access change.
func (d *Desk) operation(kind, name, title, path string) *gate.Op[ImportIn, Report] {
	return &gate.Op[ImportIn, Report]{
		Name: name, Title: title, Area: "Imports", Method: "POST", Path: path,
		Kind: operation.Write, Audit: operation.Access, Sensitivity: operation.Security, Permit: gate.ByRole, Roles: "manager",
		Prepare: func(_ context.Context, c *gate.Call, _ *ImportIn) (any, error) {
			if !c.Scope.Everything() {
				return nil, fault.New(fault.Denied, "restricted", "A search restriction binds you; files are taken by somebody who may see all loans.")
			}
			e := audit.Entry{At: c.At, Actor: c.Who.String(), ActorName: c.Who.Name, Channel: c.Channel, Address: c.Request.Address.Chosen, Operation: name}
			return &prepared{t: c.Tenant, at: c.At, entry: e}, nil
		},
		Outside: func(ctx context.Context, in *ImportIn, p any) (any, error) {
			pre := p.(*prepared)
			r, opt := in.options()
			return d.staged(ctx, pre.t, pre.at, kind, r, opt, pre.entry)
		},
		Do: func(ctx context.Context, c *gate.Call, _ *ImportIn) (*Report, error) {
			s := c.Outside.(*Staged)
			if err := land(ctx, c.Tx, s); err != nil {
				return nil, err
			}
			for k, v := range s.details("landed") {
				c.Detail(k, v)
			}
			d.wake(c.Tenant, s, c.After)
			return &s.Report, nil
		},
	}
}

func (d *Desk) wake(t *tenant.Tenant, s *Staged, after func(func())) {
	if f := d.config.Landed; f != nil && s.kind == loans {
		after(func() { f(t) })
	}
}

// staged clears away dead runs, records that an import begins, and stages it.
func (d *Desk) staged(ctx context.Context, t *tenant.Tenant, at int64, kind string, r io.Reader, opt ImportOptions, e audit.Entry) (*Staged, error) {
	if err := d.Sweep(ctx, t, false); err != nil {
		return nil, err
	}
	e.Outcome, e.Detail = operation.Allowed, map[string]string{"phase": "begin", "partial": strconv.FormatBool(opt.Partial)}
	if err := t.Trail.Join(ctx, &e); err != nil {
		return nil, err
	}
	tab, err := d.table(ctx, t, at, kind, e.Actor)
	if err != nil {
		return nil, err
	}
	s, err := stage(ctx, t, kind, tab, r, opt)
	if s != nil {
		if l, ok := tab.(*lent); ok {
			s.Report.Portfolio = l.placed
		}
	}
	return s, err
}

func (d *Desk) table(ctx context.Context, t *tenant.Tenant, at int64, kind, by string) (table, error) {
	today := t.Today(at)
	if kind == borrowers {
		return &people{t: t, today: today, seen: map[string]int{}}, nil
	}
	x := &lent{at: at, today: today, by: by, seen: map[string]int{}}
	err := t.DB.Read(ctx, at, func(ctx context.Context, tx *db.Tx) error {
		portfolios, err := book.Portfolios(ctx, tx)
		if err != nil {
			return err
		}
		companies, err := book.Companies(ctx, tx)
		x.portfolios, x.companies = byName(portfolios), byName(companies)
		return err
	})
	return x, err
}

func byName(list []book.Named) map[string]string {
	out := make(map[string]string, len(list))
	for _, n := range list {
		out[n.Name] = n.ID
	}
	return out
}

func (s *Staged) details(phase string) map[string]string {
	r := s.Report
	out := map[string]string{"phase": phase, "file_sha256": r.FileHash, "rows": strconv.FormatInt(r.Rows, 10), "imported": strconv.FormatInt(r.Imported, 10),
		"bad_rows": strconv.FormatInt(r.BadRows, 10), "run": s.run}
	if s.seen != nil {
		shape.Incident(s.seen, func(k, v string) { out[k] = v })
	}
	return out
}

// ImportLoans takes a file of loans on behalf of the house, with entries of its
// begin and end in the trail. The report is there also when the file is refused.
func (d *Desk) ImportLoans(ctx context.Context, t *tenant.Tenant, at int64, r io.Reader, opt ImportOptions) (Report, error) {
	return d.take(ctx, t, at, loans, r, opt)
}

// ImportBorrowers takes a file of borrowers, like ImportLoans.
func (d *Desk) ImportBorrowers(ctx context.Context, t *tenant.Tenant, at int64, r io.Reader, opt ImportOptions) (Report, error) {
	return d.take(ctx, t, at, borrowers, r, opt)
}

func (d *Desk) take(ctx context.Context, t *tenant.Tenant, at int64, kind string, r io.Reader, opt ImportOptions) (Report, error) {
	e := audit.Entry{At: at, Actor: "house/import", Channel: operation.Console, Operation: "import." + kind}
	s, err := d.staged(ctx, t, at, kind, r, opt, e)
	if err != nil {
		if s == nil {
			return Report{}, err
		}
		e.Outcome, e.Reason, e.Detail = operation.Failed, fault.As(err).Reason, s.details("refused")
		if err2 := t.Trail.Join(context.WithoutCancel(ctx), &e); err2 != nil {
			return s.Report, err2
		}
		return s.Report, err
	}
	err = t.DB.WriteExclusive(ctx, at, func(ctx context.Context, tx *db.Tx) error {
		if err := land(ctx, tx, s); err != nil {
			return err
		}
		if err := policy.Bump(ctx, tx); err != nil {
			return err
		}
		e.Outcome, e.Detail = operation.Allowed, s.details("landed")
		return t.Trail.Record(ctx, tx, &e)
	})
	if err != nil {
		return s.Report, err
	}
	d.wake(t, s, func(f func()) { f() })
	return s.Report, nil
}
