-- +goose Up
-- Orders that one person may not give alone. What the first person says is a row that ended at
-- its beginning, so that it is in force for nobody, with the time until which a second person
-- may say the same. The second person's order is a row of its own, and names the first.
ALTER TABLE overrides ADD COLUMN proposed_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE overrides ADD COLUMN proposed_by TEXT NOT NULL DEFAULT '';
