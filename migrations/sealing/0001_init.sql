-- Sealing in a reporter's place: what buys tokens, tokens, and what is on its way. Nothing here opens a case or says who anybody is.
CREATE TABLE voucher (
    hash BLOB PRIMARY KEY,   -- SHA-256 of the line: a file that is read again brings none back
    code TEXT                -- NULL once it has bought
);

CREATE TABLE token (
    id        INTEGER PRIMARY KEY,
    token     BLOB   NOT NULL,
    not_after BIGINT NOT NULL
);

-- A report or a later write whose sender has no answer yet, or had it minutes ago.
CREATE TABLE waiting (
    repeat_id BLOB   PRIMARY KEY,  -- from the app's key, or the page's random text, and the request
    body      BLOB   NOT NULL,     -- sealed to a repeat of the same request; empty once accepted
    token     BLOB   NOT NULL,     -- set aside for this body; empty once it is accepted, or where it costs none
    not_after BIGINT NOT NULL,     -- the token's
    receipt   BLOB   NOT NULL,     -- sealed to a repeat of the same request; empty for a later write
    until     BIGINT NOT NULL      -- the minute in which the row goes
);
