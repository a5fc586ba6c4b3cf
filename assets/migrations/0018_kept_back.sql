-- Messages that a server has and does not give: how often each was asked for, and from when on it is
-- asked for again.
CREATE TABLE kept_back (
    account TEXT NOT NULL,
    folder TEXT NOT NULL,
    uid_validity BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    again_at BIGINT NOT NULL,
    PRIMARY KEY (account, folder, uid)
);
