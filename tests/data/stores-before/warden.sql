-- The warden's store as the program before this one left it, by its migrations alone, with a few rows. Never changed.
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL);
INSERT INTO "_sqlx_migrations" VALUES(1,'init','2026-11-01 00:00:00',1,X'2DB4C475D2EF56C1CF7CE3EB24F49E2016A19B9AF806297EE9CA10558C93091624FB5C4CD695E43249B837C355BD9E8A',-1);
INSERT INTO "_sqlx_migrations" VALUES(2,'urgent','2026-11-01 00:00:00',1,X'EB2C22C9D312FE3950CD36B96F3A18E3EBFE3E8A1CD986DBCB5BB07AA09980AFD9F461CF6108AA439C76882707F35B4C',-1);
INSERT INTO "_sqlx_migrations" VALUES(3,'journal','2026-11-01 00:00:00',1,X'262040B22476B3F58FB0B039E6C856D80370C17D815651FF4406D2B3D461D30643E7F73A6CDAAAA4A8ED1B9F0EEB94C8',-1);
INSERT INTO "_sqlx_migrations" VALUES(4,'custody','2026-11-01 00:00:00',1,X'466F8587E357721BD2835F35598840BC1638DFB9F4F23C38033481B34B08622CC2F3A99196A7363D8B677FD9AD80BF3A',-1);
INSERT INTO "_sqlx_migrations" VALUES(5,'witnessed','2026-11-01 00:00:00',1,X'10FCEA377649092292B031CABB7E7F00E465BD8096BBC4E04138865FE6B5DAA11997BA13B8906247AD6E5A0885A7A693',-1);
CREATE TABLE entries (
    idx BIGINT NOT NULL PRIMARY KEY,
    leaf BYTEA NOT NULL
);
CREATE TABLE handouts (
    request BYTEA NOT NULL,
    recipient BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (request, recipient)
);
CREATE TABLE heads (
    log TEXT NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    root BYTEA NOT NULL,
    forked BIGINT NOT NULL      -- 1: the log showed two histories; nothing of it is cosigned any more
);
CREATE TABLE journal (
    n BIGINT NOT NULL PRIMARY KEY,
    line TEXT NOT NULL,         -- the JSON of the line, as it stands in the file
    what TEXT NOT NULL,         -- as in the line
    about TEXT NOT NULL,
    number BIGINT NOT NULL      -- 0 where the line has none
);
CREATE TABLE journal_file (id INTEGER PRIMARY KEY, lines BIGINT NOT NULL, bytes BIGINT NOT NULL);
INSERT INTO "journal_file" VALUES(0,0,0);
CREATE TABLE kept (
    size BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    hash BYTEA NOT NULL
);
CREATE TABLE keys (
    epoch BIGINT NOT NULL PRIMARY KEY,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    id BYTEA NOT NULL,
    seed BYTEA,                 -- null once it is destroyed
    announced BYTEA NOT NULL    -- the statement, to be signed by auditors
, split BYTEA, destroyed BYTEA);
CREATE TABLE log_outbox (
    id INTEGER PRIMARY KEY,
    log TEXT NOT NULL,
    statement BYTEA NOT NULL
, idx BIGINT);
CREATE TABLE requests (
    hash BYTEA NOT NULL PRIMARY KEY,
    text BYTEA NOT NULL,        -- sealed to the warden, as it came
    envelope BYTEA NOT NULL,
    stage TEXT NOT NULL,        -- open, released, handed, ended
    answer BYTEA,               -- this warden's one statement about it
    noticed BIGINT NOT NULL     -- 1: its deferred nonce is on its way to the log
, urgent BIGINT NOT NULL DEFAULT 0);
CREATE TABLE seen (request BYTEA NOT NULL PRIMARY KEY);
INSERT INTO "seen" VALUES(X'09');
CREATE TABLE told (
    request BYTEA NOT NULL,
    recipient BYTEA NOT NULL,   -- SHA-256 of the configuration's entry: the address stands there only
    PRIMARY KEY (request, recipient)
);
CREATE INDEX journal_about ON journal (about, what);
CREATE TRIGGER journal_is_not_edited BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER journal_is_not_cut BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
COMMIT;
