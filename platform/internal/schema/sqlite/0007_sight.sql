-- +goose Up
-- Kept sets in every order of a list. In an order in which the visible loans
-- lie scattered, a set is loan's own index with the set's bit in it; in any
-- other each visible loan has a place, by the order's key and its number. Sets
-- made before have no orders; they are built anew when the program starts.
DROP TABLE visible_loan;
DROP TABLE visible_set;

CREATE TABLE visible_set (
    set_no   INTEGER PRIMARY KEY,
    set_key  TEXT NOT NULL,              -- names the rules as compiled, on the day
    rules    TEXT NOT NULL,              -- JSON list of the rules as written
    day      BIGINT NOT NULL,            -- for rules that read the date: the day on which the set serves; 0: any
    state    BIGINT NOT NULL,            -- 0 being built, 1 ready, 2 void
    loans    BIGINT NOT NULL,
    bit      BIGINT NOT NULL,            -- in loan.shown; 0: none was free
    walked   BIGINT NOT NULL,            -- the orders without places, one bit each
    built_to TEXT NOT NULL,              -- id of the last loan that the build has seen
    made_at  BIGINT NOT NULL
);
CREATE INDEX visible_set_key ON visible_set (set_key, state);

CREATE TABLE visible_place (
    set_no INTEGER NOT NULL,             -- of visible_set; rows of a void set are swept in pieces
    sort   INTEGER NOT NULL,             -- which order
    num    BIGINT NOT NULL,              -- the loan's key in it: a number, 0 where the key is a text
    txt    TEXT   NOT NULL,              -- or a text, '' where the key is a number
    number TEXT   NOT NULL,              -- the loan's
    PRIMARY KEY (set_no, sort, num, txt, number)
) WITHOUT ROWID; -- of this engine alone: the order is the table, and a move is two pages and not three

-- The sets that show a loan, and the keys under which it lies in their orders.
ALTER TABLE loan ADD COLUMN shown           BIGINT NOT NULL DEFAULT 0;
ALTER TABLE loan ADD COLUMN placed_borrower TEXT   NOT NULL DEFAULT '';
ALTER TABLE loan ADD COLUMN placed_balance  BIGINT NOT NULL DEFAULT 0;
ALTER TABLE loan ADD COLUMN placed_due      BIGINT NOT NULL DEFAULT 0;
ALTER TABLE loan ADD COLUMN placed_opened   BIGINT NOT NULL DEFAULT 0;
ALTER TABLE loan ADD COLUMN placed_status   TEXT   NOT NULL DEFAULT '';

-- The orders that every payment moves.
DROP INDEX loan_balance;
DROP INDEX loan_due;
CREATE INDEX loan_balance ON loan (principal_balance, number, shown);
CREATE INDEX loan_due     ON loan (due_key, number, shown);

-- +goose Down
DROP INDEX loan_balance;
DROP INDEX loan_due;
CREATE INDEX loan_balance ON loan (principal_balance, number, id);
CREATE INDEX loan_due     ON loan (due_key, number, id);
ALTER TABLE loan DROP COLUMN placed_status;
ALTER TABLE loan DROP COLUMN placed_opened;
ALTER TABLE loan DROP COLUMN placed_due;
ALTER TABLE loan DROP COLUMN placed_balance;
ALTER TABLE loan DROP COLUMN placed_borrower;
ALTER TABLE loan DROP COLUMN shown;
DROP TABLE visible_place;
DROP TABLE visible_set;
CREATE TABLE visible_set (
    id       TEXT PRIMARY KEY,
    set_key  TEXT NOT NULL,
    rules    TEXT NOT NULL,
    state    BIGINT NOT NULL,
    loans    BIGINT NOT NULL,
    built_to TEXT NOT NULL,
    made_at  BIGINT NOT NULL
);
CREATE INDEX visible_set_key ON visible_set (set_key, state);
CREATE TABLE visible_loan (
    set_id  TEXT NOT NULL,
    number  TEXT NOT NULL,
    loan_id TEXT NOT NULL,
    PRIMARY KEY (set_id, number, loan_id)
);
