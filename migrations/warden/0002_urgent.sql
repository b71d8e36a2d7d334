-- The warden's person wants an auditor's signature beside the warden's: 1. A release that waits for it has the stage
-- "proposed": its statement stands on the board, its hand-outs are here.
ALTER TABLE requests ADD COLUMN urgent BIGINT NOT NULL DEFAULT 0;
