package router_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// skew is how far the database's clock is from that of the process.
type skew struct{ atomic.Int64 }

func (s *skew) now() time.Time { return time.Now().Add(time.Duration(s.Load())) }

// set makes the process's clock wrong by d, and waits until the process has noticed.
func (s *skew) set(d time.Duration) {
	s.Store(int64(-d))
	time.Sleep(1500 * time.Millisecond)
}

func (s *skew) on(b *setup) {
	b.clock = func(context.Context) (time.Time, error) { return s.now(), nil }
}

// requests counts what arrived at the gateways about payments; probes are about none.
func (h *house) requests() int {
	n := 0
	for _, a := range h.bank.Ledger().Arrivals {
		if h.paymentOf(a.Face, a.Reference) != "" {
			n += a.Count
		}
	}
	return n
}

// unsettled is one payment of each kind that time or a wish moves on.
type unsettled struct {
	offer payment.Payment // its QR dies in four minutes
	bill  payment.Payment // to be typed in within five
	link  payment.Payment // its payer may pay
	sold  payment.Payment // its caller wants some of it back
	wish  router.Wish     // of offer
}

func (h *house) unsettled() unsettled {
	u := unsettled{wish: at(ask(providers.QR), kaspiMain)}
	u.sold = h.paidAt(wayforpayMain, providers.Link)
	u.link = h.create(at(ask(providers.Link), wayforpayMain), patience)
	bill := at(ask(providers.Account), kaspiMain)
	bill.Deadline = time.Now().Add(5 * time.Minute)
	u.bill = h.create(bill, patience)
	u.offer = h.create(u.wish, patience)
	return u
}

// A replica whose clock is wrong may believe that an absence came late enough, that an
// offer is dead, or that a lease is over (SAFETY section 6, "clock").
func TestAReplicaWhoseClockIsWrongSendsAndConcludesNothing(t *testing.T) {
	for _, wrong := range []time.Duration{10 * time.Minute, -10 * time.Minute, 1200 * time.Millisecond} {
		t.Run(wrong.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var clock skew
				file, _ := inFile(t)
				h := build(t, file, clock.on)
				u := h.unsettled()
				clock.set(wrong)
				h.offer(u, h.requests())
				h.bill(u)
				h.wishes(u)

				h.payer(wayforpayMain, u.link.Attempts[0].Reference, sim.ActPay)
				time.Sleep(10 * time.Second)
				paid := h.want(u.link, payment.StatusPaid, u.link.Amount.Minor) // told by the gateway, and stored
				if off := paid.Updated.Sub(clock.now()); off < -time.Minute || off > 0 {
					t.Errorf("what was stored bears a time %s from the database's", off)
				}
				h.lease(clock.now())
			})
		})
	}
}

// offer: nothing is asked about an offer, nor concluded after its end; nothing new is
// begun, and its caller hears how it stands.
func (h *house) offer(u unsettled, before int) {
	h.t.Helper()
	if reply := h.hint(h.router, u.offer.Attempts[0].Reference); reply.Status != 200 {
		h.t.Errorf("a notice is answered %d", reply.Status)
	}
	was, due := h.get(u.offer), h.due(u.offer)
	time.Sleep(6 * time.Minute) // well past the offer's end
	if p := h.get(u.offer); p.Seq != was.Seq || p.Status() != payment.StatusAwaitingPayer {
		h.t.Errorf("the offer moved on\n%s", h.story(p))
	}
	if now := h.due(u.offer); !now.Equal(due) {
		h.t.Errorf("the offer was claimed: due at %s, and before at %s", now, due)
	}
	if p := h.create(u.wish, patience); p.ID != u.offer.ID || p.Seq != was.Seq {
		h.t.Errorf("the same request answers with %s at %d", p.ID, p.Seq)
	}
	_, err := h.router.Create(context.Background(), ask(providers.QR, providers.Link))
	var refused *router.RouteError
	if !errors.As(err, &refused) || !errors.Is(err, router.ErrUnavailable) {
		h.t.Fatalf("a new payment: %v", err)
	}
	for _, c := range refused.Route {
		if c.Taken || c.Why != router.WhyClock {
			h.t.Errorf("%s is %q, taken %t", c.Gateway, c.Why, c.Taken)
		}
	}
	all, err := h.store.List(context.Background(), journal.Filter{Tenant: "shop"}, journal.Cursor{}, 10)
	h.must(err)
	if len(all) != 4 || h.requests() != before {
		h.t.Errorf("%d payments in the books; %d requests where there were %d", len(all), h.requests(), before)
	}
}

