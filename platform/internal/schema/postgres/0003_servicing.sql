-- +goose Up
-- The loan book: borrowers, loans, ledger, and who may find which loan.
CREATE TABLE source_company (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE portfolio (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

-- What an import has written stays unseen until landed_at is set.
CREATE TABLE import_run (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,            -- loans, borrowers
    file_hash  TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    beat_at    BIGINT NOT NULL,          -- last sign of life of whoever imports
    landed_at  BIGINT NOT NULL           -- 0: not visible
);
CREATE INDEX import_run_open ON import_run (id) WHERE landed_at = 0;

CREATE TABLE borrower (
    id            TEXT PRIMARY KEY,
    reference     TEXT NOT NULL,         -- the lender's own reference, '' for none
    first_name    TEXT NOT NULL,
    last_name     TEXT NOT NULL,
    name_key      TEXT NOT NULL,         -- lower case "first last"
    surname_key   TEXT NOT NULL,         -- lower case "last first"
    city          TEXT NOT NULL,
    region        TEXT NOT NULL,
    postal_code   TEXT NOT NULL,
    country       TEXT NOT NULL,
    email         BYTEA NOT NULL,         -- sealed under the borrower's key, empty for none
    phone         BYTEA NOT NULL,
    date_of_birth BYTEA NOT NULL,
    ssn           BYTEA NOT NULL,
    line1         BYTEA NOT NULL,
    email_index   BYTEA NOT NULL,         -- blind indexes, empty for none
    phone_index   BYTEA NOT NULL,
    ssn_index     BYTEA NOT NULL,
    import_id     TEXT NOT NULL,         -- '' unless imported
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX borrower_reference ON borrower (reference) WHERE reference <> '';
CREATE INDEX borrower_name    ON borrower (name_key, id);
CREATE INDEX borrower_surname ON borrower (surname_key, id);
CREATE INDEX borrower_email   ON borrower (email_index);
CREATE INDEX borrower_phone   ON borrower (phone_index);
CREATE INDEX borrower_ssn     ON borrower (ssn_index);
CREATE INDEX borrower_import  ON borrower (import_id) WHERE import_id <> '';

CREATE TABLE loan (
    id                TEXT PRIMARY KEY,
    number            TEXT NOT NULL,
    borrower_id       TEXT NOT NULL REFERENCES borrower (id),
    source_company_id TEXT NOT NULL,     -- '' for none
    application_id    TEXT NOT NULL,     -- '' unless boarded from an application
    status            TEXT NOT NULL,
    principal         BIGINT NOT NULL,   -- the terms as signed
    annual_rate       BIGINT NOT NULL,   -- millionths of one per cent
    term_months       BIGINT NOT NULL,
    convention        TEXT NOT NULL,
    contract_date     BIGINT NOT NULL,
    first_due         BIGINT NOT NULL,   -- 0: one month after the contract date
    opened_on         BIGINT NOT NULL,
    principal_balance BIGINT NOT NULL,   -- caches of the ledger's replay, rebuilt with every entry
    fees_due          BIGINT NOT NULL,
    oldest_unpaid_due BIGINT NOT NULL,
    next_due          BIGINT NOT NULL,
    next_amount       BIGINT NOT NULL,
    level_payment     BIGINT NOT NULL,
    due_key           BIGINT NOT NULL,   -- oldest_unpaid_due, or far ahead for none: sorts by days past due
    borrower_key      TEXT NOT NULL,     -- copies of the borrower's, for sorting and restrictions
    borrower_region   TEXT NOT NULL,
    borrower_country  TEXT NOT NULL,
    revision          BIGINT NOT NULL,   -- moves with every change; its update locks the loan
    import_id         TEXT NOT NULL,
    created_at        BIGINT NOT NULL
);
CREATE UNIQUE INDEX loan_number      ON loan (number);
CREATE UNIQUE INDEX loan_application ON loan (application_id) WHERE application_id <> '';
CREATE INDEX loan_borrower     ON loan (borrower_id, number);
CREATE INDEX loan_status       ON loan (status, number, id);
CREATE INDEX loan_company      ON loan (source_company_id, number, id);
CREATE INDEX loan_borrower_key ON loan (borrower_key, number, id);
CREATE INDEX loan_balance      ON loan (principal_balance, number, id);
CREATE INDEX loan_due          ON loan (due_key, number, id);
CREATE INDEX loan_opened       ON loan (opened_on, number, id);
CREATE INDEX loan_import       ON loan (import_id) WHERE import_id <> '';

CREATE TABLE loan_term (
    loan_id    TEXT NOT NULL REFERENCES loan (id),
    from_date  BIGINT NOT NULL,
    rate       BIGINT NOT NULL,
    payment    BIGINT NOT NULL,          -- 0: the level payment
    created_at BIGINT NOT NULL,
    PRIMARY KEY (loan_id, from_date)
);

CREATE TABLE loan_portfolio (
    loan_id      TEXT NOT NULL REFERENCES loan (id),
    portfolio_id TEXT NOT NULL REFERENCES portfolio (id),
    number       TEXT NOT NULL,          -- the loan's, so that a portfolio is read in order
    PRIMARY KEY (loan_id, portfolio_id)
);
CREATE INDEX loan_portfolio_loans ON loan_portfolio (portfolio_id, number, loan_id);

-- Append-only: what was wrong is reversed by another entry.
CREATE TABLE ledger_entry (
    id        TEXT PRIMARY KEY,
    loan_id   TEXT NOT NULL REFERENCES loan (id),
    kind      TEXT NOT NULL,
    amount    BIGINT NOT NULL,
    effective BIGINT NOT NULL,
    posted_at BIGINT NOT NULL,
    reverses  TEXT NOT NULL,             -- '' unless a reversal
    method    TEXT NOT NULL,
    memo      TEXT NOT NULL,
    posted_by TEXT NOT NULL
);
CREATE INDEX ledger_entry_loan ON ledger_entry (loan_id, posted_at, id);
CREATE UNIQUE INDEX ledger_entry_reverses ON ledger_entry (reverses) WHERE reverses <> '';

CREATE TABLE custom_field (
    id             TEXT PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    kind           TEXT NOT NULL,        -- text, int, money, date, bool
    class          TEXT NOT NULL,        -- public, personal, sensitive
    default_text   TEXT NOT NULL,
    default_number BIGINT NOT NULL,
    created_at     BIGINT NOT NULL
);

CREATE TABLE custom_value (
    loan_id      TEXT NOT NULL REFERENCES loan (id),
    field_id     TEXT NOT NULL REFERENCES custom_field (id),
    text_value   TEXT NOT NULL,
    number_value BIGINT NOT NULL,
    sealed       BYTEA NOT NULL,          -- under the borrower's key, for fields that are not public
    PRIMARY KEY (loan_id, field_id)
);

CREATE TABLE note (
    id          TEXT PRIMARY KEY,
    loan_id     TEXT NOT NULL REFERENCES loan (id),
    borrower_id TEXT NOT NULL,
    body        BYTEA NOT NULL,           -- sealed under the borrower's key
    author      TEXT NOT NULL,
    author_name TEXT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX note_loan ON note (loan_id, created_at, id);

-- Counts that would be slow to count.
CREATE TABLE loan_tally (
    id        BIGINT PRIMARY KEY,
    loans     BIGINT NOT NULL,           -- visible to those whom nothing restricts
    borrowers BIGINT NOT NULL,
    numbered  BIGINT NOT NULL            -- last number that the house gave itself
);
INSERT INTO loan_tally (id, loans, borrowers, numbered) VALUES (1, 0, 0, 0);

-- The loans that a set of search restrictions shows, kept as rows.
CREATE TABLE visible_set (
    id       TEXT PRIMARY KEY,
    set_key  TEXT NOT NULL,              -- names the rules as compiled
    rules    TEXT NOT NULL,              -- JSON list of the rules as written
    state    BIGINT NOT NULL,            -- 0 being built, 1 ready, 2 void
    loans    BIGINT NOT NULL,
    built_to TEXT NOT NULL,              -- id of the last loan that the build has seen
    made_at  BIGINT NOT NULL
);
CREATE INDEX visible_set_key ON visible_set (set_key, state);

CREATE TABLE visible_loan (
    set_id  TEXT NOT NULL,               -- of visible_set; rows of a void set are swept in pieces
    number  TEXT NOT NULL,
    loan_id TEXT NOT NULL,
    PRIMARY KEY (set_id, number, loan_id)
);

-- +goose Down
DROP TABLE visible_loan;
DROP TABLE visible_set;
DROP TABLE loan_tally;
DROP TABLE note;
DROP TABLE custom_value;
DROP TABLE custom_field;
DROP TABLE ledger_entry;
DROP TABLE loan_portfolio;
DROP TABLE loan_term;
DROP TABLE loan;
DROP TABLE borrower;
DROP TABLE import_run;
DROP TABLE portfolio;
DROP TABLE source_company;
