package payment_test

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// A step of a history: something is told, at a time after the attempt was planned.
type told struct {
	at   time.Duration
	fact payment.Body
}

const ms = time.Millisecond

// Each way to close an attempt, and one step short of it.
func TestAnAttemptIsClosedByEvidenceAndByNothingLess(t *testing.T) {
	timeout := response(providers.Unknown, providers.Timeout)
	qrDead := 3*time.Second + 245*time.Second + 15*time.Second // shown 3 s after the plan
	until := start.Add(5 * time.Minute)
	pageDead := 5*time.Minute + 15*time.Second
	counts := window + absent // when an absence begins to count
	waiting := lookup(providers.Pending, providers.AwaitingPayer)
	confirming := lookup(providers.Pending, providers.PayerConfirming)
	awaiting := response(providers.Pending, providers.AwaitingPayer)
	askedAt := func(at time.Duration, o payment.Observed) payment.Observed {
		o.Asked = start.Add(at)
		return o
	}
	lookedUp := func(o payment.OperationObserved) payment.OperationObserved {
		o.Source = payment.FromLookup
		return o
	}
	leave := payment.SwitchRequested{Attempt: 1, Reason: "drained"}
	withdraw := payment.OperationPlanned{Operation: 1, Op: payment.OpWithdraw, Attempt: 1, Amount: amount}
	void := payment.OperationPlanned{Operation: 1, Op: payment.OpVoid, Attempt: 1, Amount: amount}
	cancel := payment.CancelRequested{RequestID: "c"}

	tests := []struct {
		name    string
		gateway string
		facts   []told
		want    payment.EvidenceKind // empty: the attempt stays open
	}{
		{"not sent", card, []told{{0, response(providers.Unserved, providers.NotSent)}}, payment.NotSent},
		{"sent, no answer", card, []told{{0, timeout}}, ""},
		{"the look-up was not sent", card, []told{{0, timeout}, {3 * time.Second, lookup(providers.Unserved, providers.NotSent)}}, ""},

		{"refused", card, []told{{0, response(providers.Unserved, providers.Maintenance)}}, payment.RefusedByGate},
		{"the look-up was refused", card, []told{{0, timeout}, {3 * time.Second, lookup(providers.Unserved, providers.Throttled)}}, ""},
		{"refused with a page out", page, []told{{0, shown(until)}, {time.Minute, notice(providers.Unserved, providers.Maintenance)}}, ""},

		{"declined", card, []told{{0, response(providers.Declined, providers.DeclinedHard)}}, payment.DeclinedFinally},
		{"a decline that the page lets the payer repeat", page, []told{{0, shown(until)}, {time.Minute, waiting}}, ""},
		{"declined by a statement, with a page out", page, []told{{0, shown(until)}, {time.Minute, statement(providers.Declined, providers.DeclinedSoft)}}, ""},
		{"an undocumented code", card, []told{{0, response(providers.Unknown, providers.UnknownCode)}}, ""},

		{"an offer whose creation's answer was lost", qr, []told{{0, timeout}}, payment.NeverShown},
		{"an offer found unopened after a crash", qr, []told{{window, waiting}}, payment.NeverShown},
		{"found unopened while the creation may still answer", qr, []told{{window - ms, waiting}}, ""},
		{"nothing answered yet", qr, []told{{0, payment.Noted{Finding: payment.Undecided}}}, ""},
		{"the offer was shown", qr, []told{{0, shown(time.Time{})}}, ""},
		{"somebody is paying it", qr, []told{{window, confirming}}, ""},
		{"the answer was about other money", qr, []told{{0, response(providers.Unknown, providers.Mismatch)}}, ""},
		{"the gateway may have written to the payer", page, []told{{0, timeout}}, ""},
		{"a push may ring", push, []told{{0, timeout}}, ""},

		{"withdrawn, with a later look", page, []told{{0, shown(until)}, {1, leave}, {2, withdraw}, {3, done(1, providers.Approved, "")}, {4000, waiting}}, payment.Withdrawn},
		{"withdrawn, without a later look", page, []told{{0, shown(until)}, {1, leave}, {2, withdraw}, {3, waiting}, {4000, done(1, providers.Approved, "")}}, ""},
		{"withdrawn, but the look was asked before", page, []told{{0, shown(until)}, {1, leave}, {2, withdraw}, {3000, done(1, providers.Approved, "")}, {4000, askedAt(2000, waiting)}}, ""},
		{"withdrawn, and the look shows somebody paying", page, []told{{0, shown(until)}, {1, leave}, {2, withdraw}, {3, done(1, providers.Approved, "")}, {4000, confirming}}, ""},
		{"withdrawn, and the look fails", page, []told{{0, shown(until)}, {1, leave}, {2, withdraw}, {3, done(1, providers.Approved, "")}, {4000, lookup(providers.Unknown, providers.Timeout)}}, ""},
		{"the withdrawal was refused", page, []told{{0, shown(until)}, {1, leave}, {2, withdraw}, {3, done(1, providers.Declined, providers.Refused)}, {4000, waiting}}, ""},
		{"the withdrawal found nothing", page, []told{{0, shown(until)}, {1, leave}, {2, withdraw}, {3, done(1, providers.Unserved, providers.NotFound)}, {4000, notThere()}}, ""},
		{"the withdrawal is only inferred from looks", page, []told{{0, shown(until)}, {1, leave}, {2, withdraw}, {3, lookedUp(done(1, providers.Approved, ""))}, {4000, notThere()}}, ""},
		{"withdrawn, and the look came before a late try would show", order, []told{{0, shown(until)}, {1, leave}, {2, withdraw}, {3, done(1, providers.Approved, "")}, {3 + time.Minute, waiting}}, ""},
		{"withdrawn, and the look came after that", order, []told{{0, shown(until)}, {1, leave}, {2, withdraw}, {3, done(1, providers.Approved, "")}, {time.Minute + ms, waiting}}, payment.Withdrawn},
		{"our veto", account, []told{{0, awaiting}, {1, cancel}}, payment.Withdrawn},
		{"nobody wants to leave", account, []told{{0, awaiting}, {1, waiting}}, ""},

		{"expired, 1 ms after its death", qr, []told{{3 * time.Second, shown(time.Time{})}, {qrDead + ms, waiting}}, payment.ExpiredUnpaid},
		{"expired, 1 ms before its death", qr, []told{{3 * time.Second, shown(time.Time{})}, {qrDead - ms, waiting}}, ""},
		{"expired, at its death", qr, []told{{3 * time.Second, shown(time.Time{})}, {qrDead, waiting}}, ""},
		{"expired, but the look was asked before", qr, []told{{3 * time.Second, shown(time.Time{})}, {qrDead + time.Second, askedAt(qrDead-ms, waiting)}}, ""},
		{"expired, and nobody looked", qr, []told{{3 * time.Second, shown(time.Time{})}, {qrDead + time.Hour, payment.Noted{Finding: payment.UnknownCodeSeen}}}, ""},
		{"expired, and the look failed", qr, []told{{3 * time.Second, shown(time.Time{})}, {qrDead + ms, lookup(providers.Unknown, providers.ServerError)}}, ""},
		{"expired, and somebody is paying", qr, []told{{3 * time.Second, shown(time.Time{})}, {qrDead + ms, confirming}}, ""},
		{"expired, and the look is older than a payer's sign of life", qr, []told{{3 * time.Second, shown(time.Time{})},
			{qrDead + time.Second, notice(providers.Pending, providers.PayerConfirming)}, {qrDead + 2*time.Second, askedAt(qrDead+ms, waiting)}}, ""},
		{"expired by its own clock, 1 ms after", page, []told{{0, shown(until)}, {pageDead + ms, notThere()}}, payment.ExpiredUnpaid},
		{"expired by its own clock, 1 ms before", page, []told{{0, shown(until)}, {pageDead - ms, notThere()}}, ""},
		{"an end once told is not shortened", page, []told{{0, shown(until)}, {1, shown(until.Add(-time.Minute))}, {pageDead - ms, notThere()}}, ""},

		{"absent twice, late enough, far enough apart", card, []told{{0, timeout}, {counts, notThere()}, {counts + 30*time.Second, notThere()}}, payment.AbsentConfirmed},
		{"and looks before that do no harm", card, []told{{0, timeout}, {time.Second, notThere()}, {counts, notThere()}, {counts + 30*time.Second, notThere()}}, payment.AbsentConfirmed},
		{"and a failed look between does none either", card, []told{{0, timeout}, {counts, notThere()}, {counts + ms, lookup(providers.Unknown, providers.Timeout)}, {counts + 30*time.Second, notThere()}}, payment.AbsentConfirmed},
		{"absent once", card, []told{{0, timeout}, {counts, notThere()}}, ""},
		{"absent, the first 1 ms too early", card, []told{{0, timeout}, {counts - ms, notThere()}, {counts + 30*time.Second, notThere()}}, ""},
		{"absent, the first asked too early", card, []told{{0, timeout}, {counts, askedAt(counts-ms, notThere())}, {counts + 30*time.Second, notThere()}}, ""},
		{"absent, 1 ms too close", card, []told{{0, timeout}, {counts, notThere()}, {counts + 30*time.Second - ms, notThere()}}, ""},
		{"absent, with a code nobody knows between", card, []told{{0, timeout}, {counts, notThere()}, {counts + ms, lookup(providers.Unknown, providers.UnknownCode)}, {counts + 30*time.Second, notThere()}}, ""},
		{"absent, with a notice that it is processed between", card, []told{{0, timeout}, {counts, notThere()}, {counts + ms, notice(providers.Pending, providers.Processing)}, {counts + 30*time.Second, notThere()}}, ""},
		{"absent, and the gateway had accepted it", card, []told{{0, response(providers.Pending, providers.Processing)}, {counts, notThere()}, {counts + 30*time.Second, notThere()}}, ""},
		{"absent, where that claims nothing", push, []told{{0, timeout}, {time.Hour, notThere()}, {2 * time.Hour, notThere()}}, ""},

		{"a void, seen", card, []told{{0, response(providers.Held, "")}, {1, cancel}, {2, void}, {3, done(1, providers.Approved, "")}, {4, lookup(providers.Declined, providers.Released)}}, payment.Voided},
		{"a void, not seen", card, []told{{0, response(providers.Held, "")}, {1, cancel}, {2, void}, {3, done(1, providers.Approved, "")}, {4, lookup(providers.Held, "")}}, ""},
		{"a void, told by a notice alone", card, []told{{0, response(providers.Held, "")}, {1, cancel}, {2, void}, {3, done(1, providers.Approved, "")}, {4, notice(providers.Declined, providers.Released)}}, ""},
		{"a hold denied by a late notice", card, []told{{0, response(providers.Held, "")}, {4, notice(providers.Declined, providers.DeclinedSoft)}}, ""},
		{"money that differs, then declined", card, []told{{0, of(tenge(amount.Minor+1), response(providers.Approved, ""))}, {4, lookup(providers.Declined, providers.DeclinedHard)}}, ""},

		{"an operator, not charged", card, []told{{0, timeout}, {time.Hour, operator(providers.Unserved, "")}}, payment.ByOperator},
		{"an operator, even about money that differs", card, []told{{0, of(tenge(amount.Minor+1), response(providers.Approved, ""))}, {4, operator(providers.Declined, "")}}, payment.ByOperator},
		{"an operator, still pending", card, []told{{0, timeout}, {time.Hour, operator(providers.Pending, "")}}, ""},
		{"one person alone", card, []told{{0, timeout}, {time.Hour, payment.Proposed{Attempt: 1, Verdict: providers.Unserved, Note: "called"}}}, ""},

		{"time alone", card, []told{{0, timeout}, {1000 * time.Hour, lookup(providers.Unknown, providers.Timeout)}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t, twoStage, noDeadline)
			b.plan(tt.gateway)
			for _, s := range tt.facts {
				b.now = start.Add(s.at)
				b.tell(s.fact)
			}
			b.wantClosed(1, tt.want)
			if tt.want == "" {
				b.refuse(b.planned(backup))
				forged := b.planned(backup)
				forged.Evidence = []payment.Evidence{{Attempt: 1, Kind: payment.AbsentConfirmed, Source: payment.FromLookup, At: b.now}}
				b.refuse(forged)
			}
		})
	}
}

