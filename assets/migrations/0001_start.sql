-- The first schema. One text for SQLite and PostgreSQL: BIGINT and TEXT only, instants in
-- microseconds since 1970 (UTC), amounts in nano-dollars, ids as hyphenated UUIDs, 0 and 1 for no
-- and yes. Never edited once merged: a change is a new file.

-- Numbers given out one by one, without gaps in the order of commits. A writer that takes one
-- holds its row until the end of its transaction.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('ticket', 0), ('event', 0);

CREATE TABLE tickets (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    subject TEXT NOT NULL,
    requester_name TEXT,
    requester_address TEXT NOT NULL,
    status TEXT NOT NULL,
    status_before TEXT,
    priority TEXT,
    assignee TEXT,
    -- ' vip billing ': each tag between spaces.
    tags TEXT NOT NULL,
    quarantined_because TEXT,
    messages BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    last_customer_message_at BIGINT,
    version BIGINT NOT NULL,
    -- Whether the queue shows it by default: unsolved and not quarantined.
    in_queue BIGINT NOT NULL,
    -- Lower case, for searching.
    subject_words TEXT NOT NULL,
    requester_words TEXT NOT NULL,
    assignee_words TEXT NOT NULL
);
CREATE INDEX tickets_in_queue ON tickets (in_queue, (COALESCE(last_customer_message_at, created_at)) DESC, number DESC);
CREATE INDEX tickets_by_asking ON tickets ((COALESCE(last_customer_message_at, created_at)) DESC, number DESC);
CREATE INDEX tickets_by_status ON tickets (status, (COALESCE(last_customer_message_at, created_at)) DESC, number DESC);
CREATE INDEX tickets_quarantined ON tickets ((COALESCE(last_customer_message_at, created_at)) DESC, number DESC)
    WHERE quarantined_because IS NOT NULL;

CREATE TABLE messages (
    id TEXT PRIMARY KEY,
    ticket TEXT NOT NULL REFERENCES tickets (id),
    source TEXT NOT NULL,
    -- The Message-ID, or a digest of it where it is too long for an index.
    id_key TEXT NOT NULL,
    rfc_message_id TEXT NOT NULL,
    raw_sha256 TEXT NOT NULL,
    kind TEXT NOT NULL,
    direction TEXT NOT NULL,
    auto_class TEXT NOT NULL,
    sent_at BIGINT NOT NULL,
    filed_at BIGINT NOT NULL,
    was_seen BIGINT NOT NULL,
    thread_reason TEXT NOT NULL,
    note_path TEXT,
    from_name TEXT,
    from_address TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- JSON: to, cc, attachments, answers.
    facts TEXT NOT NULL,
    -- JSON: text, clean, quoted, signature, from_html.
    body TEXT NOT NULL,
    UNIQUE (source, id_key, raw_sha256)
);
CREATE INDEX messages_by_ticket ON messages (ticket, sent_at, filed_at, id);

-- What a message answers: its In-Reply-To and References.
CREATE TABLE message_refs (
    ref TEXT NOT NULL,
    message TEXT NOT NULL REFERENCES messages (id),
    ticket TEXT NOT NULL REFERENCES tickets (id),
    source TEXT NOT NULL,
    PRIMARY KEY (ref, message)
);

-- Lower-case text of a message with its people, for searching; apart, so that a search reads
-- nothing else.
CREATE TABLE message_words (
    message TEXT PRIMARY KEY REFERENCES messages (id),
    ticket TEXT NOT NULL REFERENCES tickets (id),
    words TEXT NOT NULL
);

CREATE TABLE drafts (
    id TEXT PRIMARY KEY,
    ticket TEXT NOT NULL REFERENCES tickets (id),
    author TEXT NOT NULL,
    answers TEXT,
    text TEXT NOT NULL,
    revision BIGINT NOT NULL,
    origin TEXT NOT NULL,
    -- live, queued (it is in the outbox) or discarded.
    standing TEXT NOT NULL,
    state TEXT NOT NULL,
    state_before TEXT,
    receipts TEXT NOT NULL,
    last_receipt TEXT,
    flags TEXT NOT NULL,
    saved_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX drafts_live ON drafts (ticket, author) WHERE standing = 'live';
CREATE INDEX drafts_by_ticket ON drafts (ticket, standing);

CREATE TABLE draft_revisions (
    draft TEXT NOT NULL REFERENCES drafts (id),
    revision BIGINT NOT NULL,
    text TEXT NOT NULL,
    origin TEXT NOT NULL,
    saved_at BIGINT NOT NULL,
    PRIMARY KEY (draft, revision)
);

CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    ticket TEXT NOT NULL REFERENCES tickets (id),
    draft TEXT NOT NULL REFERENCES drafts (id),
    text TEXT NOT NULL,
    then_status TEXT NOT NULL,
    approved_by TEXT NOT NULL,
    queued_at BIGINT NOT NULL,
    delivery TEXT NOT NULL
);
CREATE INDEX outbox_by_ticket ON outbox (ticket, delivery);

-- Append-only. hash = SHA-256 over prev_hash and json, in hex; the tip is the last entry's.
CREATE TABLE receipts (
    entry BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    ticket TEXT,
    ticket_number BIGINT,
    ending TEXT NOT NULL,
    -- ' anthropic openai ': every provider that was asked, between spaces.
    providers TEXT NOT NULL,
    is_fallback BIGINT NOT NULL,
    began BIGINT NOT NULL,
    json TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX receipts_by_ticket ON receipts (ticket, entry);
CREATE TABLE receipt_tip (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    entry BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO receipt_tip (one, entry, hash) VALUES (1, 0, '');

-- The ledger. The budget's row is what holds and settlements lock.
CREATE TABLE budgets (
    period TEXT PRIMARY KEY
);
CREATE TABLE holds (
    id TEXT PRIMARY KEY,
    period TEXT NOT NULL REFERENCES budgets (period),
    run TEXT NOT NULL,
    ticket TEXT,
    attempt BIGINT NOT NULL,
    link TEXT NOT NULL,
    amount BIGINT NOT NULL,
    -- held, settled or recovered.
    state TEXT NOT NULL,
    owner TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX holds_open ON holds (period, lease_until) WHERE state = 'held';
CREATE TABLE ledger (
    entry BIGINT PRIMARY KEY,
    period TEXT NOT NULL REFERENCES budgets (period),
    hold TEXT,
    -- settled, over (a settlement above its hold), recovered, late (after a recovery), booked.
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL,
    at_most BIGINT NOT NULL,
    why TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX ledger_sums ON ledger (period, at_most, amount);
INSERT INTO counters (name, value) VALUES ('ledger', 0);
CREATE TABLE announced (
    period TEXT NOT NULL,
    percent BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (period, percent)
);

CREATE TABLE key_standings (
    provider TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    state TEXT NOT NULL,
    since BIGINT NOT NULL,
    said TEXT
);
CREATE TABLE rests (
    link TEXT PRIMARY KEY,
    until BIGINT NOT NULL,
    because TEXT NOT NULL
);
CREATE TABLE quirks (
    link TEXT NOT NULL,
    parameter TEXT NOT NULL,
    PRIMARY KEY (link, parameter)
);
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- What happened, for the record and for other processes. Numbered by `counters`, so that the
-- order of numbers is the order of commits and nobody reads past a row that comes later.
CREATE TABLE events (
    seq BIGINT PRIMARY KEY,
    origin TEXT NOT NULL,
    verb TEXT NOT NULL,
    subject TEXT NOT NULL,
    actor TEXT NOT NULL,
    detail TEXT NOT NULL,
    at BIGINT NOT NULL
);
