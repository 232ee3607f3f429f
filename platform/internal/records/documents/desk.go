package documents

import (
	"context"
	"time"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/parcel"
)

// area is the area of limits that speaks of documents.
const area = "documents"

// Config is what the roof hands in.
type Config struct {
	// Person says whose key seals what lies with a subject ("loan/ln_…") that the
	// call may see; of one that it may not see, that it is missing.
	Person func(ctx context.Context, c *gate.Call, subject string) (string, error)
}

// Desk keeps the documents of three kinds of subjects.
type Desk struct {
	Loans, Borrowers, Applications *Folder
}

// Folder is what can be done with the documents of one kind of subject.
type Folder struct {
	List   *gate.Op[ListIn, ListOut]
	Add    *gate.Op[AddIn, Document]
	View   *gate.Op[ViewIn, gate.Chunk]
	Remove *gate.Op[RemoveIn, Document]

	noun   string // "loan"
	person func(ctx context.Context, c *gate.Call, subject string) (string, error)
}

// New makes the desk.
func New(c Config) *Desk {
	return &Desk{
		Loans:        folder(c, "loan", "Loans", "Loan/Documents", "/loans/{id}/documents", "manager agent", "manager"),
		Borrowers:    folder(c, "borrower", "Borrowers", "Borrower/Documents", "/borrowers/{id}/documents", "manager agent", "manager"),
		Applications: folder(c, "application", "Applications", "Application/Documents", "/applications/{id}/documents", "manager underwriter", "manager underwriter"),
	}
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry {
	var out []gate.Entry
	for _, f := range []*Folder{d.Loans, d.Borrowers, d.Applications} {
		out = append(out, f.List, f.Add, f.View, f.Remove)
	}
	return out
}

// folder makes the operations of one kind of subject: they differ in nothing but
// their names and in who holds them.
func folder(c Config, noun, branch, screen, path, roles, removers string) *Folder {
	f := &Folder{noun: noun, person: c.Person}
	f.List = &gate.Op[ListIn, ListOut]{
		Name: noun + ".document.list", Title: "List documents", Area: branch, Screen: screen, Method: "GET", Path: path,
		Kind: operation.Read, Audit: operation.Looked, Sensitivity: operation.Personal, Permit: gate.ByRole, Roles: roles,
		Part: area, Object: func(in *ListIn) string { return noun + "/" + in.ID }, Do: f.list,
	}
	f.Add = &gate.Op[AddIn, Document]{
		Name: noun + ".document.add", Title: "Add document", Area: branch, Screen: screen, Method: "POST", Path: path, Status: 201,
		Kind: operation.Write, Audit: operation.Changed, Sensitivity: operation.Personal, Permit: gate.ByRole, Roles: roles,
		Part: area, Object: func(in *AddIn) string { return noun + "/" + in.ID }, Prepare: f.prepare, Outside: seal, Do: f.add,
	}
	f.View = &gate.Op[ViewIn, gate.Chunk]{
		Name: noun + ".document.view", Title: "Download document", Area: branch, Screen: screen, Method: "GET", Path: path + "/{document}",
		Kind: operation.Read, Audit: operation.Looked, Sensitivity: operation.Personal, Permit: gate.ByRole, Roles: roles,
		Part: area, Object: func(in *ViewIn) string { return noun + "/" + in.ID }, Do: f.view,
	}
	f.Remove = &gate.Op[RemoveIn, Document]{
		Name: noun + ".document.remove", Title: "Remove document", Area: branch, Screen: screen, Method: "POST", Path: path + "/{document}/remove",
		Kind: operation.Write, Audit: operation.Changed, Sensitivity: operation.Personal, Permit: gate.ByRole, Roles: removers,
		Part: area, Object: func(in *RemoveIn) string { return noun + "/" + in.ID }, Do: f.remove,
	}
	return f
}

// ListIn asks for the documents of one subject.
type ListIn struct {
	ID      string `path:"id" doc:"The id of what the documents lie with."`
	Removed string `query:"removed" enum:",also" required:"false" doc:"also: with those that were removed, of which only name, hands and reason are told."`
}

// ListOut is the documents of one subject, newest first.
type ListOut struct {
	Items   []Document `json:"items"`
	Total   int64      `json:"total" class:"public"`
	TotalIs string     `json:"total_is" class:"public" enum:"exact"`
	Next    string     `json:"next,omitempty" class:"public" doc:"Always empty: a subject has at most 1,000 documents."`
	Gone    int64      `json:"removed" class:"public" doc:"How many were removed."`
}

// Document is one file as lists tell it. Documents are for those who work with
// their subject: whoever may list them reads their names whole.
type Document struct {
	ID        id.Document `json:"id" class:"public"`
	Name      string      `json:"name" class:"public" doc:"Empty once the person was erased."`
	Type      string      `json:"type" class:"public" enum:",application/pdf,image/png,image/jpeg,text/csv,text/plain"`
	Size      int64       `json:"size" class:"public"`
	SHA256    string      `json:"sha256" class:"public"`
	AddedAt   string      `json:"added_at" class:"public" format:"date-time"`
	AddedBy   string      `json:"added_by" class:"public"`
	RemovedAt string      `json:"removed_at,omitempty" class:"public" format:"date-time"`
	RemovedBy string      `json:"removed_by,omitempty" class:"public"`
	Reason    string      `json:"reason,omitempty" class:"public" doc:"Why it was removed."`
	Erased    bool        `json:"erased,omitempty" class:"public" doc:"Its person was erased: nothing of it can be read."`
}

// AddIn is a new file, sent as multipart/form-data.
type AddIn struct {
	ID   string      `path:"id" json:"-"`
	File parcel.File `json:"-"`
}

// ViewIn asks for a file.
type ViewIn struct {
	ID       string `path:"id" doc:"The id of what the document lies with."`
	Document string `path:"document"`

	piece string
}

// Continue implements gate.Continued.
func (in *ViewIn) Continue(next string) { in.piece = next }

// RemoveIn takes a document out of sight.
type RemoveIn struct {
	ID       string `path:"id" json:"-"`
	Document string `path:"document" json:"-"`
	Reason   string `json:"reason" minLength:"1" maxLength:"200"`
}

func instant(at int64) string {
	if at == 0 {
		return ""
	}
	return time.UnixMicro(at).UTC().Format(time.RFC3339)
}
