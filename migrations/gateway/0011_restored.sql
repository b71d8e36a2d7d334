-- A store that came back from a backup has this row. Until it has read from the logs what it forgot, nothing is served.
CREATE TABLE restored (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    at BIGINT NOT NULL,      -- Unix seconds of the last restore
    done BIGINT NOT NULL     -- 1: it has caught up; messages may have gaps before this
) WITHOUT ROWID;
