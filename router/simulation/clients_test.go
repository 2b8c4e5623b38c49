package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/router/payment"
)

// client is a shop's service: it creates payments, repeats what was not answered under
// the same key on any replica, and later captures, cancels or refunds.
type client struct {
	w      *world
	name   string
	tenant string
	draw   *rand.Rand
	ids    *rand.Rand // request ids of payments
	order  int
	at     string // the replica that its first call goes to, or empty
}

// told is one answer that a client got.
type told struct {
	began   time.Time // of the call
	at      time.Time
	key     string // of the payment: tenant and request id
	payment *pb.Payment
	refund  *pb.Refund
}

// about is the payment that the answer was about.
func (t told) about() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(t.payment.GetName()+t.refund.GetName(), "payments/"), "/")
	return name
}

// shop makes payments until its time is over.
func (c *client) shop(n int) {
	for range n {
		pause := between(c.draw, 10*time.Millisecond, 3*time.Second) // sales come in bursts
		if chance(c.draw, 50) {
			pause = between(c.draw, time.Second, 70*time.Second)
		}
		if c.w.wait(context.Background(), pause) != nil {
			return
		}
		c.sell()
	}
}

// sell takes one payment, as clients do, and perhaps does something with it later.
func (c *client) sell() {
	wish := c.wish()
	c.sells(c.tenant+"\x00"+wish.GetRequestId(), wish)
}

// sells is sell of a wish.
func (c *client) sells(key string, wish *pb.CreatePaymentRequest) {
	p := c.create(key, wish)
	if p == nil {
		return
	}
	if chance(c.draw, 30) { // a shop that lost the answer asks again, much later
		_ = c.w.wait(context.Background(), between(c.draw, time.Second, time.Minute))
		c.create(key, wish)
	}
	switch {
	case wish.GetCaptureMode() == pb.CaptureMode_CAPTURE_MODE_MANUAL:
		c.finishHold(key, p)
	case chance(c.draw, 20):
		c.cancel(key, p)
	case chance(c.draw, 60):
		c.refunds(key, p)
	}
}

// wish draws a payment.
func (c *client) wish() *pb.CreatePaymentRequest {
	c.order++
	r := &pb.CreatePaymentRequest{RequestId: drawUUID(c.ids), Amount: &pb.Money{MinorUnits: 100 * (1 + c.draw.Int64N(20000)), CurrencyCode: "KZT"},
		Description: "Order 4711", CustomerId: customer, Payer: &pb.Payer{Phone: phone, Email: email, DisplayName: "Aida S", IpAddress: "203.0.113.7"}}
	if chance(c.draw, 30) {
		r.OrderId = fmt.Sprintf("%s-%d", c.name, c.order/2) // two payments of one order, at times
	}
	methods := pick(c.draw, "card", "card", "card", "card", "card", "card", "token", "token", "token", "token", "token", "qr", "qr", "qr page", "page link", "link", "push", "push page", "push page", "account")
	switch methods {
	case "card", "token":
		r.Methods = append(r.Methods, pb.Method_METHOD_INSTRUMENT)
		cards := c.w.withCards()
		at := cards[map[string]int{"card": 0, "token": 1}[methods]]
		if len(cards) > 2 && chance(c.draw, 40) {
			at = cards[2+c.draw.IntN(len(cards)-2)]
		}
		r.Instrument = "instruments/" + instrument(at)
		if c.tenant != "shop" { // the cards are the first shop's
			r.Methods, r.Instrument = []pb.Method{pb.Method_METHOD_PAGE}, ""
		} else if chance(c.draw, 40) {
			r.Methods = append(r.Methods, pb.Method_METHOD_PAGE, pb.Method_METHOD_QR)
		}
	default:
		for _, m := range strings.Fields(methods) {
			r.Methods = append(r.Methods, pb.Method(pb.Method_value["METHOD_"+strings.ToUpper(m)]))
		}
	}
	if chance(c.draw, 20) && methods != "push" && methods != "account" && methods != "qr" {
		r.CaptureMode = pb.CaptureMode_CAPTURE_MODE_MANUAL
	}
	r.SoftDeclineRetry = chance(c.draw, 20)
	if chance(c.draw, 30) {
		r.Deadline = timestamppb.New(time.Now().Add(between(c.draw, 6*time.Minute, 20*time.Minute)))
	}
	return r
}

// uuid is a request id of the client's own draw.
func (c *client) uuid() string { return drawUUID(c.draw) }

