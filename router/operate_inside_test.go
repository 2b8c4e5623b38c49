package router

import (
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
)

// The books went back, and the number of a refund that they lost is given to another one: its name
// is another, too. Who asks for the same again gets the same name, under a new id of ours.
func TestARefundHasTheNameOfALostOneOnlyIfItIsTheSame(t *testing.T) {
	name := func(id, request string, minor int64) string {
		wish := payment.RefundRequested{Refund: id, RequestID: request, Amount: providers.Money{Minor: minor, Currency: "KZT"}}
		p := payment.Payment{Opened: payment.Opened{ID: "p", Tenant: "shop"}, Refunds: []payment.Refund{{RefundRequested: wish}}}
		return refundReference(p, 2, payment.OperationPlanned{Op: payment.OpRefund, Refund: id, Amount: wish.Amount})
	}
	lost := name("r", "first wish", 396100)
	if again := name("s", "first wish", 396100); again != lost {
		t.Errorf("the same refund is %s and %s", lost, again)
	}
	if other := name("s", "second wish", 396100); other == lost {
		t.Error("another wish for the same sum has its name")
	}
	if other := name("s", "first wish", 437400); other == lost {
		t.Error("another sum has its name")
	}
}
