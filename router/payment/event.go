package payment

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Event is one fact about a payment.
type Event struct {
	Seq   int64     // 1 for the first; the journal's primary key together with the payment
	At    time.Time // UTC, to the microsecond
	Actor string    // who: "caller:shop", "router", "gateway:kaspi-main", "operator:aida"
	Body  Body
}

// Body is what an event says. Each kind is one struct of this file.
type Body interface{ Kind() string }

// Opened is the first event: the caller's wish. It holds no personal data.
type Opened struct {
	ID          string             `json:"id"`
	Tenant      string             `json:"tenant"`
	RequestID   string             `json:"request_id"`
	Order       string             `json:"order,omitempty"`
	Amount      providers.Money    `json:"amount"`
	Methods     []providers.Method `json:"methods"`
	TwoStage    bool               `json:"two_stage,omitempty"`
	Instrument  string             `json:"instrument,omitempty"`
	Customer    string             `json:"customer,omitempty"`
	Description string             `json:"description,omitempty"`
	ReturnURL   string             `json:"return_url,omitempty"`
	Save        bool               `json:"save,omitempty"`
	SoftRetry   bool               `json:"soft_retry,omitempty"` // one other gateway after a soft decline
	Gateways    []string           `json:"gateways,omitempty"`   // when set, only these
	Deadline    time.Time          `json:"deadline"`             // no attempt begins and no offer lives after it
}

// Choice says why one gateway was taken or skipped.
type Choice struct {
	Gateway string           `json:"gateway"`
	Method  providers.Method `json:"method,omitempty"`
	Taken   bool             `json:"taken,omitempty"`
	Why     string           `json:"why"` // one of the Why constants of package router
	Detail  string           `json:"detail,omitempty"`
}

// The words of breakers and probes among the reasons of a Choice.
const (
	WhyBreakerOpen  = "breaker_open"
	WhyProbeFailing = "probe_failing"
)

// Unwell reports whether the gateway was passed over because it was believed to be down.
func (c Choice) Unwell() bool {
	return !c.Taken && (c.Why == WhyBreakerOpen || c.Why == WhyProbeFailing)
}

// Planned is an attempt, committed before anything is sent.
type Planned struct {
	Attempt     int              `json:"attempt"` // 1, 2, …
	Gateway     string           `json:"gateway"`
	Provider    string           `json:"provider"`
	Credentials string           `json:"credentials,omitempty"` // the version of the gateway's credentials
	Method      providers.Method `json:"method"`
	Flow        providers.Flow   `json:"flow"`
	Reference   string           `json:"reference"`
	Evidence    []Evidence       `json:"evidence,omitempty"` // why each earlier attempt cannot charge any more
	Route       []Choice         `json:"route,omitempty"`
}

// Observed is something learnt about an attempt, from whatever source.
type Observed struct {
	Attempt  int               `json:"attempt"`
	Source   Source            `json:"source"`
	Asked    time.Time         `json:"asked,omitzero"` // look-up: when the question was put; evidence counts from then
	Lag      time.Duration     `json:"lag,omitzero"`   // look-up: for how long it may show what was before the last step
	Verdict  providers.Verdict `json:"verdict"`
	Reason   providers.Reason  `json:"reason,omitempty"`
	External string            `json:"external,omitempty"`
	Movement string            `json:"movement,omitempty"`
	Amount   providers.Money   `json:"amount,omitzero"`
	Returned providers.Money   `json:"returned,omitzero"`
	Action   *providers.Action `json:"action,omitempty"`
	Absent   bool              `json:"absent,omitempty"`
	Until    time.Time         `json:"until,omitzero"`
	AskIn    time.Duration     `json:"ask_in,omitempty"`
	Code     string            `json:"code,omitempty"`
	Note     string            `json:"note,omitempty"` // an operator's reason
}

// Closed says that an attempt cannot take money any more, and why.
type Closed struct {
	Attempt  int      `json:"attempt"`
	Evidence Evidence `json:"evidence"`
}

// Proposed is a first person's word about an attempt that needs a second person's:
// it changes nothing by itself (FAILOVER section 1, OPERATOR).
type Proposed struct {
	Attempt int               `json:"attempt"`
	Verdict providers.Verdict `json:"verdict"`
	Reason  providers.Reason  `json:"reason,omitempty"`
	Note    string            `json:"note"`
}

// SwitchRequested asks to leave an open offer as soon as it is proved dead.
type SwitchRequested struct {
	Attempt int    `json:"attempt"`
	Reason  string `json:"reason"`
}

// CaptureRequested is the caller's wish to take the held money.
type CaptureRequested struct {
	RequestID string          `json:"request_id"`
	Amount    providers.Money `json:"amount"`
}

// CancelRequested is the caller's wish that no money be taken; from its commit no
// attempt begins, and money that still arrives is given back.
type CancelRequested struct {
	RequestID string `json:"request_id"`
	Reason    string `json:"reason,omitempty"`
}

