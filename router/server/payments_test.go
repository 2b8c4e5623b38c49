package server

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
)

func TestAPaymentByQRAwaitsItsPayerAndIsPaidByANotice(t *testing.T) {
	behind(t, func(d *door) {
		r := qr(func(r *pb.CreatePaymentRequest) {
			r.OrderId, r.CustomerId, r.Description, r.ReturnUrl = "order-7", "c-1", "Кітап", "https://shop.example/back"
			r.Gateways = []string{"gateways/kaspi-main"}
		})
		p := d.create(r)
		if p.GetState() != pb.Payment_STATE_AWAITING_PAYER || p.GetResolution().GetPayerAdvice() != pb.PayerAdvice_PAYER_ADVICE_WAIT {
			t.Fatalf("state %s, resolution %v", p.GetState(), p.GetResolution())
		}
		a := p.GetAttempts()[0]
		action := p.GetAction()
		if action.GetQr().GetText() != "qr:"+a.GetReference() || action.GetAttempt() != a.GetName() || action.GetSupersedesAttempt() != "" ||
			action.GetGateway() != "gateways/kaspi-main" || action.GetMethod() != pb.Method_METHOD_QR || !action.GetExpireTime().AsTime().Equal(time.Now().Add(3*time.Minute)) {
			t.Fatalf("action %v", action)
		}
		if !a.GetExposed() || len(a.GetClosedBy()) > 0 || a.GetVerdict() != pb.Verdict_VERDICT_PENDING || a.GetReason() != pb.Reason_REASON_AWAITING_PAYER ||
			a.GetProvider() != "kaspi" || a.GetName() != p.GetName()+"/attempts/1" || a.GetOfferExpireTime() == nil {
			t.Fatalf("attempt %v", a)
		}
		if p.GetRequestId() != r.GetRequestId() || p.GetOrderId() != "order-7" || p.GetDescription() != "Кітап" || p.GetReturnUrl() != r.GetReturnUrl() ||
			p.GetCustomerId() != "c-1" || p.GetCaptureMode() != pb.CaptureMode_CAPTURE_MODE_AUTOMATIC || !slices.Equal(p.GetGateways(), r.GetGateways()) ||
			!slices.Equal(p.GetMethods(), r.GetMethods()) || p.GetDeadline() == nil || p.GetCancelTime() != nil {
			t.Fatalf("the caller's own words came back as %v", p)
		}
		if len(p.GetRoute()) != 2 || !p.GetRoute()[0].GetTaken() || p.GetRoute()[1].GetReason() != router.WhyNotAllowed {
			t.Fatalf("route %v", p.GetRoute())
		}
		for _, zero := range []*pb.Money{p.GetHeld(), p.GetPaid(), p.GetRefunded(), p.GetSurplus()} {
			if zero.GetMinorUnits() != 0 || zero.GetCurrencyCode() != "KZT" {
				t.Fatalf("an empty sum is %v", zero)
			}
		}
		d.pay(p)
		paid := d.get(p.GetName())
		if paid.GetState() != pb.Payment_STATE_PAID || paid.GetPaid().GetMinorUnits() != 150000 || paid.GetAction() != nil ||
			paid.GetResolution().GetPayerAdvice() != pb.PayerAdvice_PAYER_ADVICE_NONE || paid.GetResolution().GetResolveByTime() != nil ||
			paid.GetSequence() <= p.GetSequence() || paid.GetEtag() != fmt.Sprintf("%q", fmt.Sprint(paid.GetSequence())) {
			t.Fatalf("paid: %v", paid)
		}
		if !paid.GetAttempts()[0].GetExposed() {
			t.Fatal("an attempt that holds money was called closed, without evidence")
		}
	})
}

