package server

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
)

func TestEveryKindOfActionReachesTheCaller(t *testing.T) {
	behind(t, func(d *door) {
		for kind, c := range map[providers.ActionKind]struct {
			action providers.Action
			holds  func(*pb.Action) bool
		}{
			providers.Redirect: {providers.Action{URL: "https://bank.example/1"}, func(a *pb.Action) bool { return a.GetRedirect().GetUrl() == "https://bank.example/1" }},
			providers.ShowQR:   {providers.Action{Text: "t", URL: "u"}, func(a *pb.Action) bool { return a.GetQr().GetText() == "t" && a.GetQr().GetUrl() == "u" }},
			providers.SubmitForm: {providers.Action{URL: "u", Fields: map[string]string{"k": "v"}}, func(a *pb.Action) bool {
				return a.GetForm().GetFields()["k"] == "v" && a.GetForm().GetMethod() == "POST" && a.GetForm().GetUrl() == "u"
			}},
			providers.RunWidget: {providers.Action{URL: "u", Text: "{}"}, func(a *pb.Action) bool {
				return a.GetWidget().GetScriptUrl() == "u" && a.GetWidget().GetObjectJson() == "{}"
			}},
			providers.ConfirmPush: {providers.Action{Service: "app"}, func(a *pb.Action) bool {
				return a.GetPush().GetService() == "app" && a.GetPush().GetPhoneMasked() == ""
			}},
			providers.TypeAccount: {providers.Action{Service: "s", Number: "7"}, func(a *pb.Action) bool {
				return a.GetAccount().GetService() == "s" && a.GetAccount().GetNumber() == "7"
			}},
		} {
			c.action.Kind = kind
			d.kaspi.answer(always(providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer, Action: &c.action, Until: time.Now().Add(time.Minute)}))
			if p := d.create(qr()); p.GetAction() == nil || !c.holds(p.GetAction()) {
				t.Errorf("%s: %v", kind, p.GetAction())
			}
		}
	})
}

func TestAPhoneIsMaskedButForWhatItsOwnerKnowsItBy(t *testing.T) {
	for phone, want := range map[string]string{
		"+77011234567": "+7 701 *** ** 67", "+380501234567": "+380 *** ** 67", "+14155550100": "+141 *** ** 00", "+1234567": "+123 *** ** 67", "": "", "+7": "",
	} {
		if got := maskPhone(phone); got != want {
			t.Errorf("%s: %q, want %q", phone, got, want)
		}
	}
}

func TestMoneyThatComesAfterTheEndIsShownAsSurplusUntilItIsBack(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr())
		time.Sleep(10 * time.Minute)
		if dead := d.get(p.GetName()); dead.GetState() != pb.Payment_STATE_FAILED || dead.GetResolution().GetPayerAdvice() != pb.PayerAdvice_PAYER_ADVICE_PAY_AGAIN_SAFE || dead.GetAttempts()[0].GetExposed() {
			t.Fatalf("%v", dead)
		}
		d.kaspi.refund = providers.Result{Verdict: providers.Pending, Reason: providers.Processing}
		d.pay(p)
		time.Sleep(time.Second)
		late := d.get(p.GetName())
		if late.GetSurplus().GetMinorUnits() != 150000 || late.GetPaid().GetMinorUnits() != 0 || late.GetResolution().GetPayerAdvice() == pb.PayerAdvice_PAYER_ADVICE_PAY_AGAIN_SAFE {
			t.Fatalf("%v", late)
		}
		a := late.GetAttempts()[0]
		if !a.GetExposed() || len(a.GetClosedBy()) > 0 {
			t.Fatalf("an attempt that holds money is called closed: %v", a)
		}
		// Who watches is told to the end of it.
		messages, cancel := d.watch(late, 0)
		defer cancel()
		<-messages
		d.kaspi.mu.Lock()
		d.kaspi.refund = providers.Result{Verdict: providers.Approved}
		d.kaspi.mu.Unlock()
		var last *pb.Payment
		for m := range messages {
			if m.message.GetPayment() != nil {
				last = m.message.GetPayment()
			}
			if m.err != nil && !errors.Is(m.err, io.EOF) {
				t.Fatal(m.err)
			}
		}
		if last.GetSurplus().GetMinorUnits() != 0 || last.GetState() != pb.Payment_STATE_FAILED {
			t.Fatalf("%v", last)
		}
		story, err := d.operations.ExplainPayment(context.Background(), &pb.ExplainPaymentRequest{Name: p.GetName()})
		d.must(err)
		found := map[string]bool{}
		for _, f := range story.GetFindings() {
			found[f.GetKind()] = true
		}
		if !found["money_after_close"] {
			t.Fatalf("findings %v", story.GetFindings())
		}
		back := map[int32]pb.Verdict{}
		for _, e := range story.GetEvents() {
			if e.GetGivesBack() && e.GetAmount().GetMinorUnits() == p.GetAmount().GetMinorUnits() {
				back[e.GetOperation()] = pb.Verdict_VERDICT_UNKNOWN
			}
			if _, ok := back[e.GetOperation()]; ok && e.GetKind() == "operation_observed" {
				back[e.GetOperation()] = e.GetVerdict()
			}
		}
		if len(back) != 1 || back[1] != pb.Verdict_VERDICT_APPROVED {
			t.Errorf("what is given back cannot be told from its fields: %v\n%v", back, story.GetEvents())
		}
	})
}

