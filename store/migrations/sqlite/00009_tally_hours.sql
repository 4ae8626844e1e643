-- Figures over time by the hour, which are added up while minutes are stored:
-- a day of many things is read in some dozens of rows of each.
-- Forward only.

-- +goose Up

DROP INDEX tally_hour;
DROP INDEX tally_minute;

-- What one subject did in one hour, all processes together (tally.go).
CREATE TABLE tally_hour (
    account INTEGER NOT NULL,
    kind    TEXT    NOT NULL, -- tidings.TallyKind
    subject TEXT    NOT NULL, -- as in tally
    at      INTEGER NOT NULL, -- the beginning
    done    INTEGER NOT NULL,
    failed  INTEGER NOT NULL,
    took    BLOB, -- tidings.Took; NULL = the kind has no times
    PRIMARY KEY (account, kind, subject, at)
) WITHOUT ROWID;

INSERT INTO tally_hour (account, kind, subject, at, done, failed, took)
SELECT account, kind, subject, at, done, failed, took FROM tally WHERE writer = 0;

DELETE FROM tally WHERE writer = 0;

-- Times can't be added up here: those of the hours that go on begin now.
INSERT INTO tally_hour (account, kind, subject, at, done, failed)
SELECT account, kind, subject, at - at % 3600000, CAST(sum(done) AS BIGINT), CAST(sum(failed) AS BIGINT) FROM tally WHERE true
GROUP BY account, kind, subject, at - at % 3600000
ON CONFLICT (account, kind, subject, at) DO UPDATE SET done = tally_hour.done + excluded.done, failed = tally_hour.failed + excluded.failed;

-- What many subjects did in a time, and what is old enough to go.
CREATE INDEX tally_when ON tally (account, kind, at);
CREATE INDEX tally_old ON tally (at);
CREATE INDEX tally_hour_when ON tally_hour (account, kind, at);
CREATE INDEX tally_hour_old ON tally_hour (at);
