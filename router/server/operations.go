package server

import (
	"context"
	"errors"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// operations serves people on call. Every request has passed validate, and every act
// is recorded under the operator's name.
type operations struct {
	pb.UnimplementedOperationsServer
	*Server
}

// ResolveAttempt records a person's word about an attempt.
func (s operations) ResolveAttempt(ctx context.Context, r *pb.ResolveAttemptRequest) (*pb.Payment, error) {
	who := identityOf(ctx)
	id, n, _ := parseAttempt(r.GetName())
	seen, _ := parseEtag(r.GetEtag())
	word := router.Word{Tenant: who.tenant, Payment: id, Attempt: n, Verdict: wordsIn[r.GetVerdict()],
		Actor: who.asOperator(), Reason: r.GetReason(), Seq: seen}
	p, err := s.within(ctx, func(ctx context.Context) (payment.Payment, error) { return s.router.Resolve(ctx, word) }, s.resolved(word))
	switch {
	case errors.Is(err, router.ErrSecondPerson):
		return nil, secondPerson(r.GetName(), r.GetVerdict(), p.Amount)
	case errors.Is(err, router.ErrNotOpen):
		return nil, attemptNotOpen(r.GetName(), p.Attempts[n-1].Verdict)
	case err != nil:
		return nil, s.refusal(ctx, err, about{name: r.GetName(), payment: p})
	}
	return s.answer(ctx, p), nil
}

// resolved tells whether the person's word is in the books, when the operator's time
// ended while the payment was still being moved on.
func (s operations) resolved(w router.Word) func(context.Context) (payment.Payment, error) {
	return func(ctx context.Context) (payment.Payment, error) {
		p, err := s.router.Get(ctx, w.Tenant, w.Payment)
		if err != nil {
			return p, err
		}
		if w.Attempt > len(p.Attempts) {
			return p, journal.ErrNotFound
		}
		if a := p.Attempts[w.Attempt-1]; !a.Ruled || a.Verdict != w.Verdict || a.Note != w.Reason {
			return p, errOutOfTime
		}
		return p, nil
	}
}

// ExplainPayment tells a payment's whole story.
func (s operations) ExplainPayment(ctx context.Context, r *pb.ExplainPaymentRequest) (*pb.ExplainPaymentResponse, error) {
	id, _ := parsePayment(r.GetName())
	story, err := s.router.Explain(ctx, identityOf(ctx).tenant, id)
	if err != nil {
		return nil, s.refusal(ctx, err, about{name: r.GetName()})
	}
	out := &pb.ExplainPaymentResponse{Payment: s.view(ctx, story.Payment), Evidence: story.Evidence, Decisions: story.Decisions}
	nameOf := func(attempt int) string {
		if attempt == 0 {
			return ""
		}
		return attemptName(id, attempt)
	}
	for _, e := range story.Events {
		text, attempt := router.Describe(e)
		told := &pb.ExplainPaymentResponse_Event{Sequence: e.Seq, Time: instant(e.At), Kind: e.Body.Kind(), Actor: e.Actor, Text: text, Attempt: nameOf(attempt)}
		structured(told, e.Body, story.Payment)
		out.Events = append(out.Events, told)
	}
	for _, f := range story.Payment.Findings {
		out.Findings = append(out.Findings, &pb.Finding{Kind: string(f.Kind), Attempt: nameOf(f.Attempt), CreateTime: instant(f.At), Detail: f.Detail})
	}
	return out, nil
}

// structured tells for programs what the text of a fact tells people.
func structured(out *pb.ExplainPaymentResponse_Event, body payment.Body, p payment.Payment) {
	switch b := body.(type) {
	case payment.Planned:
		out.Route = routeOut(b.Route)
	case payment.Proposed:
		out.Verdict = verdictsOut[b.Verdict]
	case payment.Observed:
		out.Verdict, out.Reason = verdictsOut[b.Verdict], reasonsOut[b.Reason]
	case payment.OperationPlanned:
		out.Operation, out.Amount = int32(b.Operation), moneyOut(b.Amount)
		out.GivesBack = b.Op == payment.OpRefund && b.Refund == "" || b.Op == payment.OpVoid && p.Cancel == nil
	case payment.OperationObserved:
		out.Operation, out.Verdict, out.Reason = int32(b.Operation), verdictsOut[b.Verdict], reasonsOut[b.Reason]
	}
}
