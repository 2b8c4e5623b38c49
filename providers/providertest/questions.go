package providertest

import (
	"context"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// questions asks about methods whose bank asks us before it charges and tells us when
// it has. Our word is the veto, so nothing is ever sent.
func (s *suite) questions(t *testing.T) {
	for _, m := range s.methods(providers.AskFirst) {
		what := string(m.Method)
		s.about(t, "question by "+what, func(t *testing.T) {
			s.ask(t, what, "a veto sends nothing", m.Method, func(h *house) {
				a := h.wish(m.Method)
				a.charge.Expires = time.Now().Add(time.Hour)
				r := h.charge(context.Background(), a)
				if r.Verdict != providers.Pending || r.Action == nil || r.Action.Kind != providers.TypeAccount || r.Action.Number != a.ref.Order ||
					!r.Action.Expires.Equal(a.charge.Expires) {
					h.t.Errorf("it is %s, action %+v", describe(r), r.Action)
				}
				if r := h.lookup(a); r.Verdict != providers.Pending && r.Verdict != providers.Unknown {
					h.t.Errorf("a look says %s", describe(r))
				}
				if can[providers.Canceler](h.provider) {
					if r := h.cancel(context.Background(), a); r.Verdict == providers.Unknown || r.Verdict.HasMoney() {
						h.t.Errorf("a cancel is %s", describe(r))
					}
				}
				if dials, _, _, _ := h.wire.traffic(); dials != 0 {
					h.t.Errorf("%d connections were made", dials)
				}
			})
			s.ask(t, what, "the bank is told whether the payer may pay, and how much", m.Method, s.asked)
			s.ask(t, what, "a debit that is owed is ours", m.Method, func(h *house) {
				for _, ruling := range []providers.RulingKind{providers.Payable, providers.Accepted} {
					h.debited(ruling, Made{Allowed: true})
				}
			})
			s.ask(t, what, "a debit that has moved on goes back to the payer", m.Method, func(h *house) {
				for _, ruling := range []providers.RulingKind{providers.Gone, providers.AlreadyPaid, providers.Unmatched} {
					h.debited(ruling, Made{Returned: true})
				}
			})
			s.ask(t, what, "a debit that cannot be stored is told again", m.Method, func(h *house) {
				h.debited(providers.TryLater, Made{Waiting: true})
				h.debited(providers.Busy, Made{Waiting: true})
			})
			s.ask(t, what, "a debit that is refused is neither ours nor forgotten", m.Method, func(h *house) {
				h.debited(providers.Rejected, Made{})
			})
			s.ask(t, what, "a debit told again has the same key", m.Method, s.toldAgain)
			s.ask(t, what, "only the bank is heard", m.Method, s.strangerAsks)
		})
	}
}

// put lets the bank ask or tell about an attempt.
func (h *house) put(a *attempt, debit bool) Made {
	h.t.Helper()
	made, err := h.subject.Ask(h.bank, Question{Debit: debit, Account: a.ref.Order, Amount: a.ref.Amount})
	if err != nil {
		h.t.Fatal(err)
	}
	return made
}

// only is the one letter that came since the rules were set.
func (h *house) only() letter {
	h.t.Helper()
	all := h.post.letters()
	if len(all) == 0 {
		h.t.Fatal("the bank said nothing")
	}
	h.wellAnswered("what the bank asks", all[len(all)-1].reply)
	return all[len(all)-1]
}

// say rules everything the same from now on.
func (h *house) say(kind providers.RulingKind) {
	h.post.rules(func(providers.Heard, int) providers.Ruling {
		return providers.Ruling{Kind: kind, Amount: h.subject.Amount, ID: "p-4711", Text: "Order 4711"}
	})
}

func (s *suite) asked(h *house) {
	for kind := providers.TryLater; kind <= providers.Busy; kind++ {
		a := h.begin(h.wish(h.method))
		h.say(kind)
		made := h.put(a, false)
		l := h.only()
		if l.heard.Kind != providers.Question || l.heard.Ref.Order != a.ref.Order || l.heard.Result.Verdict != providers.Unknown {
			h.t.Errorf("a question is heard as %s of %+v, result %s", l.heard.Kind, l.heard.Ref, describe(l.heard.Result))
		}
		if made.Allowed != (kind == providers.Payable) {
			h.t.Errorf("ruling %d: the bank makes %+v of %s", kind, made, l.reply.Body)
		}
		if h.net(a) != 0 {
			h.t.Errorf("a question moved %d", h.net(a))
		}
	}
}

// debited lets the bank debit a payer and tell, under a ruling.
func (h *house) debited(kind providers.RulingKind, want Made) {
	h.t.Helper()
	a := h.begin(h.wish(h.method))
	h.say(kind)
	made := h.put(a, true)
	l := h.only()
	heard := l.heard
	if heard.Kind != providers.Debit || heard.Ref.Order != a.ref.Order || heard.Key == "" || heard.Result.Verdict != providers.Approved ||
		heard.Result.Amount != a.ref.Amount || heard.Result.External == "" {
		h.t.Errorf("a debit is heard as %s of %+v with key %q, result %s", heard.Kind, heard.Ref, heard.Key, describe(heard.Result))
	}
	if made != want {
		h.t.Errorf("ruling %d: the bank makes %+v of %s, want %+v", kind, made, l.reply.Body, want)
	}
	net := a.ref.Amount.Minor
	if want.Returned {
		net = 0
	}
	if got := h.net(a); got != net {
		h.t.Errorf("ruling %d: the bank holds %d for us, want %d", kind, got, net)
	}
	if !want.Waiting {
		return
	}
	h.say(providers.Payable)
	time.Sleep(time.Hour)
	if len(h.post.letters()) == 0 {
		h.t.Errorf("ruling %d: the bank did not tell again", kind)
	}
}

func (s *suite) toldAgain(h *house) {
	a := h.begin(h.wish(h.method))
	h.post.rules(func(_ providers.Heard, n int) providers.Ruling {
		kind := providers.TryLater
		if n > 2 {
			kind = providers.Payable
		}
		return providers.Ruling{Kind: kind, Amount: h.subject.Amount, ID: "p-4711"}
	})
	h.put(a, true)
	time.Sleep(time.Hour)
	all := h.post.letters()
	if len(all) != 3 {
		h.t.Fatalf("the bank told %d times", len(all))
	}
	for _, l := range all[1:] {
		if l.heard.Key != all[0].heard.Key || l.heard.Result != all[0].heard.Result {
			h.t.Errorf("told again as %+v, first as %+v", l.heard, all[0].heard)
		}
	}
	h.full(a)
}

// strangerAsks repeats what the bank said from other addresses.
func (s *suite) strangerAsks(h *house) {
	a := h.begin(h.wish(h.method))
	for _, debit := range []bool{false, true} {
		h.say(providers.Payable)
		h.put(a, debit)
		n := h.only().notice
		for _, stranger := range foreigners {
			n.Source = stranger
			heard := h.hear(n)
			if heard.Kind != providers.Noise || !heard.Forged {
				h.t.Errorf("%q is heard as %s", stranger, heard.Kind)
			}
			h.wellAnswered("a stranger", h.listener().Answer(heard, providers.Ruling{Kind: providers.Rejected}))
		}
	}
}

// foreigners are not addresses of any bank.
var foreigners = []string{"", "203.0.113.9", "::1", "not an address", "127.0.0.1, 203.0.113.9"}
