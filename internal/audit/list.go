package audit

import (
	"cmp"
	"context"
	"slices"

	"github.com/lendkeep/lendkeep/internal/audit/facet"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/proof/entry"
)

// countLimit is where a filtered total stops counting.
const countLimit = 1000

const (
	listPending = `SELECT 0, 0, id, at, count, object, '', body, sealed FROM audit_pending WHERE `
	listEntries = `SELECT sequence, object_sequence, id, at, 1, object, disposal, body, sealed FROM audit_entry WHERE `
	newestFirst = ` ORDER BY at DESC, id DESC LIMIT ?`
)

// found is a stored entry as it was read.
type found struct {
	entry  Entry
	body   *entry.Body
	sealed []byte
}

func scanFound(r *db.Rows) (found, error) {
	var f found
	var sequence, objectSequence, at, count int64
	var name, object, disposal string
	var stored []byte
	if err := r.Scan(&sequence, &objectSequence, &name, &at, &count, &object, &disposal, &stored, &f.sealed); err != nil {
		return f, err
	}
	var err error
	if f.body, err = entry.Decode(stored); err != nil && disposal != "" {
		f.body = &entry.Body{Object: object, Count: 1}
	} else if err != nil {
		// An altered row must not hide the rest of the page.
		f.body = &entry.Body{Detail: map[string]string{"altered": "This entry cannot be read: it is not as it was written."}}
	}
	f.entry = shown(f.body)
	f.entry.ID, f.entry.At = id.Audit(name), at // what the page is sorted by
	f.entry.Sequence, f.entry.ObjectSequence, f.entry.Disposal = sequence, objectSequence, disposal
	f.entry.Count = max(f.entry.Count, count)
	return f, nil
}

// List gives one page of entries, newest first, sealed values unread. Entries
// that are not sequenced yet are among them. Without a filter the total is
// exact; else it is exact to 1,000.
func (t *Trail) List(ctx context.Context, tx *db.Tx, f Filter) (Page, error) {
	out, err := t.Page(ctx, tx, f)
	if f.BeforeAt == 0 && out.Reached != 0 { // there was no time to find a page: none to count on
		out.Total, out.AtLeast = int64(len(out.Entries)), true
		return out, err
	}
	if err == nil {
		out.Total, out.AtLeast, err = t.total(ctx, tx, f)
	}
	return out, err
}

// Page is List without the total.
func (t *Trail) Page(ctx context.Context, tx *db.Tx, f Filter) (Page, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, 500)
	fresh, err := t.listed(ctx, tx, listPending, db.And(f.narrow(), f.cursor()), limit+1)
	if err != nil {
		return Page{}, err
	}
	var placed []found
	out := Page{}
	if f.Patience == 0 {
		placed, err = t.listed(ctx, tx, listEntries, db.And(f.narrow(), f.cursor()), limit+1)
	} else {
		placed, out.Reached, err = t.patiently(ctx, tx, f, limit+1)
	}
	if err != nil {
		return Page{}, err
	}
	all := slices.DeleteFunc(append(fresh, placed...), func(one found) bool { return one.entry.At < out.Reached }) // its turn comes
	slices.SortFunc(all, func(a, b found) int {
		return cmp.Or(cmp.Compare(b.entry.At, a.entry.At), cmp.Compare(b.entry.ID, a.entry.ID))
	})
	out.More = len(all) > limit || out.Reached != 0
	for _, one := range all[:min(len(all), limit)] {
		out.Entries = append(out.Entries, one.entry)
	}
	if len(all) > limit {
		out.Reached = 0
	}
	return out, nil
}

func (t *Trail) listed(ctx context.Context, tx *db.Tx, list string, c db.Cond, limit int) ([]found, error) {
	return db.All(ctx, tx, scanFound, list+c.SQL()+newestFirst, append(slices.Clone(c.Args()), limit)...)
}

// patiently lists as far as it comes within the filter's patience.
func (t *Trail) patiently(ctx context.Context, tx *db.Tx, f Filter, limit int) (all []found, reached int64, err error) {
	look, err := facet.Begin(ctx, tx, f.selection(), t.c.DB.Now)
	if err != nil {
		return nil, 0, err
	}
	before := f.BeforeAt
	if before != 0 {
		before++ // entries of one instant may stand on two pages
	}
	reached, err = look.Back(ctx, before, f.Patience, func(stretch db.Cond) (bool, error) {
		some, err := t.listed(ctx, tx, listEntries, db.And(stretch, f.cursor()), limit-len(all))
		all = append(all, some...)
		return len(all) >= limit, err
	})
	if len(all) >= limit {
		reached = 0
	}
	return all, reached, err
}

