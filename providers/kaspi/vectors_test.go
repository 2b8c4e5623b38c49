package kaspi

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// The published facts of section 11 of the provider notes that no other test names.

func TestDatesAreReadInTheirThreeSpellings(t *testing.T) {
	for text, want := range map[string]string{
		"2020-01-16T10:30:00+06":        "2020-01-16T04:30:00Z",         // the document
		"2025-10-22T17:10:50.717+05:00": "2025-10-22T12:10:50.717Z",     // live answers
		"2021-12-08T11:35:48.1566667":   "2021-12-08T06:35:48.1566667Z", // lists
		"2020-1-6T10:30:00+06":          "2020-01-06T04:30:00Z",         // a sample without leading zeros
		"2025-10-22T12:10:50Z":          "2025-10-22T12:10:50Z",
	} {
		var read moment
		if err := json.Unmarshal([]byte(`"`+text+`"`), &read); err != nil || read.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: %s, %v", text, read.Format(time.RFC3339Nano), err)
		}
	}
	for _, text := range []string{"2020-01-16", "16.01.2020 10:30", "2020-13-16T10:30:00+06", "1579149000", "2020-01-16T10:30:00+6"} {
		if read, err := parseDate(text); err == nil {
			t.Errorf("%s is read as %s", text, read)
		}
	}
}

func TestPublishedOptionsOfAPaymentAreRead(t *testing.T) {
	for _, name := range []string{"qr-create", "qr-create-link"} {
		var e envelope
		var o offered
		if err := json.Unmarshal([]byte(answerFile(t, name)), &e); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(e.Data, &o); err != nil {
			t.Fatal(err)
		}
		w := o.windows()
		scan := w.QRCodeScanWaitTimeout.or(w.LinkActivationWaitTimeout.or(0))
		if w.StatusPollingInterval.or(0) != 5*time.Second || scan != 180*time.Second || w.PaymentConfirmationTimeout.or(0) != 65*time.Second {
			t.Errorf("%s: %+v", name, w)
		}
	}
}

func TestRefundOfAnUnpaidPurchaseAndDeletionOfAnUnknownDevice(t *testing.T) {
	atCounter(t, func(t *testing.T, b *bank) {
		b.code("/payment/return", -99000011)
		is(t, b.gateway(R3).Refund(t.Context(), refundOf(5000_00, 0)), providers.Unserved, providers.Misconfigured)
		b.code("/device/delete", -1501)
		is(t, b.gateway(R3).DeleteDevice(t.Context()), providers.Unserved, providers.Misconfigured)
	})
}

func TestPublishedBillerAnswersAreOurs(t *testing.T) {
	g := listening(t, func(c *Config) { c.Biller.Fields = []Field{{"Shop", "Qazaq Books"}} })
	for query, try := range map[string]struct {
		ruling providers.Ruling
		want   string
	}{
		"command=check&txn_id=740012345678&account=4711&sum=1.00": {
			providers.Ruling{Kind: providers.Payable, Amount: price},
			`{"txn_id":"740012345678","result":0,"sum":"15490.00","comment":"OK","fields":{"field1":{"@name":"Shop","#text":"Qazaq Books"}}}`,
		},
		"command=pay&txn_id=740012345679&account=4711&sum=15490.00&txn_date=20261123140212": {
			providers.Ruling{Kind: providers.Accepted, ID: "90017"},
			`{"txn_id":"740012345679","prv_txn":"90017","prv_txn_id":"90017","sum":"15490.00","result":0,"comment":"OK"}`,
		},
	} {
		var got, want any
		if err := json.Unmarshal(g.Answer(g.Hear(asked(query)), try.ruling).Body, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(try.want), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
}

func TestAmountsAreWrittenAndReadExactly(t *testing.T) {
	for minor, want := range map[int64]string{1: "0.01", 100: "1.00", 15490_00: "15490.00", 9007199254740993: "90071992547409.93"} {
		literal, err := json.Marshal(tenge{money: kzt(minor)})
		if err != nil || string(literal) != want {
			t.Errorf("%d: %s, %v", minor, literal, err)
		}
		for _, text := range []string{want, `"` + want + `"`} {
			var read tenge
			if err := json.Unmarshal([]byte(text), &read); err != nil || !read.told || read.money != kzt(minor) {
				t.Errorf("%s: %+v, %v", text, read, err)
			}
		}
	}
}
