-- The gateway's store. No order of arrival anywhere that lasts: `WITHOUT ROWID` keeps rows by their key (SQLite's word;
-- a PostgreSQL schema leaves it out), and what a window took is written anew, sorted, when it closes. Times about a
-- case are cut to the hour.

-- What waits for a transparency log.
CREATE TABLE log_outbox (
    id INTEGER PRIMARY KEY,
    log TEXT NOT NULL,
    statement BYTEA NOT NULL
);

-- One row a redeemed token. Neither case nor authenticator: nobody can tell what it paid for.
CREATE TABLE spent (
    token_key_id BYTEA NOT NULL,
    nonce BYTEA NOT NULL,
    body_tag BYTEA,
    day BIGINT NOT NULL,
    PRIMARY KEY (token_key_id, nonce)
) WITHOUT ROWID;
CREATE INDEX spent_tagged ON spent (day) WHERE body_tag IS NOT NULL;

-- Token keys that are over, for ever: a clock set back revives none.
CREATE TABLE retired (
    token_key_id BYTEA NOT NULL PRIMARY KEY
) WITHOUT ROWID;

-- Windows of acceptance; the one with closed = 0 is open.
CREATE TABLE windows (
    w BIGINT NOT NULL PRIMARY KEY,
    opens BIGINT NOT NULL,
    closes BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    closed BIGINT NOT NULL,
    erased_rounds BIGINT NOT NULL
) WITHOUT ROWID;

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
CREATE INDEX cases_by_window ON cases (w);

-- Rows on their way through a window's close: always empty between transactions.
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

CREATE TABLE envelopes (
    case_id BYTEA NOT NULL PRIMARY KEY,
    envelope_hash BYTEA NOT NULL,
    w BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    envelope BYTEA NOT NULL
) WITHOUT ROWID;
CREATE INDEX envelopes_by_hash ON envelopes (envelope_hash);
CREATE INDEX envelopes_by_window ON envelopes (w);

CREATE TABLE closing_envelopes (
    case_id BYTEA NOT NULL PRIMARY KEY,
    envelope_hash BYTEA NOT NULL,
    w BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    envelope BYTEA NOT NULL
) WITHOUT ROWID;

-- Live requests that keep an envelope from deletion.
CREATE TABLE holds (
    case_id BYTEA NOT NULL,
    request_hash BYTEA NOT NULL,
    PRIMARY KEY (case_id, request_hash)
) WITHOUT ROWID;

-- Statuses after `received`, which stands in the case itself.
CREATE TABLE statuses (
    case_id BYTEA NOT NULL,
    n BIGINT NOT NULL,
    status TEXT NOT NULL,
    hour BIGINT NOT NULL,
    due BIGINT,
    eta BIGINT,
    PRIMARY KEY (case_id, n)
) WITHOUT ROWID;

-- Messages to the reporter.
CREATE TABLE mailbox (
    case_id BYTEA NOT NULL,
    seq BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (case_id, seq)
) WITHOUT ROWID;

-- Events of the forwarder that were taken.
CREATE TABLE events (
    case_id BYTEA NOT NULL,
    event_id BYTEA NOT NULL,
    PRIMARY KEY (case_id, event_id)
) WITHOUT ROWID;

-- What the forwarder has not stored yet. Ids are random.
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
CREATE INDEX outbox_by_case ON outbox (case_id);
CREATE INDEX outbox_by_counter ON outbox (counter);

-- SHA-256 of the case ids that their reporters erased, for ever.
CREATE TABLE tombstones (
    tombstone BYTEA NOT NULL PRIMARY KEY
) WITHOUT ROWID;

-- What shows that an erasure was the reporter's: to be logged at the next close, kept until `purge_at`.
CREATE TABLE erasures (
    case_id BYTEA NOT NULL PRIMARY KEY,
    w BIGINT NOT NULL,
    nf BYTEA NOT NULL,
    salt BYTEA NOT NULL,
    statement BYTEA NOT NULL,
    purge_at BIGINT
) WITHOUT ROWID;
