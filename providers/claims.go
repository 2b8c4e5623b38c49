package providers

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Claims are a provider's promises as data. The router obeys them, payctl
// prints them, and the conformance suite asks the simulator about each. A field
// left zero claims nothing, which is the careful choice.
type Claims struct {
	Provider   string
	Currencies []string // what the account can be paid in
	Reference  ReferenceRule
	Methods    []MethodClaims
	Capture    CaptureClaims
	Refund     RefundClaims
	Webhook    WebhookTrust
	WebhookFor time.Duration // how long the provider repeats an unanswered notice; 0 unknown
	Statement  StatementSource
	Idempotent []IdempotentClaim // operations that may be sent again under the same id
	// StatusShowsAll: a look-up shows every operation on the order; otherwise only the last one.
	StatusShowsAll bool
	// StatusLag is for how long a look-up may still show an offer that waits or a hold after its
	// money was taken; 0: it shows what is.
	StatusLag time.Duration
	// WholeUnits: the gateway can only say amounts without decimals.
	WholeUnits bool
	Timeouts   Timeouts
}

// Timeouts are the adapter's own time limits, from send to the last byte.
type Timeouts struct {
	Charge time.Duration // direct charges and pushes
	Create time.Duration // offers
	Status time.Duration // look-ups
	Refund time.Duration // refund, capture, void
}

// ReferenceRule says how our order number must look.
type ReferenceRule struct {
	Kind   ReferenceKind
	Length int    // longest form, in characters
	Prefix string // a fixed beginning, part of Length
	Unique int    // only this many last characters are compared by the gateway; 0 means all
	// Account is where a counted number may be used once, in the provider's words: a merchant,
	// a terminal. Each gateway counts for itself, so two of them in one account must not meet.
	Account string
}

// Meets reports whether two gateways of one provider, each counting by its rule, could come
// to one number in one account.
func (r ReferenceRule) Meets(other ReferenceRule) bool {
	if r.Kind != Counted || other.Kind != Counted || r.Account == "" || r.Account != other.Account {
		return false
	}
	return r.Unique > 0 || strings.HasPrefix(r.Prefix, other.Prefix) || strings.HasPrefix(other.Prefix, r.Prefix)
}

// ReferenceKind is where an order number comes from.
type ReferenceKind uint8

const (
	// Derived references are a hash of tenant, request id and attempt number, in
	// [a-z0-9]: a repeat after a lost commit meets the first one.
	Derived ReferenceKind = iota
	// Counted references are decimal digits from a counter per gateway.
	Counted
)

// MethodClaims says how one method behaves at this gateway.
type MethodClaims struct {
	Method Method
	Flow   Flow
	// Reference replaces the provider's rule for this method, when its Length is set:
	// a payer types the number of an account payment, so it is short and of digits.
	Reference ReferenceRule
	// OfferLife is the longest an offer stays payable after its creation,
	// confirmation included, when the gateway does not say so itself.
	OfferLife time.Duration
	// Margin is added to an offer's end before a look may prove it dead.
	Margin time.Duration
	// Withdraw says what a cancel of an unpaid offer means.
	Withdraw Withdrawal
	// WithdrawWait is how long after a binding cancel a payment may still show that began
	// before it: only a look after that confirms the cancel.
	WithdrawWait time.Duration
	// NeverShown: when the creation's answer is lost, nobody but us could have
	// handed the offer out, so it closes at once (FAILOVER, NEVER_SHOWN).
	NeverShown bool
	// Absent says whether "no such order" can ever count.
	Absent AbsentRule
	// Schedule is when to ask after sending, the last step repeating; empty means the
	// router's ladder.
	Schedule []time.Duration
	// NoRefund: money that came this way cannot be given back by API, whatever the
	// provider's RefundClaims say of the other ways.
	NoRefund bool
	// Unasked: the provider cannot be asked about what was paid this way, so that a walk tells
	// nothing of it.
	Unasked  bool
	TwoStage bool     // a hold can be asked for
	Save     bool     // can return a token
	Limits   []Limits // of amounts, one for each currency that has any
}

// Limits are the least and the most that a gateway takes in one currency; a zero Money is
// no limit.
type Limits struct{ Min, Max Money }

// Takes reports whether an amount is within the limits of its currency.
func (m MethodClaims) Takes(amount Money) bool {
	for _, l := range m.Limits {
		if l.Min.Currency == amount.Currency && amount.Minor < l.Min.Minor || l.Max.Currency == amount.Currency && amount.Minor > l.Max.Minor {
			return false
		}
	}
	return true
}

