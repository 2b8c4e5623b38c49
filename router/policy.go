package router

import (
	"cmp"
	"hash/fnv"
	"math"
	"slices"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// Rule lets a tenant use a gateway.
type Rule struct {
	Gateway    string
	Priority   int                // lower is tried first
	Weight     int                // among equal priorities, the share of payments that try it first; 0 means 1
	Methods    []providers.Method // when set, only these
	Currencies []string           // when set, only these
	Min, Max   int64              // minor units; 0 means no limit
}

// Why a gateway was taken or skipped: part of the API's route.
const (
	WhyTaken        = "taken"
	WhyCapable      = "capable" // could be taken; another came first
	WhyNotAllowed   = "not_allowed"
	WhyMethod       = "method"
	WhyCurrency     = "currency"
	WhyAmount       = "amount"
	WhyTwoStage     = "two_stage"
	WhyNoToken      = "no_token"
	WhyTried        = "tried"
	WhyDeadline     = "deadline"
	WhyDrained      = "drained"
	WhyBreakerOpen  = payment.WhyBreakerOpen
	WhyProbeFailing = payment.WhyProbeFailing
	WhyRamping      = "ramping"
	WhyBusy         = "busy"
	WhyThrottled    = "throttled"
	WhyUsedUp       = "used_up"   // it has no order numbers left
	WhyReconcile    = "reconcile" // the books lost a window that nobody has reconciled yet
	WhyClock        = "clock"     // this replica's clock is wrong; another may serve
)

// isHealthReason reports whether a gateway with this word could serve the payment at
// another time.
func isHealthReason(why string) bool {
	switch why {
	case WhyDrained, WhyBreakerOpen, WhyProbeFailing, WhyRamping, WhyBusy, WhyThrottled, WhyReconcile, WhyClock:
		return true
	}
	return false
}

// Candidate is a gateway that can serve the payment, with the way to pay there.
type Candidate struct {
	Gateway string
	Method  providers.Method
	Flow    providers.Flow
}

// Rank orders the gateways that can serve the payment and says why the others
// cannot. It is pure: health is asked afterwards. Equal priorities are ordered
// by weight with the payment's id as the dice, so every replica agrees.
func Rank(p payment.Payment, rules []Rule, claims func(string) providers.Claims, tokens map[string]bool, now time.Time) ([]Candidate, []payment.Choice) {
	type ranked struct {
		Candidate
		priority int
		draw     float64
	}
	var fit []ranked
	var skipped []payment.Choice
	for _, rule := range rules {
		method, why, detail := fits(p, rule, claims(rule.Gateway), tokens, now)
		if why != "" {
			skipped = append(skipped, payment.Choice{Gateway: rule.Gateway, Method: method.Method, Why: why, Detail: detail})
			continue
		}
		fit = append(fit, ranked{Candidate{rule.Gateway, method.Method, method.Flow}, rule.Priority, draw(p.ID, rule)})
	}
	slices.SortStableFunc(fit, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.draw, b.draw))
	})
	candidates := make([]Candidate, len(fit))
	for i, f := range fit {
		candidates[i] = f.Candidate
	}
	return candidates, skipped
}

// fits finds the first of the caller's methods that the gateway can serve.
func fits(p payment.Payment, rule Rule, c providers.Claims, tokens map[string]bool, now time.Time) (m providers.MethodClaims, why, detail string) {
	switch {
	case len(p.Gateways) > 0 && !slices.Contains(p.Gateways, rule.Gateway):
		return m, WhyNotAllowed, "the caller names other gateways"
	case !c.Carries(p.Amount.Currency) || len(rule.Currencies) > 0 && !slices.Contains(rule.Currencies, p.Amount.Currency):
		return m, WhyCurrency, p.Amount.Currency
	case rule.Min > 0 && p.Amount.Minor < rule.Min || rule.Max > 0 && p.Amount.Minor > rule.Max:
		return m, WhyAmount, "outside the tenant's limits"
	case c.WholeUnits && hasFraction(p.Amount):
		return m, WhyAmount, "the gateway knows whole units only"
	}
	for _, a := range p.Attempts {
		if a.Gateway == rule.Gateway {
			return m, WhyTried, ""
		}
	}
	why = WhyMethod
	for _, wanted := range p.Methods {
		claimed := c.Method(wanted)
		switch {
		case claimed.Flow == providers.Unclaimed, len(rule.Methods) > 0 && !slices.Contains(rule.Methods, wanted):
			continue
		case p.TwoStage && !claimed.TwoStage:
			why = WhyTwoStage
		case !claimed.Takes(p.Amount):
			why = WhyAmount
		case wanted == providers.Instrument && !tokens[rule.Gateway]:
			why = WhyNoToken
		case claimed.Flow != providers.Direct && claimed.Flow != providers.AskFirst && claimed.OfferLife > 0 && now.Add(claimed.OfferLife).After(p.Deadline):
			why, detail = WhyDeadline, "its offers live "+claimed.OfferLife.String()
		default:
			return claimed, "", ""
		}
		m = claimed
	}
	return m, why, detail
}

func hasFraction(m providers.Money) bool {
	exponent, _ := providers.Exponent(m.Currency)
	unit := int64(1)
	for range exponent {
		unit *= 10
	}
	return m.Minor%unit != 0
}

// draw is a weighted dice by rendezvous hashing: the smallest draw wins, and -ln(u)/w
// of an even u in (0, 1) is smallest with a probability in proportion to w.
func draw(id string, rule Rule) float64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	h.Write([]byte{0})
	h.Write([]byte(rule.Gateway))
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	u := (float64(x>>11) + 0.5) / (1 << 53)
	return -math.Log(u) / float64(max(rule.Weight, 1))
}
