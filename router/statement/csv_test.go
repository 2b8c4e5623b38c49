package statement

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
)

// kaspi is the export that the notes on Kaspi describe, section 9.
var kaspi = Format{
	Separator: ";", Currency: "KZT", Zone: "Asia/Almaty", Dates: []string{"2006-01-02 15:04:05"},
	Columns: Columns{Order: "external_id", External: "qr_payment_id", Refund: "return_operation_id", Amount: "amount", Fee: "fee", Kind: "operation_type", At: "operation_date"},
	Kinds:   map[string]providers.LineKind{"Purchase": providers.LineCharge, "Return": providers.LineRefund},
	Ignore:  map[string][]string{"operation_type": {"Payout"}},
}

const kaspiFile = "\xef\xbb\xbf" + `operation_date;operation_type;qr_payment_id;return_operation_id;external_id;amount;fee;product_type
2026-11-23 00:10:00;Purchase;7001;;b2uj5vopt6;15490.00;147.16;Gold
2026-11-23 14:02:12;Return;7001;9001;b2uj5vopt6;-5000.50;0;"Gold; with a separator"
2026-11-23 23:59:59;Payout;;;;-10000.00;0;
`

func read(t *testing.T, file string, f Format) ([]providers.StatementLine, error) {
	t.Helper()
	var all []providers.StatementLine
	err := ReadCSV(t.Context(), strings.NewReader(file), f, func(_ int64, l providers.StatementLine) error {
		all = append(all, l)
		return nil
	})
	return all, err
}

