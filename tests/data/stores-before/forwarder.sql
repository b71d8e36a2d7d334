-- The forwarder's store as the program before this one left it, by its migrations alone, with a few rows. Never changed.
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL);
INSERT INTO "_sqlx_migrations" VALUES(1,'init','2026-11-01 00:00:00',1,X'47E99E7D1FDADA359AD5020AAC03621A2E60856D4C069338218A633438AACD131FEA08FE417A662E007642EE52194242',-1);
INSERT INTO "_sqlx_migrations" VALUES(5,'witnessed','2026-11-01 00:00:00',1,X'10FCEA377649092292B031CABB7E7F00E465BD8096BBC4E04138865FE6B5DAA11997BA13B8906247AD6E5A0885A7A693',-1);
CREATE TABLE accept_window (
    w        BIGINT NOT NULL PRIMARY KEY,
    deadline BIGINT NOT NULL,
    period   BIGINT NOT NULL,  -- between two further D
    round    BIGINT NOT NULL   -- the next one to speak of
);
CREATE TABLE delivery (
    case_id       BYTEA  NOT NULL REFERENCES report (case_id) ON DELETE CASCADE,
    counter       BIGINT NOT NULL,
    kind          TEXT   NOT NULL,  -- report, message, rating, dispute, erase
    payload       BYTEA  NOT NULL,
    intake_key_id BYTEA  NOT NULL,  -- empty for what is not sealed
    seq           BIGINT NOT NULL,
    envelope_hash BYTEA  NOT NULL,  -- empty for all but reports
    state         TEXT   NOT NULL,  -- waiting; sending: the outcome is unknown until an answer is stored; sent
    due_at        BIGINT NOT NULL,
    attempts      BIGINT NOT NULL,
    first_attempt BIGINT NOT NULL,
    day           BIGINT NOT NULL,  -- start of the day of arrival
    delete_at     BIGINT NOT NULL,
    PRIMARY KEY (case_id, counter)
);
CREATE TABLE event (
    n       INTEGER PRIMARY KEY,
    case_id BYTEA NOT NULL,
    body    BYTEA NOT NULL
);
CREATE TABLE held (
    kind    TEXT   NOT NULL,
    about   TEXT   NOT NULL,  -- case reference or downstream id
    detail  TEXT   NOT NULL,  -- code or status
    held_on BIGINT NOT NULL,  -- start of the day
    PRIMARY KEY (kind, about, detail)
);
CREATE TABLE inbox (
    digest  BYTEA  NOT NULL PRIMARY KEY,  -- SHA-256 of the item without its id
    case_id BYTEA  NOT NULL,
    counter BIGINT NOT NULL,
    item    BYTEA  NOT NULL               -- JSON as the gateway sent it; its payload is sealed
);
CREATE TABLE intake_key (
    epoch      BIGINT NOT NULL PRIMARY KEY,
    key_id     BYTEA  NOT NULL,
    not_before BIGINT NOT NULL,
    not_after  BIGINT NOT NULL,
    destroyed  BIGINT NOT NULL
);
CREATE TABLE log_outbox (
    id        INTEGER PRIMARY KEY,
    log       TEXT  NOT NULL,
    statement BYTEA NOT NULL
, idx BIGINT);
CREATE TABLE report (
    case_id      BYTEA  NOT NULL PRIMARY KEY,
    access_hash  BYTEA  NOT NULL,
    case_vk      BYTEA  NOT NULL,
    mailbox_pk   BYTEA  NOT NULL,
    statement    BYTEA  NOT NULL,  -- SHA-256 of case.submit: tells a repeat from another report
    nf           BYTEA  NOT NULL,
    w            BIGINT NOT NULL,
    fate         TEXT   NOT NULL,  -- queued, sent, refused, erased
    reason       TEXT   NOT NULL,  -- code of a refusal, or empty
    pending_in   BIGINT NOT NULL,  -- last round that named it, -1 before the first
    logged       BIGINT NOT NULL,  -- 1 when the log outbox has its last fate
    release_mode TEXT   NOT NULL,  -- urgent, batched
    counter      BIGINT NOT NULL,  -- of the reporter's last write
    seq          BIGINT NOT NULL,  -- of the reporter's last message or dispute
    prev         BYTEA  NOT NULL,  -- SHA-256 of it
    reply_seq    BIGINT NOT NULL,  -- of the last message to the reporter
    reply_prev   BYTEA  NOT NULL,  -- SHA-256 of it
    service_code TEXT   NOT NULL,
    request_id   TEXT   NOT NULL,  -- the downstream's id, empty until it is known
    status       TEXT   NOT NULL,  -- in the CRM's words
    status_at    BIGINT NOT NULL,  -- the downstream's time of it
    raw_status   TEXT   NOT NULL   -- in the downstream's words
);
CREATE TABLE seen_update (
    update_id TEXT   NOT NULL PRIMARY KEY,
    seen_at   BIGINT NOT NULL  -- start of the day
);
INSERT INTO "seen_update" VALUES('42',86400);
CREATE TABLE watermark (
    name TEXT   NOT NULL PRIMARY KEY,
    at   BIGINT NOT NULL
);
INSERT INTO "watermark" VALUES('recent',99);
CREATE INDEX report_by_request ON report (request_id);
CREATE INDEX report_by_window ON report (w);
CREATE INDEX report_by_nf ON report (nf);
CREATE INDEX delivery_by_due ON delivery (state, due_at);
CREATE INDEX seen_update_by_day ON seen_update (seen_at);
COMMIT;
