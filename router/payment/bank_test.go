package payment_test

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// bank is all the gateways and their payer, with what truly happens there. Everything
// is drawn when a request arrives; the router sees only answers, some of them lost,
// late or not given at all.
type bank struct {
	rapid    *rapid.T
	honest   bool // keeps every promise that claims makes
	accounts []*ledger
	refunds  map[int]*refunded // by operation
}

// ledger is the truth of one attempt.
type ledger struct {
	gateway string
	begun   time.Time // when somebody can begin to pay
	pays    time.Time // when money moves; the zero time means never
	seen    time.Time // from when looks and notices know that
	refused bool      // the gateway declined, at begun
	dies    time.Time // the offer's end by its own clock
	until   time.Time // the end as told
	ended   time.Time // withdrawn
	handed  bool      // the payer got it
	notices []time.Time
	back    int64 // truly given back
}

// refunded is the truth of one refund.
type refunded struct {
	account *ledger
	amount  int64
	at      time.Time // when it was done; the zero time means never
	seen    time.Time
}

func (b *bank) yes(name string) bool { return rapid.Bool().Draw(b.rapid, name) }

// between draws one of seventeen times, both ends among them, all equally likely.
func (b *bank) between(name string, from, to time.Duration) time.Duration {
	return from + (to-from)*time.Duration(b.oneOf(name, 17))/16
}

func (b *bank) oneOf(name string, n int) int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	return rapid.SampledFrom(numbers).Draw(b.rapid, name)
}

// charge is a request that leaves at now. It returns the answer and when it comes.
func (b *bank) charge(gateway string, n int, now time.Time) (payment.Observed, time.Time) {
	l := &ledger{gateway: gateway}
	b.accounts = append(b.accounts, l)
	answer := now.Add(b.between("answer", time.Second, window-time.Second))
	lost := on(n, response(providers.Unknown, providers.Timeout))
	switch b.oneOf("fate", 10) {
	case 0:
		return on(n, response(providers.Unserved, providers.NotSent)), now.Add(time.Second)
	case 1:
		return on(n, response(providers.Unserved, providers.Maintenance)), answer
	case 2, 3: // never arrives, and nobody knows
		return lost, answer
	}
	reply := b.create(l, n, now, answer)
	if b.yes("answer lost") {
		return lost, answer
	}
	return reply, answer
}

// create makes what was asked for, before the answer or, for a direct charge, until H.
func (b *bank) create(l *ledger, n int, now, answer time.Time) payment.Observed {
	m := claims(l.gateway).Methods[0]
	l.begun = now.Add(b.between("arrives", 0, answer.Sub(now)))
	wants := b.yes("wants to pay")
	if m.Flow == providers.Direct {
		late := absent
		if !b.honest {
			late = time.Hour
		}
		l.begun = now.Add(b.between("acts", time.Second, window+late-time.Second))
		if l.refused = !wants; wants {
			l.pays, l.seen = l.begun, l.begun
		}
		if l.begun.After(answer) {
			return on(n, response(providers.Pending, providers.Processing))
		}
		return b.state(l, n, payment.FromResponse, answer)
	}
	life := m.OfferLife
	if life == 0 { // it says its own end
		life = b.between("life", time.Minute, 10*time.Minute)
		l.until = l.begun.Add(life)
	}
	l.dies = l.begun.Add(life)
	if wants {
		l.pays = l.begun.Add(b.between("pays", 30*time.Second, life))
		if !b.honest {
			l.pays = l.begun.Add(b.between("pays late", 30*time.Second, 3*life))
		}
		l.seen = l.pays.Add(b.between("shows", 0, m.Margin))
	}
	o := on(n, shown(l.until))
	return o
}

// paying reports whether the payer has opened the offer and not yet paid.
func (l *ledger) paying(at time.Time) bool {
	return !l.pays.IsZero() && !at.Before(l.pays.Add(-20*time.Second)) && at.Before(l.seen)
}

// takes reports whether money moves at the attempt, now or ever.
func (l *ledger) takes() bool {
	switch {
	case l.pays.IsZero():
		return false
	case l.gateway == qr && !l.handed: // only we hand it out
		return false
	}
	return l.ended.IsZero() || l.paying(l.ended) || l.pays.Before(l.ended)
}