// An adapter that claims that absences count, and forgets to say when, claims nothing;
// one that claims too little is not believed.
func TestAbsenceIsNeverBelievedSoonerThanTheRulesAllow(t *testing.T) {
	tests := []struct {
		name string
		rule providers.AbsentRule
		want payment.EvidenceKind
	}{
		{"no H", providers.AbsentRule{Counts: true, Times: 2, Apart: 30 * time.Second}, ""},
		{"not counted", providers.AbsentRule{After: absent, Times: 2, Apart: 30 * time.Second}, ""},
		{"three wanted", providers.AbsentRule{Counts: true, After: absent, Times: 3, Apart: 30 * time.Second}, ""},
		{"a minute wanted", providers.AbsentRule{Counts: true, After: absent, Times: 2, Apart: time.Minute}, ""},
		{"three wanted, two of them at one instant", providers.AbsentRule{Counts: true, After: absent, Times: 3, Apart: time.Second}, ""},
		{"only H said", providers.AbsentRule{Counts: true, After: absent}, payment.AbsentConfirmed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t, noDeadline)
			b.terms.Claims = func(string) providers.Claims {
				c := claims(card)
				c.Methods[0].Absent = tt.rule
				return c
			}
			b.plan(card)
			b.tell(response(providers.Unknown, providers.Timeout))
			b.pass(window + absent)
			b.tell(notThere())
			b.wantClosed(1, "")
			b.pass(30 * time.Second)
			b.tell(notThere(), notThere())
			b.wantClosed(1, tt.want)
		})
	}
}

