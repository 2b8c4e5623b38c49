package kaspi

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
)

func byDeviceID(c *Config) {
	c.DeviceToken = providers.Secret{}
	c.DeviceID, c.TradePointID = "till-1", 12345
}

func TestDeviceIsRegisteredOnceBeforeTheFirstPayment(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.reads("/device/register", "device-register")
		b.reads("/qr/create", "qr-create")
		g := b.gateway(R3, byDeviceID)
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() { is(t, g.Charge(t.Context(), charge(providers.QR)), providers.Pending, providers.AwaitingPayer) })
		}
		both.Wait()
		b.expect("device-register", "qr-create-r3", "qr-create-r3")
	})
}

func TestDeviceThatTheBankForgotIsRegisteredForTheNextPayment(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.reads("/device/register", "device-register")
		g := b.gateway(R3, byDeviceID)
		for _, code := range []int64{-1501, -1502} {
			b.code("/qr/create", code)
			is(t, g.Charge(t.Context(), charge(providers.QR)), providers.Unserved, providers.Misconfigured)
		}
		b.expect("device-register", "qr-create-r3", "device-register", "qr-create-r3")
		fixed := b.gateway(R3)
		for range 2 {
			is(t, fixed.Charge(t.Context(), charge(providers.QR)), providers.Unserved, providers.Misconfigured)
		}
		b.expect("qr-create-r3", "qr-create-r3")
	})
}

func TestNothingIsSentForAPaymentWithoutADevice(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3, byDeviceID)
		for body, want := range map[string]providers.Reason{
			`{"StatusCode":-1503}`:       providers.Misconfigured,
			`{"StatusCode":-1501}`:       providers.Misconfigured,
			`{"StatusCode":-999}`:        providers.Maintenance,
			`{"StatusCode":7}`:           providers.NotSent,
			`{"StatusCode":0,"Data":{}}`: providers.NotSent,
			`<html>`:                     providers.NotSent,
		} {
			b.says("/device/register", 200, body)
			is(t, g.Charge(t.Context(), charge(providers.QR)), providers.Unserved, want)
			is(t, g.Charge(t.Context(), charge(providers.Push)), providers.Unserved, want)
			is(t, g.Cancel(t.Context(), bought(providers.Push)), providers.Unserved, want)
			is(t, g.Refund(t.Context(), refundOf(100, 0)), providers.Unserved, want)
			if result := g.LookupRefund(t.Context(), refundOf(100, 0)); result.Verdict != providers.Unknown || result.Absent {
				t.Errorf("%s: %+v", body, result)
			}
		}
	})
}

func TestSetUpCallsOfAnAccount(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.reads("/partner/tradepoints/"+bookshop, "tradepoints")
		b.reads("/partner/tradepoints", "tradepoints")
		b.reads("/device/register", "device-register")
		b.reads("/device/delete", "device-delete")
		want := []TradePoint{{12345, "Qazaq Books, Abay 150"}, {12346, "Qazaq Books, Dostyk 5"}}
		for _, scheme := range []Scheme{R1, R3} {
			points, result := b.gateway(scheme).TradePoints(t.Context())
			is(t, result, providers.Approved, providers.NoReason)
			if diff := cmp.Diff(want, points); diff != "" {
				t.Error(diff)
			}
		}
		g := b.gateway(R3, byDeviceID)
		token, result := g.RegisterDevice(t.Context())
		is(t, result, providers.Approved, providers.NoReason)
		if token.Reveal() != desk {
			t.Error("another token")
		}
		is(t, b.gateway(R1).DeleteDevice(t.Context()), providers.Approved, providers.NoReason)
		is(t, b.gateway(R3).DeleteDevice(t.Context()), providers.Approved, providers.NoReason)
		b.expect("tradepoints-r1", "tradepoints-r3", "device-register", "device-delete-r1", "device-delete-r3")
		_, result = b.gateway(R3).RegisterDevice(t.Context())
		is(t, result, providers.Unserved, providers.Misconfigured)
		b.silent()
	})
}

