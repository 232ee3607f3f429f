-- +goose Up
-- Which tenants there are and where each one's data lives.
CREATE TABLE tenant (
    id         TEXT PRIMARY KEY,
    slug       TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    host       TEXT NOT NULL UNIQUE,
    region     TEXT NOT NULL,
    zone       TEXT NOT NULL,                -- IANA time zone: what "today" means
    engine     TEXT NOT NULL,                -- sqlite, postgres
    location   TEXT NOT NULL,                -- file or database name; never a password
    ring       BLOB NOT NULL,                -- the tenant's keyset, wrapped by the KMS
    active     BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE tenant;
