package router

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// Story is a payment with all its facts.
type Story struct {
	Payment  payment.Payment
	Events   []payment.Event
	Evidence []string // why each move to another gateway was safe
	// Decisions are people's words that the gateways' money contradicts, with what became of it.
	Decisions []string
}

// Explain reads a payment's whole story.
func (r *Router) Explain(ctx context.Context, tenant, id string) (Story, error) {
	p, err := r.Get(ctx, tenant, id)
	if err != nil {
		return Story{}, err
	}
	events, err := r.Journal.Events(ctx, id)
	if err != nil {
		return Story{}, err
	}
	s := Story{Payment: p, Events: events}
	for _, a := range p.Attempts {
		if a.Closed != nil {
			s.Evidence = append(s.Evidence, proof(a))
		}
		if said := blame(p, a, events); said != "" {
			s.Decisions = append(s.Decisions, said)
		}
	}
	return s, nil
}

// proof says in one sentence why an attempt cannot take money any more.
func proof(a payment.Attempt) string {
	meaning := map[payment.EvidenceKind]string{
		payment.NotSent:         "no connection was obtained, so nothing was sent",
		payment.RefusedByGate:   "the gateway's documented answer means that the request was not carried out",
		payment.DeclinedFinally: "the gateway refused it for good",
		payment.NeverShown:      "only we could have handed the offer out, and we did not",
		payment.Withdrawn:       "it was withdrawn, and shown to be",
		payment.ExpiredUnpaid:   "its time was over, and a look after that showed no payment",
		payment.AbsentConfirmed: "the gateway did not know it, often enough and late enough to count",
		payment.Voided:          "its hold was released and seen as released",
		payment.ByOperator:      "a person said so",
	}[a.Closed.Kind]
	text := fmt.Sprintf("attempt %d at %s cannot take money: %s (%s, learnt by %s at %s", a.N, a.Gateway, meaning,
		a.Closed.Kind, a.Closed.Source, a.Closed.At.Format(time.RFC3339))
	if a.Closed.Detail != "" {
		text += ", " + a.Closed.Detail
	}
	return text + ")"
}

// blame charges money that people said would never be there to their decision: who said
// so, what was seen all the same, and what of it is not what the payment is owed. It is
// empty where nobody said so, or nothing was seen.
func blame(p payment.Payment, a payment.Attempt, events []payment.Event) string {
	var who []string
	decided := int64(0)
	for _, e := range events {
		switch b := e.Body.(type) {
		case payment.Proposed:
			if b.Attempt == a.N && decided == 0 {
				who = append(who, fmt.Sprintf("%s (%s)", e.Actor, e.At.Format(time.RFC3339)))
			}
		case payment.Observed:
			if b.Attempt == a.N && b.Source == payment.FromOperator && (b.Verdict == providers.Unserved || b.Verdict == providers.Declined) {
				who, decided = append(who, fmt.Sprintf("%s (%s)", e.Actor, e.At.Format(time.RFC3339))), e.Seq
			}
		}
	}
	if decided == 0 || a.MoneySeq < decided {
		return ""
	}
	text := fmt.Sprintf("attempt %d at %s: money was seen after it was said that nothing was taken, by %s", a.N, a.Gateway, strings.Join(who, " and "))
	back, open := int64(0), int64(0)
	for _, o := range p.Operations {
		if o.Attempt != a.N || o.Refund != "" || o.Op == payment.OpCapture {
			continue // what the caller asked for
		}
		switch {
		case o.Verdict == providers.Approved:
			back += o.Amount.Minor
		case !o.Settled():
			open += o.Amount.Minor
		}
	}
	sum := func(minor int64) providers.Money {
		return providers.Money{Minor: minor, Currency: p.Amount.Currency}
	}
	kept, ok := p.Kept()
	switch {
	case ok && kept.N == a.N:
		return text + "; it is the payment's money"
	case open > 0:
		return text + fmt.Sprintf("; surplus by this decision, given back %s, being given back %s", sum(back), sum(open))
	}
	return text + fmt.Sprintf("; surplus by this decision, given back %s", sum(back))
}

// Describe tells a fact in words, without personal data or tokens, and names the
// attempt it is about, if any.
func Describe(e payment.Event) (text string, attempt int) {
	switch b := e.Body.(type) {
	case payment.Opened:
		return fmt.Sprintf("asked for %s by %s", b.Amount, methods(b)), 0
	case payment.Planned:
		return fmt.Sprintf("attempt %d at %s by %s as %s%s%s", b.Attempt, b.Gateway, b.Method, b.Reference, skipped(b.Route), forced(b.Route)), b.Attempt
	case payment.Observed:
		text = fmt.Sprintf("%s says %s%s", b.Source, b.Verdict, because(string(b.Reason), b.Code))
		if b.Amount.Currency != "" {
			text += fmt.Sprintf(", %s", b.Amount)
		}
		if b.Action != nil {
			text += fmt.Sprintf(", payer's action: %s", b.Action.Kind)
		}
		return text + noted(b.Note), b.Attempt
	case payment.Closed:
		return fmt.Sprintf("closed: %s%s", b.Evidence.Kind, because(b.Evidence.Detail)), b.Attempt
	case payment.Proposed:
		said := b.Verdict.String()
		if b.Verdict == providers.Unserved {
			said = "not charged" // as the person said it
		}
		return fmt.Sprintf("said to be %s, waiting for a second person%s", said, noted(b.Note)), b.Attempt
	case payment.SwitchRequested:
		return "to be left as soon as it is proved dead: " + b.Reason, b.Attempt
	case payment.CaptureRequested:
		return fmt.Sprintf("capture of %s asked for", b.Amount), 0
	case payment.CancelRequested:
		return "cancel asked for" + noted(b.Reason), 0
	case payment.RefundRequested:
		return fmt.Sprintf("refund of %s asked for%s", b.Amount, noted(b.Reason)), 0
	case payment.OperationPlanned:
		return fmt.Sprintf("%s of %s as operation %d", b.Op, b.Amount, b.Operation), b.Attempt
	case payment.OperationObserved:
		return fmt.Sprintf("operation %d: %s says %s%s%s", b.Operation, b.Source, b.Verdict, because(string(b.Reason), b.Code), noted(b.Note)), 0
	case payment.Noted:
		return fmt.Sprintf("finding %s%s", b.Finding, because(b.Detail)), b.Attempt
	case payment.Finished:
		return fmt.Sprintf("finished: %s%s", b.Outcome, because(string(b.Reason), b.Detail)), 0
	}
	return e.Body.Kind(), 0
}

func methods(b payment.Opened) string {
	var names []string
	for _, m := range b.Methods {
		names = append(names, string(m))
	}
	return strings.Join(names, " or ")
}

// skipped names the gateways that were passed over.
func skipped(route []payment.Choice) string {
	var names []string
	for _, c := range route {
		if !c.Taken && c.Why != WhyCapable {
			names = append(names, c.Gateway+" ("+strings.ReplaceAll(c.Why, "_", " ")+")")
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ", passing over " + strings.Join(names, ", ")
}

// forced names the order that let a payment go to a gateway that was believed to be down.
func forced(route []payment.Choice) string {
	for _, c := range route {
		if c.Taken && c.Detail != "" {
			return ", " + c.Detail
		}
	}
	return ""
}

func because(parts ...string) string {
	var said []string
	for _, p := range parts {
		if p != "" {
			said = append(said, p)
		}
	}
	if len(said) == 0 {
		return ""
	}
	return " (" + strings.Join(said, ", ") + ")"
}

func noted(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}
