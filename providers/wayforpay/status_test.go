package wayforpay

import (
	"testing"

	"github.com/payrouter/payrouter/providers"
)

func TestGoldenAnswersOfCheckStatus(t *testing.T) {
	cases := []struct {
		file, order, amount string
		twoStage            bool
		direct              bool
		want                providers.Verdict
		why                 providers.Reason
	}{
		{"check_status_approved", "rt-000000000001", "1500.5", false, false, providers.Approved, ""},
		{"check_status_approved_strings", "rt-000000000001", "1500.5", false, false, providers.Approved, ""},
		{"check_status_declined", "rt-000000000002", "100", false, true, providers.Declined, providers.DeclinedHard},
		{"check_status_declined", "rt-000000000002", "100", false, false, providers.Pending, providers.AwaitingPayer},
		{"check_status_funds", "rt-000000000005", "250", false, true, providers.Declined, providers.DeclinedSoft},
		{"check_status_held", "rt-000000000003", "100", true, true, providers.Held, ""},
		{"check_status_3ds", "rt-000000000005", "250", false, true, providers.Pending, providers.StepUp},
		{"check_status_expired", "rt-000000000004", "100", false, false, providers.Declined, providers.Expired},
		{"check_status_expired", "rt-000000000004", "100", false, true, providers.Declined, providers.Expired},
	}
	for _, c := range cases {
		t.Run(c.file, func(t *testing.T) {
			g, _ := open(t, nil, read(t, c.file+".answer.json"))
			ref := link(t, c.order, c.amount)
			if c.direct {
				ref.Method = providers.Instrument
			}
			ref.TwoStage = c.twoStage
			got := g.Lookup(t.Context(), ref)
			verdict(t, got, c.want, c.why)
			if c.want.HasMoney() && got.Amount != ref.Amount {
				t.Errorf("amount %s", got.Amount)
			}
			if got.Absent {
				t.Error("the order is there")
			}
		})
	}
}

func TestCheckStatusRequestIsGolden(t *testing.T) {
	g, d := open(t, nil, read(t, "check_status_approved.answer.json"))
	g.Lookup(t.Context(), link(t, "rt-000000000001", "1500.5"))
	golden(t, "check_status.request.json", d.asked[0])
	if got := signature(t, d.asked[0]); got != "e6c4edfd3f88d89a42049f5490739d59" {
		t.Errorf("signature %s", got)
	}
}

// The trap of the notes, section 4.4: 1127 with Declined is no decline. An invoice that
// nobody has opened may answer Created, or the same 1127.
func TestOrderNotFoundIsAbsent(t *testing.T) {
	g, _ := open(t, nil, read(t, "check_status_not_found.answer.json"))
	got := g.Lookup(t.Context(), token(t, "rt-000000000006", "250"))
	if got.Verdict != providers.Unknown || !got.Absent {
		t.Errorf("got %+v", got)
	}
	for _, status := range []string{"Declined", "Created", "Expired", ""} {
		for _, method := range providers.Methods() {
			g, _ := open(t, nil, says(status, "1127", "rt-1", "250"))
			ref := link(t, "rt-1", "250")
			ref.Method = method
			if got := g.Lookup(t.Context(), ref); got.Verdict != providers.Unknown || !got.Absent {
				t.Errorf("%s, %q: %+v", method, status, got)
			}
		}
	}
}

// An order cannot be unknown and paid, held or under way. Taken for an absence, such an answer
// would prove that a token charge was never taken on, and the next gateway would charge.
func TestOrderThatIsNotFoundAndHasAPaymentIsDoubt(t *testing.T) {
	for status, reason := range map[string]providers.Reason{
		"Approved": providers.Ambiguous, "WaitingAuthComplete": providers.Ambiguous, "InProcessing": providers.Ambiguous, "Pending": providers.Ambiguous,
		"Refunded": providers.Ambiguous, "RefundInProcessing": providers.Ambiguous, "Voided": providers.Ambiguous, "Whatever": providers.UnknownCode,
	} {
		g, _ := open(t, nil, says(status, "1127", "rec-1", "250"))
		got := g.Lookup(t.Context(), token(t, "rec-1", "250"))
		if verdict(t, got, providers.Unknown, reason); got.Absent {
			t.Errorf("%s: absent", status)
		}
	}
}

