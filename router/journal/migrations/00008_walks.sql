-- +goose Up
-- Where a gateway lists no books, its day is read by asking about each payment of ours: those
-- that were planned on the day, whatever became of them, and those of which something was given
-- back.
CREATE INDEX attempts_planned ON attempts (gateway, planned_at, payment_id, n);
CREATE INDEX refunds_planned ON refunds (gateway, planned_at, payment_id, operation, attempt);
