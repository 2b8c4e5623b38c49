package router

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/spans"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// Hear takes in one inbound request of a gateway: stored raw, then read, then
// ruled on, then answered in the provider's own way. A request that could not be
// stored is not acknowledged.
func (r *Router) Hear(ctx context.Context, gateway string, n providers.Notice) (providers.Reply, error) {
	g, ok := r.Gateway(gateway)
	if !ok {
		return providers.Reply{}, fmt.Errorf("%s: %w", gateway, ErrUnknownGateway)
	}
	listener, ok := g.Provider.(providers.Listener)
	if !ok {
		return providers.Reply{}, fmt.Errorf("%s: %w", gateway, ErrNotOffered)
	}
	ctx = context.WithoutCancel(ctx) // a sender that hangs up has still told us
	ctx, span := spans.Root(ctx, r.Tracer, "notice")
	defer span.End()
	span.Gateway(gateway)
	span.Outcome(noticeNotStored)
	id := newID()
	if err := r.Journal.StoreNotice(ctx, id, gateway, n, time.Now()); err != nil {
		r.metrics.noticed(gateway, noticeNotStored)
		r.Log.Error("a notice could not be stored and was not acknowledged", "gateway", gateway, "error", err.Error())
		return listener.Answer(providers.Heard{}, providers.Ruling{Kind: providers.TryLater}), nil
	}
	listener, heard := r.hear(g, listener, n)
	v := r.rule(ctx, g, heard)
	span.Payment(v.payment)
	if v.outcome == noticeHint {
		// Marked before it is acknowledged: it waits in the books until it was followed.
		if err := r.mark(ctx, id, v); err != nil {
			r.metrics.noticed(gateway, noticeNotStored)
			return listener.Answer(heard, providers.Ruling{Kind: providers.TryLater}), nil
		}
		r.leave(gateway, errand{payment: v.payment, attempt: v.attempt})
		span.Outcome(v.outcome)
		r.metrics.noticed(gateway, v.outcome)
		return listener.Answer(heard, v.ruling), nil
	}
	if v.outcome == noticeRepeated {
		_ = r.mark(ctx, id, v)
		span.Outcome(v.outcome)
		r.metrics.noticed(gateway, v.outcome)
		return v.reply, nil
	}
	reply := listener.Answer(heard, v.ruling)
	if v.keep {
		// The bank repeats a report until it is answered, and must read the first answer
		// again, word for word.
		kept, err := r.Journal.KeepAnswer(ctx, gateway, heard.Key, reply)
		if err != nil {
			v.outcome = noticeNotStored
			reply = listener.Answer(heard, providers.Ruling{Kind: providers.TryLater})
		} else {
			reply = kept
		}
	}
	_ = r.mark(ctx, id, v)
	span.Outcome(v.outcome)
	r.metrics.noticed(gateway, v.outcome)
	return reply, nil
}

// The outcomes of a notice: its state in the books and a metric label.
const (
	noticeNotStored = "not_stored"
	noticeForged    = "forged"
	noticeUnread    = "unreadable"
	noticeUnmatched = "unmatched"
	noticeHint      = "hint"
	noticeFact      = "fact"
	noticeQuestion  = "question"
	noticeDebit     = "debit"
	noticeRefused   = "debit_refused"
	noticeRepeated  = "repeated"
)

var noticeOutcomes = []string{noticeNotStored, noticeForged, noticeUnread, noticeUnmatched, noticeHint, noticeFact,
	noticeQuestion, noticeDebit, noticeRefused, noticeRepeated}

// verdict is what became of one notice.
type verdict struct {
	outcome string
	payment string
	attempt int // of a hint
	detail  string
	ruling  providers.Ruling
	keep    bool            // the answer is the answer for ever
	reply   providers.Reply // with noticeRepeated
}

func (r *Router) mark(ctx context.Context, id string, v verdict) error {
	err := r.Journal.MarkNotice(ctx, id, v.outcome, v.payment, v.detail)
	if err != nil {
		r.Log.Error("a notice stays unmarked", "notice", id, "error", err.Error())
	}
	return err
}

// read lets the adapter understand the notice; an adapter that panics understood nothing.
func (r *Router) read(l providers.Listener, gateway string, n providers.Notice) (heard providers.Heard) {
	defer func() {
		if cause := recover(); cause != nil {
			r.Log.Error("adapter panicked", "gateway", gateway, "cause", panicText(cause))
			heard = providers.Heard{Err: errors.New("the adapter panicked")}
		}
	}()
	return l.Hear(n)
}

