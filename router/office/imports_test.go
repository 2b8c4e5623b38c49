package office

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/xuri/excelize/v2"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/reconcile"
	"github.com/payrouter/payrouter/router/statement"
)

// filed lets an office read the files of these tests.
func filed(_ *Options, b *Books) {
	b.Formats = map[string]statement.Format{"cabinet": {Separator: ";", Currency: "KZT", Zone: "Asia/Almaty", Dates: []string{"2006-01-02 15:04:05"},
		Columns: statement.Columns{Order: "order", External: "id", Amount: "sum", Kind: "kind", At: "date"},
		Kinds:   map[string]providers.LineKind{"Purchase": providers.LineCharge, "Return": providers.LineRefund}}}
}

// export is a file with these rows, each "kind order sum" of 23 November at noon or of the day
// that follows.
func export(rows ...string) string {
	var b strings.Builder
	b.WriteString("date;kind;order;id;sum\n")
	for i, row := range rows {
		fields := strings.Fields(row)
		day := "2026-11-23"
		if len(fields) > 3 {
			day = fields[3]
		}
		b.WriteString(day + " 12:00:01;" + fields[0] + ";" + fields[1] + ";i" + string(rune('a'+i)) + ";" + fields[2] + "\n")
	}
	return b.String()
}

// announce is the file, as somebody gives it to us.
func announce(text string, change ...func(*File)) File {
	sum := sha256.Sum256([]byte(text))
	f := File{ID: uuid.NewString(), Gateway: gateway, Format: "cabinet", Name: "export.csv", SHA256: hex.EncodeToString(sum[:]), Size: int64(len(text)),
		FromDay: "2026-11-22", ToDay: today, Actor: "operator:aida", Reason: "month end"}
	for _, c := range change {
		c(&f)
	}
	return f
}

// give hands a file over in small pieces, and lets the office read it.
func (d *desk) give(f File, text string) journal.Import {
	d.t.Helper()
	i, err := d.Import(d.t.Context(), f)
	d.must(err)
	for at := i.Received; at < int64(len(text)); at = i.Received {
		i, err = d.Receive(d.t.Context(), f.ID, at, []byte(text[at:min(at+7, int64(len(text)))]))
		d.must(err)
	}
	d.reads(d.Office)
	i, err = d.store.Import(d.t.Context(), f.ID)
	d.must(err)
	return i
}

func (d *desk) reads(o *Office) {
	d.t.Helper()
	for {
		more, err := o.workImport(d.t.Context(), *d.clock)
		d.must(err)
		if !more {
			return
		}
	}
}

func TestAFileBecomesTheStatementOfItsDays(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.Office = d.another(filed)
		payments := d.day()
		text := export("Purchase ref-agrees 10.00", "Purchase ref-forgotten 10.00", "Purchase ref-differs 9.99", "Purchase ref-returned 10.00", "Return ref-returned 3.00",
			"Purchase ref-unreturned 10.00", "Purchase ref-elsewhere 10.00", "Return ref-elsewhere 4.00", "Purchase stranger 7.00")
		f := announce(text)
		i := d.give(f, text)
		if i.State != journal.ImportAccepted || i.Lines != 9 || i.RefusedWhy != "" || i.Ended.IsZero() {
			t.Fatalf("the import: %+v", i)
		}
		d.works(d.Office)
		const want = "line_amount_differs:differs refund_missing:unreturned refund_unknown_to_us:elsewhere unknown_to_them:missing unknown_to_us:strangerii"
		if got := d.open(); got != want {
			t.Errorf("found\n%s, want\n%s", got, want)
		}
		if p, err := d.store.Get(t.Context(), "forgotten"); err != nil || p.Attempts[0].Verdict != providers.Approved {
			t.Errorf("what the file knew: %+v, %v", p.Attempts, err)
		}
		runs, err := d.store.Runs(t.Context(), journal.RunFilter{}, journal.Cursor{}, 10)
		d.must(err)
		if len(runs) != 2 || runs[0].Day != today || runs[0].Cause != CauseImport || runs[0].State != journal.RunDone || runs[0].Counts.Lines != 9 || runs[1].Counts.Lines != 0 || runs[0].Source != providers.StatementFile {
			t.Errorf("runs: %+v", runs)
		}
		before := d.dump(payments...)
		if again, err := d.Import(t.Context(), f); err != nil || again.State != journal.ImportAccepted {
			t.Errorf("the same file announced again: %+v, %v", again, err)
		}
		other := announce(text)
		d.give(other, text)
		d.works(d.Office)
		if got := d.dump(payments...); got != before {
			t.Errorf("the same file again changed\n%s\nbefore\n%s", got, before)
		}
		if _, err := d.store.Piece(t.Context(), f.ID, 0); err != nil {
			t.Fatalf("its bytes before they are dropped: %v", err)
		}
		d.must(d.tidy(t.Context(), *d.clock))
		if _, err := d.store.Piece(t.Context(), f.ID, 0); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("its bytes after that: %v", err)
		}
	})
}

