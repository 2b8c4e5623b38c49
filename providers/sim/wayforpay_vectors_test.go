package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The golden vectors of section 11 that are requests: each is accepted with its own signature and refused with any other.
func TestWayForPayVerifiesTheGoldenRequests(t *testing.T) {
	const order = `"merchantDomainName":"shop.example.kz","orderDate":1767225600,"currency":"UAH"`
	for _, tt := range []struct {
		name, signature, fields, code string
	}{
		{
			"invoice", "1f5bb777d0708c39fa1cdda8ee960746", `"transactionType":"CREATE_INVOICE",` + order +
				`,"orderReference":"rt-000000000001","amount":1500.5,"productName":["Order rt-000000000001"],"productCount":[1],"productPrice":[1500.5]`, "1100",
		},
		{
			"trailing zero kept", "03a9b9e3747700e161ccd752daa94ab5", `"transactionType":"CREATE_INVOICE",` + order +
				`,"orderReference":"rt-000000000001","amount":1500.50,"productName":["Order rt-000000000001"],"productCount":[1],"productPrice":[1500.50]`, "1100",
		},
		{
			"numbers as strings", "03a9b9e3747700e161ccd752daa94ab5", `"transactionType":"CREATE_INVOICE",` + order +
				`,"orderReference":"rt-000000000001","amount":"1500.50","productName":["Order rt-000000000001"],"productCount":["1"],"productPrice":["1500.50"]`, "1100",
		},
		{
			"two products, Cyrillic", "b1795cb30fd4d3387fccc43d31da00f3", `"transactionType":"CREATE_INVOICE",` + order +
				`,"orderReference":"rt-000000000002","amount":100,"productName":["Чай чёрный","Сахар"],"productCount":[2,1],"productPrice":[40,20]`, "1100",
		},
		{
			"purchase of a public client", "ee828f71ed93441c07eb3eef67762a5c", `"transactionType":"CREATE_INVOICE","merchantDomainName":"www.market.ua",
				"orderReference":"DH783023","orderDate":1415379863,"amount":1547.36,"currency":"UAH",
				"productName":["Процесор Intel Core i5-4670 3.4GHz","Пам'ять Kingston DDR3-1600 4096MB PC3-12800"],"productCount":[1,1],"productPrice":[1000,547.36]`, "1100",
		},
		{
			"charge by token", "6f2db5770b2aa6dc95ee5952a80cba29", `"transactionType":"CHARGE",` + order +
				`,"orderReference":"rt-000000000005","amount":250,"recToken":"1a2b3c4d-0000-4000-8000-00000000c0de",
				"productName":["Subscription January"],"productPrice":[250],"productCount":[1]`, "1100",
		},
		{"settle", "fad40cfb1888dcf8bf077224c7b0a9f3", `"transactionType":"SETTLE","orderReference":"rt-000000000003","amount":100,"currency":"UAH"`, "1127"},
		{"refund", "20755ad4ef2201563a3a9a0d581f1c72", `"transactionType":"REFUND","orderReference":"rt-000000000001","amount":1500.5,"currency":"UAH","comment":"x"`, "1127"},
		{"refund, partial", "e5b03f939366bfef97ce6fe8888c7a4f", `"transactionType":"REFUND","orderReference":"rt-000000000001","amount":500.25,"currency":"UAH","comment":"x"`, "1127"},
		{"check status", "e6c4edfd3f88d89a42049f5490739d59", `"transactionType":"CHECK_STATUS","orderReference":"rt-000000000001"`, "1127"},
		{"remove invoice, from the wiki", "bc54562dc1fa928b52fd3eb0e4d36937", `"transactionType":"REMOVE_INVOICE","orderReference":"INV-1479196343"`, "1127"},
		{"transaction list", "ff2246b07b76b032ede66a1dec5a9d58", `"transactionType":"TRANSACTION_LIST","dateBegin":1767225600,"dateEnd":1769817600`, "1100"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := wfpOpen(t, WayForPayOptions{}, nil)
			body := `{"merchantAccount":"test_merch_n1","apiVersion":1,"merchantSignature":%q,` + tt.fields + `}`
			forged := "0" + tt.signature[1:]
			if forged == tt.signature {
				forged = "1" + tt.signature[1:]
			}
			s.code(s.post(fmt.Sprintf(body, forged)), "1113")
			s.code(s.post(fmt.Sprintf(body, strings.ToUpper(tt.signature))), "1113")
			if got := fmt.Sprint(s.post(fmt.Sprintf(body, tt.signature))["reasonCode"]); got != tt.code {
				t.Errorf("reasonCode %s, want %s", got, tt.code)
			}
		})
	}
}

