-- +goose Up
-- The backups that were taken of this tenant: when, how large, and by which digest
-- the file is known. The file itself is not here.
CREATE TABLE backup (
    id       TEXT PRIMARY KEY,
    kind     TEXT NOT NULL,              -- data, key_store
    begun_at BIGINT NOT NULL,
    begun_by TEXT NOT NULL,
    ended_at BIGINT NOT NULL,            -- when the file was whole and durable; 0: not, or broken off
    bytes    BIGINT NOT NULL,
    sha256   TEXT NOT NULL,              -- of the file up to its signed end, hexadecimal
    trouble  TEXT NOT NULL               -- why there is no file; '' for nothing
);
CREATE INDEX backup_begun ON backup (begun_at);

-- +goose Down
DROP TABLE backup;
