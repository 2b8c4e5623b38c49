package journal_test

import (
	"database/sql"
	"fmt"
	"testing"
)

// filled is how many payments the books are filled with: so many that to read all of them costs
// the planner's favour, and few enough that the test takes seconds.
const filled = 12000

// Payments of a year before start, one each 26 minutes or so, by three tenants at four gateways.
// One in a thousand is at work, one in fifty went back, one in a hundred has a finding.
var fillings = []string{
	`INSERT INTO payments (id, tenant, order_ref, order_open, status, gateway, at_risk, seq, created_at, updated_at, due_at, payer, erased_at)
		SELECT 'f' || i, %[3]s, 'o' || i, i %% 10 < 8, CASE WHEN %[5]s THEN 'processing' WHEN i %% 10 < 8 THEN 'paid' WHEN i %% 10 = 8 THEN 'declined' ELSE 'canceled' END,
		%[2]s, %[5]s, 4, %[4]s, %[4]s, CASE WHEN %[5]s THEN %[4]s END, '{}', CASE WHEN i %% 3 = 0 THEN %[4]s END FROM %[1]s`,
	`INSERT INTO events (payment_id, seq, at, actor, kind, body, writer) SELECT 'f' || i, n, %[4]s, 'router', CASE n WHEN 1 THEN 'opened' WHEN 2 THEN 'planned' WHEN 3 THEN 'observed' ELSE 'finished' END, '{"attempt":1}', 'w' || i || n FROM %[1]s, generate_series(1, 4) n`,
	`INSERT INTO attempts (payment_id, n, gateway, provider, reference, external, verdict, amount, currency, planned_at, unclosed, at_risk, live_until, last_at)
		SELECT 'f' || i, 1, %[2]s, 'kaspi', 'r' || i, 'e' || i, CASE WHEN %[5]s THEN 'pending' WHEN i %% 10 < 8 THEN 'approved' ELSE 'declined' END, 1500, 'KZT', %[4]s, %[5]s, %[5]s, CASE WHEN %[5]s THEN %[4]s END, %[4]s + 3600000000 FROM %[1]s`,
	`INSERT INTO refunds (payment_id, operation, attempt, gateway, own, external, verdict, planned_at, last_at)
		SELECT 'f' || i, 1, 1, %[2]s, 'own' || i, 'back' || i, 'approved', %[4]s, %[4]s FROM %[1]s WHERE i %% 5 = 0`,
	`INSERT INTO findings (payment_id, kind, attempt, about, at, detail, source, tenant, gateway, grp, day, run, state, updated_at)
		SELECT 'f' || i, CASE WHEN i / 4 %% 16 = 0 THEN 'unknown_code' WHEN i / 4 %% 4 = 1 THEN 'late_money' ELSE 'line_amount_differs' END, 1, '', %[4]s, 'code ' || i %% 7, 'payment', %[3]s, %[2]s, 'f' || i || '/1', '2026-11-01', 'run' || i %% 365,
		CASE WHEN i %% 100 = 0 THEN 'open' ELSE 'closed' END, %[4]s FROM %[1]s`,
	`INSERT INTO finding_changes (finding_id, version, at, actor, reason, change) SELECT 'f' || i || '.unknown_code.1', 2, %[4]s, 'aida', '', '{}' FROM %[1]s`,
	`INSERT INTO requests (tenant, request_id, kind, hash, payment_id, object) SELECT %[3]s, 'r' || i, 'create', 'h', 'f' || i, '' FROM %[1]s`,
	`INSERT INTO archive (payment_id, seq, once_unknown, archived_at, history) SELECT 'f' || i, 4, FALSE, %[4]s, '' FROM %[1]s`,
	`INSERT INTO outbox (payment_id, seq, tenant, at) SELECT 'f' || i, 4, %[3]s, %[4]s FROM %[1]s`,
	`INSERT INTO feed (tenant, seq, payment_id, event_seq) SELECT %[3]s, 1000 + i * 3 + n, 'f' || i, n FROM %[1]s, generate_series(1, 3) n`,
	`INSERT INTO notices (id, gateway, received_at, method, path, query, header, source, body, state, payment_id, detail)
		SELECT 'f' || i, %[2]s, %[4]s, 'POST', '', '', '{}', '', 'body', CASE WHEN i %% 1000 = 0 THEN 'hint' ELSE 'fact' END, 'f' || i, '' FROM %[1]s`,
	`INSERT INTO answers (gateway, answer_key, status, content_type, body) SELECT %[2]s, 'k' || i, 200, '', '' FROM %[1]s`,
	`INSERT INTO instruments (id, tenant, customer, gateway, token, token_hash, mask, brand, payment_id, created_at)
		SELECT 'f' || i, %[3]s, 'c' || i / 2, %[2]s, 't' || i, 'h' || i, '', '', 'f' || i, %[4]s FROM %[1]s`,
	`INSERT INTO statement_days (gateway, day, reading, source, from_at, to_at, lines, read_at)
		SELECT g, 'd' || d, g || d, 'list', d * 86400000000, (d + 1) * 86400000000, 20, 0 FROM generate_series(0, 364) d, unnest(ARRAY['kaspi-main', 'halyk-main', 'way-main', 'robo-main']) g`,
	`INSERT INTO statement_lines (reading, gateway, seq, day, grp, found_by, kind, order_ref, external, verdict, amount, currency, fee, fee_currency, at, code, reason)
		SELECT %[2]s || i %% 365, %[2]s, i, 'd' || i %% 365, CASE WHEN i %% 50 = 0 THEN '?line' || i ELSE 'f' || i || '/1' END, CASE WHEN i %% 50 = 0 THEN '' ELSE 'reference' END, 'charge',
		CASE WHEN i %% 50 = 0 THEN '' ELSE 'r' || i END, '', 'approved', 1500, 'KZT', 0, '', %[4]s, '', '' FROM %[1]s`,
	`INSERT INTO runs (id, gateway, day, from_at, to_at, source, cause, actor, reason, request_id, state, reading, read_to, staged, cursor, owner, tries, error, counts, created_at, updated_at, ended_at)
		SELECT g || d, g, 'd' || d, 0, 0, 'list', 'schedule', '', '', '', 'done', g || d, 0, 0, '', '', 0, '', '{}', d, d, d FROM generate_series(0, 364) d, unnest(ARRAY['kaspi-main', 'halyk-main', 'way-main', 'robo-main']) g`,
	`INSERT INTO signals (payment_id, attempt, gateway, signal, at) SELECT 'f' || i, 1, %[2]s, CASE WHEN i %% 2 = 0 THEN 'diverted' ELSE 'unserved' END, %[4]s FROM %[1]s`,
	`INSERT INTO disputes (id, said, payment_id, attempt, tenant, gateway, kind, state, outcome, case_number, amount, currency, detail, opened_at, answer, owner, note, recorded_by, answered_by, closed_by, close_reason, created_at, updated_at, version)
		SELECT 'f' || i, '', 'f' || i, 1, %[3]s, %[2]s, 'chargeback', CASE WHEN i %% 500 = 0 THEN 'open' ELSE 'closed' END, '', 'case' || i, 1500, 'KZT', '', %[4]s, '', CASE WHEN i %% 2 = 0 THEN 'aida' ELSE 'bek' END, '', '', '', '', '', %[4]s, %[4]s, 1 FROM %[1]s`,
	`INSERT INTO dispute_changes (dispute_id, version, at, actor, reason, change) SELECT 'f' || i, 2, %[4]s, 'aida', '', '{}' FROM %[1]s`,
	`INSERT INTO audit (number, at, actor, roles, tenant, act, subject, reason, phase, asked, outcome, request, previous, sum)
		SELECT i + 1000, %[4]s, 'operator:' || i %% 9, '', '', 'act' || i %% 20, 'subject' || i, '', 'asked', 0, '', '', '', '' FROM %[1]s`,
}

// fill fills the growing tables of books on PostgreSQL.
func fill(t *testing.T, rows *sql.DB) {
	t.Helper()
	const year = int64(365 * 24 * 3600 * 1e6)
	for _, filling := range fillings {
		query := fmt.Sprintf(filling+"%.0[1]s%.0[2]s%.0[3]s%.0[4]s%.0[5]s", fmt.Sprintf("generate_series(0, %d) i", filled-1),
			`(ARRAY['kaspi-main', 'halyk-main', 'way-main', 'robo-main'])[1 + i % 4]`, `(ARRAY['shop', 'cafe', 'taxi'])[1 + i % 3]`,
			fmt.Sprintf("(%d + i::bigint * %d)", start.UnixMicro()-year, year/filled), `(i % 1000 = 0)`)
		if _, err := rows.ExecContext(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
}