// The golden vectors of section 11 that are answers: an order in the vector's state is answered with the vector's signature.
func TestWayForPaySignsTheGoldenAnswers(t *testing.T) {
	visa, master := &wfpCard{pan: "41****8217"}, &wfpCard{pan: "51****5977"}
	status := func(s *wfpShop, reference string) wfpAnswer {
		return s.api("CHECK_STATUS", wfpAnswer{"orderReference": reference})
	}
	settle := func(s *wfpShop, reference string) wfpAnswer {
		return s.api("SETTLE", wfpAnswer{"orderReference": reference, "amount": 100, "currency": "UAH"})
	}
	refund := func(amount string) func(*wfpShop, string) wfpAnswer {
		return func(s *wfpShop, reference string) wfpAnswer {
			return s.api("REFUND", wfpAnswer{"orderReference": reference, "amount": json.Number(amount), "currency": "UAH", "comment": "x"})
		}
	}
	hold := wfpOrder{Object: &Object{Reference: "rt-000000000003", Amount: 10000, Authorized: 10000, Phase: Held, Status: wfpHeld}, code: 1100, authCode: "123456", card: master}
	paid := wfpOrder{Object: &Object{Reference: "rt-000000000001", Amount: 150050, Authorized: 150050, Captured: 150050, Phase: Charged, Status: wfpApproved}, code: 1100, authCode: "541963", card: visa}
	for _, tt := range []struct {
		name, signature string
		switches        WayForPaySwitches
		order           wfpOrder
		ask             func(*wfpShop, string) wfpAnswer
	}{
		{"approved", "cb0476c05485c118a391295eaa15a503", WayForPaySwitches{}, paid, status},
		{"approved, two decimals", "bd4334b010e02421e619393c21126872", WayForPaySwitches{TwoDecimals: true}, paid, status},
		{"approved, all as text", "cb0476c05485c118a391295eaa15a503", WayForPaySwitches{TextNumbers: true}, paid, status},
		{"declined, no card", "a3b873fa958026586c22cf03ff094eb2", WayForPaySwitches{}, wfpOrder{Object: &Object{Reference: "rt-000000000002", Amount: 10000, Phase: Dead, Status: wfpDeclined}, code: 1101}, status},
		{"declined", "d0dd359f714d2fb779c0a4a3aa0e5034", WayForPaySwitches{}, wfpOrder{Object: &Object{Reference: "rt-000000000005", Amount: 25000, Phase: Dead, Status: wfpDeclined}, code: 1104, card: master}, status},
		{"hold", "b13404b07b3b983deeaeca3bc6454475", WayForPaySwitches{}, hold, status},
		{"3-D Secure wanted", "ccf70f8f7751c4bab3bb16042a4d9362", WayForPaySwitches{}, wfpOrder{Object: &Object{Reference: "rt-000000000005", Amount: 25000, Phase: Live, Status: wfpInProcessing}, code: 5100, card: master}, status},
		{"order not found trap", "2cf1bfe0fdbae4adc8de8e47ae023c40", WayForPaySwitches{UnpaidInvoiceIs1127: true}, wfpOrder{Object: &Object{Reference: "rt-000000000006", Amount: 25000, Phase: Live, Status: wfpCreated}, code: 1131}, status},
		{"expired", "c60128668dc2c12c797d28bd85c79910", WayForPaySwitches{}, wfpOrder{Object: &Object{Reference: "rt-000000000004", Amount: 10000, Phase: Dead, Status: wfpExpired}, code: 1124}, status},
		{"settle, 4 fields", "ef6405b1415063fd836248bcbc6c2867", WayForPaySwitches{}, hold, settle},
		{"settle, 8 fields", "bcd0d2f501cf450751b0fbb02e5beb0a", WayForPaySwitches{SettleSignsEight: true}, hold, settle},
		{"refund", "b6a3251d2b6e85ebd793514ee0a856da", WayForPaySwitches{}, paid, refund("500.25")},
		{"refund pending", "a148ec0d5d97f49f28ca393d43142e3b", WayForPaySwitches{RefundsTake: Duration(time.Hour)}, paid, refund("500.25")},
		{"refund refused", "bc112dfe26736de159539ccca44c69fc", WayForPaySwitches{}, paid, refund("1500.51")},
		{"void", "cdee919dc8734bb8a2b4f56854b29ee4", WayForPaySwitches{}, hold, refund("100")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := wfpOpen(t, WayForPayOptions{Switches: tt.switches}, nil)
			ord, object := tt.order, *tt.order.Object
			object.Face, object.Account, object.Currency = "wayforpay", "test_merch_n1", "UAH"
			ord.Object = &object
			s.face.orders[object.Reference] = &ord
			if a := tt.ask(s, object.Reference); a["merchantSignature"] != tt.signature {
				t.Errorf("signature %v of %v, want %s", a["merchantSignature"], a, tt.signature)
			}
		})
	}
}

