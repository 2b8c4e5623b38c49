package sim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

func detailsPath(id string) string {
	return "payment/details?QrPaymentId=" + id + "&DeviceToken=" + sim.KaspiDefaultDevice
}

func TestKaspiReturnsInPartsUntilNothingIsLeft(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		id := s.offer(t, "pay_1")
		wantCode(t, s.call(t, "POST", "payment/return", returnBody(id, "1.00")), "-99000011")
		wantCode(t, s.call(t, "GET", detailsPath(id), ""), "-1601")
		must(t, b.Act("kaspi", id, sim.ActPay))

		first := s.call(t, "POST", "payment/return", returnBody(id, "5000.00"))
		second := s.call(t, "POST", "payment/return", returnBody(`"`+id+`"`, "5000")) // nothing deduplicates
		wantCode(t, first, "0")
		wantCode(t, second, "0")
		if first.field("ReturnOperationId") == second.field("ReturnOperationId") {
			t.Error("two returns have one id")
		}
		wantCode(t, s.call(t, "POST", "payment/return", returnBody(id, "5490.01")), "-99000005")
		wantEqual(t, "left", s.call(t, "GET", detailsPath(id), "").field("AvailableReturnAmount"), "5490.00")
		wantCode(t, s.call(t, "POST", "payment/return", returnBody(id, "5490.00")), "0")
		e := s.call(t, "GET", detailsPath(id), "")
		wantEqual(t, "left in the end", e.field("AvailableReturnAmount"), "0.00")
		wantEqual(t, "total in the end", e.field("TotalAmount"), "15490.00")
		wantEqual(t, "status in the end", s.status(t, id), "Processed")
		wantEqual(t, "money", b.Ledger().Net("kaspi", "pay_1"), 0)
		wantEqual(t, "returns", b.Ledger().Count("kaspi", sim.OpRefund, "pay_1"), 5)
	})
}

func TestKaspiReturnIsRefusedWithTheDocumentedCode(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{Organizations: twoShops(), Product: "Loan"}, func(t *testing.T, b *sim.Bank, s shop) {
		create := `{"OrganizationBin":"240540012345","DeviceToken":"till-1","Amount":100.00,"ExternalId":"pay_1"}`
		id := s.call(t, "POST", "qr/create", create).field("QrPaymentId")
		must(t, b.Act("kaspi", id, sim.ActPay))
		for _, c := range []struct{ device, bin, id, amount, code string }{
			{"till-7", "240540012345", id, "1", "-1501"},
			{"till-2", "240540012345", id, "1", "990000018"},
			{"4", "240540012345", id, "1", "-99000003"},      // another trade point of the same organisation
			{"till-9", "990140000001", id, "1", "-99000001"}, // another organisation knows nothing of it
			{"till-1", "240540012345", "1", "1", "-99000001"},
			{"till-1", "240540012345", id, "100.01", "-99000005"},
			{"till-1", "240540012345", id, "50", "-99000020"}, // a loan goes back whole
			{"till-1", "240540012345", id, "100", "0"},
			{"till-1", "240540012345", id, "100", "-99000005"},
		} {
			body := fmt.Sprintf(`{"DeviceToken":%q,"OrganizationBin":%q,"QrPaymentId":%s,"Amount":%s}`, c.device, c.bin, c.id, c.amount)
			if e := s.call(t, "POST", "payment/return", body); string(e.StatusCode) != c.code {
				t.Errorf("%+v is answered %s", c, e.StatusCode)
			}
		}
		for _, amount := range []string{"0", "-1", "0.001", `"1"`} {
			body := fmt.Sprintf(`{"DeviceToken":"till-1","OrganizationBin":"240540012345","QrPaymentId":%s,"Amount":%s}`, id, amount)
			wantEqual(t, "HTTP status of "+amount, s.call(t, "POST", "payment/return", body).HTTP, http.StatusBadRequest)
		}
	})
}

