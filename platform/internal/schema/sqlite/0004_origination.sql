-- +goose Up
-- Origination: applications, their network checks, decisions, rules, and the connection to ipstack.
CREATE TABLE application_counter (
    id   BIGINT PRIMARY KEY,
    last BIGINT NOT NULL                 -- number of the newest application; the first is A-1001
);
INSERT INTO application_counter (id, last) VALUES (1, 1000);

CREATE TABLE application (
    id                TEXT PRIMARY KEY,
    seq               BIGINT NOT NULL,   -- the number without its "A-"
    first_name        TEXT NOT NULL,
    last_name         TEXT NOT NULL,
    name_key          TEXT NOT NULL,     -- lower case "first last"
    surname_key       TEXT NOT NULL,     -- lower case "last first"
    city              TEXT NOT NULL,
    region            TEXT NOT NULL,
    postal_code       TEXT NOT NULL,
    country           TEXT NOT NULL,
    email             BLOB NOT NULL,     -- sealed under the key named by the application's id
    phone             BLOB NOT NULL,
    date_of_birth     BLOB NOT NULL,
    ssn               BLOB NOT NULL,
    line1             BLOB NOT NULL,
    email_index       BLOB NOT NULL,     -- blind indexes, empty for none
    phone_index       BLOB NOT NULL,
    address_index     BLOB NOT NULL,     -- of the client's internet address (IPv4, or IPv6 /64)
    amount            BIGINT NOT NULL,
    term_months       BIGINT NOT NULL,
    purpose           TEXT NOT NULL,
    source_company_id TEXT NOT NULL,     -- '' for none
    channel           TEXT NOT NULL,     -- site, server, officer
    status            TEXT NOT NULL,     -- waiting_for_approval, manual_review, approved, rejected
    outcome           TEXT NOT NULL,     -- of the verdict that stands
    verdict_id        TEXT NOT NULL,     -- the verdict that stands
    machine_id        TEXT NOT NULL,     -- the newest automatic verdict, whose input is pinned
    check_id          TEXT NOT NULL,     -- the network check that is shown
    asked_id          TEXT NOT NULL,     -- the newest request for a check, '' for none
    check_state       TEXT NOT NULL,     -- done, pending, unavailable, not_applicable
    created_at        BIGINT NOT NULL,
    notice_due        BIGINT NOT NULL,   -- date; far ahead once no adverse notice can be due
    decided_at        BIGINT NOT NULL,   -- 0 while no person has acted
    decided_by        TEXT NOT NULL,
    decided_by_name   TEXT NOT NULL,
    loan_id           TEXT NOT NULL,     -- '' unless approved
    revision          BIGINT NOT NULL    -- moves with every change; its update locks the application
);
CREATE UNIQUE INDEX application_seq ON application (seq);
CREATE INDEX application_created        ON application (created_at, seq);
CREATE INDEX application_status         ON application (status, created_at, seq);
CREATE INDEX application_outcome        ON application (outcome, created_at, seq);
CREATE INDEX application_company        ON application (source_company_id, created_at, seq);
CREATE INDEX application_region         ON application (region, created_at, seq);
CREATE INDEX application_notice         ON application (notice_due, seq);
CREATE INDEX application_status_notice  ON application (status, notice_due, seq);
CREATE INDEX application_amount         ON application (amount, seq);
CREATE INDEX application_name           ON application (name_key, seq);
CREATE INDEX application_surname        ON application (surname_key, seq);
CREATE INDEX application_email          ON application (email_index, created_at);
CREATE INDEX application_phone          ON application (phone_index, created_at);
CREATE INDEX application_address        ON application (address_index, created_at);

