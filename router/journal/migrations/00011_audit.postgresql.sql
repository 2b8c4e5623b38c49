-- +goose Up
-- The chain of what people changed (SAFETY I12; see the package audit). It is written once and
-- never removed, retention included: whoever wants to, has to take the triggers off first.
CREATE TABLE audit (
  number   BIGINT NOT NULL PRIMARY KEY,
  at       BIGINT NOT NULL,
  actor    TEXT   NOT NULL,
  roles    TEXT   NOT NULL,
  tenant   TEXT   NOT NULL,
  act      TEXT   NOT NULL,
  subject  TEXT   NOT NULL,
  reason   TEXT   NOT NULL,
  phase    TEXT   NOT NULL,
  asked    BIGINT NOT NULL,
  outcome  TEXT   NOT NULL,
  request  TEXT   NOT NULL,
  previous TEXT   NOT NULL,
  sum      TEXT   NOT NULL
);
CREATE INDEX audit_actor ON audit (actor, number);
CREATE INDEX audit_act ON audit (act, number);
CREATE INDEX audit_subject ON audit (subject, number);
-- Of what all replicas see at once, one notes it.
CREATE UNIQUE INDEX audit_once ON audit (act, subject) WHERE act IN ('override warned', 'override expired');
-- +goose StatementBegin
CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'records of the audit are never changed or removed'; END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_stays_whole BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();
