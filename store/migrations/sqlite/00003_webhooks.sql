-- Connectors, webhooks and the log of their calls (DESIGN.md, section 4).
-- Times are milliseconds since 1970 UTC, 0 = none. Forward only.

-- +goose Up

CREATE TABLE connector (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    account  INTEGER NOT NULL REFERENCES account (id),
    name     TEXT    NOT NULL,
    kind     TEXT    NOT NULL, -- basic, bearer, apiKey
    username TEXT    NOT NULL,
    place    TEXT    NOT NULL, -- of an API key: header, query
    param    TEXT    NOT NULL, -- of an API key: the header's or parameter's name
    secret   BLOB,             -- sealed (secret.go): the password, token or key; NULL = empty
    version  INTEGER NOT NULL,
    created  INTEGER NOT NULL,
    updated  INTEGER NOT NULL
);

CREATE UNIQUE INDEX connector_name ON connector (account, name);

-- A deleted webhook can be looked at and restored; its name is free meanwhile.
CREATE TABLE webhook (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account     INTEGER NOT NULL REFERENCES account (id),
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    method      TEXT    NOT NULL,
    url         TEXT    NOT NULL,
    headers     BLOB,             -- sealed (secret.go), because keys get typed into them; NULL = none
    connector   INTEGER NOT NULL, -- 0 = none
    format      TEXT    NOT NULL, -- of the body: json, xml, text; '' = none
    body        TEXT    NOT NULL,
    timeout     INTEGER NOT NULL, -- milliseconds; 0 = the default
    version     INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    updated     INTEGER NOT NULL,
    deleted     INTEGER NOT NULL DEFAULT 0
);

CREATE UNIQUE INDEX webhook_name ON webhook (account, name) WHERE deleted = 0;
CREATE INDEX webhook_account ON webhook (account, id);
CREATE INDEX webhook_connector ON webhook (connector) WHERE connector > 0;

-- What was called, secrets masked. detail is JSON, compressed when it is worth it (call.go).
CREATE TABLE call (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    account  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    webhook  INTEGER NOT NULL, -- 0 = a definition that was not saved
    contact  INTEGER NOT NULL, -- 0 = none
    event    INTEGER NOT NULL, -- 0 = none
    outcome  TEXT    NOT NULL,
    status   INTEGER NOT NULL, -- HTTP, of the last try; 0 = none was read
    test     INTEGER NOT NULL,
    duration INTEGER NOT NULL, -- microseconds
    call_key TEXT    NOT NULL,
    name     TEXT    NOT NULL, -- of the webhook, when it was called
    error    TEXT    NOT NULL,
    detail   BLOB    NOT NULL
);

CREATE INDEX call_account ON call (account, at, id);
CREATE INDEX call_webhook ON call (webhook, at, id) WHERE webhook > 0;
CREATE INDEX call_contact ON call (contact, at, id) WHERE contact > 0;
CREATE INDEX call_failed ON call (account, at, id) WHERE outcome <> 'ok';