// rule decides what a notice means for the books, and records it.
func (r *Router) rule(ctx context.Context, g Gateway, heard providers.Heard) verdict {
	if heard.Kind == providers.Noise {
		v := verdict{outcome: noticeUnread, ruling: providers.Ruling{Kind: providers.Rejected}}
		if heard.Forged {
			v.outcome = noticeForged
		}
		if heard.Err != nil {
			v.detail = heard.Err.Error()
		}
		return v
	}
	if heard.Kind == providers.Debit && heard.Key != "" {
		reply, err := r.Journal.Answer(ctx, g.Name, heard.Key)
		if err == nil {
			return verdict{outcome: noticeRepeated, reply: reply}
		}
		if !errors.Is(err, journal.ErrNotFound) {
			return later(err)
		}
	}
	if heard.Kind == providers.Question || heard.Kind == providers.Debit {
		if r.mistimed(time.Now()) {
			return later(ErrMistimed) // the ruling depends on the time
		}
		if err := r.mayMove(); err != nil {
			return later(err) // the books may have lost the very payment, or that it was paid
		}
	}
	id, n, err := r.Journal.FindAttempt(ctx, g.Name, heard.Ref)
	if errors.Is(err, journal.ErrNotFound) {
		r.Log.Warn("a notice about a reference that is not ours", "gateway", g.Name, "kind", heard.Kind.String())
		// A debit goes back by this answer. Its number may be handed out before it is repeated.
		return verdict{outcome: noticeUnmatched, ruling: providers.Ruling{Kind: providers.Unmatched},
			keep: heard.Kind == providers.Debit && heard.Key != ""}
	}
	if err != nil {
		return later(err)
	}
	p, err := r.Journal.Get(ctx, id)
	if err == nil && n > len(p.Attempts) { // the books went back between the two readings
		err = fmt.Errorf("attempt %d of %s: %w", n, id, journal.ErrNotFound)
	}
	if err != nil {
		return later(err)
	}
	if planned := heard.Ref.Planned; !planned.IsZero() && planned.UnixMilli() != p.Attempts[n-1].Planned.UnixMilli() {
		r.Log.Warn("a notice about an earlier payment of the reference", "gateway", g.Name, "kind", heard.Kind.String())
		return verdict{outcome: noticeUnmatched, detail: "of an earlier payment of the reference", ruling: providers.Ruling{Kind: providers.Unmatched}}
	}
	v := verdict{payment: id, ruling: providers.Ruling{Kind: providers.Accepted, ID: id, Text: p.Order, Amount: p.Amount}}
	switch heard.Kind {
	case providers.Hint:
		if amount := heard.Result.Amount; amount.Currency != "" && amount != p.Amount {
			v.outcome, v.ruling.Kind, v.detail = noticeUnmatched, providers.Unmatched, "another amount than the payment's"
			break
		}
		v.outcome, v.attempt = noticeHint, n
	case providers.Fact:
		v.outcome = noticeFact
		if err := r.Observe(ctx, p, n, payment.FromNotice, heard.Result); err != nil {
			return later(err)
		}
	case providers.Question:
		v.outcome = noticeQuestion
		v.ruling.Kind = p.Payable(n, time.Now())
	case providers.Debit:
		return r.debit(ctx, p, n, heard, v)
	}
	return v
}

// Observe is the one door for what is learnt about an attempt later than its answer:
// it is recorded, and the payment's own loop acts on it.
func (r *Router) Observe(ctx context.Context, p payment.Payment, attempt int, source payment.Source, result providers.Result) error {
	if _, err := r.learn(ctx, p, attempt, source, time.Time{}, result); err != nil {
		return err
	}
	r.leave(p.Attempts[attempt-1].Gateway, errand{payment: p.ID})
	return nil
}

// later leaves a notice unacknowledged: its sender must try again.
func later(err error) verdict {
	return verdict{outcome: noticeNotStored, detail: err.Error(), ruling: providers.Ruling{Kind: providers.TryLater}}
}

// debit rules on money that the payer has already lost: it is ours, or the bank must
// give it back. Ruling and record are one commit, so that a plan of another attempt
// at the same instant sees it, or is seen.
func (r *Router) debit(ctx context.Context, p payment.Payment, n int, heard providers.Heard, v verdict) verdict {
	kind := providers.TryLater
	_, err := r.append(ctx, p, actor(p, n, payment.FromQuestion), func(p payment.Payment) payment.Body {
		if n > len(p.Attempts) { // books that went back do not have it and refuse this: the bank comes again
			return observed(n, payment.FromQuestion, time.Time{}, heard.Result)
		}
		a := p.Attempts[n-1]
		amount := heard.Result.Amount
		switch kind = p.Payable(n, time.Now()); {
		case a.Verdict == providers.Approved && a.External != "" && a.External == heard.Result.External:
			kind = providers.Payable // this very debit, whose answer got lost
			return nil
		case amount.Currency != "" && amount != p.Amount:
			kind = providers.Rejected
			return payment.Noted{Finding: payment.AmountDiffers, Attempt: n, About: heard.Result.External, Detail: fmt.Sprintf("a debit of %s, %s owed", amount, p.Amount)}
		case kind != providers.Payable:
			return payment.Noted{Finding: payment.ReturnExpected, Attempt: n, About: heard.Result.External,
				Detail: fmt.Sprintf("debit %s of %s refused: the bank must give it back", heard.Result.External, p.Amount)}
		}
		return observed(n, payment.FromQuestion, time.Time{}, heard.Result)
	})
	if err != nil {
		return later(err)
	}
	v.outcome, v.keep = noticeDebit, heard.Key != ""
	if v.ruling.Kind = kind; kind != providers.Payable {
		v.outcome = noticeRefused
	}
	r.leave(p.Attempts[n-1].Gateway, errand{payment: p.ID})
	return v
}
