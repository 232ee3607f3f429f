-- +goose Up
-- The audit trail: an entry commits into audit_pending with its effect; the
-- sequencer gives it its place, and its object's chain, within a second.
CREATE TABLE audit_pending (
  n         INTEGER PRIMARY KEY,
  id        TEXT   NOT NULL,
  at        BIGINT NOT NULL,
  hold      BIGINT NOT NULL,
  burst     TEXT   NOT NULL,
  count     BIGINT NOT NULL,
  actor     TEXT   NOT NULL,
  operation TEXT   NOT NULL,
  object    TEXT   NOT NULL,
  outcome   TEXT   NOT NULL,
  channel   TEXT   NOT NULL,
  address   TEXT   NOT NULL,
  body      BLOB   NOT NULL,
  sealed    BLOB   NOT NULL
);
CREATE UNIQUE INDEX audit_pending_burst ON audit_pending (burst) WHERE burst <> '';

CREATE TABLE audit_entry (
  sequence        INTEGER PRIMARY KEY,
  id              TEXT   NOT NULL,
  at              BIGINT NOT NULL,
  actor           TEXT   NOT NULL,
  operation       TEXT   NOT NULL,
  object          TEXT   NOT NULL,
  object_sequence BIGINT NOT NULL,
  outcome         TEXT   NOT NULL,
  channel         TEXT   NOT NULL,
  address         TEXT   NOT NULL,
  body            BLOB   NOT NULL,
  sealed          BLOB   NOT NULL,
  leaf            BLOB   NOT NULL,
  chain           BLOB   NOT NULL
);
CREATE UNIQUE INDEX audit_entry_id   ON audit_entry (id);
CREATE INDEX audit_entry_at          ON audit_entry (at);
CREATE INDEX audit_entry_actor       ON audit_entry (actor, at);
CREATE INDEX audit_entry_operation   ON audit_entry (operation, at);
CREATE INDEX audit_entry_object      ON audit_entry (object, at);
CREATE INDEX audit_entry_channel     ON audit_entry (channel, at);
CREATE INDEX audit_entry_address     ON audit_entry (address, at);
CREATE INDEX audit_entry_refused     ON audit_entry (outcome, at) WHERE outcome <> 'allowed';

CREATE TABLE audit_chain (
  object TEXT   PRIMARY KEY,
  length BIGINT NOT NULL,
  last   BIGINT NOT NULL,
  head   BLOB   NOT NULL
);

CREATE TABLE audit_state (
  name   TEXT   PRIMARY KEY,
  size   BIGINT NOT NULL,
  head   BLOB   NOT NULL,
  holder TEXT   NOT NULL,
  until  BIGINT NOT NULL
);

-- +goose Down
DROP TABLE audit_state;
DROP TABLE audit_chain;
DROP TABLE audit_entry;
DROP TABLE audit_pending;
