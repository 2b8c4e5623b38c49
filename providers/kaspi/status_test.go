package kaspi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

func kzt(minor int64) providers.Money { return providers.Money{Minor: minor, Currency: "KZT"} }

func TestPaidPurchaseIsApprovedWithItsSums(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.reads("/payment/details", "payment-details-returned")
		want := providers.Result{Verdict: providers.Approved, Code: "Processed", External: "12911004518", Amount: price, Returned: kzt(5000_00)}
		for _, answer := range []string{"payment-status-processed", "payment-status-v01", "payment-status-strings"} {
			b.reads("/payment/status/12911004518", answer)
			equal(t, b.gateway(R3).Lookup(t.Context(), bought(providers.QR)), want)
			b.expect("payment-status", "payment-details")
		}
		b.reads("/payment/details", "payment-details")
		want.Returned = kzt(0)
		equal(t, b.gateway(R2).Lookup(t.Context(), bought(providers.Link)), want)
	})
}

func TestDetailsThatCannotBeReadTakeNothingAway(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.reads("/payment/status/12911004518", "payment-status-processed")
		for _, body := range []string{`{"StatusCode":-999}`, `{"StatusCode":0,"Data":{}}`, "<html>"} {
			b.says("/payment/details", 200, body)
			equal(t, b.gateway(R3).Lookup(t.Context(), bought(providers.QR)),
				providers.Result{Verdict: providers.Approved, Code: "Processed", External: "12911004518", Amount: price})
		}
	})
}

func TestSchemeR1KnowsNoDetails(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.reads("/payment/status/12911004518", "payment-status-v01")
		g := b.gateway(R1, func(c *Config) { c.StatusVersion = "v01" })
		equal(t, g.Lookup(t.Context(), bought(providers.QR)),
			providers.Result{Verdict: providers.Approved, Code: "Processed", External: "12911004518"})
		b.expect("payment-status-r1")
		is(t, g.LookupRefund(t.Context(), providers.Refund{Ref: bought(providers.QR), Amount: price}), providers.Unknown, providers.Ambiguous)
		b.silent()
	})
}

func TestEveryStatusHasItsMeaning(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3)
		b.code("/payment/details", -1601)
		for status, want := range map[string]outcome{
			"QrTokenCreated":        {providers.Pending, providers.AwaitingPayer},
			"Wait":                  {providers.Pending, providers.PayerConfirming},
			"Processed":             {providers.Approved, providers.NoReason},
			"Error":                 {providers.Declined, providers.CanceledByPayer},
			"RemotePaymentCreated":  {providers.Pending, providers.AwaitingPayer},
			"RemotePaymentCanceled": {providers.Declined, providers.Released},

			"Paid": {providers.Unknown, providers.Ambiguous}, "RemotePaymentPaid": {providers.Unknown, providers.Ambiguous},

			"QrTokenScanned":          {providers.Pending, providers.PayerConfirming},
			"PaymentConfirmation":     {providers.Pending, providers.PayerConfirming},
			"RemotePaymentProcessing": {providers.Pending, providers.PayerConfirming},

			"Expired": {providers.Pending, providers.AwaitingPayer}, "QrTokenDiscarded": {providers.Pending, providers.AwaitingPayer},
			"RemotePaymentExpired": {providers.Pending, providers.AwaitingPayer}, "RemotePaymentRejected": {providers.Pending, providers.AwaitingPayer},
			"CancelledByUser": {providers.Pending, providers.AwaitingPayer}, "CancelledByExternalSource": {providers.Pending, providers.AwaitingPayer},
			"NotConfirmedByUser": {providers.Pending, providers.AwaitingPayer}, "Rejected": {providers.Pending, providers.AwaitingPayer},
			"InsufficientFunds": {providers.Pending, providers.AwaitingPayer}, "InsufficientFundsError": {providers.Pending, providers.AwaitingPayer},
			"ProcessingFailed": {providers.Pending, providers.AwaitingPayer},

			"CustomerIdentityObtained": {providers.Unknown, providers.UnknownCode},
			"processed":                {providers.Unknown, providers.UnknownCode},
			"Refunded":                 {providers.Unknown, providers.UnknownCode},
			"":                         {providers.Unknown, providers.UnknownCode},
		} {
			b.says("/payment/status/12911004518", 200, fmt.Sprintf(`{"StatusCode":0,"Data":{"Status":%q}}`, status))
			result := g.Lookup(t.Context(), bought(providers.QR))
			if result.Verdict != want.verdict || result.Reason != want.reason || result.Code != status {
				t.Errorf("%s: %s %s (code %q)", status, result.Verdict, result.Reason, result.Code)
			}
			if result.Absent || !result.Until.IsZero() {
				t.Errorf("%s: %+v", status, result)
			}
		}
		b.says("/payment/status/12911004518", 200, `{"StatusCode":0,"Data":{"Status":"Paid by Aigerim, +77011234567"}}`)
		if result := g.Lookup(t.Context(), bought(providers.QR)); result.Code != "(unprintable)" || result.Reason != providers.UnknownCode {
			t.Errorf("%+v", result)
		}
	})
}

