-- What this warden did, one line each, with the hash of the line before. The same lines stand in journal.jsonl beside the
-- store, so that an edited or older copy of the one is found by the other.
CREATE TABLE journal (
    n BIGINT NOT NULL PRIMARY KEY,
    line TEXT NOT NULL,         -- the JSON of the line, as it stands in the file
    what TEXT NOT NULL,         -- as in the line
    about TEXT NOT NULL,
    number BIGINT NOT NULL      -- 0 where the line has none
);
CREATE INDEX journal_about ON journal (about, what);
CREATE TRIGGER journal_is_not_edited BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER journal_is_not_cut BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;

-- How many lines, and bytes, the file has for certain.
CREATE TABLE journal_file (id INTEGER PRIMARY KEY, lines BIGINT NOT NULL, bytes BIGINT NOT NULL);
INSERT INTO journal_file (id, lines, bytes) VALUES (0, 0, 0);

-- Requests of the log that this warden's person is to be told of, once each, and who was told.
CREATE TABLE seen (request BYTEA NOT NULL PRIMARY KEY);
CREATE TABLE told (
    request BYTEA NOT NULL,
    recipient BYTEA NOT NULL,   -- SHA-256 of the configuration's entry: the address stands there only
    PRIMARY KEY (request, recipient)
);
