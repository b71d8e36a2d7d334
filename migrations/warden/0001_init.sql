-- What this warden has cosigned: never smaller than before, and stored before a cosignature leaves.
CREATE TABLE heads (
    log TEXT NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    root BYTEA NOT NULL,
    forked BIGINT NOT NULL      -- 1: the log showed two histories; nothing of it is cosigned any more
);

-- The governance log, its leaves as they are: the warden's own view of keys, officials and requests.
CREATE TABLE entries (
    idx BIGINT NOT NULL PRIMARY KEY,
    leaf BYTEA NOT NULL
);

-- Kept checkpoints of the governance log that fit these entries: witnessed times come from here.
CREATE TABLE kept (
    size BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    hash BYTEA NOT NULL
);

-- One row an epoch, for ever.
CREATE TABLE keys (
    epoch BIGINT NOT NULL PRIMARY KEY,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    id BYTEA NOT NULL,
    seed BYTEA,                 -- null once it is destroyed
    announced BYTEA NOT NULL    -- the statement, to be signed by auditors
);

CREATE TABLE requests (
    hash BYTEA NOT NULL PRIMARY KEY,
    text BYTEA NOT NULL,        -- sealed to the warden, as it came
    envelope BYTEA NOT NULL,
    stage TEXT NOT NULL,        -- open, released, handed, ended
    answer BYTEA,               -- this warden's one statement about it
    noticed BIGINT NOT NULL     -- 1: its deferred nonce is on its way to the log
);

-- Sealed once, before their hashes are logged; gone when the board has them.
CREATE TABLE handouts (
    request BYTEA NOT NULL,
    recipient BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (request, recipient)
);

CREATE TABLE log_outbox (
    id INTEGER PRIMARY KEY,
    log TEXT NOT NULL,
    statement BYTEA NOT NULL
);