// RefundRequested is the caller's wish to give money back.
type RefundRequested struct {
	Refund    string          `json:"refund"`
	RequestID string          `json:"request_id"`
	Amount    providers.Money `json:"amount"`
	Reason    string          `json:"reason,omitempty"`
}

// OperationPlanned is an act on an attempt, committed before it is sent.
type OperationPlanned struct {
	Operation int             `json:"operation"` // 1, 2, … over the whole payment
	Op        OperationKind   `json:"op"`
	Attempt   int             `json:"attempt"`
	Amount    providers.Money `json:"amount"`
	Refund    string          `json:"refund,omitempty"`    // the refund it serves; empty for a give-back
	Reference string          `json:"reference,omitempty"` // our own id of a refund at the gateway
	Before    int64           `json:"before,omitempty"`    // minor units known as returned before it
}

// OperationObserved is something learnt about an operation.
type OperationObserved struct {
	Operation int               `json:"operation"`
	Source    Source            `json:"source"`
	Asked     time.Time         `json:"asked,omitzero"` // look-up: when the question was put
	Verdict   providers.Verdict `json:"verdict"`
	Reason    providers.Reason  `json:"reason,omitempty"`
	External  string            `json:"external,omitempty"`
	Absent    bool              `json:"absent,omitempty"`
	Code      string            `json:"code,omitempty"`
	Note      string            `json:"note,omitempty"`
}

// Noted records a finding that no merge rule raises by itself.
type Noted struct {
	Finding FindingKind `json:"finding"`
	Attempt int         `json:"attempt,omitempty"`
	About   string      `json:"about,omitempty"`
	Detail  string      `json:"detail,omitempty"`
}

// Finished says that no attempt will follow and nothing is owed.
type Finished struct {
	Outcome Outcome          `json:"outcome"`
	Reason  providers.Reason `json:"reason,omitempty"`
	Detail  string           `json:"detail,omitempty"`
}

// Outcome is how a payment without money ended.
type Outcome string

// The outcomes of a payment that took no money.
const (
	OutcomeDeclined Outcome = "declined" // the payer's side said no
	OutcomeFailed   Outcome = "failed"   // proved not charged: no gateway, or nobody paid
	OutcomeCanceled Outcome = "canceled" // the caller's wish
)

// Source says where an observation came from.
type Source string

// The sources.
const (
	FromResponse  Source = "response"  // the answer to the request that was sent
	FromLookup    Source = "lookup"    // the answer to a question
	FromNotice    Source = "notice"    // an authentic inbound notice
	FromQuestion  Source = "question"  // the gateway asked first, or reports a debit it asked about
	FromStatement Source = "statement" // the provider's own books
	FromOperator  Source = "operator"  // a named person
	FromRouter    Source = "router"    // ours to say: the call never left, or our veto
)

// The kinds, as stored.
func (Opened) Kind() string            { return "opened" }
func (Planned) Kind() string           { return "planned" }
func (Observed) Kind() string          { return "observed" }
func (Closed) Kind() string            { return "closed" }
func (Proposed) Kind() string          { return "proposed" }
func (SwitchRequested) Kind() string   { return "switch_requested" }
func (CaptureRequested) Kind() string  { return "capture_requested" }
func (CancelRequested) Kind() string   { return "cancel_requested" }
func (RefundRequested) Kind() string   { return "refund_requested" }
func (OperationPlanned) Kind() string  { return "operation_planned" }
func (OperationObserved) Kind() string { return "operation_observed" }
func (Noted) Kind() string             { return "noted" }
func (Finished) Kind() string          { return "finished" }

// EncodeBody writes a body as JSON.
func EncodeBody(b Body) ([]byte, error) { return json.Marshal(b) }

// ErrUnreadable says that a later version wrote an event that this one cannot read. How the
// payment stands is not known here: nothing may be done to it, and another replica can.
var ErrUnreadable = errors.New("an event of a later version")

// DecodeBody reads a body of the given kind. Its errors wrap ErrUnreadable.
func DecodeBody(kind string, data []byte) (Body, error) {
	switch kind {
	case "opened":
		return decode[Opened](data)
	case "planned":
		return decode[Planned](data)
	case "observed":
		return decode[Observed](data)
	case "closed":
		return decode[Closed](data)
	case "proposed":
		return decode[Proposed](data)
	case "switch_requested":
		return decode[SwitchRequested](data)
	case "capture_requested":
		return decode[CaptureRequested](data)
	case "cancel_requested":
		return decode[CancelRequested](data)
	case "refund_requested":
		return decode[RefundRequested](data)
	case "operation_planned":
		return decode[OperationPlanned](data)
	case "operation_observed":
		return decode[OperationObserved](data)
	case "noted":
		return decode[Noted](data)
	case "finished":
		return decode[Finished](data)
	}
	return nil, fmt.Errorf("%w: unknown event kind %q", ErrUnreadable, kind)
}

func decode[B Body](data []byte) (Body, error) {
	var body B
	if err := json.Unmarshal(data, &body); err != nil {
		return body, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return body, nil
}

// Instant cuts a time to what is stored: UTC, microseconds.
func Instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
