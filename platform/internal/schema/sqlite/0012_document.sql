-- +goose Up
-- Files that people keep with a loan, a borrower or an application. What a file
-- is called and what is in it lie under the key of the person whom it is about.
CREATE TABLE document (
    id              TEXT PRIMARY KEY,
    subject         TEXT NOT NULL,       -- loan/ln_…, borrower/bo_… or application/ap_…
    person          TEXT NOT NULL,       -- whose key seals it: a borrower's or an applicant's
    head            BLOB NOT NULL,       -- sealed: JSON of name, type, size, hash, parts and subject
    added_by        TEXT NOT NULL,
    added_by_name   TEXT NOT NULL,
    added_at        BIGINT NOT NULL,
    removed_at      BIGINT NOT NULL,     -- 0: it is there
    removed_by      TEXT NOT NULL,
    removed_by_name TEXT NOT NULL,
    reason          BLOB NOT NULL        -- sealed: why it was removed
);
CREATE INDEX document_subject ON document (subject, added_at, id);
CREATE INDEX document_person ON document (person);

CREATE TABLE document_part (
    document_id TEXT NOT NULL REFERENCES document (id),
    n           BIGINT NOT NULL,         -- from 0
    content     BLOB NOT NULL,           -- sealed: at most 1 MB of the file
    PRIMARY KEY (document_id, n)
);

-- +goose Down
DROP TABLE document_part;
DROP TABLE document;
