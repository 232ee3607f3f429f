package custody

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// The states of a rotation; the package's comment shows their order.
const (
	asked    = "asked"
	staged   = "staged"
	promoted = "promoted"
	moving   = "moving"
	proving  = "proving"
	kept     = "kept"
	proved   = "proved"
	ended    = "ended"
)

// turning is a rotation's row.
type turning struct {
	id                                id.Rotation
	purpose                           keys.Purpose
	old, new                          int
	state, trouble, by                string
	mark                              keys.Mark
	pass, seen, total                 int64
	askedAt, movedAt, provedAt, endAt int64
	dropAt                            int64
}

const rotationColumns = `id, purpose, old_version, new_version, state, mark, pass, seen, total, trouble, asked_by, asked_at, moved_at, proved_at, drop_at, ended_at`

func scanRotation(r *db.Rows) (*turning, error) {
	t, mark := &turning{}, ""
	err := r.Scan(&t.id, &t.purpose, &t.old, &t.new, &t.state, &mark, &t.pass, &t.seen, &t.total, &t.trouble, &t.by, &t.askedAt, &t.movedAt, &t.provedAt, &t.dropAt, &t.endAt)
	if err != nil {
		return nil, err
	}
	return t, json.Unmarshal([]byte(mark), &t.mark)
}

// readRotations gives the rotations that a condition shows, newest first.
func readRotations(ctx context.Context, tx *db.Tx, cond db.Cond, limit int) ([]*turning, error) {
	return db.All(ctx, tx, scanRotation, `SELECT `+rotationColumns+` FROM key_rotation WHERE `+cond.SQL()+` ORDER BY asked_at DESC, id DESC LIMIT ?`, append(cond.Args(), limit)...)
}