func TestARepeatedRequestAnswersWithTheSamePayment(t *testing.T) {
	behind(t, func(d *door) {
		r := d.byInstrument(func(r *pb.CreatePaymentRequest) { r.Gateways = []string{"gateways/kaspi-main", "gateways/halyk-main"} })
		first := d.create(r)
		if first.GetState() != pb.Payment_STATE_PAID || first.GetResolution().GetPayerAdvice() != pb.PayerAdvice_PAYER_ADVICE_NONE {
			t.Fatalf("state %s", first.GetState())
		}
		time.Sleep(time.Hour)
		again := proto.Clone(r).(*pb.CreatePaymentRequest)
		again.Gateways = []string{"gateways/halyk-main", "gateways/kaspi-main"} // order does not matter
		again.CaptureMode = pb.CaptureMode_CAPTURE_MODE_AUTOMATIC               // what unset means
		second := d.create(again)
		if second.GetName() != first.GetName() || len(d.kaspi.charges()) != 1 {
			t.Fatalf("%s, then %s; %d charges", first.GetName(), second.GetName(), len(d.kaspi.charges()))
		}
		again.Amount.MinorUnits++
		_, err := d.payments.CreatePayment(context.Background(), again)
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED); info.GetMetadata()["name"] != first.GetName() {
			t.Fatalf("the first payment is named %q", info.GetMetadata()["name"])
		}
		// Another tenant's same id is another wish.
		other := qr(func(c *pb.CreatePaymentRequest) { c.RequestId = r.GetRequestId() })
		if p, err := d.payments.CreatePayment(as(tenantKey, "other"), other); err != nil || p.GetName() == first.GetName() {
			t.Fatalf("payment %s, error %v", p.GetName(), err)
		}
	})
}

func TestOneOrderHasOnePaymentThatIsOpenOrPaid(t *testing.T) {
	behind(t, func(d *door) {
		ordered := func(r *pb.CreatePaymentRequest) { r.OrderId = "order-7" }
		first := d.create(qr(ordered))
		_, err := d.payments.CreatePayment(context.Background(), qr(ordered))
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_ORDER_ALREADY_OPEN); info.GetMetadata()["payment"] != first.GetName() {
			t.Fatalf("metadata %v", info.GetMetadata())
		}
		d.pay(first)
		_, err = d.payments.CreatePayment(context.Background(), qr(ordered))
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_ORDER_ALREADY_PAID); info.GetMetadata()["payment"] != first.GetName() {
			t.Fatalf("metadata %v", info.GetMetadata())
		}
	})
}

func TestADeclineIsAnAnswerAndNoError(t *testing.T) {
	behind(t, func(d *door) {
		d.kaspi.answer(always(providers.Result{Verdict: providers.Declined, Reason: providers.DeclinedSoft, Code: "51"}))
		p := d.charged()
		if p.GetState() != pb.Payment_STATE_DECLINED || p.GetReason() != pb.Reason_REASON_DECLINED_SOFT || p.GetResolution().GetPayerAdvice() != pb.PayerAdvice_PAYER_ADVICE_USE_ANOTHER_METHOD {
			t.Fatalf("%v", p)
		}
		a := p.GetAttempts()[0]
		if a.GetExposed() || a.GetProviderCode() != "51" || a.GetClosedBy()[0].GetKind() != pb.Evidence_KIND_DECLINED || a.GetClosedBy()[0].GetSource() != pb.Evidence_SOURCE_RESPONSE {
			t.Fatalf("attempt %v", a)
		}
	})
}

func TestWhatIsNotKnownIsProcessingAndNoError(t *testing.T) {
	behind(t, func(d *door) {
		d.kaspi.answer(always(providers.Doubt(providers.Timeout, "", errBroken)))
		d.halyk.claims.Currencies = nil
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		p, err := d.payments.CreatePayment(ctx, d.byInstrument())
		d.must(err)
		r := p.GetResolution()
		if p.GetState() != pb.Payment_STATE_PROCESSING || r.GetReason() != pb.Reason_REASON_TIMEOUT || r.GetPayerAdvice() != pb.PayerAdvice_PAYER_ADVICE_WAIT ||
			r.GetNextCheckTime() == nil || r.GetResolveByTime() == nil || r.GetInReview() {
			t.Fatalf("state %s, resolution %v", p.GetState(), r)
		}
	})
}

