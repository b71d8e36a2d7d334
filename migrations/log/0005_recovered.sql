-- A head that came from a mirror: nothing is added to its tree until a quorum of witnesses has cosigned it again.

CREATE TABLE recovered (
    log TEXT PRIMARY KEY,
    size BIGINT NOT NULL,
    since BIGINT NOT NULL    -- Unix seconds: older cosignatures don't count
);
