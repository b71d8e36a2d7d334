-- The least number that a new row may have. A desk that came back from a backup must not give a number again that it gave
-- before: who has the old one would read and write about another's complaint.
CREATE TABLE first_id (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    id  BIGINT NOT NULL
);
INSERT INTO first_id (one, id) VALUES (1, 1);
