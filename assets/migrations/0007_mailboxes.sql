-- The bytes of every message as they came, by their digest: base64, so that one text serves both
-- databases.
CREATE TABLE originals (
    sha256 TEXT PRIMARY KEY,
    base64 TEXT NOT NULL
);
-- A folder of an account as it stood when it was last read to its end.
CREATE TABLE mailboxes (
    account TEXT NOT NULL,
    folder TEXT NOT NULL,
    uid_validity BIGINT NOT NULL,
    uid_next BIGINT NOT NULL,
    -- 0 where the server counts no changes.
    mod_seq BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    read_at BIGINT NOT NULL,
    PRIMARY KEY (account, folder)
);
-- Which messages of a folder are here, by the server's numbers.
CREATE TABLE mailbox_uids (
    account TEXT NOT NULL,
    folder TEXT NOT NULL,
    uid_validity BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    raw_sha256 TEXT NOT NULL,
    PRIMARY KEY (account, folder, uid_validity, uid)
);
