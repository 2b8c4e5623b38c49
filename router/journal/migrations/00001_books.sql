-- +goose Up
-- Instants are microseconds since 1970, UTC. Amounts are minor units.
CREATE TABLE events (
  payment_id TEXT   NOT NULL,
  seq        BIGINT NOT NULL,
  at         BIGINT NOT NULL,
  actor      TEXT   NOT NULL,
  kind       TEXT   NOT NULL,
  body       TEXT   NOT NULL,
  writer     TEXT   NOT NULL, -- the one commit that wrote it
  PRIMARY KEY (payment_id, seq)
);

-- By-products of the events, written in the same transaction; compared with them by model_rows_test.go.
CREATE TABLE payments (
  id         TEXT    NOT NULL PRIMARY KEY,
  tenant     TEXT    NOT NULL,
  order_ref  TEXT    NOT NULL,
  order_open BOOLEAN NOT NULL,
  status     TEXT    NOT NULL,
  gateway    TEXT    NOT NULL,
  at_risk    BOOLEAN NOT NULL,
  seq        BIGINT  NOT NULL,
  created_at BIGINT  NOT NULL,
  updated_at BIGINT  NOT NULL,
  due_at     BIGINT,
  payer      TEXT    NOT NULL
);
CREATE UNIQUE INDEX payments_one_order ON payments (tenant, order_ref) WHERE order_open;
CREATE INDEX payments_due ON payments (gateway, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX payments_page ON payments (tenant, created_at, id);

CREATE TABLE attempts (
  payment_id TEXT    NOT NULL,
  n          BIGINT  NOT NULL,
  gateway    TEXT    NOT NULL,
  provider   TEXT    NOT NULL,
  reference  TEXT    NOT NULL,
  external   TEXT    NOT NULL,
  verdict    TEXT    NOT NULL,
  amount     BIGINT  NOT NULL,
  currency   TEXT    NOT NULL,
  planned_at BIGINT  NOT NULL,
  unclosed   BOOLEAN NOT NULL,
  at_risk    BOOLEAN NOT NULL,
  live_until BIGINT,
  PRIMARY KEY (payment_id, n)
);
CREATE UNIQUE INDEX attempts_reference ON attempts (gateway, reference);
-- I7: the database itself refuses a second attempt beside one that is not closed.
CREATE UNIQUE INDEX attempts_one_unclosed ON attempts (payment_id) WHERE unclosed;
CREATE INDEX attempts_external ON attempts (gateway, external) WHERE external <> '';
CREATE INDEX attempts_at_risk ON attempts (gateway) WHERE at_risk;

CREATE TABLE findings (
  payment_id TEXT   NOT NULL,
  kind       TEXT   NOT NULL,
  attempt    BIGINT NOT NULL,
  at         BIGINT NOT NULL,
  detail     TEXT   NOT NULL,
  PRIMARY KEY (payment_id, kind, attempt)
);

-- Idempotency keys, kept as long as the payment.
CREATE TABLE requests (
  tenant     TEXT NOT NULL,
  request_id TEXT NOT NULL,
  kind       TEXT NOT NULL,
  hash       TEXT NOT NULL,
  payment_id TEXT NOT NULL,
  object     TEXT NOT NULL,
  PRIMARY KEY (tenant, request_id)
);

-- Committed changes waiting for their number, and the numbered feed.
CREATE TABLE outbox (
  payment_id TEXT   NOT NULL,
  seq        BIGINT NOT NULL,
  tenant     TEXT   NOT NULL,
  at         BIGINT NOT NULL,
  PRIMARY KEY (payment_id, seq)
);
CREATE TABLE feed (
  tenant     TEXT   NOT NULL,
  seq        BIGINT NOT NULL,
  payment_id TEXT   NOT NULL,
  event_seq  BIGINT NOT NULL,
  PRIMARY KEY (tenant, seq)
);
CREATE UNIQUE INDEX feed_event ON feed (payment_id, event_seq);

CREATE TABLE counters (
  name  TEXT   NOT NULL PRIMARY KEY,
  value BIGINT NOT NULL
);
CREATE TABLE leases (
  name       TEXT   NOT NULL PRIMARY KEY,
  owner      TEXT   NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE TABLE notices (
  id          TEXT   NOT NULL PRIMARY KEY,
  gateway     TEXT   NOT NULL,
  received_at BIGINT NOT NULL,
  method      TEXT   NOT NULL,
  path        TEXT   NOT NULL,
  query       TEXT   NOT NULL,
  header      TEXT   NOT NULL,
  source      TEXT   NOT NULL,
  body        BYTEA,
  state       TEXT   NOT NULL,
  payment_id  TEXT   NOT NULL,
  detail      TEXT   NOT NULL
);
CREATE INDEX notices_received ON notices (gateway, received_at);
CREATE INDEX notices_waiting ON notices (payment_id, gateway, received_at) WHERE state = 'hint';
CREATE TABLE answers (
  gateway      TEXT   NOT NULL,
  answer_key   TEXT   NOT NULL,
  status       BIGINT NOT NULL,
  content_type TEXT   NOT NULL,
  body         BYTEA,
  PRIMARY KEY (gateway, answer_key)
);

CREATE TABLE overrides (
  id         TEXT    NOT NULL PRIMARY KEY,
  gateway    TEXT    NOT NULL,
  mode       TEXT    NOT NULL,
  move_open  BOOLEAN NOT NULL,
  actor      TEXT    NOT NULL,
  reason     TEXT    NOT NULL,
  created_at BIGINT  NOT NULL,
  start_at   BIGINT  NOT NULL,
  end_at     BIGINT  NOT NULL,
  ended_at   BIGINT,
  ended_by   TEXT    NOT NULL,
  version    BIGINT  NOT NULL
);
CREATE INDEX overrides_end ON overrides (end_at);

CREATE TABLE instruments (
  id         TEXT   NOT NULL PRIMARY KEY,
  tenant     TEXT   NOT NULL,
  customer   TEXT   NOT NULL,
  gateway    TEXT   NOT NULL,
  token      TEXT   NOT NULL,
  token_hash TEXT   NOT NULL,
  mask       TEXT   NOT NULL,
  brand      TEXT   NOT NULL,
  payment_id TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  deleted_at BIGINT
);
CREATE UNIQUE INDEX instruments_token ON instruments (tenant, gateway, customer, token_hash) WHERE deleted_at IS NULL;
CREATE INDEX instruments_customer ON instruments (tenant, customer);