// An absence counts for what was sent and never seen since. An offer that is out is
// unknown to many gateways until the payer opens it, and a push may ring.
func TestAbsenceProvesNothingAboutWhatThePayerMayHave(t *testing.T) {
	tests := []struct {
		name    string
		gateway string
		answer  payment.Observed
		want    payment.EvidenceKind
	}{
		{"direct, answer lost", card, response(providers.Unknown, providers.Timeout), payment.AbsentConfirmed},
		{"offer, answer lost", page, response(providers.Unknown, providers.Timeout), payment.AbsentConfirmed},
		{"offer, shown", page, shown(start.Add(time.Hour)), ""},
		{"push, answer lost", push, response(providers.Unknown, providers.Timeout), ""},
		{"push, ringing", push, response(providers.Pending, providers.AwaitingPayer), ""},
		{"direct, at the bank's page", card, response(providers.Pending, providers.StepUp), ""},
		{"ask-first", account, response(providers.Unknown, providers.Timeout), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t, noDeadline)
			b.terms.Claims = func(string) providers.Claims {
				c := claims(tt.gateway)
				c.Methods[0].Absent = providers.AbsentRule{Counts: true, After: absent, Times: 2, Apart: 30 * time.Second}
				return c
			}
			b.plan(tt.gateway)
			b.tell(tt.answer)
			b.pass(window + absent)
			b.tell(notThere())
			b.pass(30 * time.Second)
			b.tell(notThere())
			b.wantClosed(1, tt.want)
		})
	}
}

