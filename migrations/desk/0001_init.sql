-- The desk: complaints and what officers said about them. There is no column for a person.
CREATE TABLE request (
    id           INTEGER PRIMARY KEY,
    service_code TEXT    NOT NULL,
    description  TEXT    NOT NULL,
    address      TEXT    NOT NULL,
    lat          TEXT    NOT NULL,
    lon          TEXT    NOT NULL,
    attributes   TEXT    NOT NULL,  -- JSON object of texts
    status       TEXT    NOT NULL,
    status_notes TEXT    NOT NULL,
    requested_at BIGINT  NOT NULL,
    updated_at   BIGINT  NOT NULL,
    due_at       BIGINT  NOT NULL   -- 0: none
);
CREATE INDEX request_by_date ON request (requested_at);

CREATE TABLE request_update (
    id          INTEGER PRIMARY KEY,
    request_id  BIGINT  NOT NULL REFERENCES request (id),
    status      TEXT    NOT NULL,
    description TEXT    NOT NULL,
    updated_at  BIGINT  NOT NULL
);
CREATE INDEX request_update_by_date ON request_update (updated_at);
