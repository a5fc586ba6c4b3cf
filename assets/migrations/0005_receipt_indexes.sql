-- The feed looks for receipts by number, by time and by how they ended.
CREATE INDEX receipts_by_number ON receipts (ticket_number, entry);
CREATE INDEX receipts_by_time ON receipts (began, entry);
CREATE INDEX receipts_by_ending ON receipts (ending, entry);
