-- The log's store as the program before this one left it, by its migrations alone, with a few rows. Never changed.
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL);
INSERT INTO "_sqlx_migrations" VALUES(1,'log','2026-11-01 00:00:00',1,X'7777EE2F2358FEBE7AD0A74FCFC0F1017334F8EDFA2ACF4060DF1E961F5535AB023466CD6E2145904830E17BD3059874',-1);
INSERT INTO "_sqlx_migrations" VALUES(2,'lease','2026-11-01 00:00:00',1,X'21058A15D9D165A388430D81EC581843A09F43A223AB78C8D103A8505DF96D50082EB6EC7D62199A6B32DE4DBD374D99',-1);
INSERT INTO "_sqlx_migrations" VALUES(5,'recovered','2026-11-01 00:00:00',1,X'D0C240DAC6BB85B4616E1E6F4137C97853D4FFFE41B0EA93B8A9CA2AD187A51CDF820ABC4EE01156E84EEFA4884B394B',-1);
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
CREATE TABLE leaf (
    log TEXT NOT NULL,
    idx BIGINT NOT NULL,
    pae BYTEA NOT NULL,      -- SHA-256 of what was signed: a statement is taken once, whatever its signatures
    leaf BYTEA NOT NULL,
    PRIMARY KEY (log, idx),
    UNIQUE (log, pae)
);
CREATE TABLE lease (
    log TEXT PRIMARY KEY,
    holder BYTEA NOT NULL,   -- a random number of a process
    until BIGINT NOT NULL    -- Unix seconds; 0: given back
);
INSERT INTO "lease" VALUES('intake',X'01',0);
CREATE TABLE recovered (
    log TEXT PRIMARY KEY,
    size BIGINT NOT NULL,
    since BIGINT NOT NULL    -- Unix seconds: older cosignatures don't count
);
CREATE TABLE tile (
    log TEXT NOT NULL,
    level BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    hashes BYTEA NOT NULL,   -- the widest form; a narrower one is its start
    PRIMARY KEY (log, level, idx)
);
COMMIT;