// Gone from the configuration, a gateway claims nothing, so nothing closes by claim.
func TestAGatewayThatIsGoneProvesNothingByItsClaims(t *testing.T) {
	b := open(t)
	b.plan(qr)
	b.tell(shown(time.Time{}))
	b.terms.Claims = func(string) providers.Claims { return providers.Claims{} }
	b.pass(12 * time.Hour)
	b.tell(lookup(providers.Pending, providers.AwaitingPayer))
	b.wantClosed(1, "")
}

// What a gateway says after the close is heard: an attempt that it shows on its way to
// money is open again, and blocks the next one until it is proved dead anew.
func TestAClosedAttemptSeenAliveIsOpenAgain(t *testing.T) {
	processing := lookup(providers.Pending, providers.Processing)
	unopened := lookup(providers.Pending, providers.AwaitingPayer)
	tests := []struct {
		name    string
		gateway string
		close   []told
		then    payment.Observed
		open    bool
	}{
		{"declined, then processed by a look", card, []told{{0, response(providers.Declined, providers.DeclinedSoft)}}, processing, true},
		{"declined, then processed by a late notice", card, []told{{0, response(providers.Declined, providers.DeclinedSoft)}}, notice(providers.Pending, providers.Processing), false},
		{"never shown, then found unopened", qr, []told{{0, response(providers.Unknown, providers.Timeout)}}, unopened, false},
		{"never shown, then somebody pays it", qr, []told{{0, response(providers.Unknown, providers.Timeout)}}, lookup(providers.Pending, providers.PayerConfirming), true},
		{"absent, then there", card, []told{{0, response(providers.Unknown, providers.Timeout)}, {window + absent, notThere()}, {window + absent + time.Minute, notThere()}}, unopened, true},
		{"absent, then our own answer at last", card, []told{{0, response(providers.Unknown, providers.Timeout)}, {window + absent, notThere()}, {window + absent + time.Minute, notThere()}}, response(providers.Pending, providers.Processing), true},
		{"absent, then a notice that it is processed", card, []told{{0, response(providers.Unknown, providers.Timeout)}, {window + absent, notThere()}, {window + absent + time.Minute, notThere()}}, notice(providers.Pending, providers.Processing), true},
		{"never shown, then our own answer at last", qr, []told{{0, response(providers.Unknown, providers.Timeout)}}, shown(time.Time{}), false},
		{"expired, then a notice that somebody pays", qr, []told{{0, shown(time.Time{})}, {time.Hour, unopened}}, notice(providers.Pending, providers.PayerConfirming), true},
		{"expired, then listed as unpaid", qr, []told{{0, shown(time.Time{})}, {time.Hour, unopened}}, statement(providers.Pending, providers.AwaitingPayer), false},
		{"expired, then processed", qr, []told{{0, shown(time.Time{})}, {time.Hour, unopened}}, processing, true},
		{"declined, then other money", card, []told{{0, response(providers.Declined, providers.DeclinedSoft)}}, of(tenge(1), notice(providers.Approved, "")), true},
		{"a person's word stands against a look", card, []told{{0, response(providers.Unknown, providers.Timeout)}, {time.Minute, operator(providers.Unserved, "")}}, processing, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t, softRetry, noDeadline)
			b.plan(tt.gateway)
			for _, s := range tt.close {
				b.now = start.Add(s.at)
				b.tell(s.fact)
			}
			if b.closed(1) == "" {
				t.Fatal("not closed to begin with")
			}
			b.tell(tt.then)
			a := b.p.Attempts[0]
			if a.Open() != tt.open || tt.open && a.Exposure() == payment.ExposureCleared {
				t.Fatalf("open %t, exposure %s", a.Open(), a.Exposure())
			}
			if tt.open {
				b.refuse(b.planned(backup))
				if r := b.p.Resolution(b.now, b.terms); r.Advice == payment.AdvicePayAgainSafe || r.Advice == payment.AdviceAnotherMethod {
					t.Fatalf("advice %q", r.Advice)
				}
			}
		})
	}
}

