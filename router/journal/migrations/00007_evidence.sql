-- +goose Up
-- What people recorded as shown, where the books cannot show it by themselves. Nothing of it
-- is ever changed: a mistake is followed by another record.
CREATE TABLE evidence (
  id         TEXT   NOT NULL PRIMARY KEY, -- the operator's request id
  gateway    TEXT   NOT NULL,
  item       TEXT   NOT NULL,
  shown_at   BIGINT NOT NULL,
  reference  TEXT   NOT NULL,
  detail     TEXT   NOT NULL,
  actor      TEXT   NOT NULL,
  reason     TEXT   NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX evidence_page ON evidence (created_at, id);
CREATE INDEX evidence_newest ON evidence (gateway, item, created_at, id);
