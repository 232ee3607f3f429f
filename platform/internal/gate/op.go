package gate

import (
	"context"
	"reflect"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate/shape"
)

// Permit says where the right to an operation comes from. The zero Permit is
// refused at start-up: no operation without a permission.
type Permit uint8

// The sources of a right.
const (
	ByRole   Permit = iota + 1 // the caller's role, in the channel of the call
	SignedIn                   // anybody whose credential is good: sign out, /me
	Public                     // anybody at all: sign in, the application form
	House                      // only the house itself: jobs and the console
)

// Pairing says whether an operation may need four eyes.
type Pairing uint8

// The ways of pairing.
const (
	Alone      Pairing = iota // one person does it
	MayPair                   // a tenant may ask for a second person
	AlwaysPair                // always needs a second person
)

// Op is one thing that a person or a program can do. Each desk makes its own
// when it is built at the roof; an Op is never a package variable. In holds
// path parameters (tag `path:"id"`), query parameters (tag `query:"q"`) and
// the JSON body (tag `json:"amount"`); Out is what the caller sees: every leaf
// is tagged `class:"public"` or is a secret.Field, else start-up refuses it.
type Op[In, Out any] struct {
	Name        string // "loan.payment.log"
	Title       string // "Log payment": the button's words
	Area        string // branch of the permission trees: "Loans"
	Screen      string // place in the screen tree below Area: "Loan/Payments", "" if no screen has it
	Method      string // "POST", "" if the API does not have it
	Path        string // "/loans/{id}/payments", below /api/v1
	Status      int    // success status of the API; 0 means 200
	Kind        operation.Kind
	Audit       operation.Form
	Sensitivity operation.Sensitivity
	Permit      Permit
	Roles       string              // shipped roles that hold it beside Admin: "manager agent"
	Sites       bool                // ByRole, and also open to the site key of a hosted form
	Idempotent  bool                // honours an Idempotency-Key; set wherever money moves
	StepUp      bool                // on the screens a fresh proof of the person is asked for
	Pairing     Pairing             // whether a second person may, or must, approve it
	Hands       string              // the field of the trail whose change lets somebody come to act as another person; "" for none
	Mends       bool                // open to a session whose password or factor is stale, because it mends that
	Leaves      bool                // ends a session or a view: open to a session that looks through other eyes
	Bumps       bool                // changes who may do what beside its audit form: bumps the policy version
	Part        string              // area of a loan or application that limits speak of: "payments"; "" for none
	Object      func(in *In) string // "loan/<id>", from path parameters alone; nil for lists
	// Prepare and Outside are for operations that call out or compute long:
	// Prepare reads what is needed in a snapshot, Outside runs with no
	// transaction open, and Do finds its result in Call.Outside: nil in a proposal.
	Prepare func(ctx context.Context, c *Call, in *In) (any, error)
	Outside func(ctx context.Context, in *In, prepared any) (any, error)
	Do      func(ctx context.Context, c *Call, in *In) (*Out, error)
	// Ahead names the statements with which Do of a read will begin, from the
	// input and the scope alone: on PostgreSQL they travel with the caller's
	// credential. It is a guess under the rights that the caller had last; what Do
	// does not ask for is thrown away unseen.
	Ahead func(c *Call, in *In) []db.Statement

	meta *Meta // set by New; nil means that the gate does not know the operation
}

// Meta is the erased half of an operation: what fronts, the role editor, the
// catalogue and tests need to know of it.
type Meta struct {
	Number                                  uint16
	Name, Title, Area, Screen, Method, Path string
	Status                                  int
	Kind                                    operation.Kind
	Audit                                   operation.Form
	Sensitivity                             operation.Sensitivity
	Permit                                  Permit
	Roles                                   string
	Sites, Idempotent                       bool
	StepUp, Mends, Leaves, Bumps            bool
	Pairing                                 Pairing
	Hands, Part, Noun                       string // Noun: of the object that it is about, "loan"; "" where it is about no single one
	In, Out                                 reflect.Type
	plain, prepares                         bool // plain: neither Prepare nor Outside
	seal                                    *shape.Seal
	texts                                   *shape.Texts
}

// Entry is an operation in the one list, whatever its types.
type Entry interface {
	describe() *Meta
	enter(*Meta)
	// Meta tells what the operation is; nil before New has seen it.
	Meta() *Meta
	// Invoke runs the operation for a front that knows no types: path and
	// body receive a pointer to the input.
	Invoke(ctx context.Context, g *Gate, r *Request, path, body func(in any) error) (out any, err error)
	// carry runs what an approved proposal asked for, in the approver's call.
	carry(ctx context.Context, c *Call, packed []byte) error
}

// Meta tells what the operation is; nil before New has seen it.
func (o *Op[In, Out]) Meta() *Meta { return o.meta }

func (o *Op[In, Out]) enter(m *Meta) { o.meta = m }

func (o *Op[In, Out]) describe() *Meta {
	m := &Meta{
		Name: o.Name, Title: o.Title, Area: o.Area, Screen: o.Screen, Method: o.Method, Path: o.Path, Status: o.Status,
		Kind: o.Kind, Audit: o.Audit, Sensitivity: o.Sensitivity, Permit: o.Permit, Roles: o.Roles, Sites: o.Sites, Idempotent: o.Idempotent,
		StepUp: o.StepUp, Mends: o.Mends, Leaves: o.Leaves, Bumps: o.Bumps || o.Audit == operation.Access, Pairing: o.Pairing, Hands: o.Hands, Part: o.Part,
		In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out](),
	}
	if m.Status == 0 {
		m.Status = 200
	}
	if o.Object != nil {
		m.Noun, _, _ = strings.Cut(o.Object(new(In)), "/")
	}
	m.plain, m.prepares = o.Prepare == nil && o.Outside == nil, o.Prepare != nil
	if o.Do == nil {
		m.Kind = 0 // refused by New, with the name
	}
	return m
}

// Invoke implements Entry.
func (o *Op[In, Out]) Invoke(ctx context.Context, g *Gate, r *Request, path, body func(in any) error) (any, error) {
	out, err := Run(ctx, g, o, r, erased[In](path), erased[In](body))
	if err != nil {
		return nil, err
	}
	return out, nil
}

func erased[In any](f func(any) error) func(*In) error {
	if f == nil {
		return nil
	}
	return func(in *In) error { return f(in) }
}

// File is an output that is a document and not JSON: evidence as PDF, a CSV.
type File struct {
	Name        string `json:"name" class:"public"`
	ContentType string `json:"content_type" class:"public"`
	Body        []byte `json:"body" class:"public"`
}

// Chunk is a piece of a long document. Fronts ask for the next piece by calling
// the operation again with Next as the cursor, so that rights are asked anew for
// every piece: what was revoked stops an export that is on its way.
type Chunk struct {
	File
	Next string `json:"next" class:"public" doc:"empty: the document is whole"`
}

// Continued is an input that can ask for the next piece of a document.
type Continued interface{ Continue(next string) }