func TestUnopenedInvoiceAwaitsItsPayer(t *testing.T) {
	g, _ := open(t, nil, says("Created", "1131", "rt-1", "250"))
	got := g.Lookup(t.Context(), link(t, "rt-1", "250"))
	verdict(t, got, providers.Pending, providers.AwaitingPayer)
	if got.Absent {
		t.Error("the invoice is there")
	}
}

func TestOrderNotFoundThatIsNotSignedIsNoAbsence(t *testing.T) {
	for _, answer := range []string{
		`{"transactionStatus":"Declined","reasonCode":1127}`,
		`{"merchantAccount":"test_merch_n1","orderReference":"rt-1","transactionStatus":"Declined","reasonCode":1127,"merchantSignature":"00000000000000000000000000000000"}`,
	} {
		g, _ := open(t, nil, answer)
		if got := g.Lookup(t.Context(), token(t, "rt-1", "250")); got.Absent || got.Reason != providers.BadSignature {
			t.Errorf("%s: %+v", answer, got)
		}
	}
}

// Every status, with every class of code, on an invoice and on a token charge.
func TestStatuses(t *testing.T) {
	type want struct {
		verdict providers.Verdict
		reason  providers.Reason
	}
	awaiting, confirming := want{providers.Pending, providers.AwaitingPayer}, want{providers.Pending, providers.PayerConfirming}
	processing, review := want{providers.Pending, providers.Processing}, want{providers.Pending, providers.Review}
	ambiguous, strange := want{providers.Unknown, providers.Ambiguous}, want{providers.Unknown, providers.UnknownCode}
	paid, held := want{providers.Approved, ""}, want{providers.Held, ""}
	gone, released := want{providers.Declined, providers.Expired}, want{providers.Declined, providers.Released}
	stepUp := want{providers.Pending, providers.StepUp}
	cases := []struct {
		status, code  string
		offer, direct want
	}{
		{"Created", "1131", awaiting, processing},
		{"Created", "1100", awaiting, processing},
		{"Created", "1101", awaiting, processing},
		{"Created", "1132", confirming, processing},
		{"Created", "1113", confirming, processing},
		{"Created", "5100", stepUp, stepUp},
		{"Created", "9999", strange, strange},
		{"InProcessing", "1131", confirming, processing},
		{"InProcessing", "1100", confirming, processing},
		{"InProcessing", "1101", confirming, processing},
		{"InProcessing", "1134", review, review},
		{"InProcessing", "5100", stepUp, stepUp},
		{"InProcessing", "9999", strange, strange},
		{"Pending", "1134", review, review},
		{"Pending", "1100", review, review},
		{"Pending", "", strange, strange},
		{"WaitingAuthComplete", "1100", held, held},
		{"WaitingAuthComplete", "1141", held, held},
		{"WaitingAuthComplete", "1101", ambiguous, ambiguous},
		{"Approved", "1100", paid, paid},
		{"Approved", "4100", paid, paid},
		{"Approved", "1128", paid, paid},
		{"Approved", "1136", paid, paid},
		{"Approved", "1101", ambiguous, ambiguous},
		{"Approved", "1113", ambiguous, ambiguous},
		{"Approved", "1131", ambiguous, ambiguous},
		{"Approved", "9999", strange, strange},
		{"Approved", "", strange, strange},
		{"RefundInProcessing", "1138", paid, paid},
		{"RefundInProcessing", "1100", paid, paid},
		{"Refunded", "1100", paid, paid},
		{"Refunded", "1104", ambiguous, ambiguous},
		{"Voided", "1100", released, released},
		{"Voided", "1131", ambiguous, ambiguous},
		{"Expired", "1124", gone, gone},
		{"Expired", "1100", gone, gone},
		{"Expired", "1131", ambiguous, ambiguous},
		{"Expired", "1113", ambiguous, ambiguous},
		{"Expired", "9999", strange, strange},
		{"Declined", "1100", ambiguous, ambiguous},
		{"approved", "1100", strange, strange},
		{"Sold", "1100", strange, strange},
		{"", "1100", ambiguous, ambiguous},
		{"", "1101", ambiguous, ambiguous},
	}
	for _, c := range cases {
		t.Run(c.status+" "+c.code, func(t *testing.T) {
			answer := says(c.status, c.code, "rt-1", "250")
			g, _ := open(t, nil, answer, answer)
			verdict(t, g.Lookup(t.Context(), link(t, "rt-1", "250")), c.offer.verdict, c.offer.reason)
			verdict(t, g.Lookup(t.Context(), token(t, "rt-1", "250")), c.direct.verdict, c.direct.reason)
		})
	}
}