// state is what the gateway says about the attempt at a time.
func (b *bank) state(l *ledger, n int, source payment.Source, at time.Time) payment.Observed {
	o := payment.Observed{Attempt: n, Source: source, Asked: at}
	switch {
	case l.begun.IsZero() || at.Before(l.begun):
		o.Absent = true
	case l.takes() && !at.Before(l.seen):
		o.Verdict, o.Amount, o.Returned = providers.Approved, amount, tenge(b.returned(l, at))
	case l.refused:
		o.Verdict, o.Reason = providers.Declined, providers.DeclinedHard
	case l.takes() && l.paying(at):
		o.Verdict, o.Reason = providers.Pending, providers.PayerConfirming
	case !l.ended.IsZero():
		o.Verdict, o.Reason = providers.Declined, providers.Released
	case l.gateway == page && l.handed: // unknown there until it is opened
		o.Absent = true
	default:
		o.Verdict, o.Reason = providers.Pending, providers.AwaitingPayer
	}
	return o
}

// lookUp answers a look-up, now or after a while, or fails to.
func (b *bank) lookUp(n int, now time.Time) (payment.Observed, time.Time) {
	wait := b.between("look takes", 0, 5*time.Second)
	o := b.state(b.accounts[n-1], n, payment.FromLookup, now)
	switch b.oneOf("look", 6) {
	case 0:
		o = on(n, lookup(providers.Unknown, providers.ServerError))
	case 1:
		o = on(n, lookup(providers.Unserved, providers.Throttled))
	}
	o.Asked = now
	return o, now.Add(wait)
}

// returned is the sum that shows as given back.
func (b *bank) returned(l *ledger, at time.Time) (sum int64) {
	for _, r := range b.refunds {
		if r.account == l && !r.at.IsZero() && !at.Before(r.seen) {
			sum += r.amount
		}
	}
	return sum
}

// act carries an operation out, or not, and answers when it likes.
func (b *bank) act(o payment.OperationPlanned, now time.Time) (payment.OperationObserved, time.Time) {
	l := b.accounts[o.Attempt-1]
	answer := now.Add(b.between("answer", time.Second, window-time.Second))
	arrived := b.yes("arrives")
	reply := done(o.Operation, providers.Unserved, providers.NotSent)
	switch {
	case !arrived && b.yes("known not to have left"):
		return reply, answer
	case o.Op == payment.OpRefund:
		r := &refunded{account: l, amount: o.Amount.Minor}
		b.refunds[o.Operation] = r
		if arrived {
			l.back += r.amount
			r.at = now.Add(b.between("arrives", 0, answer.Sub(now)))
			r.seen = r.at.Add(b.between("shows", 0, settle))
		}
		reply = done(o.Operation, providers.Approved, "")
	case arrived && l.takes() && l.pays.Before(now):
		reply = done(o.Operation, providers.Declined, providers.Refused)
	case arrived && b.honest:
		l.ended = now
		fallthrough
	default:
		reply = done(o.Operation, providers.Approved, "")
	}
	if !arrived || b.yes("answer lost") {
		reply = done(o.Operation, providers.Unknown, providers.Timeout)
	}
	return reply, answer
}

// lookOperation answers a question about an operation. A withdrawal's outcome can only
// be guessed from how the attempt looks.
func (b *bank) lookOperation(o payment.Operation, now time.Time) payment.OperationObserved {
	reply := payment.OperationObserved{Operation: o.Operation, Source: payment.FromLookup, Asked: now}
	gone := b.state(b.accounts[o.Attempt-1], o.Attempt, payment.FromLookup, now)
	r, isRefund := b.refunds[o.Operation]
	switch {
	case b.yes("look fails"):
	case isRefund && !r.at.IsZero() && !now.Before(r.seen),
		!isRefund && (gone.Absent || gone.Verdict == providers.Declined):
		reply.Verdict = providers.Approved
	default:
		reply.Absent = true
	}
	return reply
}

// notify lists the notices about money that are to be delivered by now, and forgets them.
func (b *bank) notify(now time.Time) (facts []payment.Observed, next time.Time) {
	for i, l := range b.accounts {
		if l.takes() && l.notices == nil {
			l.notices = []time.Time{l.seen.Add(b.between("notice", 0, 10*time.Minute)), l.seen.Add(time.Hour), l.seen.Add(20 * time.Hour)}
		}
		for len(l.notices) > 0 && l.takes() && !now.Before(l.notices[0]) {
			facts = append(facts, b.state(l, i+1, payment.FromNotice, now))
			l.notices = slices.Clip(l.notices[1:])
		}
		if len(l.notices) > 0 && (next.IsZero() || l.notices[0].Before(next)) {
			next = l.notices[0]
		}
	}
	return facts, next
}