// drawUUID draws one of version 4.
func drawUUID(draw *rand.Rand) string {
	var b [16]byte
	for i := range b {
		b[i] = byte(draw.IntN(256))
	}
	id := uuid.UUID(b)
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id.String()
}

// on calls one of the replicas that are up, as c.
func (c *client) on(do func(context.Context, *process) error) error {
	p := c.w.any(c.draw.IntN(6))
	if first := c.at; first != "" && p != nil {
		c.at, p = "", c.w.processOf(first)
	}
	if p == nil || p.dead.Load() {
		return status.Error(codes.Unavailable, "nobody is up")
	}
	ctx, cancel := context.WithTimeout(context.Background(), between(c.draw, 2*time.Second, 20*time.Second))
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "payrouter-tenant", c.tenant, "payrouter-caller", c.name)
	if err := c.w.wait(ctx, c.w.latency(5*time.Millisecond, c.name, c.draw.Int64(), nil)); err != nil {
		return err
	}
	err := do(ctx, p)
	if err != nil && p.gone() { // which is what it hears, whatever else was on its way at that instant
		return status.Error(codes.Unavailable, "the process is dead")
	}
	return err
}

// persist repeats a call until it is answered, or refused for good.
func (c *client) persist(what string, do func(context.Context, *process) error) error {
	var err error
	for try := range 8 {
		err = c.on(do)
		code := status.Code(err)
		c.w.note("%s: %s is answered %s", c.name, what, code)
		if reason := refusal(err); reason == "REQUEST_ID_REUSED" {
			c.w.violated("I3", "%s: %s is refused, as if its key had been used for something else", c.name, what)
		}
		switch code {
		case codes.OK, codes.InvalidArgument, codes.FailedPrecondition, codes.AlreadyExists, codes.NotFound, codes.OutOfRange:
			return err
		}
		if c.w.wait(context.Background(), between(c.draw, 200*time.Millisecond, 2*time.Second)*time.Duration(try+1)) != nil {
			return err
		}
	}
	return err
}

// refusal is the reason that an error names.
func refusal(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}

func (c *client) create(key string, wish *pb.CreatePaymentRequest) *pb.Payment {
	var lock sync.Mutex
	var got *pb.Payment
	send := func(ctx context.Context, p *process) error {
		began := time.Now()
		answer, err := p.payments.CreatePayment(ctx, wish)
		if err != nil {
			c.refused(err, wish)
			return err
		}
		c.heard(key, began, answer)
		lock.Lock()
		defer lock.Unlock()
		got = answer
		return nil
	}
	if c.w.swarm.doubleClicks && chance(c.draw, 30) {
		twin := &client{w: c.w, name: c.name + "-twin", tenant: c.tenant, draw: rand.New(rand.NewPCG(c.draw.Uint64(), 1))}
		var done sync.WaitGroup
		done.Go(func() { _ = twin.persist("the same create", send) })
		defer done.Wait()
		c.w.count("key sent twice at once")
	}
	_ = c.persist("create", send)
	lock.Lock()
	defer lock.Unlock()
	return got
}

// refused is I2 for a no: what a payment is refused for is in the books.
func (c *client) refused(err error, wish *pb.CreatePaymentRequest) {
	if c.w.swarm.window != "" { // they may have lost it since
		return
	}
	switch refusal(err) {
	case "ORDER_ALREADY_OPEN", "ORDER_ALREADY_PAID":
		if !slices.ContainsFunc(c.w.keep.all(), func(p payment.Payment) bool { return p.Tenant == c.tenant && p.Order == wish.GetOrderId() }) {
			c.w.violated("I2", "%s: create is refused for a payment of the order, and there is none", c.name)
		}
	case "NOT_FOUND":
		c.w.violated("I2", "%s: create is refused for a payment that came before, and there is none", c.name)
	}
}

func (c *client) heard(key string, began time.Time, p *pb.Payment) {
	c.w.note("%s hears %s %d paid %d refunded %d", c.name, p.GetState(), p.GetSequence(), p.GetPaid().GetMinorUnits(), p.GetRefunded().GetMinorUnits())
	c.w.mu.Lock()
	c.w.told = append(c.w.told, told{began: began, at: time.Now(), key: key, payment: p})
	last := len(p.GetAttempts()) - 1
	reference := ""
	if last >= 0 {
		reference = p.GetAttempts()[last].GetReference()
	}
	shown := p.GetAction() != nil && !c.w.handed[reference]
	if shown {
		c.w.handed[reference] = true
	}
	c.w.mu.Unlock()
	if shown { // the shop shows it, and its payer decides
		face := strings.TrimSuffix(strings.TrimPrefix(p.GetAttempts()[last].GetGateway(), "gateways/"), "-main")
		c.w.meet(c.w.draw("payer of "+reference), face, reference, p.GetAction().GetRedirect().GetUrl(), 50*time.Second)
	}
}

