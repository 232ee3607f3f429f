package privacy

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// The states of an erasure.
const (
	asked     = "asked"
	marked    = "marked"    // nothing is written about the person any more
	forgotten = "forgotten" // searches for the person have left the trail
	destroyed = "destroyed" // the keys are gone
	done      = "done"      // every table is overwritten
	stopped   = "stopped"   // something stood against it by then
)

// EraseIn asks for an erasure.
type EraseIn struct {
	ID     string `path:"id" json:"-"`
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"For the audit trail, where it stays: without anything that tells who the person is."`
}

// Erasure is one erasure, approved.
type Erasure struct {
	ID         id.Erasure `json:"id" class:"public"`
	Object     string     `json:"object" class:"public" example:"borrower/bo_…"`
	State      string     `json:"state" class:"public" enum:"asked,marked,forgotten,destroyed,done,stopped"`
	Reason     string     `json:"reason" class:"public"`
	ApprovedBy string     `json:"approved_by" class:"public"`
	AskedAt    string     `json:"asked_at" class:"public"`
	EndedAt    string     `json:"ended_at,omitempty" class:"public"`
	Rows       int64      `json:"rows" class:"public" doc:"rows that were overwritten"`
	Trouble    string     `json:"trouble,omitempty" class:"public" doc:"what stopped it"`
}

// ErasureRef names an erasure in a path.
type ErasureRef struct {
	ID id.Erasure `path:"id"`
}

// ErasureListOut is the newest erasures.
type ErasureListOut struct {
	Items []Erasure `json:"items"`
	Total int       `json:"total" class:"public"`
	Next  string    `json:"next" class:"public"`
}

func (d *Desk) erasureOperations() {
	stand := func(noun, part string) *gate.Op[Ref, Standing] {
		o := look(noun+".privacy.view", "View what is owed to a "+person(noun), "/"+noun+"s/{id}/privacy", func(ctx context.Context, c *gate.Call, in *Ref) (*Standing, error) {
			return d.stand(ctx, c, noun+"/"+in.ID)
		})
		o.Screen = titled(noun)
		o.Object, o.Part = func(in *Ref) string { return noun + "/" + in.ID }, part
		return o
	}
	erase := func(noun, part string) *gate.Op[EraseIn, Erasure] {
		o := edit(noun+".erase", "Erase "+person(noun), "POST", "/"+noun+"s/{id}/erase", func(ctx context.Context, c *gate.Call, in *EraseIn) (*Erasure, error) {
			return d.erase(ctx, c, noun+"/"+in.ID, in.Reason)
		})
		o.Screen = titled(noun)
		o.Object, o.Part, o.Pairing = func(in *EraseIn) string { return noun + "/" + in.ID }, part, gate.AlwaysPair
		return o
	}
	d.BorrowerStand, d.ApplicationStand = stand("borrower", "borrower"), stand("application", "application")
	d.BorrowerErase, d.ApplicationErase = erase("borrower", "borrower"), erase("application", "application")
	d.ErasureList = look("privacy.erasure.list", "List erasures", "/erasures", d.erasureList)
	d.ErasureView = look("privacy.erasure.view", "View erasure", "/erasures/{id}", d.erasureView)
	d.ErasureView.Screen = "" // for programs: the pages list erasures whole
	d.ErasureView.Object = func(in *ErasureRef) string { return "erasure/" + string(in.ID) }
	d.Advance = &gate.Op[AdvanceIn, Erasure]{Name: "privacy.erasure.advance", Title: "Advance erasure", Area: area, Kind: operation.Write, Audit: operation.Changed,
		Sensitivity: operation.Security, Permit: gate.House, Object: (*AdvanceIn).object, Do: d.advance}
}

// titled is the place of a sort of people in the tree of the screens.
func titled(noun string) string { return strings.ToUpper(noun[:1]) + noun[1:] + "/Privacy" }

// person is the word for whom a record of that noun is about.
func person(noun string) string {
	if noun == "application" {
		return "applicant"
	}
	return noun
}

// erase notes that a person is to be erased; a job does it. It is only ever
// reached by an approval: see gate.AlwaysPair.
func (d *Desk) erase(ctx context.Context, c *gate.Call, object, reason string) (*Erasure, error) {
	s, err := d.find(ctx, c, object)
	if err != nil {
		return nil, err
	}
	var f fault.Collector
	reason = text(&f, "reason", reason, 1, 500, s.values...)
	if err := f.Err(); err != nil {
		return nil, err
	}
	if s.erasedAt != 0 {
		return nil, errErased()
	}
	if err := s.lock(ctx, c.Tx); err != nil {
		return nil, err
	}
	if list, err := against(ctx, c.Tx, s, c.Today, c.Tenant.Today); err != nil || len(list) > 0 {
		if err == nil {
			err = refusal(list, c.Today)
		}
		return nil, err
	}
	e := &erasing{id: id.New[id.Erasure](c.At), object: object, applications: s.Applications, state: asked, reason: reason, byName: c.Who.Name, askedAt: c.At}
	if err := e.insert(ctx, c); err != nil {
		return nil, err
	}
	c.Given(reason)
	c.Change("erasure", "", asked)
	c.Detail("applications", fmt.Sprint(len(s.Applications)))
	if _, err := job.Enqueue(ctx, c.Tx, EraseJob, string(e.id), erasePayload{e.id}, 0); err != nil {
		return nil, err
	}
	if d.config.Kick != nil {
		again := *c
		c.After(func() { d.config.Kick(&again) })
	}
	out := e.shown()
	return &out, nil
}

// erasing is an erasure as its row holds it.
type erasing struct {
	id           id.Erasure
	object       string
	applications []id.Application
	state        string
	reason       string
	byName       string
	askedAt      int64
	endedAt      int64
	mark         string
	found        int64
	trouble      string
}

func (e *erasing) insert(ctx context.Context, c *gate.Call) error {
	list, err := json.Marshal(e.applications)
	if err != nil {
		return err
	}
	_, err = c.Tx.Exec(ctx, `INSERT INTO erasure (id, object, applications, state, reason, approved_by, approved_by_name, asked_at, moved_at, ended_at, mark, found, trouble)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', 0, '')`, e.id, e.object, string(list), e.state, e.reason, c.Who.String(), e.byName, c.At, c.At)
	if db.IsDuplicate(err) {
		return fault.New(fault.Conflict, "erasure_under_way", "This person is being erased already.")
	}
	return err
}