func TestSumGivenBackIsReadFromRefundAmount(t *testing.T) {
	for _, c := range []struct{ status, code, refunded, want string }{
		{"Refunded", "1100", "100.25", "100.25"},
		{"Refunded", "1100", "250.00", "250"},
		{"RefundInProcessing", "1138", "0", "0"},
		{"Approved", "1100", "0.00", "0"},
	} {
		g, _ := open(t, nil, says(c.status, c.code, "rt-1", "250", "refundAmount", c.refunded))
		got := g.Lookup(t.Context(), link(t, "rt-1", "250"))
		if got.Verdict != providers.Approved || got.Returned != hryvnias(t, c.want) || got.Amount != hryvnias(t, "250") {
			t.Errorf("%s %s: %+v", c.status, c.refunded, got)
		}
	}
	g, _ := open(t, nil, says("Approved", "1100", "rt-1", "250"), says("Refunded", "1100", "rt-1", "250", "refundAmount", "ten"))
	if got := g.Lookup(t.Context(), link(t, "rt-1", "250")); got.Returned != (providers.Money{}) {
		t.Errorf("returned %s, but nothing was told", got.Returned)
	}
	verdict(t, g.Lookup(t.Context(), link(t, "rt-1", "250")), providers.Unknown, providers.Unreadable)
}

