package server

import (
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
)

// rules applies a request's own rules, as the contract's comments give them. It
// reports false for a message that is no request.
func (v *violations) rules(m proto.Message) bool {
	switch r := m.(type) {
	case *pb.CreatePaymentRequest:
		v.createPayment(r)
	case *pb.GetPaymentRequest:
		v.payment("name", r.GetName())
	case *pb.ListPaymentsRequest:
		v.listPayments(r)
	case *pb.CapturePaymentRequest:
		v.payment("name", r.GetName())
		v.requestID(r.GetRequestId())
		v.optionalMoney(r.GetAmount())
	case *pb.CancelPaymentRequest:
		v.payment("name", r.GetName())
		v.requestID(r.GetRequestId())
		v.length("reason", r.GetReason(), 0, 250)
	case *pb.CreateRefundRequest:
		v.payment("parent", r.GetParent())
		v.requestID(r.GetRequestId())
		v.optionalMoney(r.GetAmount())
		v.length("reason", r.GetReason(), 0, 250)
	case *pb.GetRefundRequest:
		if _, _, ok := parseRefund(r.GetName()); !ok {
			v.wrong("name", "is not the name of a refund, payments/{payment}/refunds/{refund}")
		}
	case *pb.ListRefundsRequest:
		v.payment("parent", r.GetParent())
		v.pageSize(r.GetPageSize())
	case *pb.WatchPaymentRequest:
		v.payment("name", r.GetName())
		v.sequence(r.GetAfterSequence())
	case *pb.WatchChangesRequest:
		v.sequence(r.GetAfterSequence())
	case *pb.ListInstrumentsRequest:
		v.length("customer_id", r.GetCustomerId(), 1, 64)
		v.pageSize(r.GetPageSize())
	case *pb.GetInstrumentRequest:
		v.instrument("name", r.GetName())
	case *pb.DeleteInstrumentRequest:
		v.instrument("name", r.GetName())
	default:
		return v.operationsRules(m)
	}
	return true
}

func (v *violations) createPayment(r *pb.CreatePaymentRequest) {
	v.requestID(r.GetRequestId())
	v.length("order_id", r.GetOrderId(), 0, 64)
	if r.GetAmount() == nil {
		v.add(pb.ErrorReason_ERROR_REASON_INVALID_AMOUNT, "amount", "is required")
	} else {
		v.money(r.GetAmount())
	}
	v.methods(r)
	v.customer(r)
	v.payer(r.GetPayer(), r.GetMethods())
	v.length("description", r.GetDescription(), 0, 250)
	if r.GetReturnUrl() != "" {
		v.webAddress("return_url", r.GetReturnUrl())
	}
	if _, known := pb.CaptureMode_name[int32(r.GetCaptureMode())]; !known {
		v.wrong("capture_mode", "is not a mode that this server knows")
	}
	v.instant("deadline", r.GetDeadline())
	for i, name := range r.GetGateways() {
		v.gateway(at("gateways", i), name)
	}
}

func (v *violations) methods(r *pb.CreatePaymentRequest) {
	if len(r.GetMethods()) == 0 {
		v.wrong("methods", "is required")
	}
	seen, byInstrument := map[pb.Method]bool{}, false
	for i, m := range r.GetMethods() {
		switch {
		case m == pb.Method_METHOD_UNSPECIFIED:
			v.wrong(at("methods", i), "is unspecified")
		case methodsIn[m] == "":
			v.wrong(at("methods", i), "is not a method that this server knows")
		case seen[m]:
			v.wrong(at("methods", i), "is named twice")
		}
		seen[m] = true
		byInstrument = byInstrument || m == pb.Method_METHOD_INSTRUMENT
	}
	switch {
	case byInstrument && r.GetInstrument() == "":
		v.wrong("instrument", "is required for METHOD_INSTRUMENT")
	case !byInstrument && r.GetInstrument() != "":
		v.wrong("instrument", "is only allowed with METHOD_INSTRUMENT")
	case r.GetInstrument() != "":
		v.instrument("instrument", r.GetInstrument())
	}
}

// Opaque ids of payers are kept, listed and logged by callers, so the plainest kinds
// of personal data are told by their looks. A bare number may well be an id.
var phoneLike = regexp.MustCompile(`^\+[0-9 ()-]{7,}$`)

