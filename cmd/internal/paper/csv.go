package paper

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/payrouter/payrouter/providers"
)

// WriteCSV writes a statement as UTF-8 with a byte order mark, so that table editors take
// it for that, with semicolons between the cells and one record a line.
//
//	head and totals   "name;value", then the totals with the names of their columns
//	                  one empty line
//	the table         the names of its columns, and the rows to the end of the file
//
// A person sees first what the file is, which days are missing and what it comes to; a
// program skips to the empty line and reads a plain table from there, whose columns have
// the same order in every language. A file that was cut off shows in the numbers of the
// totals.
//
// Sums have all decimals of their currency and no thousands. The decimal sign is a point in
// English, for programs, and a comma in Russian and Kazakh: a table editor of that country
// takes "10.05" for the tenth of May. Times are as on a clock in the zone of the head.
//
// A text that begins with = + - @ is a formula to table editors, and order numbers come
// from outside: an apostrophe is set before it. Refusing it would let one order number
// keep finance from the whole statement.
func WriteCSV(to io.Writer, s Statement, l Language) error {
	w, err := s.open(l)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(to, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(to)
	out.Comma, out.UseCRLF = ';', true
	for _, record := range w.csvHead() {
		if err := out.Write(record); err != nil {
			return err
		}
	}
	if out.Flush(); out.Error() != nil {
		return out.Error()
	}
	if _, err := io.WriteString(to, "\r\n"); err != nil {
		return err
	}
	if err := out.Write(w.columns()); err != nil {
		return err
	}
	for r, err := range w.Rows {
		if err != nil {
			return fmt.Errorf("rows of the statement: %w", err)
		}
		if err := out.Write(w.csvRow(r)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (w *writer) csvHead() [][]string {
	records := [][]string{{w.say(wordTitle)}}
	for _, line := range w.about() {
		records = append(records, []string{line[0], Harmless(line[1])})
	}
	missing := w.say(wordNone)
	if len(w.Head.Missing) > 0 {
		missing = strings.Join(w.Head.Missing, ", ")
	}
	records = append(records,
		[]string{w.say(wordFrom), w.Head.From}, []string{w.say(wordTo), w.Head.To},
		[]string{w.say(wordCreated), w.local(w.Head.Created)}, []string{w.say(wordMissing), missing})
	if len(w.Head.Missing) > 0 {
		records = append(records, []string{w.say(wordIncomplete)})
	}
	records = append(records, w.totalColumns())
	for _, t := range w.Totals {
		records = append(records, []string{Harmless(t.Currency), number(t.Charges.Number), w.decimal(t.Charges.Amount), number(t.Refunds.Number), w.decimal(t.Refunds.Amount),
			w.decimal(t.Fees), w.decimal(t.FeesExpected), w.decimal(t.Net), number(t.Open)})
	}
	return records
}

func (w *writer) csvRow(r Row) []string {
	return []string{w.local(r.Time), Harmless(r.Day), Harmless(w.kind(r.Kind)), Harmless(r.Order), Harmless(r.Reference), Harmless(r.External),
		w.decimal(r.Amount), Harmless(currency(r)), w.decimal(r.Fee), w.feeSource(r), w.decimal(r.Net), Harmless(w.state(r.State)), w.local(r.Payout)}
}

// currency is the one that all sums of a row are in.
func currency(r Row) string {
	for _, m := range []providers.Money{r.Amount, r.Net, r.Fee} {
		if m.Currency != "" {
			return m.Currency
		}
	}
	return ""
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// Harmless is a text that no table editor takes for a formula. Blanks do not hide one: some
// editors drop them, and what was a tab or a line end is one by now.
func Harmless(text string) string {
	text = plain(text)
	if start := strings.TrimLeft(text, " "); start != "" && strings.ContainsRune("=+-@", rune(start[0])) {
		return "'" + text
	}
	return text
}
