-- +goose Up
-- What waits in the order of time. Here nothing is in the way of a look that begins at the
-- first: what is due needs no second index.
CREATE INDEX outbox_waiting ON outbox (at, payment_id, seq);
