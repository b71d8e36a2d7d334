-- The council's store as the program before this one left it, by its migrations alone, with a few rows. Never changed.
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL);
INSERT INTO "_sqlx_migrations" VALUES(1,'init','2026-11-01 00:00:00',1,X'955C4B116D6CB080EC46B4B2BF83D14C6B1979C454175715985C0AF996166601730E403E1092650B9F20104EB1124FB0',-1);
INSERT INTO "_sqlx_migrations" VALUES(3,'alerts','2026-11-01 00:00:00',1,X'EDB2218BF973F94FD06A3F7C9B07DD90CB935A19C50F74DFDA1C97FB4A8ABD924BCAD1853BBBA5713862F10653397D50',-1);
INSERT INTO "_sqlx_migrations" VALUES(5,'witnessed','2026-11-01 00:00:00',1,X'10FCEA377649092292B031CABB7E7F00E465BD8096BBC4E04138865FE6B5DAA11997BA13B8906247AD6E5A0885A7A693',-1);
CREATE TABLE acts (
    request BYTEA NOT NULL,
    kind TEXT NOT NULL,                 -- request, vote, withdrawal, partial
    official BIGINT NOT NULL,
    pae_hash BYTEA NOT NULL,
    PRIMARY KEY (request, kind, official)
);
CREATE TABLE alerts (
    audience TEXT NOT NULL,             -- officials, warden, auditors
    place BIGINT NOT NULL,
    item BYTEA NOT NULL,                -- hash of a request or proposal and its step
    PRIMARY KEY (audience, place, item)
);
INSERT INTO "alerts" VALUES('officials',0,X'05');
CREATE TABLE ceremonies (
    id BYTEA NOT NULL PRIMARY KEY,      -- SHA-256 of the manifest
    manifest BYTEA NOT NULL             -- payload as signed
);
CREATE TABLE log_outbox (
    id INTEGER PRIMARY KEY,
    log TEXT NOT NULL,
    statement BYTEA NOT NULL
, idx BIGINT);
CREATE TABLE messages (
    ceremony BYTEA NOT NULL REFERENCES ceremonies (id),
    round BIGINT NOT NULL,
    sender BIGINT NOT NULL,
    recipient BIGINT NOT NULL,          -- 0: everybody
    bytes BYTEA NOT NULL,
    statement BYTEA NOT NULL,
    PRIMARY KEY (ceremony, round, sender, recipient)
);
CREATE TABLE proposals (
    seq INTEGER PRIMARY KEY,
    id BYTEA NOT NULL UNIQUE,           -- SHA-256 of the PAE
    statement BYTEA NOT NULL,
    complete BIGINT NOT NULL            -- 1: its signatures suffice, none is added any more
);
CREATE TABLE requests (
    seq INTEGER PRIMARY KEY,
    hash BYTEA NOT NULL UNIQUE,         -- entry hash of unseal.requested
    case_id BYTEA NOT NULL,
    envelope BYTEA NOT NULL,            -- the outer envelope; empty after the end
    hold BIGINT NOT NULL                -- 0: to be asked for at the gateway, 1: held, 2: released
);
CREATE TABLE sealed (
    request BYTEA NOT NULL,
    kind TEXT NOT NULL,                 -- text, handout, partial
    sender BIGINT NOT NULL,
    recipient BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (request, kind, sender, recipient)
);
COMMIT;
