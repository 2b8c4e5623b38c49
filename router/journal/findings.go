package journal

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// Finding is what a person must know: raised by a payment's events, or by a statement.
type Finding struct {
	Payment     string // with the next three, its name: it is found once; empty where it is of none
	Kind        string
	Attempt     int
	About       string // which of several; of a statement's finding a hash of what it is about
	Source      FindingSource
	Tenant      string // empty while nobody knows whose money it is
	Gateway     string
	Group       string // of statement lines
	Day         string // of the statement that showed it first
	Run         string // that saw it first
	Ours        providers.Money
	Theirs      providers.Money
	Order       string // as the line has it
	External    string
	Detail      string
	State       FindingState
	Resolution  Resolution
	Owner, Note string
	ClosedBy    string
	CloseReason string
	AdoptedAs   string // the payment that the money became
	At          time.Time
	Updated     time.Time
	Closed      time.Time
	Version     int64
}

// FindingSource is who raised a finding.
type FindingSource string

// The sources.
const (
	OfPayment   FindingSource = "payment"
	OfStatement FindingSource = "statement"
)

// FindingState says whether somebody has still to look at it.
type FindingState string

// The states.
const (
	FindingOpen   FindingState = "open"
	FindingClosed FindingState = "closed"
)

// Resolution is what closed a finding.
type Resolution string

// The resolutions. An open finding has none.
const (
	ByPerson  Resolution = "person"    // somebody closed it, with a reason
	Healed    Resolution = "healed"    // what the statement told became an observation
	Explained Resolution = "explained" // a later statement agrees, or our books do now
	Adopted   Resolution = "adopted"   // the money became a payment
)

// ID names a finding for people and machines.
func (f Finding) ID() string {
	id := cmp.Or(f.Payment, nobody) + "." + f.Kind + "." + strconv.Itoa(f.Attempt)
	if f.About != "" {
		id += "." + f.About
	}
	return id
}

// nobody stands for the payment in the name of a finding that is of none.
const nobody = "-"

// named takes an ID apart. It reports false for what is none.
func named(id string) (Finding, bool) {
	parts := strings.SplitN(id, ".", 4)
	if len(parts) < 3 {
		return Finding{}, false
	}
	attempt, err := strconv.Atoi(parts[2])
	f := Finding{Payment: parts[0], Kind: parts[1], Attempt: attempt}
	if f.Payment == nobody {
		f.Payment = ""
	}
	if len(parts) == 4 {
		f.About = parts[3]
	}
	return f, err == nil && f.ID() == id
}

// ofPayment is a payment's finding as the books keep it.
func ofPayment(p payment.Payment, f payment.Finding) Finding {
	kept := Finding{
		Payment: p.ID, Kind: string(f.Kind), Attempt: f.Attempt, About: bounded(f.About),
		Source: OfPayment, Tenant: p.Tenant, Detail: f.Detail, State: FindingOpen, At: f.At,
	}
	if f.Attempt > 0 && f.Attempt <= len(p.Attempts) {
		kept.Gateway = p.Attempts[f.Attempt-1].Gateway
	}
	return kept
}

const findingColumns = `payment_id, kind, attempt, about, source, tenant, gateway, grp, day, run, ours, ours_currency, theirs, theirs_currency,
	order_ref, external, detail, state, resolution, owner, note, closed_by, close_reason, adopted_as, at, updated_at, closed_at, version`

const insertFinding = `INSERT INTO findings (` + findingColumns + `)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, '', '', '', $20, '', $21, $21, $22, 1) ON CONFLICT DO NOTHING`

// values are what insertFinding takes.
func (f Finding) values() []any {
	return []any{f.Payment, f.Kind, f.Attempt, storable(f.About), string(f.Source), f.Tenant, f.Gateway, storable(f.Group), f.Day, f.Run,
		f.Ours.Minor, f.Ours.Currency, f.Theirs.Minor, storable(f.Theirs.Currency), storable(f.Order), storable(f.External), storable(f.Detail),
		string(f.State), string(f.Resolution), f.CloseReason, micros(f.At), nullMicros(f.Closed)}
}

