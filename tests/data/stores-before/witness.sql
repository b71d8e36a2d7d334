-- The witness's store as the program before this one left it, by its migrations alone, with a few rows. Never changed.
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL);
INSERT INTO "_sqlx_migrations" VALUES(1,'heads','2026-11-01 00:00:00',1,X'690C08E4FF648C3FCF0FB6E7AC37A5987946FBDDEDEBC91B5AD33EB04B34AD8CE88C284199192A15E6DF36C201C0F749',-1);
CREATE TABLE evidence (
    origin TEXT NOT NULL,
    refused BYTEA NOT NULL,
    known BYTEA NOT NULL,
    PRIMARY KEY (origin, refused)
);
CREATE TABLE heads (
    origin TEXT NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    root BYTEA NOT NULL,
    at BIGINT NOT NULL,         -- Unix seconds of the last cosignature
    note BYTEA NOT NULL         -- the checkpoint with that cosignature; empty before the first
);
INSERT INTO "heads" VALUES('log.example',0,X'00',0,X'');
COMMIT;