func TestErrorAfterTheTimeToBeginIsExpiry(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3)
		b.says("/payment/status/12911004518", 200, `{"StatusCode":0,"Data":{"Status":"Error"}}`)
		qr, push := bought(providers.QR), bought(providers.Push)
		look := func(ref providers.Ref, want providers.Reason) {
			t.Helper()
			is(t, g.Lookup(t.Context(), ref), providers.Declined, want)
		}
		time.Sleep(180*time.Second - time.Millisecond)
		look(qr, providers.CanceledByPayer)
		time.Sleep(time.Millisecond)
		look(qr, providers.Expired)
		look(push, providers.CanceledByPayer)
		time.Sleep(24*time.Hour - 180*time.Second)
		look(push, providers.Expired)
	})
}

func TestForeignAmountIsAMismatch(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3)
		b.reads("/payment/details", "payment-details")
		status := func(name, amount string) providers.Result {
			b.says("/payment/status/12911004518", 200, fmt.Sprintf(`{"StatusCode":0,"Data":{"Status":%q,"Amount":%s}}`, name, amount))
			return g.Lookup(t.Context(), bought(providers.QR))
		}
		for _, name := range []string{"Processed", "Paid", "Wait", "Error"} {
			result := status(name, "15490.01")
			is(t, result, providers.Unknown, providers.Mismatch)
			if result.Amount != kzt(15490_01) {
				t.Errorf("%s: amount %s", name, result.Amount)
			}
		}
		is(t, status("Processed", "0"), providers.Unknown, providers.Mismatch)
		is(t, status("Wait", "0.00"), providers.Pending, providers.PayerConfirming)
		is(t, status("Wait", `""`), providers.Pending, providers.PayerConfirming)
		for _, amount := range []string{`"fifteen"`, `1.549e4`, `"15 490"`, `15490.001`, `[15490]`, `{"a":1}`, `true`} {
			is(t, status("Processed", amount), providers.Unknown, providers.Unreadable)
		}
	})
}

func TestDetailsOfAnotherPurchaseAreAMismatch(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3)
		good := answerFile(t, "payment-details")
		for name, body := range map[string]string{
			"other id":     strings.Replace(good, "12911004518", "12911004519", 1),
			"other amount": strings.Replace(good, `"TotalAmount":15490.00`, `"TotalAmount":15491.00`, 1),
		} {
			b.says("/payment/details", 200, body)
			for _, status := range []string{"Processed", "Paid"} {
				b.says("/payment/status/12911004518", 200, fmt.Sprintf(`{"StatusCode":0,"Data":{"Status":%q}}`, status))
				result := g.Lookup(t.Context(), bought(providers.QR))
				if result.Verdict != providers.Unknown || result.Reason != providers.Mismatch || result.Code != status {
					t.Errorf("%s, %s: %+v", name, status, result)
				}
			}
			is(t, g.LookupRefund(t.Context(), providers.Refund{Ref: bought(providers.QR), Amount: price}), providers.Unknown, providers.Mismatch)
		}
	})
}

// Notes, section 4.6: details carry the number. Sums that name no purchase are nobody's,
// and where they alone could say that money moved it did not, as far as we know.
func TestDetailsThatNameNoPurchaseAreNotBelieved(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3)
		for _, number := range []string{``, `"QrPaymentId":null,`, `"QrPaymentId":"",`, `"QrPaymentId":0,`, `"TransactionId":12911004518,`} {
			b.says("/payment/details", 200, `{"StatusCode":0,"Data":{`+number+`"TotalAmount":15490.00,"AvailableReturnAmount":10490.00}}`)
			is(t, g.LookupRefund(t.Context(), refundOf(5000_00, 0)), providers.Unknown, providers.Unreadable)
			b.says("/payment/status/12911004518", 200, `{"StatusCode":0,"Data":{"Status":"Paid","Amount":15490.00}}`)
			is(t, g.Lookup(t.Context(), bought(providers.QR)), providers.Unknown, providers.Unreadable)
			b.code("/payment/return", exceedsPaid)
			is(t, g.Refund(t.Context(), refundOf(12000_00, 0)), providers.Unknown, providers.Ambiguous)
		}
	})
}