// Flow is one of the four shapes of a payment (FAILOVER section 3).
type Flow uint8

// The flows. Unclaimed is the zero value and serves nothing.
const (
	Unclaimed Flow = iota
	Direct         // server to server, the answer is the outcome
	Offer          // page, link or QR that only we hand out
	Pushed         // the gateway contacts the payer itself
	AskFirst       // the payer starts it and the gateway asks us
)

var flowNames = [...]string{"unclaimed", "direct", "offer", "push", "ask_first"}

// String returns the lower-case name.
func (f Flow) String() string {
	if int(f) < len(flowNames) {
		return flowNames[f]
	}
	return fmt.Sprintf("flow(%d)", uint8(f))
}

// MarshalText writes the name: books outlive the order of constants.
func (f Flow) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads a name and refuses any other text.
func (f *Flow) UnmarshalText(text []byte) error {
	for i, name := range flowNames {
		if name == string(text) {
			*f = Flow(i)
			return nil
		}
	}
	return fmt.Errorf("unknown flow %q", text)
}

// Withdrawal says what a cancel of an unpaid offer is worth.
type Withdrawal uint8

// The withdrawals.
const (
	NoWithdrawal Withdrawal = iota // none known: wait for the offer's own end
	Binding                        // documented as binding; a second look confirms it
	Veto                           // the gateway asks us first, so our word ends it
)

// AbsentRule says when "no such order" proves that nothing was taken on.
type AbsentRule struct {
	Counts bool
	After  time.Duration // H: the first such answer must come this long after the last possible send
	Times  int           // how many in a row, at least 2
	Apart  time.Duration // between the first and the last, at least 30 s
}

// CaptureClaims says how holds behave.
type CaptureClaims struct {
	Partial  bool          // less than the hold may be captured; the rest is released
	HoldLife time.Duration // a hold ends by itself after this; 0 unknown
	// Takes says that a hold which ends by itself is captured, and not released: whoever
	// wants the payer to have the money back must void it before.
	Takes bool
}

// RefundClaims says how refunds behave.
type RefundClaims struct {
	API        bool // refunds can be made by API without the payer
	Partial    bool
	OwnID      bool          // the gateway stores our refund id
	SettleWait time.Duration // how long after a lost answer the look-up may still not show the refund
	Min        Money
}

// WebhookTrust says what a notice is worth.
type WebhookTrust uint8

// The trust classes.
const (
	NoWebhook WebhookTrust = iota // none is sent
	HintOnly                      // wakes a look-up, changes nothing by itself
	Signed                        // a valid signature over the body makes it a fact
)

// String returns the lower-case name.
func (w WebhookTrust) String() string { return [...]string{"none", "hint", "signed"}[w] }

// StatementSource says where the provider's own books come from.
type StatementSource string

// The statement sources.
const (
	StatementFile StatementSource = "file" // an export of the cabinet, imported by a person
	StatementList StatementSource = "list" // a list call
	// StatementWalk: each payment of ours is looked up, one by one. What we do not know of, such
	// a statement never shows.
	StatementWalk StatementSource = "walk"
)

// ByCall reports whether the provider's own books can be had by asking for them.
func (s StatementSource) ByCall() bool { return s == StatementList || s == StatementWalk }

// IdempotentClaim names an operation that may be repeated under the same id.
type IdempotentClaim struct {
	Operation string // charge, create, capture, void, refund
	Window    time.Duration
}

// Method returns what is claimed for m; Flow is Unclaimed where nothing is.
func (c Claims) Method(m Method) MethodClaims {
	i := slices.IndexFunc(c.Methods, func(mc MethodClaims) bool { return mc.Method == m })
	if i < 0 {
		return MethodClaims{Method: m}
	}
	return c.Methods[i]
}

// ReferenceFor is the rule for order numbers of payments by m.
func (c Claims) ReferenceFor(m Method) ReferenceRule {
	if rule := c.Method(m).Reference; rule.Length > 0 {
		return rule
	}
	return c.Reference
}

// Carries reports whether the gateway can be paid in the currency.
func (c Claims) Carries(currency string) bool { return slices.Contains(c.Currencies, currency) }

// Refunds reports whether money that was paid by m can be given back by API.
func (c Claims) Refunds(m Method) bool { return c.Refund.API && !c.Method(m).NoRefund }
