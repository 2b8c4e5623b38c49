package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Run is one reconciliation: a gateway's books of one business day are read, and held
// against ours.
type Run struct {
	ID, Gateway, Day string
	Span             providers.Window // the day, in the zone that the gateway had when the run began
	Source           providers.StatementSource
	Cause            string // schedule, operator, import or reread
	Actor, Reason    string
	RequestID        string // of the operator's call
	State            RunState
	Reading          string    // whose lines it holds against ours; its own id where it reads them itself
	ReadTo           time.Time // up to where the lines are staged for good,
	Staged           int64     // and how many they are
	Cursor           string    // up to where a walk has asked, and then up to where they are judged; its form is its owner's business
	Owner            string    // the process that has it
	Due              time.Time // when somebody may take it up; zero once it has ended
	Tries            int       // that failed
	Error            string
	Counts           Counts
	Created, Updated time.Time
	Ended            time.Time
}

// RunState is how far a run is.
type RunState string

// The states of a run.
const (
	RunQueued   RunState = "queued"
	RunReading  RunState = "reading"
	RunMatching RunState = "matching"
	RunDone     RunState = "done"
	RunFailed   RunState = "failed"
	RunCanceled RunState = "canceled"
)

// RunStates lists the states in a fixed order.
func RunStates() []RunState {
	return []RunState{RunQueued, RunReading, RunMatching, RunDone, RunFailed, RunCanceled}
}

// Ended reports whether nothing will happen to the run any more.
func (s RunState) Ended() bool { return s == RunDone || s == RunFailed || s == RunCanceled }

// Counts is what a run has done so far.
type Counts struct {
	Lines   int64 `json:"lines"`  // read
	Groups  int64 `json:"groups"` // judged: orders of ours, or of nobody's
	Matched int64 `json:"matched"`
	Carried int64 `json:"carried"` // undecided, or for another day to judge
	Healed  int64 `json:"healed"`  // taken in as an observation
	Opened  int64 `json:"opened"`  // findings
	Closed  int64 `json:"closed"`  // findings that the statements, or our books, explain now

	// How well the gateway's health was known on the day.
	Diverted int64 `json:"diverted,omitempty"` // attempts that passed it over because it was believed to be down,
	Wrongly  int64 `json:"wrongly,omitempty"`  // those among them of minutes in which it took money
	Unserved int64 `json:"unserved,omitempty"` // attempts that it was to have and did not serve,
	Missed   int64 `json:"missed,omitempty"`   // those among them of minutes in which it took none
}

// ErrLost says that another process has the run, or that it was ended.
var ErrLost = errors.New("the run is another process's, or ended")

const runColumns = `id, gateway, day, from_at, to_at, source, cause, actor, reason, request_id, state, reading, read_to, staged,
	cursor, owner, due_at, tries, error, counts, created_at, updated_at, ended_at`

// StartRun stores a run and returns the one that stands: that of an earlier call under the
// same request id, or one of the same day that has not ended. It reports whether it is new.
func (s *Store) StartRun(ctx context.Context, r Run) (Run, bool, error) {
	fresh := false
	err := s.settle(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		fresh, err = insertRun(ctx, tx, r)
		return err
	})
	if err != nil {
		return r, false, fmt.Errorf("start a run: %w", err)
	}
	if fresh {
		return r, true, nil
	}
	stands, err := s.oneRun(ctx, `request_id = $1 AND request_id <> ''`, r.RequestID)
	if errors.Is(err, ErrNotFound) {
		stands, err = s.oneRun(ctx, `gateway = $1 AND day = $2 AND ended_at IS NULL`, r.Gateway, r.Day)
	}
	if errors.Is(err, ErrNotFound) {
		return s.StartRun(ctx, r) // the day's run has ended just now
	}
	return stands, false, err
}

