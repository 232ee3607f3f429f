-- +goose Up
-- Recoveries of a tenant that nobody can administer: who is to be its administrator,
-- asked for on the machine itself, and in force a day later unless somebody refuses.
CREATE TABLE admin_recovery (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES staff (id),
    reason       TEXT NOT NULL,
    asked_at     BIGINT NOT NULL,
    effective_at BIGINT NOT NULL,
    state        TEXT NOT NULL,         -- waiting, done, refused
    decided_by   TEXT NOT NULL,         -- who refused it
    decided_at   BIGINT NOT NULL,       -- when it was refused or came into force; 0: not yet
    remark       TEXT NOT NULL          -- why it was refused
);
CREATE UNIQUE INDEX admin_recovery_waiting ON admin_recovery (state) WHERE state = 'waiting';

-- +goose Down
DROP TABLE admin_recovery;