func TestALongChargeIsAnsweredShortlyBeforeTheCallersDeadline(t *testing.T) {
	behind(t, func(d *door) {
		d.kaspi.takes = 8 * time.Second
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		r := d.byInstrument()
		p, err := d.payments.CreatePayment(ctx, r)
		d.must(err)
		if took := time.Since(began); took >= 2*time.Second || took < 1900*time.Millisecond {
			t.Fatalf("answered after %s", took)
		}
		if p.GetState() != pb.Payment_STATE_PROCESSING || len(p.GetAttempts()) != 1 {
			t.Fatalf("%v", p)
		}
		time.Sleep(10 * time.Second)
		if after := d.create(r); after.GetState() != pb.Payment_STATE_PAID || after.GetName() != p.GetName() || len(d.kaspi.charges()) != 1 {
			t.Fatalf("the payment stopped with its caller: %s", after.GetState())
		}
	})
}

func TestTheBackupServesWhatTheFirstGatewayRefused(t *testing.T) {
	behind(t, func(d *door) {
		d.kaspi.answer(always(providers.Unsent(errBroken)))
		p := d.create(qr())
		if len(p.GetAttempts()) != 2 || p.GetState() != pb.Payment_STATE_AWAITING_PAYER || p.GetAction().GetGateway() != "gateways/halyk-main" {
			t.Fatalf("%v", p)
		}
		if a := p.GetAttempts()[0]; a.GetExposed() || a.GetClosedBy()[0].GetKind() != pb.Evidence_KIND_NOT_SENT {
			t.Fatalf("attempt %v", a)
		}
		if p.GetAction().GetSupersedesAttempt() != "" {
			t.Fatal("an action supersedes one that was never shown")
		}
	})
}

func TestAnActionThatReplacesAShownOneNamesIt(t *testing.T) {
	behind(t, func(d *door) {
		first := d.create(qr())
		_, err := d.operations.CreateOverride(context.Background(), &pb.CreateOverrideRequest{Parent: "gateways/kaspi-main", RequestId: newID(),
			Override: &pb.Override{Mode: pb.Override_MODE_DRAIN, MoveOpen: true, Reason: "kaspi is down"}})
		d.must(err)
		time.Sleep(2 * time.Minute)
		p := d.get(first.GetName())
		if p.GetAction().GetGateway() != "gateways/halyk-main" || p.GetAction().GetSupersedesAttempt() != first.GetName()+"/attempts/1" {
			t.Fatalf("%v", p)
		}
		if kind := p.GetAttempts()[0].GetClosedBy()[0].GetKind(); kind != pb.Evidence_KIND_WITHDRAWN {
			t.Fatalf("closed by %s", kind)
		}
	})
}

