package payment_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// Facts of every kind arrive in any order, twice, late and contradicting each other,
// while callers wish for things and the loop does what Next says. Whatever happens, the
// promises below hold after every single event.
func TestThePromisesHoldWhateverIsLearntInWhateverOrder(t *testing.T) {
	history := func(t *rapid.T) {
		w := &world{rapid: t, book: open(t, func(o *payment.Opened) {
			o.TwoStage, o.SoftRetry = rapid.Bool().Draw(t, "two stage"), rapid.Bool().Draw(t, "soft retry")
			if rapid.Bool().Draw(t, "no deadline") {
				o.Deadline = time.Time{}
			}
		})}
		t.Repeat(map[string]func(*rapid.T){
			"":      w.check,
			"learn": w.learn,
			"again": w.again,
			"wish":  w.wish,
			"wait": func(t *rapid.T) {
				w.pass(time.Duration(rapid.Int64Range(1, int64(2*time.Hour)).Draw(t, "wait")))
			},
			"follow":   w.follow,
			"drive":    w.drive,
			"trespass": w.trespass,
			"lag":      w.lag,
		})
		w.fold()
	}
	for range 10 { // a thousand histories
		rapid.Check(t, history)
	}
}

type world struct {
	*book
	rapid *rapid.T
	kept  int
	facts []payment.Body
	past  []payment.Payment
}

var gateways = []string{card, backup, qr, page, push, account}

func draw[V any](w *world, name string, from ...V) V {
	return rapid.SampledFrom(from).Draw(w.rapid, name)
}

// fact tells a fact, which is never refused.
func (w *world) fact(body payment.Body) {
	w.facts = append(w.facts, body)
	w.tell(body)
}

func (w *world) learn(t *rapid.T) {
	if len(w.p.Operations) > 0 && rapid.Bool().Draw(t, "about an operation") {
		n := rapid.IntRange(1, len(w.p.Operations)).Draw(t, "operation")
		w.fact(w.outcome(n, draw(w, "source", payment.FromResponse, payment.FromLookup, payment.FromNotice)))
		return
	}
	if len(w.p.Attempts) == 0 {
		t.Skip("nothing to learn about")
	}
	n := rapid.IntRange(1, len(w.p.Attempts)).Draw(t, "attempt")
	w.fact(w.observation(n, draw(w, "source", payment.FromResponse, payment.FromLookup, payment.FromLookup, payment.FromNotice,
		payment.FromQuestion, payment.FromStatement, payment.FromOperator)))
}

// observation is any fact about an attempt from the source.
func (w *world) observation(n int, source payment.Source) payment.Observed {
	o := payment.Observed{Attempt: n, Source: source, Verdict: draw(w, "verdict", providers.Verdicts()...)}
	o.Reason = draw(w, "reason", usual[o.Verdict]...)
	if draw(w, "odd", false, false, false, true) {
		o.Reason = draw(w, "odd reason", providers.Reasons()...)
		o.Amount = draw(w, "odd amount", tenge(1000000), tenge(amount.Minor+1), providers.Money{Minor: amount.Minor, Currency: "UAH"})
	}
	o.Returned = draw(w, "returned", providers.Money{}, providers.Money{}, providers.Money{}, tenge(400000), amount, tenge(2*amount.Minor))
	if o.Verdict == providers.Pending {
		o.Action = draw(w, "action", nil, &providers.Action{Kind: providers.ShowQR, Text: "qr"})
		o.Until = draw(w, "until", time.Time{}, w.now.Add(5*time.Minute), w.now.Add(-time.Minute), w.now.Add(1000*time.Hour))
	}
	if source == payment.FromLookup {
		o.Absent = o.Verdict == providers.Unknown && draw(w, "absent", true, true, false)
		o.Asked = draw(w, "asked", time.Time{}, w.now, w.now.Add(-time.Second), w.now.Add(time.Hour))
		o.AskIn = draw(w, "ask in", 0, 0, 1, 5*time.Second, 1000*time.Hour)
	}
	return o
}

// usual are the reasons that belong to a verdict.
var usual = map[providers.Verdict][]providers.Reason{
	providers.Unknown:  {providers.Timeout, providers.ServerError, providers.UnknownCode},
	providers.Pending:  {providers.AwaitingPayer, providers.PayerConfirming, providers.Processing, providers.StepUp},
	providers.Held:     {providers.NoReason},
	providers.Approved: {providers.NoReason},
	providers.Declined: {providers.DeclinedHard, providers.DeclinedSoft, providers.Expired, providers.Released, providers.CanceledByPayer},
	providers.Unserved: {providers.NotSent, providers.Throttled, providers.Maintenance, providers.Misconfigured},
}

// outcome is any fact about an operation from the source.
func (w *world) outcome(n int, source payment.Source) payment.OperationObserved {
	o := payment.OperationObserved{Operation: n, Source: source, Verdict: draw(w, "outcome", providers.Verdicts()...)}
	if source == payment.FromLookup {
		o.Absent = o.Verdict == providers.Unknown && draw(w, "undone", true, true, false)
	}
	return o
}

