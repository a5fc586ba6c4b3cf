-- Caps of a day and of a ticket are summed up beside the month's.
CREATE INDEX ledger_by_time ON ledger (at);
CREATE INDEX holds_of_ticket ON holds (ticket);
