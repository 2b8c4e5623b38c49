package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// OpenFindings counts the open findings of one gateway, kind and currency.
type OpenFindings struct {
	Gateway, Kind, Currency string // the currency is empty where no money is named
	Count, Amount           int64  // of the statement's side, else of ours, in minor units
	Oldest                  time.Time
}

// OpenFindings counts the open findings.
func (s *Store) OpenFindings(ctx context.Context) ([]OpenFindings, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT gateway, kind, currency, COUNT(*), SUM(amount), MIN(at) FROM (
		SELECT gateway, kind, at, CASE theirs_currency WHEN '' THEN ours_currency ELSE theirs_currency END AS currency,
		CASE theirs_currency WHEN '' THEN ours ELSE theirs END AS amount FROM findings WHERE state = 'open') AS standing
		GROUP BY gateway, kind, currency ORDER BY gateway, kind, currency`)
	if err != nil {
		return nil, fmt.Errorf("open findings: %w", err)
	}
	defer rows.Close()
	var all []OpenFindings
	for rows.Next() {
		var f OpenFindings
		var oldest int64
		if err := rows.Scan(&f.Gateway, &f.Kind, &f.Currency, &f.Count, &f.Amount, &oldest); err != nil {
			return nil, fmt.Errorf("open findings: %w", err)
		}
		f.Oldest = instant(oldest)
		all = append(all, f)
	}
	return all, rows.Err()
}

// Reconciled is how far a gateway is reconciled.
type Reconciled struct {
	Done   time.Time // when a run was done last
	ReadTo time.Time // the end of the newest day that has been read
	Newest Counts    // of the last run that was done of the newest day
}

// Reconciled tells of each gateway how far it is reconciled. The zero times are never.
func (s *Store) Reconciled(ctx context.Context) (map[string]Reconciled, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT gateway, MAX(done), MAX(read_to) FROM (
		SELECT gateway, ended_at AS done, NULL AS read_to FROM runs WHERE state = 'done'
		UNION ALL SELECT gateway, NULL, to_at FROM statement_days) AS known GROUP BY gateway`)
	if err != nil {
		return nil, fmt.Errorf("how far gateways are reconciled: %w", err)
	}
	defer rows.Close()
	all := map[string]Reconciled{}
	for rows.Next() {
		var gateway string
		var done, readTo *int64
		if err := rows.Scan(&gateway, &done, &readTo); err != nil {
			return nil, fmt.Errorf("how far gateways are reconciled: %w", err)
		}
		var r Reconciled
		if done != nil {
			r.Done = instant(*done)
		}
		if readTo != nil {
			r.ReadTo = instant(*readTo)
		}
		all[gateway] = r
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("how far gateways are reconciled: %w", err)
	}
	return all, s.newest(ctx, all)
}

// newest completes how far gateways are reconciled by what their newest day came to.
func (s *Store) newest(ctx context.Context, all map[string]Reconciled) error {
	rows, err := s.read.QueryContext(ctx, `SELECT gateway, counts FROM (
		SELECT gateway, counts, ROW_NUMBER() OVER (PARTITION BY gateway ORDER BY day DESC, ended_at DESC) AS place FROM runs WHERE state = 'done') AS done WHERE place = 1`)
	if err != nil {
		return fmt.Errorf("what gateways' newest days came to: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var gateway, counts string
		if err := rows.Scan(&gateway, &counts); err != nil {
			return fmt.Errorf("what gateways' newest days came to: %w", err)
		}
		r := all[gateway]
		if err := json.Unmarshal([]byte(counts), &r.Newest); err != nil {
			return fmt.Errorf("what the newest day of %s came to: %w", gateway, err)
		}
		all[gateway] = r
	}
	return rows.Err()
}

// OpenOfDays counts the open findings of a gateway's days, by currency.
func (s *Store) OpenOfDays(ctx context.Context, gateway, from, to string) (map[string]int64, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT CASE theirs_currency WHEN '' THEN ours_currency ELSE theirs_currency END, COUNT(*) FROM findings
		WHERE gateway = $1 AND state = 'open' AND day >= $2 AND day <= $3 GROUP BY 1`, gateway, from, to)
	if err != nil {
		return nil, fmt.Errorf("open findings of %s: %w", gateway, err)
	}
	defer rows.Close()
	open := map[string]int64{}
	for rows.Next() {
		var currency string
		var n int64
		if err := rows.Scan(&currency, &n); err != nil {
			return nil, fmt.Errorf("open findings of %s: %w", gateway, err)
		}
		open[currency] += n
	}
	return open, rows.Err()
}
