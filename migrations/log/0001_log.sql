-- Both logs. Nothing here is ever changed or deleted, except the cosignatures of checkpoints that a newer one replaced.

CREATE TABLE leaf (
    log TEXT NOT NULL,
    idx BIGINT NOT NULL,
    pae BYTEA NOT NULL,      -- SHA-256 of what was signed: a statement is taken once, whatever its signatures
    leaf BYTEA NOT NULL,
    PRIMARY KEY (log, idx),
    UNIQUE (log, pae)
);

CREATE TABLE tile (
    log TEXT NOT NULL,
    level BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    hashes BYTEA NOT NULL,   -- the widest form; a narrower one is its start
    PRIMARY KEY (log, level, idx)
);

CREATE TABLE checkpoint (
    log TEXT NOT NULL,
    size BIGINT NOT NULL,
    note BYTEA NOT NULL,     -- as the log signed it
    kept BYTEA,              -- as a quorum first cosigned it
    PRIMARY KEY (log, size)  -- never two of one size
);

CREATE TABLE cosignature (
    log TEXT NOT NULL,
    size BIGINT NOT NULL,
    witness BYTEA NOT NULL,  -- SHA-256 of its public key
    line TEXT NOT NULL,      -- its newest
    PRIMARY KEY (log, size, witness)
);
