package audit

import (
	"cmp"
	"context"
	"slices"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/proof/entry"
)

// countLimit is where a filtered total stops counting.
const countLimit = 1000

const (
	listPending = `SELECT 0, 0, id, at, count, body, sealed FROM audit_pending WHERE `
	listEntries = `SELECT sequence, object_sequence, id, at, 1, body, sealed FROM audit_entry WHERE `
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
	var name string
	var stored []byte
	if err := r.Scan(&sequence, &objectSequence, &name, &at, &count, &stored, &f.sealed); err != nil {
		return f, err
	}
	var err error
	if f.body, err = entry.Decode(stored); err != nil {
		// An altered row must not hide the rest of the page.
		f.body = &entry.Body{Detail: map[string]string{"altered": "This entry cannot be read: it is not as it was written."}}
	}
	f.entry = shown(f.body)
	f.entry.ID, f.entry.At = id.Audit(name), at // what the page is sorted by
	f.entry.Sequence, f.entry.ObjectSequence = sequence, objectSequence
	f.entry.Count = max(f.entry.Count, count)
	return f, nil
}

// List gives one page of entries, newest first, sealed values unread. Entries
// that are not sequenced yet are among them. Without a filter the total is
// exact; else it is exact to 1,000.
func (t *Trail) List(ctx context.Context, tx *db.Tx, f Filter) (Page, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, 500)
	narrow := f.narrow()
	page := db.And(narrow, f.cursor())
	fresh, err := db.All(ctx, tx, scanFound, listPending+page.SQL()+newestFirst, append(slices.Clone(page.Args()), limit+1)...)
	if err != nil {
		return Page{}, err
	}
	placed, err := db.All(ctx, tx, scanFound, listEntries+page.SQL()+newestFirst, append(slices.Clone(page.Args()), limit+1)...)
	if err != nil {
		return Page{}, err
	}
	all := append(fresh, placed...)
	slices.SortFunc(all, func(a, b found) int {
		return cmp.Or(cmp.Compare(b.entry.At, a.entry.At), cmp.Compare(b.entry.ID, a.entry.ID))
	})
	out := Page{More: len(all) > limit}
	for _, one := range all[:min(len(all), limit)] {
		out.Entries = append(out.Entries, one.entry)
	}
	out.Total, out.AtLeast, err = t.total(ctx, tx, narrow)
	return out, err
}

func (t *Trail) total(ctx context.Context, tx *db.Tx, narrow db.Cond) (total int64, atLeast bool, err error) {
	if narrow.IsTrue() {
		trail, err := readTrail(ctx, tx)
		if err != nil {
			return 0, false, err
		}
		err = tx.One(ctx, `SELECT count(*) FROM audit_pending`, nil, &total)
		return total + trail.length, false, err
	}
	for _, table := range []string{"audit_pending", "audit_entry"} {
		var n int64
		query := `SELECT count(*) FROM (SELECT 1 FROM ` + table + ` WHERE ` + narrow.SQL() + ` LIMIT ?) AS narrowed`
		if err := tx.One(ctx, query, append(slices.Clone(narrow.Args()), countLimit+1), &n); err != nil {
			return 0, false, err
		}
		total += n
	}
	return min(total, countLimit), total > countLimit, nil
}

// narrow is the filter without its cursor.
func (f Filter) narrow() db.Cond {
	all := []db.Cond{db.True()}
	equal := func(column, value string) {
		if value != "" {
			all = append(all, db.Where(column+" = ?", value))
		}
	}
	equal("actor", f.Actor)
	equal("operation", f.Operation)
	equal("object", f.Object)
	equal("channel", f.Channel)
	equal("address", f.Address)
	equal("outcome", f.Outcome)
	if f.Outcome != "" && f.Outcome != "allowed" {
		// The words of the partial index, which a bound value cannot match.
		all = append(all, db.Where("outcome <> 'allowed'"))
	}
	if f.Within != nil {
		all = append(all, *f.Within)
	}
	if f.From != 0 {
		all = append(all, db.Where("at >= ?", f.From))
	}
	if f.To != 0 {
		all = append(all, db.Where("at < ?", f.To))
	}
	return db.And(all...)
}

// cursor is what is older than the last entry of the page before.
func (f Filter) cursor() db.Cond {
	if f.BeforeID == "" {
		return db.True()
	}
	return db.And(db.Where("at <= ?", f.BeforeAt), db.Where("(at < ? OR id < ?)", f.BeforeAt, string(f.BeforeID)))
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
