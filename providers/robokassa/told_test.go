package robokassa_test

import (
	"bytes"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/robokassa"
	"github.com/payrouter/payrouter/providers/sim"
)

// The suite's questions about notices: it waits for one about a decline, and Robokassa
// sends none.

func told(o sim.RobokassaOptions) sim.RobokassaOptions {
	o.ResultURL = webhook
	return o
}

// paid is a payment that the bank has told of.
func (h *house) paid(m providers.Method) providers.Charge {
	h.t.Helper()
	c := h.wish(m)
	if m == providers.Instrument {
		c.Instrument = providers.Token{Value: providers.NewSecret(goodCard)}
		h.Charge(h.t.Context(), c)
		return c
	}
	h.shown(c)
	h.act(c.Ref.Order, sim.ActPay)
	return c
}

func TestAGenuineNoticeIsAFactAndAcknowledged(t *testing.T) {
	for what, o := range map[string]sim.RobokassaOptions{
		"posted":          options(sim.RobokassaSwitches{}),
		"got":             {ResultMethod: http.MethodGet, Tokens: options(sim.RobokassaSwitches{}).Tokens},
		"other spellings": options(sim.RobokassaSwitches{ShortSums: true, OldNames: true, PayerPaysFee: true}),
	} {
		for _, m := range []providers.Method{providers.Link, providers.Instrument} {
			enter(t, told(o), nil, func(h *house) {
				c := h.paid(m)
				all := h.came()
				if len(all) != 1 {
					h.t.Fatalf("%s: %d notices came", what, len(all))
				}
				heard := all[0].heard
				if heard.Kind != providers.Fact || heard.Ref.Order != c.Ref.Order || heard.Result.Verdict != providers.Approved || heard.Result.Amount != c.Ref.Amount || heard.Key == "" {
					h.t.Errorf("%s: it is heard as %+v", what, heard)
				}
				for _, d := range h.bank.Deliveries() {
					if d.State != "accepted" || d.Tries != 1 {
						h.t.Errorf("%s: the bank made %q of our answer %q, after %d tries", what, d.State, d.Answer, d.Tries)
					}
				}
			})
		}
	}
}

func TestADeclineIsToldToNobody(t *testing.T) {
	enter(t, told(options(sim.RobokassaSwitches{})), nil, func(h *house) {
		c := h.wish(providers.Instrument)
		c.Instrument = providers.Token{Value: providers.NewSecret(hardCard)}
		h.Charge(h.t.Context(), c)
		time.Sleep(48 * time.Hour)
		if all := h.came(); len(all) != 0 {
			h.t.Errorf("%d notices came", len(all))
		}
		h.sees(c.Ref, providers.Declined, providers.DeclinedHard)
	})
}

func TestANoticeThatWasNotStoredComesAgainUnderTheSameKey(t *testing.T) {
	enter(t, told(options(sim.RobokassaSwitches{})), nil, func(h *house) {
		h.refuse = 2
		h.paid(providers.Link)
		time.Sleep(time.Hour)
		all := h.came()
		if len(all) != 3 {
			h.t.Fatalf("it came %d times", len(all))
		}
		for _, l := range all[1:] {
			if !alike(l.heard, all[0].heard) {
				h.t.Errorf("it is heard as %+v, first as %+v", l.heard, all[0].heard)
			}
		}
		for _, d := range h.bank.Deliveries() {
			if d.State != "accepted" || d.Tries != 3 {
				h.t.Errorf("the bank made %q of our answers, after %d tries", d.State, d.Tries)
			}
		}
	})
}

func TestAForgedNoticeIsNoise(t *testing.T) {
	path := certificate(t)
	for _, hold := range []bool{false, true} {
		enter(t, told(options(sim.RobokassaSwitches{})), func(c *robokassa.Config) { c.ResultCertificate = path }, func(h *house) {
			if _, err := h.bank.AddNotice(sim.NoticeRule{Mode: sim.NoticeForged}); err != nil {
				h.t.Fatal(err)
			}
			c := h.wish(providers.Link)
			c.Ref.TwoStage = hold
			h.shown(c)
			h.act(c.Ref.Order, sim.ActPay)
			time.Sleep(time.Minute)
			forged := 0
			for _, l := range h.came() {
				if l.heard.Kind == providers.Noise {
					forged++
					if !l.heard.Forged || l.heard.Err == nil || l.heard.Result.Verdict != providers.Unknown {
						h.t.Errorf("a forged one is heard as %+v", l.heard)
					}
				}
			}
			if forged == 0 {
				h.t.Error("nobody forged anything")
			}
		})
	}
}

// No byte of what is signed can be changed, and no byte around it changes what is heard.
func TestNoChangedByteChangesAFact(t *testing.T) {
	path := certificate(t)
	enter(t, told(options(sim.RobokassaSwitches{OldNames: true})), func(c *robokassa.Config) { c.ResultCertificate = path }, func(h *house) {
		h.paid(providers.Link)
		c := h.wish(providers.Link)
		c.Ref.TwoStage = true
		h.shown(c)
		h.act(c.Ref.Order, sim.ActPay)
		all := h.came()
		if len(all) != 2 {
			h.t.Fatalf("%d notices came", len(all))
		}
		for _, l := range all {
			if l.heard.Kind != providers.Fact {
				h.t.Fatalf("it is heard as %+v", l.heard)
			}
			for i, was := range l.notice.Body {
				for _, is := range []byte{was ^ 1, was + 1, was ^ 0x20, '0', '9', '&', '=', '"', '.', ' ', 0} {
					n := l.notice
					n.Body = bytes.Clone(l.notice.Body)
					n.Body[i] = is
					heard := h.Hear(n)
					if heard.Kind == providers.Noise {
						continue
					}
					if !alike(heard, l.heard) {
						h.t.Errorf("byte %d is %q instead of %q: it is heard as %+v", i, is, was, heard)
					}
				}
				n := l.notice
				n.Body = l.notice.Body[:i]
				if heard := h.Hear(n); heard.Kind != providers.Noise && !alike(heard, l.heard) {
					h.t.Errorf("%d bytes of it are heard as %+v", i, heard)
				}
			}
		}
	})
}

// alike compares what was understood. Errors are equal when they are the same or both there.
func alike[T any](a, b T) bool {
	all := cmp.Exporter(func(reflect.Type) bool { return true })
	return cmp.Equal(a, b, all, cmpopts.EquateErrors())
}
