-- Who may ask `deskhand serve`: of each token its SHA-256 alone, in hex.
CREATE TABLE serve_tokens (
    name TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    made_at BIGINT NOT NULL
);