// The golden vectors of our accept, and what is no accept.
func TestWayForPayTakesOnlyTheSignedAcceptOfACallback(t *testing.T) {
	const key = "flk3409refn54t54t*FNJRET"
	for _, tt := range []struct {
		name, reference, answer string
		status                  int
		want                    bool
	}{
		{"golden", "rt-000000000001", `{"orderReference":"rt-000000000001","status":"accept","time":1767225700,"signature":"4c0c4eb579138c932667610d1d424f30"}`, 200, true},
		{"golden", "rt-000000000002", `{"orderReference":"rt-000000000002","status":"accept","time":1767225701,"signature":"99c1fcff3aa2ac948b6473eaf63df7b5"}`, 200, true},
		{"not 200", "rt-000000000001", `{"orderReference":"rt-000000000001","status":"accept","time":1767225700,"signature":"4c0c4eb579138c932667610d1d424f30"}`, 201, false},
		{"another order's", "rt-000000000001", `{"orderReference":"rt-000000000002","status":"accept","time":1767225701,"signature":"99c1fcff3aa2ac948b6473eaf63df7b5"}`, 200, false},
		{"another order's name, rightly signed", "rt-000000000001", `{"orderReference":"rt-000000000002","status":"accept","time":1767225700,"signature":"4c0c4eb579138c932667610d1d424f30"}`, 200, false},
		{"another time than signed", "rt-000000000001", `{"orderReference":"rt-000000000001","status":"accept","time":1767225701,"signature":"4c0c4eb579138c932667610d1d424f30"}`, 200, false},
		{"another status", "rt-000000000001", `{"orderReference":"rt-000000000001","status":"ok","time":1767225700,"signature":"4c0c4eb579138c932667610d1d424f30"}`, 200, false},
		{"no signature", "rt-000000000001", `{"orderReference":"rt-000000000001","status":"accept","time":1767225700}`, 200, false},
		{"no time", "rt-000000000001", `{"orderReference":"rt-000000000001","status":"accept","signature":"` + wfpSign(key, "rt-000000000001", "accept", "") + `"}`, 200, false},
		{"a fraction of a second", "rt-000000000001", `{"orderReference":"rt-000000000001","status":"accept","time":1.5,"signature":"` + wfpSign(key, "rt-000000000001", "accept", "1.5") + `"}`, 200, false},
		{"milliseconds", "rt-000000000001", `{"orderReference":"rt-000000000001","status":"accept","time":1767225700123,"signature":"` + wfpSign(key, "rt-000000000001", "accept", "1767225700123") + `"}`, 200, true},
		{"not JSON", "rt-000000000001", `OK`, 200, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := wfpAccepts(key, tt.reference, tt.status, []byte(tt.answer)); got != tt.want {
				t.Errorf("accepted: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestWayForPayRefusesWhatItCannotAccept(t *testing.T) {
	for _, tt := range []struct {
		name, kind string
		fields     wfpAnswer
		code       string
	}{
		{"another account", "CHECK_STATUS", wfpAnswer{"orderReference": "a", "merchantAccount": "somebody"}, "1121"},
		{"no account", "CHECK_STATUS", wfpAnswer{"orderReference": "a", "merchantAccount": ""}, "1115"},
		{"no signature", "CHECK_STATUS", wfpAnswer{"orderReference": "a", "merchantSignature": nil}, "1113"},
		{"no reference", "CHECK_STATUS", wfpAnswer{}, "1115"},
		{"no apiVersion", "CHECK_STATUS", wfpAnswer{"orderReference": "a", "apiVersion": nil}, "1115"},
		{"an unknown apiVersion", "CHECK_STATUS", wfpAnswer{"orderReference": "a", "apiVersion": "3"}, "1109"},
		{"no type", "", wfpAnswer{"orderReference": "a"}, "1115"},
		{"an unknown type", "P2P_CREDIT", wfpAnswer{"orderReference": "a"}, "1109"},
		{"a word of ours as type", "browser", wfpAnswer{}, "1109"},
		{"no comment", "REFUND", wfpAnswer{"orderReference": "a", "amount": 1, "currency": "UAH"}, "1115"},
		{"no domain", "CREATE_INVOICE", wfpOrderOf("a", "10", wfpAnswer{"merchantDomainName": ""}), "1115"},
		{"another currency", "CREATE_INVOICE", wfpOrderOf("a", "10", wfpAnswer{"currency": "KZT"}), "1110"},
		{"zero", "CREATE_INVOICE", wfpOrderOf("a", "0", nil), "1130"},
		{"a negative amount", "CREATE_INVOICE", wfpOrderOf("a", "-5", nil), "1130"},
		{"three decimals", "CREATE_INVOICE", wfpOrderOf("a", "10.005", nil), "1130"},
		{"an exponent", "CREATE_INVOICE", wfpOrderOf("a", "1e3", nil), "1130"},
		{"products that do not add up", "CREATE_INVOICE", wfpOrderOf("a", "10", wfpAnswer{"productPrice": []string{"9"}}), "1130"},
		{"two names and one price", "CREATE_INVOICE", wfpOrderOf("a", "10", wfpAnswer{"productName": []string{"x", "y"}}), "1109"},
		{"milliseconds", "CREATE_INVOICE", wfpOrderOf("a", "10", wfpAnswer{"orderDate": 1767225600000}), "1109"},
		{"a life in words", "CREATE_INVOICE", wfpOrderOf("a", "10", wfpAnswer{"orderTimeout": "1h"}), "1109"},
		{"a hold of no time", "CREATE_INVOICE", wfpOrderOf("a", "10", wfpAnswer{"holdTimeout": 0}), "1109"},
		{"an unknown stage", "CREATE_INVOICE", wfpOrderOf("a", "10", wfpAnswer{"merchantTransactionType": "HOLD"}), "1109"},
		{"an unknown token", "CHARGE", wfpOrderOf("a", "10", wfpAnswer{"recToken": "nobody"}), "1116"},
		{"neither token nor card", "CHARGE", wfpOrderOf("a", "10", nil), "1115"},
		{"card data", "CHARGE", wfpOrderOf("a", "10", wfpAnswer{"card": "4111111111111111"}), "1117"},
		{"an unknown secure type", "CHARGE", wfpOrderOf("a", "10", wfpAnswer{"recToken": wfpCardToken, "merchantTransactionSecureType": "MAYBE"}), "1109"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := wfpOpen(t, WayForPayOptions{}, nil)
			s.code(s.api(tt.kind, tt.fields), tt.code)
			if l := s.bank.Ledger(); len(l.Objects) != 0 || len(l.Entries) != 0 {
				t.Errorf("a refused request left %v and %v", l.Objects, l.Entries)
			}
		})
	}
	t.Run("not JSON", func(t *testing.T) {
		s := wfpOpen(t, WayForPayOptions{}, nil)
		s.code(s.post("merchantAccount=test_merch_n1"), "1109")
	})
	t.Run("no such address", func(t *testing.T) {
		s := wfpOpen(t, WayForPayOptions{}, nil)
		for method, path := range map[string]string{http.MethodGet: "/api", http.MethodPost: "/regularApi", http.MethodPut: "/pay"} {
			if rec, err := s.exchange(method, path, "{}"); err != nil || rec.Code != http.StatusNotFound {
				t.Errorf("%s %s answers %v %v, want 404", method, path, rec, err)
			}
		}
	})
}
