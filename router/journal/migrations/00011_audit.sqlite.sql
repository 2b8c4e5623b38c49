-- +goose Up
-- The chain of what people changed (SAFETY I12; see the package audit). It is written once and
-- never removed, retention included: whoever wants to, has to take the triggers off first.
-- STRICT keeps values of other kinds out, which could not be read back.
CREATE TABLE audit (
  number   INTEGER NOT NULL PRIMARY KEY,
  at       INTEGER NOT NULL,
  actor    TEXT    NOT NULL,
  roles    TEXT    NOT NULL,
  tenant   TEXT    NOT NULL,
  act      TEXT    NOT NULL,
  subject  TEXT    NOT NULL,
  reason   TEXT    NOT NULL,
  phase    TEXT    NOT NULL,
  asked    INTEGER NOT NULL,
  outcome  TEXT    NOT NULL,
  request  TEXT    NOT NULL,
  previous TEXT    NOT NULL,
  sum      TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_actor ON audit (actor, number);
CREATE INDEX audit_act ON audit (act, number);
CREATE INDEX audit_subject ON audit (subject, number);
-- Of what all replicas see at once, one notes it.
CREATE UNIQUE INDEX audit_once ON audit (act, subject) WHERE act IN ('override warned', 'override expired');
-- +goose StatementBegin
CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'records of the audit are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'records of the audit are never removed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
-- INSERT OR REPLACE removes a row without asking the trigger above.
CREATE TRIGGER audit_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'records of the audit are never changed'); END;
-- +goose StatementEnd
