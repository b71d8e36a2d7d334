-- The desk's store as the program before this one left it, by its migrations alone, with a few rows. Never changed.
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL);
INSERT INTO "_sqlx_migrations" VALUES(1,'init','2026-11-01 00:00:00',1,X'C278DBAF58C8565736B690C7D5D3B4FF89E9DF6C64B10E05B331F6A43F307C5A8D4AD2D8578C2902543EFFC003DDFFFC',-1);
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
INSERT INTO "request" VALUES(3,'pothole','Lubang','','','','{}','open','',1,1,0);
CREATE TABLE request_update (
    id          INTEGER PRIMARY KEY,
    request_id  BIGINT  NOT NULL REFERENCES request (id),
    status      TEXT    NOT NULL,
    description TEXT    NOT NULL,
    updated_at  BIGINT  NOT NULL
);
INSERT INTO "request_update" VALUES(5,3,'open','noted',2);
CREATE INDEX request_by_date ON request (requested_at);
CREATE INDEX request_update_by_date ON request_update (updated_at);
COMMIT;