// addFinding stores a finding, unless it was found before, and reports whether it did.
func addFinding(ctx context.Context, tx *sql.Tx, f Finding) (bool, error) {
	n, err := affected(tx.ExecContext(ctx, insertFinding, f.values()...))
	return n == 1, err
}

// Judged is what a run found about one page of groups.
type Judged struct {
	Groups   []string  // all that were judged
	Findings []Finding // what is wrong with them now
	Healed   []Finding // what was, and became an observation
}

// KeepJudged writes what a run found, in one commit with how far it is. A finding that is
// new, or closed and seen again, is open after it, but for one that a person closed: that
// stays closed as long as both sides say the same. What was open about these groups and is
// not found any more is closed as explained. The counts of r are what they were before; the
// run returned has those of this page, too.
func (s *Store) KeepJudged(ctx context.Context, r Run, j Judged, explained string) (Run, error) {
	next := r
	err := ErrStale
	for tries := 0; errors.Is(err, ErrStale) && tries < 5; tries++ { // a person was at one of them
		next, err = s.keepJudged(ctx, r, j, explained)
	}
	if err != nil && !errors.Is(err, ErrLost) {
		return r, fmt.Errorf("keep what run %s found: %w", r.ID, err)
	}
	return next, err
}

func (s *Store) keepJudged(ctx context.Context, r Run, j Judged, explained string) (Run, error) {
	next := r
	err := s.settle(ctx, func(ctx context.Context, tx *sql.Tx) error {
		next = r
		seen := map[string]bool{}
		for _, f := range j.Findings {
			seen[storable(f.ID())] = true
			opened, err := reopen(ctx, tx, r, f)
			if err != nil {
				return err
			}
			if opened {
				next.Counts.Opened++
			}
		}
		for _, f := range j.Healed {
			if seen[storable(f.ID())] {
				continue
			}
			if err := heal(ctx, tx, r, f); err != nil {
				return err
			}
			seen[storable(f.ID())] = true
		}
		open, err := openAbout(ctx, tx, r.Gateway, j.Groups)
		if err != nil {
			return err
		}
		for _, f := range open {
			if seen[f.ID()] {
				continue
			}
			if err := closeFinding(ctx, tx, f, "statement", explained, Explained, r.Updated); err != nil {
				return err
			}
			next.Counts.Closed++
		}
		return s.fence(ctx, tx, next)
	})
	if err != nil {
		return r, err
	}
	return next, nil
}

// reopen stores a finding as open and reports whether it was not.
func reopen(ctx context.Context, tx *sql.Tx, r Run, f Finding) (bool, error) {
	fresh, err := addFinding(ctx, tx, f)
	if err != nil || fresh {
		return fresh, err
	}
	kept, err := oneFinding(ctx, tx, f)
	if err != nil {
		return false, err
	}
	same := kept.Ours == f.Ours && kept.Theirs == f.Theirs && kept.Detail == storable(f.Detail)
	if same && (kept.State == FindingOpen || kept.Resolution == ByPerson) {
		return false, nil
	}
	was := kept.State
	kept.Ours, kept.Theirs, kept.Detail = f.Ours, f.Theirs, f.Detail
	kept.State, kept.Resolution, kept.ClosedBy, kept.CloseReason, kept.Closed = FindingOpen, "", "", "", time.Time{}
	return was != FindingOpen, changeFinding(ctx, tx, kept, "statement", "the statement of "+r.Day+" shows it", r.Updated)
}

// heal stores a finding as closed: a record of what a statement taught.
func heal(ctx context.Context, tx *sql.Tx, r Run, f Finding) error {
	f.State, f.Resolution, f.Closed = FindingClosed, Healed, r.Updated
	f.CloseReason = "taken in as an observation"
	fresh, err := addFinding(ctx, tx, f)
	if err != nil || fresh {
		return err
	}
	kept, err := oneFinding(ctx, tx, f)
	if err != nil || kept.State == FindingClosed {
		return err
	}
	return closeFinding(ctx, tx, kept, "statement", f.CloseReason, Healed, r.Updated)
}

