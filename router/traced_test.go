package router_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/payment"
)

// A look-up tells what it was told, be it about a payment or about a refund.
func TestEveryLookUpSaysInItsTraceWhatCameOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recorder := tracetest.NewSpanRecorder()
		provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder), sdk.WithSampler(sdk.AlwaysSample()))
		h := build(t, func(s *setup) { s.tracer = provider.Tracer("test") })
		p := h.paidAt(wayforpayMain, providers.Link)
		h.fault(sim.Fault{Face: "wayforpay", Op: sim.OpRefund, Kind: sim.FaultActDrop, Times: 1})
		_, _, err := h.router.Refund(context.Background(), command(p), p.Amount, "returned goods")
		h.must(err)
		time.Sleep(10 * time.Minute)
		lookups := 0
		for _, s := range recorder.Ended() {
			if s.Name() != "lookup" {
				continue
			}
			lookups++
			said := map[string]string{}
			for _, a := range s.Attributes() {
				said[string(a.Key)] = a.Value.String()
			}
			if said["payrouter.verdict"] == "" || said["payrouter.outcome"] != "recorded" {
				t.Errorf("a look-up says only %v", said)
			}
		}
		// That the refund was asked for is in no trace here: its caller has none.
		if h.get(p).Refunds[0].State != payment.RefundDone || lookups == 0 {
			t.Errorf("%d look-ups are in traces\n%s", lookups, h.story(h.get(p)))
		}
		if open := len(recorder.Started()) - len(recorder.Ended()); open != 0 {
			t.Errorf("%d spans were never ended", open)
		}
	})
}
