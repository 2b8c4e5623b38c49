-- +goose Up
-- What outlives its term. When the payer was erased from a payment and from its events; the
-- record of the money stays. A process of the version before writes none.
ALTER TABLE payments ADD COLUMN erased_at BIGINT;
CREATE INDEX payments_person ON payments (created_at, id) WHERE erased_at IS NULL;

-- What was removed and erased, by whom, and up to when. A pass that did not come to its end
-- has none: the next one goes on, and what this one did is counted here.
CREATE TABLE retention_passes (
  id             TEXT   NOT NULL PRIMARY KEY,
  actor          TEXT   NOT NULL,
  notices_before BIGINT NOT NULL, -- everything older was to be removed,
  payers_before  BIGINT NOT NULL, -- or erased
  notices        BIGINT NOT NULL, -- so many were
  payers         BIGINT NOT NULL,
  kept           BIGINT NOT NULL, -- although they were old
  began_at       BIGINT NOT NULL,
  ended_at       BIGINT
);
