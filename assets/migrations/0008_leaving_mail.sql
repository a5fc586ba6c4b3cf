-- Replies leave by mail: how each is addressed, the bytes that leave, and how far it has come.
-- An account of none: the reply was written before there was a way of sending.
-- 'reply', or 'ack' for the automatic answer to a new ticket.
ALTER TABLE outbox ADD COLUMN kind TEXT NOT NULL DEFAULT 'reply';
ALTER TABLE outbox ADD COLUMN account TEXT;
ALTER TABLE outbox ADD COLUMN rfc_message_id TEXT;
-- JSON: to, cc, bcc, files, subject, answers.
ALTER TABLE outbox ADD COLUMN post TEXT;
-- The mail as it leaves, base64; gone once it has left and stands among the messages.
ALTER TABLE outbox ADD COLUMN mime TEXT;
ALTER TABLE outbox ADD COLUMN held_until BIGINT;
ALTER TABLE outbox ADD COLUMN next_attempt_at BIGINT;
ALTER TABLE outbox ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;
-- Who is sending it, until when, and whether its text may be at the server already.
ALTER TABLE outbox ADD COLUMN owner TEXT;
ALTER TABLE outbox ADD COLUMN lease_until BIGINT;
ALTER TABLE outbox ADD COLUMN is_handed_over BIGINT NOT NULL DEFAULT 0;
-- What the server, or the desk, said of it last.
ALTER TABLE outbox ADD COLUMN said TEXT;
-- 'due', 'done', or nothing where no copy is kept.
ALTER TABLE outbox ADD COLUMN sent_copy TEXT;
CREATE UNIQUE INDEX outbox_by_message_id ON outbox (rfc_message_id);
CREATE INDEX outbox_by_delivery ON outbox (delivery, held_until);

-- To whom a draft goes and what goes with it, where a person has changed that (JSON).
ALTER TABLE drafts ADD COLUMN envelope TEXT;

-- Standing work, and who does it.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until BIGINT NOT NULL
);
-- Whom an automatic answer was sent to, and when.
CREATE TABLE acknowledged (
    address TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX acknowledged_by_address ON acknowledged (address, at);
-- Addresses at which nobody is: a report said so.
CREATE TABLE suppressed (
    address TEXT PRIMARY KEY,
    because TEXT NOT NULL,
    at BIGINT NOT NULL
);
-- What is still to be marked on the server: read, answered.
CREATE TABLE marks_due (
    account TEXT NOT NULL,
    raw_sha256 TEXT NOT NULL,
    flags TEXT NOT NULL,
    PRIMARY KEY (account, raw_sha256, flags)
);
