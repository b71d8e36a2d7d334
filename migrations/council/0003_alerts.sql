-- Who was told that something waits. No address: a recipient is its place in the configuration.
CREATE TABLE alerts (
    audience TEXT NOT NULL,             -- officials, warden, auditors
    place BIGINT NOT NULL,
    item BYTEA NOT NULL,                -- hash of a request or proposal and its step
    PRIMARY KEY (audience, place, item)
);
