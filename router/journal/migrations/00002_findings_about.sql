-- +goose Up
-- What a finding is about, where there are several of one kind on one attempt. The default
-- is for processes of the version before, which may still write beside the new ones.
CREATE TABLE findings_about (
  payment_id TEXT   NOT NULL,
  kind       TEXT   NOT NULL,
  attempt    BIGINT NOT NULL,
  about      TEXT   NOT NULL DEFAULT '',
  at         BIGINT NOT NULL,
  detail     TEXT   NOT NULL,
  PRIMARY KEY (payment_id, kind, attempt, about)
);
INSERT INTO findings_about (payment_id, kind, attempt, about, at, detail)
  SELECT payment_id, kind, attempt, '', at, detail FROM findings;
DROP TABLE findings;
ALTER TABLE findings_about RENAME TO findings;
