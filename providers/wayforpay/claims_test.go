package wayforpay

import (
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

func TestOffersCloseByRemovalOrEndAndNeverByAbsence(t *testing.T) {
	g, err := New(least(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []providers.Method{providers.QR, providers.Link, providers.Page} {
		m := g.Claims().Method(method)
		if m.Flow != providers.Offer || m.Withdraw != providers.Binding || !m.NeverShown || !m.TwoStage || !m.Save {
			t.Errorf("%s: %+v", method, m)
		}
		// An invoice nobody has opened may answer 1127 and be paid a minute later.
		if m.Absent.Counts {
			t.Errorf("%s: absence counts", method)
		}
		// Whoever began to pay before the removal may be seen only afterwards.
		if m.WithdrawWait < time.Minute {
			t.Errorf("%s: a removal is believed after %s", method, m.WithdrawWait)
		}
		// Its life is counted by WayForPay from when the request came, at most a time-out after we sent it.
		if m.Margin <= g.Claims().Timeouts.Create {
			t.Errorf("%s: margin %s", method, m.Margin)
		}
	}
	for _, method := range []providers.Method{providers.Push, providers.Account} {
		if g.Claims().Method(method).Flow != providers.Unclaimed {
			t.Errorf("%s is claimed", method)
		}
	}
}

func TestTokenChargesHaveNumbersOfTheirOwnAndAnAbsentRule(t *testing.T) {
	c := least()
	c.Absent = Absent{After: 5 * time.Minute, Times: 4, Apart: 90 * time.Second}
	g, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	claims := g.Claims()
	m := claims.Method(providers.Instrument)
	if m.Flow != providers.Direct || m.NeverShown || m.Withdraw != providers.NoWithdrawal {
		t.Errorf("claims %+v", m)
	}
	if m.Absent != (providers.AbsentRule{Counts: true, After: 5 * time.Minute, Times: 4, Apart: 90 * time.Second}) {
		t.Errorf("absent %+v", m.Absent)
	}
	direct, offer := claims.ReferenceFor(providers.Instrument), claims.ReferenceFor(providers.Link)
	if direct.Prefix != tokenPrefix || offer.Prefix != "" || direct.Length != 32 || offer.Length != 32 ||
		direct.Kind != providers.Derived || offer.Kind != providers.Derived {
		t.Errorf("references %+v and %+v", direct, offer)
	}
	if claims.Refund.OwnID || !claims.Refund.API || !claims.Refund.Partial || !claims.Capture.Partial || len(claims.Idempotent) > 0 {
		t.Errorf("claims %+v", claims)
	}
	// When a status follows a refund is not documented, and is no matter of charges.
	c.Absent.After = time.Second
	if g, err = New(c, Options{}); err != nil || g.Claims().Refund.SettleWait != 10*time.Minute {
		t.Errorf("a refund may show after %s, %v", g.Claims().Refund.SettleWait, err)
	}
	if claims.Webhook != providers.Signed || claims.WebhookFor != 96*time.Hour || claims.Statement != providers.StatementList {
		t.Errorf("claims %+v", claims)
	}
}