func TestAPaymentThatOnlyPeopleCanDecideIsInReview(t *testing.T) {
	behind(t, func(d *door) {
		d.kaspi.answer(always(providers.Result{Verdict: providers.Approved, Amount: providers.Money{Minor: 1, Currency: "KZT"}}))
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		p, err := d.payments.CreatePayment(ctx, d.byInstrument())
		d.must(err)
		if r := p.GetResolution(); p.GetState() != pb.Payment_STATE_PROCESSING || !r.GetInReview() || r.GetPayerAdvice() != pb.PayerAdvice_PAYER_ADVICE_CONTACT_SUPPORT || r.GetReason() != pb.Reason_REASON_MISMATCH {
			t.Fatalf("%v", r)
		}
	})
}

func TestAnOfferOfWhichNoEndIsToldDiesByTheAdaptersClaim(t *testing.T) {
	behind(t, func(d *door) {
		d.kaspi.answer(always(providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer, Action: &providers.Action{Kind: providers.ShowQR, Text: "t"}}))
		p := d.create(qr())
		if end := p.GetAttempts()[0].GetOfferExpireTime(); !end.AsTime().Equal(time.Now().Add(3 * time.Minute)) {
			t.Fatalf("%v", end)
		}
	})
}

func TestNamesHaveOneSpelling(t *testing.T) {
	id := "0190a1b2-0000-7000-8000-000000000001"
	if got, ok := parsePayment(paymentName(id)); !ok || got != id {
		t.Error(got, ok)
	}
	if p, n, ok := parseAttempt(attemptName(id, 12)); !ok || p != id || n != 12 {
		t.Error(p, n, ok)
	}
	if p, r, ok := parseRefund(refundName(id, id)); !ok || p != id || r != id {
		t.Error(p, r, ok)
	}
	if g, o, ok := parseOverride(overrideName("kaspi-main", id)); !ok || g != "kaspi-main" || o != id {
		t.Error(g, o, ok)
	}
	for _, name := range []string{"", "payments", "payments/", "payments/" + id + "/", "/payments/" + id, "Payments/" + id, "payments/" + id + "/attempts/1", "payments/{" + id + "}"} {
		if _, ok := parsePayment(name); ok {
			t.Errorf("%q names a payment", name)
		}
	}
	for _, name := range []string{"/attempts/01", "/attempts/-1", "/attempts/99999", "/attempts/", "/attempts/1/"} {
		if _, _, ok := parseAttempt(paymentName(id) + name); ok {
			t.Errorf("%q names an attempt", name)
		}
	}
	for _, text := range []string{"", "1", `"`, `""`, `"01"`, `"-1"`, `"1`, `W/"1"`, `"9223372036854775808"`} {
		if _, ok := parseEtag(text); ok {
			t.Errorf("%s is an etag", text)
		}
	}
	if v, ok := parseEtag(etag(7)); !ok || v != 7 {
		t.Error(v, ok)
	}
	for name, want := range map[string]string{paymentName(id): "payment", attemptName(id, 1): "attempt", gatewayName("a"): "gateway", "x": "object", "": "object"} {
		if got := kindOf(name); got != want {
			t.Errorf("%q is a %s", name, got)
		}
	}
}
