-- +goose Up
-- Access control in full: teams, limits, grants, requests, proposals of four
-- eyes, second factors, and what a tenant decides about its doors.
CREATE TABLE access_setting (
    id               BIGINT PRIMARY KEY,
    factors_required BIGINT NOT NULL,        -- 1: everybody needs a second factor, but for recorded exceptions
    password_days    BIGINT NOT NULL,        -- a password lives so many days; 0: for ever
    lock_after       BIGINT NOT NULL,        -- wrong passwords in a row
    lock_minutes     BIGINT NOT NULL,
    four_eyes        TEXT NOT NULL           -- JSON list of operations that a second person must approve
);
INSERT INTO access_setting (id, factors_required, password_days, lock_after, lock_minutes, four_eyes) VALUES (1, 1, 0, 10, 30, '[]');

ALTER TABLE staff ADD COLUMN grantable TEXT NOT NULL DEFAULT '';          -- JSON list of operations that the person may give away; '' follows the role
ALTER TABLE staff ADD COLUMN role_until BIGINT NOT NULL DEFAULT 0;        -- until when role_id is lent; 0: for good
ALTER TABLE staff ADD COLUMN role_after TEXT NOT NULL DEFAULT '';         -- the role that comes back then
ALTER TABLE staff ADD COLUMN password_must_change BIGINT NOT NULL DEFAULT 0;

ALTER TABLE session ADD COLUMN factor_at BIGINT NOT NULL DEFAULT 0;       -- when this session last gave a second factor; 0: not yet
ALTER TABLE session ADD COLUMN proved_at BIGINT NOT NULL DEFAULT 0;       -- when it last proved the person again, by a factor or, under an exception, by the password
ALTER TABLE session ADD COLUMN view_as TEXT NOT NULL DEFAULT '';          -- 'user/us_…', 'role/ro_…' or 'draft': read-only, through other eyes
ALTER TABLE session ADD COLUMN view_draft TEXT NOT NULL DEFAULT '';       -- JSON of the role that is not saved yet

ALTER TABLE api_key ADD COLUMN scope TEXT NOT NULL DEFAULT '';            -- JSON list of operations; '' is not narrowed
ALTER TABLE api_key ADD COLUMN successor TEXT NOT NULL DEFAULT '';        -- the key that it was rotated into

ALTER TABLE password_reset ADD COLUMN invitation BIGINT NOT NULL DEFAULT 0;

ALTER TABLE search_restriction ADD COLUMN limits TEXT NOT NULL DEFAULT '[]'; -- JSON list of area, when, level, message

ALTER TABLE role ADD COLUMN customized BIGINT NOT NULL DEFAULT 0;          -- 1: a shipped role whose content is the tenant's own by now
ALTER TABLE role ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;          -- last change; 0: as it was shipped
ALTER TABLE role ADD COLUMN changed_by TEXT NOT NULL DEFAULT '';           -- who made it, as the trail names people