func TestAFileIsBelievedWholeOrNotAtAll(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.Office = d.another(filed)
		good := []string{"Purchase a 1.00", "Purchase b 1.00", "Purchase c 1.00", "Purchase d 1.00"}
		for name, c := range map[string]struct {
			text   string
			change func(*File)
			row    int64
			column string
			why    string
		}{
			"a sum":                      {export(append(good, "Purchase e 1.005")...), nil, 6, "sum", "exactly"},
			"a word":                     {export(append(good, "Fee e 1.00")...), nil, 6, "kind", "word"},
			"a day of another file":      {export(append(good, "Purchase e 1.00 2026-11-24")...), nil, 6, "date", "day"},
			"no column of that name":     {"date;kind\n", nil, 1, "order", "no such column"},
			"other bytes than announced": {export(good...), func(f *File) { f.SHA256 = strings.Repeat("0", 64) }, 0, "", "sha256"},
		} {
			f := announce(c.text)
			if c.change != nil {
				c.change(&f)
			}
			i := d.give(f, c.text)
			if i.State != journal.ImportRefused || i.RefusedRow != c.row || i.RefusedColumn != c.column || !strings.Contains(i.RefusedWhy, c.why) {
				t.Errorf("%s: %+v", name, i)
			}
			if lines, err := d.store.LinesCounted(t.Context(), f.ID); err != nil || len(lines) != 0 {
				t.Errorf("%s: %v lines of it are left, %v", name, lines, err)
			}
		}
		text := export(good...)
		i := d.give(announce(text, func(f *File) { f.ValidateOnly = true }), text)
		if i.State != journal.ImportValid || i.Lines != 4 {
			t.Errorf("a file that was only asked about: %+v", i)
		}
		if days, err := d.store.StatementDays(t.Context(), gateway); err != nil || len(days) != 0 {
			t.Errorf("statements %v, %v", days, err)
		}
	})
}

func TestAFileThatCannotBeIsNotAnnounced(t *testing.T) {
	d := sit(t, "sqlite:", filed)
	for name, c := range map[string]struct {
		change func(*File)
		want   error
	}{
		"of no gateway":         {func(f *File) { f.Gateway = "else" }, ErrNoBooks},
		"in no format":          {func(f *File) { f.Format = "else" }, ErrUnknownFormat},
		"of nothing":            {func(f *File) { f.Size = 0 }, ErrFileTooLarge},
		"of everything":         {func(f *File) { f.Size = largestFile + 1 }, ErrFileTooLarge},
		"of days that are none": {func(f *File) { f.ToDay = "2026-11-21" }, ErrManyDays},
		"of too many days":      {func(f *File) { f.FromDay = "2025-11-01" }, ErrManyDays},
		"of a day that is none": {func(f *File) { f.FromDay = "x" }, ErrBadDay},
	} {
		if _, err := d.Import(t.Context(), announce("x", c.change)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	early := (*EarlyError)(nil)
	if _, err := d.Import(t.Context(), announce("x", func(f *File) { f.ToDay = "2026-11-24" })); !errors.As(err, &early) {
		t.Errorf("of a day that is not over: %v", err)
	}
	f := announce("abcdef")
	_, err := d.Import(t.Context(), f)
	d.must(err)
	if i, err := d.Receive(t.Context(), f.ID, 0, []byte("abc")); err != nil || i.Received != 3 || i.State != journal.ImportReceiving {
		t.Errorf("the first piece: %+v, %v", i, err)
	}
	for at, piece := range map[int64]string{0: "abc", 2: "c", 4: "e", 3: "defg"} {
		if i, err := d.Receive(t.Context(), f.ID, at, []byte(piece)); !errors.Is(err, journal.ErrOffset) || i.Received != 3 {
			t.Errorf("a piece at %d: %+v, %v", at, i, err)
		}
	}
	if i, err := d.Receive(t.Context(), f.ID, 3, []byte("def")); err != nil || i.State != journal.ImportReading {
		t.Errorf("the last piece: %+v, %v", i, err)
	}
}

func TestAFileWhoseReaderDiesIsReadFromItsBeginning(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		text := export("Purchase a 1.00", "Purchase b 1.00", "Purchase c 1.00", "Purchase d 1.00", "Purchase e 1.00")
		f := announce(text)
		for deaths := 1; deaths <= 3; deaths++ {
			left := deaths
			dying := d.another(filed, func(o *Options, _ *Books) {
				o.Step = func(point string) {
					if left--; point == "rows staged" && left == 0 {
						panic("killed")
					}
				}
			})
			if deaths == 1 {
				d.Office = dying
				i, err := d.Import(t.Context(), f)
				d.must(err)
				_, err = d.Receive(t.Context(), i.ID, 0, []byte(text))
				d.must(err)
			}
			func() {
				defer func() { _ = recover() }()
				i, err := d.store.ClaimImport(t.Context(), "a process that dies", *d.clock, time.Minute)
				d.must(err)
				_, err = dying.readFile(t.Context(), i)
				t.Errorf("it lived: %v", err)
			}()
			*d.clock = d.clock.Add(2 * time.Minute)
		}
		d.Office = d.another(filed)
		d.reads(d.Office)
		d.works(d.Office)
		if i, err := d.store.Import(t.Context(), f.ID); err != nil || i.State != journal.ImportAccepted || i.Lines != 5 || d.open() != "unknown_to_us:aia unknown_to_us:bib unknown_to_us:cic unknown_to_us:did unknown_to_us:eie" {
			t.Errorf("%+v, %v, found %q", i, err, d.open())
		}
	})
}

