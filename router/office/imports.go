package office

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/reconcile"
	"github.com/payrouter/payrouter/router/statement"
)

// CauseImport is the cause of a run that a file brought about.
const CauseImport = "import"

// largestFile bounds a file: millions of rows.
const largestFile = 1 << 30

// Errors that callers branch on.
var (
	ErrUnknownFormat = errors.New("no format of that name is configured for the gateway")
	ErrFileTooLarge  = errors.New("the file is too large")
	ErrManyDays      = errors.New("the days are none, or more than a year")
)

// File is a wish to import a file.
type File struct {
	ID              string // the operator's request id
	Gateway, Format string
	Name, SHA256    string
	Size            int64
	FromDay, ToDay  string
	ValidateOnly    bool
	Actor, Reason   string
}

// Import announces a file, whose pieces come by Receive, and returns the import that stands
// under its id.
func (o *Office) Import(ctx context.Context, f File) (journal.Import, error) {
	books, ok := o.Books[f.Gateway]
	if !ok {
		return journal.Import{}, fmt.Errorf("%s: %w", f.Gateway, ErrNoBooks)
	}
	if _, ok := books.Formats[f.Format]; !ok {
		return journal.Import{}, fmt.Errorf("%s, %s: %w", f.Gateway, f.Format, ErrUnknownFormat)
	}
	if f.Size <= 0 || f.Size > largestFile {
		return journal.Import{}, fmt.Errorf("%d bytes: %w", f.Size, ErrFileTooLarge)
	}
	days, err := books.days(f.FromDay, f.ToDay)
	if err != nil {
		return journal.Import{}, err
	}
	now, err := o.Clock(ctx)
	if err != nil {
		return journal.Import{}, err
	}
	if end := days[len(days)-1].To; end.After(now) {
		return journal.Import{}, &EarlyError{Day: f.ToDay, Ready: end}
	}
	return o.Journal.StartImport(ctx, journal.Import{ID: f.ID, Gateway: f.Gateway, Format: f.Format, FileName: f.Name, SHA256: f.SHA256, Size: f.Size,
		FromDay: f.FromDay, ToDay: f.ToDay, ValidateOnly: f.ValidateOnly, Actor: f.Actor, Reason: f.Reason, Created: now})
}

// Receive keeps the next piece of a file.
func (o *Office) Receive(ctx context.Context, id string, at int64, piece []byte) (journal.Import, error) {
	now, err := o.Clock(ctx)
	if err != nil {
		return journal.Import{}, err
	}
	return o.Journal.AddPiece(ctx, id, at, piece, now)
}

// days are the business days from one to another.
func (b Books) days(from, to string) ([]providers.Window, error) {
	span, err := b.day(from)
	if err != nil {
		return nil, err
	}
	last, err := b.day(to)
	if err != nil {
		return nil, err
	}
	var all []providers.Window
	for ; !span.From.After(last.From) && len(all) <= 366; span = b.after(span) {
		all = append(all, span)
	}
	if len(all) == 0 || len(all) > 366 {
		return nil, fmt.Errorf("%s to %s: %w", from, to, ErrManyDays)
	}
	return all, nil
}