// bill: whether a bill may be paid depends on the time, so the bank is asked to come
// again (4: in progress), and neither told that it may nor that it must give back.
func (h *house) bill(u unsettled) {
	h.t.Helper()
	for _, command := range []string{"check", "pay"} {
		if got := h.biller(command, u.bill.Attempts[0].Reference, "t1"); got != `"result":4` {
			h.t.Errorf("the bank's %s is answered %s", command, got)
		}
	}
	if p := h.get(u.bill); p.Seq != u.bill.Seq {
		h.t.Errorf("the bill moved on\n%s", h.story(p))
	}
}

// wishes are recorded, and nothing is sent for them.
func (h *house) wishes(u unsettled) {
	h.t.Helper()
	p, _, err := h.router.Refund(context.Background(), command(u.sold), providers.Money{Minor: 500000, Currency: "KZT"}, "returned goods")
	h.must(err)
	time.Sleep(time.Minute)
	if p = h.want(p, payment.StatusPaid, p.Amount.Minor); len(p.Refunds) != 1 || len(p.Operations) != 0 {
		h.t.Errorf("%d refunds, %d operations\n%s", len(p.Refunds), len(p.Operations), h.story(p))
	}
}

// lease: the feed's lease ends when others, whose clocks are right, may take it.
func (h *house) lease(now time.Time) {
	h.t.Helper()
	end := h.instant(`SELECT expires_at FROM leases WHERE name = ?`, "sequencer")
	if left := end.Sub(now); left <= 0 || left > 10*time.Second {
		h.t.Errorf("the lease has %s left", left)
	}
}

// due is when a payment is to be looked at, or the end of its lease.
func (h *house) due(p payment.Payment) time.Time {
	h.t.Helper()
	return h.instant(`SELECT due_at FROM payments WHERE id = ?`, p.ID)
}

// instant reads one from the books, which are a file.
func (h *house) instant(query, arg string) time.Time {
	h.t.Helper()
	db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(h.url, "sqlite:"))
	h.must(err)
	defer db.Close()
	var at int64
	h.must(db.QueryRow(query, arg).Scan(&at))
	return time.UnixMicro(at)
}

func TestAReplicaWhoseClockIsRightAgainGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var clock skew
		h := build(t, clock.on)
		u := h.unsettled()
		clock.set(5 * time.Minute)
		refund, _, err := h.router.Refund(context.Background(), command(u.sold), providers.Money{Minor: 500000, Currency: "KZT"}, "returned goods")
		h.must(err)
		link := h.link(u)
		time.Sleep(6 * time.Minute)
		clock.set(100 * time.Millisecond) // no clock is quite right
		if p := h.create(ask(providers.Link), patience); p.Status() != payment.StatusAwaitingPayer {
			t.Errorf("a new payment is %s\n%s", p.Status(), h.story(p))
		}
		time.Sleep(5 * time.Minute)
		h.want(u.offer, payment.StatusFailed, 0)
		h.want(link, payment.StatusFailed, 0)
		h.want(refund, payment.StatusPaid, refund.Amount.Minor-500000)
		if n := h.bank.Ledger().Count("wayforpay", sim.OpRefund, refund.Attempts[0].Reference); n != 1 {
			t.Errorf("the refund was sent %d times", n)
		}
	})
}

// link: two people's word about an attempt is recorded, and what follows is not concluded.
func (h *house) link(u unsettled) payment.Payment {
	h.t.Helper()
	for _, who := range []string{"operator:aida", "operator:berik"} {
		_, err := h.router.Resolve(context.Background(), router.Word{Tenant: "shop", Payment: u.link.ID, Attempt: 1, Verdict: providers.Unserved,
			Actor: who, Reason: "the bank says so", Seq: h.get(u.link).Seq})
		if err != nil && !errors.Is(err, router.ErrSecondPerson) {
			h.t.Fatal(err)
		}
	}
	p := h.get(u.link)
	if a := p.Attempts[0]; a.Verdict != providers.Unserved || a.Closed != nil {
		h.t.Errorf("the attempt is %s, closed by %+v\n%s", a.Verdict, a.Closed, h.story(p))
	}
	return p
}

// running lets a replica do its work until the test ends, or until it is told to stop.
func running(t *testing.T, r *router.Router) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	synctest.Wait()
	return stop
}