// Notes, section 4.5: the answer of v01 is the status alone, and that the TransactionId
// of v02 is our number nobody wrote down.
func TestAStatusNeedNotNameThePurchase(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R1)
		for _, transaction := range []string{``, `,"TransactionId":"12911004518"`, `,"TransactionId":"740012345679"`, `,"TransactionId":null`} {
			b.says("/payment/status/12911004518", 200, `{"StatusCode":0,"Data":{"Status":"Processed","Amount":15490.00`+transaction+`}}`)
			is(t, g.Lookup(t.Context(), bought(providers.QR)), providers.Approved, providers.NoReason)
		}
	})
}

func TestCashiersWordForPaidNeedsDetails(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.says("/payment/status/12911004518", 200, `{"StatusCode":0,"Data":{"Status":"Paid","Amount":15490}}`)
		is(t, b.gateway(R1).Lookup(t.Context(), bought(providers.QR)), providers.Unknown, providers.UnknownCode)
		b.says("/payment/details", 500, "")
		is(t, b.gateway(R3).Lookup(t.Context(), bought(providers.QR)), providers.Unknown, providers.ServerError)
		b.reads("/payment/details", "payment-details")
		equal(t, b.gateway(R3).Lookup(t.Context(), bought(providers.QR)), providers.Result{
			Verdict: providers.Approved, Code: "Paid", External: "12911004518", Amount: price, Returned: kzt(0),
		})
	})
}

func TestUnknownNumberIsNoAbsence(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.reads("/payment/status/12911004518", "payment-status-unknown")
		equal(t, b.gateway(R3).Lookup(t.Context(), bought(providers.QR)), providers.Doubt(providers.Ambiguous, "-1601", nil))
	})
}

func TestNothingIsAskedWithoutANumber(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3)
		for _, external := range []string{"", "12a", "../../partner/tradepoints", "-5", "0", "0129", "99999999999999999999", "१२३"} {
			ref := bought(providers.QR)
			ref.External = external
			is(t, g.Lookup(t.Context(), ref), providers.Unknown, providers.Ambiguous)
			is(t, g.LookupRefund(t.Context(), providers.Refund{Ref: ref, Amount: price}), providers.Unknown, providers.Ambiguous)
			is(t, g.Refund(t.Context(), providers.Refund{Ref: ref, Amount: price}), providers.Unserved, providers.NotFound)
			ref.Method = providers.Push
			is(t, g.Cancel(t.Context(), ref), providers.Unserved, providers.NotFound)
		}
		account := charge(providers.Account).Ref
		is(t, g.Lookup(t.Context(), account), providers.Pending, providers.AwaitingPayer)
		account.External = "740012345679" // debited; a look-up must not turn that back
		is(t, g.Lookup(t.Context(), account), providers.Unknown, providers.Ambiguous)
		b.silent()
	})
}

// Whatever goes wrong with a question, the purchase stays as it was.
func TestFailedQuestionClosesNothing(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		g := b.gateway(R3)
		path := "/payment/status/12911004518"
		for _, status := range []int{301, 400, 401, 403, 404, 410, 429, 500, 503} {
			for _, body := range []string{"", `{"StatusCode":-10000}`, `{"StatusCode":0,"Data":{"Status":"Error"}}`} {
				b.says(path, status, body)
				if result := g.Lookup(t.Context(), bought(providers.QR)); result.Verdict != providers.Unknown || result.Absent {
					t.Errorf("HTTP %d %s: %+v", status, body, result)
				}
			}
		}
		b.does(path, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		began := time.Now()
		is(t, g.Lookup(t.Context(), bought(providers.QR)), providers.Unknown, providers.Timeout)
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("took %s", took)
		}
		b.listen.Close()
		g.Close()
		is(t, g.Lookup(t.Context(), bought(providers.QR)), providers.Unknown, providers.NotSent)
	})
}
