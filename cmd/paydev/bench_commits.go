package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// twoCommits is the least that a charge must make durable, as the journal's own schema
// has it: what is wished and planned before the gateway is called, and what came of it.
// Each statement stands alone and answers before the next one is sent. :id is 12 digits
// that are never used twice; the other names are those of [texts], because pgbench reads
// a colon before a word as a variable even inside quotes.
var twoCommits = [2][]string{
	{
		`INSERT INTO requests (tenant, request_id, kind, hash, payment_id, object) VALUES ('shop', 'b1f5c1de-0000-4000-8000-' || CAST(:id AS TEXT),
			'create', '0f343b0931126a20f133d67c2b018a3b5d1f8a7f0f343b0931126a20f133d67c', '019b76da-0000-7000-8000-' || CAST(:id AS TEXT), '') ON CONFLICT DO NOTHING`,
		`INSERT INTO payments (id, tenant, order_ref, order_open, status, gateway, at_risk, seq, created_at, updated_at, due_at, payer)
			VALUES ('019b76da-0000-7000-8000-' || CAST(:id AS TEXT), 'shop', 'order-' || CAST(:id AS TEXT), TRUE, 'processing', 'wayforpay-main', TRUE, 2,
			1767225600000000, 1767225600000000, 1767226500000000, :payer) ON CONFLICT DO NOTHING`,
		`INSERT INTO events (payment_id, seq, at, actor, kind, body, writer) VALUES ('019b76da-0000-7000-8000-' || CAST(:id AS TEXT), 1,
			1767225600000000, :caller, 'opened', :opened, 'c0a1e5ce-0000-4000-8000-' || CAST(:id AS TEXT)) ON CONFLICT DO NOTHING`,
		`INSERT INTO events (payment_id, seq, at, actor, kind, body, writer) VALUES ('019b76da-0000-7000-8000-' || CAST(:id AS TEXT), 2,
			1767225600000000, 'router', 'planned', :planned, 'c0a1e5ce-0000-4000-8000-' || CAST(:id AS TEXT)) ON CONFLICT DO NOTHING`,
		`INSERT INTO attempts (payment_id, n, gateway, provider, reference, external, verdict, amount, currency, planned_at, unclosed, at_risk, live_until)
			VALUES ('019b76da-0000-7000-8000-' || CAST(:id AS TEXT), 1, 'wayforpay-main', 'wayforpay', 'reca7k3m9q2x5' || CAST(:id AS TEXT), '',
			'unknown', 1549000, 'KZT', 1767225600000000, TRUE, TRUE, NULL)`,
		`INSERT INTO outbox (payment_id, seq, tenant, at) VALUES ('019b76da-0000-7000-8000-' || CAST(:id AS TEXT), 2, 'shop', 1767225600000000)`,
	},
	{
		`INSERT INTO events (payment_id, seq, at, actor, kind, body, writer) VALUES ('019b76da-0000-7000-8000-' || CAST(:id AS TEXT), 3,
			1767225601000000, :source, 'observed', :observed, 'c0a1e5cf-0000-4000-8000-' || CAST(:id AS TEXT)) ON CONFLICT DO NOTHING`,
		`UPDATE attempts SET verdict = 'approved', at_risk = FALSE WHERE payment_id = '019b76da-0000-7000-8000-' || CAST(:id AS TEXT) AND n = 1`,
		`UPDATE payments SET status = 'paid', at_risk = FALSE, seq = 3, updated_at = 1767225601000000, due_at = NULL
			WHERE id = '019b76da-0000-7000-8000-' || CAST(:id AS TEXT)`,
		`INSERT INTO outbox (payment_id, seq, tenant, at) VALUES ('019b76da-0000-7000-8000-' || CAST(:id AS TEXT), 3, 'shop', 1767225601000000)`,
	},
}

// oneRowCommits are the least that can be called durable at all: an event in each commit, and
// no rows to find a payment by.
var oneRowCommits = [2][]string{twoCommits[0][2:3], twoCommits[1][:1]}

// firstID is the first :id; each further caller begins idsEach later.
const (
	firstID = 100_000_000_000
	idsEach = 1_000_000_000
)

// text is one of the texts that the statements name.
type text struct{ name, value string }

