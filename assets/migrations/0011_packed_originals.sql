-- The bytes of every message and file as they came, packed with Zstandard, by their digest. What
-- stands in `originals` was kept before, and is still read there. SQLite keeps bytes in a column of
-- any type.
CREATE TABLE original_bytes (
    sha256 TEXT PRIMARY KEY,
    packed BYTEA NOT NULL
);
