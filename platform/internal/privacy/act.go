package privacy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/audit/part"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/privacy/register"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// EraseJob is the kind of the job that goes on with an erasure.
const EraseJob = "privacy.erase"

type erasePayload struct {
	Erasure id.Erasure `json:"erasure"`
}

// Handlers does this desk's jobs for one tenant.
func (d *Desk) Handlers(g *gate.Gate, t *tenant.Tenant) map[string]job.Handler {
	return map[string]job.Handler{EraseJob: func(ctx context.Context, j job.Job) error {
		var p erasePayload
		if err := json.Unmarshal(j.Payload, &p); err != nil {
			return fmt.Errorf("payload of an erasure: %w", err)
		}
		for {
			if more, err := d.Step(ctx, g, t, p.Erasure); err != nil || !more {
				return err
			}
		}
	}}
}

// Resume sees to it that a job goes on with every erasure that is not ended: after
// a crash the jobs may be gone or dead.
func (d *Desk) Resume(ctx context.Context, t *tenant.Tenant) error {
	return t.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		list, err := readErasures(ctx, tx, db.Where("ended_at = 0"), 10_000)
		for _, e := range list {
			if _, err := job.Enqueue(ctx, tx, EraseJob, string(e.id), erasePayload{e.id}, 0); err != nil {
				return err
			}
		}
		return err
	})
}

func caller(t *tenant.Tenant) *gate.Request {
	return &gate.Request{Tenant: t, Channel: operation.Job, Job: "privacy"}
}

// AdvanceIn takes an erasure one state further.
type AdvanceIn struct {
	ID     id.Erasure `path:"id"`
	before *erasing
	to     string
	kept   []kept // answers to idempotent calls that name the person
}

// object is the person whose erasure it is; a call that nobody of the house made names
// the erasure alone, and is refused.
func (in *AdvanceIn) object() string {
	if in.before == nil {
		return "erasure/" + string(in.ID)
	}
	return in.before.object
}

// kept names an answer to an idempotent call.
type kept struct{ principal, operation, key string }

// Step takes the next step of an erasure and reports whether there is another. It
// goes by what is stored alone.
func (d *Desk) Step(ctx context.Context, g *gate.Gate, t *tenant.Tenant, eid id.Erasure) (more bool, err error) {
	var e *erasing
	var answers []kept
	err = t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		if e, err = readErasure(ctx, tx, eid); err != nil || e.state != destroyed {
			return err
		}
		answers, err = e.answers(ctx, tx)
		return err
	})
	if err != nil {
		return false, err
	}
	in := AdvanceIn{ID: e.id, before: e, kept: answers}
	switch e.state {
	case asked:
		in.to = marked
	case marked:
		in.to = forgotten
		if err := d.forget(ctx, t, e); err != nil {
			return false, err
		}
	case forgotten:
		in.to = destroyed
		for _, person := range e.person().Keys() {
			if err := t.Persons.Destroy(ctx, person); err != nil && !errors.Is(err, keys.ErrNoKey) {
				return false, err
			}
		}
	case destroyed:
		in.to = done
	default:
		return false, nil
	}
	_, err = gate.Run(ctx, g, d.Advance, caller(t), func(to *AdvanceIn) error { *to = in; return nil }, nil)
	if err != nil && fault.As(err).Reason == reasonStopped {
		return false, nil
	}
	return err == nil && in.to != done, err
}

