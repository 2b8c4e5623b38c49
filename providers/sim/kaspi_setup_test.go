package sim_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

// twoShops is an organisation with an open trade point, a disabled one and one without QR, and a second organisation.
func twoShops() []sim.KaspiOrganization {
	return []sim.KaspiOrganization{
		{BIN: "240540012345", Name: "Qazaq Books", TradePoints: []sim.KaspiTradePoint{
			{ID: 1, Name: "Abay", Devices: []string{"till-1"}},
			{ID: 2, Name: "Satpaev", Disabled: true, Devices: []string{"till-2"}},
			{ID: 3, Name: "Dostyk", NoQR: true, Devices: []string{"till-3"}},
			{ID: 4, Name: "Tole Bi", Devices: []string{"4"}}, // looks like a number
		}},
		{BIN: "990140000001", Name: "Kok Tobe", TradePoints: []sim.KaspiTradePoint{{ID: 9, Name: "Hill", Devices: []string{"till-9"}}}},
		{BIN: "990140000002", Name: "Empty"},
	}
}

func TestKaspiTradePointsBelongToTheirOrganization(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{Organizations: twoShops()}, func(t *testing.T, _ *sim.Bank, s shop) {
		e := s.call(t, "GET", "partner/tradepoints/990140000001", "")
		wantEqual(t, "points", string(e.Data), `[{"TradePointId":9,"TradePointName":"Hill"}]`)
		wantCode(t, s.call(t, "GET", "partner/tradepoints/990140000002", ""), "-14000002")
		wantCode(t, s.call(t, "GET", "partner/tradepoints/000000000000", ""), "-14000002")
	})
}

func TestKaspiDeviceIsBoundToOneTradePoint(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{Organizations: twoShops()}, func(t *testing.T, _ *sim.Bank, s shop) {
		register := func(id, bin string, point int) envelope {
			return s.call(t, "POST", "device/register/", fmt.Sprintf(`{"DeviceId":%q,"OrganizationBin":%q,"TradePointId":%d}`, id, bin, point))
		}
		first := register("router-1", "240540012345", 1)
		wantCode(t, first, "0")
		wantEqual(t, "the same arguments", register("router-1", "240540012345", 1).field("DeviceToken"), first.field("DeviceToken"))
		wantCode(t, register("router-1", "240540012345", 4), "-1503")
		wantCode(t, register("router-1", "240540012345", 9), "-99000002")
		wantCode(t, register("router-1", "000000000000", 1), "-99000002")
		wantCode(t, register("router-1", "240540012345", 3), "990000026")
		wantEqual(t, "HTTP status of Cyrillic", register("касса", "240540012345", 1).HTTP, http.StatusBadRequest)
		if register("router-2", "240540012345", 1).field("DeviceToken") == first.field("DeviceToken") {
			t.Error("two devices have one token")
		}

		body := fmt.Sprintf(`{"DeviceToken":%q,"OrganizationBin":"240540012345"}`, first.field("DeviceToken"))
		wantCode(t, s.call(t, "POST", "device/delete", body), "0")
		wantCode(t, s.call(t, "POST", "device/delete", body), "-1501")
		create := fmt.Sprintf(`{"DeviceToken":%q,"OrganizationBin":"240540012345","Amount":1}`, first.field("DeviceToken"))
		wantCode(t, s.call(t, "POST", "qr/create", create), "-1502")
		again := register("router-1", "240540012345", 4) // a deleted device is bound to nothing
		wantCode(t, again, "0")
		if again.field("DeviceToken") == first.field("DeviceToken") {
			t.Error("a deleted device came back with its old token")
		}
	})
}