func TestPaymentsThatNobodyCanServeAreRefusedAndNothingIsStored(t *testing.T) {
	for name, c := range map[string]struct {
		request func(*pb.CreatePaymentRequest)
		reason  pb.ErrorReason
		name    string
	}{
		"a method nobody offers":  {func(r *pb.CreatePaymentRequest) { r.Methods = []pb.Method{pb.Method_METHOD_LINK} }, pb.ErrorReason_ERROR_REASON_NO_CAPABLE_GATEWAY, ""},
		"a currency nobody takes": {func(r *pb.CreatePaymentRequest) { r.Amount.CurrencyCode = "JPY" }, pb.ErrorReason_ERROR_REASON_NO_CAPABLE_GATEWAY, ""},
		"an amount nobody can say": {func(r *pb.CreatePaymentRequest) {
			r.Amount.MinorUnits, r.Gateways = 150050, []string{"gateways/halyk-main"}
		}, pb.ErrorReason_ERROR_REASON_AMOUNT_UNSUPPORTED, ""},
		"no time for an offer":   {func(r *pb.CreatePaymentRequest) { r.Deadline = timestamppb.New(time.Now().Add(time.Minute)) }, pb.ErrorReason_ERROR_REASON_DEADLINE_TOO_SHORT, ""},
		"a deadline in the past": {func(r *pb.CreatePaymentRequest) { r.Deadline = timestamppb.New(time.Now().Add(-time.Second)) }, pb.ErrorReason_ERROR_REASON_DEADLINE_TOO_SHORT, ""},
		"a gateway of nobody":    {func(r *pb.CreatePaymentRequest) { r.Gateways = []string{"gateways/kaspi-main", "gateways/nowhere"} }, pb.ErrorReason_ERROR_REASON_GATEWAY_NOT_FOUND, "gateways/nowhere"},
		"an instrument of nobody": {func(r *pb.CreatePaymentRequest) {
			r.Methods, r.Instrument = []pb.Method{pb.Method_METHOD_INSTRUMENT}, "instruments/0190a1b2-0000-7000-8000-000000000000"
		}, pb.ErrorReason_ERROR_REASON_INSTRUMENT_NOT_FOUND, "instruments/0190a1b2-0000-7000-8000-000000000000"},
	} {
		t.Run(name, func(t *testing.T) {
			behind(t, func(d *door) {
				_, err := d.payments.CreatePayment(context.Background(), qr(c.request))
				if info := d.refused(err, c.reason); info.GetMetadata()["name"] != c.name {
					t.Fatalf("metadata %v", info.GetMetadata())
				}
				d.untouched()
			})
		})
	}
}

func TestWhenAllGatewaysAreOutNothingIsSentAndTheSameRequestMayComeAgain(t *testing.T) {
	behind(t, func(d *door) {
		synctest.Wait() // the router has read the books' orders, of which there are none
		now := time.Now()
		d.board.SetOverrides([]health.Override{
			{ID: "1", Gateway: "kaspi-main", Mode: health.Drain, Start: now, End: now.Add(time.Hour)},
			{ID: "2", Gateway: "halyk-main", Mode: health.Drain, Start: now, End: now.Add(time.Hour)}})
		r := qr()
		_, err := d.payments.CreatePayment(context.Background(), r)
		d.refused(err, pb.ErrorReason_ERROR_REASON_ALL_GATEWAYS_UNAVAILABLE)
		for _, detail := range status.Convert(err).Details() {
			if retry, ok := detail.(*errdetails.RetryInfo); ok && (retry.GetRetryDelay().AsDuration() < time.Second || retry.GetRetryDelay().AsDuration() > time.Minute) {
				t.Fatalf("try again in %s", retry.GetRetryDelay().AsDuration())
			}
		}
		d.untouched()
		d.board.SetOverrides(nil)
		time.Sleep(10 * time.Minute) // the ramp
		if p := d.create(r); p.GetState() != pb.Payment_STATE_AWAITING_PAYER {
			t.Fatalf("state %s", p.GetState())
		}
	})
}

func TestValidateOnlyAnswersWithTheRouteAndStoresNothing(t *testing.T) {
	behind(t, func(d *door) {
		r := qr(func(r *pb.CreatePaymentRequest) { r.ValidateOnly = true })
		p := d.create(r)
		if p.GetName() != "" || p.GetSequence() != 0 || p.GetEtag() != "" || p.GetState() == pb.Payment_STATE_UNSPECIFIED || len(p.GetAttempts()) > 0 {
			t.Fatalf("%v", p)
		}
		route := p.GetRoute()
		if len(route) != 2 || !route[0].GetTaken() || route[0].GetGateway() != "gateways/kaspi-main" || route[0].GetMethod() != pb.Method_METHOD_QR || route[1].GetReason() != router.WhyCapable {
			t.Fatalf("route %v", route)
		}
		d.untouched()
		// A payment that nobody can serve is no error here: the route says why.
		r.Methods = []pb.Method{pb.Method_METHOD_LINK}
		if p := d.create(r); len(p.GetRoute()) != 2 || p.GetRoute()[0].GetTaken() || p.GetRoute()[0].GetReason() != router.WhyMethod {
			t.Fatalf("route %v", p.GetRoute())
		}
		r.Gateways = []string{"gateways/nowhere"}
		_, err := d.payments.CreatePayment(context.Background(), r)
		d.refused(err, pb.ErrorReason_ERROR_REASON_GATEWAY_NOT_FOUND)
	})
}