// forget takes what was searched for, and the addresses that an applicant called
// from, out of the trail. It can only be done while the person is still known, so
// it comes before the keys go; how far it has come is kept.
func (d *Desk) forget(ctx context.Context, t *tenant.Tenant, e *erasing) error {
	p := e.person()
	var values []string
	err := t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		if p.Loans, err = loansOf(ctx, tx, p.Borrower); err != nil {
			return err
		}
		_, values, err = d.telling(ctx, tx, t, p)
		return err
	})
	if err != nil {
		return err
	}
	w := part.Walk{DB: t.DB, Ring: t.Ring, Objects: map[string]bool{}, Tells: func(text string) bool { return tells(text, values) || begins(text, values) }}
	for _, o := range p.Objects() {
		w.Objects[o] = true
	}
	for more := true; more; {
		after, _ := strconv.ParseInt(e.mark, 10, 64) // '' at the beginning
		if after, more, err = w.Forget(ctx, after); err != nil {
			return err
		}
		e.mark = strconv.FormatInt(after, 10)
		if err := t.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE erasure SET mark = ? WHERE id = ?`, e.mark, e.id)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func loansOf(ctx context.Context, tx *db.Tx, b id.Borrower) ([]id.Loan, error) {
	return db.All(ctx, tx, func(r *db.Rows) (l id.Loan, err error) { return l, r.Scan(&l) }, `SELECT id FROM loan WHERE borrower_id = ? AND borrower_id <> ''`, b)
}

// person is whom an erasure is about, without the loans.
func (e *erasing) person() *register.Person {
	p := &register.Person{Applications: e.applications}
	if b, ok := bytes.CutPrefix([]byte(e.object), []byte("borrower/")); ok {
		p.Borrower = id.Borrower(b)
	}
	return p
}

// reasonStopped is why a step of an erasure that stopped is denied.
const reasonStopped = "erasure_stopped"

// advance moves an erasure to its next state, in one transaction with what the
// state stands for and with its entry.
func (d *Desk) advance(ctx context.Context, c *gate.Call, in *AdvanceIn) (*Erasure, error) {
	e, err := readErasure(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	if in.before == nil {
		return nil, fault.New(fault.Conflict, "by_itself", "An erasure goes on by itself.")
	}
	out := e.shown()
	if e.state != in.before.state {
		return &out, nil // another node was quicker
	}
	from := e.state
	switch e.state = in.to; in.to {
	case marked:
		err = d.mark(ctx, c, e)
	case done:
		err = d.overwrite(ctx, c, e, in.kept)
	}
	if err != nil {
		return nil, err
	}
	c.Change("erasure", from, e.state)
	if e.state == done || e.state == stopped {
		e.endedAt = c.At
		c.Detail("rows", fmt.Sprint(e.found))
	}
	if e.state == stopped { // its entry is denied: who looks through the trail for the erased must not find this person
		c.Refuse(fault.New(fault.Conflict, reasonStopped, "Something stands against this erasure by now."))
	}
	list, err := json.Marshal(e.applications)
	if err != nil {
		return nil, err
	}
	out = e.shown()
	_, err = c.Tx.Exec(ctx, `UPDATE erasure SET state = ?, applications = ?, moved_at = ?, ended_at = ?, found = ?, trouble = ? WHERE id = ?`, e.state, string(list), c.At, e.endedAt, e.found, e.trouble, e.id)
	return &out, err
}

// mark asks once more what stands against the erasure, under the lock that
// placing a hold takes too, and has nothing written about the person from now on.
func (d *Desk) mark(ctx context.Context, c *gate.Call, e *erasing) error {
	s, err := d.find(ctx, c, e.object)
	if err != nil {
		return err
	}
	if err := s.lock(ctx, c.Tx); err != nil {
		return err
	}
	list, err := against(ctx, c.Tx, s, c.Today, c.Tenant.Today)
	if err != nil {
		return err
	}
	if len(list) > 0 {
		e.state = stopped
		for _, o := range list {
			e.trouble += o.Words + " "
		}
		return nil
	}
	e.applications = s.Applications
	if _, err := c.Tx.Exec(ctx, `UPDATE borrower SET erased_at = ? WHERE id = ? AND erased_at = 0`, c.At, s.Borrower); err != nil {
		return err
	}
	in := db.In("id", s.Applications)
	_, err = c.Tx.Exec(ctx, `UPDATE application SET erased_at = ? WHERE erased_at = 0 AND `+in.SQL(), append([]any{c.At}, in.Args()...)...)
	return err
}

// overwrite does what the register says.
func (d *Desk) overwrite(ctx context.Context, c *gate.Call, e *erasing, answers []kept) (err error) {
	p := e.person()
	if p.Loans, err = loansOf(ctx, c.Tx, p.Borrower); err != nil {
		return err
	}
	// A proposal that waits for a second person would write about the erased.
	in := db.In("object", p.Objects())
	if _, err = c.Tx.Exec(ctx, `UPDATE proposal SET state = 'expired' WHERE state = 'open' AND `+in.SQL(), in.Args()...); err != nil {
		return err
	}
	if e.found, err = register.Erase(ctx, c.Tx, d.config.Register, p); err != nil {
		return err
	}
	for _, k := range answers {
		if _, err := c.Tx.Exec(ctx, `DELETE FROM idempotency WHERE principal = ? AND operation = ? AND given_key = ?`, k.principal, k.operation, k.key); err != nil {
			return err
		}
	}
	if len(p.Loans) == 0 {
		return nil
	}
	return d.config.Moved(ctx, c, p.Loans)
}

// answers finds the kept answers to idempotent calls that speak of the person.
func (e *erasing) answers(ctx context.Context, tx *db.Tx) ([]kept, error) {
	p := e.person()
	var err error
	if p.Loans, err = loansOf(ctx, tx, p.Borrower); err != nil {
		return nil, err
	}
	ids := p.Keys()
	for _, l := range p.Loans {
		ids = append(ids, string(l))
	}
	var out []kept
	_, err = db.All(ctx, tx, func(r *db.Rows) (struct{}, error) {
		var k kept
		var answer []byte
		err := r.Scan(&k.principal, &k.operation, &k.key, &answer)
		if slices.ContainsFunc(ids, func(one string) bool { return bytes.Contains(answer, []byte(one)) }) {
			out = append(out, k)
		}
		return struct{}{}, err
	}, `SELECT principal, operation, given_key, answer FROM idempotency`)
	return out, err
}
