-- When a folder was first read to its end: what arrived before was there before the account.
ALTER TABLE mailboxes ADD COLUMN first_read_at BIGINT NOT NULL DEFAULT 0;
UPDATE mailboxes SET first_read_at = read_at;
