-- +goose NO TRANSACTION
-- +goose Up
-- For questions that read more the older the books were. A payment that is paid stands in
-- neither of the first two, and one that is at work in the second only.
-- Nobody waits while they are built. What a build that was cut off left behind is dropped first.
DROP INDEX CONCURRENTLY IF EXISTS payments_ended_order;
CREATE INDEX CONCURRENTLY payments_ended_order ON payments (tenant, order_ref) WHERE NOT order_open AND order_ref <> '';
DROP INDEX CONCURRENTLY IF EXISTS payments_unpaid;
CREATE INDEX CONCURRENTLY payments_unpaid ON payments (tenant, status, created_at, id) WHERE status <> 'paid';
DROP INDEX CONCURRENTLY IF EXISTS findings_codes;
CREATE INDEX CONCURRENTLY findings_codes ON findings (gateway, at) WHERE kind = 'unknown_code';
DROP INDEX CONCURRENTLY IF EXISTS instruments_page;
CREATE INDEX CONCURRENTLY instruments_page ON instruments (tenant, id) WHERE deleted_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS instruments_of_customer;
CREATE INDEX CONCURRENTLY instruments_of_customer ON instruments (tenant, customer, id) WHERE deleted_at IS NULL;