func TestPayersNameIsAskedAtMostFiftyTimesAMinute(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.reads("/remote/client-info", "remote-client-info")
		g := b.gateway(R3)
		name, result := g.PayerName(t.Context(), "+77011234567")
		is(t, result, providers.Approved, providers.NoReason)
		if name != "Aigerim S." {
			t.Errorf("name %q", name)
		}
		b.expect("remote-client-info")
		for range 600 {
			if _, result = g.PayerName(t.Context(), "+77011234567"); result.Verdict == providers.Unserved {
				is(t, result, providers.Unserved, providers.Throttled)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if asked := len(b.asked()); asked > 49 || asked < 40 {
			t.Errorf("%d more questions in a minute", asked)
		}
		_, result = g.PayerName(t.Context(), "87011234567")
		is(t, result, providers.Unserved, providers.Unsupported)
		_, result = b.gateway(R1).PayerName(t.Context(), "+77011234567")
		is(t, result, providers.Unserved, providers.Unsupported)
		b.silent()
	})
}

func TestRefundByScanGoesStepByStep(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.reads("/return/create", "return-create")
		b.reads("/return/status/15", "return-status")
		b.reads("/return/operations", "return-operations")
		b.reads("/payment/return", "payment-return")
		g := b.gateway(R2)
		begun := g.BeginReturn(t.Context(), "rf1")
		equal(t, begun, providers.Result{
			Verdict: providers.Pending, Reason: providers.AwaitingPayer, External: "15",
			Action: &providers.Action{Kind: providers.ShowQR, Text: "30120334908127745519930246618820475513777", Expires: expires},
			Until:  expires, AskIn: 5 * time.Second,
		})
		scanned, result := g.ReturnScanned(t.Context(), begun.External)
		is(t, result, providers.Pending, providers.Processing)
		if !scanned {
			t.Error("not scanned")
		}
		purchases, result := g.Returnable(t.Context(), begun.External)
		is(t, result, providers.Approved, providers.NoReason)
		at := time.Date(2021, 12, 8, 6, 35, 48, 156_666_700, time.UTC)
		if want := []Purchase{{External: "12911004518", Amount: price, At: at}}; !slices.Equal(purchases, want) {
			t.Errorf("purchases %+v", purchases)
		}
		equal(t, g.Return(t.Context(), begun.External, refundOf(5000_00, 0)), providers.Result{Verdict: providers.Approved, External: "12911107702"})
		b.expect("return-create", "return-status", "return-operations", "payment-return-r2")
	})
}

func TestRefundByScanWaitsForTheScan(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R2)
		for body, want := range map[string]outcome{
			`{"StatusCode":0,"Data":{"Status":"QrTokenCreated"}}`: {providers.Pending, providers.AwaitingPayer},
			`{"StatusCode":0,"Data":{"Status":"Error"}}`:          {providers.Declined, providers.Expired},
			`{"StatusCode":0,"Data":{"Status":"Processed"}}`:      {providers.Unknown, providers.UnknownCode},
			`{"StatusCode":0,"Data":{}}`:                          {providers.Unknown, providers.UnknownCode},
			`{"StatusCode":-1601}`:                                {providers.Unknown, providers.Ambiguous},
		} {
			b.says("/return/status/15", 200, body)
			scanned, result := g.ReturnScanned(t.Context(), "15")
			is(t, result, want.verdict, want.reason)
			if scanned {
				t.Errorf("%s: scanned", body)
			}
		}
		b.says("/return/create", 200, `{"StatusCode":0,"Data":{"QrToken":"1","QrReturnId":15}}`)
		is(t, g.BeginReturn(t.Context(), "rf1"), providers.Unknown, providers.Unreadable)
		b.says("/return/operations", 200, `{"StatusCode":0,"Data":[{"QrPaymentId":1}]}`)
		_, result := g.Returnable(t.Context(), "15")
		is(t, result, providers.Unknown, providers.Unreadable)
	})
}

func TestRefundByScanBelongsToR2(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		for _, g := range []*Gateway{b.gateway(R1), b.gateway(R3)} {
			is(t, g.BeginReturn(t.Context(), "rf1"), providers.Unserved, providers.Unsupported)
			_, result := g.ReturnScanned(t.Context(), "15")
			is(t, result, providers.Unserved, providers.Unsupported)
			_, result = g.Returnable(t.Context(), "15")
			is(t, result, providers.Unserved, providers.Unsupported)
			is(t, g.Return(t.Context(), "15", refundOf(1, 0)), providers.Unserved, providers.Unsupported)
		}
		g := b.gateway(R2)
		is(t, g.Return(t.Context(), "", refundOf(1, 0)), providers.Unserved, providers.Unsupported)
		is(t, g.Return(t.Context(), "15", refundOf(0, 0)), providers.Unserved, providers.Unsupported)
		is(t, g.Return(t.Context(), "15", providers.Refund{Amount: price}), providers.Unserved, providers.NotFound)
		b.silent()
	})
}
