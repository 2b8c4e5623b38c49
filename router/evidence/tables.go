package evidence

import (
	"bytes"
	"encoding/csv"
	"strings"
	"time"
	"unicode"

	"github.com/payrouter/payrouter/providers"
)

// table writes records as the statements of payctl are written: UTF-8 with a byte order mark,
// semicolons between the cells, one record a line, and nothing that a table editor takes for
// a formula.
func table(columns []string, rows [][]string) []byte {
	var text bytes.Buffer
	text.WriteString("\ufeff")
	out := csv.NewWriter(&text)
	out.Comma, out.UseCRLF = ';', true
	_ = out.Write(columns) // a buffer takes everything
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = harmless(cell)
		}
		_ = out.Write(cells)
	}
	out.Flush()
	return text.Bytes()
}

var noticeColumns = []string{"time_local", "time_utc", "gateway", "verdict", "body_sha256", "notice"}

func (b Bundle) noticeRows() [][]string {
	var rows [][]string
	for _, n := range b.Notices {
		rows = append(rows, []string{b.local(n.At), exact(n.At), n.Gateway, n.Verdict, n.SHA256, n.ID})
	}
	return rows
}

var statementColumns = []string{"day", "time_local", "time_utc", "gateway", "attempt", "kind", "our_reference", "gateway_id", "verdict", "amount", "currency", "fee", "fee_currency",
	"settle_time_utc", "code"}

func (b Bundle) statementRows() [][]string {
	var rows [][]string
	for _, l := range b.Lines {
		rows = append(rows, []string{l.Day, b.local(l.At), exact(l.At), l.Gateway, ordinal(int64(l.Attempt)), string(l.Kind), l.Order, l.External, l.Verdict.String(),
			decimal(l.Amount), l.Amount.Currency, decimal(l.Fee), l.Fee.Currency, exact(l.Settled), l.Code})
	}
	return rows
}

func decimal(m providers.Money) string {
	if m.Currency == "" {
		return ""
	}
	return m.Decimal()
}

// exact is an instant for programs.
func exact(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// plain is a text on one line: whatever moves a cursor is a space, what is no text a mark.
func plain(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == '\u2028' || c == '\u2029' {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// harmless is a text that no table editor takes for a formula. Blanks do not hide one.
func harmless(text string) string {
	text = plain(text)
	if start := strings.TrimLeft(text, " "); start != "" && strings.ContainsRune("=+-@", rune(start[0])) {
		return "'" + text
	}
	return text
}