func (w *world) again(t *rapid.T) {
	if len(w.facts) == 0 {
		t.Skip("nothing to repeat")
	}
	w.fact(draw(w, "fact", w.facts...))
}

// wish asks for something, which may be refused.
func (w *world) wish(t *rapid.T) {
	sum := tenge(rapid.Int64Range(-1, amount.Minor+1).Draw(t, "sum"))
	wishes := []payment.Body{payment.CaptureRequested{RequestID: "c", Amount: sum}, payment.CancelRequested{RequestID: "x"},
		payment.RefundRequested{Refund: time.Duration(w.p.Seq).String(), RequestID: "r", Amount: sum}}
	if len(w.p.Attempts) > 0 {
		n := rapid.IntRange(1, len(w.p.Attempts)).Draw(t, "attempt")
		wishes = append(wishes, payment.SwitchRequested{Attempt: n, Reason: "drained"},
			payment.Proposed{Attempt: n, Verdict: providers.Unserved, Note: "called"})
	}
	if err := w.try(draw(w, "wish", wishes...)); err != nil && !errors.Is(err, payment.ErrNotAllowed) {
		t.Fatal(err)
	}
}

// follow does the one step that is next.
func (w *world) follow(t *rapid.T) {
	if s := w.p.Next(w.now, w.terms); s.Do == payment.Rest {
		if s.Until.IsZero() {
			t.Skip("nothing to do")
		}
		w.pass(min(s.Until.Sub(w.now), 100*24*time.Hour))
		return
	}
	w.step()
}

// step does what is next at this instant, and reports whether there was anything.
func (w *world) step() bool {
	switch s := w.p.Next(w.now, w.terms); s.Do {
	case payment.Route:
		w.tell(w.planned(draw(w, "gateway", gateways...)))
	case payment.Ask:
		w.fact(w.observation(s.Attempt, payment.FromLookup))
	case payment.AskOp:
		w.fact(w.outcome(s.Operation, payment.FromLookup))
	case payment.Operate:
		plan := s.Plan
		plan.Operation = len(w.p.Operations) + 1
		w.tell(plan) // what Next wants is never refused
		w.fact(w.outcome(plan.Operation, payment.FromResponse))
	default:
		return false
	}
	return true
}

// drive does all that is to be done at one instant. It must come to rest.
func (w *world) drive(t *rapid.T) {
	for range 40 {
		if !w.step() {
			return
		}
	}
	t.Fatalf("does not come to rest: %s", describe(w.p.Next(w.now, w.terms)))
}

func (w *world) check(t *rapid.T) {
	w.past = append(w.past, w.p)
	w.deterministic()
	w.conserved()
	w.proved()
	w.watched()
	r := w.p.Resolution(w.now, w.terms)
	status := w.p.Status()
	if status != payment.StatusPaid && status != payment.StatusHeld && r.Advice == payment.AdviceNone {
		t.Fatalf("status %s comes without advice", status)
	}
	for _, a := range w.p.Attempts {
		if r.Advice == payment.AdvicePayAgainSafe && (w.p.Sums().Surplus > 0 || a.AtRisk()) {
			t.Fatalf("to pay again is called safe while attempt %d is %s", a.N, a.Exposure())
		}
		if a.Open() && (r.Advice == payment.AdvicePayAgainSafe || r.Advice == payment.AdviceAnotherMethod) {
			t.Fatalf("to pay again is advised while attempt %d is open", a.N)
		}
	}
	kept, ok := w.p.Kept()
	if owed := w.p.Cancel == nil && w.p.Finished == nil; owed && w.kept > 0 && w.p.Attempts[w.kept-1].Verdict.HasMoney() && kept.N != w.kept && !w.wentBackAfterAll() {
		t.Fatalf("attempt %d was kept and has money, now %d is kept", w.kept, kept.N)
	}
	if w.kept = 0; ok {
		w.kept = kept.N
	}
}

// wentBackAfterAll reports whether the money that was kept is heard to have gone back by a
// give-back of ours from before it was kept, which had not been carried out as far as we knew.
func (w *world) wentBackAfterAll() bool {
	before := w.past[len(w.past)-2]
	for i, o := range before.Operations {
		if o.Attempt == w.kept && (o.Op == payment.OpVoid || o.Op == payment.OpRefund && o.Refund == "") &&
			(o.Verdict == providers.Declined || o.Verdict == providers.Unserved) && w.p.Operations[i].Verdict == providers.Approved {
			return true
		}
	}
	return false
}

// deterministic: the same payment, time and terms give the same step and bookkeeping.
func (w *world) deterministic() {
	one, two := w.p.Next(w.now, w.terms), w.p.Next(w.now, w.terms)
	if diff := cmp.Diff(one, two); diff != "" {
		w.t.Fatalf("Next differs from itself:\n%s", diff)
	}
	if one.Do == payment.Append {
		w.t.Fatal("bookkeeping is left over after Settle")
	}
}

