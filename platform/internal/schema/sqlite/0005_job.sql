-- +goose Up
-- Durable, leased work, written in the transaction that asks for it. State:
-- waiting, running, dead; due_at is when a runner must look at the row again
-- (waiting: run_at; running: the end of its lease).
CREATE TABLE job (
	id         TEXT PRIMARY KEY,
	kind       TEXT   NOT NULL,
	dedupe     TEXT   NOT NULL,
	payload    TEXT   NOT NULL,
	state      TEXT   NOT NULL,
	run_at     BIGINT NOT NULL,
	due_at     BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	attempts   BIGINT NOT NULL,
	lease      TEXT   NOT NULL,
	last_error TEXT   NOT NULL
);
CREATE UNIQUE INDEX job_waiting ON job (kind, dedupe) WHERE state = 'waiting' AND dedupe <> '';
CREATE INDEX job_due ON job (due_at) WHERE state <> 'dead';

-- +goose Down
DROP TABLE job;
