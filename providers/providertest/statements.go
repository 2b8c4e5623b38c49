package providertest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// statements asks whether the provider's own books are read as they are.
func (s *suite) statements(t *testing.T) {
	if !can[providers.Reporter](s.provider) || len(s.payable()) == 0 {
		return
	}
	s.about(t, "statement", func(t *testing.T) {
		for _, m := range s.payable() {
			s.ask(t, "statement", "it has every movement of the ledger, by "+string(m.Method), m.Method, func(h *house) {
				began := time.Now()
				attempts := h.trade()
				h.agrees(attempts, h.report(began, time.Now().Add(time.Second)))
			})
		}
		m := s.payable()[len(s.payable())-1].Method
		s.ask(t, "statement", "its parts are the whole, in one order, and no line is outside", m, func(h *house) {
			began := time.Now()
			h.trade()
			end := time.Now().Add(time.Second)
			all := h.report(began, end)
			if again := h.report(began, end); !reflect.DeepEqual(all, again) {
				h.t.Error("a second reading has another order")
			}
			for _, l := range all {
				if l.At.Before(began.Truncate(time.Second)) || !l.At.Before(end) {
					h.t.Errorf("a line of %s in the books from %s to %s", clock(l.At), clock(began), clock(end))
				}
			}
			middle := began.Add(end.Sub(began) / 2).Truncate(time.Minute)
			parts := append(h.report(began, middle), h.report(middle, end)...)
			if !sameLines(all, parts) {
				h.t.Errorf("the whole has %d lines, its parts %d", len(all), len(parts))
			}
			if before := h.report(began.Add(-48*time.Hour), began); len(before) != 0 {
				h.t.Errorf("%d lines from before the first payment", len(before))
			}
		})
		s.ask(t, "statement", "the reader's error ends it", m, func(h *house) {
			began := time.Now()
			h.trade()
			enough := errors.New("enough")
			for limit := range len(h.report(began, time.Now().Add(time.Second))) {
				n := 0
				err := h.reporter().Report(context.Background(), providers.Window{From: began, To: time.Now().Add(time.Second)}, func(providers.StatementLine) error {
					if n++; n > limit {
						return enough
					}
					return nil
				})
				if !errors.Is(err, enough) || n != limit+1 {
					h.t.Errorf("after %d lines it went on to %d, error %v", limit, n, err)
				}
			}
		})
		for _, f := range faults {
			if f.lie || f.Kind == sim.FaultNotFound {
				continue
			}
			s.ask(t, "statement", "it is not taken for whole: "+f.sentence, m, func(h *house) {
				began := time.Now()
				h.trade()
				rule := f.Fault
				rule.Op = sim.OpList
				if f.unprocessed == nil { // what was not carried out may be asked once more
					rule.Times = 1
				}
				if rule.Kind == sim.FaultSlow {
					rule.Delay = sim.Duration(time.Hour)
				}
				h.fault(rule)
				h.wire.fresh()
				err := h.reporter().Report(context.Background(), providers.Window{From: began, To: time.Now().Add(time.Second)}, func(providers.StatementLine) error { return nil })
				h.spoiled()
				if err == nil {
					h.t.Error("there is no error")
				} else {
					h.discreet("error of a statement", err.Error())
				}
				if _, read, _, _ := h.wire.traffic(); read > longestStatement {
					h.t.Errorf("%d bytes were read", read)
				}
			})
		}
		s.ask(t, "statement", "a refused connection is an error", m, func(h *house) {
			h.fault(sim.Fault{Kind: sim.FaultRefuse})
			if err := h.reporter().Report(context.Background(), providers.Window{From: time.Now(), To: time.Now().Add(time.Hour)}, func(providers.StatementLine) error { return nil }); err == nil {
				h.t.Error("there is no error")
			}
		})
	})
}

// longestStatement is more than any provider's largest page.
const longestStatement = 100 << 20

func (h *house) reporter() providers.Reporter {
	h.t.Helper()
	r, ok := h.provider.(providers.Reporter)
	if !ok {
		h.t.Fatal("the adapter is no Reporter")
	}
	return r
}

func (h *house) report(from, to time.Time) []providers.StatementLine {
	h.t.Helper()
	var lines []providers.StatementLine
	err := h.reporter().Report(context.Background(), providers.Window{From: from, To: to}, func(l providers.StatementLine) error {
		lines = append(lines, l)
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return lines
}

// trade is a day's business: paid, declined, given back.
func (h *house) trade() []*attempt {
	h.t.Helper()
	var all []*attempt
	pause := func() { time.Sleep(47*time.Minute + 13*time.Second) }
	all = append(all, h.paid(h.method))
	pause()
	declined := h.wish(h.method)
	if h.method == providers.Instrument {
		declined.charge.Instrument = h.subject.Hard
		h.begin(declined)
	} else {
		h.act(h.begin(declined), sim.ActDecline)
	}
	all = append(all, declined)
	pause()
	back := h.paid(h.method)
	all = append(all, back)
	pause()
	if h.claims.Refund.API {
		h.refund(context.Background(), whole(back))
		pause()
	}
	all = append(all, h.paid(h.method))
	pause()
	return all
}

// agrees holds the lines against the ledger, attempt by attempt.
func (h *house) agrees(attempts []*attempt, lines []providers.StatementLine) {
	h.t.Helper()
	for _, a := range attempts {
		var in, out int64
		for _, l := range lines {
			if l.Order != a.ref.Order {
				continue
			}
			if l.Amount.Minor < 0 || l.Amount.Minor > 0 && l.Amount.Currency != a.ref.Amount.Currency || l.At.IsZero() {
				h.t.Errorf("a line says %+v", l)
			}
			if l.Verdict != providers.Approved {
				continue
			}
			switch l.Kind {
			case providers.LineCharge:
				in += l.Amount.Minor
			case providers.LineRefund:
				out += l.Amount.Minor
			default:
				h.t.Errorf("a line of kind %q", l.Kind)
			}
		}
		o, _ := h.decisive(a)
		if in != o.Captured || out != o.Refunded {
			h.t.Errorf("%s: the statement has %d in and %d out, the ledger %d and %d", a.ref.Order, in, out, o.Captured, o.Refunded)
		}
	}
	for _, l := range lines {
		if !slices.ContainsFunc(attempts, func(a *attempt) bool { return a.ref.Order == l.Order }) {
			h.t.Errorf("a line about nothing of ours: %+v", l)
		}
	}
}

func sameLines(a, b []providers.StatementLine) bool {
	count := map[providers.StatementLine]int{}
	for _, l := range a {
		count[l]++
	}
	for _, l := range b {
		count[l]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}
