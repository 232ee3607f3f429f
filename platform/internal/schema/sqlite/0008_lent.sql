-- +goose Up
-- What is lent until an instant, and what tells two editors of one thing apart.
ALTER TABLE role ADD COLUMN lent_from TEXT NOT NULL DEFAULT '';                 -- the role that a lent one adds to: it holds what that holds now, and more
ALTER TABLE search_restriction ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0; -- last change; 0: as it was made
ALTER TABLE search_restriction ADD COLUMN changed_by TEXT NOT NULL DEFAULT '';  -- who made it, as the trail names people
ALTER TABLE ip_rule ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE ip_rule ADD COLUMN changed_by TEXT NOT NULL DEFAULT '';

CREATE TABLE lent_loan (
    user_id  TEXT NOT NULL REFERENCES staff (id),
    loan_id  TEXT NOT NULL,
    until    BIGINT NOT NULL,                -- no search restriction hides the loan from the person before this instant
    made_at  BIGINT NOT NULL,
    made_by  TEXT NOT NULL,                  -- 'user/us_…'
    PRIMARY KEY (user_id, loan_id)
);

-- +goose Down
DROP TABLE lent_loan;
ALTER TABLE ip_rule DROP COLUMN changed_by;
ALTER TABLE ip_rule DROP COLUMN changed_at;
ALTER TABLE search_restriction DROP COLUMN changed_by;
ALTER TABLE search_restriction DROP COLUMN changed_at;
ALTER TABLE role DROP COLUMN lent_from;
