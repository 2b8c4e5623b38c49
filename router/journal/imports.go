package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Import is a file of a provider's, given to us in pieces and then read.
type Import struct {
	ID, Gateway, Format string
	FileName, SHA256    string
	Size                int64
	FromDay, ToDay      string // the business days that the file is the whole statement of
	ValidateOnly        bool
	Actor, Reason       string
	State               ImportState
	Received            int64  // bytes
	Lines               int64  // that have been read
	RefusedRow          int64  // why the file is not believed: the row, as an editor counts them,
	RefusedColumn       string // its column,
	RefusedWhy          string // and what is wrong; empty where it is
	Owner               string
	Due                 time.Time
	Tries               int
	Created, Updated    time.Time
	Ended               time.Time
}

// ImportState is how far an import is.
type ImportState string

// The states of an import.
const (
	ImportReceiving ImportState = "receiving"
	ImportReading   ImportState = "reading"
	ImportAccepted  ImportState = "accepted" // its lines are the statement of its days
	ImportRefused   ImportState = "refused"
	ImportValid     ImportState = "valid" // it could be accepted; it was only asked for
)

// ImportStates lists the states in a fixed order.
func ImportStates() []ImportState {
	return []ImportState{ImportReceiving, ImportReading, ImportAccepted, ImportRefused, ImportValid}
}

// ErrOffset says that a piece of a file does not begin where the last one ended.
var ErrOffset = errors.New("the piece does not begin where the last one ended")

const importColumns = `id, gateway, format, file_name, sha256, size, from_day, to_day, validate_only, actor, reason, state, received, lines,
	refused_row, refused_column, refused_why, owner, due_at, tries, created_at, updated_at, ended_at`

// StartImport stores an import and returns the one that stands under its id.
func (s *Store) StartImport(ctx context.Context, i Import) (Import, error) {
	err := s.settle(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO imports (`+importColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'receiving', 0, 0, 0, '', '', '', NULL, 0, $12, $12, NULL) ON CONFLICT DO NOTHING`,
			i.ID, i.Gateway, i.Format, storable(i.FileName), i.SHA256, i.Size, i.FromDay, i.ToDay, i.ValidateOnly, i.Actor, storable(i.Reason), micros(i.Created))
		return err
	})
	if err != nil {
		return i, fmt.Errorf("start an import: %w", err)
	}
	return s.Import(ctx, i.ID)
}

// Import reads an import.
func (s *Store) Import(ctx context.Context, id string) (Import, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	i, err := scanImport(s.write.QueryRowContext(ctx, `SELECT `+importColumns+` FROM imports WHERE id = $1`, id))
	return i, found(err)
}

// AddPiece keeps the next piece of a file, and says how much has been received. The last
// piece hands the file over to whoever reads it. ErrOffset says that the piece is not the
// next one, or that no more is expected.
func (s *Store) AddPiece(ctx context.Context, id string, at int64, piece []byte, now time.Time) (Import, error) {
	err := s.settle(ctx, func(ctx context.Context, tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE imports SET received = received + $3, updated_at = $4,
			state = CASE WHEN received + $3 = size THEN 'reading' ELSE state END, due_at = CASE WHEN received + $3 = size THEN $4 ELSE due_at END
			WHERE id = $1 AND received = $2 AND state = 'receiving' AND received + $3 <= size`, id, at, int64(len(piece)), micros(now)))
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrOffset
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO import_chunks (import_id, at, data) VALUES ($1, $2, $3)`, id, at, piece)
		return err
	})
	if err != nil && !errors.Is(err, ErrOffset) {
		return Import{}, fmt.Errorf("keep a piece of import %s: %w", id, err)
	}
	i, again := s.Import(ctx, id)
	return i, errors.Join(err, again)
}

// Piece reads the piece of a file that begins at a byte. ErrNotFound: there is none.
func (s *Store) Piece(ctx context.Context, id string, at int64) ([]byte, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	var piece []byte
	err := s.read.QueryRowContext(ctx, `SELECT data FROM import_chunks WHERE import_id = $1 AND at = $2`, id, at).Scan(&piece)
	return piece, found(err)
}

// ImportDue reports whether a file waits for somebody who reads it.
func (s *Store) ImportDue(ctx context.Context, now time.Time) (bool, error) {
	due, err := s.ids(ctx, `SELECT id FROM imports WHERE due_at <= $1 LIMIT 1`, micros(now))
	return len(due) > 0, err
}

// ClaimImport takes a file that waits, for as long as the lease, or returns ErrNotFound. A row
// that somebody is at is passed over.
func (s *Store) ClaimImport(ctx context.Context, owner string, now time.Time, lease time.Duration) (Import, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	i, err := scanImport(s.write.QueryRowContext(ctx, `UPDATE imports SET owner = $1, due_at = $2
		WHERE id = (SELECT id FROM imports WHERE due_at <= $3 ORDER BY due_at, id LIMIT 1 `+s.skipLocked()+`) AND due_at <= $3 RETURNING `+importColumns,
		owner, micros(now.Add(lease)), micros(now)))
	if err != nil && retryable(err) {
		return i, ErrNotFound
	}
	return i, found(err)
}

