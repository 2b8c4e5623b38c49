package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// How most of this package reads: each question within the time-out of a read, and its error
// worded once.

// asked reads a list of names, and tells how.
func (s *Store) asked(ctx context.Context, query string, args ...any) ([]string, string, error) {
	names, err := s.ids(ctx, query, args...)
	return names, question(query, args...), err
}

// ids reads a list of names.
func (s *Store) ids(ctx context.Context, query string, args ...any) (ids []string, err error) {
	err = s.each(ctx, func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	}, query, args...)
	return ids, err
}

// one reads one row. ErrNotFound: there is none.
func (s *Store) one(ctx context.Context, into []any, query string, args ...any) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	err := found(s.read.QueryRowContext(ctx, query, args...).Scan(into...))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("ask the books: %w", err)
	}
	return err
}

// each reads every row.
func (s *Store) each(ctx context.Context, row func(scan func(...any) error) error, query string, args ...any) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("ask the books: %w", err)
	}
	defer rows.Close()
	return errors.Join(scanned(rows, row), rows.Err())
}

func scanned(rows *sql.Rows, row func(scan func(...any) error) error) error {
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return fmt.Errorf("ask the books: %w", err)
		}
	}
	return nil
}

// found turns "no rows" into ErrNotFound.
func found(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}
