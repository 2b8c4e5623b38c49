package halyk

import (
	"strconv"

	"github.com/payrouter/payrouter/providers"
)

// class is what one of the bank's codes means for the money.
type class uint8

// The classes. The zero value is the careful one.
const (
	doubtful      class = iota // may have happened: ask for the status
	success                    // carried out
	declined                   // the payer's side said no
	safe                       // refused before any charge: another gateway may be tried
	ours                       // our set-up or our request
	refundRefused              // about refunds only
	refundPending              // about refunds only
	noCards                    // about saved cards only
)

// meaning is what is known of a code.
type meaning struct {
	class class
	// final: the bank marks the code as final. Only then does the answer to a
	// charge or operation settle anything by itself.
	final bool
	// reason is why a charge with the code took nothing. For a doubtful code it
	// holds once the payment's status says FAILED or REJECT.
	reason providers.Reason
}

// The list is the bank's page "kody-oshibok"; what is final is read there for 0 and
// 454 to 479, and for the others carried over by one client. The same numbers come
// as code with HTTP 400 and as reasonCode in status and notices.
//
// Of the refusals by the payer's side, those about money, limits, authentication
// or the issuer's mood are soft: another card or gateway could differ. Those about
// the card itself are hard.
var meanings = index([]row{
	{meaning{success, true, providers.NoReason}, []int{0}},

	// Technical or link error inside the bank or with the card system.
	{meaning{doubtful, false, providers.Maintenance}, []int{100, 293, 690, 1266, 1267, 1268, 1269, 1563, 1564, 1565, 1568, 1569,
		1570, 2032, 2249, 2326, 2358, 2656, 2660, 3013, 3014}},
	{meaning{doubtful, false, providers.Maintenance}, []int{1611}},                   // issuer side failure
	{meaning{doubtful, false, providers.Maintenance}, []int{3240}},                   // repeat the payment
	{meaning{doubtful, true, providers.Maintenance}, []int{458, 497, 502}},           // the server does not answer
	{meaning{doubtful, true, providers.Maintenance}, []int{456, 461, 475, 496, 526}}, // system error
	// The amount may be blocked on the card: no other gateway by itself, even when the
	// status says failed.
	{meaning{doubtful, false, providers.DeclinedHard}, []int{454}}, // a second charge could hold twice
	{meaning{doubtful, true, providers.DeclinedHard}, []int{460}},

	{meaning{declined, true, providers.DeclinedHard}, []int{459, 457, 471, 472, 478, 485, 501, 522}},                 // card data wrong or expired
	{meaning{declined, true, providers.DeclinedSoft}, []int{455, 473, 499, 500, 503, 877}},                           // 3-D Secure
	{meaning{declined, true, providers.DeclinedSoft}, []int{462, 463, 466, 480, 487, 490, 495, 521, 523, 527, 2872}}, // the issuer says no
	{meaning{declined, true, providers.DeclinedHard}, []int{465, 467, 479, 481, 482, 483, 489, 492, 524, 525}},       // blocked, invalid, stolen
	{meaning{declined, true, providers.DeclinedSoft}, []int{468}},                                                    // extra identification
	{meaning{declined, true, providers.DeclinedSoft}, []int{484}},                                                    // not enough money
	{meaning{declined, true, providers.DeclinedSoft}, []int{486}},                                                    // internet purchases off
	{meaning{declined, true, providers.DeclinedSoft}, []int{488, 491, 528}},                                          // amount, frequency, daily limit
	{meaning{declined, true, providers.DeclinedSoft}, []int{469, 477}},                                               // invalid or malformed; maybe our format
	{meaning{declined, true, providers.DeclinedHard}, []int{2740}},                                                   // 15 failed tries in 30 days
	{meaning{declined, true, providers.DeclinedHard}, []int{2357}},                                                   // IIN and phone differ
	{meaning{declined, false, providers.DeclinedHard}, []int{1612, 3339}},                                            // card country, card data

	{meaning{safe, true, providers.Unsupported}, []int{476}},       // this card here again only after 30 minutes
	{meaning{safe, true, providers.Maintenance}, []int{493, 494}},  // issuer unreachable
	{meaning{safe, true, providers.Unsupported}, []int{529, 2678}}, // the terminal's limit
	{meaning{safe, true, providers.Unsupported}, []int{498}},       // bonus payment impossible

	{meaning{ours, true, providers.Misconfigured}, []int{464}},   // merchant not valid
	{meaning{ours, true, providers.Misconfigured}, []int{470}},   // the amount is zero
	{meaning{ours, false, providers.Misconfigured}, []int{3298}}, // description too long

	{meaning{refundRefused, true, providers.Refused}, []int{3141}},     // the contract's refund limit
	{meaning{refundPending, false, providers.Processing}, []int{3225}}, // QR refund in progress
	{meaning{noCards, false, providers.NotFound}, []int{1373}},
})

