-- Where an imported ticket came from, in the words of that system.
CREATE TABLE ticket_origins (
    ticket TEXT PRIMARY KEY REFERENCES tickets (id),
    source TEXT NOT NULL,
    source_id TEXT NOT NULL,
    -- Its status there, and what that became here.
    source_status TEXT,
    status TEXT NOT NULL,
    UNIQUE (source, source_id)
);