func TestKaspiReturnMayShowLate(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{RefundsShowAfter: 5 * time.Minute}, func(t *testing.T, b *sim.Bank, s shop) {
		id := s.offer(t, "pay_1")
		must(t, b.Act("kaspi", id, sim.ActPay))
		left := func() string { return s.call(t, "GET", detailsPath(id), "").field("AvailableReturnAmount") }
		wantCode(t, s.call(t, "POST", "payment/return", returnBody(id, "5000.00")), "0")
		wantEqual(t, "money", b.Ledger().Net("kaspi", "pay_1"), 1_049_000)
		time.Sleep(5*time.Minute - time.Second)
		wantEqual(t, "left before it shows", left(), "15490.00")
		wantCode(t, s.call(t, "POST", "payment/return", returnBody(id, "10490.01")), "-99000005") // the bank itself knows
		wantCode(t, s.call(t, "POST", "payment/return", returnBody(id, "490.00")), "0")
		time.Sleep(time.Second)
		wantEqual(t, "left when the first shows", left(), "10490.00")
		time.Sleep(5 * time.Minute)
		wantEqual(t, "left when both show", left(), "10000.00")
	})
}

func TestKaspiBankMayTakeAPurchaseBack(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		id := s.offer(t, "pay_1")
		must(t, b.Act("kaspi", id, "take-back")) // nothing is paid yet
		wantEqual(t, "status of an unpaid QR", s.status(t, id), "QrTokenCreated")
		must(t, b.Act("kaspi", id, sim.ActPay))
		wantCode(t, s.call(t, "POST", "payment/return", returnBody(id, "490.00")), "0")
		must(t, b.Act("kaspi", id, "take-back"))
		must(t, b.Act("kaspi", id, "take-back"))
		wantEqual(t, "status", s.status(t, id), "Error")
		wantEqual(t, "money", b.Ledger().Net("kaspi", "pay_1"), 0)
		wantEqual(t, "entries", len(b.Ledger().Entries), 3)
		wantCode(t, s.call(t, "POST", "payment/return", returnBody(id, "1.00")), "-99000011")
	})
}

func TestKaspiPaidTwiceShowsInDetails(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		id := s.offer(t, "pay_1")
		must(t, b.Act("kaspi", id, sim.ActPayAgain)) // nothing is paid yet
		must(t, b.Act("kaspi", id, sim.ActPay))
		must(t, b.Act("kaspi", id, sim.ActPayAgain))
		wantEqual(t, "total", s.call(t, "GET", detailsPath(id), "").field("TotalAmount"), "30980.00")
		wantEqual(t, "second entry", b.Ledger().Entries[1].Note, "paid again")
	})
}

// The r2 flow of section 4.7: the customer must scan a return QR first.
func TestKaspiR2ReturnNeedsTheCustomer(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		device := fmt.Sprintf(`{"DeviceToken":%q`, sim.KaspiDefaultDevice)
		older, newer := s.offer(t, "pay_1"), s.offer(t, "pay_2")
		s.offer(t, "pay_3") // stays unpaid
		must(t, b.Act("kaspi", older, sim.ActPay))
		must(t, b.Act("kaspi", newer, sim.ActPay))
		date := time.Now().In(time.FixedZone("", 5*3600)).Format("2006-01-02T15:04:05.0000000")

		qr := s.call(t, "POST", "/r2/v01/return/create", device+`}`)
		wantEqual(t, "pace", qr.field("QrReturnBehaviorOptions"), `{"QrCodeScanEventPollingInterval":5,"QrCodeScanWaitTimeout":180}`)
		id := qr.field("QrReturnId")
		status := func() string { return s.call(t, "GET", "/r2/v01/return/status/"+id, "").field("Status") }
		list := device + `,"QrReturnId":` + id + `,"MaxResult":1}`
		refund := device + `,"QrReturnId":` + id + `,"QrPaymentId":` + newer + `,"Amount":90.00}`

		wantEqual(t, "before the scan", status(), "QrTokenCreated")
		wantCode(t, s.call(t, "POST", "/r2/v01/return/operations", list), "-1601")
		wantCode(t, s.call(t, "POST", "/r2/v01/payment/return", refund), "-1601")
		wantCode(t, s.call(t, "POST", "/r2/v01/test/payment/scan", `{"qrPaymentId":"`+id+`"}`), "0")
		wantEqual(t, "after the scan", status(), "CustomerIdentityObtained")
		wantEqual(t, "the list", string(s.call(t, "POST", "/r2/v01/return/operations", list).Data),
			`[{"QrPaymentId":`+newer+`,"Amount":15490.00,"TransactionDate":"`+date+`"}]`)
		wantCode(t, s.call(t, "POST", "/r2/v01/payment/return", refund), "0")
		wantEqual(t, "money", b.Ledger().Net("kaspi", "pay_2"), 1549000-9000)

		second := s.call(t, "POST", "/r2/v01/return/create", device+`}`).field("QrReturnId")
		pass(181 * time.Second)
		wantEqual(t, "one that nobody scanned", s.call(t, "GET", "/r2/v01/return/status/"+second, "").field("Status"), "Error")
		wantCode(t, s.call(t, "GET", "/r2/v01/return/status/1", ""), "-1601")
	})
}

