-- A store that came back from a backup has this row until it has read from the logs what it forgot; until then it does
-- nothing else.
CREATE TABLE restored (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    at  BIGINT NOT NULL  -- Unix seconds of the restore
);
