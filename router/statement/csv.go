package statement

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/payrouter/payrouter/providers"
)

// longestRow bounds one row, in bytes: none of any statement comes near it, and a file
// without line ends, or with a quotation that nobody closes, must not be read into memory.
const longestRow = 64 << 10

// ReadCSV reads a file of separated values row by row, and calls line for each that tells of
// a payment, with the row it stands in. It ends at the first error of line, at the context's
// end, or with a [Refused]; what line was called with before that must then not count.
func ReadCSV(ctx context.Context, file io.Reader, f Format, line func(row int64, l providers.StatementLine) error) error {
	f = f.Default()
	source := &bounded{from: withoutBOM(file)}
	in := csv.NewReader(source)
	in.Comma, _ = utf8.DecodeRuneInString(f.Separator)
	in.FieldsPerRecord = -1 // told by us, with the names of the columns at hand
	in.ReuseRecord = true
	var rows *reader
	var typed []cell // the same for all rows, as cells is
	for skipped := 0; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		source.left = longestRow
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return unreadable(err)
		}
		at, _ := in.FieldPos(0)
		row := int64(at)
		switch {
		case !allUTF8(cells):
			return &Refused{Row: row, Why: "it is no text in UTF-8"}
		case skipped < f.SkipRows:
			skipped++
			continue
		case rows == nil:
			if rows, err = newReader(f, cells, row); err != nil {
				return err
			}
			continue
		}
		typed = typed[:0]
		for _, c := range cells {
			typed = append(typed, cell{text: strings.TrimSpace(c)})
		}
		l, tells, err := rows.line(typed, row)
		if err != nil {
			return err
		}
		if !tells {
			continue
		}
		if err := line(row, l); err != nil {
			return err
		}
	}
	if rows == nil {
		return &Refused{Why: "it has no row with the names of the columns"}
	}
	return nil
}

// unreadable tells where a file breaks off or is no CSV; csv's own words quote nothing.
func unreadable(err error) error {
	var broken *csv.ParseError
	switch {
	case errors.Is(err, errLong):
		return &Refused{Why: "a row is longer than 64 KiB"}
	case errors.As(err, &broken):
		return &Refused{Row: int64(broken.StartLine), Why: broken.Err.Error()}
	}
	return err
}

func allUTF8(cells []string) bool {
	for _, cell := range cells {
		if !utf8.ValidString(cell) {
			return false
		}
	}
	return true
}

// withoutBOM drops the mark that some programs put before UTF-8.
func withoutBOM(file io.Reader) io.Reader {
	in := bufio.NewReader(file)
	if head, err := in.Peek(3); err == nil && bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		_, _ = in.Discard(3)
	}
	return in
}

var errLong = errors.New("a row without end")

// bounded gives so many bytes and no more, until it is told of the next row.
type bounded struct {
	from io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLong
	}
	n, err := b.from.Read(p)
	b.left -= n
	return n, err
}
