-- How links and providers have behaved lately, by their names: shared by every process and kept
-- over a restart.
CREATE TABLE breakers (
    name TEXT PRIMARY KEY,
    standing TEXT NOT NULL,
    at BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('breakers', 0);
