-- +goose Up
-- Who may do what: users, credentials, roles, restrictions, address rules.
CREATE TABLE policy_version (
    id            BIGINT PRIMARY KEY,
    version       BIGINT NOT NULL,
    tenant_active BIGINT NOT NULL
);
INSERT INTO policy_version (id, version, tenant_active) VALUES (1, 1, 1);

CREATE TABLE role (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    shipped     TEXT NOT NULL,               -- name of the shipped set, '' for the tenant's own
    ui          TEXT NOT NULL,               -- JSON list of operation names, for own roles
    api         TEXT NOT NULL,
    visibility  TEXT NOT NULL                -- JSON: ssn, bank_account, date_of_birth
);

CREATE TABLE staff (
    id             TEXT PRIMARY KEY,
    email          TEXT NOT NULL UNIQUE,     -- lower case; the log-in name
    name           TEXT NOT NULL,
    role_id        TEXT NOT NULL REFERENCES role (id),
    active         BIGINT NOT NULL,
    machine        BIGINT NOT NULL,          -- 1: has keys and no sign-in
    password_hash  TEXT NOT NULL,            -- argon2id in PHC form, '' for none
    password_at    BIGINT NOT NULL,
    failures       BIGINT NOT NULL,          -- wrong passwords since the last right one
    locked_until   BIGINT NOT NULL,
    factor_note    TEXT NOT NULL,            -- recorded exception from second factors, '' for none
    created_at     BIGINT NOT NULL
);

CREATE TABLE session (
    id         TEXT PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE,
    user_id    TEXT NOT NULL REFERENCES staff (id),
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL,              -- 0 while it lives
    address    TEXT NOT NULL,
    user_agent TEXT NOT NULL
);
CREATE INDEX session_by_user ON session (user_id, created_at);

CREATE TABLE api_key (
    id           TEXT PRIMARY KEY,
    locator      TEXT NOT NULL UNIQUE,
    secret_hash  BLOB NOT NULL,
    user_id      TEXT NOT NULL REFERENCES staff (id),
    label        TEXT NOT NULL,
    server       BIGINT NOT NULL,            -- 1: a server key, which hands in applications for applicants
    created_at   BIGINT NOT NULL,
    created_by   TEXT NOT NULL,
    expires_at   BIGINT NOT NULL,            -- 0: never
    revoked_at   BIGINT NOT NULL,            -- 0 while it lives
    used_at      BIGINT NOT NULL,
    used_address TEXT NOT NULL
);
CREATE INDEX api_key_by_user ON api_key (user_id, created_at);

CREATE TABLE site_key (
    id             TEXT PRIMARY KEY,
    public_key     TEXT NOT NULL UNIQUE,     -- pk_…: not a secret, bound to its origins
    label          TEXT NOT NULL,
    origins        TEXT NOT NULL,            -- JSON list of origins
    source_company TEXT NOT NULL,            -- id, '' for none
    active         BIGINT NOT NULL,
    created_at     BIGINT NOT NULL
);

CREATE TABLE password_reset (
    token_hash BLOB PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES staff (id),
    created_at BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL,
    used_at    BIGINT NOT NULL
);

CREATE TABLE search_restriction (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    visible      TEXT NOT NULL,              -- CEL over loan, borrower, custom
    borrowers    TEXT NOT NULL,              -- CEL or ''
    applications TEXT NOT NULL,              -- CEL or ''
    created_at   BIGINT NOT NULL
);

CREATE TABLE staff_restriction (
    user_id        TEXT NOT NULL REFERENCES staff (id),
    restriction_id TEXT NOT NULL REFERENCES search_restriction (id),
    PRIMARY KEY (user_id, restriction_id)
);

CREATE TABLE ip_rule (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    deny       BIGINT NOT NULL,
    entries    TEXT NOT NULL,                -- JSON list of addresses, prefixes, ranges
    active     BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE ip_rule_holder (
    rule_id TEXT NOT NULL REFERENCES ip_rule (id),
    kind    TEXT NOT NULL,                   -- tenant, role, user, key
    holder  TEXT NOT NULL,                   -- '' for the tenant
    PRIMARY KEY (rule_id, kind, holder)
);

CREATE TABLE idempotency (
    principal    TEXT NOT NULL,
    operation    TEXT NOT NULL,
    given_key    TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    answer       BLOB NOT NULL,
    at           BIGINT NOT NULL,
    PRIMARY KEY (principal, operation, given_key)
);
CREATE INDEX idempotency_at ON idempotency (at);

-- +goose Down
DROP TABLE idempotency;
DROP TABLE ip_rule_holder;
DROP TABLE ip_rule;
DROP TABLE staff_restriction;
DROP TABLE search_restriction;
DROP TABLE password_reset;
DROP TABLE site_key;
DROP TABLE api_key;
DROP TABLE session;
DROP TABLE staff;
DROP TABLE role;
DROP TABLE policy_version;
