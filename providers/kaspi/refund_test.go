package kaspi

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/payrouter/payrouter/providers"
)

func refundOf(minor, before int64) providers.Refund {
	return providers.Refund{Ref: bought(providers.QR), ID: "rf1", Amount: kzt(minor), Before: kzt(before)}
}

func TestRefundGoesBackInOneCall(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.reads("/payment/return", "payment-return")
		equal(t, b.gateway(R3).Refund(t.Context(), refundOf(5000_00, 0)), providers.Result{Verdict: providers.Approved, External: "12911107702"})
		b.expect("payment-return")
	})
}

func TestRefundThatThisSchemeOrMethodDoesNotKnowIsNotSent(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		account := refundOf(5000_00, 0)
		account.Ref.Method = providers.Account // its number is of another system
		is(t, b.gateway(R1).Refund(t.Context(), refundOf(5000_00, 0)), providers.Declined, providers.Refused)
		is(t, b.gateway(R2).Refund(t.Context(), refundOf(5000_00, 0)), providers.Declined, providers.Refused)
		is(t, b.gateway(R3).Refund(t.Context(), account), providers.Declined, providers.Refused)
		is(t, b.gateway(R3).LookupRefund(t.Context(), account), providers.Unknown, providers.Ambiguous)
		is(t, b.gateway(R3).Refund(t.Context(), refundOf(0, 0)), providers.Unserved, providers.Unsupported)
		b.silent()
	})
}

func TestRefundWithALostOrOddAnswerIsInDoubt(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3)
		for _, body := range []string{`{"StatusCode":0}`, `{"StatusCode":0,"Data":{}}`, `{"StatusCode":0,"Data":{"ReturnOperationId":"x"}}`, "", "<html>"} {
			b.says("/payment/return", 200, body)
			is(t, g.Refund(t.Context(), refundOf(5000_00, 0)), providers.Unknown, providers.Unreadable)
		}
		b.does("/payment/return", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		is(t, g.Refund(t.Context(), refundOf(5000_00, 0)), providers.Unknown, providers.Timeout)
		b.says("/payment/return", 502, "")
		is(t, g.Refund(t.Context(), refundOf(5000_00, 0)), providers.Unknown, providers.ServerError)
		if sent := b.asked(); len(sent) != 7 {
			t.Errorf("%d requests for 7 refunds", len(sent))
		}
		b.says("/payment/return", 401, "")
		is(t, g.Refund(t.Context(), refundOf(5000_00, 0)), providers.Unserved, providers.Misconfigured)
		b.listen.Close()
		is(t, g.Refund(t.Context(), refundOf(5000_00, 0)), providers.Unserved, providers.NotSent)
	})
}

func details(total, left string) string {
	return fmt.Sprintf(`{"StatusCode":0,"Data":{"QrPaymentId":12911004518,"TotalAmount":%s,"AvailableReturnAmount":%s}}`, total, left)
}

func TestSumReturnedTellsWhetherARefundWentThrough(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3)
		look := func(left string, before int64) providers.Result {
			b.says("/payment/details", 200, details("15490.00", left))
			return g.LookupRefund(t.Context(), refundOf(5000_00, before))
		}
		doubt := func(returned int64) providers.Result {
			return providers.Result{Reason: providers.Ambiguous, Returned: kzt(returned)}
		}
		absent := doubt(0)
		absent.Absent = true
		equal(t, look("15490.00", 0), absent)
		equal(t, look("10490.00", 0), providers.Result{Verdict: providers.Approved, Returned: kzt(5000_00)})
		equal(t, look(`"5490.00"`, 5000_00), providers.Result{Verdict: providers.Approved, Returned: kzt(10000_00)})
		equal(t, look("10489.99", 0), doubt(5000_01))
		equal(t, look("0", 0), doubt(15490_00))
		equal(t, look("15490.00", 5000_00), doubt(0))
		is(t, look("15490.01", 0), providers.Unknown, providers.Unreadable)
		is(t, look("-1.00", 0), providers.Unknown, providers.Unreadable)
		is(t, look("null", 0), providers.Unknown, providers.Unreadable)
	})
}

func TestRefundBeyondWhatIsLeftIsRefusedOnlyOnceSeen(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3)
		b.code("/payment/return", exceedsPaid)
		refund := func(left string) providers.Result {
			b.says("/payment/details", 200, details("15490.00", left))
			return g.Refund(t.Context(), refundOf(5000_00, 0))
		}
		equal(t, refund("4999.99"), providers.Result{Verdict: providers.Declined, Reason: providers.Refused, Code: "-99000005", Returned: kzt(10490_01)})
		is(t, refund("5000.00"), providers.Unknown, providers.Ambiguous)  // enough is left: a contradiction
		is(t, refund("10490.00"), providers.Unknown, providers.Ambiguous) // it looks carried out
		b.says("/payment/details", 200, "<html>")
		is(t, g.Refund(t.Context(), refundOf(5000_00, 0)), providers.Unknown, providers.Ambiguous)
	})
}

func TestInvoiceIsWithdrawnByAClearWordOnly(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3)
		b.reads("/remote/cancel", "remote-cancel")
		equal(t, g.Cancel(t.Context(), bought(providers.Push)), providers.Result{Verdict: providers.Approved, Code: "RemotePaymentCanceled"})
		b.expect("remote-cancel")
		for _, status := range []string{"Processed", "Error", ""} {
			b.says("/remote/cancel", 200, fmt.Sprintf(`{"StatusCode":0,"Data":{"Status":%q}}`, status))
			is(t, g.Cancel(t.Context(), bought(providers.Push)), providers.Unknown, providers.UnknownCode)
		}
		b.says("/remote/cancel", 200, `{"StatusCode":0}`)
		is(t, g.Cancel(t.Context(), bought(providers.Push)), providers.Unknown, providers.Unreadable)
		b.says("/remote/cancel", 500, `{"StatusCode":0,"Data":{"Status":"RemotePaymentCanceled"}}`)
		is(t, g.Cancel(t.Context(), bought(providers.Push)), providers.Unknown, providers.ServerError)
	})
}

func TestOffersWithoutACancelAreNotCanceled(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		for _, method := range []providers.Method{providers.QR, providers.Link, providers.Account} {
			is(t, b.gateway(R3).Cancel(t.Context(), bought(method)), providers.Declined, providers.Refused)
		}
		is(t, b.gateway(R1).Cancel(t.Context(), bought(providers.Push)), providers.Declined, providers.Refused)
		b.silent()
	})
}
