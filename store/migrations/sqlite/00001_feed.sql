-- The feed, its accounts and endpoints (DESIGN.md, section 5).
-- Times are milliseconds since 1970 UTC, 0 = none. Forward only.

-- +goose Up

-- ---------------------------------------------------------------- the log

-- One row per account. next_seq is the seq that the next activity gets;
-- sealed_seq the last seq that the sealer has done with; dropped_seq the last
-- one that retention has dropped.
CREATE TABLE head (
    account     INTEGER PRIMARY KEY,
    next_seq    INTEGER NOT NULL,
    sealed_seq  INTEGER NOT NULL DEFAULT 0,
    dropped_seq INTEGER NOT NULL DEFAULT 0
);

-- The months of arrival, each with a table frame_YYYY_MM made when its first
-- activity arrives. at0..at1 covers the activityDateTime (seconds) of all
-- in it, in whole days; dropping = 1 once retention has begun to empty it.
CREATE TABLE month (
    name     TEXT PRIMARY KEY,
    at0      INTEGER NOT NULL,
    at1      INTEGER NOT NULL,
    dropping INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- What a request under an Idempotency-Key was answered.
CREATE TABLE idempotency (
    account INTEGER NOT NULL,
    key     TEXT    NOT NULL,
    digest  BLOB    NOT NULL,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) WITHOUT ROWID;

CREATE INDEX idempotency_expires ON idempotency (expires);

-- -------------------------------------------------------------- the nouns

CREATE TABLE account (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT    NOT NULL,
    created INTEGER NOT NULL
);

CREATE TABLE api_key (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL REFERENCES account (id),
    digest  BLOB    NOT NULL UNIQUE,
    name    TEXT    NOT NULL,
    prefix  TEXT    NOT NULL,
    scopes  TEXT    NOT NULL,
    created INTEGER NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX api_key_account ON api_key (account, id);

-- An endpoint's options in their zero form where they have a default. A
-- deleted one keeps its id, so that no batch id ever comes twice, and its
-- attempts; its secrets go at once, the rest with the next purge.
CREATE TABLE endpoint (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account     INTEGER NOT NULL REFERENCES account (id),
    name        TEXT    NOT NULL,
    url         TEXT    NOT NULL,
    state       TEXT    NOT NULL, -- deactivated once deleted
    statuses    INTEGER NOT NULL, -- bit n = status n; 0 = all
    media_types INTEGER NOT NULL, -- bit n = media type n; 0 = all
    max_items   INTEGER NOT NULL,
    max_bytes   INTEGER NOT NULL,
    linger      INTEGER NOT NULL, -- milliseconds
    timeout     INTEGER NOT NULL, -- milliseconds
    any2xx      INTEGER NOT NULL,
    secrets     BLOB,             -- sealed (secret.go): auth, headers, signing secrets; NULL = none
    version     INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    updated     INTEGER NOT NULL,
    deleted     INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX endpoint_account ON endpoint (account, id);
CREATE INDEX endpoint_deleted ON endpoint (deleted) WHERE deleted > 0;

-- How far an endpoint has come; apart from its options, because it is written
-- all the time. Every write but the operator's is held to the fence.
CREATE TABLE position (
    endpoint      INTEGER PRIMARY KEY REFERENCES endpoint (id),
    fence         INTEGER NOT NULL,
    epoch         INTEGER NOT NULL,
    cursor        INTEGER NOT NULL,
    scanned       INTEGER NOT NULL,
    previous      TEXT    NOT NULL DEFAULT '',
    plan_end      INTEGER NOT NULL DEFAULT 0,
    plan_filter   INTEGER NOT NULL DEFAULT 0, -- statuses, and media types 16 bits up
    plan_items    INTEGER NOT NULL DEFAULT 0,
    plan_bytes    INTEGER NOT NULL DEFAULT 0,
    attempts      INTEGER NOT NULL DEFAULT 0, -- failed ones, of the head batch
    blocked_since INTEGER NOT NULL DEFAULT 0,
    next_try      INTEGER NOT NULL DEFAULT 0,
    last_error    TEXT    NOT NULL DEFAULT '',
    tried         INTEGER NOT NULL DEFAULT 0  -- attempts ever made; the last one's number
);

-- The last attempts of each endpoint: a ring, slot = number % its size, so that
-- no history grows.
CREATE TABLE attempt (
    endpoint   INTEGER NOT NULL,
    slot       INTEGER NOT NULL,
    number     INTEGER NOT NULL, -- running, of this endpoint
    try        INTEGER NOT NULL, -- of its batch, from 1
    batch      TEXT    NOT NULL,
    first      INTEGER NOT NULL,
    last       INTEGER NOT NULL,
    activities INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    digest     TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    duration   INTEGER NOT NULL, -- microseconds
    status     INTEGER NOT NULL,
    delivered  INTEGER NOT NULL,
    outcome    TEXT    NOT NULL,
    error      TEXT    NOT NULL,
    answer     TEXT    NOT NULL,
    next_try   INTEGER NOT NULL,
    PRIMARY KEY (endpoint, slot)
) WITHOUT ROWID;

CREATE TABLE audit (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    account  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    action   TEXT    NOT NULL,
    endpoint INTEGER NOT NULL DEFAULT 0,
    detail   TEXT    NOT NULL
);

CREATE INDEX audit_account ON audit (account, id);
