package privacy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Hold forbids that anything about its subject is erased or disposed of.
type Hold struct {
	ID            id.Hold `json:"id" class:"public"`
	Subject       string  `json:"subject" class:"public" example:"borrower/bo_…"`
	Reason        string  `json:"reason" class:"public"`
	Matter        string  `json:"matter,omitempty" class:"public" doc:"the lender's own reference"`
	InForce       bool    `json:"in_force" class:"public"`
	PlacedBy      string  `json:"placed_by" class:"public"`
	PlacedAt      string  `json:"placed_at" class:"public"`
	ReleasedBy    string  `json:"released_by,omitempty" class:"public"`
	ReleasedAt    string  `json:"released_at,omitempty" class:"public"`
	ReleaseReason string  `json:"release_reason,omitempty" class:"public"`
}

// HoldListIn asks for holds.
type HoldListIn struct {
	Subject string `query:"subject" maxLength:"100" required:"false"`
	State   string `query:"state" enum:",in_force,released" required:"false"`
}

// HoldListOut is the newest holds.
type HoldListOut struct {
	Items []Hold `json:"items"`
	Total int    `json:"total" class:"public"`
	Next  string `json:"next" class:"public"`
}

// HoldPlaceIn places a hold.
type HoldPlaceIn struct {
	Subject string `json:"subject" minLength:"1" maxLength:"100" doc:"borrower/<id>, loan/<id>, application/<id>, audit for the whole trail, or audit/<category>"`
	Reason  string `json:"reason" minLength:"1" maxLength:"500"`
	Matter  string `json:"matter,omitempty" maxLength:"100" doc:"the lender's own reference of the matter"`
}

// HoldReleaseIn ends a hold.
type HoldReleaseIn struct {
	ID     id.Hold `path:"id" json:"-"`
	Reason string  `json:"reason" minLength:"1" maxLength:"500"`
}

func (d *Desk) holdOperations() {
	d.HoldList = look("privacy.hold.list", "List legal holds", "/legal-holds", d.holdList)
	d.HoldPlace = edit("privacy.hold.place", "Place legal hold", "POST", "/legal-holds", d.holdPlace)
	d.HoldPlace.Status = 201
	d.HoldRelease = edit("privacy.hold.release", "Release legal hold", "POST", "/legal-holds/{id}/release", d.holdRelease)
	d.HoldRelease.Pairing = gate.MayPair
	d.HoldRelease.Object = func(in *HoldReleaseIn) string { return "legal_hold/" + string(in.ID) }
}

// holds reads the newest holds that meet a condition.
func holds(ctx context.Context, tx *db.Tx, cond db.Cond, limit int) ([]Hold, error) {
	list, err := db.All(ctx, tx, func(r *db.Rows) (h Hold, err error) {
		var placed, released int64
		err = r.Scan(&h.ID, &h.Subject, &h.Reason, &h.Matter, &h.PlacedBy, &placed, &h.ReleasedBy, &released, &h.ReleaseReason)
		h.InForce, h.PlacedAt, h.ReleasedAt = released == 0, instant(placed), instant(released)
		return h, err
	}, `SELECT id, subject, reason, matter, placed_by_name, placed_at, released_by_name, released_at, release_reason FROM legal_hold
		WHERE `+cond.SQL()+` ORDER BY placed_at DESC, id DESC LIMIT ?`, append(cond.Args(), limit)...)
	if list == nil {
		list = []Hold{}
	}
	return list, err
}

// Held reports whether a hold in force forbids to dispose of a subject: of
// "audit/<category>" also one on "audit", the whole trail.
func Held(ctx context.Context, tx *db.Tx, subject string) (bool, error) {
	subjects := []string{subject}
	if strings.HasPrefix(subject, "audit/") {
		subjects = append(subjects, "audit")
	}
	var n int64
	in := db.In("subject", subjects)
	err := tx.One(ctx, `SELECT COUNT(*) FROM legal_hold WHERE released_at = 0 AND `+in.SQL(), in.Args(), &n)
	return n > 0, err
}

