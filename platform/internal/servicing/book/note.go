package book

import (
	"context"
	"errors"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
)

// Note is what somebody wrote about a loan, opened. Body is empty when the
// borrower was erased.
type Note struct {
	ID         id.Note
	Body       string
	Author     string
	AuthorName string
	CreatedAt  int64
}

// Notes gives notes of a loan that the caller has found in scope, newest first,
// older than (beforeAt, before) if given.
func Notes(ctx context.Context, tx *db.Tx, store *keys.Store, l *Loan, beforeAt int64, before id.Note, limit int) ([]Note, error) {
	cond := db.Where("loan_id = ?", l.ID)
	if before != "" {
		cond = db.And(cond, db.Where("(created_at, id) < (?, ?)", beforeAt, before))
	}
	type row struct {
		Note
		sealed []byte
	}
	rows, err := db.All(ctx, tx, func(r *db.Rows) (n row, err error) {
		return n, r.Scan(&n.ID, &n.sealed, &n.Author, &n.AuthorName, &n.CreatedAt)
	}, `SELECT id, body, author, author_name, created_at FROM note WHERE `+cond.SQL()+` ORDER BY created_at DESC, id DESC LIMIT ?`, append(cond.Args(), limit)...)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	key, err := store.Open(ctx, string(l.Borrower))
	if err != nil && !errors.Is(err, keys.ErrDestroyed) {
		return nil, err
	}
	out := make([]Note, len(rows))
	for i, n := range rows {
		out[i] = n.Note
		if key == nil {
			continue
		}
		plain, err := key.Unseal("note", string(n.ID), "body", n.sealed)
		if err != nil {
			return nil, err
		}
		out[i].Body = string(plain)
	}
	return out, nil
}

// CountNotes counts the notes of a loan.
func CountNotes(ctx context.Context, tx *db.Tx, l *Loan) (n int64, err error) {
	return n, tx.One(ctx, `SELECT COUNT(*) FROM note WHERE loan_id = ?`, []any{l.ID}, &n)
}

// AddNote stores a note, sealed.
func AddNote(ctx context.Context, tx *db.Tx, store *keys.Store, l *Loan, n Note) (id.Note, error) {
	key, err := store.Open(ctx, string(l.Borrower))
	if errors.Is(err, keys.ErrDestroyed) {
		return "", ErrErased()
	}
	if err != nil {
		return "", err
	}
	n.ID = id.New[id.Note](tx.At)
	sealed, err := key.Seal("note", string(n.ID), "body", []byte(n.Body))
	if err != nil {
		return "", err
	}
	_, err = tx.Exec(ctx, `INSERT INTO note (id, loan_id, borrower_id, body, author, author_name, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		n.ID, l.ID, l.Borrower, sealed, n.Author, n.AuthorName, tx.At)
	return n.ID, err
}
