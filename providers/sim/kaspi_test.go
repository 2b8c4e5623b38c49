package sim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

func invoiceBody(comment, amount, phone string) string {
	return fmt.Sprintf(`{"OrganizationBin":%q,"DeviceToken":%q,"Amount":%s,"PhoneNumber":%q,"Comment":%q}`,
		sim.KaspiDefaultBIN, sim.KaspiDefaultDevice, amount, phone, comment)
}

func cancelBody(id string) string {
	return fmt.Sprintf(`{"OrganizationBin":%q,"QrPaymentId":%s,"DeviceToken":%q}`, sim.KaspiDefaultBIN, id, sim.KaspiDefaultDevice)
}

func returnBody(id, amount string) string {
	return fmt.Sprintf(`{"DeviceToken":%q,"OrganizationBin":%q,"QrPaymentId":%s,"Amount":%s}`,
		sim.KaspiDefaultDevice, sim.KaspiDefaultBIN, id, amount)
}

// almaty prints an instant as live answers of Kaspi do.
func almaty(t time.Time) string {
	return t.In(time.FixedZone("", 5*3600)).Format("2006-01-02T15:04:05.000-07:00")
}

// The shapes of sections 4.2, 4.3 and 4.5 of the notes, written out.
func TestKaspiAnswersHaveTheDocumentedShape(t *testing.T) {
	inBubble(t, sim.Options{Seed: 1}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		expires := almaty(time.Now().Add(180 * time.Second))
		_, got, err := s.send(t.Context(), "POST", "qr/create", createBody("pay_1", "15490.00"))
		must(t, err)
		o := b.Ledger().Objects[0]
		token := strings.Split(strings.Split(string(got), `"QrToken":"`)[1], `"`)[0]
		wantEqual(t, "qr/create", string(got), `{"StatusCode":0,"Message":"OK","Data":{"QrToken":"`+token+`","ExpireDate":"`+expires+
			`","QrPaymentId":`+o.ID+`,"PaymentMethods":["Gold","Red","Loan"],"QrPaymentBehaviorOptions":`+
			`{"StatusPollingInterval":5,"QrCodeScanWaitTimeout":180,"PaymentConfirmationTimeout":65}}}`)
		wantEqual(t, "digits of an id", len(o.ID), 11)

		_, got, err = s.send(t.Context(), "POST", "qr/create-link", createBody("pay_2", "0.5"))
		must(t, err)
		link := strings.Split(strings.Split(string(got), `"PaymentLink":"`)[1], `"`)[0]
		wantEqual(t, "qr/create-link", string(got), `{"StatusCode":0,"Message":"OK","Data":{"PaymentLink":"`+link+`","ExpireDate":"`+expires+
			`","PaymentId":`+b.Ledger().Objects[1].ID+`,"PaymentMethods":["Gold","Red","Loan"],"PaymentBehaviorOptions":`+
			`{"StatusPollingInterval":5,"LinkActivationWaitTimeout":180,"PaymentConfirmationTimeout":65}}}`)
		wantEqual(t, "the link's place", strings.HasPrefix(link, "https://pay.kaspi.kz/pay/"), true)
		wantEqual(t, "amount of half a tenge", b.Ledger().Objects[1].Amount, 50)

		must(t, b.Act("kaspi", "pay_1", sim.ActPay))
		rich := `{"StatusCode":0,"Message":"OK","Data":{"Status":"Processed","TransactionId":"` + o.ID +
			`","ProductType":"Gold","Amount":15490.00,"StoreName":"Qazaq Books","Address":"Abay 150","City":"Almaty"}}`
		for path, want := range map[string]string{
			"/r3/v01/payment/status/" + o.ID:       `{"StatusCode":0,"Message":"OK","Data":{"Status":"Processed"}}`,
			"/r3/v02/payment/status/" + o.ID:       rich,
			"/r3/v04/payment/status/" + o.ID + "/": rich,
			"/r3/v02/payment/status/12345678901":   `{"StatusCode":-1601,"Message":"Purchase not found"}`,
			"/r3/v02/payment/status/not-a-number":  `{"StatusCode":-1601,"Message":"Purchase not found"}`,
			"/r3/v01/payment/details?QrPaymentId=" + o.ID + "&DeviceToken=" + sim.KaspiDefaultDevice: `{"StatusCode":0,"Message":"OK","Data":{"QrPaymentId":` +
				o.ID + `,"TotalAmount":15490.00,"AvailableReturnAmount":15490.00,"TransactionDate":"` + almaty(time.Now()) + `"}}`,
		} {
			_, got, err := s.send(t.Context(), "GET", path, "")
			must(t, err)
			wantEqual(t, path, string(got), want)
		}
	})
}