func TestTheLargestAmountPassesThroughExactly(t *testing.T) {
	behind(t, func(d *door) {
		for _, units := range []int64{1, 1e15 - 1, 1e15} {
			p := d.create(qr(func(r *pb.CreatePaymentRequest) { r.Amount.MinorUnits = units }))
			sent := d.kaspi.charges()
			if got := sent[len(sent)-1].Ref.Amount.Minor; got != units || p.GetAmount().GetMinorUnits() != units {
				t.Fatalf("%d became %d at the gateway and %d in the answer", units, got, p.GetAmount().GetMinorUnits())
			}
		}
	})
}

func TestNobodySeesAnotherTenantsPayment(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr())
		ctx := as(tenantKey, "other")
		_, err := d.payments.GetPayment(ctx, &pb.GetPaymentRequest{Name: p.GetName()})
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_NOT_FOUND); info.GetMetadata()["name"] != p.GetName() {
			t.Fatalf("metadata %v", info.GetMetadata())
		}
		_, err = d.payments.CancelPayment(ctx, &pb.CancelPaymentRequest{Name: p.GetName(), RequestId: newID()})
		d.refused(err, pb.ErrorReason_ERROR_REASON_NOT_FOUND)
		page, err := d.payments.ListPayments(ctx, &pb.ListPaymentsRequest{})
		if err != nil || len(page.GetPayments()) > 0 {
			t.Fatalf("%d payments, error %v", len(page.GetPayments()), err)
		}
	})
}

func TestAClosedPaymentSaysWhyItFailed(t *testing.T) {
	behind(t, func(d *door) {
		for range 2 {
			d.kaspi.answer(always(providers.Unsent(errBroken)))
			d.halyk.answer(always(providers.Unsent(errBroken)))
		}
		p := d.create(qr())
		if p.GetState() != pb.Payment_STATE_FAILED || p.GetReason() != pb.Reason_REASON_NO_GATEWAY || p.GetReasonDetail() != "no gateway was left to try after attempt 2 at halyk-main" {
			t.Fatalf("%v", p)
		}
		p = d.create(qr(func(r *pb.CreatePaymentRequest) {
			r.Gateways, r.Deadline = []string{"gateways/kaspi-main"}, timestamppb.New(time.Now().Add(4*time.Minute))
		}))
		p2 := d.create(qr())
		time.Sleep(10 * time.Minute)
		if p := d.get(p2.GetName()); p.GetState() != pb.Payment_STATE_FAILED || p.GetReason() != pb.Reason_REASON_EXPIRED {
			t.Fatalf("%v", p)
		}
		if p.GetAttempts() == nil {
			t.Fatal("no attempt")
		}
	})
}

func TestACallerWhoHangsUpIsNoFaultOfOurs(t *testing.T) {
	behind(t, func(d *door) {
		d.kaspi.takes = 5 * time.Second
		ctx, hangUp := context.WithCancel(context.Background())
		time.AfterFunc(time.Second, hangUp)
		r := d.byInstrument()
		if _, err := d.payments.CreatePayment(ctx, r); status.Code(err) != codes.Canceled {
			t.Fatalf("error %v", err)
		}
		time.Sleep(10 * time.Second)
		if p := d.create(r); p.GetState() != pb.Payment_STATE_PAID || len(d.kaspi.charges()) != 1 {
			t.Fatalf("%v", p)
		}
	})
}