// openAbout reads the open findings about some groups of a gateway.
func openAbout(ctx context.Context, tx *sql.Tx, gateway string, groups []string) ([]Finding, error) {
	if len(groups) == 0 {
		return nil, nil
	}
	return findings(ctx, tx, func(w *where) {
		w.and("state = 'open' AND gateway = ?", gateway)
		w.and("grp <> '' AND grp IN (" + w.places(groups) + ")")
	}, "")
}

func closeFinding(ctx context.Context, tx *sql.Tx, f Finding, by, reason string, how Resolution, now time.Time) error {
	f.State, f.Resolution, f.ClosedBy, f.CloseReason, f.Closed = FindingClosed, how, by, reason, now
	return changeFinding(ctx, tx, f, by, reason, now)
}

// ErrStale says that a finding or a dispute is not the version that the caller saw.
var ErrStale = errors.New("it was changed since")

// ChangeFinding lets a person change a finding that is still the version they saw.
func (s *Store) ChangeFinding(ctx context.Context, id string, version int64, actor, reason string, now time.Time, change func(*Finding) error) (Finding, error) {
	name, ok := named(id)
	if !ok {
		return name, ErrNotFound
	}
	var f Finding
	err := s.settle(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		if f, err = oneFinding(ctx, tx, name); err != nil {
			return err
		}
		if version != 0 && f.Version != version {
			return ErrStale
		}
		if err := change(&f); err != nil {
			return err
		}
		switch {
		case f.State == FindingOpen:
			f.Closed = time.Time{}
		case f.Closed.IsZero():
			f.Closed = now
		}
		if err := changeFinding(ctx, tx, f, actor, reason, now); err != nil {
			return err
		}
		f, err = oneFinding(ctx, tx, name)
		return err
	})
	return f, err
}

