-- Figures over time, and the endpoints that are blocked.
-- The same tables and columns as on SQLite.
-- Times are milliseconds since 1970 UTC, 0 = none. Forward only.

-- +goose Up

-- What one subject did in one minute, as one process counted it: each writes
-- rows of its own, once, so that several add up and a repeated write counts
-- once. Writer 0: the minutes of an hour, added up (tally.go).
CREATE TABLE tally (
    account BIGINT NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL, -- tidings.TallyKind
    subject TEXT COLLATE "C" NOT NULL, -- an id, or a workflow's and its block's; '' = the account's feed
    at      BIGINT NOT NULL,           -- the beginning of the minute or hour
    writer  BIGINT NOT NULL,
    done    BIGINT NOT NULL,
    failed  BIGINT NOT NULL,
    took    BYTEA,                     -- tidings.Took; NULL = the kind has no times
    PRIMARY KEY (account, kind, subject, at, writer)
);

CREATE INDEX tally_minute ON tally (at) WHERE writer <> 0;
CREATE INDEX tally_hour ON tally (at) WHERE writer = 0;

CREATE INDEX position_blocked ON position (blocked_since, endpoint) WHERE blocked_since > 0;
