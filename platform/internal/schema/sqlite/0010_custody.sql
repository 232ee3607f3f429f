-- +goose Up
-- Custody of keys: which key is being turned and how far that has come, what was
-- counted as its proof, and when keys are turned by themselves.
CREATE TABLE key_rotation (
    id          TEXT PRIMARY KEY,
    purpose     TEXT NOT NULL,
    old_version BIGINT NOT NULL,
    new_version BIGINT NOT NULL,         -- 0 until it stands by
    state       TEXT NOT NULL,           -- asked, staged, promoted, moving, proving, kept, proved, ended
    mark        TEXT NOT NULL,           -- JSON: how far the walk over the rows has come
    pass        BIGINT NOT NULL,         -- walks begun
    seen        BIGINT NOT NULL,         -- rows of this walk
    total       BIGINT NOT NULL,         -- rows of the walk before, 0: not known
    trouble     TEXT NOT NULL,           -- what stops it, in words; '' for nothing
    asked_by    TEXT NOT NULL,
    asked_at    BIGINT NOT NULL,
    moved_at    BIGINT NOT NULL,         -- since when it is in its state
    proved_at   BIGINT NOT NULL,         -- when no row was left on the old version, 0: not yet
    drop_at     BIGINT NOT NULL,         -- when the old version goes, 0: not yet known
    ended_at    BIGINT NOT NULL          -- 0: it goes on
);
CREATE UNIQUE INDEX key_rotation_open ON key_rotation (purpose) WHERE ended_at = 0;
CREATE INDEX key_rotation_asked ON key_rotation (asked_at);

-- What the last count of a rotation found, a place a row.
CREATE TABLE key_proof (
    rotation_id TEXT NOT NULL REFERENCES key_rotation (id),
    place       TEXT NOT NULL,           -- table, or table.column of a blind index
    found       BIGINT NOT NULL,         -- rows that hold something of the purpose
    remaining   BIGINT NOT NULL,         -- of them, not under the new version
    broken      BIGINT NOT NULL,         -- of those, refused when opened
    first_row   TEXT NOT NULL,           -- the first that remains
    PRIMARY KEY (rotation_id, place)
);

-- Purposes without a row follow the house's own policy.
CREATE TABLE key_policy (
    purpose     TEXT PRIMARY KEY,
    rotate_days BIGINT NOT NULL,         -- 0: never by itself
    keep_days   BIGINT NOT NULL,         -- how long an old version is kept after the proof
    changed_at  BIGINT NOT NULL,
    changed_by  TEXT NOT NULL
);

-- +goose Down
DROP TABLE key_policy;
DROP TABLE key_proof;
DROP TABLE key_rotation;
