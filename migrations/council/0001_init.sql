-- Manifests that the operator admitted: their keys may call for this ceremony.
CREATE TABLE ceremonies (
    id BYTEA NOT NULL PRIMARY KEY,      -- SHA-256 of the manifest
    manifest BYTEA NOT NULL             -- payload as signed
);

-- One message a place: who says two things for one place is refused the second.
CREATE TABLE messages (
    ceremony BYTEA NOT NULL REFERENCES ceremonies (id),
    round BIGINT NOT NULL,
    sender BIGINT NOT NULL,
    recipient BIGINT NOT NULL,          -- 0: everybody
    bytes BYTEA NOT NULL,
    statement BYTEA NOT NULL,
    PRIMARY KEY (ceremony, round, sender, recipient)
);

-- What several must sign, with the signatures so far.
CREATE TABLE proposals (
    seq INTEGER PRIMARY KEY,
    id BYTEA NOT NULL UNIQUE,           -- SHA-256 of the PAE
    statement BYTEA NOT NULL,
    complete BIGINT NOT NULL            -- 1: its signatures suffice, none is added any more
);

-- Requests. What is sealed for them is deleted when they end.
CREATE TABLE requests (
    seq INTEGER PRIMARY KEY,
    hash BYTEA NOT NULL UNIQUE,         -- entry hash of unseal.requested
    case_id BYTEA NOT NULL,
    envelope BYTEA NOT NULL,            -- the outer envelope; empty after the end
    hold BIGINT NOT NULL                -- 0: to be asked for at the gateway, 1: held, 2: released
);

-- One act of each kind by each official: the log may not have it yet.
CREATE TABLE acts (
    request BYTEA NOT NULL,
    kind TEXT NOT NULL,                 -- request, vote, withdrawal, partial
    official BIGINT NOT NULL,
    pae_hash BYTEA NOT NULL,
    PRIMARY KEY (request, kind, official)
);

-- Sealed to one recipient each: the text to officials and the warden (0), hand-outs, partials.
CREATE TABLE sealed (
    request BYTEA NOT NULL,
    kind TEXT NOT NULL,                 -- text, handout, partial
    sender BIGINT NOT NULL,
    recipient BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (request, kind, sender, recipient)
);

CREATE TABLE log_outbox (
    id INTEGER PRIMARY KEY,
    log TEXT NOT NULL,
    statement BYTEA NOT NULL
);
