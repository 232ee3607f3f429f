// Package restrictions is the desk of search restrictions: which loans,
// borrowers and applications a person may find, how much of them, and to whom
// that is assigned.
//
// Invariants:
//   - An expression is stored only when it compiles; a refusal names field,
//     place and meaning. What would hide everything is stored only when that was
//     understood.
//   - Nobody changes, gives or takes a restriction that binds themselves, and
//     what somebody holds is not deleted.
//   - Every change is an access change. Counts, samples and previews look within
//     the asker's own scope and say nothing of what lies outside.
//
// It must not know screens, nor how loans are serviced.
package restrictions

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Config is what the desk is wired with.
type Config struct {
	// Built is told, once a change has committed, that sets of visible loans may
	// need building; it must not block. Nil: nobody.
	Built func(c *gate.Call)
}

// Desk holds the operations.
type Desk struct {
	config     Config
	List       *gate.Op[Nothing, ListOut]
	View       *gate.Op[Ref, Restriction]
	Create     *gate.Op[RestrictionIn, Restriction]
	Update     *gate.Op[UpdateIn, Restriction]
	Delete     *gate.Op[Ref, Done]
	Assign     *gate.Op[HoldersIn, Restriction]
	Preview    *gate.Op[PreviewIn, PreviewOut]
	Vocabulary *gate.Op[Nothing, VocabularyOut]
	Translate  *gate.Op[TranslateIn, TranslateOut]
}

// Nothing is the input of operations that need none.
type Nothing struct{}

// Done is the output of operations that say no more.
type Done struct {
	Done bool `json:"done" class:"public"`
}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c}
	d.List = look("search_restriction.list", "List search restrictions", "GET", "/search-restrictions", d.list)
	d.View = look("search_restriction.view", "View search restriction", "GET", "/search-restrictions/{id}", d.view)
	d.View.Object = (*Ref).object
	d.Create = edit("search_restriction.create", "Add search restriction", "POST", "/search-restrictions", d.create)
	d.Create.Status = 201
	d.Update = edit("search_restriction.update", "Change search restriction", "PUT", "/search-restrictions/{id}", d.update)
	d.Update.Object = func(in *UpdateIn) string { return object(in.ID) }
	d.Delete = edit("search_restriction.delete", "Delete search restriction", "DELETE", "/search-restrictions/{id}", d.remove)
	d.Delete.Object = (*Ref).object
	d.Assign = edit("search_restriction.assign", "Assign search restriction", "PUT", "/search-restrictions/{id}/holders", d.assign)
	d.Assign.Object = func(in *HoldersIn) string { return object(in.ID) }
	d.Preview = look("search_restriction.preview", "Preview search restriction", "POST", "/search-restrictions/preview", d.preview)
	d.Vocabulary = look("search_restriction.vocabulary", "Words of search restrictions", "GET", "/search-restrictions/vocabulary", vocabulary)
	d.Translate = look("search_restriction.translate", "Translate expression", "POST", "/search-restrictions/translate", translate)
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry {
	return []gate.Entry{d.List, d.View, d.Create, d.Update, d.Delete, d.Assign, d.Preview, d.Vocabulary, d.Translate}
}

// look describes a read of this desk; edit an access change, for which a tenant
// may ask for four eyes.
func look[In, Out any](name, title, method, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Access", Screen: "Search restrictions", Method: method, Path: path,
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: do}
}

func edit[In, Out any](name, title, method, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Access", Screen: "Search restrictions", Method: method, Path: path,
		Kind: operation.Write, Audit: operation.Access, Permit: gate.ByRole, Sensitivity: operation.Security, StepUp: true, Pairing: gate.MayPair, Do: do}
}

func (d *Desk) changed(c *gate.Call) {
	if d.config.Built != nil {
		c.After(func() { d.config.Built(c) })
	}
}

// ownAccess is the answer to whoever would change what binds themselves.
func ownAccess() error {
	return fault.New(fault.Denied, "own_access", "Nobody changes their own access; ask another administrator.")
}

// checkName cleans a name, or notes what is wrong with it.
func checkName(f *fault.Collector, name string) string {
	name = strings.TrimSpace(name)
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	f.Check(name != "" && utf8.RuneCountInString(name) <= 200 && !strings.ContainsFunc(name, control), "name", "Give it a name, without control characters.")
	return name
}
