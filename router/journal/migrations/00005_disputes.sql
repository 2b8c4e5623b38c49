-- +goose Up
-- What banks and payers contest. A dispute stands beside a payment and moves none of it.
CREATE TABLE disputes (
  id           TEXT   NOT NULL PRIMARY KEY, -- the operator's request id
  said         TEXT   NOT NULL,             -- a keyed hash of what was said under it
  payment_id   TEXT   NOT NULL,
  attempt      BIGINT NOT NULL,
  tenant       TEXT   NOT NULL,
  gateway      TEXT   NOT NULL,
  kind         TEXT   NOT NULL,
  state        TEXT   NOT NULL,
  outcome      TEXT   NOT NULL,
  case_number  TEXT   NOT NULL, -- the bank's; empty while nobody knows it
  amount       BIGINT NOT NULL,
  currency     TEXT   NOT NULL,
  detail       TEXT   NOT NULL,
  opened_at    BIGINT NOT NULL, -- the clock runs from here
  answer       TEXT   NOT NULL,
  answered_at  BIGINT,
  owner        TEXT   NOT NULL,
  note         TEXT   NOT NULL,
  recorded_by  TEXT   NOT NULL,
  answered_by  TEXT   NOT NULL,
  closed_by    TEXT   NOT NULL,
  close_reason TEXT   NOT NULL,
  created_at   BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL,
  closed_at    BIGINT,
  version      BIGINT NOT NULL
);
CREATE UNIQUE INDEX disputes_case ON disputes (gateway, case_number) WHERE case_number <> '';
CREATE INDEX disputes_page ON disputes (created_at, id);
CREATE INDEX disputes_payment ON disputes (payment_id, created_at);
CREATE INDEX disputes_open ON disputes (gateway, kind, opened_at) WHERE state = 'open';

-- What people did to disputes, their recording included (SAFETY I12).
CREATE TABLE dispute_changes (
  dispute_id TEXT   NOT NULL,
  version    BIGINT NOT NULL,
  at         BIGINT NOT NULL,
  actor      TEXT   NOT NULL,
  reason     TEXT   NOT NULL,
  change     TEXT   NOT NULL, -- what became of it, as JSON
  PRIMARY KEY (dispute_id, version)
);

-- The webhooks that came about a payment.
CREATE INDEX notices_payment ON notices (payment_id, received_at) WHERE payment_id <> '';
