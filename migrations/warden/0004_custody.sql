-- This warden's statements about a key's copies, to be signed by the holders of its parts; null while there is none.
ALTER TABLE keys ADD COLUMN split BYTEA;
ALTER TABLE keys ADD COLUMN destroyed BYTEA;