type row struct {
	meaning meaning
	codes   []int
}

func index(rows []row) map[int]meaning {
	all := map[int]meaning{}
	for _, r := range rows {
		for _, code := range r.codes {
			all[code] = r.meaning
		}
	}
	return all
}

// meaningOf finds a code's meaning. Success is also said as "ok" or by no code at all.
func meaningOf(code text) (meaning, bool) {
	if code == "" || code == "ok" {
		return meanings[0], true
	}
	n, err := strconv.Atoi(string(code))
	m, known := meanings[n]
	return m, err == nil && known
}

// doubt is the Result of a code that settles nothing.
func doubt(code text) providers.Result {
	if _, known := meaningOf(code); known {
		return providers.Doubt(providers.Ambiguous, word(code), nil)
	}
	return providers.Doubt(providers.UnknownCode, word(code), nil)
}

// refusal reads the error code in the answer to a charge. Only a final refusal of the
// payer's side or before any charge is trusted; for all else the status is asked (notes,
// section 6), and what our set-up is blamed for is told to a person meanwhile.
func refusal(code text) providers.Result {
	m, _ := meaningOf(code)
	switch {
	case m.final && (m.class == declined || m.class == safe):
		return taken(m, word(code))
	case m.class == ours:
		return providers.Doubt(m.reason, word(code), nil)
	}
	return doubt(code)
}

// operationRefusal reads the error code in the answer to a capture, void or refund.
func operationRefusal(code text) providers.Result {
	m, _ := meaningOf(code)
	switch {
	case m.class == refundPending:
		return providers.Result{Verdict: providers.Pending, Reason: providers.Processing, Code: word(code)}
	case m.final && (m.class == declined || m.class == refundRefused):
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: word(code)}
	case m.final && m.class == ours:
		return taken(m, word(code))
	}
	return refusal(code)
}

// failure reads the reason of a payment whose status says that it failed. That it
// took nothing is certain; the code only says why, so one that nobody documented
// makes it a plain soft decline. No reason is about the question, which was answered:
// that the bank blames our set-up means that this gateway cannot, and another may.
func failure(code text) providers.Result {
	m, _ := meaningOf(code)
	switch m.class {
	case declined, safe:
		return taken(m, word(code))
	case ours:
		return providers.Result{Verdict: providers.Unserved, Reason: providers.Unsupported, Code: word(code)}
	case doubtful:
		if m.reason != providers.NoReason {
			return taken(m, word(code))
		}
	}
	return providers.Result{Verdict: providers.Declined, Reason: providers.DeclinedSoft, Code: word(code)}
}

// taken is the Result of a charge that is known to have taken nothing.
func taken(m meaning, code string) providers.Result {
	verdict := providers.Unserved
	if m.reason == providers.DeclinedHard || m.reason == providers.DeclinedSoft {
		verdict = providers.Declined
	}
	return providers.Result{Verdict: verdict, Reason: m.reason, Code: code}
}
