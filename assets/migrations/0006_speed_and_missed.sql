-- How fast links answered lately, by their names, as the engine writes it: shared by every process
-- and kept over a restart.
CREATE TABLE link_times (
    link TEXT PRIMARY KEY,
    times TEXT NOT NULL,
    at BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('link_times', 0);
-- Drafts that were asked for and could not be made; offered again when the way is free.
CREATE TABLE missed_drafts (
    ticket TEXT NOT NULL REFERENCES tickets (id),
    agent TEXT NOT NULL,
    -- How the run ended.
    because TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (ticket, agent)
);