func (t *Trail) total(ctx context.Context, tx *db.Tx, f Filter) (total int64, atLeast bool, err error) {
	narrow := f.narrow()
	if narrow.IsTrue() {
		trail, err := readTrail(ctx, tx)
		if err != nil {
			return 0, false, err
		}
		err = tx.One(ctx, `SELECT count(*) FROM audit_pending`, nil, &total)
		return total + trail.length, false, err
	}
	count := func(table string) (n int64, err error) {
		query := `SELECT count(*) FROM (SELECT 1 FROM ` + table + ` WHERE ` + narrow.SQL() + ` LIMIT ?) AS narrowed`
		return n, tx.One(ctx, query, append(slices.Clone(narrow.Args()), countLimit+1), &n)
	}
	fresh, err := count("audit_pending")
	if err != nil {
		return 0, false, err
	}
	if f.Patience == 0 {
		total, err = count("audit_entry")
		return min(total+fresh, countLimit), total+fresh > countLimit, err
	}
	look, err := facet.Begin(ctx, tx, f.selection(), t.c.DB.Now)
	if err != nil {
		return 0, false, err
	}
	total, whole, err := look.Count(ctx, countLimit, f.Patience/2)
	return min(total+fresh, countLimit), !whole || total+fresh > countLimit, err
}

// selection is the filter without its cursor.
func (f Filter) selection() facet.Selection {
	s := facet.Selection{Within: f.Within, From: f.From, To: f.To}
	for _, e := range []facet.Equal{{Column: "object", Value: f.Object}, {Column: "actor", Value: f.Actor}, {Column: "address", Value: f.Address},
		{Column: "operation", Value: f.Operation}, {Column: "outcome", Value: f.Outcome}, {Column: "channel", Value: f.Channel}} {
		if e.Value != "" {
			s.Equal = append(s.Equal, e)
		}
	}
	return s
}

func (f Filter) narrow() db.Cond { return f.selection().Cond() }

// cursor is what is older than the last entry of the page before.
func (f Filter) cursor() db.Cond {
	if f.BeforeAt == 0 {
		return db.True()
	}
	return db.And(db.Where("at <= ?", f.BeforeAt), db.Where("(at < ? OR id < ?)", f.BeforeAt, string(f.BeforeID)))
}

// Sum says of what the entries of a filter consist, with at most top values a facet.
func (t *Trail) Sum(ctx context.Context, tx *db.Tx, f Filter, top int) (*facet.Sum, error) {
	look, err := facet.Begin(ctx, tx, f.selection(), t.c.DB.Now)
	if err != nil {
		return nil, err
	}
	return look.Sum(ctx, top, f.Patience)
}

// Get gives one entry, sealed values unread; fault.NotFound if there is none.
func (t *Trail) Get(ctx context.Context, tx *db.Tx, want id.Audit) (*Entry, error) {
	f, err := t.find(ctx, tx, want)
	if err != nil {
		return nil, err
	}
	return &f.entry, nil
}

// Reveal is Get with the sealed values read, for those who may; values of an
// erased person read "[erased]". The caller audits that they were looked at.
func (t *Trail) Reveal(ctx context.Context, tx *db.Tx, want id.Audit) (*Entry, error) {
	f, err := t.find(ctx, tx, want)
	if err != nil {
		return nil, err
	}
	values, err := t.unseal(ctx, f.body, f.sealed)
	if err != nil {
		return nil, err
	}
	for i := range f.entry.Changes {
		if c := &f.entry.Changes[i]; c.Sealed {
			c.Before, c.After = values[entry.ChangeLabel(i, "before")], values[entry.ChangeLabel(i, "after")]
		}
	}
	for k := range f.entry.SealedDetail {
		f.entry.SealedDetail[k] = values[entry.DetailLabel(k)]
	}
	return &f.entry, nil
}

func (t *Trail) find(ctx context.Context, tx *db.Tx, want id.Audit) (found, error) {
	for _, list := range []string{listEntries, listPending} {
		all, err := db.All(ctx, tx, scanFound, list+`id = ?`, string(want))
		if err != nil {
			return found{}, err
		}
		if len(all) > 0 {
			return all[0], nil
		}
	}
	return found{}, fault.Missing("audit entry")
}

// Sequenced gives how many entries have their place: the size of the trail.
func (t *Trail) Sequenced(ctx context.Context, tx *db.Tx) (int64, error) {
	trail, err := readTrail(ctx, tx)
	return trail.length, err
}
