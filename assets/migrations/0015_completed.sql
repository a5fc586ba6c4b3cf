-- Messages of which first only the headers came: the digest of those, and of the whole. Their server
-- may count its messages anew, and then the headers come again.
CREATE TABLE completed (
    headers_sha256 TEXT PRIMARY KEY,
    raw_sha256 TEXT NOT NULL
);
