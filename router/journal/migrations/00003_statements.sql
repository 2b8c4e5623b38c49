-- +goose Up
-- The gateways' own books beside ours: what they tell of each business day, the runs that
-- read it and hold it against ours, and what was found.

-- The latest instant by which the gateway may have dated the charge, rounded up to the hour
-- so that it is seldom rewritten. What an older version writes beside this one has none until
-- it is written again, and is missed when no statement tells of it.
ALTER TABLE attempts ADD COLUMN last_at BIGINT NOT NULL DEFAULT 0;
UPDATE attempts SET last_at = 3600000000 + (SELECT p.updated_at FROM payments p WHERE p.id = attempts.payment_id);
CREATE INDEX attempts_dated ON attempts (gateway, last_at, payment_id, n, planned_at) WHERE verdict IN ('approved', 'held');

-- By-product of the events, as attempts is: the refunds and give-backs that were sent.
CREATE TABLE refunds (
  payment_id TEXT   NOT NULL,
  operation  BIGINT NOT NULL,
  attempt    BIGINT NOT NULL,
  gateway    TEXT   NOT NULL,
  own        TEXT   NOT NULL, -- its own order number, where it was given one
  external   TEXT   NOT NULL,
  verdict    TEXT   NOT NULL,
  planned_at BIGINT NOT NULL,
  last_at    BIGINT NOT NULL,
  PRIMARY KEY (payment_id, operation)
);
CREATE INDEX refunds_own ON refunds (gateway, own) WHERE own <> '';
CREATE INDEX refunds_external ON refunds (gateway, external) WHERE external <> '';
CREATE INDEX refunds_dated ON refunds (gateway, last_at, payment_id, operation, attempt, planned_at) WHERE verdict = 'approved';

-- Which reading is the statement of a day. A reading that is not named here is not believed.
CREATE TABLE statement_days (
  gateway    TEXT   NOT NULL,
  day        TEXT   NOT NULL, -- 2026-11-24, in the gateway's own zone
  reading    TEXT   NOT NULL,
  source     TEXT   NOT NULL,
  from_at    BIGINT NOT NULL,
  to_at      BIGINT NOT NULL,
  lines      BIGINT NOT NULL,
  read_at    BIGINT NOT NULL,
  PRIMARY KEY (gateway, day)
);
CREATE TABLE statement_lines (
  reading      TEXT   NOT NULL,
  seq          BIGINT NOT NULL,
  gateway      TEXT   NOT NULL,
  day          TEXT   NOT NULL,
  grp          TEXT   NOT NULL, -- whose it is: payment/attempt, or a name of its own after a ?
  found_by     TEXT   NOT NULL, -- reference, own, external, amount, or nothing
  kind         TEXT   NOT NULL,
  order_ref    TEXT   NOT NULL,
  external     TEXT   NOT NULL,
  verdict      TEXT   NOT NULL,
  amount       BIGINT NOT NULL,
  currency     TEXT   NOT NULL,
  fee          BIGINT NOT NULL,
  fee_currency TEXT   NOT NULL,
  at           BIGINT,
  settled_at   BIGINT,
  code         TEXT   NOT NULL,
  reason       TEXT   NOT NULL,
  PRIMARY KEY (reading, seq)
);
CREATE INDEX statement_lines_page ON statement_lines (reading, day, grp, at);
CREATE INDEX statement_lines_group ON statement_lines (gateway, grp);

