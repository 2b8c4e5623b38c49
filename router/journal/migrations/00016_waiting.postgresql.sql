-- +goose NO TRANSACTION
-- +goose Up
-- What waits in the order of time, so that a look for it can begin where the last one found
-- nothing below: see floor.go.
-- Nobody waits while they are built. What a build that was cut off left behind is dropped first.
DROP INDEX CONCURRENTLY IF EXISTS outbox_waiting;
CREATE INDEX CONCURRENTLY outbox_waiting ON outbox (at, payment_id, seq);
DROP INDEX CONCURRENTLY IF EXISTS payments_waiting;
CREATE INDEX CONCURRENTLY payments_waiting ON payments (due_at, gateway) WHERE due_at IS NOT NULL;
