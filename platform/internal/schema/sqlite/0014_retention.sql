-- +goose Up
-- How long entries of the trail stay, and how far disposal has come.
ALTER TABLE audit_entry ADD COLUMN disposal TEXT NOT NULL DEFAULT ''; -- by which its content went; '': it is whole

-- Categories without a row follow the house's own rule.
CREATE TABLE audit_retention (
  category   TEXT   PRIMARY KEY,
  months     BIGINT NOT NULL, -- 0: for ever; -1: as the house says
  changed_at BIGINT NOT NULL,
  changed_by TEXT   NOT NULL,
  reached    BIGINT NOT NULL, -- no entry up to this sequence waits for disposal
  basis      TEXT   NOT NULL, -- the rule and the holds under which that was found
  looked_at  BIGINT NOT NULL,
  disposed   BIGINT NOT NULL, -- entries, all in all
  last_at    BIGINT NOT NULL  -- of the last disposal; 0: none yet
);

-- +goose Down
DROP TABLE audit_retention;
ALTER TABLE audit_entry DROP COLUMN disposal;
