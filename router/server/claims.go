package server

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
)

// claimLines writes an adapter's honesty card, line by line. What is not claimed says
// "none": the absence of a promise is what on-call must see.
func claimLines(c providers.Claims) []*pb.Gateway_Claim {
	var lines []*pb.Gateway_Claim
	line := func(name, value string) {
		lines = append(lines, &pb.Gateway_Claim{Name: name, Value: value})
	}
	line("currencies", orNone(strings.Join(c.Currencies, " ")))
	line("reference", reference(c.Reference))
	for _, m := range c.Methods {
		methodLines(string(m.Method), m, line)
	}
	line("capture.partial", yes(c.Capture.Partial))
	line("capture.hold_life", duration(c.Capture.HoldLife))
	if c.Capture.Takes {
		line("capture.hold_end", "captured")
	}
	line("refund.api", yes(c.Refund.API))
	line("refund.partial", yes(c.Refund.Partial))
	line("refund.own_id", yes(c.Refund.OwnID))
	line("refund.settle_wait", duration(c.Refund.SettleWait))
	line("refund.min", amount(c.Refund.Min))
	line("webhook.trust", c.Webhook.String())
	line("webhook.repeated_for", duration(c.WebhookFor))
	line("statement", orNone(string(c.Statement)))
	for _, i := range c.Idempotent {
		line("idempotent."+i.Operation, duration(i.Window))
	}
	line("status.shows_all", yes(c.StatusShowsAll))
	line("status.lag", duration(c.StatusLag))
	line("amount.whole_units", yes(c.WholeUnits))
	line("timeout.charge", duration(c.Timeouts.Charge))
	line("timeout.create", duration(c.Timeouts.Create))
	line("timeout.status", duration(c.Timeouts.Status))
	line("timeout.refund", duration(c.Timeouts.Refund))
	return lines
}

func methodLines(name string, m providers.MethodClaims, line func(name, value string)) {
	line(name+".flow", m.Flow.String())
	if m.Reference.Length > 0 {
		line(name+".reference", reference(m.Reference))
	}
	line(name+".offer_life", duration(m.OfferLife))
	line(name+".margin", duration(m.Margin))
	line(name+".withdraw", [...]string{"none", "binding", "veto"}[m.Withdraw])
	if m.WithdrawWait > 0 {
		line(name+".withdraw_wait", duration(m.WithdrawWait))
	}
	line(name+".never_shown", yes(m.NeverShown))
	absent := "never counts"
	if m.Absent.Counts {
		absent = fmt.Sprintf("counts after %s, %d times, %s apart", duration(m.Absent.After), m.Absent.Times, duration(m.Absent.Apart))
	}
	line(name+".absent", absent)
	if m.NoRefund {
		line(name+".refund", "none")
	}
	if m.Unasked {
		line(name+".statement", "none by look-up")
	}
	line(name+".two_stage", yes(m.TwoStage))
	line(name+".save", yes(m.Save))
	line(name+".min", amounts(m.Limits, func(l providers.Limits) providers.Money { return l.Min }))
	line(name+".max", amounts(m.Limits, func(l providers.Limits) providers.Money { return l.Max }))
}

// amounts lists one side of the limits, for the currencies that have it.
func amounts(limits []providers.Limits, side func(providers.Limits) providers.Money) string {
	var texts []string
	for _, l := range limits {
		if side(l).Currency != "" {
			texts = append(texts, side(l).String())
		}
	}
	return orNone(strings.Join(texts, ", "))
}

func reference(r providers.ReferenceRule) string {
	kind := "derived"
	if r.Kind == providers.Counted {
		kind = "counted"
	}
	text := kind + ", up to " + strconv.Itoa(r.Length) + " characters"
	if r.Unique > 0 {
		text += ", the last " + strconv.Itoa(r.Unique) + " compared"
	}
	return text
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func duration(d time.Duration) string {
	if d == 0 {
		return "none"
	}
	if d%time.Second == 0 {
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	return d.String()
}

func amount(m providers.Money) string {
	if m.Currency == "" {
		return "none"
	}
	return m.String()
}

func yes(claimed bool) string {
	if claimed {
		return "yes"
	}
	return "no"
}
