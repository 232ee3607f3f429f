package servicing

import (
	"context"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

func (d *Desk) borrowerOperations() {
	d.BorrowerList = &gate.Op[BorrowerListIn, BorrowerListOut]{
		Name: "borrower.list", Title: "List borrowers", Area: "Borrowers", Screen: "Borrowers", Method: "GET", Path: "/borrowers",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "manager agent",
		Do: d.borrowerList,
	}
	d.BorrowerView = &gate.Op[BorrowerRef, BorrowerOut]{
		Name: "borrower.view", Title: "View borrower", Area: "Borrowers", Screen: "Borrower", Method: "GET", Path: "/borrowers/{id}",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "manager agent underwriter investor",
		Part: "borrower", Object: (*BorrowerRef).object, Do: d.borrowerView,
	}
	d.BorrowerCreate = &gate.Op[BorrowerCreateIn, BorrowerMade]{
		Name: "borrower.create", Title: "New borrower", Area: "Borrowers", Screen: "Borrowers/New", Method: "POST", Path: "/borrowers", Status: 201,
		Kind: operation.Write, Audit: operation.Changed, Sensitivity: operation.Personal, Permit: gate.ByRole, Roles: "manager", Idempotent: true,
		Do: d.borrowerCreate,
	}
	d.BorrowerUpdate = &gate.Op[BorrowerUpdateIn, BorrowerOut]{
		Name: "borrower.update", Title: "Edit borrower", Area: "Borrowers", Screen: "Borrower", Method: "PATCH", Path: "/borrowers/{id}",
		Kind: operation.Write, Audit: operation.Changed, Sensitivity: operation.Personal, Permit: gate.ByRole, Roles: "manager agent",
		Part: "borrower", Object: func(in *BorrowerUpdateIn) string { return "borrower/" + in.ID }, Do: d.borrowerUpdate,
	}
	d.BorrowerReveal = &gate.Op[BorrowerRevealIn, RevealOut]{
		Name: "borrower.reveal", Title: "Reveal field", Area: "Borrowers", Screen: "Borrower", Method: "POST", Path: "/borrowers/{id}/reveal",
		Kind: operation.Write, Audit: operation.Looked, Sensitivity: operation.Personal, Permit: gate.ByRole, Roles: "manager agent",
		StepUp: true, Part: "borrower", Object: func(in *BorrowerRevealIn) string { return "borrower/" + in.ID }, Do: d.borrowerReveal,
	}
}

// AddressOut is where a borrower lives.
type AddressOut struct {
	Line1      secret.Field[secret.AddressLine] `json:"line1"`
	City       string                           `json:"city" class:"public"`
	Region     string                           `json:"region" class:"public"`
	PostalCode string                           `json:"postal_code" class:"public"`
	Country    string                           `json:"country" class:"public"`
}

// BorrowerOut is a borrower, personal fields masked by the caller's role.
type BorrowerOut struct {
	ID          id.Borrower                    `json:"id" class:"public"`
	Reference   string                         `json:"reference" class:"public"`
	FirstName   string                         `json:"first_name" class:"public"`
	LastName    string                         `json:"last_name" class:"public"`
	Name        string                         `json:"name" class:"public"`
	Email       secret.Field[secret.Email]     `json:"email"`
	Phone       secret.Field[secret.Phone]     `json:"phone"`
	DateOfBirth secret.Field[secret.BirthDate] `json:"date_of_birth"`
	SSN         secret.Field[secret.SSN]       `json:"ssn"`
	Address     AddressOut                     `json:"address"`
	ErasedAt    string                         `json:"erased_at,omitempty" class:"public" doc:"Since when the person is erased; personal fields say [erased]."`
}

func borrowerOut(b *book.Borrower, p book.Person) BorrowerOut {
	if b.ErasedAt != 0 {
		const gone = secret.ErasedText
		return BorrowerOut{ID: b.ID, FirstName: gone, LastName: gone, Name: gone, ErasedAt: instant(b.ErasedAt), Email: secret.Gone[secret.Email](), Phone: secret.Gone[secret.Phone](),
			DateOfBirth: secret.Gone[secret.BirthDate](), SSN: secret.Gone[secret.SSN](), Address: AddressOut{secret.Gone[secret.AddressLine](), gone, b.Region, "", b.Country}}
	}
	return BorrowerOut{ID: b.ID, Reference: b.Reference, FirstName: b.First, LastName: b.Last, Name: b.Name(),
		Email: secret.Seal[secret.Email](p.Email), Phone: secret.Seal[secret.Phone](p.Phone), DateOfBirth: secret.Seal[secret.BirthDate](p.Birth.String()), SSN: secret.Seal[secret.SSN](p.SSN),
		Address: AddressOut{secret.Seal[secret.AddressLine](p.Address.Line1), p.Address.City, p.Address.Region, p.Address.PostalCode, p.Address.Country}}
}

// BorrowerListIn asks for a list of borrowers, by last name.
type BorrowerListIn struct {
	Q         string `query:"q" maxLength:"200" required:"false" doc:"Beginning of a name, or a whole e-mail address or telephone number."`
	Reference string `query:"reference" maxLength:"64" required:"false" doc:"The whole reference."`
	Sort      string `query:"sort" enum:"name,-name" required:"false"`
	Paging
}

// BorrowerListOut is a page of borrowers.
type BorrowerListOut struct {
	Items   []BorrowerOut `json:"items"`
	Total   int64         `json:"total" class:"public"`
	TotalIs string        `json:"total_is" class:"public" enum:"exact,at_least"`
	Next    string        `json:"next,omitempty" class:"public"`
	mark    *book.BorrowerMark
}

func (d *Desk) borrowerList(ctx context.Context, c *gate.Call, in *BorrowerListIn) (*BorrowerListOut, error) {
	q, err := borrowerQuery(in)
	if err != nil {
		return nil, err
	}
	q.Unnamed = unnamed(c)
	filter := *in
	filter.Paging = Paging{}
	var mark book.BorrowerMark
	ok, err := openCursor(c, "borrower.list", filter, in.Cursor, &mark)
	if err != nil {
		return nil, err
	}
	if ok {
		q.After = &mark
	}
	c.SealedDetail("q", in.Q)
	c.Detail("reference", in.Reference)
	out, err := d.found(ctx, c, q)
	if err == nil && out.mark != nil {
		out.Next = sealCursor(c, "borrower.list", filter, out.mark)
	}
	return out, err
}

// found gives a page of borrowers, personal fields masked.
func (d *Desk) found(ctx context.Context, c *gate.Call, q book.BorrowerQuery) (*BorrowerListOut, error) {
	page, err := book.ListBorrowers(ctx, c.Tx, c.Tenant.Ring, c.Scope, q)
	if err != nil {
		return nil, err
	}
	people, err := book.OpenAll(ctx, c.Persons(), page.Rows)
	if err != nil {
		return nil, err
	}
	out := &BorrowerListOut{Items: make([]BorrowerOut, len(people)), Total: page.Total, TotalIs: totalIs(page.Exact)}
	for i, p := range people {
		out.Items[i] = borrowerOut(page.Rows[i], p)
	}
	out.mark = page.Next
	return out, nil
}

// BorrowerRef names a borrower in a path.
type BorrowerRef struct {
	ID string `path:"id" doc:"The borrower's id."`
}

func (r *BorrowerRef) object() string { return "borrower/" + r.ID }

func (d *Desk) borrowerView(ctx context.Context, c *gate.Call, in *BorrowerRef) (*BorrowerOut, error) {
	b, err := book.BorrowerByID(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	p, err := b.Opened(ctx, c.Persons())
	if err != nil {
		return nil, err
	}
	out := borrowerOut(b, p)
	return &out, nil
}

// AddressIn is an address as people give it.
type AddressIn struct {
	Line1      string `json:"line1,omitempty" maxLength:"200"`
	City       string `json:"city,omitempty" maxLength:"100"`
	Region     string `json:"region,omitempty" maxLength:"100" example:"NY"`
	PostalCode string `json:"postal_code,omitempty" maxLength:"20"`
	Country    string `json:"country,omitempty" maxLength:"2" example:"US"`
}

// BorrowerCreateIn is a new borrower.
type BorrowerCreateIn struct {
	Reference   string     `json:"reference,omitempty" maxLength:"64" doc:"The lender's own reference, unique if given."`
	FirstName   string     `json:"first_name" minLength:"1" maxLength:"100"`
	LastName    string     `json:"last_name" minLength:"1" maxLength:"100"`
	Email       string     `json:"email,omitempty" maxLength:"254"`
	Phone       string     `json:"phone,omitempty" maxLength:"40"`
	DateOfBirth civil.Date `json:"date_of_birth,omitempty" format:"date"`
	SSN         string     `json:"ssn,omitempty" maxLength:"11"`
	Address     AddressIn  `json:"address,omitempty"`
}

// BorrowerMade is what came of it.
type BorrowerMade struct {
	ID   id.Borrower `json:"id" class:"public"`
	Name string      `json:"name" class:"public"`
}

func (d *Desk) borrowerCreate(ctx context.Context, c *gate.Call, in *BorrowerCreateIn) (*BorrowerMade, error) {
	a := in.Address
	p := book.Person{Reference: in.Reference, First: in.FirstName, Last: in.LastName, Email: in.Email, Phone: in.Phone, Birth: in.DateOfBirth, SSN: in.SSN,
		Address: book.Address{Line1: a.Line1, City: a.City, Region: a.Region, PostalCode: a.PostalCode, Country: a.Country}}
	if err := p.Check(c.Today); err != nil {
		return nil, err
	}
	b, err := book.AddBorrower(ctx, c.Tx, c.Tenant, p)
	if err != nil {
		return nil, err
	}
	c.Object("borrower/" + string(b))
	notePerson(c, b, book.Person{}, p)
	return &BorrowerMade{b, p.Name()}, nil
}

// notePerson notes what changed about a person; personal values are sealed in
// the trail under the person's key.
func notePerson(c *gate.Call, b id.Borrower, was, now book.Person) {
	person := string(b)
	c.ChangePersonal(person, "reference", was.Reference, now.Reference)
	c.ChangePersonal(person, "first_name", was.First, now.First)
	c.ChangePersonal(person, "last_name", was.Last, now.Last)
	c.ChangePersonal(person, "email", was.Email, now.Email)
	c.ChangePersonal(person, "phone", was.Phone, now.Phone)
	c.ChangePersonal(person, "date_of_birth", was.Birth.String(), now.Birth.String())
	c.ChangePersonal(person, "ssn", was.SSN, now.SSN)
	c.ChangePersonal(person, "address.line1", was.Address.Line1, now.Address.Line1)
	c.ChangePersonal(person, "address.city", was.Address.City, now.Address.City)
	c.Change("address.region", was.Address.Region, now.Address.Region)
	c.ChangePersonal(person, "address.postal_code", was.Address.PostalCode, now.Address.PostalCode)
	c.Change("address.country", was.Address.Country, now.Address.Country)
}

// borrowerQuery checks the input of a list.
func borrowerQuery(in *BorrowerListIn) (q book.BorrowerQuery, err error) {
	if q.Limit, err = in.limit(); err != nil {
		return q, err
	}
	if q.Exact, err = in.exact(); err != nil {
		return q, err
	}
	if in.Sort != "" && in.Sort != "name" && in.Sort != "-name" {
		return q, fault.Bad("sort", "Sort by name or -name.")
	}
	q.Text, q.Reference, q.Desc = strings.TrimSpace(in.Q), in.Reference, in.Sort == "-name"
	return q, nil
}
