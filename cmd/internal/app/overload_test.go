//go:build unix

package app_test

import (
	"context"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/payrouter/payrouter/cmd/internal/app"
	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/journal"
)

// TestAFloodIsRefusedEarlyAndStarvesNobody lets 2,000 callers loose on the real door while
// the first gateway charges and never answers (SAFETY I2, L3, L5): whoever is let in has
// a payment that ends in the truth, everybody else is told at once when to come back.
func TestAFloodIsRefusedEarlyAndStarvesNobody(t *testing.T) {
	w := newWorld(t, "")
	b := w.besieged(t)
	warm, err := b.payments.CreatePayment(t.Context(), b.wish())
	b.must(err)
	b.eventually("the warm-up", func() bool { return b.get(warm).GetState() == pb.Payment_STATE_PAID })
	shown := wish(pb.Method_METHOD_QR)
	shown.OrderId, shown.Gateways = "", []string{"gateways/kaspi-main"}
	offer, err := b.payments.CreatePayment(t.Context(), shown)
	b.must(err)
	b.bank.ClearNotices() // the bank's own notices arrive from now on
	b.fault(sim.Fault{Face: "wayforpay", Op: sim.OpCharge, Kind: sim.FaultActHang})
	heap, goroutines := weigh()
	leak := goleak.IgnoreCurrent()

	sieging, over := context.WithCancel(context.Background())
	var watchers sync.WaitGroup
	var noticesTook, readsTook []time.Duration
	var gap time.Duration
	turnedAway := 0
	var most struct {
		heap       uint64
		goroutines int
	}
	sender := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
	watchers.Go(func() {
		noticesTook = every(sieging, 100*time.Millisecond, func() {
			if !b.sendForged(sender) {
				turnedAway++
			}
		})
	})
	watchers.Go(func() { readsTook = every(sieging, 100*time.Millisecond, func() { b.get(offer) }) })
	watchers.Go(func() { gap = b.lookGap(sieging, offer) })
	watchers.Go(func() {
		every(sieging, 100*time.Millisecond, func() {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most.heap, most.goroutines = max(most.heap, m.HeapAlloc), max(most.goroutines, runtime.NumGoroutine())
		})
	})
	visits := make([]visit, crowd)
	var callers sync.WaitGroup
	end := time.Now().Add(siege)
	for i := range visits {
		visits[i].request = b.wish()
		callers.Go(func() { visits[i].keepComing(t, b.payments, end) })
	}
	callers.Wait()
	over()
	watchers.Wait()

	b.judge(visits)
	b.atMost(8*time.Second, slowest(noticesTook, 1), "until a notice was answered")
	b.atMost(4*time.Second, slowest(readsTook, 1), "until a payment was read")
	b.atMost(8*time.Second, gap, "without a look-up of an offer that is looked up each second")
	if !raced() && turnedAway > len(noticesTook)/4 {
		t.Errorf("%d of %d notices were turned away", turnedAway, len(noticesTook))
	}
	t.Logf("notices: median %s, slowest %s of %d, %d turned away; reads: median %s, slowest %s; longest pause between look-ups %s", slowest(noticesTook, 0.5),
		slowest(noticesTook, 1), len(noticesTook), turnedAway, slowest(readsTook, 0.5), slowest(readsTook, 1), gap)

	b.bank.ClearFaults()
	b.comeAgain(visits)
	b.balance()
	visits = nil
	b.client.Close()
	sender.CloseIdleConnections()
	var heapAfter uint64
	var goroutinesAfter int
	b.eventually("memory and goroutines are back", func() bool {
		heapAfter, goroutinesAfter = weigh()
		return goroutinesAfter <= goroutines+10 && heapAfter < heap+32<<20 // the simulated bank remembers 10 KiB of each payment
	})
	t.Logf("heap %d KiB before, %d at most, %d after, the bank's ledger included; goroutines %d, %d, %d", heap>>10, most.heap>>10, heapAfter>>10, goroutines, most.goroutines, goroutinesAfter)
	b.stop()
	b.eventually("no goroutine is left", func() bool { return goleak.Find(leak) == nil }) // idle connections to the bank live 20 s
}

func TestAsManyChargesAreLetInAsTheGatewaysTakeTogether(t *testing.T) {
	for text, want := range map[string]int{
		least: 64,
		strings.Replace(least, "provider: wayforpay", "provider: wayforpay\n    max_concurrent: 5", 1): 5,
		least + "grpc: {max_charges: 7}\n": 7,
	} {
		c, err := app.Parse([]byte(text))
		if err != nil || c.GRPC.MaxCharges != want {
			t.Errorf("%d, want %d, error %v", c.GRPC.MaxCharges, want, err)
		}
	}
	_, err := app.Parse([]byte(strings.Replace(least, "provider: wayforpay", "provider: wayforpay\n    max_concurrent: -1", 1) +
		"grpc: {max_charges: -1}\nwebhooks: {max_notices: -1}\nterms: {max_undecided: -1}\n"))
	for _, key := range []string{"gateways[0].max_concurrent", "grpc.max_charges", "webhooks.max_notices", "terms.max_undecided"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s is not named: %v", key, err)
		}
	}
}