// conserved (I4): what goes back is never more than what came, and never counted twice.
func (w *world) conserved() {
	s := w.p.Sums()
	if s.Held < 0 || s.Paid < 0 || s.Refunded < 0 || s.Surplus < 0 || s.Held+s.Paid > amount.Minor {
		w.t.Fatalf("sums %+v", s)
	}
	for _, a := range w.p.Attempts {
		if a.Verdict != providers.Approved || w.p.Found(payment.ReturnedElsewhere, a.N) || w.p.Found(payment.MoneyFlipped, a.N) {
			continue
		}
		back := int64(0)
		for _, o := range w.p.Operations {
			if o.Attempt == a.N && o.Op == payment.OpRefund && (o.Verdict == providers.Approved || !o.Settled()) {
				back += o.Amount.Minor
			}
		}
		if back > a.Captured || a.Captured > amount.Minor {
			w.t.Fatalf("attempt %d: %d captured, %d going back", a.N, a.Captured, back)
		}
	}
	kept, ok := w.p.Kept()
	if !ok || w.p.Found(payment.ReturnedElsewhere, kept.N) || w.p.Found(payment.MoneyFlipped, kept.N) {
		return
	}
	asked := w.p.Refundable()
	for _, r := range w.p.Refunds {
		if r.State != payment.RefundFailed {
			asked += r.Amount.Minor
		}
	}
	if asked > 0 && asked > kept.Captured {
		w.t.Fatalf("refunds of %d, of %d captured", asked, kept.Captured)
	}
}

// proved (I7): read from the log alone, an attempt is planned only when each earlier one
// has been closed since the last fact that showed it alive.
func (w *world) proved() {
	dead := map[int]bool{}
	by := map[int]payment.EvidenceKind{}
	var before payment.Payment // each event
	for _, e := range w.events {
		switch b := e.Body.(type) {
		case payment.Planned:
			for n := 1; n < b.Attempt; n++ {
				if !dead[n] || b.Evidence[n-1].Kind == "" {
					w.t.Fatalf("attempt %d was planned while attempt %d was not proved dead", b.Attempt, n)
				}
			}
		case payment.Closed:
			dead[b.Attempt], by[b.Attempt] = true, b.Evidence.Kind
		case payment.Observed:
			told := b.Source == payment.FromLookup || b.Source == payment.FromStatement
			paying := b.Verdict == providers.Pending && b.Reason != providers.AwaitingPayer && told
			// A hold's own notice may be overtaken by its release, or come again: that is no life.
			a := before.Attempts[b.Attempt-1]
			echo := b.Verdict == providers.Held && b.Source == payment.FromNotice && a.Closed != nil && (a.WasHeld || a.Closed.Kind == payment.Voided)
			// Nor is what a look saw before a later one saw the refusal.
			refused := a.Verdict == providers.Declined || a.Verdict == providers.Unserved
			stale := b.Source == payment.FromLookup && !b.Asked.IsZero() && b.Asked.Before(a.Seen.At) && refused && a.Seen.Verdict == a.Verdict
			if by[b.Attempt] != payment.ByOperator && !echo && (b.Verdict.HasMoney() || paying && !stale) {
				dead[b.Attempt] = false
			}
		}
		next, err := before.Apply(e)
		if err != nil {
			w.t.Fatal(err)
		}
		before = next
	}
	for _, a := range w.p.Attempts {
		if (a.Open() || a.Verdict.HasMoney()) && w.try(w.planned(backup)) == nil {
			w.t.Fatalf("an attempt was planned beside attempt %d", a.N)
		}
	}
}

// watched (L2): every open attempt has a due time or stands on the review list, and so
// has every operation whose outcome is open.
func (w *world) watched() {
	s := w.p.Next(w.now, w.terms)
	if s.Do == payment.Rest && !s.Until.IsZero() && !s.Until.After(w.now) {
		w.t.Fatalf("rests until %s, which is past", s.Until)
	}
	idle := s.Do == payment.Rest && s.Until.IsZero()
	for _, a := range w.p.Attempts {
		if a.Open() && idle && !w.p.Found(payment.Undecided, a.N) {
			w.t.Fatalf("attempt %d is open and nobody will look", a.N)
		}
	}
	for _, o := range w.p.Operations {
		if !o.Settled() && idle {
			w.t.Fatalf("operation %d is open and nobody will look", o.Operation)
		}
	}
	if w.p.Sums().Surplus > 0 && idle && len(w.p.Findings) == 0 {
		w.t.Fatal("a surplus that nobody gives back")
	}
	if due := w.p.Due(w.now, w.terms); due.IsZero() != idle {
		w.t.Fatalf("due at %s", due)
	}
}

// fold: the events, written and read back, give the same payment.
func (w *world) fold() {
	var read []payment.Event
	for _, e := range w.events {
		data, err := payment.EncodeBody(e.Body)
		if err != nil {
			w.t.Fatal(err)
		}
		body, err := payment.DecodeBody(e.Body.Kind(), data)
		if err != nil {
			w.t.Fatal(err)
		}
		e.Body = body
		read = append(read, e)
	}
	p, err := payment.Fold(read)
	if err != nil {
		w.t.Fatal(err)
	}
	if diff := cmp.Diff(w.p, p); diff != "" {
		w.t.Fatalf("folded differently (-applied +folded):\n%s", diff)
	}
}
