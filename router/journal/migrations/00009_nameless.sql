-- +goose Up
-- Lines that name nothing at all, in the order of time: what they may be is looked for among
-- the movements about then that no line tells of.
CREATE INDEX statement_lines_nameless ON statement_lines (reading, day, at, seq)
  WHERE order_ref = '' AND external = '' AND found_by = '' AND at IS NOT NULL;
