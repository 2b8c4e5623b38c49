package server

import (
	"context"
	"strings"
	"testing"
	"time"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
)

func TestAPaymentNamesTheInstrumentItSaved(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr(func(r *pb.CreatePaymentRequest) {
			r.Methods, r.SaveInstrument, r.CustomerId = []pb.Method{pb.Method_METHOD_PAGE}, true, "c-1"
		}))
		if p.GetSavedInstrument() != "" || !p.GetSaveInstrument() {
			t.Fatalf("%v", p)
		}
		d.pay(p)
		name := d.get(p.GetName()).GetSavedInstrument()
		i, err := d.payments.GetInstrument(context.Background(), &pb.GetInstrumentRequest{Name: name})
		d.must(err)
		if i.GetName() != name || i.GetCustomerId() != "c-1" || i.GetMask() != "4405 **** 5096" || i.GetBrand() != "VISA" ||
			len(i.GetTokens()) != 1 || i.GetTokens()[0].GetGateway() != "gateways/kaspi-main" {
			t.Fatalf("%v", i)
		}
		if strings.Contains(i.String(), "token-") {
			t.Fatal("the token left the house")
		}
		charged := d.create(qr(func(r *pb.CreatePaymentRequest) {
			r.Methods, r.Instrument = []pb.Method{pb.Method_METHOD_INSTRUMENT}, name
		}))
		if charged.GetState() != pb.Payment_STATE_PAID || charged.GetInstrument() != name {
			t.Fatalf("%v", charged)
		}
	})
}

func TestADeletedInstrumentIsGoneForEver(t *testing.T) {
	behind(t, func(d *door) {
		name := d.saved("kaspi-main", "c-1")
		ctx := context.Background()
		if _, err := d.payments.DeleteInstrument(as(tenantKey, "other"), &pb.DeleteInstrumentRequest{Name: name}); err == nil {
			t.Fatal("another tenant deleted it")
		}
		_, err := d.payments.DeleteInstrument(ctx, &pb.DeleteInstrumentRequest{Name: name})
		d.must(err)
		if len(d.kaspi.forgot) != 1 {
			t.Fatal("the gateway was not told")
		}
		_, err = d.payments.DeleteInstrument(ctx, &pb.DeleteInstrumentRequest{Name: name})
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_INSTRUMENT_NOT_FOUND); info.GetMetadata()["name"] != name {
			t.Fatalf("metadata %v", info.GetMetadata())
		}
		_, err = d.payments.GetInstrument(ctx, &pb.GetInstrumentRequest{Name: name})
		d.refused(err, pb.ErrorReason_ERROR_REASON_INSTRUMENT_NOT_FOUND)
		_, err = d.payments.CreatePayment(ctx, qr(func(r *pb.CreatePaymentRequest) {
			r.Methods, r.Instrument = []pb.Method{pb.Method_METHOD_INSTRUMENT}, name
		}))
		d.refused(err, pb.ErrorReason_ERROR_REASON_INSTRUMENT_NOT_FOUND)
		page, err := d.payments.ListInstruments(ctx, &pb.ListInstrumentsRequest{CustomerId: "c-1"})
		if err != nil || len(page.GetInstruments()) > 0 {
			t.Fatalf("%v, error %v", page, err)
		}
	})
}

func TestACustomersInstrumentsAreListedNewestFirst(t *testing.T) {
	behind(t, func(d *door) {
		var want []string
		for range 5 {
			time.Sleep(time.Second)
			want = append([]string{d.saved("kaspi-main", "c-1")}, want...)
		}
		d.saved("kaspi-main", "c-2")
		r := &pb.ListInstrumentsRequest{CustomerId: "c-1", PageSize: 2}
		n := 0
		for {
			page, err := d.payments.ListInstruments(context.Background(), r)
			d.must(err)
			for _, i := range page.GetInstruments() {
				if i.GetName() != want[n] {
					t.Fatalf("instrument %d is %s, want %s", n, i.GetName(), want[n])
				}
				n++
			}
			if page.GetNextPageToken() == "" {
				break
			}
			time.Sleep(time.Second)
			d.saved("kaspi-main", "c-1") // newer ones do not move the pages
			r.PageToken = page.GetNextPageToken()
		}
		if n != len(want) {
			t.Fatalf("%d instruments", n)
		}
	})
}

// deaf is a gateway that never says that a token is forgotten.
type deaf struct{ *bank }

func (d deaf) Forget(ctx context.Context, _ providers.Token) providers.Result {
	<-ctx.Done()
	return providers.Doubt(providers.Timeout, "", ctx.Err())
}

func TestAnInstrumentIsForgottenHereThoughItsGatewayTakesAllTheTimeThereIs(t *testing.T) {
	hung := deaf{newBank("kaspi", nil)}
	behind(t, func(d *door) {
		for what, wait := range map[string]func(context.Context) (context.Context, context.CancelFunc){
			"the time ends": func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Second)
			},
			"the caller hangs up": func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(time.Second, cancel)
				return ctx, cancel
			},
		} {
			name := d.saved("kaspi-main", "c-1")
			ctx, cancel := wait(context.Background())
			if _, err := d.payments.DeleteInstrument(ctx, &pb.DeleteInstrumentRequest{Name: name}); err != nil && ctx.Err() == nil {
				t.Errorf("%s: %v", what, err)
			}
			cancel()
			time.Sleep(time.Second)
			_, err := d.payments.GetInstrument(context.Background(), &pb.GetInstrumentRequest{Name: name})
			d.refused(err, pb.ErrorReason_ERROR_REASON_INSTRUMENT_NOT_FOUND)
		}
	}, func(_ *Options, ro *router.Options) { ro.Gateways[0].Provider = hung })
}
