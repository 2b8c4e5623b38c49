package router

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/payrouter/payrouter/router/payment"
)

// Story is a payment with all its facts.
type Story struct {
	Payment  payment.Payment
	Events   []payment.Event
	Evidence []string // why each move to another gateway was safe
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

// Describe tells a fact in words, without personal data or tokens, and names the
// attempt it is about, if any.
func Describe(e payment.Event) (text string, attempt int) {
	switch b := e.Body.(type) {
	case payment.Opened:
		return fmt.Sprintf("asked for %s by %s", b.Amount, methods(b)), 0
	case payment.Planned:
		return fmt.Sprintf("attempt %d at %s by %s as %s%s", b.Attempt, b.Gateway, b.Method, b.Reference, skipped(b.Route)), b.Attempt
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
		return fmt.Sprintf("said to be %s, waiting for a second person%s", b.Verdict, noted(b.Note)), b.Attempt
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
			names = append(names, c.Gateway+" "+c.Why)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ", passing over " + strings.Join(names, ", ")
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