func TestKaspiCreateIsRefusedWithTheDocumentedCode(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{Organizations: twoShops()}, func(t *testing.T, b *sim.Bank, s shop) {
		create := func(bin, device, amount string) envelope {
			return s.call(t, "POST", "qr/create-link", fmt.Sprintf(`{"OrganizationBin":%q,"DeviceToken":%s,"Amount":%s}`, bin, device, amount))
		}
		for _, c := range []struct{ bin, device, amount, code string }{
			{"240540012345", `"till-1"`, `10000000`, "0"},
			{"240540012345", `"4"`, `1.5`, "0"},
			{"240540012345", `4`, `1.50`, "0"}, // the document types the token as a number in places
			{"240540012345", `"till-7"`, `1`, "-1501"},
			{"240540012345", `null`, `1`, "-1501"},
			{"990140000001", `"till-1"`, `1`, "-1501"}, // bound to another organisation
			{"", `"till-1"`, `1`, "-1501"},
			{"240540012345", `"till-2"`, `1`, "990000018"},
			{"240540012345", `"till-3"`, `1`, "990000026"},
			{"240540012345", `"till-1"`, `0`, "990000028"},
			{"240540012345", `"till-1"`, `-1.00`, "990000028"},
			{"240540012345", `"till-1"`, `0.001`, "990000028"},
			{"240540012345", `"till-1"`, `1e3`, "990000028"},
			{"240540012345", `"till-1"`, `10000000.01`, "990000028"},
			{"240540012345", `"till-1"`, `"15490.00"`, "990000028"}, // text is not a number
			{"240540012345", `"till-1"`, `null`, "990000028"},
		} {
			if e := create(c.bin, c.device, c.amount); string(e.StatusCode) != c.code {
				t.Errorf("%+v is answered %s", c, e.StatusCode)
			}
		}
		wantEqual(t, "purchases", len(b.Ledger().Objects), 3)
		misspelt := `{"OrganizationBin":"240540012345","deviceToken":"till-1","Amount":1}`
		wantCode(t, s.call(t, "POST", "qr/create", misspelt), "-1501")
	})
}

func TestKaspiR1NeedsNoOrganizationInTheBody(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		body := fmt.Sprintf(`{"DeviceToken":%q,"Amount":1.00,"ExternalId":"pay_1"}`, sim.KaspiDefaultDevice)
		wantCode(t, s.call(t, "POST", "/r1/v01/qr/create", body, "Api-Key", sim.KaspiDefaultKey), "0")
		wantEqual(t, "account", b.Ledger().Objects[0].Account, sim.KaspiDefaultBIN)
	})
}

func TestKaspiRemoteInvoiceReachesAPhone(t *testing.T) {
	opt := sim.KaspiOptions{NotClients: []string{"87010000001"}, NoInvoices: []string{"87010000002"}}
	inBubble(t, sim.Options{}, opt, func(t *testing.T, b *sim.Bank, s shop) {
		for phone, code := range map[string]string{
			"87011234567": "0", "77011234567": "0", "77010000001": "-1404", "87010000002": "990000032", "+77011234567": "-1401", "": "-1401",
		} {
			e := s.call(t, "GET", "remote/client-info?phoneNumber="+phone+"&deviceToken="+sim.KaspiDefaultDevice, "")
			wantCode(t, e, code)
			wantCode(t, s.call(t, "POST", "remote/create/", invoiceBody("pay_"+phone, "1.00", phone)), code)
		}
		wantCode(t, s.call(t, "POST", "remote/create", invoiceBody("pay_1", "0", "87011234567")), "990000028")
		wantEqual(t, "invoices", len(b.Ledger().Objects), 2)
	})
}