func TestARevivedAttemptClosesAnewAndThenTheNextGatewayIsTried(t *testing.T) {
	b := open(t)
	b.plan(qr)
	b.tell(response(providers.Unknown, providers.Timeout))
	b.wantClosed(1, payment.NeverShown)
	b.tell(lookup(providers.Pending, providers.PayerConfirming))
	b.rest(2 * time.Second) // the ladder begins anew
	b.pass(2 * time.Second)
	b.want(payment.Ask)
	b.tell(lookup(providers.Declined, providers.CanceledByPayer))
	b.wantClosed(1, payment.DeclinedFinally)
	b.wantFindings(payment.Reappeared)
	b.wantStatus(payment.StatusDeclined)
}

// An offer that came back to life after the payment had failed is withdrawn.
func TestARevivedOfferOfAFailedPaymentIsWithdrawn(t *testing.T) {
	b := open(t, noDeadline)
	b.plan(page)
	b.tell(shown(start.Add(time.Hour)), notice(providers.Declined, providers.CanceledByPayer))
	b.wantStatus(payment.StatusDeclined)
	b.tell(lookup(providers.Pending, providers.AwaitingPayer))
	b.wantStatus(payment.StatusDeclined) // what was told stays told
	if r := b.p.Resolution(b.now, b.terms); r.Advice != payment.AdviceContactSupport {
		t.Fatalf("advice %q", r.Advice)
	}
	b.operate(payment.OpWithdraw, amount.Minor)
}

