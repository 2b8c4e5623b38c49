package sim_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

// withInbox runs a test with a merchant that hears of everything at /webhook/kaspi.
func withInbox(t *testing.T, in *inbox, test func(t *testing.T, b *sim.Bank, s shop)) {
	t.Helper()
	opt := sim.Options{Client: in.client()}
	inBubble(t, opt, sim.KaspiOptions{NotifyURL: "http://shop.invalid/webhook/kaspi"}, test)
}

// statuses are the Status values that came to the merchant, in their order; a scan is "scan".
func (in *inbox) statuses() string {
	var out []string
	for _, d := range in.all() {
		var n struct{ Status string }
		if strings.HasSuffix(d.path, "/scan") {
			n.Status = "scan"
		} else if json.Unmarshal([]byte(d.body), &n) != nil {
			n.Status = "unreadable"
		}
		out = append(out, n.Status)
	}
	return strings.Join(out, " ")
}

func TestNoticesTellOfScanAndOutcome(t *testing.T) {
	in := &inbox{}
	withInbox(t, in, func(t *testing.T, b *sim.Bank, s shop) {
		id := s.offer(t, "pay_1")
		must(t, b.Act("kaspi", "pay_1", sim.ActScan))
		pass(10 * time.Second)
		must(t, b.Act("kaspi", "pay_1", sim.ActConfirm))
		paid := time.Now()
		pass(10 * time.Second)

		wantEqual(t, "scan", strings.Join(in.bodies("/webhook/kaspi/scan"), ""), `{"OrderId":"pay_1"}`)
		wantEqual(t, "notifyPayment", strings.Join(in.bodies("/webhook/kaspi"), ""), `{"OrderId":"pay_1","Status":"Processed","QrPaymentId":`+
			id+`,"Amount":15490.00,"TransactionDate":"`+paid.In(time.FixedZone("", 5*3600)).Format("2006-01-02T15:04:05.000-07:00")+`"}`)
		for _, d := range b.Deliveries() {
			wantEqual(t, "state of "+d.URL, d.State, "accepted")
			wantEqual(t, "tries of "+d.URL, d.Tries, 1)
		}
	})
}

func TestBareNoticeHasOnlyTheTwoPromisedFields(t *testing.T) {
	in := &inbox{}
	kaspi := sim.KaspiOptions{NotifyURL: "http://shop.invalid/n", BareNotices: true}
	inBubble(t, sim.Options{Client: in.client()}, kaspi, func(t *testing.T, _ *sim.Bank, s shop) {
		s.offer(t, "pay_1")
		pass(181 * time.Second)
		wantEqual(t, "notice of an expiry", strings.Join(in.bodies("/n"), ""), `{"OrderId":"pay_1","Status":"Error"}`)
	})
}

func TestRefusedNoticeIsRepeatedAfter1And5And30And300SecondsAndThenGivenUp(t *testing.T) {
	in := &inbox{handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }}
	withInbox(t, in, func(t *testing.T, b *sim.Bank, s shop) {
		s.offer(t, "pay_1")
		pass(time.Hour)
		want := []time.Duration{0, 1 * time.Second, 6 * time.Second, 36 * time.Second, 336 * time.Second}
		got := in.all()
		wantEqual(t, "tries", len(got), len(want))
		for i, d := range got[:len(want)] {
			wantEqual(t, "time after the first try", d.at.Sub(got[0].at), want[i])
			wantEqual(t, "body", d.body, got[0].body)
		}
		wantEqual(t, "state", b.Deliveries()[0].State, "given-up")
	})
}

func TestMerchantWhoDoesNotAnswerIn15SecondsIsAskedAgain(t *testing.T) {
	in := &inbox{handler: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}
	withInbox(t, in, func(t *testing.T, b *sim.Bank, s shop) {
		s.offer(t, "pay_1")
		pass(time.Hour)
		got := in.all()
		wantEqual(t, "tries", len(got), 5)
		wantEqual(t, "the second", got[1].at.Sub(got[0].at), 16*time.Second)
		wantEqual(t, "answer", strings.Contains(b.Deliveries()[0].Answer, "deadline exceeded"), true)
	})
}

func TestAcceptedNoticeIsNotRepeated(t *testing.T) {
	tries := 0
	in := &inbox{handler: func(w http.ResponseWriter, _ *http.Request) {
		if tries++; tries < 3 {
			w.WriteHeader(http.StatusBadGateway)
		}
	}}
	withInbox(t, in, func(t *testing.T, b *sim.Bank, s shop) {
		s.offer(t, "pay_1")
		pass(time.Hour)
		wantEqual(t, "tries", tries, 3)
		wantEqual(t, "state", b.Deliveries()[0].State, "accepted")
	})
}

func TestTimeScaleShortensTheCadence(t *testing.T) {
	in := &inbox{handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }}
	opt := sim.Options{Client: in.client(), TimeScale: 0.001}
	inBubble(t, opt, sim.KaspiOptions{NotifyURL: "http://shop.invalid/n"}, func(t *testing.T, _ *sim.Bank, s shop) {
		s.offer(t, "pay_1")
		pass(181 * time.Second)
		wantEqual(t, "tries within a second", len(in.all()), 5)
	})
}

