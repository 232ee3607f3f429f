package book

import (
	"context"
	"errors"
	"fmt"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/pii"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/schedule"
)

func houseNumber(n int64) string { return fmt.Sprintf("LN-%06d", n) }

// Entry is one entry of a loan's ledger as it is stored.
type Entry struct {
	schedule.Posting
	Loan   id.Loan
	Method string // how money came: "ach", "check"; '' otherwise
	Memo   string // stored without what names or reaches a person: pii.Mask
	By     string // who posted it: "user/us_…"
}

// InsertEntrySQL stores one entry; Entry.Row gives its values.
const InsertEntrySQL = `INSERT INTO ledger_entry (id, loan_id, kind, amount, effective, posted_at, reverses, method, memo, posted_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// Row gives the values of InsertEntrySQL.
func (e *Entry) Row() []any {
	return []any{e.ID, e.Loan, string(e.Kind), e.Amount, e.Effective, e.Posted, e.Reverses, e.Method, pii.Mask(e.Memo), e.By}
}

// Ledger is what a loan's figures are replayed from.
type Ledger struct {
	Segments []schedule.Segment
	Entries  []Entry // in the order in which they were posted
}

// Postings gives the entries as the schedule takes them.
func (g *Ledger) Postings() []schedule.Posting {
	out := make([]schedule.Posting, len(g.Entries))
	for i, e := range g.Entries {
		out[i] = e.Posting
	}
	return out
}

// LedgerOf reads the ledger of a loan that the caller has found in scope.
func LedgerOf(ctx context.Context, tx *db.Tx, l *Loan) (*Ledger, error) {
	segs, err := db.All(ctx, tx, func(r *db.Rows) (s schedule.Segment, err error) { return s, r.Scan(&s.From, &s.Rate, &s.Payment) },
		`SELECT from_date, rate, payment FROM loan_term WHERE loan_id = ? ORDER BY from_date`, l.ID)
	if err != nil {
		return nil, err
	}
	entries, err := db.All(ctx, tx, func(r *db.Rows) (e Entry, err error) {
		return e, r.Scan(&e.ID, &e.Loan, &e.Kind, &e.Amount, &e.Effective, &e.Posted, &e.Reverses, &e.Method, &e.Memo, &e.By)
	}, `SELECT id, loan_id, kind, amount, effective, posted_at, reverses, method, memo, posted_by FROM ledger_entry WHERE loan_id = ? ORDER BY posted_at, id`, l.ID)
	return &Ledger{Segments: segs, Entries: entries}, err
}

// Replay gives the loan's state on a day.
func (g *Ledger) Replay(l *Loan, on civil.Date) (schedule.State, error) {
	return schedule.Replay(l.Terms, g.Segments, g.Postings(), max(on, l.Terms.Contract))
}

// View gives the plan line by line on a day.
func (g *Ledger) View(l *Loan, on civil.Date) ([]schedule.Line, schedule.State, error) {
	return schedule.View(l.Terms, g.Segments, g.Postings(), max(on, l.Terms.Contract))
}

// Post adds an entry to a locked loan's ledger if everything after it still
// fits, and rebuilds the caches. It gives the state on the day and the entry's
// allocation.
func Post(ctx context.Context, tx *db.Tx, l *Loan, e Entry, today civil.Date) (schedule.State, error) {
	g, err := LedgerOf(ctx, tx, l)
	if err != nil {
		return schedule.State{}, err
	}
	g.Entries = append(g.Entries, e)
	last := today
	for _, x := range g.Entries {
		last = max(last, x.Effective)
	}
	if last > today {
		if _, err := g.Replay(l, last); err != nil {
			return schedule.State{}, refused(err, e.ID)
		}
	}
	s, err := g.Replay(l, today)
	if err != nil {
		return s, refused(err, e.ID)
	}
	if _, err := tx.Exec(ctx, InsertEntrySQL, e.Row()...); err != nil {
		if db.IsDuplicate(err) {
			return s, fault.New(fault.Conflict, "reversed_already", "This entry has been reversed already.")
		}
		return s, err
	}
	l.Take(s)
	return s, l.store(ctx, tx)
}

// refused words a posting that does not fit. A later one that would no longer
// fit is a conflict with what stands in the ledger.
func refused(err error, posted id.Entry) error {
	var r *schedule.Refused
	if !errors.As(err, &r) {
		return err
	}
	f := fault.As(err)
	if r.Entry != posted {
		return fault.Wrap(fault.Conflict, "later_entry", "A later entry of this loan would no longer fit; reverse that one first.", err)
	}
	out := *f
	out.Fields = append([]fault.Field(nil), f.Fields...)
	for i := range out.Fields {
		if out.Fields[i].Path == "effective" {
			out.Fields[i].Path = "effective_date"
		}
		if out.Fields[i].Path == "reverses" {
			return fault.Wrap(fault.Conflict, "not_reversible", out.Fields[i].Mend, err)
		}
	}
	return &out
}

// Take puts a replayed state into the row's caches and lets the status follow:
// a loan on which nothing is owed is paid off, or charged off if part of it was
// given up; one that owes again is active.
func (l *Loan) Take(s schedule.State) {
	l.Cached = schedule.Stored(s)
	switch {
	case l.Status == Closed:
	case s.PaidOff && s.WrittenOff > 0:
		l.Status = ChargedOff
	case s.PaidOff:
		l.Status = PaidOff
	case l.Status == PaidOff || l.Status == ChargedOff:
		l.Status = Active
	}
}

// store writes the caches and the status.
func (l *Loan) store(ctx context.Context, tx *db.Tx) error {
	c := &l.Cached
	_, err := tx.Exec(ctx, `UPDATE loan SET status = ?, principal_balance = ?, fees_due = ?, oldest_unpaid_due = ?, next_due = ?, next_amount = ?, due_key = ? WHERE id = ?`,
		l.Status, c.PrincipalBalance, c.FeesDue, c.OldestUnpaidDue, c.NextDue, c.NextAmount, dueKey(c.OldestUnpaidDue), l.ID)
	return err
}

// Rebuild computes a loan's caches from its ledger and reports whether the
// stored ones were right.
func Rebuild(ctx context.Context, tx *db.Tx, l *Loan, today civil.Date) (right bool, err error) {
	g, err := LedgerOf(ctx, tx, l)
	if err != nil {
		return false, err
	}
	s, err := g.Replay(l, today)
	if err != nil {
		return false, err
	}
	was := l.Cached
	l.Take(s)
	now := l.Cached
	was.AsOf, was.Interest, was.PaidOff = now.AsOf, now.Interest, now.PaidOff
	if was == now {
		return true, nil
	}
	return false, l.store(ctx, tx)
}

// RebuildByID is Rebuild for the house's own checks, which know no scope.
func RebuildByID(ctx context.Context, tx *db.Tx, lid id.Loan, today civil.Date) (right bool, err error) {
	l := new(Loan)
	if err := tx.One(ctx, `SELECT `+loanColumns+` FROM loan l WHERE l.id = ?`, []any{lid}, l.dest()...); err != nil {
		return false, err
	}
	return Rebuild(ctx, tx, l, today)
}
