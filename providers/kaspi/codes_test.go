package kaspi

import (
	"context"
	"strconv"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

// The columns of section 6 of the provider notes, code by code. A code that a column
// leaves out must be Unknown there.
var (
	unserved = map[string]outcome{
		"SAFE maintenance": {providers.Unserved, providers.Maintenance},
		"SAFE unsupported": {providers.Unserved, providers.Unsupported},
		"OURS":             {providers.Unserved, providers.Misconfigured},
		"OURS amount":      {providers.Unserved, providers.Unsupported},
		"OURS not found":   {providers.Unserved, providers.NotFound},
		"UNK":              {providers.Unknown, providers.Ambiguous},
		"closed":           {providers.Unknown, providers.ServerError},
		"OURS to ask":      {providers.Unknown, providers.Misconfigured},
		"refused":          {providers.Declined, providers.Refused},
		"":                 {providers.Unknown, providers.UnknownCode},
	}

	everyCode = []int64{
		-999, -10000, -1401, -1404, -1501, -1502, -1503, -1601, -14000002, -99000001, -99000002, -99000003, -99000005,
		-99000006, -99000011, -99000020, 990000018, 990000026, 990000028, 990000029, 990000031, 990000032, 990000033, 99000010,
		// Unknown, and the known ones with the other sign.
		1, -1, 999, 42, -990000018, -99000010, 99000001, 999999999,
	}

	columns = map[string]map[int64]string{
		"create": {
			-999: "SAFE maintenance", -10000: "OURS", -1501: "OURS", -1502: "OURS", -1503: "OURS", -1601: "UNK",
			-14000002: "OURS", -99000002: "OURS", 990000018: "SAFE maintenance", 990000026: "SAFE unsupported",
			990000028: "OURS amount", 990000033: "SAFE unsupported",
		},
		"remote": {
			-999: "UNK", -10000: "OURS", -1401: "OURS", -1404: "SAFE unsupported", -1501: "OURS", -1502: "OURS", -1601: "UNK",
			-99000002: "OURS", 990000018: "SAFE maintenance", 990000028: "OURS amount", 990000029: "SAFE unsupported",
			990000031: "SAFE unsupported", 990000032: "SAFE unsupported", 99000010: "SAFE unsupported",
		},
		"cancel": {
			-999: "UNK", -10000: "OURS", -1401: "UNK", -1404: "UNK", -1501: "OURS", -99000001: "OURS not found",
			-99000002: "OURS", 990000018: "SAFE maintenance",
		},
		"refund": {
			-999: "UNK", -10000: "OURS", -1501: "OURS", -1502: "OURS", -1601: "OURS not found", -99000001: "OURS not found",
			-99000002: "OURS", -99000003: "OURS", -99000005: "UNK", // until details say more, see refund_test
			-99000006: "UNK", -99000011: "OURS", -99000020: "refused", 990000018: "refused",
		},
		"status": {-999: "closed", -10000: "OURS to ask", -1601: "UNK"},
		"set-up": {
			-999: "SAFE maintenance", -10000: "OURS", -1501: "OURS", -1502: "OURS", -1503: "OURS", -14000002: "OURS",
			-99000002: "OURS", 990000018: "SAFE maintenance", 990000026: "SAFE unsupported",
		},
	}
)

func TestEveryCodeHasItsClassPerOperation(t *testing.T) {
	type act func(ctx context.Context, g *Gateway) providers.Result
	refund := providers.Refund{Amount: price}
	for name, op := range map[string]struct {
		column, path string
		scheme       Scheme
		act          act
	}{
		"qr/create": {"create", "/qr/create", R1, func(ctx context.Context, g *Gateway) providers.Result {
			return g.Charge(ctx, charge(providers.QR))
		}},
		"qr/create-link": {"create", "/qr/create-link", R2, func(ctx context.Context, g *Gateway) providers.Result {
			return g.Charge(ctx, charge(providers.Link))
		}},
		"remote/create": {"remote", "/remote/create", R3, func(ctx context.Context, g *Gateway) providers.Result {
			return g.Charge(ctx, charge(providers.Push))
		}},
		"remote/client-info": {"remote", "/remote/client-info", R3, func(ctx context.Context, g *Gateway) providers.Result {
			g.names = newNameLimiter()
			_, result := g.PayerName(ctx, "+77011234567")
			return result
		}},
		"remote/cancel": {"cancel", "/remote/cancel", R3, func(ctx context.Context, g *Gateway) providers.Result {
			return g.Cancel(ctx, bought(providers.Push))
		}},
		"payment/status": {"status", "/payment/status/12911004518", R1, func(ctx context.Context, g *Gateway) providers.Result {
			return g.Lookup(ctx, bought(providers.QR))
		}},
		"payment/details": {"status", "/payment/details", R3, func(ctx context.Context, g *Gateway) providers.Result {
			return g.LookupRefund(ctx, providers.Refund{Ref: bought(providers.QR), Amount: price})
		}},
		"payment/return": {"refund", "/payment/return", R3, func(ctx context.Context, g *Gateway) providers.Result {
			refund.Ref = bought(providers.QR)
			return g.Refund(ctx, refund)
		}},
		"payment/return under r2": {"refund", "/payment/return", R2, func(ctx context.Context, g *Gateway) providers.Result {
			refund.Ref = bought(providers.QR)
			return g.Return(ctx, "15", refund)
		}},
		"return/status": {"status", "/return/status/15", R2, func(ctx context.Context, g *Gateway) providers.Result {
			_, result := g.ReturnScanned(ctx, "15")
			return result
		}},
		"return/create": {"set-up", "/return/create", R2, func(ctx context.Context, g *Gateway) providers.Result {
			return g.BeginReturn(ctx, "rf1")
		}},
		"return/operations": {"set-up", "/return/operations", R2, func(ctx context.Context, g *Gateway) providers.Result {
			_, result := g.Returnable(ctx, "15")
			return result
		}},
		"partner/tradepoints": {"set-up", "/partner/tradepoints", R1, func(ctx context.Context, g *Gateway) providers.Result {
			_, result := g.TradePoints(ctx)
			return result
		}},
		"device/delete": {"set-up", "/device/delete", R3, func(ctx context.Context, g *Gateway) providers.Result {
			return g.DeleteDevice(ctx)
		}},
		"health/ping": {"set-up", "/health/ping", R3, func(ctx context.Context, g *Gateway) providers.Result {
			return g.Probe(ctx)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			atCounter(t, func(t *testing.T, b *bank) {
				g := b.gateway(op.scheme)
				b.code("/payment/details", -999)
				for _, code := range everyCode {
					b.code(op.path, code)
					want := unserved[columns[op.column][code]]
					result := op.act(t.Context(), g)
					if result.Verdict != want.verdict || result.Reason != want.reason {
						t.Errorf("%d: %s %s, want %s %s", code, result.Verdict, result.Reason, want.verdict, want.reason)
					}
					if result.Code != strconv.FormatInt(code, 10) || result.Absent {
						t.Errorf("%d: %+v", code, result)
					}
				}
			})
		})
	}
}

func TestAnswerIsReadWhateverItsSpelling(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3)
		for _, body := range []string{
			`{"StatusCode":-10000}`, `{"statusCode":-10000,"message":"no certificate"}`,
			`{"StatusCode":"-10000","Data":null}`, `{"StatusCode":-10000,"Data":[]}`, `{"StatusCode":-10000,"Data":"what"}`,
		} {
			b.says("/health/ping", 200, body)
			is(t, g.Probe(t.Context()), providers.Unserved, providers.Misconfigured)
		}
	})
}

