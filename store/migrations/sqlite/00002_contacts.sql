-- Contacts, their fields and segments; events (DESIGN.md, section 1).
-- Times are milliseconds since 1970 UTC, 0 = none. Forward only.

-- +goose Up

-- ----------------------------------------------------------- the contacts

-- A contact in one row, so that reading one is one look-up. Absent texts are ''.
CREATE TABLE contact (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    account       INTEGER NOT NULL,
    external      TEXT    NOT NULL, -- externalCustomerId
    first_name    TEXT    NOT NULL,
    last_name     TEXT    NOT NULL,
    region        TEXT    NOT NULL,
    town          TEXT    NOT NULL,
    address       TEXT    NOT NULL,
    postcode      TEXT    NOT NULL,
    language      TEXT    NOT NULL,
    time_zone     TEXT    NOT NULL,
    channels      TEXT    NOT NULL, -- JSON: [["email","ann@example.com"], …] in order; '' = none
    fields        TEXT    NOT NULL, -- JSON: {"field's id": value, …}; '' = none
    subscriptions TEXT    NOT NULL, -- JSON: category keys, sorted; '' = none
    version       INTEGER NOT NULL,
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL
);

CREATE INDEX contact_account ON contact (account, id);

-- What finds a contact, and belongs to one only: its externalCustomerId (kind
-- 0) and its addresses (kind = the media type's number), as they are compared.
-- In the order of the key, so that beginnings of addresses are found, too.
CREATE TABLE contact_key (
    account INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    key     TEXT    NOT NULL,
    contact INTEGER NOT NULL,
    PRIMARY KEY (account, kind, key)
) WITHOUT ROWID;

-- The words of names, found by their beginnings. The text itself is not kept.
-- rowid = the contact's id. Beginnings of up to 4 letters have an index of
-- their own, because many names share them.
CREATE VIRTUAL TABLE contact_name USING fts5 (
    words,
    content = '', contentless_delete = 1, detail = none, prefix = '1 2 3 4',
    tokenize = "unicode61 remove_diacritics 2"
);

-- Addresses that nothing may be sent to, whoever has them; kind and key as in contact_key.
CREATE TABLE blacklist (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    key     TEXT    NOT NULL,
    reason  TEXT    NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (account, kind, key)
);

CREATE INDEX blacklist_account ON blacklist (account, id);

CREATE TABLE field (
    id      INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: values are kept under it
    account INTEGER NOT NULL REFERENCES account (id),
    key     TEXT    NOT NULL,
    type    TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (account, key)
);

-- ----------------------------------------------------------- the segments

CREATE TABLE segment (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    account   INTEGER NOT NULL REFERENCES account (id),
    name      TEXT    NOT NULL,
    condition TEXT    NOT NULL, -- JSON; '' = a list
    version   INTEGER NOT NULL,
    created   INTEGER NOT NULL,
    updated   INTEGER NOT NULL
);

CREATE INDEX segment_account ON segment (account, id);

-- Who is on a list.
CREATE TABLE segment_member (
    segment INTEGER NOT NULL,
    contact INTEGER NOT NULL,
    PRIMARY KEY (segment, contact)
) WITHOUT ROWID;

CREATE INDEX segment_member_contact ON segment_member (contact);

-- ------------------------------------------------------------- the events

CREATE TABLE event_type (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account     INTEGER NOT NULL REFERENCES account (id),
    key         TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    unique_keys INTEGER NOT NULL DEFAULT 0, -- 1 = one event for each key_value
    created     INTEGER NOT NULL,
    UNIQUE (account, key)
);

CREATE TABLE event (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    account   INTEGER NOT NULL,
    type      INTEGER NOT NULL REFERENCES event_type (id),
    key_value TEXT    NOT NULL,
    contact   INTEGER NOT NULL, -- 0 = nobody was found
    at        INTEGER NOT NULL, -- of arrival
    params    TEXT    NOT NULL  -- JSON: [{"name":…,"value":…}, …]
);

CREATE INDEX event_type_id ON event (type, id);
CREATE INDEX event_key ON event (type, key_value);
CREATE INDEX event_contact ON event (contact, id) WHERE contact > 0;
CREATE INDEX event_account ON event (account, id);