func TestNoticesGoWrongAsTheirRuleSays(t *testing.T) {
	for _, c := range []struct {
		mode    string
		soon    string // within 5 seconds of a payment
		at30    string // within 30 minutes
		waiting string // state of the first notice after 5 seconds
	}{
		{"", "scan Processed", "scan Processed", "accepted"},
		{sim.NoticeLost, "", "", "lost"},
		{sim.NoticeDouble, "scan Processed scan Processed", "scan Processed scan Processed", "accepted"},
		{sim.NoticeReordered, "Processed scan", "Processed scan", "accepted"},
		{sim.NoticeLate, "", "scan Processed", "waiting"},
		{sim.NoticeForged, "scan Error Processed", "scan Error Processed", "accepted"},
	} {
		t.Run(c.mode, func(t *testing.T) {
			in := &inbox{}
			withInbox(t, in, func(t *testing.T, b *sim.Bank, s shop) {
				if c.mode != "" {
					addNotice(t, b, sim.NoticeRule{Face: "kaspi", Mode: c.mode})
				}
				s.offer(t, "pay_1")
				must(t, b.Act("kaspi", "pay_1", sim.ActPay)) // scan and confirm at one instant: their notices keep their order
				pass(5 * time.Second)
				wantEqual(t, "soon", in.statuses(), c.soon)
				wantEqual(t, "state", b.Deliveries()[0].State, c.waiting)
				pass(30 * time.Minute)
				wantEqual(t, "in the end", in.statuses(), c.at30)
			})
		})
	}
}

func TestForgedNoticeClaimsTheBanksAddressAndIsNeverRepeated(t *testing.T) {
	in := &inbox{handler: func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Forwarded-For") != "" {
			w.WriteHeader(http.StatusForbidden)
		}
	}}
	withInbox(t, in, func(t *testing.T, b *sim.Bank, s shop) {
		addNotice(t, b, sim.NoticeRule{Mode: sim.NoticeForged})
		s.offer(t, "pay_1")
		pass(time.Hour)
		wantEqual(t, "notices", in.statuses(), "Processed Error") // nobody paid: the forgery says somebody did
		got := in.all()
		wantEqual(t, "lead of the forgery", got[1].at.Sub(got[0].at), 200*time.Millisecond)
		forged := b.Deliveries()[1]
		wantEqual(t, "forged", forged.Forged, true)
		wantEqual(t, "state of the forgery", forged.State, "refused")
		wantEqual(t, "tries of the forgery", forged.Tries, 1)
	})
}

func TestNoticeCanComeBeforeTheAnswerThatCausedIt(t *testing.T) {
	answered := false
	early := false
	in := &inbox{handler: func(http.ResponseWriter, *http.Request) { early = !answered }}
	withInbox(t, in, func(t *testing.T, b *sim.Bank, s shop) {
		addNotice(t, b, sim.NoticeRule{Mode: sim.NoticeBeforeAnswer})
		e := s.call(t, "POST", "remote/create", invoiceBody("pay_1", "1.00", "87011234567"))
		wantCode(t, s.call(t, "POST", "remote/cancel", cancelBody(e.field("QrPaymentId"))), "0")
		answered = true
		pass(time.Minute)
		wantEqual(t, "notices", in.statuses(), "RemotePaymentCanceled")
		wantEqual(t, "came before the answer", early, true)
	})
}

func TestNoticeBeforeTheAnswerIsSentAtOnceWhenThereIsNoCallToAnswer(t *testing.T) {
	in := &inbox{}
	withInbox(t, in, func(t *testing.T, b *sim.Bank, s shop) {
		addNotice(t, b, sim.NoticeRule{Mode: sim.NoticeBeforeAnswer})
		addPayer(t, b, sim.PayerRule{Behaviour: sim.PayerDeclines, After: sim.Duration(3 * time.Second)})
		s.offer(t, "pay_1")
		pass(3 * time.Second)
		wantEqual(t, "notices", in.statuses(), "scan Error")
		s.offer(t, "pay_2")
		must(t, b.Act("kaspi", "pay_2", sim.ActScan))
		wantEqual(t, "notices after an act", in.statuses(), "scan Error scan")
	})
}

func TestHeldBackNoticeWaitsAMinuteForAnother(t *testing.T) {
	in := &inbox{}
	withInbox(t, in, func(t *testing.T, b *sim.Bank, s shop) {
		addNotice(t, b, sim.NoticeRule{Mode: sim.NoticeReordered, Times: 1})
		s.offer(t, "pay_1")
		pass(181*time.Second + 58*time.Second)
		wantEqual(t, "before the minute", in.statuses(), "")
		pass(2 * time.Second)
		wantEqual(t, "after the minute", in.statuses(), "Error")
	})
}

func TestNoticeRuleIsLimitedAndCanBeRemoved(t *testing.T) {
	in := &inbox{}
	withInbox(t, in, func(t *testing.T, b *sim.Bank, s shop) {
		addNotice(t, b, sim.NoticeRule{Mode: sim.NoticeLost, Match: "pay_1", Times: 1})
		id, err := b.AddNotice(sim.NoticeRule{Mode: sim.NoticeLost, Match: "pay_2"})
		must(t, err)
		s.offer(t, "pay_1")
		s.offer(t, "pay_2")
		must(t, b.Act("kaspi", "pay_1", sim.ActPay)) // scan is lost, Processed is not
		must(t, b.Act("kaspi", "pay_2", sim.ActScan))
		wantEqual(t, "removed", b.RemoveNotice(id), true)
		wantEqual(t, "removed twice", b.RemoveNotice(id), false)
		pass(time.Second)
		wantEqual(t, "notices", in.statuses(), "Processed")
		wantEqual(t, "use of the first rule", b.Notices()[0].Used, 1)
		b.ClearNotices()
		wantEqual(t, "rules left", len(b.Notices()), 0)

		for _, n := range []sim.NoticeRule{{}, {Mode: "eaten"}, {Mode: sim.NoticeLost, Face: "nobody"},
			{Mode: sim.NoticeLost, Delay: 1}, {Mode: sim.NoticeLate, Delay: -1}} {
			if _, err := b.AddNotice(n); err == nil {
				t.Errorf("%+v was taken", n)
			}
		}
	})
}
