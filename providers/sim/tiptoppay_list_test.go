package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// ttpBooks writes rows as text.
func ttpBooks(a ttpObject) string {
	var all []string
	for _, row := range ttpRows(a) {
		all = append(all, fmt.Sprintf("%v %v %v", row["InvoiceId"], row["Status"], row["Amount"]))
	}
	return strings.Join(all, ", ")
}

// period asks for what was created between two moments of the first days of 2000.
func (s *ttpShop) period(from, to time.Duration, more ttpObject) ttpObject {
	s.t.Helper()
	dawn := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	zone := time.FixedZone("", 5*60*60)
	return s.api("/v2/payments/list", ttpObject{
		"PageNumber": 1, "CreatedDateGte": dawn.Add(from).In(zone).Format(time.RFC3339), "CreatedDateLte": dawn.Add(to).In(zone).Format(time.RFC3339),
	}.with(more))
}

func TestTipTopPayListsEveryOperationByItsCreation(t *testing.T) {
	for _, awaiting := range []bool{false, true} {
		ttpBubble(t, TipTopPayOptions{Switches: TipTopPaySwitches{ListsAwaiting: awaiting}}, func(s *ttpShop) {
			id := ttpID(s.token("rt-1", ttpGoodToken))
			time.Sleep(time.Hour)
			s.token("rt-2", ttpPoorToken)
			time.Sleep(time.Hour)
			s.refund(id, "5000")
			time.Sleep(time.Hour)
			held := s.held("rt-3")
			s.card("rt-4", "4242424242424242", nil)
			s.order("rt-5", nil)
			time.Sleep(24 * time.Hour)
			s.api("/payments/void", ttpByID(held, nil))
			waits := map[bool]string{true: ", rt-4 AwaitingAuthentication 14500.00"}[awaiting]
			all := "rt-1 Completed 14500.00, rt-2 Declined 14500.00, rt-1 Completed 5000.00, rt-3 Cancelled 14500.00" + waits
			for want, a := range map[string]ttpObject{
				all: s.period(0, 48*time.Hour, nil),
				"rt-2 Declined 14500.00, rt-1 Completed 5000.00": s.period(time.Hour, 2*time.Hour, nil), // both ends belong to it
				"rt-3 Cancelled 14500.00":                        s.period(0, 48*time.Hour, ttpObject{"Statuses": []string{"Cancelled", "Authorized"}}),
				"":                                               s.period(0, 48*time.Hour, ttpObject{"PageNumber": 2}),
			} {
				if got := ttpBooks(a); got != want || a["Success"] != true || a["Model"] == nil {
					t.Errorf("the period has %s, want %s", got, want)
				}
			}
			if got := ttpBooks(s.api("/payments/list", ttpObject{"Date": "2000-01-01"})); got != all {
				t.Errorf("the day has %s", got)
			}
			if got := ttpBooks(s.api("/payments/list", ttpObject{"Date": "2000-01-01", "TimeZone": "ALMT"})); got != all {
				t.Errorf("the day has %s in Almaty", got)
			}
			if got := ttpBooks(s.api("/payments/list", ttpObject{"Date": "2000-01-02"})); got != "" {
				t.Errorf("the next day has %s", got)
			}
		})
	}
}

func TestTipTopPayRowsSayWhatWasPaidOut(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		s.token("rt-1", ttpGoodToken)
		time.Sleep(23 * time.Hour)
		if row := ttpRows(s.period(0, 24*time.Hour, nil))[0]; row["PayoutDateIso"] != nil || row["PayoutAmount"] != nil {
			t.Errorf("it was paid out too early: %v", row)
		}
		time.Sleep(2 * time.Hour)
		if row := ttpRows(s.period(0, 24*time.Hour, nil))[0]; row["PayoutDateIso"] != "2000-01-02T00:00:00" || row["PayoutAmount"] != json.Number("14210.00") {
			t.Errorf("it was paid out as %v on %v", row["PayoutAmount"], row["PayoutDateIso"])
		}
	})
}

func TestTipTopPayListHasAHundredRowsAPage(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		for i := range 205 {
			s.token(fmt.Sprintf("rt-%03d", i), ttpGoodToken)
		}
		seen := 0
		for page, want := range []int{100, 100, 5, 0} {
			rows := ttpRows(s.period(0, time.Hour, ttpObject{"PageNumber": page + 1}))
			if len(rows) != want {
				t.Errorf("page %d has %d rows, want %d", page+1, len(rows), want)
			}
			for _, row := range rows {
				if row["InvoiceId"] != fmt.Sprintf("rt-%03d", seen) {
					t.Fatalf("row %d is %v", seen, row["InvoiceId"])
				}
				seen++
			}
		}
	})
}

