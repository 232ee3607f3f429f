-- +goose Up
-- The tree over the audit trail: its right edge, one node of every 256, and what was
-- signed about it.
CREATE TABLE audit_tree (
  name TEXT   PRIMARY KEY,
  size BIGINT NOT NULL,
  edge BLOB   NOT NULL
);

CREATE TABLE audit_node (
  level BIGINT NOT NULL,
  place BIGINT NOT NULL,
  hash  BLOB   NOT NULL,
  PRIMARY KEY (level, place)
);

CREATE TABLE audit_checkpoint (
  size BIGINT PRIMARY KEY,
  at   BIGINT NOT NULL,
  note TEXT   NOT NULL
);

-- +goose Down
DROP TABLE audit_checkpoint;
DROP TABLE audit_node;
DROP TABLE audit_tree;