// A late hold on a closed attempt that a notice denies must be seen as gone.
func TestALateHoldThatVanishesIsLookedAt(t *testing.T) {
	b := open(t)
	b.plan(qr)
	b.tell(response(providers.Unknown, providers.Timeout), payment.CancelRequested{RequestID: "c"})
	b.tell(notice(providers.Held, ""), notice(providers.Declined, providers.DeclinedSoft))
	if !b.p.Attempts[0].Open() {
		t.Fatal("taken for dead without a look")
	}
	b.pass(window + 2*time.Second)
	b.want(payment.Ask)
	b.tell(lookup(providers.Declined, providers.Released))
	b.wantClosed(1, payment.Voided)
}

// NeverShown is for offers, whatever else an adapter claims it for.
func TestWhatRingsOrChargesByItselfIsNeverUnshown(t *testing.T) {
	for _, gateway := range []string{card, push, account} {
		b := open(t)
		b.terms.Claims = func(string) providers.Claims {
			c := claims(gateway)
			c.Methods[0].NeverShown = true
			return c
		}
		b.plan(gateway)
		b.tell(response(providers.Unknown, providers.Timeout))
		b.wantClosed(1, "")
	}
}

// The answer to the creation may arrive after somebody else closed the attempt. Its
// action must never reach the payer.
func TestAnActionThatArrivesAfterTheCloseIsNotHandedOut(t *testing.T) {
	b := open(t)
	b.plan(qr)
	b.pass(window)
	b.tell(lookup(providers.Unknown, providers.Timeout))
	b.wantClosed(1, payment.NeverShown)
	b.tell(shown(time.Time{}))
	if a := b.p.Attempts[0]; a.Action != nil || a.Shown {
		t.Fatalf("action %+v", a.Action)
	}
	b.plan(backup)
}

// Books that lost a window may have lost the answer that showed an offer, or the debit of
// an account payment: what they do not say of an attempt from before proves nothing. What
// the gateway says, and the offer's own clock, still do.
func TestOurSilenceProvesNothingAboutAttemptsFromBeforeALostWindow(t *testing.T) {
	timeout := response(providers.Unknown, providers.Timeout)
	for name, facts := range map[string][]told{
		qr:      {{0, timeout}, {window, lookup(providers.Pending, providers.AwaitingPayer)}},
		account: {{0, response(providers.Pending, providers.AwaitingPayer)}, {1, payment.CancelRequested{RequestID: "c"}}},
		page:    {{0, timeout}, {window + absent, notThere()}, {window + absent + 30*time.Second, notThere()}},
	} {
		for _, lost := range []bool{false, true} {
			b := open(t)
			if lost {
				b.terms.LostAt = start.Add(time.Hour)
			}
			b.plan(name)
			for _, f := range facts {
				b.pass(start.Add(f.at).Sub(b.now))
				b.tell(f.fact)
			}
			if closed := b.closed(1) != ""; closed == lost {
				t.Errorf("%s, with a lost window %t: closed %t", name, lost, closed)
			}
		}
	}
	b := open(t)
	b.terms.LostAt = start.Add(time.Hour)
	b.plan(card)
	b.tell(response(providers.Declined, providers.DeclinedHard))
	b.wantClosed(1, payment.DeclinedFinally)
}
