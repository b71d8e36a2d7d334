-- A statement stays until witnesses have seen its entry: a log that is rebuilt from a mirror has nothing beyond that.

ALTER TABLE log_outbox ADD COLUMN idx BIGINT;    -- its entry number once the log took it
