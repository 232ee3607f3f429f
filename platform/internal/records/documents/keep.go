package documents

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
)

// Sealed lists the ciphertext of these tables, for rotation and erasure.
func Sealed() []keys.Rewrap {
	return []keys.Rewrap{
		{Table: "document", Row: "id", Columns: []string{"head", "reason"}, Under: keys.Persons, Person: "person"},
		{Table: "document_part", Row: "document_id || '/' || CAST(n AS TEXT)", Columns: []string{"content"}, Under: keys.Persons,
			Person: "(SELECT d.person FROM document d WHERE d.id = document_part.document_id)"},
	}
}

// partSize is how much of a file one row holds, so that neither engine has to
// handle a value of 20 MB; pieceParts is how many rows a piece of a download has.
const (
	partSize   = 1 << 20
	pieceParts = 4
)

// head is what is sealed about a document beside its content.
type head struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Size    int64  `json:"size"`
	SHA256  string `json:"sha256"`
	Parts   int    `json:"parts"`
	Subject string `json:"subject"`
}

// row is a document as its table holds it.
type row struct {
	id                       id.Document
	subject, person          string
	head, reason             []byte
	addedBy, addedByName     string
	addedAt, removedAt       int64
	removedBy, removedByName string
	parts                    [][]any // of one that is new
	opened                   head
	whyRemoved               string
	erased                   bool
}

const columns = `id, subject, person, head, added_by, added_by_name, added_at, removed_at, removed_by, removed_by_name, reason`

func (r *row) scan(s *db.Rows) error { return s.Scan(r.into()...) }

func (r *row) into() []any {
	return []any{&r.id, &r.subject, &r.person, &r.head, &r.addedBy, &r.addedByName, &r.addedAt, &r.removedAt, &r.removedBy, &r.removedByName, &r.reason}
}

// sealedUnder makes the rows of a file, under its person's key.
func sealedUnder(key *keys.PersonKey, doc id.Document, h head, body []byte) (*row, error) {
	sum := sha256.Sum256(body)
	h.Size, h.SHA256, h.Parts = int64(len(body)), hex.EncodeToString(sum[:]), (len(body)+partSize-1)/partSize
	r := &row{id: doc, subject: h.Subject, person: key.Person(), opened: h, reason: []byte{}}
	plain, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	if r.head, err = key.Seal("document", string(doc), "head", plain); err != nil {
		return nil, err
	}
	for n := range h.Parts {
		sealed, err := key.Seal("document_part", partRow(doc, n), "content", body[n*partSize:min(len(body), (n+1)*partSize)])
		if err != nil {
			return nil, err
		}
		r.parts = append(r.parts, []any{doc, int64(n), sealed})
	}
	return r, nil
}

func partRow(doc id.Document, n int) string { return fmt.Sprintf("%s/%d", doc, n) }

// insert stores a document whose subject the caller has found in scope.
func (r *row) insert(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO document (`+columns+`) VALUES (?, ?, ?, ?, ?, ?, ?, 0, '', '', ?)`,
		r.id, r.subject, r.person, r.head, r.addedBy, r.addedByName, tx.At, r.reason)
	if err != nil {
		return err
	}
	r.addedAt = tx.At
	return tx.Bulk(ctx, `INSERT INTO document_part (document_id, n, content) VALUES (?, ?, ?)`, r.parts)
}

// of gives the documents of a subject that the caller has found in scope, newest
// first, removed ones too.
func of(ctx context.Context, tx *db.Tx, subject string) ([]*row, error) {
	return db.All(ctx, tx, func(s *db.Rows) (*row, error) {
		r := new(row)
		return r, r.scan(s)
	}, `SELECT `+columns+` FROM document WHERE subject = ? ORDER BY added_at DESC, id DESC`, subject)
}

// one gives a document of a subject that the caller has found in scope; one that
// was removed is missing.
func one(ctx context.Context, tx *db.Tx, subject, doc string) (*row, error) {
	if _, err := id.Parse[id.Document](doc); err != nil {
		return nil, fault.Missing("document")
	}
	r := new(row)
	err := tx.One(ctx, `SELECT `+columns+` FROM document WHERE id = ? AND subject = ? AND removed_at = 0`, []any{doc, subject}, r.into()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.Missing("document")
	}
	return r, err
}

// open reads what is sealed about a document; nil is the key of an erased person.
func (r *row) open(key *keys.PersonKey) error {
	if key == nil {
		r.erased = true
		return nil
	}
	plain, err := key.Unseal("document", string(r.id), "head", r.head)
	if err != nil {
		return fmt.Errorf("head of document %s: %w", r.id, err)
	}
	if err := json.Unmarshal(plain, &r.opened); err != nil || r.opened.Subject != r.subject {
		return fmt.Errorf("document %s was put with another subject than its own", r.id)
	}
	if len(r.reason) == 0 {
		return nil
	}
	plain, err = key.Unseal("document", string(r.id), "reason", r.reason)
	r.whyRemoved = string(plain)
	return err
}

// piece reads one piece of the content, opened, and says whether there is more.
func (r *row) piece(ctx context.Context, tx *db.Tx, key *keys.PersonKey, n int) (body []byte, more bool, err error) {
	from, end := n*pieceParts, min((n+1)*pieceParts, r.opened.Parts)
	if n < 0 || from >= r.opened.Parts {
		return nil, false, fault.Missing("document")
	}
	sealed, err := db.All(ctx, tx, func(s *db.Rows) (b []byte, err error) { return b, s.Scan(&b) },
		`SELECT content FROM document_part WHERE document_id = ? AND n >= ? AND n < ? ORDER BY n`, r.id, from, end)
	if err != nil {
		return nil, false, err
	}
	if len(sealed) != end-from {
		return nil, false, fmt.Errorf("document %s lacks parts of its content", r.id)
	}
	body = make([]byte, 0, (end-from)*partSize)
	for i, b := range sealed {
		plain, err := key.Unseal("document_part", partRow(r.id, from+i), "content", b)
		if err != nil {
			return nil, false, fmt.Errorf("part %d of document %s: %w", from+i, r.id, err)
		}
		body = append(body, plain...)
	}
	if end == r.opened.Parts && int64(from)*partSize+int64(len(body)) != r.opened.Size {
		return nil, false, fmt.Errorf("document %s has another length than it was added with", r.id)
	}
	return body, end < r.opened.Parts, nil
}

// remove takes a document out of sight; two who do so at once, one of them.
func (r *row) remove(ctx context.Context, tx *db.Tx, key *keys.PersonKey, by, name, reason string) error {
	sealed, err := key.Seal("document", string(r.id), "reason", []byte(reason))
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE document SET removed_at = ?, removed_by = ?, removed_by_name = ?, reason = ? WHERE id = ? AND removed_at = 0`, tx.At, by, name, sealed, r.id)
	if err == nil && n != 1 {
		return fault.Missing("document")
	}
	r.removedAt, r.removedBy, r.removedByName, r.whyRemoved = tx.At, by, name, reason
	return err
}