// HeldEntries tells what holds in force say of a category of the audit trail:
// whether all of it stays, which entries do in any case, as a condition over the
// columns of an entry, and a text that is another one whenever holds have changed.
// A hold on a borrower speaks of the loans and applications too.
func HeldEntries(ctx context.Context, tx *db.Tx, category string) (whole bool, entries db.Cond, basis string, err error) {
	if whole, err = Held(ctx, tx, "audit/"+category); err != nil {
		return false, db.False(), "", err
	}
	ids, err := db.All(ctx, tx, func(r *db.Rows) (h string, err error) { return h, r.Scan(&h) }, `SELECT id FROM legal_hold WHERE released_at = 0 ORDER BY id`)
	if err != nil || len(ids) == 0 {
		return whole, db.False(), "", err
	}
	sum := sha256.Sum256([]byte(strings.Join(ids, " ")))
	const inForce = `FROM legal_hold h WHERE h.released_at = 0`
	return whole, db.Where(`object IN (SELECT h.subject ` + inForce + `
		UNION SELECT 'loan/' || l.id FROM loan l WHERE 'borrower/' || l.borrower_id IN (SELECT h.subject ` + inForce + `)
		UNION SELECT 'application/' || l.application_id FROM loan l WHERE l.application_id <> '' AND 'borrower/' || l.borrower_id IN (SELECT h.subject ` + inForce + `))`), hex.EncodeToString(sum[:8]), nil
}

func (d *Desk) holdList(ctx context.Context, c *gate.Call, in *HoldListIn) (*HoldListOut, error) {
	cond := db.True()
	if in.Subject != "" {
		cond = db.Where("subject = ?", in.Subject)
	}
	switch in.State {
	case "in_force":
		cond = db.And(cond, db.Where("released_at = 0"))
	case "released":
		cond = db.And(cond, db.Where("released_at <> 0"))
	case "":
	default:
		return nil, fault.Bad("state", "Choose in_force or released.")
	}
	list, err := holds(ctx, c.Tx, db.And(within(c, "subject"), cond), mostShown)
	return &HoldListOut{Items: list, Total: len(list)}, err
}

// within leaves out what is about loans, borrowers and applications to somebody
// who sees only part of them.
func within(c *gate.Call, column string) db.Cond {
	if c.Scope.Everything() {
		return db.True()
	}
	return db.Where(column + ` NOT LIKE 'loan/%' AND ` + column + ` NOT LIKE 'borrower/%' AND ` + column + ` NOT LIKE 'application/%'`)
}

// subjectOf finds what a hold is placed on: the person whom it is about, nil for
// the trail.
func (d *Desk) subjectOf(ctx context.Context, c *gate.Call, name string) (*subject, error) {
	noun, ref, _ := strings.Cut(name, "/")
	bad := fault.Bad("subject", "Name borrower/<id>, loan/<id> or application/<id> of one that is there, audit, or audit/<category>.")
	switch noun {
	case "audit":
		if name != "audit" && (ref == "" || strings.Trim(ref, "abcdefghijklmnopqrstuvwxyz_.") != "") {
			return nil, bad
		}
		return nil, nil
	case "loan":
		var borrower string
		seen := c.Scope.Loans()
		if err := c.Tx.One(ctx, `SELECT l.borrower_id FROM loan l WHERE l.id = ? AND `+gate.Landed+` AND `+seen.SQL(), append([]any{ref}, seen.Args()...), &borrower); err != nil {
			return nil, missing(err, bad)
		}
		name = "borrower/" + borrower
	case "borrower", "application":
	default:
		return nil, bad
	}
	s, err := d.find(ctx, c, name)
	if fault.Is(err, fault.NotFound) {
		return nil, bad
	}
	return s, err
}

