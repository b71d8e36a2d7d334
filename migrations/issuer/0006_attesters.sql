-- Codes printed for one desk. What is kept of a desk is the name that its operator gave it, and never who got a code.
CREATE TABLE voucher_batches (
    id BIGINT NOT NULL PRIMARY KEY,
    desk TEXT NOT NULL,
    expires BIGINT NOT NULL,            -- Unix second from which on its codes buy nothing
    revoked BIGINT NOT NULL             -- 1: they buy nothing at once
);

-- Null: a code that was minted alone, which does not expire.
ALTER TABLE vouchers ADD COLUMN batch BIGINT REFERENCES voucher_batches (id);
CREATE INDEX vouchers_of_batch ON vouchers (batch);

-- A solved puzzle stays until the epoch that it bought from is over, so that the same request gets the same answer.
ALTER TABLE puzzles ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;

-- One row an epoch: what makes an account's pseudonym in it. Goes with the epoch.
CREATE TABLE account_keys (
    epoch BIGINT NOT NULL PRIMARY KEY,
    seed BYTEA NOT NULL
);

-- What accounts bought in an epoch, under pseudonyms of that epoch. Goes with it.
CREATE TABLE accounts (
    epoch BIGINT NOT NULL,
    pseudonym BYTEA NOT NULL,
    place BIGINT NOT NULL,              -- the first, second … batch of this account
    request_hash BYTEA NOT NULL,
    PRIMARY KEY (epoch, pseudonym, place)
);