// Notes, section 6: a body is read with HTTP 200, 400, 401, 403 and 429. What another
// status means of it nobody wrote down, so neither a success nor a refusal is believed.
func TestAnAnswerWithAnHTTPStatusOfNobodysIsDoubt(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3)
		for path, deed := range map[string]struct {
			success string
			do      func() providers.Result
		}{
			"/qr/create":      {"qr-create", func() providers.Result { return g.Charge(t.Context(), charge(providers.QR)) }},
			"/remote/create":  {"remote-create", func() providers.Result { return g.Charge(t.Context(), charge(providers.Push)) }},
			"/remote/cancel":  {"remote-cancel", func() providers.Result { return g.Cancel(t.Context(), bought(providers.Push)) }},
			"/payment/return": {"payment-return", func() providers.Result { return g.Refund(t.Context(), refundOf(5000_00, 0)) }},
			"/payment/status/12911004518": {"payment-status-processed", func() providers.Result {
				return g.Lookup(t.Context(), bought(providers.QR))
			}},
			"/payment/details": {"payment-details", func() providers.Result { return g.LookupRefund(t.Context(), refundOf(5000_00, 0)) }},
		} {
			for _, status := range []int{201, 202, 203, 205, 206, 226, 299, 402, 404, 409, 422, 499} {
				for _, body := range []string{answerFile(t, deed.success), `{"StatusCode":-1501}`, `{"StatusCode":990000018}`} {
					b.says(path, status, body)
					result := deed.do()
					is(t, result, providers.Unknown, providers.Unreadable)
					if result.Code != strconv.Itoa(status) || result.Absent {
						t.Errorf("%s, HTTP %d: %+v", path, status, result)
					}
				}
			}
		}
	})
}

func TestPingShowsTheGatewayAlive(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.reads("/health/ping", "health-ping")
		equal(t, b.gateway(R3).Probe(t.Context()), providers.Result{Verdict: providers.Approved})
		b.expect("health-ping")
		b.says("/health/ping", 403, "")
		is(t, b.gateway(R3).Probe(t.Context()), providers.Unserved, providers.Misconfigured)
		b.says("/health/ping", 502, "")
		is(t, b.gateway(R3).Probe(t.Context()), providers.Unknown, providers.ServerError)
	})
}
