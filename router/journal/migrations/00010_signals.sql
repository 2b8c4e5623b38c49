-- +goose Up
-- By-product of the events: when a gateway was passed over because it was believed to be down
-- (diverted), and when it was to have an attempt and did not serve it (unserved).
-- Reconciliation asks afterwards whether it was down.
CREATE TABLE signals (
  payment_id TEXT   NOT NULL,
  attempt    BIGINT NOT NULL,
  gateway    TEXT   NOT NULL,
  signal     TEXT   NOT NULL,
  at         BIGINT NOT NULL,
  PRIMARY KEY (payment_id, attempt, gateway, signal)
);
CREATE INDEX signals_at ON signals (gateway, signal, at);
