package payment_test

import (
	"errors"

	"pgregory.net/rapid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// trespass tries what only the loop does, out of place. Whatever the books are like, a
// command is refused or keeps I4 and I7.
func (w *world) trespass(t *rapid.T) {
	if len(w.p.Attempts) == 0 {
		t.Skip("nothing to act on")
	}
	n := rapid.IntRange(1, len(w.p.Attempts)).Draw(t, "attempt")
	plan := payment.OperationPlanned{Operation: len(w.p.Operations) + 1, Attempt: n, Op: draw(w, "operation", payment.OperationKinds()...),
		Amount: tenge(rapid.Int64Range(-1, amount.Minor+1).Draw(t, "sum"))}
	closed := payment.Closed{Attempt: n, Evidence: payment.Evidence{Attempt: n, Kind: payment.DeclinedFinally}}
	for _, c := range []struct {
		body payment.Body
		may  bool
	}{
		{plan, w.mayOperate(plan)},
		{closed, w.p.Attempts[n-1].Open()},
		{payment.Finished{Outcome: payment.OutcomeFailed}, w.mayFinish()},
	} {
		_, err := w.p.Apply(payment.Event{At: w.now, Actor: "test", Body: c.body})
		switch {
		case err != nil && !errors.Is(err, payment.ErrNotAllowed):
			t.Fatal(err)
		case err == nil && !c.may:
			t.Fatalf("%+v was allowed", c.body)
		}
	}
}

// mayOperate is I4 for one operation, and that there is one at a time.
func (w *world) mayOperate(plan payment.OperationPlanned) bool {
	a := w.p.Attempts[plan.Attempt-1]
	back := int64(0)
	for _, o := range w.p.Operations {
		if o.Attempt != plan.Attempt {
			continue
		}
		if !o.Settled() {
			return false
		}
		if o.Op == payment.OpRefund && o.Verdict == providers.Approved {
			back += o.Amount.Minor
		}
	}
	switch plan.Op {
	case payment.OpCapture:
		return a.Verdict == providers.Held && plan.Amount.Minor > 0 && plan.Amount.Minor <= a.Held
	case payment.OpVoid:
		return a.Verdict == providers.Held
	case payment.OpWithdraw:
		return a.Open()
	}
	return a.Verdict == providers.Approved && plan.Amount.Minor > 0 && plan.Amount.Minor <= a.Captured-max(back, a.Returned)
}

// mayFinish: nothing is open, and the gateways hold nothing that the books know of.
func (w *world) mayFinish() bool {
	for _, a := range w.p.Attempts {
		if a.Open() {
			return false
		}
	}
	sums := w.p.Sums()
	return w.p.Finished == nil && sums.Held == 0 && sums.Paid <= sums.Refunded && sums.Surplus == 0
}

// lag writes a fact behind the payment as it was a while ago, as somebody does who was not
// the fastest. It is not refused, and it is nothing to the payment as it is: else the
// events would in the end give another one.
func (w *world) lag(t *rapid.T) {
	old := w.past[rapid.IntRange(0, len(w.past)-1).Draw(t, "as it was")]
	if len(old.Attempts) == 0 {
		t.Skip("nothing to learn about")
	}
	var fact payment.Body = w.observation(rapid.IntRange(1, len(old.Attempts)).Draw(t, "attempt"), payment.FromLookup)
	if len(old.Operations) > 0 && rapid.Bool().Draw(t, "about an operation") {
		fact = w.outcome(rapid.IntRange(1, len(old.Operations)).Draw(t, "operation"), payment.FromLookup)
	}
	if _, err := old.Apply(payment.Event{At: w.now, Actor: "test", Body: fact}); err != nil {
		t.Fatal(err)
	}
}