// BeatImport renews the lease of an import that its owner has.
func (s *Store) BeatImport(ctx context.Context, id, owner string, until time.Time) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	n, err := affected(s.exec(ctx, `UPDATE imports SET due_at = $3 WHERE id = $1 AND owner = $2 AND ended_at IS NULL`, id, owner, micros(until)))
	if err == nil && n == 0 {
		err = ErrLost
	}
	return err
}

// KeepImport writes how far an import is, if its owner has it still: else ErrLost.
func (s *Store) KeepImport(ctx context.Context, i Import) error {
	return s.keepImport(ctx, i, func(context.Context, *sql.Tx) error { return nil })
}

// StageImport adds lines to an import's reading.
func (s *Store) StageImport(ctx context.Context, i Import, lines []StagedLine) error {
	return s.keepImport(ctx, i, func(ctx context.Context, tx *sql.Tx) error { return stage(ctx, tx, i.Gateway, i.ID, lines) })
}

// UnstageImport deletes up to n lines of an import's reading and says whether there were any.
func (s *Store) UnstageImport(ctx context.Context, i Import, n int) (bool, error) {
	var dropped int64
	err := s.keepImport(ctx, i, func(ctx context.Context, tx *sql.Tx) (err error) {
		dropped, err = affected(tx.ExecContext(ctx, `DELETE FROM statement_lines WHERE reading = $1 AND seq IN (SELECT seq FROM statement_lines WHERE reading = $1 LIMIT $2)`, i.ID, n))
		return err
	})
	return dropped > 0, err
}

// AcceptImport makes an import the statement of its days, as of when they were over, and starts the runs that hold
// them against our books, in one commit. A day that is being run keeps the run that it has,
// and the file is not accepted: ErrBusy.
func (s *Store) AcceptImport(ctx context.Context, i Import, runs []Run, asOf time.Time) error {
	return s.keepImport(ctx, i, func(ctx context.Context, tx *sql.Tx) error {
		for _, r := range runs {
			if err := publish(ctx, tx, r, asOf); err != nil {
				return err
			}
			fresh, err := insertRun(ctx, tx, r)
			if err != nil {
				return err
			}
			if !fresh {
				return ErrBusy
			}
		}
		return nil
	})
}

// ErrBusy says that a day is being run.
var ErrBusy = errors.New("a day of the file is being run")

// DropPieces deletes up to n pieces of files that nobody will read any more: of imports that
// have ended, or were left unfinished before an instant. It says how many it deleted.
func (s *Store) DropPieces(ctx context.Context, unfinished time.Time, n int) (int64, error) {
	var dropped int64
	err := s.settle(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		dropped, err = affected(tx.ExecContext(ctx, `DELETE FROM import_chunks WHERE (import_id, at) IN (SELECT c.import_id, c.at FROM imports i JOIN import_chunks c ON c.import_id = i.id
			WHERE i.ended_at IS NOT NULL OR i.state = 'receiving' AND i.updated_at < $1 LIMIT $2)`, micros(unfinished), n))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("drop pieces of files: %w", err)
	}
	return dropped, nil
}

// LinesCounted counts the lines of an import by their days.
func (s *Store) LinesCounted(ctx context.Context, reading string) (map[string]int64, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT day, COUNT(*) FROM statement_lines WHERE reading = $1 GROUP BY day`, reading)
	if err != nil {
		return nil, fmt.Errorf("count the lines of %s: %w", reading, err)
	}
	defer rows.Close()
	days := map[string]int64{}
	for rows.Next() {
		var day string
		var n int64
		if err := rows.Scan(&day, &n); err != nil {
			return nil, fmt.Errorf("count the lines of %s: %w", reading, err)
		}
		days[day] = n
	}
	return days, rows.Err()
}

func (s *Store) keepImport(ctx context.Context, i Import, also func(context.Context, *sql.Tx) error) error {
	err := s.settle(ctx, func(ctx context.Context, tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE imports SET state = $3, lines = $4, refused_row = $5, refused_column = $6, refused_why = $7, due_at = $8,
			tries = $9, updated_at = $10, ended_at = $11 WHERE id = $1 AND owner = $2 AND ended_at IS NULL`,
			i.ID, i.Owner, string(i.State), i.Lines, i.RefusedRow, storable(i.RefusedColumn), storable(i.RefusedWhy), nullMicros(i.Due), i.Tries, micros(i.Updated), nullMicros(i.Ended)))
		if err == nil && n == 0 {
			err = ErrLost
		}
		if err != nil {
			return err
		}
		return also(ctx, tx)
	})
	if err != nil && !errors.Is(err, ErrLost) && !errors.Is(err, ErrBusy) {
		return fmt.Errorf("keep import %s: %w", i.ID, err)
	}
	return err
}

func scanImport(row interface{ Scan(...any) error }) (Import, error) {
	var i Import
	var due, ended *int64
	var created, updated int64
	err := row.Scan(&i.ID, &i.Gateway, &i.Format, &i.FileName, &i.SHA256, &i.Size, &i.FromDay, &i.ToDay, &i.ValidateOnly, &i.Actor, &i.Reason, &i.State, &i.Received, &i.Lines,
		&i.RefusedRow, &i.RefusedColumn, &i.RefusedWhy, &i.Owner, &due, &i.Tries, &created, &updated, &ended)
	if err != nil {
		return i, err
	}
	i.Created, i.Updated = instant(created), instant(updated)
	if due != nil {
		i.Due = instant(*due)
	}
	if ended != nil {
		i.Ended = instant(*ended)
	}
	return i, nil
}
