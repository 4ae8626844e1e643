-- What is erased with a deleted contact, and which notes of run_once are past their time.
-- Times are milliseconds since 1970 UTC, 0 = none. Forward only.

-- +goose Up

-- Contacts that were deleted a short time ago (erase.go).
CREATE TABLE erasure (
    contact INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    at      INTEGER NOT NULL
);

-- When a run may start again for the keyValue, so that the row is of no use any more; 0 = never.
ALTER TABLE run_once ADD COLUMN expires INTEGER NOT NULL DEFAULT 0;

CREATE INDEX run_once_expires ON run_once (expires) WHERE expires > 0;