// workImport takes up a file that waits and reads it. It reports whether there was one.
func (o *Office) workImport(ctx context.Context, now time.Time) (bool, error) {
	i, err := o.Journal.ClaimImport(ctx, uuid.NewString(), now, o.Lease)
	if errors.Is(err, journal.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	log := o.Log.With("import", i.ID, "gateway", i.Gateway, "format", i.Format)
	kept := o.beating(ctx, func(ctx context.Context, until time.Time) error {
		return o.Journal.BeatImport(ctx, i.ID, i.Owner, until)
	},
		func(ctx context.Context) {
			err = survive(log, func() (err error) { i, err = o.readFile(ctx, i); return err })
		})
	switch {
	case err == nil:
		log.Info("a file was read", "state", string(i.State), "lines", i.Lines, "row", i.RefusedRow, "why", i.RefusedWhy)
	case errors.Is(err, journal.ErrLost), !kept:
		log.Warn("a file was taken up by another process")
	default:
		o.importFailed(context.WithoutCancel(ctx), i, err, ctx.Err() != nil)
	}
	return true, nil
}

// importFailed gives a file back, to be read again later; after the last try it is refused.
func (o *Office) importFailed(ctx context.Context, i journal.Import, cause error, told bool) {
	now, err := o.Clock(ctx)
	if err != nil {
		now = i.Updated
	}
	i.Updated, i.Due = now, now
	if !told {
		o.Log.Error("a file could not be read", "import", i.ID, "tries", i.Tries+1, "error", cause.Error())
		if i.Tries++; i.Tries > len(waits) {
			i.State, i.RefusedWhy, i.Due, i.Ended = journal.ImportRefused, "it could not be read: "+inWords(cause), time.Time{}, now
		} else {
			i.Due = now.Add(waits[i.Tries-1])
		}
	}
	if err := o.Journal.KeepImport(ctx, i); err != nil && !errors.Is(err, journal.ErrLost) {
		o.Log.Error("a file keeps its lease", "import", i.ID, "error", err.Error())
	}
}

// readFile reads a file from its beginning: a reading that was cut off leaves nothing.
func (o *Office) readFile(ctx context.Context, i journal.Import) (journal.Import, error) {
	books := o.Books[i.Gateway]
	format, ok := books.Formats[i.Format]
	days, err := books.days(i.FromDay, i.ToDay)
	switch {
	case err != nil:
		return o.refuse(ctx, i, &statement.Refused{Why: err.Error()})
	case !ok:
		return o.refuse(ctx, i, &statement.Refused{Why: ErrUnknownFormat.Error()})
	}
	if i, err = o.unstage(ctx, i); err != nil {
		return i, err
	}
	i.Lines = 0
	pieces := &pieces{ctx: ctx, office: o, id: i.ID, sum: sha256.New()}
	var lines []journal.StagedLine
	stage := func() error {
		next, err := o.renewedImport(ctx, i)
		if err != nil {
			return err
		}
		if err := o.Journal.Assign(ctx, i.Gateway, lines); err != nil {
			return err
		}
		next.Lines += int64(len(lines))
		if i.ValidateOnly {
			lines = lines[:0]
		}
		if err := o.Journal.StageImport(ctx, next, lines); err != nil {
			return err
		}
		o.Step("rows staged")
		i, lines = next, lines[:0]
		return nil
	}
	err = readRows(ctx, pieces, format, func(row int64, l providers.StatementLine) error {
		day := reconcile.Day(l.At, books.Zone)
		if !slices.ContainsFunc(days, func(d providers.Window) bool { return d.From.Equal(day.From) }) {
			return &statement.Refused{Row: row, Column: format.Columns.At, Why: "a day that the file was not said to be of"}
		}
		l.At, l.Settled = stored(l.At), stored(l.Settled)
		lines = append(lines, journal.StagedLine{StatementLine: l, Day: books.name(day), Seq: i.Lines + int64(len(lines))})
		if len(lines) < o.Page {
			return nil
		}
		return stage()
	})
	refused := (*statement.Refused)(nil)
	if errors.As(err, &refused) {
		return o.refuse(ctx, i, refused)
	}
	if err == nil {
		err = stage()
	}
	if err != nil {
		return i, err
	}
	if sum := hex.EncodeToString(pieces.sum.Sum(nil)); sum != i.SHA256 {
		return o.refuse(ctx, i, &statement.Refused{Why: "its bytes are not those that were announced: sha256 differs"})
	}
	return o.accept(ctx, i, books, days)
}

// readRows reads a workbook or a file of separated values, whichever its first bytes say.
func readRows(ctx context.Context, pieces io.Reader, format statement.Format, row func(int64, providers.StatementLine) error) error {
	in := bufio.NewReader(pieces)
	if head, err := in.Peek(4); err != nil || string(head) != "PK\x03\x04" {
		return statement.ReadCSV(ctx, in, format, row)
	}
	file, err := os.CreateTemp("", "payrouter-statement-*") // a workbook is read from its end
	if err != nil {
		return err
	}
	defer file.Close()
	if err := os.Remove(file.Name()); err != nil { // names and phones stay nowhere, however this process ends
		return err
	}
	size, err := io.Copy(file, in)
	if err != nil {
		return err
	}
	return statement.ReadXLSX(ctx, file, size, format, row)
}

// accept makes a file's lines the statement of its days, and starts the runs.
func (o *Office) accept(ctx context.Context, i journal.Import, books Books, days []providers.Window) (journal.Import, error) {
	next, err := o.renewedImport(ctx, i)
	if err != nil {
		return i, err
	}
	next.Ended, next.Due = next.Updated, time.Time{}
	if i.ValidateOnly {
		next.State = journal.ImportValid
		return next, o.Journal.KeepImport(ctx, next)
	}
	lines, err := o.Journal.LinesCounted(ctx, i.ID)
	if err != nil {
		return i, err
	}
	var runs []journal.Run
	for _, d := range days {
		runs = append(runs, journal.Run{ID: uuid.Must(uuid.NewV7()).String(), Gateway: i.Gateway, Day: books.name(d), Span: d, Source: providers.StatementFile,
			Cause: CauseImport, Actor: i.Actor, Reason: i.Reason, State: journal.RunMatching, Reading: i.ID, ReadTo: d.To, Staged: lines[books.name(d)],
			Counts: journal.Counts{Lines: lines[books.name(d)]}, Due: next.Updated, Created: next.Updated, Updated: next.Updated})
	}
	next.State = journal.ImportAccepted
	if err := o.Journal.AcceptImport(ctx, next, runs, days[len(days)-1].To); err != nil {
		return i, err
	}
	return next, nil
}

// refuse says why a file is not believed. Nothing of it is left.
func (o *Office) refuse(ctx context.Context, i journal.Import, why *statement.Refused) (journal.Import, error) {
	i, err := o.unstage(ctx, i)
	if err != nil {
		return i, err
	}
	next, err := o.renewedImport(ctx, i)
	if err != nil {
		return i, err
	}
	next.State, next.Ended, next.Due = journal.ImportRefused, next.Updated, time.Time{}
	next.RefusedRow, next.RefusedColumn, next.RefusedWhy = why.Row, why.Column, why.Why
	return next, o.Journal.KeepImport(ctx, next)
}

// unstage deletes what was staged of a file, a page at a time.
func (o *Office) unstage(ctx context.Context, i journal.Import) (journal.Import, error) {
	for {
		next, err := o.renewedImport(ctx, i)
		if err != nil {
			return i, err
		}
		more, err := o.Journal.UnstageImport(ctx, next, 10*o.Page)
		if err != nil || !more {
			return next, err
		}
		i = next
	}
}

func (o *Office) renewedImport(ctx context.Context, i journal.Import) (journal.Import, error) {
	now, err := o.Clock(ctx)
	if err != nil {
		return i, err
	}
	i.Updated, i.Due = now, now.Add(o.Lease)
	return i, ctx.Err()
}

// pieces reads a file from the books, piece by piece.
type pieces struct {
	ctx    context.Context
	office *Office
	id     string
	at     int64
	left   []byte
	sum    hash.Hash
}

// Read gives the next bytes of the file.
func (p *pieces) Read(into []byte) (int, error) {
	if len(p.left) == 0 {
		piece, err := p.office.Journal.Piece(p.ctx, p.id, p.at)
		if errors.Is(err, journal.ErrNotFound) {
			return 0, io.EOF
		}
		if err != nil {
			return 0, err
		}
		p.at, p.left = p.at+int64(len(piece)), piece
		p.sum.Write(piece)
	}
	n := copy(into, p.left)
	p.left = p.left[n:]
	return n, nil
}
