package journal

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// firstChecked is the first step that is applied beside processes of an earlier release.
const firstChecked = "00011"

// written are the tables that a payment is written to. Who builds an index over one of them
// keeps payments waiting for as long as that takes.
var written = []string{"events", "payments", "attempts", "refunds", "findings", "requests", "outbox", "feed", "counters", "notices", "signals"}

// excused are statements that do what none should, with the reason why it is safe.
var excused = map[string]string{}

var (
	createsTable = regexp.MustCompile(`^CREATE TABLE (\w+) \(`)
	addsColumn   = regexp.MustCompile(`^ALTER TABLE \w+ ADD COLUMN \w+ \w+( NOT NULL DEFAULT ('[^']*'|-?\d+|TRUE|FALSE)| DEFAULT ('[^']*'|-?\d+|TRUE|FALSE))?$`)
	createsRule  = regexp.MustCompile(`^CREATE TRIGGER \w+ .*? ON (\w+) `)
	createsFunc  = regexp.MustCompile(`^CREATE FUNCTION `)
	createsIndex = regexp.MustCompile(`^CREATE (UNIQUE )?INDEX \w+ ON (\w+) `)
	buildsBeside = regexp.MustCompile(`^CREATE INDEX CONCURRENTLY (\w+) ON \w+ `)
	clearsFor    = regexp.MustCompile(`^DROP INDEX CONCURRENTLY IF EXISTS (\w+)$`)
)

// objection is what a statement of a step does to processes of the version before, which work
// beside it; empty for one that they do not notice. made are the tables of the same step, and the indexes that
// it builds beside them.
func objection(statement string, made []string) string {
	index, rule, cleared := createsIndex.FindStringSubmatch(statement), createsRule.FindStringSubmatch(statement), clearsFor.FindStringSubmatch(statement)
	switch {
	case createsTable.MatchString(statement), addsColumn.MatchString(statement), createsFunc.MatchString(statement):
		return ""
	case rule != nil && slices.Contains(made, rule[1]):
		return ""
	case buildsBeside.MatchString(statement), cleared != nil && slices.Contains(made, cleared[1]):
		return ""
	case index == nil:
		return "does more than add a table, with its triggers, an index, or a column with a constant for its default"
	case slices.Contains(made, index[2]):
		return ""
	case index[1] != "":
		return "may refuse what the version before writes"
	case slices.Contains(written, index[2]):
		return "keeps payments waiting while it is built"
	}
	return ""
}

// Releases only add to the schema, and hold nobody up: the version before goes on beside each
// step, and starts again after it.
func TestStepsOfTheSchemaDisturbNoProcessOfTheVersionBefore(t *testing.T) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d steps, error %v", len(files), err)
	}
	for _, file := range files {
		if strings.TrimPrefix(file, "migrations/") < firstChecked {
			continue
		}
		text, err := migrations.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for statement, why := range objections(string(text)) {
			if strings.HasSuffix(file, ".sqlite.sql") && createsIndex.MatchString(statement) {
				continue // a file has one process, which begins with this
			}
			if _, ok := excused[statement]; !ok {
				t.Errorf("%s %s: %s", file, why, statement)
			}
		}
	}
}

// wholeBlock is what goose sends as one statement.
var wholeBlock = regexp.MustCompile(`(?s)-- \+goose StatementBegin.*?-- \+goose StatementEnd`)

func objections(step string) map[string]string {
	var statements, made []string
	step = wholeBlock.ReplaceAllStringFunc(step, func(block string) string { return strings.ReplaceAll(block, ";", "") + "\n;" })
	for statement := range strings.SplitSeq(regexp.MustCompile(`--.*`).ReplaceAllString(step, ""), ";") {
		if statement = strings.Join(strings.Fields(statement), " "); statement != "" {
			statements = append(statements, statement)
		}
		if table := createsTable.FindStringSubmatch(statement); table != nil {
			made = append(made, table[1])
		}
		if index := buildsBeside.FindStringSubmatch(statement); index != nil {
			made = append(made, index[1])
		}
	}
	wrong := map[string]string{}
	for _, statement := range statements {
		if why := objection(statement, made); why != "" {
			wrong[statement] = why
		}
	}
	return wrong
}

func TestWhatDisturbsTheVersionBeforeIsSeen(t *testing.T) {
	wrong := objections(`-- +goose Up
CREATE TABLE fine (id TEXT NOT NULL); -- DROP TABLE of a comment
CREATE UNIQUE INDEX fine_id ON fine (id);
CREATE INDEX leases_owner ON leases (owner);
ALTER TABLE payments ADD COLUMN a BIGINT;
ALTER TABLE payments ADD COLUMN b TEXT NOT NULL DEFAULT '';
ALTER TABLE payments ADD COLUMN c TEXT NOT NULL;
ALTER TABLE payments DROP COLUMN payer;
ALTER TABLE payments RENAME TO wishes;
DROP INDEX payments_due;
UPDATE payments SET seq = 0;
CREATE UNIQUE INDEX leases_one ON leases (owner);
CREATE INDEX attempts_more ON attempts (gateway);
DROP INDEX CONCURRENTLY IF EXISTS attempts_beside;
CREATE INDEX CONCURRENTLY attempts_beside ON attempts (gateway);
CREATE UNIQUE INDEX CONCURRENTLY attempts_one ON attempts (gateway);
DROP INDEX CONCURRENTLY IF EXISTS payments_due;
-- +goose StatementBegin
CREATE TRIGGER fine_stays BEFORE DELETE ON fine BEGIN SELECT RAISE(ABORT, 'kept'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'kept'); END;
-- +goose StatementEnd
`)
	if len(wrong) != 10 {
		t.Errorf("%d statements are objected to: %q", len(wrong), wrong)
	}
}
