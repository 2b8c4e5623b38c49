package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"
)

// What one page in the middle of a statement costs. A page of a long statement must cost little more than one of a short one,
// because a reading of n payments asks for n/100 of them.
//
//	go test -run '^$' -bench Statement ./providers/sim

// benchStatement measures page with few and with many payments behind it; fill makes the i-th payment at an instant.
func benchStatement(b *testing.B, face func() Face, fill func(Face, int, time.Time), page func(Face) int) {
	for _, size := range []struct{ payments, tampers int }{{1_000, 0}, {14_000, 0}, {14_000, 50}} {
		n := size.payments
		b.Run(fmt.Sprintf("payments=%d/tampers=%d", n, size.tampers), func(b *testing.B) {
			f := face()
			bank := New(Options{}, f)
			defer bank.Close()
			begin := time.Now().Add(-time.Duration(n) * time.Second)
			for i := range n {
				fill(f, i, begin.Add(time.Duration(i)*time.Second))
			}
			for i := range size.tampers {
				if _, err := bank.AddTamper(Tamper{Face: f.Name(), Kind: TamperWord, Match: fmt.Sprintf("rt-%08d", 100*i)}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if rows := page(f); rows != 100 {
					b.Fatalf("the page has %d rows", rows)
				}
			}
		})
	}
}

// benchPage is the page that is asked for.
const benchPage = 5

func benchObject(face string, i int) *Object {
	return &Object{
		Face: face, Reference: fmt.Sprintf("rt-%08d", i), ID: strconv.Itoa(7_000_000_000 + i), Style: StyleCharge, Phase: Charged,
		Amount: 150050, Authorized: 150050, Captured: 150050, Currency: "KZT",
	}
}

// benchCount counts the elements of a list in an answer.
func benchCount(b *testing.B, body []byte, list string) int {
	b.Helper()
	var all map[string]json.RawMessage
	var rows []json.RawMessage
	if json.Unmarshal(body, &all) != nil || json.Unmarshal(all[list], &rows) != nil {
		b.Fatalf("no list in %.200s", body)
	}
	return len(rows)
}

func BenchmarkHalykStatement(b *testing.B) {
	fill := func(f Face, i int, at time.Time) {
		h, _ := f.(*halyk)
		h.offer(&call{}, h.terminals[0], halykSale{way: halykDirect, invoice: fmt.Sprintf("%012d", i), amount: 150050, currency: "KZT"}, time.Time{})
		p := h.payments[i]
		p.card, p.status, p.created = h.pans[halykUsualCard], halykCharge, at
		p.o.Captured, p.o.Phase = p.amount, Charged
		h.rows = append(h.rows, &halykRow{at: at, p: p})
	}
	benchStatement(b, func() Face { return Halyk(HalykOptions{}) }, fill, func(f Face) int {
		h, _ := f.(*halyk)
		wish := halykBody{"paging": json.RawMessage(fmt.Sprintf(`{"page":%d,"size":100}`, benchPage))}
		rep := h.list(&call{}, &halykWish{grant: &halykGrant{client: HalykDefaultClient, service: true}, fields: wish})
		return benchCount(b, rep.body, "records")
	})
}

func BenchmarkTipTopPayStatement(b *testing.B) {
	fill := func(f Face, i int, at time.Time) {
		t, _ := f.(*tiptoppay)
		t.register(&ttpTransaction{
			id: t.newID(), sale: &ttpSale{Object: benchObject(t.Name(), i)}, card: &ttpCard{}, amount: 150050, status: ttpCompleted,
			created: at, authorized: at, confirmed: at,
		})
	}
	benchStatement(b, func() Face { return TipTopPay(TipTopPayOptions{}) }, fill, func(f Face) int {
		t, _ := f.(*tiptoppay)
		said := t.listPeriod(&call{}, &ttpRequest{fields: map[string]ttpValue{
			"PageNumber": {text: strconv.Itoa(benchPage)}, "CreatedDateGte": {text: "2020-01-01T00:00:00Z"}, "CreatedDateLte": {text: "2100-01-01T00:00:00Z"},
		}})
		return benchCount(b, said.write(), "Model")
	})
}

func BenchmarkQuickPayStatement(b *testing.B) {
	fill := func(f Face, i int, at time.Time) {
		q, _ := f.(*quickpay)
		o := benchObject(q.Name(), i)
		q.payments = append(q.payments, &qpPayment{
			o: o, id: q.newID(), order: o.Reference, currency: "DKK", data: qpFields{}, state: qpProcessed, accepted: true,
			plastic: q.plastic("", ""), created: at, updated: at, operations: []*qpOperation{
				{n: 1, kind: qpAuthorize, amount: o.Amount, code: qpApproved, created: at},
				{n: 2, kind: qpCapture, amount: o.Amount, code: qpApproved, created: at},
			},
		})
	}
	benchStatement(b, func() Face { return QuickPay(QuickPayOptions{}) }, fill, func(f Face) int {
		q, _ := f.(*quickpay)
		rep := q.list(&call{op: OpList}, &qpWish{query: url.Values{
			"min_time": {"2020-01-01 00:00:00 +0000"}, "sort_dir": {"asc"}, "page": {strconv.Itoa(benchPage)}, "page_size": {"100"},
		}})
		var rows []json.RawMessage
		_ = json.Unmarshal(rep.body, &rows)
		return len(rows)
	})
}

// BenchmarkKaspiStatement reads one day, which is the last hundred payments; Kaspi has no pages.
func BenchmarkKaspiStatement(b *testing.B) {
	fill := func(f Face, i int, _ time.Time) {
		k, _ := f.(*kaspi)
		p := k.begin(&call{reference: fmt.Sprintf("rt-%08d", i), amount: 150050}, k.devices[0], StyleOffer, kaspiQRCreated, time.Hour)
		k.take(p, "")
		if entries := k.b.books.entries; i >= 100 { // all but the last hundred are of long ago
			entries[i-100].Time = time.Now().Add(-48 * time.Hour)
		}
	}
	today := time.Now().In(kaspiZone).Format(time.DateOnly)
	benchStatement(b, func() Face { return Kaspi(KaspiOptions{}) }, fill, func(f Face) int {
		k, _ := f.(*kaspi)
		w := httptest.NewRecorder()
		k.serveStatement(w, httptest.NewRequest(http.MethodGet, "/kaspi/statement?date="+today, nil))
		lines := 0
		for _, c := range w.Body.Bytes() {
			if c == '\n' {
				lines++
			}
		}
		return lines - 1
	})
}
