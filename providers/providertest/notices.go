package providertest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// rulings are all that the router can make of a notice, and one that it cannot yet.
var rulings = []providers.RulingKind{providers.TryLater, providers.Accepted, providers.Unmatched, providers.Rejected, providers.Payable, providers.Gone,
	providers.AlreadyPaid, providers.Busy, 99}

// notices asks what the bank's own messages are worth, and whether it is answered as it
// wants to be.
func (s *suite) notices(t *testing.T) {
	if s.claims.Webhook == providers.NoWebhook {
		return
	}
	for _, m := range s.payable() {
		s.about(t, "notice of "+string(m.Method), func(t *testing.T) {
			s.ask(t, "notices", "a genuine one is worth what is claimed, and is acknowledged", m.Method, func(h *house) {
				h.genuine(h.paid(m.Method))
			})
			s.ask(t, "notices", "one about a decline is worth no more", m.Method, func(h *house) {
				a := h.wish(m.Method)
				if m.Flow == providers.Direct {
					a.charge.Instrument = s.subject.Soft
					h.begin(a)
				} else {
					h.act(h.begin(a), sim.ActDecline)
				}
				h.genuine(a)
			})
			s.ask(t, "notices", "one that was not stored is not acknowledged and comes again", m.Method, s.notStored)
			s.ask(t, "notices", "one that comes twice has one key", m.Method, func(h *house) {
				if _, err := h.bank.AddNotice(sim.NoticeRule{Mode: sim.NoticeDouble}); err != nil {
					h.t.Fatal(err)
				}
				h.paid(m.Method)
				time.Sleep(time.Minute)
				keys := map[string][]string{} // by what came
				for _, l := range h.post.letters() {
					if l.heard.Kind == providers.Question {
						continue // asked, not told: the bank does not repeat it
					}
					body := string(l.notice.Body)
					keys[body] = append(keys[body], l.heard.Key)
				}
				for body, all := range keys {
					if len(all) != 2 || all[0] != all[1] {
						h.t.Errorf("%s came %d times with the keys %q", strings.TrimSpace(body), len(all), all)
					}
				}
			})
			s.ask(t, "notices", "a forged one changes nothing", m.Method, s.forgedNotice)
			s.ask(t, "notices", "every ruling has an answer", m.Method, func(h *house) {
				a := h.paid(m.Method)
				time.Sleep(time.Minute)
				for _, l := range h.post.letters() {
					for _, kind := range rulings {
						r := providers.Ruling{Kind: kind, Amount: a.ref.Amount, ID: "p-4711", Text: "Order 4711"}
						h.wellAnswered("a notice", h.listener().Answer(l.heard, r))
					}
				}
			})
		})
	}
}

func (h *house) listener() providers.Listener {
	h.t.Helper()
	l, ok := h.provider.(providers.Listener)
	if !ok {
		h.t.Fatal("the adapter is no Listener")
	}
	return l
}

// genuine waits for the bank's notices about an attempt and holds them against the
// ledger.
func (h *house) genuine(a *attempt) {
	h.t.Helper()
	time.Sleep(time.Minute)
	all := h.post.about(a)
	if len(all) == 0 {
		h.t.Fatalf("no notice came, or none named the attempt: %+v", h.post.letters())
	}
	for _, l := range h.post.letters() {
		h.heardWell(l)
		h.wellAnswered("a notice", l.reply)
	}
	for _, d := range h.bank.Deliveries() {
		if d.State != "accepted" || d.Tries != 1 {
			h.t.Errorf("the bank made %q of our answer %q, after %d tries", d.State, d.Answer, d.Tries)
		}
	}
	last := all[len(all)-1]
	if last.heard.Kind != providers.Fact {
		return
	}
	r := last.heard.Result
	h.wellFormed("notice", r)
	r.Returned = providers.Money{}
	h.truth(a, r)
}

// heardWell fails unless what was heard is worth no more than is claimed.
func (h *house) heardWell(l letter) {
	h.t.Helper()
	allowed := []providers.HeardKind{providers.Noise, providers.Hint, providers.Question}
	if h.claims.Webhook == providers.Signed {
		allowed = append(allowed, providers.Fact)
	}
	if !slices.Contains(allowed, l.heard.Kind) {
		h.t.Errorf("a %s notice is heard as a %s", h.claims.Webhook, l.heard.Kind)
	}
	if l.heard.Kind == providers.Noise && l.heard.Err == nil {
		h.t.Error("nobody can tell why it is noise")
	}
	if l.heard.Kind != providers.Noise && l.heard.Ref.Order == "" && l.heard.Ref.External == "" {
		h.t.Error("it names no attempt")
	}
	if l.heard.Kind == providers.Hint && l.heard.Result.Verdict != providers.Unknown {
		h.t.Errorf("a hint decides: %s", describe(l.heard.Result))
	}
	if l.heard.Err != nil {
		h.discreet("error of a notice", l.heard.Err.Error())
	}
	h.discreet("key of a notice", l.heard.Key)
	h.discreet("code of a notice", l.heard.Result.Code)
}

// notStored lets our store be down for two deliveries.
func (s *suite) notStored(h *house) {
	told := 0
	h.post.rules(func(heard providers.Heard, _ int) providers.Ruling {
		if heard.Kind != providers.Question {
			told++
		}
		if heard.Kind != providers.Question && told <= 2 {
			return providers.Ruling{}
		}
		return h.post.accept(heard)
	})
	h.paid(h.method)
	time.Sleep(4 * time.Hour)
	tries := 0
	for _, d := range h.bank.Deliveries() {
		tries += d.Tries - 1
		if d.State != "accepted" {
			h.t.Errorf("the bank made %q of our answer %q", d.State, d.Answer)
		}
	}
	if tries != 2 {
		h.t.Errorf("the bank repeated %d deliveries, want 2", tries)
	}
	h.wellAnswered("nothing that was read", h.listener().Answer(providers.Heard{}, providers.Ruling{}))
}

// forgedNotice lets somebody send an untrue copy first.
func (s *suite) forgedNotice(h *house) {
	if _, err := h.bank.AddNotice(sim.NoticeRule{Mode: sim.NoticeForged}); err != nil {
		h.t.Fatal(err)
	}
	a := h.paid(h.method)
	time.Sleep(time.Minute)
	forged := 0
	for _, d := range h.bank.Deliveries() {
		if !d.Forged {
			continue
		}
		forged++
		for _, l := range h.post.letters() {
			if string(l.notice.Body) != d.Body {
				continue
			}
			h.heardWell(l)
			if l.heard.Kind == providers.Fact || h.claims.Webhook == providers.Signed && !l.heard.Forged {
				h.t.Errorf("a forged notice is heard as a %s, forged %t: %s", l.heard.Kind, l.heard.Forged, strings.TrimSpace(d.Body))
			}
		}
	}
	if forged == 0 {
		h.t.Error("nobody forged anything")
	}
	h.look(a)
}
