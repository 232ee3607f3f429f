package documents

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/parcel"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// mostDocuments bounds the documents of one subject, removed ones included.
const mostDocuments = 1000

func (f *Folder) subject(ref string) string { return f.noun + "/" + ref }

// keyOf gives the key that seals what lies with a subject, nil if its person was
// erased. The subject is looked for in the caller's scope first.
func (f *Folder) keyOf(ctx context.Context, c *gate.Call, subject string) (*keys.PersonKey, error) {
	person, err := f.person(ctx, c, subject)
	if err != nil {
		return nil, err
	}
	key, err := c.Persons().Open(ctx, person)
	if errors.Is(err, keys.ErrDestroyed) {
		return nil, nil
	}
	return key, err
}

func erased() error {
	return fault.New(fault.Conflict, "erased", "This person was erased; nothing can be kept about them any more.")
}

func (f *Folder) list(ctx context.Context, c *gate.Call, in *ListIn) (*ListOut, error) {
	if in.Removed != "" && in.Removed != "also" {
		return nil, fault.Bad("removed", `Leave it out or write "also".`)
	}
	key, err := f.keyOf(ctx, c, f.subject(in.ID))
	if err != nil {
		return nil, err
	}
	rows, err := of(ctx, c.Tx, f.subject(in.ID))
	if err != nil {
		return nil, err
	}
	c.Detail("removed", in.Removed)
	out := &ListOut{Items: []Document{}, TotalIs: "exact"}
	for _, r := range rows {
		if r.removedAt != 0 {
			if out.Gone++; in.Removed == "" {
				continue
			}
		}
		if err := r.open(key); err != nil {
			return nil, err
		}
		out.Items = append(out.Items, r.document())
	}
	out.Total = int64(len(out.Items))
	return out, nil
}

func (r *row) document() Document {
	return Document{ID: r.id, Name: r.opened.Name, Type: r.opened.Type, Size: r.opened.Size, SHA256: r.opened.SHA256, AddedAt: instant(r.addedAt), AddedBy: r.addedByName,
		RemovedAt: instant(r.removedAt), RemovedBy: r.removedByName, Reason: r.whyRemoved, Erased: r.erased}
}

// prepared is what sealing needs of the call.
type prepared struct {
	t       *tenant.Tenant
	at      int64
	subject string
	person  string
}

// prepare finds the subject, so that of one that is hidden nothing is done.
func (f *Folder) prepare(ctx context.Context, c *gate.Call, in *AddIn) (any, error) {
	p := &prepared{t: c.Tenant, at: c.At, subject: f.subject(in.ID)}
	var err error
	p.person, err = f.person(ctx, c, p.subject)
	return p, err
}

// seal looks at the file and seals it, with no transaction open: both take their
// time with 20 MB.
func seal(ctx context.Context, in *AddIn, from any) (any, error) {
	p := from.(*prepared)
	kind, err := inspect(&in.File)
	if err != nil {
		return nil, err
	}
	key, err := p.t.Persons.Open(ctx, p.person)
	if errors.Is(err, keys.ErrDestroyed) {
		return nil, erased()
	}
	if err != nil {
		return nil, err
	}
	return sealedUnder(key, id.New[id.Document](p.at), head{Name: in.File.Name, Type: kind, Subject: p.subject}, in.File.Body)
}

func (f *Folder) add(ctx context.Context, c *gate.Call, in *AddIn) (*Document, error) {
	r, ok := c.Outside.(*row)
	if !ok {
		return nil, fault.Bad(parcel.Field, "Choose a file.")
	}
	key, err := f.keyOf(ctx, c, r.subject)
	switch {
	case err != nil:
		return nil, err
	case key == nil:
		return nil, erased() // while the file was being sealed
	case key.Person() != r.person:
		return nil, fault.New(fault.Conflict, "moved", "What the document belongs with has changed meanwhile. Try again.")
	}
	var n int64
	if err := c.Tx.One(ctx, `SELECT COUNT(*) FROM document WHERE subject = ?`, []any{r.subject}, &n); err != nil {
		return nil, err
	}
	if n >= mostDocuments {
		return nil, fault.New(fault.Conflict, "too_many_documents", "There are 1,000 documents here already, removed ones included.")
	}
	r.addedBy, r.addedByName = c.Who.String(), c.Who.Name
	if err := r.insert(ctx, c.Tx); err != nil {
		return nil, err
	}
	c.Detail("document", string(r.id))
	c.Change("document", "", string(r.id))
	c.ChangePersonal(r.person, "content", "", fmt.Sprintf("%s, %s, %d bytes, SHA-256 %s", r.opened.Name, r.opened.Type, r.opened.Size, r.opened.SHA256))
	out := r.document()
	return &out, nil
}

// view hands a file out, piece by piece.
func (f *Folder) view(ctx context.Context, c *gate.Call, in *ViewIn) (*gate.Chunk, error) {
	key, err := f.keyOf(ctx, c, f.subject(in.ID))
	if err != nil {
		return nil, err
	}
	r, err := one(ctx, c.Tx, f.subject(in.ID), in.Document)
	if err != nil {
		return nil, err
	}
	c.Detail("document", in.Document)
	if key == nil {
		return nil, fault.Missing("document")
	}
	if err := r.open(key); err != nil {
		return nil, err
	}
	n := 0
	if in.piece != "" {
		if n, err = strconv.Atoi(in.piece); err != nil {
			return nil, fault.Missing("document")
		}
		c.Detail("piece", strconv.Itoa(n+1))
	}
	body, more, err := r.piece(ctx, c.Tx, key, n)
	if err != nil {
		return nil, err
	}
	out := &gate.Chunk{File: gate.File{Name: r.opened.Name, ContentType: r.opened.Type, Body: body}}
	if r.opened.Type == csv || r.opened.Type == text {
		out.ContentType += "; charset=utf-8"
	}
	if more {
		out.Next = strconv.Itoa(n + 1)
	}
	return out, nil
}

func (f *Folder) remove(ctx context.Context, c *gate.Call, in *RemoveIn) (*Document, error) {
	reason := strings.TrimSpace(in.Reason)
	if reason == "" || len(reason) > 200 || !plainName(reason) {
		return nil, fault.Bad("reason", "Say why, in a sentence of at most 200 bytes without control characters.")
	}
	key, err := f.keyOf(ctx, c, f.subject(in.ID))
	if err != nil {
		return nil, err
	}
	r, err := one(ctx, c.Tx, f.subject(in.ID), in.Document)
	if err != nil {
		return nil, err
	}
	if key == nil {
		return nil, erased()
	}
	if err := r.open(key); err != nil {
		return nil, err
	}
	if err := r.remove(ctx, c.Tx, key, c.Who.String(), c.Who.Name, reason); err != nil {
		return nil, err
	}
	c.Given(reason)
	c.Detail("document", in.Document)
	c.Change("document", in.Document, "")
	out := r.document()
	return &out, nil
}