// texts are as long as those of a real charge.
func texts() ([]text, error) {
	all := []text{{"payer", `{"Phone":"+77010000000","Email":"aida@example.kz","Name":"Aida","IP":"203.0.113.7"}`},
		{"caller", "caller:shop"}, {"source", "gateway:wayforpay-main"}}
	money := providers.Money{Minor: 1549000, Currency: "KZT"}
	for _, b := range []payment.Body{
		payment.Opened{ID: savedCard, Tenant: "shop", RequestID: savedCard, Order: savedCard, Amount: money, Methods: []providers.Method{providers.Instrument},
			Instrument: savedCard, Customer: savedCustomer, Description: "Books", Deadline: time.Date(2026, 1, 1, 0, 15, 0, 0, time.UTC)},
		payment.Planned{Attempt: 1, Gateway: "wayforpay-main", Provider: "wayforpay", Method: providers.Instrument, Flow: providers.Direct,
			Reference: "reca7k3m9q2x5c8v1b4n6j0h3", Route: []payment.Choice{{Gateway: "wayforpay-main", Method: providers.Instrument, Taken: true, Why: "taken"}}},
		payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: providers.Approved, Amount: money, Code: "Approved 1100"},
	} {
		body, err := payment.EncodeBody(b)
		if err != nil {
			return nil, err
		}
		all = append(all, text{b.Kind(), string(body)})
	}
	return all, nil
}

// committing is a way to make the two commits in books that have their schema.
type committing func(ctx context.Context, books string, callers int, d time.Duration) (sample, error)

// commits measures the two commits alone, on empty books of the journal's schema.
func (b *benchmark) commits(ctx context.Context, e engine, commit committing, callers int) (s sample, err error) {
	books, drop, err := e.books(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	store, err := migrated(ctx, serviceOrders{Books: books}.config())
	if err != nil {
		return s, err
	}
	if err := store.Close(); err != nil {
		return s, err
	}
	before := e.syncs(ctx)
	s, err = commit(ctx, books, callers, b.duration)
	s.syncs = since(before, e.syncs(ctx))
	return s, err
}

// statement is one of [twoCommits], prepared, and the names that it uses.
type statement struct {
	*sql.Stmt
	names []string
}

// preparedCommits are two commits over database/sql, prepared on the one connection that
// SQLite has for writing.
type preparedCommits struct {
	db    *sql.DB
	words []text
	both  [2][]statement
	last  atomic.Int64 // :id
}

// prepareCommits prepares the statements; closing the database closes them.
func prepareCommits(ctx context.Context, db *sql.DB, both [2][]string) (*preparedCommits, error) {
	words, err := texts()
	if err != nil {
		return nil, err
	}
	p := &preparedCommits{db: db, words: words}
	p.last.Store(firstID)
	for i, commit := range both {
		for _, query := range commit {
			stmt, err := db.PrepareContext(ctx, query)
			if err != nil {
				return nil, err
			}
			s := statement{Stmt: stmt}
			for _, w := range append(words, text{name: "id"}) {
				if strings.Contains(query, ":"+w.name) {
					s.names = append(s.names, w.name)
				}
			}
			p.both[i] = append(p.both[i], s)
		}
	}
	return p, nil
}

// write runs one of the two commits' statements within a transaction.
func (p *preparedCommits) write(ctx context.Context, tx *sql.Tx, which int, id int64) error {
	values := map[string]any{"id": id}
	for _, w := range p.words {
		values[w.name] = w.value
	}
	for _, s := range p.both[which] {
		var args []any
		for _, name := range s.names {
			args = append(args, sql.Named(name, values[name]))
		}
		//nolint:sqlclosecheck // the transaction closes its own copy
		if _, err := tx.StmtContext(ctx, s.Stmt).ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// one makes one of the two commits alone.
func (p *preparedCommits) one(ctx context.Context, which int, id int64) error {
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := p.write(ctx, tx, which, id); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

// bareLoop makes the two commits over database/sql and nothing else, each in a transaction
// of its own.
func (p *preparedCommits) bareLoop(ctx context.Context, callers int, d time.Duration) sample {
	return load(ctx, callers, d, func(ctx context.Context) error {
		id := p.last.Add(1)
		for which := range p.both {
			if err := p.one(ctx, which, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// pgbenchScript is the two commits in pgbench's words. Its variables live as long as the
// client does, so :n counts.
func pgbenchScript() string {
	var script strings.Builder
	fmt.Fprintf(&script, "\\set n :n + 1\n\\set id %d + :client_id * %d + :n\n", firstID, idsEach)
	for _, commit := range twoCommits {
		script.WriteString("BEGIN;\n" + strings.Join(commit, ";\n") + ";\nCOMMIT;\n")
	}
	return script.String()
}
