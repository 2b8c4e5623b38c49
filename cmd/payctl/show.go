package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func (c *client) printPayment(p *payrouterv1.Payment) {
	resolution := p.GetResolution()
	t := c.grid()
	row := func(name, value string) {
		if value != "" {
			t.row(name, value)
		}
	}
	row("payment", p.GetName())
	row("state", stateOf(p))
	row("amount", money(p.GetAmount()))
	row("held", money(p.GetHeld()))
	row("paid", money(p.GetPaid()))
	row("refunded", money(p.GetRefunded()))
	if surplus := money(p.GetSurplus()); surplus != "" {
		row("surplus", surplus+" more than the payment owes: being given back")
	}
	row("order", p.GetOrderId())
	row("reason", and(word(p.GetReason().String(), "REASON_"), p.GetReasonDetail()))
	if asked := when(p.GetCancelTime()); asked != "" {
		if !decided(p) {
			asked += ", and not certain yet"
		}
		row("cancel asked", asked)
	}
	row("tell the payer", advice(resolution.GetPayerAdvice()))
	row("undecided", word(resolution.GetReason().String(), "REASON_"))
	if resolution.GetInReview() {
		row("people", "have been called: nothing automatic is left to decide it")
	}
	row("next look", when(resolution.GetNextCheckTime()))
	if by := when(resolution.GetResolveByTime()); by != "" {
		row("at the latest", by+": decided, or people are called")
	}
	row("saved", p.GetSavedInstrument())
	row("request id", p.GetRequestId())
	row("etag", p.GetEtag())
	t.render()
	c.printAction(p.GetAction())
	c.printAttempts(p)
	if len(p.GetRoute()) > 0 {
		fmt.Fprintln(c.out)
		c.printRoute(p)
	}
}

// printAction says what the payer must do. An offer whose time is over is not dead yet:
// a payer who began in time may still confirm.
func (c *client) printAction(a *payrouterv1.Action) {
	if a == nil {
		return
	}
	expire := a.GetExpireTime()
	switch {
	case expire == nil:
		fmt.Fprintf(c.out, "\nThe payer pays at %s:\n", last(a.GetGateway()))
	case expire.AsTime().Before(time.Now()):
		fmt.Fprintf(c.out, "\nThe payer could begin until %s and no more. Whoever began in time may still pay at %s:\n", when(expire), last(a.GetGateway()))
	default:
		fmt.Fprintf(c.out, "\nThe payer pays at %s, until %s:\n", last(a.GetGateway()), when(expire))
	}
	fmt.Fprintf(c.out, "  %s\n", plain(describeAction(a)))
	if old := a.GetSupersedesAttempt(); old != "" {
		fmt.Fprintf(c.out, "It replaces what attempt %s offered: take that off the payer's screen.\n", last(old))
	}
}

func (c *client) printAttempts(p *payrouterv1.Payment) {
	if len(p.GetAttempts()) == 0 {
		return
	}
	fmt.Fprintln(c.out)
	t := c.grid("ATTEMPT", "GATEWAY", "METHOD", "OUR REFERENCE", "GATEWAY'S ID", "CREDENTIALS", "CODE", "VERDICT", "CAN STILL CHARGE")
	for _, a := range p.GetAttempts() {
		t.row(last(a.GetName()), last(a.GetGateway()), word(a.GetMethod().String(), "METHOD_"), a.GetReference(), a.GetExternalId(),
			a.GetCredentials(), a.GetProviderCode(), verdictOf(p, a), canCharge(a))
	}
	t.render()
}

// verdictOf is what is known about an attempt's money. Money of a payment that ended
// without money came too late, and stays there only while it is surplus.
func verdictOf(p *payrouterv1.Payment, a *payrouterv1.Attempt) string {
	text := and(word(a.GetVerdict().String(), "VERDICT_"), word(a.GetReason().String(), "REASON_"))
	money := a.GetVerdict() == payrouterv1.Verdict_VERDICT_APPROVED || a.GetVerdict() == payrouterv1.Verdict_VERDICT_HELD
	if !money || !decided(p) || p.GetState() == payrouterv1.Payment_STATE_PAID {
		return text
	}
	if p.GetSurplus().GetMinorUnits() > 0 {
		return text + " too late, being given back"
	}
	return text + " too late, given back"
}

// canCharge says whether an attempt without money may still take some, and what
// proves that it cannot.
func canCharge(a *payrouterv1.Attempt) string {
	switch a.GetVerdict() {
	case payrouterv1.Verdict_VERDICT_APPROVED, payrouterv1.Verdict_VERDICT_HELD:
		return ""
	}
	if a.GetExposed() {
		if dies := a.GetOfferExpireTime(); dies != nil {
			return "yes, its offer dies at " + when(dies)
		}
		return "yes"
	}
	var proofs []string
	for _, e := range a.GetClosedBy() {
		proofs = append(proofs, word(e.GetKind().String(), "KIND_"))
	}
	return and("no", strings.Join(proofs, ", "))
}

func (c *client) printRoute(p *payrouterv1.Payment) {
	t := c.grid("ROUTE", "METHOD", "WHY")
	for _, r := range p.GetRoute() {
		t.row(last(r.GetGateway()), word(r.GetMethod().String(), "METHOD_"), why(r.GetReason(), r.GetDetail()))
	}
	t.render()
}

// and joins a word and what is said about it, either of which may be missing.
func and(text, more string) string {
	if text == "" || more == "" {
		return text + more
	}
	return text + ": " + more
}

func describeAction(a *payrouterv1.Action) string {
	switch {
	case a.GetRedirect() != nil:
		return "open " + a.GetRedirect().GetUrl()
	case a.GetQr() != nil:
		return "scan " + cmp.Or(a.GetQr().GetText(), a.GetQr().GetUrl())
	case a.GetForm() != nil:
		return fmt.Sprintf("submit the form (%s) to %s; -o json has its values",
			strings.Join(slices.Sorted(maps.Keys(a.GetForm().GetFields())), ", "), a.GetForm().GetUrl())
	case a.GetWidget() != nil:
		return "run " + a.GetWidget().GetScriptUrl() + " in the shop's page; -o json has its argument"
	case a.GetPush() != nil:
		return fmt.Sprintf("confirm in %s on %s", cmp.Or(a.GetPush().GetService(), "the bank's app"), a.GetPush().GetPhoneMasked())
	case a.GetAccount() != nil:
		return fmt.Sprintf("type %s at %s", a.GetAccount().GetNumber(), a.GetAccount().GetService())
	}
	return "do something that this payctl does not know: it is older than the service"
}