func readRotation(ctx context.Context, tx *db.Tx, rid id.Rotation) (*turning, error) {
	list, err := readRotations(ctx, tx, db.Where("id = ?", rid), 1)
	if err == nil && len(list) == 0 {
		err = fault.Missing("key rotation")
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

func insertRotation(ctx context.Context, tx *db.Tx, t *turning) error {
	_, err := tx.Exec(ctx, `INSERT INTO key_rotation (`+rotationColumns+`) VALUES (?, ?, ?, 0, '`+asked+`', '{"place":0,"row":""}', 0, 0, 0, '', ?, ?, ?, 0, 0, 0)`,
		t.id, t.purpose, t.old, t.by, t.askedAt, t.askedAt)
	if db.IsDuplicate(err) {
		return errUnderWay()
	}
	return err
}

func errUnderWay() error {
	return fault.New(fault.Conflict, "key_rotation_open", "A rotation of this key is not ended yet. Wait for its end, or destroy the old version that it keeps.")
}

// errElsewhere: the row was moved on by another runner, which goes on with it.
var errElsewhere = errors.New("another runner goes on with this rotation")

// save stores a row that was in the state and at the mark of before; else
// errElsewhere.
func (t *turning) save(ctx context.Context, tx *db.Tx, before *turning) error {
	marks := [2]string{}
	for i, m := range []keys.Mark{t.mark, before.mark} {
		b, err := json.Marshal(m)
		if err != nil {
			return err
		}
		marks[i] = string(b)
	}
	n, err := tx.Exec(ctx, `UPDATE key_rotation SET new_version = ?, state = ?, mark = ?, pass = ?, seen = ?, total = ?, trouble = ?, moved_at = ?, proved_at = ?, drop_at = ?, ended_at = ?
		WHERE id = ? AND state = ? AND mark = ? AND pass = ?`, t.new, t.state, marks[0], t.pass, t.seen, t.total, t.trouble, t.movedAt, t.provedAt, t.dropAt, t.endAt,
		t.id, before.state, marks[1], before.pass)
	if err == nil && n == 0 {
		return errElsewhere
	}
	return err
}

// Rotation is a rotation as the API shows one.
type Rotation struct {
	ID         id.Rotation `json:"id" class:"public"`
	Purpose    string      `json:"purpose" class:"public"`
	OldVersion int         `json:"old_version" class:"public"`
	NewVersion int         `json:"new_version" class:"public" doc:"0 until it has been made"`
	State      string      `json:"state" class:"public" enum:"asked,staged,promoted,moving,proving,kept,proved,ended"`
	Done       int64       `json:"done" class:"public" doc:"rows of this walk"`
	Total      int64       `json:"total" class:"public" doc:"rows of the walk before; 0: not known"`
	Pass       int64       `json:"pass" class:"public" doc:"walks begun"`
	Trouble    string      `json:"trouble" class:"public" doc:"what stops it; empty for nothing"`
	AskedBy    string      `json:"asked_by" class:"public"`
	AskedAt    string      `json:"asked_at" class:"public"`
	ProvedAt   string      `json:"proved_at,omitempty" class:"public" doc:"when no row was left on the old version"`
	DropAt     string      `json:"drop_at,omitempty" class:"public" doc:"when the old version is destroyed"`
	EndedAt    string      `json:"ended_at,omitempty" class:"public"`
	Proof      []Place     `json:"proof,omitempty" doc:"what the last count found; not in lists"`
}

// Place is what a count found in one table, or in one column of blind indexes.
type Place struct {
	Name     string `json:"name" class:"public" example:"proposal"`
	Rows     int64  `json:"rows" class:"public"`
	Left     int64  `json:"left" class:"public" doc:"not under the new version"`
	Broken   int64  `json:"broken" class:"public" doc:"of those, refused when opened"`
	FirstRow string `json:"first_row,omitempty" class:"public"`
}

// RotationsOut is the newest rotations.
type RotationsOut struct {
	Items []Rotation `json:"items"`
	Total int        `json:"total" class:"public"`
	Next  string     `json:"next" class:"public"`
}

func instant(at int64) string {
	if at == 0 {
		return ""
	}
	return time.UnixMicro(at).UTC().Format(time.RFC3339)
}

func (t *turning) shown() Rotation {
	return Rotation{ID: t.id, Purpose: string(t.purpose), OldVersion: t.old, NewVersion: t.new, State: t.state, Done: t.seen, Total: t.total, Pass: t.pass, Trouble: t.trouble,
		AskedBy: t.by, AskedAt: instant(t.askedAt), ProvedAt: instant(t.provedAt), DropAt: instant(t.dropAt), EndedAt: instant(t.endAt)}
}

func proofOf(ctx context.Context, tx *db.Tx, rid id.Rotation) ([]Place, error) {
	return db.All(ctx, tx, func(r *db.Rows) (p Place, err error) {
		return p, r.Scan(&p.Name, &p.Rows, &p.Left, &p.Broken, &p.FirstRow)
	}, `SELECT place, found, remaining, broken, first_row FROM key_proof WHERE rotation_id = ? ORDER BY place`, rid)
}

const mostRotations = 100

func (d *Desk) rotations(ctx context.Context, c *gate.Call, _ *Nothing) (*RotationsOut, error) {
	list, err := readRotations(ctx, c.Tx, db.True(), mostRotations)
	out := &RotationsOut{Items: make([]Rotation, 0, len(list)), Total: len(list)}
	for _, t := range list {
		out.Items = append(out.Items, t.shown())
	}
	return out, err
}

func (d *Desk) rotation(ctx context.Context, c *gate.Call, in *RotationRef) (*Rotation, error) {
	t, err := readRotation(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	out := t.shown()
	out.Proof, err = proofOf(ctx, c.Tx, in.ID)
	return &out, err
}

// openRotation gives the rotation of a purpose that is not ended, or nil.
func openRotation(ctx context.Context, tx *db.Tx, p keys.Purpose) (*turning, error) {
	list, err := readRotations(ctx, tx, db.Where("purpose = ? AND ended_at = 0", p), 1)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// count notes what a chunk of a walk found, for the proof.
func (t *turning) count(ctx context.Context, tx *db.Tx, c keys.Chunk) error {
	if c.In == "" {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO key_proof (rotation_id, place, found, remaining, broken, first_row) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (rotation_id, place) DO UPDATE SET found = key_proof.found + excluded.found, remaining = key_proof.remaining + excluded.remaining,
		broken = key_proof.broken + excluded.broken, first_row = CASE WHEN key_proof.first_row = '' THEN excluded.first_row ELSE key_proof.first_row END`,
		t.id, c.In, c.Rows, c.Left, c.Broken, c.First)
	return err
}

// sums adds up a proof.
func sums(ctx context.Context, tx *db.Tx, rid id.Rotation) (rows, left, broken int64, err error) {
	err = tx.One(ctx, `SELECT COALESCE(SUM(found), 0), COALESCE(SUM(remaining), 0), COALESCE(SUM(broken), 0) FROM key_proof WHERE rotation_id = ?`, []any{rid}, &rows, &left, &broken)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return rows, left, broken, err
}