// insertRun stores a run, unless its request came before or its day is being run.
func insertRun(ctx context.Context, tx *sql.Tx, r Run) (bool, error) {
	counts, err := json.Marshal(r.Counts)
	if err != nil {
		return false, err
	}
	n, err := affected(tx.ExecContext(ctx, `INSERT INTO runs (`+runColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, NULL) ON CONFLICT DO NOTHING`,
		r.ID, r.Gateway, r.Day, micros(r.Span.From), micros(r.Span.To), string(r.Source), r.Cause, r.Actor, storable(r.Reason), r.RequestID, string(r.State), r.Reading,
		micros(r.ReadTo), r.Staged, r.Cursor, r.Owner, nullMicros(r.Due), r.Tries, r.Error, string(counts), micros(r.Created), micros(r.Created)))
	return n == 1, err
}

// RunDue reports whether a run waits for somebody to take it up.
func (s *Store) RunDue(ctx context.Context, now time.Time) (bool, error) {
	due, err := s.ids(ctx, `SELECT id FROM runs WHERE due_at <= $1 LIMIT 1`, micros(now))
	return len(due) > 0, err
}

// ClaimRun takes a run of one of the gateways that is due, for as long as the lease, or
// returns ErrNotFound. A gateway has one run at work: others of it wait, but for one whose
// owner is not heard of any more, which comes first. A row that somebody is at is passed over.
func (s *Store) ClaimRun(ctx context.Context, owner string, now time.Time, lease time.Duration, gateways []string) (Run, error) {
	if len(gateways) == 0 {
		return Run{}, ErrNotFound
	}
	ctx, cancel := s.limit(ctx)
	defer cancel()
	places, args := in(4, gateways)
	r, err := scanRun(s.write.QueryRowContext(ctx, `UPDATE runs SET owner = $1, due_at = $2 WHERE id = (SELECT r.id FROM runs r
		WHERE r.due_at <= $3 AND r.gateway IN (`+places+`)
		AND NOT EXISTS (SELECT 1 FROM runs o WHERE o.gateway = r.gateway AND o.id <> r.id AND o.owner <> '' AND o.ended_at IS NULL)
		ORDER BY CASE r.owner WHEN '' THEN 1 ELSE 0 END, r.due_at, r.id LIMIT 1 `+s.skipLocked()+`) AND due_at <= $3 RETURNING `+runColumns,
		append([]any{owner, micros(now.Add(lease)), micros(now)}, args...)...))
	if err != nil && (retryable(err) || taken(err)) {
		return r, ErrNotFound // another process was faster
	}
	return r, found(err)
}

// Run reads a run.
func (s *Store) Run(ctx context.Context, id string) (Run, error) { return s.oneRun(ctx, `id = $1`, id) }

// RunFilter selects runs. Zero fields select all.
type RunFilter struct {
	Gateway, FromDay, ToDay string
	State                   RunState
}

// Runs lists up to n runs after the cursor, newest first.
func (s *Store) Runs(ctx context.Context, f RunFilter, after Cursor, n int) ([]Run, error) {
	w := where{}
	w.andIf(f.Gateway != "", "gateway = ?", f.Gateway)
	w.andIf(f.FromDay != "", "day >= ?", f.FromDay)
	w.andIf(f.ToDay != "", "day <= ?", f.ToDay)
	w.andIf(f.State != "", "state = ?", string(f.State))
	w.andIf(after.ID != "", "(created_at, id) < (?, ?)", micros(after.Created), after.ID)
	limit := w.place(n)
	return s.runs(ctx, w.text()+` ORDER BY created_at DESC, id DESC LIMIT `+limit, w.args...)
}

// LastRuns reads the newest run of each day of a gateway from a day on, oldest first.
func (s *Store) LastRuns(ctx context.Context, gateway, fromDay string) ([]Run, error) {
	return s.runs(ctx, `gateway = $1 AND day >= $2 AND NOT EXISTS (SELECT 1 FROM runs newer WHERE newer.gateway = runs.gateway AND newer.day = runs.day
		AND (newer.created_at, newer.id) > (runs.created_at, runs.id)) ORDER BY day`, gateway, fromDay)
}

// FirstScheduled is the first day of a gateway that the schedule had run, or empty.
func (s *Store) FirstScheduled(ctx context.Context, gateway string) (string, error) {
	days, err := s.ids(ctx, `SELECT day FROM runs WHERE gateway = $1 AND cause = 'schedule' ORDER BY day LIMIT 1`, gateway)
	if err != nil || len(days) == 0 {
		return "", err
	}
	return days[0], nil
}

// CancelRun ends a run that has not ended, whoever has it, and reports whether it did.
func (s *Store) CancelRun(ctx context.Context, id, actor, reason string, now time.Time) (bool, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	n, err := affected(s.exec(ctx, `UPDATE runs SET state = $2, error = $3, owner = '', due_at = NULL, ended_at = $4, updated_at = $4
		WHERE id = $1 AND ended_at IS NULL`, id, string(RunCanceled), storable("canceled by "+actor+": "+reason), micros(now)))
	return n == 1, err
}

// BeatRun renews the lease of a run. ErrLost: its owner has it no more.
func (s *Store) BeatRun(ctx context.Context, id, owner string, until time.Time) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	n, err := affected(s.exec(ctx, `UPDATE runs SET due_at = $3 WHERE id = $1 AND owner = $2 AND ended_at IS NULL`, id, owner, micros(until)))
	if err == nil && n == 0 {
		err = ErrLost
	}
	return err
}

// KeepRun writes how far a run is. It returns ErrLost when its owner has it no more. Once it
// has ended, nobody has it.
func (s *Store) KeepRun(ctx context.Context, r Run) error {
	return s.keepRun(ctx, r, func(context.Context, *sql.Tx) error { return nil })
}

// ReleaseRun is KeepRun for an owner that gives the run up: from r.Due on anybody may take it.
func (s *Store) ReleaseRun(ctx context.Context, r Run) error {
	return s.keepRun(ctx, r, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE runs SET owner = '', due_at = $2 WHERE id = $1`, r.ID, nullMicros(r.Due))
		return err
	})
}

