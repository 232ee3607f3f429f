-- +goose Up
-- What was asked for stood here as a hash without a key, from which nine digits can be
-- guessed. The table is written anew, so that its old rows do not lie on in its file. The
-- answers stay: a call that is repeated over the upgrade is not done twice.
DROP INDEX idempotency_at;
ALTER TABLE idempotency RENAME TO idempotency_unkeyed;
CREATE TABLE idempotency (
    principal    TEXT NOT NULL,
    operation    TEXT NOT NULL,
    given_key    TEXT NOT NULL,
    request_hash BYTEA NOT NULL,               -- keyed; '': of an older version, gone
    answer       BYTEA NOT NULL,
    at           BIGINT NOT NULL,
    PRIMARY KEY (principal, operation, given_key)
);
INSERT INTO idempotency (principal, operation, given_key, request_hash, answer, at)
    SELECT principal, operation, given_key, '', answer, at FROM idempotency_unkeyed;
DROP TABLE idempotency_unkeyed;
CREATE INDEX idempotency_at ON idempotency (at);

-- +goose Down
DELETE FROM idempotency; -- an older version cannot compare these
