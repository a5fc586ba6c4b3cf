-- Whether somebody wrote while the reply was being sent: if it does not leave, it is stale.
ALTER TABLE outbox ADD COLUMN is_outdated BIGINT NOT NULL DEFAULT 0;
