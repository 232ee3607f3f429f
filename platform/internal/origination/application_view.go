package origination

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
)

// AddressOut is where the applicant says to live.
type AddressOut struct {
	Line1      secret.Field[secret.AddressLine] `json:"line1"`
	City       string                           `json:"city" class:"public"`
	Region     string                           `json:"region" class:"public"`
	PostalCode string                           `json:"postal_code" class:"public"`
	Country    string                           `json:"country" class:"public"`
}

// ApplicantOut is who applies, personal fields masked by the caller's role.
type ApplicantOut struct {
	FirstName   string                         `json:"first_name" class:"public"`
	LastName    string                         `json:"last_name" class:"public"`
	Email       secret.Field[secret.Email]     `json:"email"`
	Phone       secret.Field[secret.Phone]     `json:"phone"`
	DateOfBirth secret.Field[secret.BirthDate] `json:"date_of_birth"`
	SSN         secret.Field[secret.SSN]       `json:"ssn"`
	Address     AddressOut                     `json:"address"`
}

// RequestedOut is what is applied for.
type RequestedOut struct {
	Amount     money.Amount `json:"amount" class:"public"`
	TermMonths int          `json:"term_months" class:"public"`
	Purpose    string       `json:"purpose" class:"public"`
}

// ApplicationOut is one application, with its check and its decision for those
// who may view these.
type ApplicationOut struct {
	ID            id.Application   `json:"id" class:"public"`
	Number        string           `json:"number" class:"public"`
	Status        string           `json:"status" class:"public" enum:"waiting_for_approval,manual_review,approved,rejected"`
	Channel       string           `json:"channel" class:"public" enum:"site,server,officer"`
	CreatedAt     string           `json:"created_at" class:"public"`
	SourceCompany string           `json:"source_company" class:"public"`
	Applicant     ApplicantOut     `json:"applicant"`
	Requested     RequestedOut     `json:"requested"`
	NetworkCheck  *NetworkCheckOut `json:"network_check,omitempty" doc:"Left out for whoever may not view network checks."`
	Decision      *DecisionOut     `json:"decision,omitempty" doc:"Left out for whoever may not view decisions."`
	NoticeDue     civil.Date       `json:"notice_due" class:"public"`
	DecidedAt     string           `json:"decided_at,omitempty" class:"public" doc:"When a person approved or rejected it."`
	DecidedBy     string           `json:"decided_by,omitempty" class:"public"`
	Loan          id.Loan          `json:"loan_id,omitempty" class:"public"`
	ErasedAt      string           `json:"erased_at,omitempty" class:"public" doc:"Since when the applicant is erased; personal fields say [erased]."`
}

func (d *Desk) view(ctx context.Context, c *gate.Call, in *Ref) (*ApplicationOut, error) {
	a, err := docket.ByID(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	p, err := a.Open(ctx, c.Persons())
	if err != nil {
		return nil, err
	}
	who := ApplicantOut{FirstName: a.First, LastName: a.Last, Email: secret.Seal[secret.Email](p.Email), Phone: secret.Seal[secret.Phone](p.Phone),
		DateOfBirth: secret.Seal[secret.BirthDate](p.Birth), SSN: secret.Seal[secret.SSN](p.SSN),
		Address: AddressOut{secret.Seal[secret.AddressLine](p.Line1), a.City, a.Region, a.PostalCode, a.Country}}
	if a.ErasedAt != 0 {
		const gone = secret.ErasedText
		who = ApplicantOut{FirstName: gone, LastName: gone, Email: secret.Gone[secret.Email](), Phone: secret.Gone[secret.Phone](), DateOfBirth: secret.Gone[secret.BirthDate](),
			SSN: secret.Gone[secret.SSN](), Address: AddressOut{secret.Gone[secret.AddressLine](), gone, a.Region, "", a.Country}}
	}
	out := &ApplicationOut{ID: a.ID, Number: a.Number(), Status: a.Status, Channel: a.Channel, CreatedAt: docket.Instant(a.CreatedAt), SourceCompany: a.CompanyName,
		Requested: RequestedOut{a.Amount, a.Term, a.Purpose}, NoticeDue: a.Notice, DecidedAt: docket.Instant(a.DecidedAt), DecidedBy: a.DecidedByName, Loan: a.Loan,
		ErasedAt: docket.Instant(a.ErasedAt), Applicant: who}
	if c.Can(d.CheckView.Name, in.object()) {
		if out.NetworkCheck, err = d.checkOf(ctx, c, a); err != nil {
			return nil, err
		}
	}
	if c.Can(d.DecisionView.Name, in.object()) {
		out.Decision, err = decisionOf(ctx, c, a)
	}
	return out, err
}

func (d *Desk) checkView(ctx context.Context, c *gate.Call, in *Ref) (*NetworkCheckOut, error) {
	a, err := docket.ByID(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	return d.checkOf(ctx, c, a)
}

func (d *Desk) decisionView(ctx context.Context, c *gate.Call, in *Ref) (*DecisionOut, error) {
	a, err := docket.ByID(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	return decisionOf(ctx, c, a)
}

// RelatedItem is a related application and what it shares.
type RelatedItem struct {
	Item
	Same []string `json:"same" class:"public" doc:"What both share: address, email, phone."`
}

// RelatedOut is the applications related to one, newest first.
type RelatedOut struct {
	Items   []RelatedItem `json:"items"`
	Total   int64         `json:"total" class:"public"`
	TotalIs string        `json:"total_is" class:"public" enum:"exact"`
	Next    string        `json:"next,omitempty" class:"public"`
}

// mostRelated is how many related applications are shown.
const mostRelated = 100

func (d *Desk) related(ctx context.Context, c *gate.Call, in *Ref) (*RelatedOut, error) {
	a, err := docket.ByID(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	if err := a.Recall(ctx, c.Tx, c.Tenant.Ring, c.Persons()); err != nil {
		return nil, err
	}
	kin, n, err := docket.Related(ctx, c.Tx, c.Scope, docket.Left(c), a, mostRelated)
	if err != nil {
		return nil, err
	}
	rows := make([]*docket.Application, len(kin))
	for i, k := range kin {
		rows[i] = k.Application
	}
	t, err := d.tells(ctx, c, rows)
	if err != nil {
		return nil, err
	}
	out := &RelatedOut{Items: make([]RelatedItem, len(kin)), Total: n, TotalIs: "exact"}
	for i, k := range kin {
		out.Items[i] = RelatedItem{t.item(k.Application), []string{}}
		for _, s := range []struct {
			yes  bool
			name string
		}{{k.SameAddress, "address"}, {k.SameEmail, "email"}, {k.SamePhone, "phone"}} {
			if s.yes {
				out.Items[i].Same = append(out.Items[i].Same, s.name)
			}
		}
	}
	return out, nil
}