func TestAnswerAboutSomethingElseIsMismatch(t *testing.T) {
	signed := func(a answer) string { return a.composed(sign(secret, a.long(string(a.Amount))...)) }
	base := answer{MerchantAccount: account, OrderReference: "rt-1", Amount: "250", Currency: "UAH", AuthCode: "1", CardPan: "4", TransactionStatus: "Approved", ReasonCode: "1100"}
	for name, change := range map[string]func(*answer){
		"account":       func(a *answer) { a.MerchantAccount = "another" },
		"order":         func(a *answer) { a.OrderReference = "rt-2" },
		"less":          func(a *answer) { a.Amount = "249.99" },
		"more":          func(a *answer) { a.Amount = "250.01" },
		"currency":      func(a *answer) { a.Currency = "USD" },
		"decline, less": func(a *answer) { a.Amount, a.TransactionStatus, a.ReasonCode = "249", "Declined", "1101" },
		"held, less":    func(a *answer) { a.Amount, a.TransactionStatus = "249", "WaitingAuthComplete" },
		"pending, less": func(a *answer) { a.Amount, a.TransactionStatus, a.ReasonCode = "249", "Created", "1131" },
	} {
		a := base
		change(&a)
		g, _ := open(t, nil, signed(a))
		got := g.Lookup(t.Context(), token(t, "rt-1", "250"))
		if got.Verdict != providers.Unknown || got.Reason != providers.Mismatch {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for _, amount := range []literal{"", "a lot"} {
		a := base
		a.Amount = amount
		g, _ := open(t, nil, signed(a))
		if got := g.Lookup(t.Context(), token(t, "rt-1", "250")); got.Verdict != providers.Unknown {
			t.Errorf("amount %q: %+v", amount, got)
		}
	}
}

// A look-up that is itself refused may be signed and say Declined; what it cannot know
// is the payment's amount.
func TestRefusedLookupWithoutAmountIsNoRefusedCharge(t *testing.T) {
	for _, code := range []string{"1113", "1121", "1118", "1101"} {
		g, _ := open(t, nil, says("Declined", code, "rt-1", ""), says("Declined", code, "rt-1", ""))
		verdict(t, g.Lookup(t.Context(), token(t, "rt-1", "250")), providers.Unknown, providers.Unreadable)
		verdict(t, g.Lookup(t.Context(), link(t, "rt-1", "250")), providers.Unknown, providers.Unreadable)
	}
}

func TestLessThanTheHoldMayHaveBeenCaptured(t *testing.T) {
	answer := says("Approved", "1100", "rec-1", "60")
	g, _ := open(t, nil, answer, answer)
	ref := token(t, "rec-1", "100")
	verdict(t, g.Lookup(t.Context(), ref), providers.Unknown, providers.Mismatch)
	ref.TwoStage = true
	got := g.Lookup(t.Context(), ref)
	verdict(t, got, providers.Approved, "")
	if got.Amount != hryvnias(t, "60") {
		t.Errorf("amount %s", got.Amount)
	}
}

// Nobody documents which amount CHECK_STATUS shows after less than the hold was captured.
func TestTheWholeOfAHoldMayBeOnlyWhatWasHeld(t *testing.T) {
	ref := token(t, "rec-1", "100")
	ref.TwoStage = true
	for _, status := range []string{"Approved", "Refunded", "RefundInProcessing"} {
		g, _ := open(t, nil, says(status, "1100", "rec-1", "100", "refundAmount", "0"))
		got := g.Lookup(t.Context(), ref)
		verdict(t, got, providers.Approved, "")
		if got.Amount != (providers.Money{}) {
			t.Errorf("%s: amount %s is told, and may be the hold's", status, got.Amount)
		}
	}
	g, _ := open(t, nil, says("WaitingAuthComplete", "1100", "rec-1", "100"))
	if got := g.Lookup(t.Context(), ref); got.Verdict != providers.Held || got.Amount != ref.Amount {
		t.Errorf("held: %+v", got)
	}
}

func TestFailedLookupIsUnknownEvenIfItNeverLeft(t *testing.T) {
	g, d := open(t, nil)
	d.Close()
	verdict(t, g.Lookup(t.Context(), token(t, "rt-1", "250")), providers.Unknown, providers.NotSent)
}

func TestProbe(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		want   providers.Verdict
		why    providers.Reason
	}{
		"no such order":           {says("Declined", "1127", probeOrder, ""), providers.Approved, ""},
		"no such order, unsigned": {`{"reasonCode":1127}`, providers.Approved, ""},
		"another's signature":     {`{"reasonCode":1127,"merchantSignature":"00000000000000000000000000000000"}`, providers.Unknown, providers.BadSignature},
		"our secret is wrong":     {`{"reasonCode":1113}`, providers.Unserved, providers.Misconfigured},
		"our account is wrong":    {`{"reasonCode":"1121"}`, providers.Unserved, providers.Misconfigured},
		"it breaks":               {`{"reasonCode":1129}`, providers.Unknown, providers.Ambiguous},
		"a strange code":          {`{"reasonCode":7}`, providers.Unknown, providers.UnknownCode},
		"down":                    {"http 502", providers.Unknown, providers.ServerError},
		"a page":                  {"<html>", providers.Unknown, providers.Unreadable},
	} {
		t.Run(name, func(t *testing.T) {
			g, d := open(t, nil, c.answer)
			verdict(t, g.Probe(t.Context()), c.want, c.why)
			if kinds := d.kinds(t); kinds != "CHECK_STATUS" {
				t.Errorf("asked %s", kinds)
			}
		})
	}
}