// Stage adds lines to a run's reading, and writes how far the run is.
func (s *Store) Stage(ctx context.Context, r Run, lines []StagedLine) error {
	return s.keepRun(ctx, r, func(ctx context.Context, tx *sql.Tx) error { return stage(ctx, tx, r.Gateway, r.Reading, lines) })
}

// Unstage deletes up to n of the lines that a run read without coming to the end of a slice,
// and says whether there were any.
func (s *Store) Unstage(ctx context.Context, r Run, n int) (bool, error) {
	var dropped int64
	err := s.keepRun(ctx, r, func(ctx context.Context, tx *sql.Tx) (err error) {
		dropped, err = affected(tx.ExecContext(ctx, `DELETE FROM statement_lines WHERE reading = $1 AND seq IN
			(SELECT seq FROM statement_lines WHERE reading = $1 AND seq >= $2 LIMIT $3)`, r.Reading, r.Staged, n))
		return err
	})
	return dropped > 0, err
}

// Publish makes a run's reading the statement of its day, as of when the gateway was asked.
func (s *Store) Publish(ctx context.Context, r Run, asOf time.Time) error {
	return s.keepRun(ctx, r, func(ctx context.Context, tx *sql.Tx) error { return publish(ctx, tx, r, asOf) })
}

// publish makes a run's reading the statement of its day.
func publish(ctx context.Context, tx *sql.Tx, r Run, asOf time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO statement_days (gateway, day, reading, source, from_at, to_at, lines, read_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (gateway, day) DO UPDATE SET reading = excluded.reading, source = excluded.source,
		from_at = excluded.from_at, to_at = excluded.to_at, lines = excluded.lines, read_at = excluded.read_at`,
		r.Gateway, r.Day, r.Reading, string(r.Source), micros(r.Span.From), micros(r.Span.To), r.Staged, micros(asOf))
	return err
}

// keepRun writes a run with what goes with it, in one commit, if its owner has it still.
func (s *Store) keepRun(ctx context.Context, r Run, also func(context.Context, *sql.Tx) error) error {
	err := s.settle(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.fence(ctx, tx, r); err != nil {
			return err
		}
		return also(ctx, tx)
	})
	if err != nil && !errors.Is(err, ErrLost) {
		return fmt.Errorf("keep run %s: %w", r.ID, err)
	}
	return err
}

// fence writes how far a run is. It lets nothing be written for an owner that has it no
// more, and takes nothing from a lease that was renewed meanwhile.
func (s *Store) fence(ctx context.Context, tx *sql.Tx, r Run) error {
	counts, err := json.Marshal(r.Counts)
	if err != nil {
		return err
	}
	n, err := affected(tx.ExecContext(ctx, `UPDATE runs SET state = $3, reading = $4, read_to = $5, staged = $6, cursor = $7,
		due_at = CASE WHEN $8 < due_at THEN due_at ELSE $8 END, tries = $9, error = $10, counts = $11, updated_at = $12, ended_at = $13,
		owner = CASE WHEN CAST($13 AS BIGINT) IS NULL THEN owner ELSE '' END WHERE id = $1 AND owner = $2 AND ended_at IS NULL`,
		r.ID, r.Owner, string(r.State), r.Reading, micros(r.ReadTo), r.Staged, r.Cursor, nullMicros(r.Due), r.Tries, storable(r.Error), string(counts),
		micros(r.Updated), nullMicros(r.Ended)))
	if err == nil && n == 0 {
		err = ErrLost
	}
	return err
}

func (s *Store) oneRun(ctx context.Context, condition string, args ...any) (Run, error) {
	all, err := s.runs(ctx, condition, args...)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Run{}, err
	}
	return all[0], nil
}

func (s *Store) runs(ctx context.Context, condition string, args ...any) ([]Run, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `SELECT `+runColumns+` FROM runs WHERE `+condition, args...)
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	defer rows.Close()
	var all []Run
	for rows.Next() {
		r, err := scanRun(rows)
		if err != nil {
			return nil, fmt.Errorf("read runs: %w", err)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

func scanRun(row interface{ Scan(...any) error }) (Run, error) {
	var r Run
	var from, to, readTo, created, updated int64
	var due, ended *int64
	var counts string
	err := row.Scan(&r.ID, &r.Gateway, &r.Day, &from, &to, &r.Source, &r.Cause, &r.Actor, &r.Reason, &r.RequestID, &r.State, &r.Reading, &readTo, &r.Staged,
		&r.Cursor, &r.Owner, &due, &r.Tries, &r.Error, &counts, &created, &updated, &ended)
	if err != nil {
		return r, err
	}
	r.Span, r.ReadTo, r.Created, r.Updated = providers.Window{From: instant(from), To: instant(to)}, instant(readTo), instant(created), instant(updated)
	if due != nil {
		r.Due = instant(*due)
	}
	if ended != nil {
		r.Ended = instant(*ended)
	}
	return r, json.Unmarshal([]byte(counts), &r.Counts)
}
