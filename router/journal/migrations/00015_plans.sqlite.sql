-- +goose Up
-- For questions that read more the older the books were. A payment that is paid stands in
-- neither of the first two, and one that is at work in the second only.
CREATE INDEX payments_ended_order ON payments (tenant, order_ref) WHERE NOT order_open AND order_ref <> '';
CREATE INDEX payments_unpaid ON payments (tenant, status, created_at, id) WHERE status <> 'paid';
CREATE INDEX findings_codes ON findings (gateway, at) WHERE kind = 'unknown_code';
CREATE INDEX instruments_page ON instruments (tenant, id) WHERE deleted_at IS NULL;
CREATE INDEX instruments_of_customer ON instruments (tenant, customer, id) WHERE deleted_at IS NULL;