func (d *Desk) holdPlace(ctx context.Context, c *gate.Call, in *HoldPlaceIn) (*Hold, error) {
	in.Subject = strings.TrimSpace(in.Subject)
	s, err := d.subjectOf(ctx, c, in.Subject)
	if err != nil {
		return nil, err
	}
	var names []string
	object := "settings/" + in.Subject
	if s == nil {
		err = lockTrail(ctx, c.Tx)
	} else {
		names, object = s.values, in.Subject
		if err = s.lock(ctx, c.Tx); err == nil {
			err = notErased(ctx, c.Tx, s)
		}
	}
	if err != nil {
		return nil, err
	}
	var f fault.Collector
	reason, matter := text(&f, "reason", in.Reason, 1, 500, names...), text(&f, "matter", in.Matter, 0, 100, names...)
	if err := f.Err(); err != nil {
		return nil, err
	}
	h := id.New[id.Hold](c.At)
	c.Object(object)
	c.Given(reason)
	c.Detail("matter", matter)
	c.Change("legal_hold", "", string(h))
	_, err = c.Tx.Exec(ctx, `INSERT INTO legal_hold (id, subject, reason, matter, placed_by, placed_by_name, placed_at, released_by, released_by_name, released_at, release_reason)
		VALUES (?, ?, ?, ?, ?, ?, ?, '', '', 0, '')`, h, in.Subject, reason, matter, c.Who.String(), c.Who.Name, c.At)
	return &Hold{ID: h, Subject: in.Subject, Reason: reason, Matter: matter, InForce: true, PlacedBy: c.Who.Name, PlacedAt: instant(c.At)}, err
}

// notErased refuses what comes too late: the person's keys may be gone already.
func notErased(ctx context.Context, tx *db.Tx, s *subject) error {
	var b, a int64
	in := db.In("id", s.Applications)
	if err := tx.One(ctx, `SELECT COALESCE((SELECT MAX(erased_at) FROM borrower WHERE id = ?), 0), COALESCE((SELECT MAX(erased_at) FROM application WHERE `+in.SQL()+`), 0)`,
		append([]any{s.Borrower}, in.Args()...), &b, &a); err != nil {
		return err
	}
	if b != 0 || (a != 0 && s.Borrower == "") {
		return errErased()
	}
	return nil
}

func errErased() error {
	return fault.New(fault.Conflict, "erased", "This person has been erased; nothing is left that could be kept or told.")
}

func (d *Desk) holdRelease(ctx context.Context, c *gate.Call, in *HoldReleaseIn) (*Hold, error) {
	list, err := holds(ctx, c.Tx, db.And(within(c, "subject"), db.Where("id = ?", in.ID)), 1)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fault.Missing("legal hold")
	}
	h := list[0]
	var names []string
	if slices.Contains([]string{"borrower", "loan", "application"}, strings.Split(h.Subject, "/")[0]) {
		s, err := d.subjectOf(ctx, c, h.Subject)
		if err != nil {
			return nil, err
		}
		names = s.values
		c.Object(h.Subject)
	}
	var f fault.Collector
	reason := text(&f, "reason", in.Reason, 1, 500, names...)
	if err := f.Err(); err != nil {
		return nil, err
	}
	n, err := c.Tx.Exec(ctx, `UPDATE legal_hold SET released_by = ?, released_by_name = ?, released_at = ?, release_reason = ? WHERE id = ? AND released_at = 0`, c.Who.String(), c.Who.Name, c.At, reason, in.ID)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, fault.New(fault.Conflict, "hold_released", "This hold is released already.")
	}
	c.Given(reason)
	c.Detail("legal_hold", string(h.ID))
	c.Change("in_force", "yes", "no")
	h.InForce, h.ReleasedBy, h.ReleasedAt, h.ReleaseReason = false, c.Who.Name, instant(c.At), reason
	return &h, nil
}
