package simulation

import (
	"context"
	"database/sql/driver"
	"time"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest/accounts"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// How a seed's books lose a window.
const (
	putBack    = "put back by an operator, who says so"
	failedOver = "failed over without the last commits, and nobody says so"
)

// window is what the books lost. world.mu guards it.
type window struct {
	cut      time.Time       // when they went back; zero: they did not
	open     bool            // and nobody has reconciled it yet
	attempts map[string]bool // by face and reference: those that the books do not know any more
	payments map[string]bool // of which the books lost something
}

// losesWindow lets the database fall back to what it was a while ago. It is out of reach
// for longer than each process takes to look at it.
func (w *world) losesWindow(how string) {
	draw := w.draw("lost window")
	span, out := between(draw, 2*time.Second, 40*time.Second), 2*w.pace.watch+between(draw, time.Second, 10*time.Second)
	thinks := between(draw, 70*time.Second, 150*time.Second)
	w.later(between(draw, 5*time.Second, 100*time.Second), func() {
		before := w.db.copyNow()
		if draw.IntN(2) == 0 { // what was planned is kept, and what became of it is lost
			before = w.db.copyAtPlan()
		}
		w.later(span, func() {
			w.db.down.Store(true)
			w.note("database down, for %s", out.Round(time.Second))
			w.later(out, func() {
				w.fallBack(before())
				if how == putBack {
					w.declareLoss()
				}
				w.db.down.Store(false)
				w.count("database " + how)
				w.later(thinks, w.reconcile)
			})
		})
	})
}

// fallBack makes the database what it was.
func (w *world) fallBack(before []byte) {
	<-w.db.turn
	defer func() { w.db.turn <- struct{}{} }()
	w.db.replace(before)
	attempts, payments := w.keep.fallBack(w.db.rows(`SELECT payment_id, seq, at, actor, kind, body FROM events ORDER BY payment_id, seq`))
	w.mu.Lock()
	w.lost = window{cut: time.Now(), open: len(payments) > 0, attempts: attempts, payments: payments}
	w.mu.Unlock()
	w.note("the books went back: %d attempts of %d payments are lost", len(attempts), len(payments))
}

// declareLoss is what the operator does before the database is served from again.
func (w *world) declareLoss() {
	store, err := journal.Open(journal.Options{Connector: connector{d: w.db}, Due: never, MaxConns: 1})
	w.must(err)
	defer store.Close()
	var all []string
	for _, name := range w.gateways {
		all = append(all, accounts.Gateway(name))
	}
	w.must(router.HoldForReconciliation(context.Background(), store,
		router.Lost{Gateways: all, Actor: "operator:aida", Reason: "the backup is in place"}))
}

// reconcile is people's work on the lost window: they settle in the gateways' cabinets
// whatever the books do not know, and say so once nothing is left. A process that slept
// through it all may order them to do so again.
func (w *world) reconcile() {
	if w.lostWindow().cut.IsZero() {
		return
	}
	left := 0
	for _, o := range w.bank.Ledger().Objects {
		if _, _, known := w.keep.find(o.Face, o.Reference); known || !w.isLost(o.Face, o.Reference) {
			continue
		}
		over, err := w.bank.Settle(o.Face, o.ID)
		w.must(err)
		if !over {
			left++
		}
	}
	aida := operator{w, "aida"}
	for _, p := range w.keep.all() {
		a, open := p.OpenAttempt()
		if net, _ := w.money(a); open && net > 0 && a.Flow == providers.AskFirst && w.lostWindow().payments[p.ID] {
			if w.resolve(aida, p, a.N, pb.ResolveAttemptRequest_VERDICT_CHARGED) != nil { // a debit that nobody can look up
				left++ // the books do not know it yet
			}
		}
	}
	var orders *pb.ListOverridesResponse
	err := aida.do("list of the orders to reconcile", func(ctx context.Context, p *process) (err error) {
		orders, err = p.operations.ListOverrides(ctx, &pb.ListOverridesRequest{Parent: "gateways/-", ActiveOnly: true})
		return err
	})
	if err == nil && left == 0 {
		for _, o := range orders.GetOverrides() {
			if o.GetMode() != pb.Override_MODE_RECONCILE {
				continue
			}
			w.mu.Lock()
			w.lost.open = false
			w.mu.Unlock()
			w.count("gateway reconciled by people")
			err = aida.do("end of the order to reconcile", func(ctx context.Context, p *process) error {
				_, err := p.operations.EndOverride(ctx, &pb.EndOverrideRequest{Name: o.GetName(), Reason: "compared, nothing is left", Etag: o.GetEtag()})
				return err
			})
		}
	}
	if (err != nil || left > 0) && !w.healed.Load() {
		w.later(10*time.Second, w.reconcile)
	}
}

// toReconcile reports whether people have still to say that the window is reconciled.
func (w *world) toReconcile() bool {
	return !w.lostWindow().cut.IsZero() && (w.lostWindow().open || len(w.db.ask(`SELECT 1 FROM overrides WHERE mode = 'reconcile' AND ended_at IS NULL`)) > 0)
}

func (w *world) lostWindow() window {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost
}

func (w *world) isLost(face, reference string) bool {
	return w.lostWindow().attempts[face+"-main\x00"+order(reference)]
}

// tooEarly reports whether something was planned after the books went back, while nobody
// had reconciled the window: it must not be sent.
func (w *world) tooEarly(planned time.Time) bool {
	lost := w.lostWindow()
	return lost.open && planned.After(lost.cut)
}

// forgotten reports whether an answer about a payment may be about what was lost: it was
// given before the books went back, or was on its way then.
func (w *world) forgotten(id string, at time.Time) bool {
	lost := w.lostWindow()
	return lost.payments[id] && at.Before(lost.cut.Add(time.Minute))
}

// restOfWindow is I6 for what the books lost: it holds nothing any more.
func (w *world) restOfWindow(ledger sim.Ledger) {
	for _, o := range ledger.Objects {
		if _, _, known := w.keep.find(o.Face, o.Reference); known || !w.isLost(o.Face, o.Reference) {
			continue
		}
		if o.Captured > o.Refunded || o.Phase == sim.Held {
			w.violated("I6", "%s %s of the lost window holds money, and people said that it was reconciled", o.Face, o.Reference)
		}
	}
}

// fallBack makes the books what the rows of events say, and names what is lost.
func (b *books) fallBack(events [][]driver.Value) (attempts, payments map[string]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	then := newBooks(b.w)
	then.order, then.ambiguous = b.order, b.ambiguous
	for _, row := range events {
		id := row[0].(string)
		body, err := payment.DecodeBody(row[4].(string), []byte(row[5].(string)))
		b.w.must(err)
		p := payment.Payment{}
		if known := then.payments[id]; known != nil {
			p = *known
		}
		p, err = p.Apply(payment.Event{Seq: row[1].(int64), At: time.UnixMicro(row[2].(int64)).UTC(), Actor: row[3].(string), Body: body})
		b.w.must(err)
		then.payments[id] = &p
		then.index(p, body)
	}
	attempts, payments = map[string]bool{}, map[string]bool{}
	for where := range b.attempts {
		if _, kept := then.attempts[where]; !kept {
			attempts[where] = true
		}
	}
	for id, p := range b.payments {
		if kept := then.payments[id]; kept == nil || kept.Seq < p.Seq {
			payments[id] = true
		}
	}
	b.payments, b.attempts, b.keys = then.payments, then.attempts, then.keys
	return attempts, payments
}

// index writes down what names a payment.
func (b *books) index(p payment.Payment, body payment.Body) {
	switch body := body.(type) {
	case payment.Opened:
		b.keys[p.Tenant+"\x00"+p.RequestID] = p.ID
	case payment.Planned:
		b.attempts[body.Gateway+"\x00"+body.Reference] = placed{p.ID, body.Attempt}
	}
}

// faceOf is where a reference was sent.
func (w *world) faceOf(reference string) string {
	for _, o := range w.bank.Ledger().Objects {
		if order(o.Reference) == order(reference) {
			return o.Face
		}
	}
	return ""
}
