-- The announcement of a key that an auditor signs as well, which waits on the council's board until the log has it; null for
-- a key that the issuer announces alone.
ALTER TABLE token_keys ADD COLUMN proposed BYTEA;

-- A store that came back from a backup has this row until `tabir keys renew`: the log may know epochs that it forgot, and an
-- epoch with two keys has none, so it makes no key by itself.
CREATE TABLE restored (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    at  BIGINT NOT NULL  -- Unix seconds of the restore
);