func TestKaspiPurchaseLivesAsTheDocumentSays(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		unscanned, unconfirmed, paid := s.offer(t, "pay_1"), s.offer(t, "pay_2"), s.offer(t, "pay_3")
		all := func() string {
			return s.status(t, unscanned) + " " + s.status(t, unconfirmed) + " " + s.status(t, paid)
		}
		pass(179 * time.Second)
		must(t, b.Act("kaspi", unconfirmed, sim.ActScan))
		must(t, b.Act("kaspi", paid, sim.ActScan))
		wantEqual(t, "after 179 s", all(), "QrTokenCreated Wait Wait")
		objects := b.Ledger().Objects
		wantEqual(t, "the unscanned one can be paid for", time.Until(objects[0].LiveUntil), 66*time.Second)
		wantEqual(t, "the scanned one can be paid for", time.Until(objects[1].LiveUntil), 65*time.Second)
		pass(2 * time.Second)
		wantEqual(t, "after the scan window", all(), "Error Wait Wait")
		pass(62 * time.Second)
		must(t, b.Act("kaspi", paid, sim.ActConfirm))
		wantEqual(t, "after 243 s", all(), "Error Wait Processed")
		pass(2 * time.Second)
		must(t, b.Act("kaspi", unconfirmed, sim.ActPay)) // too late
		wantEqual(t, "after the confirm window", all(), "Error Error Processed")
		for _, o := range b.Ledger().Objects {
			wantEqual(t, "closed "+o.Reference, o.Phase == sim.Charged, o.Reference == "pay_3")
		}
		wantEqual(t, "entries", len(b.Ledger().Entries), 1)
	})
}

func TestKaspiWindowsComeFromOptions(t *testing.T) {
	opt := sim.KaspiOptions{ScanWindow: 1500 * time.Millisecond, ConfirmWindow: time.Second, PollInterval: time.Second}
	inBubble(t, sim.Options{}, opt, func(t *testing.T, _ *sim.Bank, s shop) {
		e := s.call(t, "POST", "qr/create", createBody("pay_1", "1"))
		wantEqual(t, "options told, rounded up", e.field("QrPaymentBehaviorOptions"),
			`{"StatusPollingInterval":1,"QrCodeScanWaitTimeout":2,"PaymentConfirmationTimeout":1}`)
		pass(1501 * time.Millisecond)
		wantEqual(t, "status", s.status(t, e.field("QrPaymentId")), "Error")
	})
}

func TestKaspiLateSuccessTurnsErrorIntoProcessed(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{LateSuccess: true}, func(t *testing.T, b *sim.Bank, s shop) {
		expired, declined := s.offer(t, "pay_1"), s.offer(t, "pay_2")
		if b.Act("kaspi", expired, sim.ActPayLate) == nil {
			t.Error("somebody paid late in time")
		}
		must(t, b.Act("kaspi", declined, sim.ActDecline))
		pass(246 * time.Second)
		must(t, b.Act("kaspi", expired, sim.ActPayLate))
		must(t, b.Act("kaspi", declined, sim.ActPayLate)) // who said no does not come back
		wantEqual(t, "the expired one", s.status(t, expired), "Processed")
		wantEqual(t, "the declined one", s.status(t, declined), "Error")
		wantEqual(t, "note", b.Ledger().Entries[0].Note, "late success")
		wantEqual(t, "excused from I7", b.Ledger().Objects[0].Excused, true)
	})
}

func TestKaspiEmulatorPlaysThePayer(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		addFault(t, b, sim.Fault{Kind: sim.FaultHTTPError, Op: sim.OpProbe}) // the emulator is none of the operations
		for _, c := range []struct{ steps, status string }{
			{"scan", "Wait"},
			{"scan confirm", "Processed"},
			{"scan confirm confirmerror scanerror", "Processed"}, // the wrong order changes nothing
			{"confirm", "QrTokenCreated"},
			{"confirmerror", "QrTokenCreated"},
			{"scanerror", "Error"},
			{"scan scanerror", "Wait"},
			{"scan confirmerror", "Error"},
		} {
			id := s.offer(t, c.steps)
			for step := range strings.FieldsSeq(c.steps) {
				for _, body := range []string{`{"qrPaymentId":"` + id + `"}`, `{"qrPaymentId":` + id + `}`} {
					res, got, err := s.send(t.Context(), "POST", "/r3/v01/test/payment/"+step+"/", body, "X-Request-ID", "")
					must(t, err)
					wantEqual(t, "emulator", fmt.Sprint(res.StatusCode, string(got)), `200{"StatusCode":0,"message":"OK"}`)
				}
			}
			wantEqual(t, "status after "+c.steps, s.status(t, id), c.status)
		}
		_, got, err := s.send(t.Context(), "POST", "/test/payment/scan", `{"qrPaymentId":"1"}`)
		must(t, err)
		wantEqual(t, "an unknown id", string(got), `{"StatusCode":-1601,"message":"Purchase not found"}`)
	})
}

func TestKaspiRepeatedExternalID(t *testing.T) {
	for repeat, want := range map[string]string{sim.KaspiRepeatNew: "other", sim.KaspiRepeatReuse: "same", sim.KaspiRepeatRefuse: "990000099"} {
		inBubble(t, sim.Options{}, sim.KaspiOptions{ExternalID: repeat}, func(t *testing.T, b *sim.Bank, s shop) {
			first := s.call(t, "POST", "qr/create", createBody("pay_1", "1.00"))
			second := s.call(t, "POST", "qr/create", createBody("pay_1", "1.00"))
			got := string(second.StatusCode)
			if got == "0" && string(first.Data) == string(second.Data) {
				got = "same"
			} else if got == "0" {
				got = "other"
			}
			wantEqual(t, "a repeat under "+repeat, got, want)
		})
	}
}