// changeFinding writes a finding as its next version, and who made it so.
func changeFinding(ctx context.Context, tx *sql.Tx, f Finding, actor, reason string, now time.Time) error {
	n, err := affected(tx.ExecContext(ctx, `UPDATE findings SET ours = $6, ours_currency = $7, theirs = $8, theirs_currency = $9, detail = $10, state = $11,
		resolution = $12, owner = $13, note = $14, closed_by = $15, close_reason = $16, closed_at = $17, adopted_as = $18, updated_at = $19,
		version = version + 1 WHERE payment_id = $1 AND kind = $2 AND attempt = $3 AND about = $4 AND version = $5`,
		f.Payment, f.Kind, f.Attempt, storable(f.About), f.Version, f.Ours.Minor, f.Ours.Currency, f.Theirs.Minor, storable(f.Theirs.Currency),
		storable(f.Detail), string(f.State), string(f.Resolution), storable(f.Owner), storable(f.Note), storable(f.ClosedBy), storable(f.CloseReason),
		nullMicros(f.Closed), f.AdoptedAs, micros(now)))
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrStale
	}
	became, err := json.Marshal(map[string]string{"state": string(f.State), "resolution": string(f.Resolution), "owner": f.Owner, "note": f.Note, "detail": f.Detail})
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO finding_changes (finding_id, version, at, actor, reason, change) VALUES ($1, $2, $3, $4, $5, $6)`,
		storable(f.ID()), f.Version+1, micros(now), storable(actor), storable(reason), storable(string(became)))
	return err
}

// FindingFilter selects findings. Zero fields select all.
type FindingFilter struct {
	Tenant        string
	Gateway, Kind string
	State         FindingState
	Payment       string
	Owner, Run    string
	CreatedFrom   time.Time // inclusive
	CreatedBefore time.Time // exclusive
}

// Findings lists up to n findings after the cursor, newest first.
func (s *Store) Findings(ctx context.Context, f FindingFilter, after Cursor, n int) ([]Finding, error) {
	last := Finding{}
	if after.ID != "" {
		var ok bool
		if last, ok = named(after.ID); !ok {
			return nil, fmt.Errorf("list findings: %w", ErrNotFound)
		}
	}
	ctx, cancel := s.limit(ctx)
	defer cancel()
	all, err := findings(ctx, s.read, func(w *where) {
		w.andIf(f.Tenant != "", "tenant = ?", f.Tenant)
		w.andIf(f.Gateway != "", "gateway = ?", f.Gateway)
		w.andIf(f.Kind != "", "kind = ?", f.Kind)
		w.andIf(f.State == FindingOpen, "state = 'open'") // as its index has it
		w.andIf(f.State != "" && f.State != FindingOpen, "state = ?", string(f.State))
		w.andIf(f.Payment != "", "payment_id = ?", f.Payment)
		w.andIf(f.Owner != "", "owner = ?", f.Owner)
		w.andIf(f.Run != "", "run = ?", f.Run)
		w.andIf(!f.CreatedFrom.IsZero(), "at >= ?", micros(f.CreatedFrom))
		w.andIf(!f.CreatedBefore.IsZero(), "at < ?", micros(f.CreatedBefore))
		w.andIf(after.ID != "", "(at, payment_id, kind, attempt, about) < (?, ?, ?, ?, ?)", micros(after.Created), last.Payment, last.Kind, last.Attempt, last.About)
	}, fmt.Sprintf(`ORDER BY at DESC, payment_id DESC, kind DESC, attempt DESC, about DESC LIMIT %d`, n))
	if err != nil {
		return nil, fmt.Errorf("list findings: %w", err)
	}
	return all, nil
}

// Finding reads a finding.
func (s *Store) Finding(ctx context.Context, id string) (Finding, error) {
	f, ok := named(id)
	if !ok {
		return f, ErrNotFound
	}
	ctx, cancel := s.limit(ctx)
	defer cancel()
	return oneFinding(ctx, s.read, f)
}

// FindingGroups lists up to n groups of a gateway that have an open finding, after one.
func (s *Store) FindingGroups(ctx context.Context, gateway, after string, n int) ([]string, error) {
	return s.ids(ctx, `SELECT DISTINCT grp FROM findings WHERE gateway = $1 AND state = 'open' AND grp <> '' AND grp > $2 ORDER BY grp LIMIT $3`, gateway, after, n)
}

// asker is a database or a transaction.
type asker interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// oneFinding reads the finding that has the name of f.
func oneFinding(ctx context.Context, db asker, f Finding) (Finding, error) {
	all, err := findings(ctx, db, func(w *where) {
		w.and("payment_id = ? AND kind = ? AND attempt = ? AND about = ?", f.Payment, f.Kind, f.Attempt, storable(f.About))
	}, "")
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Finding{}, err
	}
	return all[0], nil
}

func findings(ctx context.Context, db asker, which func(*where), order string) ([]Finding, error) {
	w := where{}
	which(&w)
	rows, err := db.QueryContext(ctx, `SELECT `+findingColumns+` FROM findings WHERE `+w.text()+` `+order, w.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Finding
	for rows.Next() {
		var f Finding
		var at, updated int64
		var closed *int64
		err := rows.Scan(&f.Payment, &f.Kind, &f.Attempt, &f.About, &f.Source, &f.Tenant, &f.Gateway, &f.Group, &f.Day, &f.Run, &f.Ours.Minor, &f.Ours.Currency,
			&f.Theirs.Minor, &f.Theirs.Currency, &f.Order, &f.External, &f.Detail, &f.State, &f.Resolution, &f.Owner, &f.Note, &f.ClosedBy, &f.CloseReason, &f.AdoptedAs,
			&at, &updated, &closed, &f.Version)
		if err != nil {
			return nil, err
		}
		f.At, f.Updated = instant(at), instant(updated)
		if closed != nil {
			f.Closed = instant(*closed)
		}
		all = append(all, f)
	}
	return all, rows.Err()
}