CREATE TABLE team (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE team_member (
    team_id TEXT NOT NULL REFERENCES team (id),
    user_id TEXT NOT NULL REFERENCES staff (id),
    PRIMARY KEY (team_id, user_id)
);
CREATE INDEX team_member_by_user ON team_member (user_id, team_id);

CREATE TABLE team_restriction (
    team_id        TEXT NOT NULL REFERENCES team (id),
    restriction_id TEXT NOT NULL REFERENCES search_restriction (id),
    PRIMARY KEY (team_id, restriction_id)
);
CREATE INDEX team_restriction_by_restriction ON team_restriction (restriction_id, team_id);

CREATE TABLE restriction_pause (
    user_id        TEXT NOT NULL REFERENCES staff (id),
    restriction_id TEXT NOT NULL REFERENCES search_restriction (id),
    until          BIGINT NOT NULL,          -- the restriction does not bind the person before this instant
    PRIMARY KEY (user_id, restriction_id)
);

CREATE TABLE access_grant (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES staff (id),
    session_id TEXT NOT NULL,
    object     TEXT NOT NULL,                -- 'loan/ln_…'
    operations TEXT NOT NULL,                -- JSON list of operation names
    fields     TEXT NOT NULL,                -- JSON list of fields that may be seen or changed beyond the role
    source     TEXT NOT NULL,                -- what lends it: 'walkthrough_run/…'
    made_at    BIGINT NOT NULL,
    until      BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL               -- 0 while it lives
);
CREATE INDEX access_grant_by_user ON access_grant (user_id, ended_at, until);

CREATE TABLE second_factor (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES staff (id),
    kind       TEXT NOT NULL,                -- totp, passkey
    label      TEXT NOT NULL,
    credential TEXT NOT NULL,                -- base64 of a passkey's id, '' for codes
    sealed     BYTEA NOT NULL,                -- the secret or the credential record, under the tenant's ring
    last_step  BIGINT NOT NULL,              -- codes: the step used last; a code is good once
    active     BIGINT NOT NULL,              -- 0 until the first code has been given
    made_at    BIGINT NOT NULL,
    used_at    BIGINT NOT NULL
);
CREATE INDEX second_factor_by_user ON second_factor (user_id, made_at);
CREATE INDEX second_factor_by_credential ON second_factor (credential);

CREATE TABLE recovery_code (
    user_id   TEXT NOT NULL REFERENCES staff (id),
    code_hash BYTEA NOT NULL,
    used_at   BIGINT NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE factor_exception (
    id          TEXT PRIMARY KEY,
    user_id     TEXT NOT NULL REFERENCES staff (id),
    reason      TEXT NOT NULL,
    approved_by TEXT NOT NULL,
    made_at     BIGINT NOT NULL,
    until       BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL
);
CREATE INDEX factor_exception_by_user ON factor_exception (user_id, until);
INSERT INTO factor_exception (id, user_id, reason, approved_by, made_at, until, ended_at)
SELECT 'fx_' || substr(id, 4), id, factor_note, 'house/migration', created_at, created_at + 31536000000000, 0 FROM staff WHERE factor_note <> '';
ALTER TABLE staff DROP COLUMN factor_note;

CREATE TABLE factor_challenge (
    token_hash BYTEA PRIMARY KEY,             -- of the random name that the browser brings back
    user_id    TEXT NOT NULL,                -- '' for signing in by passkey alone
    purpose    TEXT NOT NULL,
    state      BYTEA NOT NULL,
    until      BIGINT NOT NULL
);
CREATE INDEX factor_challenge_until ON factor_challenge (until);

CREATE TABLE password_history (
    user_id       TEXT NOT NULL REFERENCES staff (id),
    set_at        BIGINT NOT NULL,
    password_hash TEXT NOT NULL,
    PRIMARY KEY (user_id, set_at)
);

CREATE TABLE proposal (
    id          TEXT PRIMARY KEY,
    operation   TEXT NOT NULL,
    object      TEXT NOT NULL,
    input       BYTEA NOT NULL,               -- what was asked for, sealed under the tenant's ring
    difference  BYTEA NOT NULL,               -- what it would change, sealed likewise
    reason      TEXT NOT NULL,
    state       TEXT NOT NULL,               -- open, approved, rejected, withdrawn, expired
    proposed_by TEXT NOT NULL,
    proposed_at BIGINT NOT NULL,
    ends_at     BIGINT NOT NULL,
    decided_by  TEXT NOT NULL,
    decided_at  BIGINT NOT NULL,
    remark      TEXT NOT NULL
);
CREATE INDEX proposal_by_state ON proposal (state, proposed_at);

CREATE TABLE access_request (
    id          TEXT PRIMARY KEY,
    user_id     TEXT NOT NULL REFERENCES staff (id),
    operation   TEXT NOT NULL,
    channel     TEXT NOT NULL,
    object      TEXT NOT NULL,
    layer       TEXT NOT NULL,               -- the layer that said no
    change      TEXT NOT NULL,               -- JSON: the smallest change that would allow it
    reason      TEXT NOT NULL,
    until       BIGINT NOT NULL,             -- asked for until then
    state       TEXT NOT NULL,               -- open, granted, refused, withdrawn
    made_at     BIGINT NOT NULL,
    decided_by  TEXT NOT NULL,
    decided_at  BIGINT NOT NULL,
    remark      TEXT NOT NULL,
    decision    TEXT NOT NULL,               -- the denial that it was asked from; '' for none
    address     TEXT NOT NULL,               -- from which the call was made that was denied
    lent_role   TEXT NOT NULL                -- the role that was made to be lent by it; '' for none
);
CREATE INDEX access_request_by_state ON access_request (state, made_at);
CREATE INDEX access_request_by_user ON access_request (user_id, made_at);

CREATE TABLE way_back (
    token_hash BYTEA PRIMARY KEY,             -- of the link that undoes a change which locked out its editor
    rule_id    TEXT NOT NULL,
    before     TEXT NOT NULL,                -- JSON of the address rule as it was; '' if it was not there
    after      TEXT NOT NULL,                -- JSON of it as the change left it: what somebody has changed since is not undone
    user_id    TEXT NOT NULL,
    until      BIGINT NOT NULL,
    used_at    BIGINT NOT NULL
);

-- +goose Down
DROP TABLE way_back;
DROP TABLE access_request;
DROP TABLE proposal;
DROP TABLE password_history;
DROP TABLE factor_challenge;
ALTER TABLE staff ADD COLUMN factor_note TEXT NOT NULL DEFAULT '';
DROP TABLE factor_exception;
DROP TABLE recovery_code;
DROP TABLE second_factor;
DROP TABLE access_grant;
DROP TABLE restriction_pause;
DROP TABLE team_restriction;
DROP TABLE team_member;
DROP TABLE team;
ALTER TABLE role DROP COLUMN changed_by;
ALTER TABLE role DROP COLUMN changed_at;
ALTER TABLE role DROP COLUMN customized;
ALTER TABLE search_restriction DROP COLUMN limits;
ALTER TABLE password_reset DROP COLUMN invitation;
ALTER TABLE api_key DROP COLUMN successor;
ALTER TABLE api_key DROP COLUMN scope;
ALTER TABLE session DROP COLUMN view_draft;
ALTER TABLE session DROP COLUMN proved_at;
ALTER TABLE session DROP COLUMN view_as;
ALTER TABLE session DROP COLUMN factor_at;
ALTER TABLE staff DROP COLUMN password_must_change;
ALTER TABLE staff DROP COLUMN role_after;
ALTER TABLE staff DROP COLUMN role_until;
ALTER TABLE staff DROP COLUMN grantable;
DROP TABLE access_setting;