func TestAFileThatPanicsItsReaderIsRefusedInTheEndAndEndsNoProcess(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.Office = d.another(filed, func(o *Options, _ *Books) { o.Step = func(string) { panic("a bug") } })
		text := export("Purchase a 1.00")
		i := d.give(announce(text), text)
		for n, wait := range waits {
			if i.State != journal.ImportReading || i.Tries != n+1 || !i.Due.Equal(d.clock.Add(wait)) {
				t.Fatalf("after try %d: %+v", n+1, i)
			}
			*d.clock = d.clock.Add(wait)
			d.reads(d.Office)
			var err error
			i, err = d.store.Import(t.Context(), i.ID)
			d.must(err)
		}
		if i.State != journal.ImportRefused || !strings.Contains(i.RefusedWhy, "our own fault") {
			t.Errorf("at last: %+v", i)
		}
		d.Office = d.another(filed) // whose reader has no bug
		if next := d.give(announce(text), text); next.State != journal.ImportAccepted {
			t.Errorf("another file: %+v", next)
		}
	})
}

func TestAnExtractTellsWhatTheBooksOfItsDaysComeTo(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.Office = d.another(filed, func(_ *Options, b *Books) { b.Fees = reconcile.Fees{{Currency: "KZT", BasisPoints: 200}} })
		d.pay("agrees", refunded(300)...)
		text := export("Purchase ref-agrees 10.00", "Return ref-agrees 3.00", "Purchase stranger 7.00")
		d.give(announce(text), text)
		d.works(d.Office)
		e, err := d.Extract(t.Context(), gateway, "2026-11-21", today)
		d.must(err)
		want := []Total{{Currency: "KZT", Charges: 2, Charged: 1700, Refunds: 1, Refunded: 300, Fees: 34, FeesExpected: 34, Net: 1366, Open: 1}}
		if diff := cmp.Diff(want, e.Totals); diff != "" || strings.Join(e.Missing, " ") != "2026-11-21" || e.Provider != "bank" {
			t.Errorf("missing %q, totals (-want +got):\n%s", e.Missing, diff)
		}
		var told []string
		d.must(e.Each(t.Context(), func(page []Movement) error {
			for _, m := range page {
				told = append(told, fmt.Sprint(m.Day, " ", m.Kind, " ", m.StatementLine.Order, " ", m.Payment, " ", m.Amount, " ", m.Fee, " ", m.FeeExpected, " ", m.Net))
			}
			return nil
		}))
		if diff := cmp.Diff([]string{"2026-11-23 charge ref-agrees agrees 10.00 KZT 0.20 KZT true 9.80 KZT", "2026-11-23 refund ref-agrees agrees 3.00 KZT 0.00 KZT true -3.00 KZT",
			"2026-11-23 charge stranger  7.00 KZT 0.14 KZT true 6.86 KZT"}, told); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if _, err := d.Extract(t.Context(), "else", today, today); !errors.Is(err, router.ErrUnknownGateway) {
			t.Errorf("of no gateway: %v", err)
		}
	})
}

// A day of which the gateway shows nothing is the one whose findings matter most.
func TestAnExtractCountsTheFindingsOfACurrencyInWhichNothingMoved(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.pay("missing", learnt(providers.Approved))
		d.run(today)
		e, err := d.Extract(t.Context(), gateway, today, today)
		d.must(err)
		if diff := cmp.Diff([]Total{{Currency: "KZT", Open: 1}}, e.Totals); diff != "" {
			t.Errorf("open %q, totals (-want +got):\n%s", d.open(), diff)
		}
	})
}

