package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// What a caller does, again and again.
const (
	flowCharge = "charge" // a saved card, in one call
	flowOffer  = "offer"  // a page is asked for; a notice says that it is paid; the books say so
)

func allFlows() []string { return []string{flowCharge, flowOffer} }

// mainGateway is the gateway of every measurement; the backup is there in outages alone.
const (
	mainGateway   = "wayforpay-main"
	backupGateway = "wayforpay-backup"
)

// patience is how long a caller waits at most.
const patience = 30 * time.Second

// chargeRequest asks for 15 490 tenge from the saved card, for an order of its own.
func chargeRequest() *payrouterv1.CreatePaymentRequest {
	return &payrouterv1.CreatePaymentRequest{
		RequestId: uuid.NewString(), OrderId: uuid.NewString(), Amount: &payrouterv1.Money{MinorUnits: quickSum, CurrencyCode: "KZT"},
		Methods: []payrouterv1.Method{payrouterv1.Method_METHOD_INSTRUMENT}, Instrument: "instruments/" + savedCard, CustomerId: savedCustomer,
		Description: "Books", Payer: &payrouterv1.Payer{Phone: "+77010000000", DisplayName: "Aida", Email: "aida@example.kz", IpAddress: "203.0.113.7"}}
}

// charge takes the money of the saved card and insists on it.
func (p *process) charge(ctx context.Context) (*payrouterv1.Payment, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	payment, err := p.client.CreatePayment(ctx, chargeRequest())
	if err != nil {
		return nil, refusedOr(err)
	}
	return payment, insist(payment)
}

// refusedOr is the error as it came, or the [refusal] that it is.
func refusedOr(err error) error {
	said, ok := status.FromError(err)
	if !ok || said.Code() != codes.ResourceExhausted && said.Code() != codes.Unavailable {
		return err
	}
	for _, detail := range said.Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok {
			return refusal{err, retry.GetRetryDelay().AsDuration()}
		}
	}
	return err // such as a connection that broke
}

// insist is an error unless all the money is there.
func insist(p *payrouterv1.Payment) error {
	if p.GetState() != payrouterv1.Payment_STATE_PAID || p.GetPaid().GetMinorUnits() != quickSum {
		return fmt.Errorf("a payment came to %s", ending(p))
	}
	return nil
}

// ending says what became of a payment, and where.
func ending(p *payrouterv1.Payment) string {
	text := fmt.Sprintf("%s, %s", p.GetState(), p.GetReason())
	for _, a := range p.GetAttempts() {
		text += fmt.Sprintf("; at %s %s, %s, after %s", a.GetGateway(), a.GetVerdict(), a.GetReason(), a.GetUpdateTime().AsTime().Sub(a.GetCreateTime().AsTime()))
	}
	return text
}

// offer asks for a page, lets the gateway report that its payer has paid, and reads the
// payment. A notice is accepted only after it is stored, so the books say PAID at once.
func (p *process) offer(ctx context.Context, notices *http.Client) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request := chargeRequest()
	request.Methods, request.Instrument = []payrouterv1.Method{payrouterv1.Method_METHOD_PAGE}, ""
	payment, err := p.client.CreatePayment(ctx, request)
	if err != nil {
		return refusedOr(err)
	}
	page, err := url.Parse(payment.GetAction().GetRedirect().GetUrl())
	if err != nil {
		return err
	}
	order, ok := strings.CutPrefix(page.Path, payPath)
	if !ok {
		return fmt.Errorf("an offer has no page; it came to %s", ending(payment))
	}
	notice := question{OrderReference: order, Amount: quickPrice, Currency: "KZT"}.answer(true)
	if err := post(ctx, notices, "http://"+p.Webhooks+"/webhooks/"+mainGateway, notice, `"accept"`); err != nil {
		return fmt.Errorf("the notice: %w", err)
	}
	if payment, err = p.client.GetPayment(ctx, &payrouterv1.GetPaymentRequest{Name: payment.GetName()}); err != nil {
		return err
	}
	return insist(payment)
}

// flow is what each caller does.
func (p *process) flow(name string, callers int) (func(context.Context) error, error) {
	switch name {
	case flowCharge:
		return func(ctx context.Context) error { _, err := p.charge(ctx); return err }, nil
	case flowOffer:
		notices := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
		return func(ctx context.Context) error { return p.offer(ctx, notices) }, nil
	}
	return nil, errors.New("there is no flow " + name)
}