func TestKaspiLiesWhereItsAnswersHaveRoomForALie(t *testing.T) {
	for _, c := range []struct {
		kind       sim.FaultKind
		code       string
		path, want string // {id} and {other} stand for two purchases
	}{
		{sim.FaultWrongAmount, "", "/r3/v02/payment/status/{id}", `"Amount":15491.00`},
		{sim.FaultWrongAmount, "", "/r3/v01/payment/status/{id}", `"Data":{"Status":"Processed"}`},
		{sim.FaultWrongAmount, "", detailsPath("{id}"), `"TotalAmount":15491.00`},
		{sim.FaultWrongReference, "", "/r3/v02/payment/status/{id}", `"TransactionId":"{other}"`},
		{sim.FaultWrongReference, "", detailsPath("{id}"), `"QrPaymentId":{other}`},
		{sim.FaultUnknownStatus, "", "/r3/v01/payment/status/{id}", `"Status":"PaymentFrozen"`},
		{sim.FaultUnknownStatus, "Paid", "/r3/v01/payment/status/{id}", `"Status":"Paid"`},
		{sim.FaultUnknownStatus, "-4711", "/r3/v01/payment/status/{id}", `{"StatusCode":-4711}`},
		{sim.FaultCode, "-999", "/r3/v01/payment/status/{id}", `{"StatusCode":-999,"Message":"Service temporarily unavailable"}`},
		{sim.FaultCode, "MAINTENANCE", "/r3/v01/payment/status/{id}", `{"StatusCode":"MAINTENANCE","Message":`},
	} {
		inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
			fill := strings.NewReplacer("{other}", s.offer(t, "pay_0"), "{id}", s.offer(t, "pay_1"))
			must(t, b.Act("kaspi", "pay_1", sim.ActPay))
			addFault(t, b, sim.Fault{Kind: c.kind, Code: c.code, Op: sim.OpStatus})
			_, got, err := s.send(t.Context(), "GET", fill.Replace(c.path), "")
			must(t, err)
			if !strings.Contains(string(got), fill.Replace(c.want)) {
				t.Errorf("%s %s at %s: %s", c.kind, c.code, c.path, got)
			}
		})
	}
}

func TestKaspiRefusalsWearTheWordsOfTheirOperation(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		id := s.offer(t, "pay_1")
		addFault(t, b, sim.Fault{Kind: sim.FaultNotFound})
		wantCode(t, s.call(t, "GET", "payment/status/"+id, ""), "-1601")
		wantCode(t, s.call(t, "POST", "payment/return", returnBody(id, "1")), "-99000001")
		b.ClearFaults()
		addFault(t, b, sim.Fault{Kind: sim.FaultUnauthorized})
		e := s.call(t, "GET", "/r1/v01/health/ping", "")
		wantEqual(t, "HTTP status in r1", e.HTTP, http.StatusUnauthorized)
		wantCode(t, e, "-10000")
		b.ClearFaults()
		addFault(t, b, sim.Fault{Kind: sim.FaultCode, Code: "-999", Status: 500})
		e = s.call(t, "GET", "health/ping", "")
		wantEqual(t, "HTTP status of the rule", e.HTTP, http.StatusInternalServerError)
		wantCode(t, e, "-999")
	})
}
