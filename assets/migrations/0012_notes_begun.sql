-- Internal notes that are being written: a crash loses none. `id` becomes the note's own, so that
-- one which was added is not added again.
CREATE TABLE notes_begun (
    ticket TEXT NOT NULL REFERENCES tickets (id),
    author TEXT NOT NULL,
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    saved_at BIGINT NOT NULL,
    PRIMARY KEY (ticket, author)
);
