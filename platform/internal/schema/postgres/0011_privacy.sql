-- +goose Up
-- What a lender owes people about their data: holds of the law, erasures, exports,
-- and how long loans are kept.
ALTER TABLE borrower    ADD COLUMN erased_at BIGINT NOT NULL DEFAULT 0; -- since when nothing is written about the person any more; 0: not erased
ALTER TABLE application ADD COLUMN erased_at BIGINT NOT NULL DEFAULT 0;

-- While a hold is in force, nothing of its subject is erased or disposed of.
CREATE TABLE legal_hold (
    id               TEXT PRIMARY KEY,
    subject          TEXT NOT NULL,          -- borrower/…, loan/…, application/…, audit, audit/<category>
    reason           TEXT NOT NULL,
    matter           TEXT NOT NULL,          -- the lender's own reference, '' for none
    placed_by        TEXT NOT NULL,
    placed_by_name   TEXT NOT NULL,
    placed_at        BIGINT NOT NULL,
    released_by      TEXT NOT NULL,
    released_by_name TEXT NOT NULL,
    released_at      BIGINT NOT NULL,        -- 0: in force
    release_reason   TEXT NOT NULL
);
CREATE INDEX legal_hold_subject ON legal_hold (subject, released_at);
CREATE INDEX legal_hold_placed  ON legal_hold (placed_at, id);

CREATE TABLE erasure (
    id               TEXT PRIMARY KEY,
    object           TEXT NOT NULL,          -- borrower/… or application/…
    applications     TEXT NOT NULL,          -- JSON list of the applications that go with it
    state            TEXT NOT NULL,          -- asked, marked, forgotten, destroyed, done, stopped
    reason           TEXT NOT NULL,
    approved_by      TEXT NOT NULL,
    approved_by_name TEXT NOT NULL,
    asked_at         BIGINT NOT NULL,
    moved_at         BIGINT NOT NULL,        -- since when it is in its state
    ended_at         BIGINT NOT NULL,        -- 0: it goes on
    mark             TEXT NOT NULL,          -- how far the walk through the trail has come
    found            BIGINT NOT NULL,        -- rows that were overwritten
    trouble          TEXT NOT NULL           -- what stopped it, in words
);
CREATE UNIQUE INDEX erasure_open ON erasure (object) WHERE ended_at = 0;
CREATE INDEX erasure_asked ON erasure (asked_at, id);

-- Who was given everything that is held about a person.
CREATE TABLE data_export (
    id           TEXT PRIMARY KEY,
    object       TEXT NOT NULL,
    format       TEXT NOT NULL,              -- json, pdf
    reason       TEXT NOT NULL,
    made_by      TEXT NOT NULL,
    made_by_name TEXT NOT NULL,
    made_at      BIGINT NOT NULL
);
CREATE INDEX data_export_made ON data_export (made_at, id);

CREATE TABLE privacy_setting (
    id          BIGINT PRIMARY KEY,
    loan_months BIGINT NOT NULL,             -- how long a loan is kept after its last entry
    changed_at  BIGINT NOT NULL,
    changed_by  TEXT NOT NULL
);
INSERT INTO privacy_setting (id, loan_months, changed_at, changed_by) VALUES (1, 25, 0, '');

-- +goose Down
DROP TABLE privacy_setting;
DROP TABLE data_export;
DROP TABLE erasure;
DROP TABLE legal_hold;
ALTER TABLE application DROP COLUMN erased_at;
ALTER TABLE borrower    DROP COLUMN erased_at;