func (v *violations) customer(r *pb.CreatePaymentRequest) {
	id := r.GetCustomerId()
	v.length("customer_id", id, 0, 64)
	if strings.Contains(id, "@") || phoneLike.MatchString(id) {
		v.wrong("customer_id", "looks like an e-mail address or a phone number: it must be an opaque id")
	}
	if r.GetSaveInstrument() && id == "" {
		v.wrong("customer_id", "is required with save_instrument")
	}
}

// E.164: a plus sign, a country code that does not begin with zero, 15 digits at most.
var phonePattern = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

func (v *violations) payer(p *pb.Payer, methods []pb.Method) {
	switch {
	case p.GetPhone() != "" && !phonePattern.MatchString(p.GetPhone()):
		v.wrong("payer.phone", "is not a phone number in E.164, for example +77011234567")
	case p.GetPhone() == "" && slices.Contains(methods, pb.Method_METHOD_PUSH):
		v.wrong("payer.phone", "is required for METHOD_PUSH")
	}
	if email := p.GetEmail(); email != "" {
		// 254 characters are all that fits an SMTP path (RFC 5321, section 4.5.3.1.3).
		if parsed, err := mail.ParseAddress(email); err != nil || parsed.Address != email || len(email) > 254 {
			v.wrong("payer.email", "is not an e-mail address")
		}
	}
	v.length("payer.display_name", p.GetDisplayName(), 0, 250)
	if ip := p.GetIpAddress(); ip != "" {
		if parsed, err := netip.ParseAddr(ip); err != nil || parsed.Zone() != "" {
			v.wrong("payer.ip_address", "is not an IPv4 or IPv6 address")
		}
	}
}

func (v *violations) listPayments(r *pb.ListPaymentsRequest) {
	v.pageSize(r.GetPageSize())
	if s := r.GetState(); s != pb.Payment_STATE_UNSPECIFIED && statesIn[s] == "" {
		v.wrong("state", "is not a state that this server knows")
	}
	if r.GetGateway() != "" {
		v.gateway("gateway", r.GetGateway())
	}
	v.length("order_id", r.GetOrderId(), 0, 64)
	v.instant("create_time_after", r.GetCreateTimeAfter())
	v.instant("create_time_before", r.GetCreateTimeBefore())
}

// operationsRules are the rules of the service Operations.
func (v *violations) operationsRules(m proto.Message) bool {
	switch r := m.(type) {
	case *pb.ListGatewaysRequest:
		v.pageSize(r.GetPageSize())
	case *pb.GetGatewayRequest:
		v.gateway("name", r.GetName())
	case *pb.CreateOverrideRequest:
		v.createOverride(r)
	case *pb.EndOverrideRequest:
		if _, _, ok := parseOverride(r.GetName()); !ok {
			v.wrong("name", "is not the name of an override, gateways/{gateway}/overrides/{override}")
		}
		v.length("reason", r.GetReason(), 0, 250)
		if r.GetEtag() != "" {
			v.etag(r.GetEtag())
		}
	case *pb.ListOverridesRequest:
		if r.GetParent() != anyGateway {
			v.gateway("parent", r.GetParent())
		}
		v.pageSize(r.GetPageSize())
	case *pb.ResolveAttemptRequest:
		if _, _, ok := parseAttempt(r.GetName()); !ok {
			v.wrong("name", "is not the name of an attempt, payments/{payment}/attempts/{attempt}")
		}
		if _, ok := wordsIn[r.GetVerdict()]; !ok {
			v.wrong("verdict", "is required: NOT_CHARGED, CHARGED, HELD or DECLINED")
		}
		v.reason("reason", r.GetReason())
		v.etag(r.GetEtag())
	case *pb.ExplainPaymentRequest:
		v.payment("name", r.GetName())
	default:
		return v.financeRules(m)
	}
	return true
}

