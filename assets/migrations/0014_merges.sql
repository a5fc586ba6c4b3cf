-- What merging changed, so that it can be undone: the ticket that a merged one went on in, when a
-- customer had last written to that one, and the messages that went over.
CREATE TABLE merges (
    merged TEXT PRIMARY KEY REFERENCES tickets (id),
    went_on TEXT NOT NULL REFERENCES tickets (id),
    asked_before BIGINT
);
CREATE TABLE merged_messages (
    merged TEXT NOT NULL REFERENCES tickets (id),
    message TEXT NOT NULL REFERENCES messages (id),
    PRIMARY KEY (merged, message)
);
