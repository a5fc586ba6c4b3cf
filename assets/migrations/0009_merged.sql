-- The ticket that a merged one went on in.
ALTER TABLE tickets ADD COLUMN merged_into TEXT;
CREATE INDEX messages_by_sender ON messages (from_address, filed_at);
