-- A hold is filed when the receipt of its run is written; one that is not is looked at when its
-- program has ended. States from here on: held, settled, recovered; filed and lost after that.
UPDATE holds SET state = 'filed' WHERE state = 'settled';
UPDATE holds SET state = 'lost' WHERE state = 'recovered';
CREATE INDEX holds_unfiled ON holds (at) WHERE state IN ('held', 'settled', 'recovered');
CREATE INDEX holds_of_run ON holds (run);
CREATE INDEX ledger_of_hold ON ledger (hold);