-- Append-only. A row whose asked_id is its own id asks for a check and holds
-- the client's address; any other row is an answer to the one it names.
CREATE TABLE network_check (
    id             TEXT PRIMARY KEY,
    application_id TEXT NOT NULL REFERENCES application (id),
    asked_id       TEXT NOT NULL,
    state          TEXT NOT NULL,
    address        BLOB NOT NULL,        -- these four sealed under the applicant's key, empty for none
    peer           BLOB NOT NULL,
    forwarded      BLOB NOT NULL,        -- the raw header
    user_agent     BLOB NOT NULL,
    chosen         TEXT NOT NULL,        -- why this address was chosen
    facts          BLOB NOT NULL,        -- JSON, sealed: facts, comparison of the place, answers of the sources
    sources        TEXT NOT NULL,        -- JSON: name, version, at, decision_use
    raw_hash       TEXT NOT NULL,        -- SHA-256 of the raw answer, hex
    failure        TEXT NOT NULL,        -- stable code, '' for none
    at             BIGINT NOT NULL
);
CREATE INDEX network_check_application ON network_check (application_id, at);
CREATE INDEX network_check_asked       ON network_check (asked_id);

-- Append-only: every decision of the engine and of people.
CREATE TABLE verdict (
    id             TEXT PRIMARY KEY,
    application_id TEXT NOT NULL REFERENCES application (id),
    check_id       TEXT NOT NULL,
    rules_version  BIGINT NOT NULL,
    input          TEXT NOT NULL,        -- JSON of what the rules looked at: findings and counts, nothing that names a person
    results        TEXT NOT NULL,        -- JSON, one entry a rule
    outcome        TEXT NOT NULL,
    reasons        TEXT NOT NULL,        -- JSON
    automatic      BIGINT NOT NULL,
    actor          TEXT NOT NULL,
    actor_name     TEXT NOT NULL,
    note           TEXT NOT NULL,        -- the reason that a person gave
    at             BIGINT NOT NULL
);
CREATE INDEX verdict_application ON verdict (application_id, at);

-- Append-only: moves of status, as the underwriter sees them.
CREATE TABLE application_transition (
    application_id TEXT NOT NULL REFERENCES application (id),
    n              BIGINT NOT NULL,      -- the application's revision
    from_status    TEXT NOT NULL,
    to_status      TEXT NOT NULL,
    actor          TEXT NOT NULL,
    actor_name     TEXT NOT NULL,
    reason         TEXT NOT NULL,
    at             BIGINT NOT NULL,
    PRIMARY KEY (application_id, n)
);

CREATE TABLE rule_set (
    version   BIGINT PRIMARY KEY,
    applicant TEXT NOT NULL,             -- JSON lists of rules
    network   TEXT NOT NULL,
    by_id     TEXT NOT NULL,             -- '' as shipped
    by_name   TEXT NOT NULL,
    at        BIGINT NOT NULL
);

CREATE TABLE ipstack_connection (
    id            BIGINT PRIMARY KEY,    -- 1
    version       BIGINT NOT NULL,       -- moves with every change of what is asked or how
    base_url      TEXT NOT NULL,
    access_key    BLOB NOT NULL,         -- sealed under the tenant's key, empty for none
    timeout_ms    BIGINT NOT NULL,
    use_confirmed BIGINT NOT NULL,       -- 1: our contract allows its use in credit decisions
    confirmed_by  TEXT NOT NULL,
    confirmed_at  BIGINT NOT NULL,
    trouble       TEXT NOT NULL,         -- code of the alert that stands, '' for none
    trouble_words TEXT NOT NULL,
    trouble_at    BIGINT NOT NULL,
    trouble_until BIGINT NOT NULL,       -- 0: until mended
    tested_at     BIGINT NOT NULL,       -- 0: never
    test_ok       BIGINT NOT NULL,
    test_words    TEXT NOT NULL
);

-- +goose Down
DROP TABLE ipstack_connection;
DROP TABLE rule_set;
DROP TABLE application_transition;
DROP TABLE verdict;
DROP TABLE network_check;
DROP TABLE application;
DROP TABLE application_counter;
