-- Workflows and their runs, messages, mails and broadcasts, sources (DESIGN.md, section 4).
-- Times are milliseconds since 1970 UTC, 0 = none. Forward only.

-- +goose Up

-- ---------------------------------------------------------- the workflows

CREATE TABLE workflow (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL REFERENCES account (id),
    name    TEXT    NOT NULL,
    draft   TEXT    NOT NULL, -- JSON: the definition that is edited
    active  INTEGER NOT NULL, -- the version that new runs take; 0 = it is off
    latest  INTEGER NOT NULL, -- the newest version; 0 = it was never active
    follows INTEGER NOT NULL, -- 1 = it is active, and activities start its runs
    version INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX workflow_account ON workflow (account, id);
CREATE INDEX workflow_active ON workflow (account, id) WHERE active > 0;
CREATE INDEX workflow_follows ON workflow (account) WHERE follows = 1;

-- What an activation froze: runs follow it to their end.
CREATE TABLE workflow_version (
    workflow   INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    definition TEXT    NOT NULL, -- JSON
    created    INTEGER NOT NULL,
    PRIMARY KEY (workflow, number)
);

-- One row per account that ever activated a workflow. stamp grows with each
-- change of what is active; followed is the seq up to which activities have started runs.
CREATE TABLE activation (
    account  INTEGER PRIMARY KEY,
    stamp    INTEGER NOT NULL,
    followed INTEGER NOT NULL
);

CREATE TABLE workflow_case (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    account  INTEGER NOT NULL,
    workflow INTEGER NOT NULL,
    name     TEXT    NOT NULL,
    input    TEXT    NOT NULL, -- JSON
    expected TEXT    NOT NULL, -- JSON
    created  INTEGER NOT NULL,
    UNIQUE (workflow, name)
);

-- --------------------------------------------------------------- the runs

-- A waiting run is this row and nothing else. wake is when it can be claimed:
-- when it is due, or when its claim ends.
CREATE TABLE run (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    instance TEXT    NOT NULL, -- workflowInstanceId; grows with time, so that its index grows at its end
    account  INTEGER NOT NULL,
    workflow INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    contact  INTEGER NOT NULL, -- 0 = the event names nobody
    event    INTEGER NOT NULL,
    state    TEXT    NOT NULL, -- going, ended, failed, stopped
    block    TEXT    NOT NULL, -- the next one; '' once it has ended
    due      INTEGER NOT NULL,
    wake     INTEGER NOT NULL,
    entered  INTEGER NOT NULL,
    marked   INTEGER NOT NULL DEFAULT 0,
    error    TEXT    NOT NULL DEFAULT '',
    tries    INTEGER NOT NULL DEFAULT 0,
    fence    INTEGER NOT NULL DEFAULT 0,
    steps    INTEGER NOT NULL DEFAULT 0,
    replies  INTEGER NOT NULL DEFAULT 0, -- 1 = it may have rows in run_reply
    started  INTEGER NOT NULL,
    ended    INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX run_wake ON run (wake) WHERE state = 'going';
CREATE INDEX run_going ON run (workflow, contact, id) WHERE state = 'going';
CREATE UNIQUE INDEX run_instance ON run (instance);
CREATE INDEX run_account ON run (account, id);
CREATE INDEX run_workflow ON run (workflow, id, state, marked);
CREATE INDEX run_contact ON run (contact, id) WHERE contact > 0;
CREATE INDEX run_failed ON run (account, id) WHERE state = 'failed';
CREATE INDEX run_marked ON run (account, id) WHERE marked = 1;
CREATE INDEX run_ended ON run (ended, id) WHERE ended > 0;

-- What webhooks answered, as the run's templates see it; it goes when the run ends.
CREATE TABLE run_reply (
    run    INTEGER NOT NULL,
    name   TEXT    NOT NULL, -- of the webhook
    step   INTEGER NOT NULL,
    format TEXT    NOT NULL,
    failed INTEGER NOT NULL,
    body   BLOB    NOT NULL, -- packed (pack.go)
    PRIMARY KEY (run, name)
);

CREATE TABLE step (
    run      INTEGER NOT NULL,
    number   INTEGER NOT NULL, -- within the run, from 1
    block    TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    duration INTEGER NOT NULL, -- microseconds
    exit     TEXT    NOT NULL,
    call     INTEGER NOT NULL, -- 0 = none
    mail     INTEGER NOT NULL, -- 0 = none
    decided  TEXT    NOT NULL, -- JSON
    error    TEXT    NOT NULL,
    PRIMARY KEY (run, number)
) WITHOUT ROWID;

-- When a run was last started for a keyValue, of workflows that do not start one every time.
CREATE TABLE run_once (
    workflow  INTEGER NOT NULL,
    key_value TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (workflow, key_value)
) WITHOUT ROWID;

-- ----------------------------------------------------- messages and mails

CREATE TABLE message (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    account      INTEGER NOT NULL REFERENCES account (id),
    name         TEXT    NOT NULL,
    tag          TEXT    NOT NULL,
    from_name    TEXT    NOT NULL,
    from_address TEXT    NOT NULL,
    reply_to     TEXT    NOT NULL,
    categories   TEXT    NOT NULL, -- JSON: category keys; '' = none
    content      BLOB    NOT NULL, -- packed (pack.go) JSON: the content and its variants
    version      INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    updated      INTEGER NOT NULL,
    deleted      INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX message_account ON message (account, id);

CREATE TABLE broadcast (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    account       INTEGER NOT NULL REFERENCES account (id),
    name          TEXT    NOT NULL,
    message       INTEGER NOT NULL,
    segment       INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    per_minute    INTEGER NOT NULL,
    state         TEXT    NOT NULL, -- scheduled, running, paused, done, canceled
    wake          INTEGER NOT NULL, -- when it can be claimed; 0 = not at all
    after_contact INTEGER NOT NULL DEFAULT 0,
    fence         INTEGER NOT NULL DEFAULT 0,
    total         INTEGER NOT NULL DEFAULT 0,
    queued        INTEGER NOT NULL DEFAULT 0,
    skipped       INTEGER NOT NULL DEFAULT 0,
    sent          INTEGER NOT NULL DEFAULT 0,
    failed        INTEGER NOT NULL DEFAULT 0,
    open          INTEGER NOT NULL DEFAULT 0, -- mails that are queued
    version       INTEGER NOT NULL,
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL,
    ended         INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX broadcast_account ON broadcast (account, id);
CREATE INDEX broadcast_wake ON broadcast (wake) WHERE wake > 0;
CREATE INDEX broadcast_open ON broadcast (id) WHERE open > 0;

-- A mail without its bodies, which only its sending and its web version need.
CREATE TABLE mail (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    account      INTEGER NOT NULL,
    iid          TEXT    NOT NULL,
    message      INTEGER NOT NULL, -- 0 = one that was not saved
    name         TEXT    NOT NULL,
    tag          TEXT    NOT NULL,
    language     TEXT    NOT NULL,
    contact      INTEGER NOT NULL,
    external     TEXT    NOT NULL,
    address      TEXT    NOT NULL,
    broadcast    INTEGER NOT NULL, -- 0 = none
    workflow     INTEGER NOT NULL, -- 0 = none
    block        TEXT    NOT NULL,
    instance     TEXT    NOT NULL,
    event        INTEGER NOT NULL,
    event_key    TEXT    NOT NULL,
    event_type   TEXT    NOT NULL,
    test         INTEGER NOT NULL,
    from_name    TEXT    NOT NULL,
    from_address TEXT    NOT NULL,
    reply_to     TEXT    NOT NULL,
    categories   TEXT    NOT NULL, -- JSON: category keys; '' = none
    subject      TEXT    NOT NULL,
    state        TEXT    NOT NULL, -- queued, sent, failed, dropped
    due          INTEGER NOT NULL,
    wake         INTEGER NOT NULL, -- when it can be claimed: when it is due, or when its claim ends
    tries        INTEGER NOT NULL DEFAULT 0,
    fence        INTEGER NOT NULL DEFAULT 0,
    error        TEXT    NOT NULL DEFAULT '',
    created      INTEGER NOT NULL,
    sent         INTEGER NOT NULL DEFAULT 0,
    opened       INTEGER NOT NULL DEFAULT 0,
    hits         INTEGER NOT NULL DEFAULT 0 -- bits of what has happened once (track.go)
);

-- Mails wait by broadcast, so that one that is paused costs the others nothing.
CREATE INDEX mail_wake ON mail (broadcast, wake) WHERE state = 'queued';
CREATE INDEX mail_account ON mail (account, id);
CREATE INDEX mail_contact ON mail (contact, id) WHERE contact > 0;
CREATE INDEX mail_message ON mail (message, id) WHERE message > 0;
CREATE INDEX mail_workflow ON mail (workflow, id) WHERE workflow > 0;
CREATE INDEX mail_broadcast ON mail (broadcast, id) WHERE broadcast > 0;
CREATE INDEX mail_failed ON mail (account, id) WHERE state = 'failed';

CREATE TABLE mail_body (
    mail INTEGER PRIMARY KEY,
    body BLOB    NOT NULL -- packed (pack.go): the html's length, the html, the text
);

CREATE TABLE mail_settings (
    account      INTEGER PRIMARY KEY,
    count_opens  INTEGER NOT NULL, -- 1 = those of machines, too
    from_name    TEXT    NOT NULL,
    from_address TEXT    NOT NULL,
    categories   TEXT    NOT NULL, -- JSON: [["key","name"], …]
    version      INTEGER NOT NULL
);

-- ------------------------------------------------------------ the sources

CREATE TABLE source (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL REFERENCES account (id),
    name    TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    secret  BLOB,             -- sealed (secret.go); NULL = empty
    version INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    last    INTEGER NOT NULL DEFAULT 0 -- when the newest event was taken
);

CREATE INDEX source_account ON source (account, id);

-- The events that were taken, so that what a sender repeats is not taken twice.
CREATE TABLE source_event (
    source  INTEGER NOT NULL,
    key     TEXT    NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (source, key)
) WITHOUT ROWID;

CREATE INDEX source_event_expires ON source_event (expires);