func TestKaspiReusedAnswerShowsAnOfferThatWasLost(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{ExternalID: sim.KaspiRepeatReuse}, func(t *testing.T, b *sim.Bank, s shop) {
		addFault(t, b, sim.Fault{Kind: sim.FaultActDrop, Times: 1})
		wantEqual(t, "the first try", s.look(t.Context()), "broken")
		pass(time.Second)
		wantEqual(t, "lost", b.Ledger().Objects[0].Unseen, true)
		s.offer(t, "pay_1")
		must(t, b.Act("kaspi", "pay_1", sim.ActPay))
		wantEqual(t, "money", b.Ledger().Net("", "pay_1"), 1549000)
		wantEqual(t, "purchases", len(b.Ledger().Objects), 1)
	})
}

func TestKaspiSchemesHaveTheirOwnOperations(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		key := []string{"Api-Key", sim.KaspiDefaultKey}
		for _, c := range []struct {
			request string
			r       [3]int // HTTP status in r1, r2 and r3
		}{
			{"GET /v01/health/ping", [3]int{200, 200, 200}},
			{"GET /v01/partner/tradepoints", [3]int{200, 200, 404}},
			{"GET /v01/partner/tradepoints/240540012345", [3]int{404, 404, 200}},
			{"POST /v01/qr/create/", [3]int{200, 200, 200}},
			{"POST /v01/qr/create-link", [3]int{200, 200, 200}},
			{"GET /v01/qr/create", [3]int{404, 404, 404}},
			{"POST /v02/qr/create", [3]int{404, 404, 404}},
			{"POST /v01/qr-token/create", [3]int{404, 404, 404}},
			{"GET /v04/payment/status/1", [3]int{200, 200, 200}},
			{"GET /v05/payment/status/1", [3]int{404, 404, 404}},
			{"GET /v01/payment/details", [3]int{404, 200, 200}},
			{"POST /v01/remote/create/", [3]int{404, 404, 200}},
			{"POST /v01/remote/cancel", [3]int{404, 404, 200}},
			{"GET /v01/remote/client-info", [3]int{404, 404, 200}},
			{"POST /v01/payment/return", [3]int{404, 200, 200}},
			{"POST /v01/return/create", [3]int{404, 200, 404}},
			{"GET /v01/return/status/1", [3]int{404, 200, 404}},
			{"POST /v01/return/operations", [3]int{404, 200, 404}},
		} {
			method, path, _ := strings.Cut(c.request, " ")
			for i, want := range c.r {
				full := fmt.Sprintf("/r%d%s", i+1, path)
				res, _, err := s.send(t.Context(), method, full, createBody("", "1.00"), key...)
				must(t, err)
				wantEqual(t, "HTTP status of "+method+" "+full, res.StatusCode, want)
			}
		}
	})
}

func TestKaspiSchemeOptionLetsThePathLeaveItOut(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{Scheme: "r1", APIKeys: []string{"prod_1"}}, func(t *testing.T, _ *sim.Bank, s shop) {
		wantCode(t, s.call(t, "GET", "/v01/health/ping", "", "Api-Key", "prod_1"), "0")
		wantCode(t, s.call(t, "GET", "/r1/v01/health/ping/", "", "Api-Key", "prod_1"), "0")
		wantEqual(t, "another scheme", s.call(t, "GET", "/r3/v01/health/ping", "", "Api-Key", "prod_1").HTTP, http.StatusNotFound)
		for _, key := range []string{"", sim.KaspiDefaultKey} {
			e := s.call(t, "GET", "/v01/health/ping", "", "Api-Key", key)
			wantEqual(t, "HTTP status of a bad key", e.HTTP, http.StatusUnauthorized)
			wantCode(t, e, "-10000")
			wantEqual(t, "message", e.Message, "unauthorized")
		}
	})
}

func TestKaspiRefusesRequestsItCannotRead(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		for _, c := range []struct{ id, body string }{
			{"", createBody("pay_1", "1.00")},
			{"17", createBody("pay_1", "1.00")},
			{kaspiRequestID, `{"Amount":`},
			{kaspiRequestID, `[]`},
			{kaspiRequestID, `null`},
			{kaspiRequestID, createBody("pay_1", "1.00") + createBody("pay_1", "1.00")},
		} {
			e := s.call(t, "POST", "qr/create", c.body, "X-Request-ID", c.id)
			wantEqual(t, "HTTP status of "+c.body, e.HTTP, http.StatusBadRequest)
			wantEqual(t, "StatusCode, which must not look like 0", string(e.StatusCode), "")
		}
		wantEqual(t, "purchases", len(b.Ledger().Objects), 0)
		wantCode(t, s.call(t, "POST", "qr/create", createBody("pay_1", "1.00"), "X-Request-ID", "7C1F6A52-0d3b-4a83-9a55-1f2f5f0b7e11"), "0")
	})
}
