-- +goose Up
-- Lines that name nothing at all, in the order of time: what they may be is looked for among
-- the movements about then of which no line tells.
CREATE INDEX statement_lines_nameless ON statement_lines (reading, day, at, seq)
  WHERE order_ref = '' AND external = '' AND found_by = '' AND at IS NOT NULL;
-- And those for which that was found. What a surer line tells of later is taken back.
CREATE INDEX statement_lines_guessed ON statement_lines (gateway, grp) WHERE found_by = 'amount';
