-- +goose Up
-- Histories of payments that were over long ago, each in one compressed row, so that events
-- stays as large as what is going on. Of an archived history the last event stays there as a
-- stub: its number and its writer are what appends and marks go by. A process of the version
-- before takes the stub for an event of a later version, and leaves the payment to others.
CREATE TABLE archive (
  payment_id   TEXT    NOT NULL PRIMARY KEY,
  seq          BIGINT  NOT NULL, -- of the last event in it, which is the stub's
  once_unknown BOOLEAN NOT NULL, -- some answer once left the outcome unknown
  archived_at  BIGINT  NOT NULL,
  history      BYTEA   NOT NULL  -- see packed.go
);

-- How far the histories of a tenant were looked through, and since when: what was kept then is
-- looked at again the next time round.
CREATE TABLE archive_walks (
  tenant     TEXT   NOT NULL PRIMARY KEY,
  began_at   BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  payment_id TEXT   NOT NULL
);

-- Up to which event the archive has a payment; 0: it has none of it.
ALTER TABLE payments ADD COLUMN archived_seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE retention_passes ADD COLUMN archived BIGINT NOT NULL DEFAULT 0;