func (v *violations) createOverride(r *pb.CreateOverrideRequest) {
	v.gateway("parent", r.GetParent())
	if !r.GetValidateOnly() {
		v.requestID(r.GetRequestId())
	}
	o := r.GetOverride()
	if o == nil {
		v.wrong("override", "is required")
		return
	}
	mode, known := modesIn[o.GetMode()]
	if !known || mode == health.Reconcile {
		v.wrong("override.mode", "is required: DRAIN, ADMIT or OBSERVE_ONLY")
	}
	if o.GetMoveOpen() && known && modesOut[mode] != pb.Override_MODE_DRAIN {
		v.wrong("override.move_open", "is only allowed with MODE_DRAIN")
	}
	v.reason("override.reason", o.GetReason())
	v.instant("override.start_time", o.GetStartTime())
	if d := o.GetDuration(); d != nil {
		if length := d.AsDuration(); d.CheckValid() != nil || length <= 0 || length > router.OverrideAtMost {
			v.add(pb.ErrorReason_ERROR_REASON_OVERRIDE_NEEDS_END, "override.duration", "is not more than zero and at most 24 h")
		}
	}
}

// requestID accepts a UUID of any version, in the one usual spelling. The nil UUID is
// what a forgotten value looks like.
func (v *violations) requestID(id string) {
	id = strings.ToLower(id)
	if !uuidPattern.MatchString(id) || strings.Trim(id, "0-") == "" {
		v.add(pb.ErrorReason_ERROR_REASON_REQUEST_ID_REQUIRED, "request_id", "is not a UUID")
	}
}

// mostMinor bounds an amount: thousands of them still add up within 64 bits, and no
// gateway takes anything near it.
const mostMinor = 1_000_000_000_000_000

func (v *violations) money(m *pb.Money) {
	if m.GetMinorUnits() <= 0 {
		v.add(pb.ErrorReason_ERROR_REASON_INVALID_AMOUNT, "amount.minor_units", "is not more than zero")
	}
	if m.GetMinorUnits() > mostMinor {
		v.add(pb.ErrorReason_ERROR_REASON_INVALID_AMOUNT, "amount.minor_units", "is more than 1000000000000000")
	}
	if _, known := providers.Exponent(m.GetCurrencyCode()); !known {
		v.add(pb.ErrorReason_ERROR_REASON_UNKNOWN_CURRENCY, "amount.currency_code", "is not an ISO 4217 code that this server knows")
	}
}

func (v *violations) optionalMoney(m *pb.Money) {
	if m != nil {
		v.money(m)
	}
}

func (v *violations) payment(field, name string) {
	if _, ok := parsePayment(name); !ok {
		v.wrong(field, "is not the name of a payment, payments/{payment}")
	}
}

func (v *violations) instrument(field, name string) {
	if _, ok := parseInstrument(name); !ok {
		v.wrong(field, "is not the name of an instrument, instruments/{instrument}")
	}
}

func (v *violations) gateway(field, name string) {
	if _, ok := parseGateway(name); !ok {
		v.wrong(field, "is not the name of a gateway, gateways/{gateway}")
	}
}

// reason is an operator's: too short a one says nothing to whoever reads the record.
func (v *violations) reason(field, text string) {
	if v.length(field, text, 3, 250); len([]rune(strings.TrimSpace(text))) < 3 {
		v.wrong(field, "has fewer than 3 characters")
	}
}

func (v *violations) etag(text string) {
	if _, ok := parseEtag(text); !ok {
		v.wrong("etag", "is not an etag of this server")
	}
}

func (v *violations) pageSize(n int32) {
	if n < 0 {
		v.wrong("page_size", "is negative")
	}
}

func (v *violations) sequence(n int64) {
	if n < 0 {
		v.wrong("after_sequence", "is negative")
	}
}

// Instants must fit the books, which count microseconds from 1970.
func (v *violations) instant(field string, t *timestamppb.Timestamp) {
	if t != nil && (t.CheckValid() != nil || t.AsTime().Before(time.Unix(0, 0))) {
		v.wrong(field, "is not a time between 1970 and 9999")
	}
}

// webAddress wants what a payer's browser can be sent to. Addresses with a password
// in them are refused: they would be stored and shown.
func (v *violations) webAddress(field, text string) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.Contains(text, " ") {
		v.wrong(field, "is not an absolute http or https URL")
	}
	v.length(field, text, 0, 2048) // what browsers and gateways agree on
}
