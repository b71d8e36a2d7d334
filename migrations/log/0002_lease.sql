-- Who may grow a log's tree. Compared in the very transaction that writes a growth.

CREATE TABLE lease (
    log TEXT PRIMARY KEY,
    holder BYTEA NOT NULL,   -- a random number of a process
    until BIGINT NOT NULL    -- Unix seconds; 0: given back
);