func readErasures(ctx context.Context, tx *db.Tx, cond db.Cond, limit int) ([]*erasing, error) {
	return db.All(ctx, tx, func(r *db.Rows) (*erasing, error) {
		e, list := new(erasing), ""
		if err := r.Scan(&e.id, &e.object, &list, &e.state, &e.reason, &e.byName, &e.askedAt, &e.endedAt, &e.mark, &e.found, &e.trouble); err != nil {
			return nil, err
		}
		return e, json.Unmarshal([]byte(list), &e.applications)
	}, `SELECT id, object, applications, state, reason, approved_by_name, asked_at, ended_at, mark, found, trouble FROM erasure WHERE `+cond.SQL()+` ORDER BY asked_at DESC, id DESC LIMIT ?`, append(cond.Args(), limit)...)
}

func readErasure(ctx context.Context, tx *db.Tx, eid id.Erasure) (*erasing, error) {
	list, err := readErasures(ctx, tx, db.Where("id = ?", eid), 1)
	if err == nil && len(list) == 0 {
		err = fault.Missing("erasure")
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

func (e *erasing) shown() Erasure {
	return Erasure{ID: e.id, Object: e.object, State: e.state, Reason: e.reason, ApprovedBy: e.byName, AskedAt: instant(e.askedAt), EndedAt: instant(e.endedAt), Rows: e.found, Trouble: e.trouble}
}

func erasures(ctx context.Context, tx *db.Tx, cond db.Cond, limit int) ([]Erasure, error) {
	list, err := readErasures(ctx, tx, cond, limit)
	out := make([]Erasure, 0, len(list))
	for _, e := range list {
		out = append(out, e.shown())
	}
	return out, err
}

func (d *Desk) erasureList(ctx context.Context, c *gate.Call, _ *Nothing) (*ErasureListOut, error) {
	list, err := erasures(ctx, c.Tx, within(c, "object"), mostShown)
	return &ErasureListOut{Items: list, Total: len(list)}, err
}

func (d *Desk) erasureView(ctx context.Context, c *gate.Call, in *ErasureRef) (*Erasure, error) {
	list, err := erasures(ctx, c.Tx, db.And(within(c, "object"), db.Where("id = ?", in.ID)), 1)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fault.Missing("erasure")
	}
	return &list[0], nil
}
