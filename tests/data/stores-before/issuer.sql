-- The issuer's store as the program before this one left it, by its migrations alone, with a few rows. Never changed.
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL);
INSERT INTO "_sqlx_migrations" VALUES(1,'issuer','2026-11-01 00:00:00',1,X'24C0DEEFEA5E86B25D5727FAE7E7C99E78CA148FFA598446EABF9B4BAD4D2052F5F842C10B704BFBB7B845BDFCE1AD63',-1);
INSERT INTO "_sqlx_migrations" VALUES(5,'witnessed','2026-11-01 00:00:00',1,X'10FCEA377649092292B031CABB7E7F00E465BD8096BBC4E04138865FE6B5DAA11997BA13B8906247AD6E5A0885A7A693',-1);
CREATE TABLE log_outbox (
    id INTEGER PRIMARY KEY,
    log TEXT NOT NULL,
    statement BYTEA NOT NULL
, idx BIGINT);
CREATE TABLE puzzle_key (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    seed BYTEA NOT NULL
);
CREATE TABLE puzzles (
    id BYTEA NOT NULL PRIMARY KEY,
    last_day BIGINT NOT NULL,
    request_hash BYTEA NOT NULL
);
CREATE TABLE token_keys (
    epoch BIGINT NOT NULL PRIMARY KEY,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    spki BYTEA NOT NULL,
    pkcs8 BYTEA                 -- null once the epoch is over: what can't be signed can't be backdated
);
INSERT INTO "token_keys" VALUES(7,1000,2000,X'0102',NULL);
CREATE TABLE vouchers (
    code_hash BYTEA NOT NULL PRIMARY KEY,
    spent_epoch BIGINT,         -- null until it bought a token
    request_hash BYTEA          -- for a retry in the same epoch; null before and afterwards
);
INSERT INTO "vouchers" VALUES(X'ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB',NULL,NULL);
COMMIT;