func TestTheExportOfTheNotesIsRead(t *testing.T) {
	if err := kaspi.Default().Check(); err != nil {
		t.Fatal(err)
	}
	got, err := read(t, kaspiFile, kaspi)
	if err != nil {
		t.Fatal(err)
	}
	tenge := func(minor int64) providers.Money { return providers.Money{Minor: minor, Currency: "KZT"} }
	want := []providers.StatementLine{
		{Kind: providers.LineCharge, Order: "b2uj5vopt6", External: "7001", Verdict: providers.Approved, Amount: tenge(1549000), Fee: tenge(14716), At: time.Date(2026, 11, 22, 19, 10, 0, 0, time.UTC)},
		{Kind: providers.LineRefund, Order: "b2uj5vopt6", External: "9001", Verdict: providers.Approved, Amount: tenge(500050), Fee: tenge(0), At: time.Date(2026, 11, 23, 9, 2, 12, 0, time.UTC)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A cabinet that writes as people do there: commas in sums, spaces between thousands, states.
func TestSumsStatesAndMomentsAreReadAsTheFormatWritesThem(t *testing.T) {
	f := Format{Separator: "\t", SkipRows: 2, Decimal: ",", Thousands: "  ", Zone: "Europe/Kyiv", Dates: []string{"02.01.2006 15:04", time.RFC3339},
		Columns: Columns{Order: "Номер", Amount: "Сума", Currency: "Валюта", State: "Стан", At: "Час"}, Negative: "refund",
		States: map[string]string{"Оплачено": "approved", "Очікує": "pending", "Відхилено": "declined"}}
	if err := f.Default().Check(); err != nil {
		t.Fatal(err)
	}
	got, err := read(t, "Звіт\n\"за\nдень\"\nНомер\tСума\tВалюта\tСтан\tЧас\n a1 \t1 234 567,89\tUAH\tОплачено\t23.11.2026 14:02\na2\t-0,5\tUAH\tОплачено\t2026-11-23T14:02:00+02:00\na3\t7\tJPY\tВідхилено\t23.11.2026 00:00\n", f)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 12, 2, 0, 0, time.UTC)
	want := []providers.StatementLine{
		{Kind: providers.LineCharge, Order: "a1", Verdict: providers.Approved, Code: "Оплачено", Amount: providers.Money{Minor: 123456789, Currency: "UAH"}, At: at},
		{Kind: providers.LineRefund, Order: "a2", Verdict: providers.Approved, Code: "Оплачено", Amount: providers.Money{Minor: 50, Currency: "UAH"}, At: at},
		{Kind: providers.LineCharge, Order: "a3", Verdict: providers.Declined, Code: "Відхилено", Amount: providers.Money{Minor: 7, Currency: "JPY"}, At: time.Date(2026, 11, 22, 22, 0, 0, 0, time.UTC)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Whatever cannot be read exactly refuses the file, by row and column, and no cell is quoted:
// it may be a name, or a card.
func TestAFileIsRefusedByTheRowAndColumnAndNothingInItIsQuoted(t *testing.T) {
	const good = "2026-11-23 00:10:00;Purchase;7001;;b2uj5vopt6;15490.00;147.16;Gold\n"
	head, _, _ := strings.Cut(kaspiFile, "\n")
	row := func(old, changed string) string { return head + "\n" + good + strings.Replace(good, old, changed, 1) }
	for name, c := range map[string]struct {
		file, column string
		row          int64
	}{
		"a digit too many":                {row("15490.00", "15490.001"), "amount", 3},
		"a comma":                         {row("15490.00", "15490,00"), "amount", 3},
		"an exponent":                     {row("15490.00", "1e4"), "amount", 3},
		"a sum of nothing":                {row("15490.00", "0.00"), "amount", 3},
		"no sum":                          {row("15490.00", ""), "amount", 3},
		"a negative purchase":             {row("15490.00", "-15490.00"), "amount", 3},
		"a sum that is too large":         {row("15490.00", "92233720368547758070.00"), "amount", 3},
		"a fee that is a name":            {row("147.16", "Aida Kanareika"), "fee", 3},
		"another word":                    {row("Purchase", "Aida Kanareika"), "operation_type", 3},
		"a day that is none":              {row("2026-11-23", "2026-02-30"), "operation_date", 3},
		"a day of another layout":         {row("2026-11-23", "23.11.2026"), "operation_date", 3},
		"neither number nor id":           {row("7001;;b2uj5vopt6", ";;"), "", 3},
		"a column too few":                {row(";Gold", ""), "", 3},
		"a column too many":               {row(";Gold", ";Gold;Aida Kanareika"), "", 3},
		"another encoding":                {row("Gold", "\xca\xe0\xed\xe0\xf0\xe5\xe9\xea\xe0"), "", 3},
		"a quote inside":                  {row("Gold", `Aida "Kanareika"`), "", 3},
		"a quotation that is not closed":  {row("Gold", `"Aida Kanareika`), "", 3},
		"a missing column":                {strings.Replace(kaspiFile, "amount", "sum", 1), "amount", 1},
		"two columns of one name":         {strings.Replace(kaspiFile, "product_type", "amount", 1), "amount", 1},
		"no rows at all":                  {"", "", 0},
		"only what is to be skipped over": {"\n\n", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(t, c.file, kaspi)
			var refused *Refused
			if !errors.As(err, &refused) || refused.Row != c.row || refused.Column != c.column {
				t.Fatalf("got %v, want a refusal of row %d, column %q", err, c.row, c.column)
			}
			if strings.Contains(err.Error(), "Aida") || strings.Contains(err.Error(), "15490") {
				t.Errorf("the refusal quotes the file: %s", err)
			}
		})
	}
}

// endless is a file that never ends: a quotation that nobody closes.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "\"aaaaaa\na"[min(e.read, 7+e.read%2)]
		e.read++
	}
	return len(p), nil
}

func TestARowWithoutEndIsNotReadIntoMemory(t *testing.T) {
	file := &endless{}
	err := ReadCSV(t.Context(), file, kaspi, func(int64, providers.StatementLine) error { return nil })
	var refused *Refused
	if !errors.As(err, &refused) || file.read > 4*longestRow {
		t.Errorf("after %d bytes: %v", file.read, err)
	}
}

// Rows come out as they are read, and reading ends with its caller.
func TestRowsComeOneByOne(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	in, out := io.Pipe()
	written := make(chan int, 1)
	go func() {
		head, _, _ := strings.Cut(kaspiFile, "\n")
		_, err := io.WriteString(out, head+"\n")
		n := 0
		for ; err == nil; n++ {
			_, err = fmt.Fprintf(out, "2026-11-23 00:10:00;Purchase;%d;;;15490.00;147.16;Gold\n", n)
		}
		written <- n
	}()
	var rows []int64
	err := ReadCSV(ctx, in, kaspi, func(row int64, _ providers.StatementLine) error {
		if rows = append(rows, row); len(rows) == 1000 {
			stop()
		}
		return nil
	})
	_ = in.Close()
	if n := <-written; !errors.Is(err, context.Canceled) || len(rows) != 1000 || rows[999] != 1001 || n > 1200 {
		t.Errorf("%d rows, %d written, error %v", len(rows), n, err)
	}
	mine := errors.New("no room")
	if err := ReadCSV(t.Context(), strings.NewReader(kaspiFile), kaspi, func(int64, providers.StatementLine) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("error %v", err)
	}
}

func TestAFormatTellsAllThatIsWrongWithIt(t *testing.T) {
	bad := Format{Separator: ";;", SkipRows: -1, Decimal: "..", Currency: "TENGE", Dates: []string{"15:04"}, Zone: "Asia/Nowhere", Negative: "perhaps",
		Columns: Columns{Kind: "kind", State: "state"}, Kinds: map[string]providers.LineKind{"A": "sale"}, States: map[string]string{"B": "unknown"}}
	err := bad.Check()
	for _, field := range []string{"separator", "skip_rows", "columns.amount", "columns.at", "columns.order", "currency", "decimal", "dates", "zone", "kinds", "negative", "states"} {
		if err == nil || !slices.ContainsFunc(strings.Split(err.Error(), "\n"), func(line string) bool { return strings.HasPrefix(line, field+": ") }) {
			t.Errorf("%s is not told in %v", field, err)
		}
	}
	if err := (Format{}).Default().Check(); err == nil || strings.Contains(err.Error(), "separator") {
		t.Errorf("the empty format is told %v", err)
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add(kaspiFile)
	f.Add("operation_date;operation_type;qr_payment_id;return_operation_id;external_id;amount;fee\n\"2026-11-23 00:10:00\";Return;1;2;3;-0.01;\n")
	f.Fuzz(func(t *testing.T, file string) {
		last := int64(0)
		err := ReadCSV(t.Context(), strings.NewReader(file), kaspi, func(row int64, l providers.StatementLine) error {
			if row <= last || l.Amount.Minor <= 0 || l.Amount.Currency != "KZT" || l.Order == "" && l.External == "" || l.At.IsZero() {
				t.Errorf("row %d after %d: %+v", row, last, l)
			}
			last = row
			return nil
		})
		var refused *Refused
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("no refusal: %v", err)
		}
	})
}