func TestKaspiRemoteInvoiceLivesADayAndCanBeWithdrawn(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, b *sim.Bank, s shop) {
		invoice := func(reference string) string {
			e := s.call(t, "POST", "remote/create", invoiceBody(reference, "1.00", "87011234567"))
			wantCode(t, e, "0")
			return e.field("QrPaymentId")
		}
		forgotten, withdrawn, paid, qr := invoice("pay_1"), invoice("pay_2"), invoice("pay_3"), s.offer(t, "pay_4")
		for range 2 { // the second call answers like the first
			e := s.call(t, "POST", "remote/cancel", cancelBody(withdrawn))
			wantCode(t, e, "0")
			wantEqual(t, "answer", e.field("Status"), "RemotePaymentCanceled")
		}
		must(t, b.Act("kaspi", withdrawn, sim.ActPay)) // comes to nothing
		must(t, b.Act("kaspi", paid, sim.ActPay))
		wantCode(t, s.call(t, "POST", "remote/cancel", cancelBody(paid)), "-99000001")
		wantCode(t, s.call(t, "POST", "remote/cancel", cancelBody(qr)), "-99000001")
		wantCode(t, s.call(t, "POST", "remote/cancel", cancelBody("1")), "-99000001")

		pass(24*time.Hour - time.Second)
		wantEqual(t, "a forgotten one in time", s.status(t, forgotten), "RemotePaymentCreated")
		pass(2 * time.Second)
		wantEqual(t, "a forgotten one after a day", s.status(t, forgotten), "Error")
		wantEqual(t, "a withdrawn one", s.status(t, withdrawn), "RemotePaymentCanceled")
		wantEqual(t, "a paid one", s.status(t, paid), "Processed")
		wantEqual(t, "entries", len(b.Ledger().Entries), 1)
	})
}

func TestKaspiClientInfoIsLimitedTo50AMinutePerDevice(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{}, func(t *testing.T, _ *sim.Bank, s shop) {
		ask := func() int {
			return s.call(t, "GET", "remote/client-info?phoneNumber=87011234567&deviceToken="+sim.KaspiDefaultDevice, "").HTTP
		}
		for range 50 {
			wantEqual(t, "HTTP status", ask(), http.StatusOK)
		}
		wantEqual(t, "the 51st", ask(), http.StatusTooManyRequests)
		pass(time.Minute)
		wantEqual(t, "a minute later", ask(), http.StatusOK)
	})
}

func TestKaspiLoadProtectionThrottlesFastPolling(t *testing.T) {
	inBubble(t, sim.Options{}, sim.KaspiOptions{ThrottlePolling: true}, func(t *testing.T, _ *sim.Bank, s shop) {
		id := s.offer(t, "pay_1")
		other := s.offer(t, "pay_2")
		s.status(t, id)
		pass(4 * time.Second)
		wantEqual(t, "too fast", s.call(t, "GET", "payment/status/"+id, "").HTTP, http.StatusTooManyRequests)
		s.status(t, other)
		pass(time.Second)
		s.status(t, id)
	})
}

func TestKaspiCanWriteTheLenientForms(t *testing.T) {
	opt := sim.KaspiOptions{TextNumbers: true, HourOffsets: true, Product: "Loan"}
	inBubble(t, sim.Options{}, opt, func(t *testing.T, b *sim.Bank, s shop) {
		e := s.call(t, "POST", "qr/create", createBody("pay_1", "15490.00"))
		id := b.Ledger().Objects[0].ID
		wantEqual(t, "id as text", string(e.Data) != "" && e.field("QrPaymentId") == id, true)
		wantEqual(t, "hour-only offset", e.field("ExpireDate"), time.Now().Add(180*time.Second).In(time.FixedZone("", 5*3600)).Format("2006-01-02T15:04:05")+"+05")
		must(t, b.Act("kaspi", id, sim.ActPay))
		_, got, err := s.send(t.Context(), "GET", "/r3/v02/payment/status/"+id, "")
		must(t, err)
		wantEqual(t, "status", string(got), `{"StatusCode":0,"Message":"OK","Data":{"Status":"Processed","TransactionId":"`+id+
			`","LoanOfferName":"Kaspi Red","LoanTerm":"3","IsOffer":false,"ProductType":"Loan","Amount":"15490.00",`+
			`"StoreName":"Qazaq Books","Address":"Abay 150","City":"Almaty"}}`)
	})
}