// The clock may be found wrong when something is planned and not yet sent.
func TestWhatWasPlannedBeforeTheClockWasFoundWrongIsNotSent(t *testing.T) {
	for _, point := range []string{"planned", "operation planned"} {
		t.Run(point, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var clock skew
				h := build(t, clock.on)
				sold := h.paidAt(wayforpayMain, providers.Link)
				r := h.stepped(func(at string) {
					if at == point {
						clock.set(5 * time.Minute)
					}
				})
				running(t, r)
				if point == "operation planned" {
					p, _, err := r.Refund(context.Background(), command(sold), providers.Money{Minor: 500000, Currency: "KZT"}, "returned goods")
					h.must(err)
					if n := h.bank.Ledger().Count("wayforpay", sim.OpRefund, p.Attempts[0].Reference); len(p.Operations) != 1 || n != 0 {
						t.Errorf("%d operations, sent %d times\n%s", len(p.Operations), n, h.story(p))
					}
					return
				}
				p, err := r.Create(context.Background(), byCard(halykMain))
				h.must(err)
				if n := h.arrivals(halykMain); len(p.Attempts) != 1 || n != 0 {
					t.Errorf("%d attempts, %d sent\n%s", len(p.Attempts), n, h.story(p))
				}
			})
		})
	}
}

// Whoever opened a payment and got no further is told to come again, not to wait.
func TestARequestThatNobodyBeganIsUnavailableWhileTheClockIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var clock skew
		h := build(t, clock.on)
		wish := ask(providers.QR)
		h.openedAndNoMore(wish)
		clock.set(-time.Minute)
		if p, err := h.router.Create(context.Background(), wish); !errors.Is(err, router.ErrUnavailable) {
			t.Errorf("payment is %s, error %v", p.Status(), err)
		}
		clock.set(0)
		if p := h.create(wish, patience); p.Status() != payment.StatusAwaitingPayer {
			t.Errorf("payment is %s\n%s", p.Status(), h.story(p))
		}
	})
}

// A process that starts with a wrong clock finds payments due: it compares clocks before
// it looks at any.
func TestAReplicaThatStartsWithAWrongClockTouchesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var clock skew
		change, beside := inFile(t)
		h := build(t, change)
		p := h.create(at(ask(providers.QR), kaspiMain), patience)
		o, file := h.copied(beside)
		defer o.Journal.Close()
		time.Sleep(10 * time.Minute)
		h.url = file
		due := h.due(p)
		clock.Store(int64(-10 * time.Minute))
		o.Clock = func(context.Context) (time.Time, error) { return clock.now(), nil }
		r, err := router.New(o)
		h.must(err)
		running(t, r)
		time.Sleep(o.WatchEvery / 2)
		if now := h.due(p); !now.Equal(due) {
			t.Errorf("due at %s, and before at %s", now, due)
		}
	})
}

// When an order begins and ends is said by the clock of the replica that takes it, and judged by
// those of the others: given here it would be over there, or an order in force would be said to
// have ended.
func TestAReplicaWhoseClockIsWrongTakesNoOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var clock skew
		h := build(t, clock.on)
		give := func(gateway string) (journal.Override, error) {
			return h.router.CreateOverride(context.Background(), journal.Override{ID: uuid.NewString(), Gateway: gateway, Mode: string(health.Drain),
				Actor: "operator:aida", Reason: "rehearsal", End: time.Now().Add(time.Hour)})
		}
		stands, err := give(kaspiMain)
		h.must(err)
		for _, wrong := range []time.Duration{-2 * time.Hour, 2 * time.Hour} {
			clock.set(wrong)
			if _, err := give(wayforpayMain); !errors.Is(err, router.ErrMistimed) {
				t.Errorf("%s off, an order was taken: error %v", wrong, err)
			}
			if _, err := h.router.EndOverride(context.Background(), kaspiMain, stands.ID, 0, "operator:aida"); !errors.Is(err, router.ErrMistimed) {
				t.Errorf("%s off, an order was ended: error %v", wrong, err)
			}
		}
		all, err := h.store.ListOverrides(context.Background(), "", time.Time{}, journal.Cursor{}, 10)
		if err != nil || len(all) != 1 || !all[0].Ended.IsZero() {
			t.Errorf("in the books: %v, error %v", all, err)
		}
		clock.set(0)
		_, err = h.router.EndOverride(context.Background(), kaspiMain, stands.ID, 0, "operator:aida")
		h.must(err)
	})
}
