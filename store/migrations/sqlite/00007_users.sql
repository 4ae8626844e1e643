-- People who sign in to an account's pages, the browsers that they do it in, and one-time links.
-- Times are milliseconds since 1970 UTC, 0 = none. Forward only.

-- +goose Up

ALTER TABLE account ADD COLUMN zone TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

CREATE TABLE account_user (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    account  INTEGER NOT NULL REFERENCES account (id),
    email    TEXT NOT NULL UNIQUE, -- in lower case
    name     TEXT NOT NULL,
    role     TEXT NOT NULL,
    operator INTEGER NOT NULL,
    theme    TEXT NOT NULL,
    password TEXT NOT NULL DEFAULT '', -- its hash (package password); '' = none
    subject  TEXT NOT NULL DEFAULT '', -- of single sign-on; '' = none
    active   INTEGER NOT NULL DEFAULT 0,
    version  INTEGER NOT NULL,
    created  INTEGER NOT NULL,
    updated  INTEGER NOT NULL,
    seen     INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX account_user_account ON account_user (account, id);
CREATE UNIQUE INDEX account_user_subject ON account_user (subject) WHERE subject <> '';

-- A browser in which a user is signed in. When it ends is a matter of created and seen.
CREATE TABLE user_session (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES account_user (id),
    digest  BLOB NOT NULL UNIQUE, -- of the token that the browser has
    agent   TEXT NOT NULL,
    address TEXT NOT NULL,
    created INTEGER NOT NULL,
    seen    INTEGER NOT NULL
);

CREATE INDEX user_session_user ON user_session (user_id, id);

-- The one-time link of a user; user_id 0 = the one that makes the first user.
CREATE TABLE user_link (
    user_id INTEGER PRIMARY KEY,
    digest  BLOB NOT NULL UNIQUE,
    expires INTEGER NOT NULL
);
