-- +goose Up
-- Wrapped personal keys: destroying one makes that person's data unreadable.
CREATE TABLE person_key (
    person       TEXT PRIMARY KEY,
    wrapped      BYTEA NOT NULL,
    created_at   BIGINT NOT NULL,
    destroyed_at BIGINT NOT NULL DEFAULT 0
);

-- +goose Down
DROP TABLE person_key;
