-- +goose Up
-- The tree over the audit trail: its right edge, one node of every 256, and what was
-- signed about it.
CREATE TABLE audit_tree (
  name TEXT   PRIMARY KEY,
  size BIGINT NOT NULL,
  edge BYTEA  NOT NULL
);

CREATE TABLE audit_node (
  level BIGINT NOT NULL,
  place BIGINT NOT NULL,
  hash  BYTEA  NOT NULL,
  PRIMARY KEY (level, place)
);

CREATE TABLE audit_checkpoint (
  size BIGINT PRIMARY KEY,
  at   BIGINT NOT NULL,
  note TEXT   NOT NULL
);

CREATE TABLE audit_handover (
  key  TEXT   PRIMARY KEY, -- the key that was named
  at   BIGINT NOT NULL,
  note TEXT   NOT NULL     -- signed by the key before it
);

CREATE TABLE audit_witness (
  id         TEXT   PRIMARY KEY,
  kind       TEXT   NOT NULL, -- file, https or mail
  target     TEXT   NOT NULL, -- a folder, an address, a mailbox
  key        TEXT   NOT NULL, -- by which it signs; empty: it does not
  active     BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT   NOT NULL,
  size       BIGINT NOT NULL, -- of the checkpoint that it took last; 0: none
  note       TEXT   NOT NULL, -- that checkpoint, with its signature if it gave one
  taken_at   BIGINT NOT NULL,
  tried_at   BIGINT NOT NULL,
  trouble    TEXT   NOT NULL, -- of the last try; empty: it took it
  parted     BIGINT NOT NULL  -- since when it holds something that is not the beginning of this trail; 0: never
);

-- +goose Down
DROP TABLE audit_witness;
DROP TABLE audit_handover;
DROP TABLE audit_checkpoint;
DROP TABLE audit_node;
DROP TABLE audit_tree;