// wish is a charge of a saved card, of its own.
func (b *besieged) wish() *pb.CreatePaymentRequest {
	r := wish(pb.Method_METHOD_INSTRUMENT)
	r.RequestId, r.OrderId, r.Instrument = uuid.NewString(), "", wayforpayCard
	return r
}

func (b *besieged) get(p *pb.Payment) *pb.Payment {
	now, err := b.payments.GetPayment(context.Background(), &pb.GetPaymentRequest{Name: p.GetName()})
	if err != nil {
		b.t.Errorf("a payment cannot be read: %v", err)
	}
	return now
}

// judge looks at who was let in and who was not.
func (b *besieged) judge(visits []visit) {
	b.t.Helper()
	granted, reasons := 0, map[string]int{}
	var refusals []time.Duration
	for _, v := range visits {
		refusals = append(refusals, v.refusals...)
		for _, reason := range v.reasons {
			reasons[reason]++
		}
		switch other := func(reason string) bool { return reason != "RATE_LIMITED" }; {
		case v.err == nil:
			granted++
		case !slices.ContainsFunc(v.reasons, other) && b.known(v.request):
			b.t.Error("a payment was stored for whom no seat was free")
		}
	}
	if granted == 0 || reasons["RATE_LIMITED"] == 0 {
		b.t.Errorf("%d payments, %v: no flood", granted, reasons)
	}
	b.atMost(3*time.Second, slowest(refusals, 0.99), "until a call was refused, of one in a hundred")
	b.t.Logf("%d callers, %d calls: %d payments, refusals %v in %s (median), %s (99 %%), %s (slowest)",
		len(visits), granted+len(refusals), granted, reasons, slowest(refusals, 0.5), slowest(refusals, 0.99), slowest(refusals, 1))
}

// known reports whether the books know a request.
func (b *besieged) known(r *pb.CreatePaymentRequest) (is bool) {
	b.must(b.read(func(s *journal.Store) error {
		_, _, err := s.Request(context.Background(), "shop", r.GetRequestId())
		is = err == nil
		return nil
	}))
	return is
}

// comeAgain repeats refused calls word for word, now that there is room: each key is
// usable.
func (b *besieged) comeAgain(visits []visit) {
	b.t.Helper()
	others, stored := settles, 0
	for _, v := range visits {
		switch {
		case v.err == nil:
			continue
		case b.known(v.request): // its gateways became busy, or the store away, after it was opened
			stored++
		case others == 0:
			continue
		default:
			others--
		}
		b.eventually("a refused call is granted", func() bool {
			_, err := b.payments.CreatePayment(b.t.Context(), v.request)
			return err == nil
		})
	}
	b.t.Logf("%d of the refused were in the books without an attempt", stored)
}

// truth waits until it is known what became of a payment.
func (b *besieged) truth(p *pb.Payment) *pb.Payment {
	b.t.Helper()
	defer func() {
		if s := p.GetState(); s != pb.Payment_STATE_PAID && s != pb.Payment_STATE_FAILED {
			b.t.Logf("%v", p)
		}
	}()
	b.eventually("the truth about "+p.GetName(), func() bool {
		p = b.get(p)
		return p.GetState() == pb.Payment_STATE_PAID || p.GetState() == pb.Payment_STATE_FAILED
	})
	return p
}

// balance waits for the truth about every payment and compares it with the ledgers.
func (b *besieged) balance() {
	b.t.Helper()
	paid, failed := int64(0), 0
	for token := ""; ; {
		page, err := b.payments.ListPayments(b.t.Context(), &pb.ListPaymentsRequest{PageSize: 1000, PageToken: token})
		b.must(err)
		for _, p := range page.GetPayments() {
			if p.GetAttempts() != nil && p.GetAttempts()[0].GetProvider() == "kaspi" {
				continue // the offer that nobody pays
			}
			p = b.truth(p)
			there := int64(0)
			ledger := b.bank.Ledger()
			for _, a := range p.GetAttempts() {
				there += ledger.Net(a.GetProvider(), a.GetReference())
			}
			want := int64(amount)
			if p.GetState() == pb.Payment_STATE_FAILED { // proved not charged: a machine that busy sends too late, and then does not
				want = 0
				failed++
			}
			if p.GetPaid().GetMinorUnits() != want || there != want {
				b.t.Errorf("%s: the books say %d, the ledgers %d, want %d", p.GetName(), p.GetPaid().GetMinorUnits(), there, want)
			}
			paid += there
		}
		if token = page.GetNextPageToken(); token == "" {
			b.t.Logf("%d payments are paid, %d are proved not charged", paid/amount, failed)
			return
		}
	}
}
