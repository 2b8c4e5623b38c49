package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// engine is a database under measurement.
type engine interface {
	name() string
	// describe asks the database itself what it is and how durable it has been told to be.
	describe(ctx context.Context) (engineFacts, error)
	// books makes empty books, and says how to be rid of them.
	books(ctx context.Context) (url string, drop func() error, err error)
	// canCommit reports whether commits can be measured without the service.
	canCommit() bool
	// commits measures [twoCommits] in books that have their schema.
	commits(ctx context.Context, books string, callers int, d time.Duration) (sample, error)
	// syncs counts how often the log was made durable so far; -1 when that is not known.
	syncs(ctx context.Context) int64
	close()
}

// since is how much a counter of syncs grew; -1 when it is not known.
func since(before, after int64) int64 {
	if before < 0 || after < before {
		return -1
	}
	return after - before
}

// engineFacts are what the report says of an engine.
type engineFacts struct {
	Name     string   `json:"name"`
	Version  string   `json:"version"`
	Settings []string `json:"settings"`
	Limit    string   `json:"limit"` // how its commits alone are measured

	warnings []string
}

// lite is SQLite: a new file for each run.
type lite struct {
	folder string
	files  int
}

func (l *lite) name() string                { return "sqlite" }
func (l *lite) canCommit() bool             { return true }
func (l *lite) syncs(context.Context) int64 { return -1 }
func (l *lite) close()                      {}

// dsn opens a file as the journal does.
func (l *lite) dsn(books string) string {
	return "file:" + strings.TrimPrefix(books, "sqlite:") + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_txlock=immediate"
}

func (l *lite) books(context.Context) (string, func() error, error) {
	l.files++
	path := filepath.Join(l.folder, fmt.Sprintf("books-%d.db", l.files))
	return "sqlite:" + path, func() error {
		var all []error
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(path + suffix); !errors.Is(err, os.ErrNotExist) {
				all = append(all, err)
			}
		}
		return errors.Join(all...)
	}, nil
}

func (l *lite) commits(ctx context.Context, books string, callers int, d time.Duration) (sample, error) {
	return l.prepared(ctx, books, twoCommits, func(p *preparedCommits) sample { return p.bareLoop(ctx, callers, d) })
}

// rows measures [oneRowCommits].
func (l *lite) rows(ctx context.Context, books string, callers int, d time.Duration) (sample, error) {
	return l.prepared(ctx, books, oneRowCommits, func(p *preparedCommits) sample { return p.bareLoop(ctx, callers, d) })
}

func (l *lite) batches(ctx context.Context, books string, callers int, d time.Duration) (sample, error) {
	return l.prepared(ctx, books, twoCommits, func(p *preparedCommits) sample { return p.batchLoop(ctx, callers, d) })
}

// prepared opens the books with the commits' statements prepared.
func (l *lite) prepared(ctx context.Context, books string, both [2][]string, measure func(*preparedCommits) sample) (sample, error) {
	db, err := sql.Open("sqlite", l.dsn(books))
	if err != nil {
		return sample{}, err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	p, err := prepareCommits(ctx, db, both)
	if err != nil {
		return sample{}, err
	}
	return measure(p), nil
}

func (l *lite) describe(ctx context.Context) (facts engineFacts, err error) {
	facts = engineFacts{Name: l.name(), Limit: "a bare database/sql loop: one connection, prepared statements; batch: one writer, at most 64 commits in one transaction"}
	books, drop, err := l.books(ctx)
	if err != nil {
		return facts, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	db, err := sql.Open("sqlite", l.dsn(books))
	if err != nil {
		return facts, err
	}
	defer func() { _ = db.Close() }()
	if err := db.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&facts.Version); err != nil {
		return facts, err
	}
	for _, pragma := range []string{"journal_mode", "synchronous"} {
		var value string
		if err := db.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&value); err != nil {
			return facts, err
		}
		facts.Settings = append(facts.Settings, pragma+" "+value)
	}
	if facts.Settings[1] != "synchronous 2" { // 2 is FULL: every commit reaches the disk
		facts.warnings = append(facts.warnings, "SQLITE IS NOT DURABLE HERE: "+facts.Settings[1])
	}
	return facts, nil
}

// unnumbered counts the changes that the feed does not have yet; -1 when it cannot be told.
func unnumbered(ctx context.Context, books string) int64 {
	driver, dsn := "pgx", books
	if path, ok := strings.CutPrefix(books, "sqlite:"); ok {
		driver, dsn = "sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return -1
	}
	defer func() { _ = db.Close() }()
	var waiting int64
	if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM outbox`).Scan(&waiting); err != nil {
		return -1
	}
	return waiting
}
