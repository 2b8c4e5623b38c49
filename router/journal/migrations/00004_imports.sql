-- +goose Up
-- Files in which providers tell what they did, as people give them to us in pieces. Their
-- bytes are kept until they have been read, and no longer: they hold names and phones.
CREATE TABLE imports (
  id             TEXT    NOT NULL PRIMARY KEY, -- the operator's request id
  gateway        TEXT    NOT NULL,
  format         TEXT    NOT NULL,
  file_name      TEXT    NOT NULL,
  sha256         TEXT    NOT NULL,
  size           BIGINT  NOT NULL,
  from_day       TEXT    NOT NULL,
  to_day         TEXT    NOT NULL,
  validate_only  BOOLEAN NOT NULL,
  actor          TEXT    NOT NULL,
  reason         TEXT    NOT NULL,
  state          TEXT    NOT NULL,
  received       BIGINT  NOT NULL,
  lines          BIGINT  NOT NULL,
  refused_row    BIGINT  NOT NULL,
  refused_column TEXT    NOT NULL,
  refused_why    TEXT    NOT NULL,
  owner          TEXT    NOT NULL,
  due_at         BIGINT,
  tries          BIGINT  NOT NULL,
  created_at     BIGINT  NOT NULL,
  updated_at     BIGINT  NOT NULL,
  ended_at       BIGINT
);
CREATE INDEX imports_due ON imports (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE import_chunks (
  import_id TEXT   NOT NULL,
  at        BIGINT NOT NULL, -- of its first byte in the file
  data      BYTEA  NOT NULL,
  PRIMARY KEY (import_id, at)
);