func (c *client) get(key, name string) *pb.Payment {
	var got *pb.Payment
	_ = c.persist("get", func(ctx context.Context, p *process) error {
		began := time.Now()
		answer, err := p.payments.GetPayment(ctx, &pb.GetPaymentRequest{Name: name})
		if err == nil {
			c.heard(key, began, answer)
			got = answer
		}
		return err
	})
	return got
}

// finishHold captures or cancels what is held, once it is.
func (c *client) finishHold(key string, p *pb.Payment) {
	for range 6 {
		if p == nil || p.GetState() == pb.Payment_STATE_HELD {
			break
		}
		_ = c.w.wait(context.Background(), between(c.draw, 5*time.Second, 30*time.Second))
		p = c.get(key, p.GetName())
	}
	if p.GetState() != pb.Payment_STATE_HELD {
		return
	}
	if chance(c.draw, 40) {
		c.cancel(key, p)
		return
	}
	request := &pb.CapturePaymentRequest{Name: p.GetName(), RequestId: c.uuid()}
	if chance(c.draw, 40) {
		request.Amount = &pb.Money{MinorUnits: 100 * (1 + c.draw.Int64N(p.GetAmount().GetMinorUnits()/100)), CurrencyCode: "KZT"}
	}
	_ = c.persist("capture", func(ctx context.Context, r *process) error {
		began := time.Now()
		answer, err := r.payments.CapturePayment(ctx, request)
		if err == nil {
			c.heard(key, began, answer)
		}
		return err
	})
	if chance(c.draw, 50) {
		c.refunds(key, p)
	}
}

func (c *client) cancel(key string, p *pb.Payment) {
	_ = c.w.wait(context.Background(), between(c.draw, time.Millisecond, 40*time.Second))
	request := &pb.CancelPaymentRequest{Name: p.GetName(), RequestId: c.uuid(), Reason: "changed their mind"}
	_ = c.persist("cancel", func(ctx context.Context, r *process) error {
		began := time.Now()
		answer, err := r.payments.CancelPayment(ctx, request)
		if err == nil {
			c.heard(key, began, answer)
		}
		return err
	})
}

// refunds gives back parts of a payment, at times two at once and more than there is.
func (c *client) refunds(key string, p *pb.Payment) {
	for range 4 {
		if p == nil || p.GetState() == pb.Payment_STATE_PAID {
			break
		}
		_ = c.w.wait(context.Background(), between(c.draw, 5*time.Second, 40*time.Second))
		p = c.get(key, p.GetName())
	}
	if p.GetState() != pb.Payment_STATE_PAID {
		return
	}
	var all sync.WaitGroup
	for i := range 1 + c.draw.IntN(3) {
		twin := &client{w: c.w, name: fmt.Sprintf("%s-refund%d", c.name, i), tenant: c.tenant, draw: rand.New(rand.NewPCG(c.draw.Uint64(), 2))}
		all.Go(func() { twin.refund(key, p) })
	}
	all.Wait()
}

func (c *client) refund(key string, p *pb.Payment) {
	request := &pb.CreateRefundRequest{Parent: p.GetName(), RequestId: c.uuid(), Reason: "returned goods"}
	if chance(c.draw, 80) {
		most := p.GetPaid().GetMinorUnits() / pick(c.draw, int64(1), 3) // a small one could be made twice
		request.Amount = &pb.Money{MinorUnits: 100 * (1 + c.draw.Int64N(max(1, most/100))), CurrencyCode: "KZT"}
	}
	ask := func(ctx context.Context, r *process) error {
		answer, err := r.payments.CreateRefund(ctx, request)
		if err == nil {
			c.w.note("%s hears refund %s %d", c.name, answer.GetState(), answer.GetAmount().GetMinorUnits())
			c.w.mu.Lock()
			c.w.told = append(c.w.told, told{at: time.Now(), key: key, refund: answer})
			c.w.mu.Unlock()
		}
		return err
	}
	if c.persist("refund", ask) == nil && chance(c.draw, 25) {
		_ = c.persist("the same refund, though it was answered", ask)
	}
	if chance(c.draw, 50) {
		c.get(key, p.GetName())
	}
}
