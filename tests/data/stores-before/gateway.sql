-- The gateway's store as the program before this one left it, by its migrations alone, with a few rows. Never changed.
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL);
INSERT INTO "_sqlx_migrations" VALUES(1,'init','2026-11-01 00:00:00',1,X'12E0E01D5F52A40F2BE0C64C6BD71D7025389FE8BFA8D4F2B4036B4E06764007C37690917261FF589F19D84FB3BB1A5D',-1);
INSERT INTO "_sqlx_migrations" VALUES(5,'witnessed','2026-11-01 00:00:00',1,X'10FCEA377649092292B031CABB7E7F00E465BD8096BBC4E04138865FE6B5DAA11997BA13B8906247AD6E5A0885A7A693',-1);
CREATE TABLE cases (
    case_id BYTEA NOT NULL PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    access_hash BYTEA NOT NULL UNIQUE,
    case_vk BYTEA NOT NULL,
    mailbox_pk BYTEA NOT NULL,
    a BYTEA NOT NULL,
    b BYTEA NOT NULL,
    nf BYTEA NOT NULL UNIQUE,
    notice_key BYTEA NOT NULL,
    content_hash BYTEA NOT NULL,
    envelope_hash BYTEA NOT NULL,
    w BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    counter BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    last_write BYTEA NOT NULL,
    sent BIGINT NOT NULL,
    questions BIGINT NOT NULL,
    rated BIGINT NOT NULL,
    disputed BIGINT NOT NULL,
    erased BIGINT NOT NULL
) WITHOUT ROWID;
CREATE TABLE closing_cases (
    case_id BYTEA NOT NULL PRIMARY KEY,
    reference TEXT NOT NULL,
    access_hash BYTEA NOT NULL,
    case_vk BYTEA NOT NULL,
    mailbox_pk BYTEA NOT NULL,
    a BYTEA NOT NULL,
    b BYTEA NOT NULL,
    nf BYTEA NOT NULL,
    notice_key BYTEA NOT NULL,
    content_hash BYTEA NOT NULL,
    envelope_hash BYTEA NOT NULL,
    w BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    counter BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    last_write BYTEA NOT NULL,
    sent BIGINT NOT NULL,
    questions BIGINT NOT NULL,
    rated BIGINT NOT NULL,
    disputed BIGINT NOT NULL,
    erased BIGINT NOT NULL
) WITHOUT ROWID;
CREATE TABLE closing_envelopes (
    case_id BYTEA NOT NULL PRIMARY KEY,
    envelope_hash BYTEA NOT NULL,
    w BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    envelope BYTEA NOT NULL
) WITHOUT ROWID;
CREATE TABLE envelopes (
    case_id BYTEA NOT NULL PRIMARY KEY,
    envelope_hash BYTEA NOT NULL,
    w BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    envelope BYTEA NOT NULL
) WITHOUT ROWID;
CREATE TABLE erasures (
    case_id BYTEA NOT NULL PRIMARY KEY,
    w BIGINT NOT NULL,
    nf BYTEA NOT NULL,
    salt BYTEA NOT NULL,
    statement BYTEA NOT NULL,
    purge_at BIGINT
) WITHOUT ROWID;
CREATE TABLE events (
    case_id BYTEA NOT NULL,
    event_id BYTEA NOT NULL,
    PRIMARY KEY (case_id, event_id)
) WITHOUT ROWID;
CREATE TABLE holds (
    case_id BYTEA NOT NULL,
    request_hash BYTEA NOT NULL,
    PRIMARY KEY (case_id, request_hash)
) WITHOUT ROWID;
CREATE TABLE log_outbox (
    id INTEGER PRIMARY KEY,
    log TEXT NOT NULL,
    statement BYTEA NOT NULL
, idx BIGINT);
CREATE TABLE mailbox (
    case_id BYTEA NOT NULL,
    seq BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (case_id, seq)
) WITHOUT ROWID;
CREATE TABLE outbox (
    id BIGINT NOT NULL PRIMARY KEY,
    case_id BYTEA NOT NULL,
    counter BIGINT NOT NULL,
    kind TEXT NOT NULL,
    statement BYTEA NOT NULL,
    payload BYTEA NOT NULL,
    intake_key_id BYTEA,
    seq BIGINT,
    leased_until BIGINT NOT NULL
) WITHOUT ROWID;
CREATE TABLE retired (
    token_key_id BYTEA NOT NULL PRIMARY KEY
) WITHOUT ROWID;
CREATE TABLE spent (
    token_key_id BYTEA NOT NULL,
    nonce BYTEA NOT NULL,
    body_tag BYTEA,
    day BIGINT NOT NULL,
    PRIMARY KEY (token_key_id, nonce)
) WITHOUT ROWID;
INSERT INTO "spent" VALUES(X'01',X'02',NULL,5);
CREATE TABLE statuses (
    case_id BYTEA NOT NULL,
    n BIGINT NOT NULL,
    status TEXT NOT NULL,
    hour BIGINT NOT NULL,
    due BIGINT,
    eta BIGINT,
    PRIMARY KEY (case_id, n)
) WITHOUT ROWID;
CREATE TABLE tombstones (
    tombstone BYTEA NOT NULL PRIMARY KEY
) WITHOUT ROWID;
INSERT INTO "tombstones" VALUES(X'CDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCD');
CREATE TABLE windows (
    w BIGINT NOT NULL PRIMARY KEY,
    opens BIGINT NOT NULL,
    closes BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    closed BIGINT NOT NULL,
    erased_rounds BIGINT NOT NULL
) WITHOUT ROWID;
INSERT INTO "windows" VALUES(1,10,20,30,0,0);
CREATE INDEX spent_tagged ON spent (day) WHERE body_tag IS NOT NULL;
CREATE INDEX cases_by_window ON cases (w);
CREATE INDEX envelopes_by_hash ON envelopes (envelope_hash);
CREATE INDEX envelopes_by_window ON envelopes (w);
CREATE INDEX outbox_by_case ON outbox (case_id);
CREATE INDEX outbox_by_counter ON outbox (counter);
COMMIT;
