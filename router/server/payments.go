package server

import (
	"context"
	"strings"

	"google.golang.org/protobuf/proto"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// payments serves internal services. Every request has passed validate.
type payments struct {
	pb.UnimplementedPaymentsServer
	*Server
}

// CreatePayment opens a payment and begins its first attempt.
func (s payments) CreatePayment(ctx context.Context, r *pb.CreatePaymentRequest) (*pb.Payment, error) {
	who := identityOf(ctx)
	wish := router.Wish{
		Opened: opened(who.tenant, r),
		Actor:  who.asCaller(),
		Hash:   s.bodyHash(r),
		Payer: providers.Payer{Phone: r.GetPayer().GetPhone(), Email: r.GetPayer().GetEmail(),
			Name: r.GetPayer().GetDisplayName(), IP: r.GetPayer().GetIpAddress()},
	}
	a := about{name: s.unknownOf(wish.Opened), requestID: wish.RequestID}
	if r.GetValidateOnly() {
		route, err := s.router.Preview(ctx, wish)
		if err != nil {
			return nil, s.refusal(ctx, err, a)
		}
		return s.preview(ctx, wish.Opened, route)
	}
	request := journal.Request{Tenant: who.tenant, ID: wish.RequestID, Kind: "create", Hash: wish.Hash}
	p, err := s.within(ctx, func(ctx context.Context) (payment.Payment, error) { return s.router.Create(ctx, wish) }, s.recorded(request))
	if err != nil {
		return nil, s.refusal(ctx, err, a)
	}
	return s.answer(ctx, p), nil
}

// opened is the caller's wish in our words.
func opened(tenant string, r *pb.CreatePaymentRequest) payment.Opened {
	o := payment.Opened{
		Tenant:      tenant,
		RequestID:   strings.ToLower(r.GetRequestId()),
		Order:       r.GetOrderId(),
		Amount:      moneyIn(r.GetAmount()),
		TwoStage:    r.GetCaptureMode() == pb.CaptureMode_CAPTURE_MODE_MANUAL,
		Customer:    r.GetCustomerId(),
		Description: r.GetDescription(),
		ReturnURL:   r.GetReturnUrl(),
		Save:        r.GetSaveInstrument(),
		SoftRetry:   r.GetSoftDeclineRetry(),
		Deadline:    timeIn(r.GetDeadline()),
	}
	for _, m := range r.GetMethods() {
		o.Methods = append(o.Methods, methodsIn[m])
	}
	o.Instrument, _ = parseInstrument(r.GetInstrument())
	for _, name := range r.GetGateways() {
		gateway, _ := parseGateway(name)
		o.Gateways = append(o.Gateways, gateway)
	}
	return o
}

// unknownOf names the gateway or instrument of the wish that an answer of "not found"
// would be about.
func (s payments) unknownOf(o payment.Opened) string {
	allowed := map[string]bool{}
	for _, rule := range s.router.Tenants[o.Tenant].Rules {
		allowed[rule.Gateway] = true
	}
	for _, name := range o.Gateways {
		if !allowed[name] {
			return gatewayName(name)
		}
	}
	return instrumentName(o.Instrument)
}

// preview is the answer to validate_only: the wish and its route, under no name.
func (s payments) preview(ctx context.Context, o payment.Opened, route []payment.Choice) (*pb.Payment, error) {
	p, err := payment.Payment{}.Apply(payment.Event{Body: o})
	if err != nil {
		return nil, err
	}
	view := s.view(ctx, p)
	view.Name, view.Sequence, view.Etag, view.CreateTime, view.UpdateTime = "", 0, "", nil, nil
	view.Resolution = &pb.Resolution{PayerAdvice: pb.PayerAdvice_PAYER_ADVICE_WAIT}
	view.Route = routeOut(route)
	return view, nil
}

// GetPayment reads a payment. Whoever asks about an open one may cause a look at its gateway.
func (s payments) GetPayment(ctx context.Context, r *pb.GetPaymentRequest) (*pb.Payment, error) {
	p, err := s.read(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	s.router.Refresh(p)
	return s.view(ctx, p), nil
}

// read finds a payment of the caller's tenant by its name.
func (s *Server) read(ctx context.Context, name string) (payment.Payment, error) {
	id, _ := parsePayment(name)
	p, err := s.router.Get(ctx, identityOf(ctx).tenant, id)
	return p, s.refusal(ctx, err, about{name: name})
}

// mostBytes keeps a page below what clients read by default, 4 MiB.
const mostBytes = 3 << 20

// ListPayments reads payments, newest first.
func (s payments) ListPayments(ctx context.Context, r *pb.ListPaymentsRequest) (*pb.ListPaymentsResponse, error) {
	cursor, err := s.timeCursorOf(ctx, r)
	if err != nil {
		return nil, err
	}
	size := pageSize(r.GetPageSize())
	filter := journal.Filter{Tenant: identityOf(ctx).tenant, Status: statesIn[r.GetState()], Order: r.GetOrderId(),
		CreatedFrom: timeIn(r.GetCreateTimeAfter()), CreatedBefore: timeIn(r.GetCreateTimeBefore()), AtRisk: r.GetAtRiskOnly()}
	filter.Gateway, _ = parseGateway(r.GetGateway())
	// One more than asked for tells whether there is a next page.
	found, err := s.router.Journal.List(ctx, filter, cursor, size+1)
	if err != nil {
		return nil, s.refusal(ctx, err, about{})
	}
	page, bytes := &pb.ListPaymentsResponse{}, 0
	for i, p := range found {
		view := s.view(ctx, p)
		if bytes += proto.Size(view); i == size || i > 0 && bytes > mostBytes {
			last := found[i-1]
			page.NextPageToken = s.pageToken(ctx, r, timeCursor(last.Created, last.ID))
			break
		}
		page.Payments = append(page.Payments, view)
	}
	return page, nil
}

// CapturePayment takes money that is held.
func (s payments) CapturePayment(ctx context.Context, r *pb.CapturePaymentRequest) (*pb.Payment, error) {
	c, request := s.command(ctx, r.GetName(), r.GetRequestId(), "capture", r)
	p, err := s.within(ctx, func(ctx context.Context) (payment.Payment, error) {
		return s.router.Capture(ctx, c, moneyIn(r.GetAmount()))
	}, s.recorded(request))
	if err != nil {
		return nil, s.refusal(ctx, err, about{name: r.GetName(), requestID: c.RequestID, payment: p})
	}
	return s.answer(ctx, p), nil
}

// CancelPayment records the wish that no money be taken.
func (s payments) CancelPayment(ctx context.Context, r *pb.CancelPaymentRequest) (*pb.Payment, error) {
	c, request := s.command(ctx, r.GetName(), r.GetRequestId(), "cancel", r)
	p, err := s.within(ctx, func(ctx context.Context) (payment.Payment, error) {
		return s.router.Cancel(ctx, c, r.GetReason())
	}, s.recorded(request))
	if err != nil {
		return nil, s.refusal(ctx, err, about{name: r.GetName(), requestID: c.RequestID, payment: p})
	}
	return s.answer(ctx, p), nil
}

// command is a wish about a payment that exists, and how the books will know it again.
func (s *Server) command(ctx context.Context, name, requestID, kind string, body proto.Message) (router.Command, journal.Request) {
	who := identityOf(ctx)
	id, _ := parsePayment(name)
	c := router.Command{Tenant: who.tenant, Payment: id, Actor: who.asCaller(), RequestID: strings.ToLower(requestID), Hash: s.bodyHash(body)}
	return c, journal.Request{Tenant: c.Tenant, ID: c.RequestID, Kind: kind, Hash: c.Hash}
}