func TestTipTopPayListsRefuseNonsense(t *testing.T) {
	s := ttpOpen(t, TipTopPayOptions{}, nil)
	hour := func(more ttpObject) ttpObject { return s.period(0, time.Hour, more) }
	for want, a := range map[string]ttpObject{
		"Invalid PageNumber value":     hour(ttpObject{"PageNumber": 0}),
		"CreatedDateGte is required":   hour(ttpObject{"CreatedDateGte": ""}),
		"Invalid CreatedDateLte value": hour(ttpObject{"CreatedDateLte": "2000-01-01T00:00:00"}), // says no offset
		"Invalid TimeZone value":       hour(ttpObject{"TimeZone": "Mars"}),
		"Invalid Statuses value":       hour(ttpObject{"Statuses": []string{"AwaitingAuthentication"}}),
		"Date is required":             s.api("/payments/list", ttpObject{}),
		"Invalid Date value":           s.api("/payments/list", ttpObject{"Date": "01.01.2000"}),
	} {
		s.refusal(a, want)
	}
	s.refusal(s.api("/chargebacks/list", ttpObject{"PageNumber": 1, "CreatedDateGte": "2000-01-01T00:00:00Z", "CreatedDateLte": "2002-01-01T00:00:00Z"}),
		"Invalid CreatedDateLte value")
}

func TestTipTopPayChargebacksAreListedAndMoveNothing(t *testing.T) {
	ttpBubble(t, TipTopPayOptions{}, func(s *ttpShop) {
		id := ttpID(s.token("rt-1", ttpGoodToken))
		s.act("rt-1", "chargeback")
		year := ttpObject{"PageNumber": 1, "CreatedDateGte": "2000-01-01T00:00:00Z", "CreatedDateLte": "2001-01-01T00:00:00Z"}
		rows := ttpRows(s.api("/chargebacks/list", year))
		if len(rows) != 1 || fmt.Sprint(rows[0]["TransactionId"]) != id || rows[0]["Type"] != "Chargeback" {
			t.Errorf("the list is %v", rows)
		}
		s.net("rt-1", 1450000)
		s.face.sw.NoChargebacks = true
		if rec, err := s.send(http.MethodPost, "/chargebacks/list", "{}"); err != nil || rec.Code != http.StatusNotFound {
			t.Errorf("where there are none it is answered %v %v", rec, err)
		}
	})
}

func TestTipTopPayModelHasEveryDocumentedKey(t *testing.T) {
	s := ttpOpen(t, TipTopPayOptions{Live: true, Switches: TipTopPaySwitches{ShortAmounts: true}}, nil)
	m := ttpModel(s.token("rt-1", ttpGoodToken))
	for name := range strings.FieldsSeq(`ReasonCode PublicId TerminalUrl TransactionId Amount Currency CurrencyCode PaymentAmount PaymentCurrency
		PaymentCurrencyCode InvoiceId AccountId Email Description JsonData CreatedDate CreatedDateIso PayoutDate PayoutDateIso PayoutAmount AuthDate
		AuthDateIso ConfirmDate ConfirmDateIso AuthCode TestMode Rrn OriginalTransactionId FallBackScenarioDeclinedTransactionId IpAddress IpCountry
		IpCity IpRegion IpDistrict IpLatitude IpLongitude CardFirstSix CardLastFour CardExpDate CardType CardProduct CardCategory CardTypeCode
		IssuerBankCountry Issuer Status StatusCode CultureName Reason CardHolderMessage Type Refunded Name Token SubscriptionId Gateway GatewayName
		AndroidPay WalletType TotalFee`) {
		if _, there := m[name]; !there {
			t.Errorf("%s is missing", name)
		}
	}
	if m["TestMode"] != false || m["Amount"] != json.Number("14500") {
		t.Errorf("a live terminal with short amounts says %v %v", m["TestMode"], m["Amount"])
	}
	s.face.sw.FoundIsSuccess = true
	s.token("rt-2", ttpPoorToken)
	s.is(s.find("rt-2"), "Declined", true)
}
