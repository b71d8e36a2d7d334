-- Of each log the last checkpoint that this witness cosigned: never smaller than before, and stored before the
-- cosignature leaves.
CREATE TABLE heads (
    origin TEXT NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    root BYTEA NOT NULL,
    at BIGINT NOT NULL,         -- Unix seconds of the last cosignature
    note BYTEA NOT NULL         -- the checkpoint with that cosignature; empty before the first
);

-- What a log signed beside the history that this witness knows: both checkpoints, each signed by the log.
CREATE TABLE evidence (
    origin TEXT NOT NULL,
    refused BYTEA NOT NULL,
    known BYTEA NOT NULL,
    PRIMARY KEY (origin, refused)
);
