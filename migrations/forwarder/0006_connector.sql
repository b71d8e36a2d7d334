-- Downstreams that answer with a token, that publish what they have, and what a person decides on what is held.

ALTER TABLE delivery ADD COLUMN place TEXT NOT NULL DEFAULT '';  -- the downstream's service of the last attempt
ALTER TABLE delivery ADD COLUMN token TEXT NOT NULL DEFAULT '';  -- to ask by for an id, or empty
ALTER TABLE held ADD COLUMN at BIGINT NOT NULL DEFAULT 0;        -- the downstream's time of it, 0 for none

-- What `tabir connector check` saw without the key.
CREATE TABLE exposure (
    server   TEXT   NOT NULL,  -- address and jurisdiction
    place    TEXT   NOT NULL,  -- service
    public   BIGINT NOT NULL,  -- 1 if a test request could be read by anybody
    tried_on BIGINT NOT NULL,  -- start of the day
    PRIMARY KEY (server, place)
);
