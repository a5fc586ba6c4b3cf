-- Requests of other programs have no ticket, and are the many: they need no place in what is looked up by
-- ticket.
DROP INDEX receipts_by_ticket;
DROP INDEX receipts_by_number;
DROP INDEX holds_of_ticket;
CREATE INDEX receipts_by_ticket ON receipts (ticket, entry) WHERE ticket IS NOT NULL;
CREATE INDEX receipts_by_number ON receipts (ticket_number, entry) WHERE ticket_number IS NOT NULL;
CREATE INDEX holds_of_ticket ON holds (ticket) WHERE ticket IS NOT NULL;
