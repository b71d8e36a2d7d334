-- One row an epoch, for ever: a clock set back finds its key taken, and makes no second one.
CREATE TABLE token_keys (
    epoch BIGINT NOT NULL PRIMARY KEY,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    spki BYTEA NOT NULL,
    pkcs8 BYTEA                 -- null once the epoch is over: what can't be signed can't be backdated
);

-- Codes are printed once and kept by nobody here.
CREATE TABLE vouchers (
    code_hash BYTEA NOT NULL PRIMARY KEY,
    spent_epoch BIGINT,         -- null until it bought a token
    request_hash BYTEA          -- for a retry in the same epoch; null before and afterwards
);

-- Solved puzzles, until the day after they expire.
CREATE TABLE puzzles (
    id BYTEA NOT NULL PRIMARY KEY,
    last_day BIGINT NOT NULL,
    request_hash BYTEA NOT NULL
);

-- One row: the key that signs puzzles, so that a restart takes those that are under way.
CREATE TABLE puzzle_key (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    seed BYTEA NOT NULL
);

CREATE TABLE log_outbox (
    id INTEGER PRIMARY KEY,
    log TEXT NOT NULL,
    statement BYTEA NOT NULL
);