func TestAnExtractExpectsTheFeeOfThePaymentsMethod(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.Office = d.another(func(_ *Options, b *Books) {
			b.Fees = reconcile.Fees{{Currency: "KZT", BasisPoints: 200}, {Currency: "KZT", Methods: []providers.Method{providers.QR}, BasisPoints: 100}}
		})
		d.payBy(providers.QR, "scanned", learnt(providers.Approved))
		d.payBy(providers.Account, "billed", learnt(providers.Approved))
		d.tell(charged("scanned", 1000), charged("billed", 1000), charged("stranger", 1000))
		d.run(today)
		e, err := d.Extract(t.Context(), gateway, today, today)
		d.must(err)
		want := []Total{{Currency: "KZT", Charges: 3, Charged: 3000, Fees: 50, FeesExpected: 50, Net: 2950, Open: 1}}
		if diff := cmp.Diff(want, e.Totals); diff != "" {
			t.Errorf("totals (-want +got):\n%s", diff)
		}
	})
}

// Where a gateway tells what it pays out, what a refund took of that is no fee.
func TestAnExtractTakesNoRefundForAFee(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		told := func(minor int64) func(*providers.StatementLine) {
			return func(l *providers.StatementLine) { l.Fee = tenge(minor) }
		}
		d.pay("whole", learnt(providers.Approved))
		d.pay("returned", refunded(300)...)
		d.pay("elsewhere", learnt(providers.Approved), payment.Observed{Attempt: 1, Source: payment.FromLookup, Verdict: providers.Approved, Amount: tenge(1000), Returned: tenge(100)})
		d.tell(charged("whole", 1000, told(25)), charged("returned", 1000, told(320)), charged("elsewhere", 1000, told(120)))
		for name, c := range map[string]struct {
			fees reconcile.Fees
			open string
			want Total
		}{
			"by the contract": {reconcile.Fees{{Currency: "KZT", BasisPoints: 200}}, "fee_differs:whole", Total{Currency: "KZT", Charges: 3, Charged: 3000, Fees: 65, FeesExpected: 40, Net: 2535}},
			"without one":     {nil, "", Total{Currency: "KZT", Charges: 3, Charged: 3000, Fees: 25, Net: 2535}},
		} {
			d.Office = d.another(func(_ *Options, b *Books) { b.NetFees, b.HidesRefunds, b.Fees = true, true, c.fees })
			d.run(today)
			e, err := d.Extract(t.Context(), gateway, today, today)
			d.must(err)
			if got := d.open(); got != c.open {
				t.Errorf("%s: found %q", name, got)
			}
			c.want.Open = int64(len(strings.Fields(c.open)))
			if diff := cmp.Diff([]Total{c.want}, e.Totals); diff != "" {
				t.Errorf("%s: open %q, totals (-want +got):\n%s", name, d.open(), diff)
			}
		}
	})
}

func TestAnExtractWhoseDayIsReadAnewMeanwhileSaysSo(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.day()
		d.run(today)
		e, err := d.Extract(t.Context(), gateway, today, today)
		d.must(err)
		d.run(today)
		told := 0
		err = e.Each(t.Context(), func(page []Movement) error { told += len(page); return nil })
		if !errors.Is(err, ErrReadAnew) {
			t.Errorf("the totals are of %d charges, and %d movements were told: %v", e.Totals[0].Charges, told, err)
		}
	})
}

func TestAWorkbookIsReadAsAFileOfSeparatedValuesIs(t *testing.T) {
	d := sit(t, "sqlite:", filed)
	book := excelize.NewFile()
	for i, row := range [][]any{{"date", "kind", "order", "id", "sum"}, {"2026-11-23 12:00:01", "Purchase", "stranger", "i1", 7.25}, {"2026-11-23 12:00:02", "Return", "stranger", "i2", 0.1}} {
		d.must(book.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row))
	}
	text, err := book.WriteToBuffer()
	d.must(err)
	i := d.give(announce(text.String()), text.String())
	d.works(d.Office)
	if i.State != journal.ImportAccepted || i.Lines != 2 || d.open() != "refund_unknown_to_us:strangeri2 unknown_to_us:strangeri1" {
		t.Errorf("%+v, found %q", i, d.open())
	}
	all, err := d.store.Findings(t.Context(), journal.FindingFilter{Kind: "unknown_to_us"}, journal.Cursor{}, 1)
	if err != nil || len(all) != 1 || all[0].Theirs != tenge(725) {
		t.Errorf("%+v, %v", all, err)
	}
	cut := text.String()[:text.Len()/2]
	if i := d.give(announce(cut), cut); i.State != journal.ImportRefused || i.RefusedWhy == "" {
		t.Errorf("half a workbook: %+v", i)
	}
}
