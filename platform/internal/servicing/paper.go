package servicing

import (
	"context"
	"slices"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

func (d *Desk) paperOperations() {
	d.NoteList = &gate.Op[NoteListIn, NoteListOut]{
		Name: "loan.note.list", Title: "List notes", Area: "Loans", Screen: "Loan/Notes", Method: "GET", Path: "/loans/{id}/notes",
		Kind: operation.Read, Audit: operation.Looked, Sensitivity: operation.Personal, Permit: gate.ByRole, Roles: "manager agent",
		Part: "notes", Object: func(in *NoteListIn) string { return "loan/" + in.ID }, Do: d.noteList,
	}
	d.NoteAdd = &gate.Op[NoteAddIn, NoteOut]{
		Name: "loan.note.add", Title: "Add note", Area: "Loans", Screen: "Loan/Notes", Method: "POST", Path: "/loans/{id}/notes", Status: 201,
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.ByRole, Roles: "manager agent",
		Part: "notes", Object: func(in *NoteAddIn) string { return "loan/" + in.ID }, Do: d.noteAdd,
	}
	d.StatusSet = &gate.Op[StatusSetIn, StatusOut]{
		Name: "loan.status.set", Title: "Set status", Area: "Loans", Screen: "Loan/Summary", Method: "PUT", Path: "/loans/{id}/status",
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.ByRole, Roles: "manager",
		Part: "summary", Object: func(in *StatusSetIn) string { return "loan/" + in.ID }, Do: d.statusSet,
	}
	d.CustomSet = &gate.Op[CustomSetIn, CustomSetOut]{
		Name: "loan.custom_field.set", Title: "Set custom fields", Area: "Loans", Screen: "Loan/Summary", Method: "PUT", Path: "/loans/{id}/custom-fields",
		Kind: operation.Write, Audit: operation.Access, Sensitivity: operation.Security, Permit: gate.ByRole, Roles: "manager",
		Part: "summary", Object: func(in *CustomSetIn) string { return "loan/" + in.ID }, Do: d.customSet,
	}
}

// NoteOut is a note about a loan. Notes are for those who service it: whoever
// may list them reads them whole.
type NoteOut struct {
	ID     id.Note `json:"id" class:"public"`
	Body   string  `json:"body" class:"public"`
	Author string  `json:"author" class:"public"`
	At     string  `json:"at" class:"public" format:"date-time"`
}

// NoteListIn asks for a loan's notes, newest first.
type NoteListIn struct {
	ID string `path:"id" doc:"The loan's id."`
	Paging
}

// NoteListOut is a page of notes.
type NoteListOut struct {
	Items   []NoteOut `json:"items"`
	Total   int64     `json:"total" class:"public"`
	TotalIs string    `json:"total_is" class:"public" enum:"exact,at_least"`
	Next    string    `json:"next,omitempty" class:"public"`
}

type noteMark struct {
	At int64   `json:"a"`
	ID id.Note `json:"i"`
}

func (d *Desk) noteList(ctx context.Context, c *gate.Call, in *NoteListIn) (*NoteListOut, error) {
	limit, err := in.limit()
	if err != nil {
		return nil, err
	}
	var mark noteMark
	if _, err := openCursor(c, "loan.note.list", in.ID, in.Cursor, &mark); err != nil {
		return nil, err
	}
	l, err := book.LoanByID(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	out := &NoteListOut{Items: []NoteOut{}, TotalIs: "exact"}
	if out.Total, err = book.CountNotes(ctx, c.Tx, l); err != nil {
		return nil, err
	}
	notes, err := book.Notes(ctx, c.Tx, c.Persons(), l, mark.At, mark.ID, limit+1)
	if err != nil {
		return nil, err
	}
	if len(notes) > limit {
		notes = notes[:limit]
		last := notes[limit-1]
		out.Next = sealCursor(c, "loan.note.list", in.ID, noteMark{last.CreatedAt, last.ID})
	}
	for _, n := range notes {
		out.Items = append(out.Items, NoteOut{n.ID, n.Body, n.AuthorName, instant(n.CreatedAt)})
	}
	return out, nil
}

// NoteAddIn is a new note.
type NoteAddIn struct {
	ID   string `path:"id" json:"-" doc:"The loan's id."`
	Body string `json:"body" minLength:"1" maxLength:"4000"`
}

func (d *Desk) noteAdd(ctx context.Context, c *gate.Call, in *NoteAddIn) (*NoteOut, error) {
	var bad fault.Collector
	body := text(&bad, "body", in.Body, 1, 4000)
	if err := bad.Err(); err != nil {
		return nil, err
	}
	l, err := book.LoanByID(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	n := book.Note{Body: body, Author: c.Who.String(), AuthorName: c.Who.Name, CreatedAt: c.At}
	if n.ID, err = book.AddNote(ctx, c.Tx, c.Persons(), l, n); err != nil {
		return nil, err
	}
	c.ChangePersonal(string(l.Borrower), "note", "", body)
	return &NoteOut{n.ID, n.Body, n.AuthorName, instant(n.CreatedAt)}, nil
}

// StatusSetIn is a status that people decide on.
type StatusSetIn struct {
	ID     string `path:"id" json:"-" doc:"The loan's id."`
	Status string `json:"status" enum:"active,on_hold,bankruptcy,closed"`
	Reason string `json:"reason" minLength:"1" maxLength:"200"`
}

// StatusOut is a loan's status.
type StatusOut struct {
	Status string `json:"status" class:"public"`
}

func (d *Desk) statusSet(ctx context.Context, c *gate.Call, in *StatusSetIn) (*StatusOut, error) {
	var bad fault.Collector
	reason := text(&bad, "reason", in.Reason, 1, 200)
	bad.Check(slices.Contains([]string{book.Active, book.OnHold, book.Bankruptcy, book.Closed}, in.Status), "status",
		"Choose active, on_hold, bankruptcy or closed; paid_off and charged_off follow from the ledger.")
	if err := bad.Err(); err != nil {
		return nil, err
	}
	c.Given(reason)
	l, err := book.LockLoan(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	before := l.Status
	l.Status = in.Status
	if in.Status != book.Closed {
		g, err := book.LedgerOf(ctx, c.Tx, l)
		if err != nil {
			return nil, err
		}
		s, err := g.Replay(l, c.Today)
		if err != nil {
			return nil, err
		}
		if l.Take(s); l.Status != in.Status {
			return nil, fault.New(fault.Conflict, "nothing_owed", "Nothing is owed on this loan; it can only be closed.")
		}
	}
	if err := book.SetStatus(ctx, c.Tx, l.ID, l.Status); err != nil {
		return nil, err
	}
	c.Change("status", before, l.Status)
	return &StatusOut{l.Status}, d.keep(ctx, c, l.ID)
}

// CustomSetIn sets custom fields of a loan; those not named stay as they are.
type CustomSetIn struct {
	ID     string     `path:"id" json:"-" doc:"The loan's id."`
	Fields []CustomIn `json:"fields" minItems:"1" maxItems:"100"`
}

// CustomIn is one custom field and its new value as text.
type CustomIn struct {
	Name  string `json:"name" maxLength:"40"`
	Value string `json:"value" maxLength:"500" doc:"Text, a whole number, an amount, a date, true or false, by the field's kind."`
}

// CustomSetOut is the loan's custom fields afterwards.
type CustomSetOut struct {
	Fields []CustomOut `json:"fields"`
}

func (d *Desk) customSet(ctx context.Context, c *gate.Call, in *CustomSetIn) (*CustomSetOut, error) {
	l, err := book.LockLoan(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	before, err := book.CustomValues(ctx, c.Tx, c.Persons(), l)
	if err != nil {
		return nil, err
	}
	var bad fault.Collector
	bad.Check(len(in.Fields) > 0 && len(in.Fields) <= 100, "fields", "Give 1 to 100 fields.")
	for i, f := range in.Fields {
		at := "fields[" + itoa(i) + "]"
		k := slices.IndexFunc(before, func(v book.CustomValue) bool { return v.Field.Name == f.Name })
		if k < 0 {
			bad.Add(at+".name", "Name a custom field that exists.")
			continue
		}
		if _, _, err := before[k].Field.Read(f.Value); err != nil {
			bad.Merge(at+".value", err)
			continue
		}
		if bad.Err() != nil {
			continue
		}
		if err := book.SetCustom(ctx, c.Tx, c.Persons(), l, before[k].Field, f.Value); err != nil {
			return nil, err
		}
	}
	if err := bad.Err(); err != nil {
		return nil, err
	}
	after, err := book.CustomValues(ctx, c.Tx, c.Persons(), l)
	if err != nil {
		return nil, err
	}
	out := &CustomSetOut{}
	for i, v := range after {
		out.Fields = append(out.Fields, customOut(v))
		// Nobody knows what stands in a text: it lies under the borrower's key in the trail.
		if v.Field.Class == "public" && v.Field.Kind != "text" {
			c.Change("custom."+v.Field.Name, before[i].Value, v.Value)
		} else {
			c.ChangePersonal(string(l.Borrower), "custom."+v.Field.Name, before[i].Value, v.Value)
		}
	}
	return out, d.keep(ctx, c, l.ID)
}