CREATE TABLE runs (
  id         TEXT   NOT NULL PRIMARY KEY,
  gateway    TEXT   NOT NULL,
  day        TEXT   NOT NULL,
  from_at    BIGINT NOT NULL, -- the day, as its zone had it when the run began
  to_at      BIGINT NOT NULL,
  source     TEXT   NOT NULL,
  cause      TEXT   NOT NULL,
  actor      TEXT   NOT NULL,
  reason     TEXT   NOT NULL,
  request_id TEXT   NOT NULL,
  state      TEXT   NOT NULL,
  reading    TEXT   NOT NULL,
  read_to    BIGINT NOT NULL, -- up to where the lines are staged for good,
  staged     BIGINT NOT NULL, -- and how many they are
  cursor     TEXT   NOT NULL, -- up to where they are judged
  owner      TEXT   NOT NULL,
  due_at     BIGINT,          -- when somebody may take it up: the end of the owner's lease, or of a wait
  tries      BIGINT NOT NULL,
  error      TEXT   NOT NULL,
  counts     TEXT   NOT NULL, -- what it has done so far, as JSON
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  ended_at   BIGINT
);
-- One run of a day at a time, over all replicas.
CREATE UNIQUE INDEX runs_open ON runs (gateway, day) WHERE ended_at IS NULL;
-- One run of a gateway is at work at a time: what another finds meanwhile would be judged by
-- statements that it does not know.
CREATE UNIQUE INDEX runs_at_work ON runs (gateway) WHERE owner <> '' AND ended_at IS NULL;
CREATE INDEX runs_due ON runs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX runs_page ON runs (created_at, id);
CREATE INDEX runs_day ON runs (gateway, day, created_at);
CREATE UNIQUE INDEX runs_request ON runs (request_id) WHERE request_id <> '';

-- Findings of payments and of statements in one table, so that people have one list. A
-- process of the version before may still write the first kind, with nothing of what follows.
-- A statement's finding may be of no payment; what it is about is a hash.
ALTER TABLE findings ADD COLUMN source TEXT NOT NULL DEFAULT 'payment';
ALTER TABLE findings ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
ALTER TABLE findings ADD COLUMN gateway TEXT NOT NULL DEFAULT '';
ALTER TABLE findings ADD COLUMN grp TEXT NOT NULL DEFAULT '';
ALTER TABLE findings ADD COLUMN day TEXT NOT NULL DEFAULT '';
ALTER TABLE findings ADD COLUMN run TEXT NOT NULL DEFAULT ''; -- that saw it first
ALTER TABLE findings ADD COLUMN ours BIGINT NOT NULL DEFAULT 0;
ALTER TABLE findings ADD COLUMN ours_currency TEXT NOT NULL DEFAULT '';
ALTER TABLE findings ADD COLUMN theirs BIGINT NOT NULL DEFAULT 0;
ALTER TABLE findings ADD COLUMN theirs_currency TEXT NOT NULL DEFAULT '';
ALTER TABLE findings ADD COLUMN order_ref TEXT NOT NULL DEFAULT '';
ALTER TABLE findings ADD COLUMN external TEXT NOT NULL DEFAULT '';
ALTER TABLE findings ADD COLUMN state TEXT NOT NULL DEFAULT 'open';
ALTER TABLE findings ADD COLUMN resolution TEXT NOT NULL DEFAULT '';
ALTER TABLE findings ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE findings ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE findings ADD COLUMN closed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE findings ADD COLUMN close_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE findings ADD COLUMN adopted_as TEXT NOT NULL DEFAULT ''; -- the payment that the money became
ALTER TABLE findings ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE findings ADD COLUMN closed_at BIGINT;
ALTER TABLE findings ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
UPDATE findings SET updated_at = at, tenant = COALESCE((SELECT p.tenant FROM payments p WHERE p.id = findings.payment_id), ''),
  gateway = COALESCE((SELECT a.gateway FROM attempts a WHERE a.payment_id = findings.payment_id AND a.n = findings.attempt), '');
CREATE INDEX findings_page ON findings (at, payment_id, kind, attempt, about);
CREATE INDEX findings_group ON findings (gateway, grp) WHERE state = 'open' AND grp <> '';
CREATE INDEX findings_run ON findings (run, at) WHERE run <> '';
CREATE INDEX findings_open ON findings (gateway, kind, at) WHERE state = 'open';

-- What people and statements did to findings (SAFETY I12).
CREATE TABLE finding_changes (
  finding_id TEXT   NOT NULL,
  version    BIGINT NOT NULL,
  at         BIGINT NOT NULL,
  actor      TEXT   NOT NULL,
  reason     TEXT   NOT NULL,
  change     TEXT   NOT NULL, -- what became of it, as JSON
  PRIMARY KEY (finding_id, version)
);
