package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// rows asks TRANSACTION_LIST from a second before `from` until a second after now.
func (s *wfpShop) rows(from time.Time, more wfpAnswer) []wfpAnswer {
	s.t.Helper()
	all := wfpAnswer{"dateBegin": from.Unix() - 1, "dateEnd": time.Now().Unix() + 1}
	for k, v := range more {
		all[k] = v
	}
	a := s.api("TRANSACTION_LIST", all)
	s.code(a, "1100")
	var out []wfpAnswer
	list, _ := a["transactionList"].([]any)
	for _, one := range list {
		row, _ := one.(map[string]any)
		out = append(out, row)
	}
	return out
}

func wfpLines(rows []wfpAnswer) string {
	var out []string
	for _, r := range rows {
		out = append(out, fmt.Sprint(r["transactionType"], " ", r["orderReference"], " ", r["amount"], " ", r["transactionStatus"], " ", r["reasonCode"]))
	}
	return strings.Join(out, "\n")
}

func TestWayForPayListsEveryMovementInItsOwnRow(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		opened := time.Now()
		s.invoice("rt-0", "10", nil) // nobody tries to pay it: no row
		s.invoice("rt-1", "1500.5", nil)
		s.act("rt-1", ActDecline)
		s.act("rt-1", ActPay)
		s.refund("rt-1", "500.25", "rf-1")
		s.hold("rt-2", "100", nil)
		s.settle("rt-2", "60")
		s.hold("rt-3", "70", nil)
		s.refund("rt-3", "70", "void")
		s.invoice("rt-4", "5", nil)
		s.act("rt-4", ActScan)
		rows := s.rows(opened, nil)
		want := strings.Join([]string{
			"PURCHASE rt-1 1500.50 Declined 1104",
			"PURCHASE rt-1 1500.50 Approved 1100", // the refund does not change it
			"REFUND rt-1 500.25 Refunded 1100",
			"CHARGE rt-2 100.00 WaitingAuthComplete 1100",
			"SETTLE rt-2 60.00 Approved 1100",
			"CHARGE rt-3 70.00 WaitingAuthComplete 1100",
			"REFUND rt-3 70.00 Voided 1100",
			"PURCHASE rt-4 5.00 InProcessing 1131",
		}, "\n")
		if got := wfpLines(rows); got != want {
			t.Errorf("rows\n%s\nwant\n%s", got, want)
		}
		paid := rows[1]
		for field, want := range map[string]any{"fee": "30.01", "settlementAmount": "1470.49", "createdDate": "946684800", "settlementDate": "946771200"} {
			if paid[field] != want {
				t.Errorf("%s is %v (%T), want the text %v", field, paid[field], paid[field], want)
			}
		}
		for _, row := range rows {
			if row["recToken"] != nil {
				t.Error("a row shows a recToken")
			}
		}
	})
}

func TestWayForPayListHasAWindowOfCreationDates(t *testing.T) {
	const day = 24 * time.Hour
	steps := func(s *wfpShop) {
		s.charge("rt-1", "10", nil)
		wfpLater(20 * day)
		s.charge("rt-2", "10", nil)
		wfpLater(20 * day)
		s.refund("rt-1", "10", "rf-1")
	}
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		opened := time.Now().Unix()
		steps(s)
		window := func(begin, end time.Duration) wfpAnswer {
			return wfpAnswer{"dateBegin": opened + int64(begin.Seconds()), "dateEnd": opened + int64(end.Seconds())}
		}
		for _, tt := range []struct {
			begin, end time.Duration
			want       string
		}{
			{0, 0, "CHARGE rt-1 10.00 Approved 1100"},
			{time.Second, 20*day - time.Second, ""},
			{0, 31 * day, "CHARGE rt-1 10.00 Approved 1100\nCHARGE rt-2 10.00 Approved 1100"},
			{20 * day, 40 * day, "CHARGE rt-2 10.00 Approved 1100\nREFUND rt-1 10.00 Refunded 1100"},
		} {
			if got := wfpLines(s.rows(time.Now(), window(tt.begin, tt.end))); got != tt.want {
				t.Errorf("from %s to %s:\n%s\nwant\n%s", tt.begin, tt.end, got, tt.want)
			}
		}
		a := s.api("TRANSACTION_LIST", window(0, 31*day+time.Second))
		s.code(a, "1109")
		if !strings.Contains(fmt.Sprint(a["reason"]), "period") {
			t.Errorf("reason %v says nothing about the period", a["reason"])
		}
		s.code(s.api("TRANSACTION_LIST", window(day, 0)), "1109")
		s.code(s.api("TRANSACTION_LIST", wfpAnswer{"dateBegin": "2026-01-01", "dateEnd": "2026-01-02"}), "1109")
	})
	wfpBubble(t, WayForPayOptions{Switches: WayForPaySwitches{ListIgnoresDates: true}}, func(s *wfpShop) {
		steps(s)
		if got := s.rows(time.Now(), nil); len(got) != 3 {
			t.Errorf("%d rows, want all 3 whatever the window", len(got))
		}
	})
}

func TestWayForPayListShowsARefundThatWaits(t *testing.T) {
	wfpBubble(t, WayForPayOptions{Switches: WayForPaySwitches{RefundsTake: Duration(time.Hour)}}, func(s *wfpShop) {
		opened := time.Now()
		s.charge("rt-1", "10", nil)
		s.refund("rt-1", "4", "rf-1")
		if got, want := wfpLines(s.rows(opened, nil)[1:]), "REFUND rt-1 4.00 RefundInProcessing 1138"; got != want {
			t.Errorf("row %s, want %s", got, want)
		}
		wfpLater(2 * time.Hour)
		if got, want := wfpLines(s.rows(opened, nil)[1:]), "REFUND rt-1 4.00 Refunded 1100"; got != want {
			t.Errorf("row %s, want %s", got, want)
		}
	})
}

func TestWayForPayListShowsProductsInVersionTwoOnly(t *testing.T) {
	wfpBubble(t, WayForPayOptions{}, func(s *wfpShop) {
		opened := time.Now()
		s.charge("rt-1", "10", nil)
		if row := s.rows(opened, nil)[0]; row["products"] != nil {
			t.Error("version 1 shows products")
		}
		row := s.rows(opened, wfpAnswer{"apiVersion": "2"})[0]
		if list, _ := row["products"].([]any); len(list) != 1 {
			t.Errorf("version 2 shows products %v", row["products"])
		}
	})
}
