package sim

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

func (s *qpShop) list(query string) string {
	s.t.Helper()
	a := s.want(s.ask("GET", "/payments?"+query, ""), 200)
	orders := []string{}
	for i := range a.size() {
		orders = append(orders, strings.TrimPrefix(a.at(fmt.Sprintf("%d.order_id", i)), "rt-"))
	}
	return strings.Join(orders, " ")
}

func TestQuickPayFindsAPaymentByItsOrder(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		s.create("rt-0001")
		s.create("rt-0002")
		a := s.want(s.ask("GET", "/payments?order_id=rt-0001", ""), 200, "0.order_id", "rt-0001")
		if a.size() != 1 {
			t.Errorf("%d payments", a.size())
		}
		for _, none := range []string{"rt-000", "RT-0001", "rt-0003"} {
			if a := s.ask("GET", "/payments?order_id="+none, ""); a.HTTP != 200 || a.Text != "[]" {
				t.Errorf("%s is answered %d %s", none, a.HTTP, a.Text)
			}
		}
		if n := s.bank.Ledger().Count("quickpay", OpStatus, "rt-0001"); n != 1 {
			t.Errorf("%d questions about one order, want 1", n)
		}
	})
}

func TestQuickPayListIsNewestFirstAndComesInPages(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		for i := range 25 {
			s.create(fmt.Sprintf("rt-%02d", i))
		}
		a := s.ask("GET", "/payments", "")
		if a.size() != 20 || a.at("0.order_id") != "rt-24" || a.at("19.order_id") != "rt-05" {
			t.Errorf("%d payments, %s to %s", a.size(), a.at("0.order_id"), a.at("19.order_id"))
		}
		for _, tt := range []struct{ query, want string }{
			{"page=2", "04 03 02 01 00"},
			{"page=3", ""},
			{"page_size=3", "24 23 22"},
			{"page_size=3&page=2", "21 20 19"},
			{"page_size=3&sort_dir=asc", "00 01 02"},
			{"page_size=3&page=9&sort_by=created_at&sort_dir=asc", "24"},
			{"page_size=2&page_key=" + a.at("2.id"), "21 20"},
		} {
			if got := s.list(tt.query); got != tt.want {
				t.Errorf("%s: %s, want %s", tt.query, got, tt.want)
			}
		}
		for _, wrong := range []string{"page=0", "page_size=0", "page_size=x", "page_key=17", "sort_by=mood", "sort_dir=up", "min_time=yesterday", "max_time=2026-01-01"} {
			s.want(s.ask("GET", "/payments?"+wrong, ""), 400)
		}
	})
}

func TestQuickPayListIsFiltered(t *testing.T) {
	inQuickPay(t, QuickPayOptions{}, func(s *qpShop) {
		s.create("rt-init") // at 00:00
		s.pass(time.Hour)
		s.paid("rt-held")
		s.pass(time.Hour)
		s.captured("rt-paid")
		s.pass(time.Hour)
		s.want(s.ask("PATCH", "/payments/"+s.ask("GET", "/payments?order_id=rt-init", "").at("0.id"), `{"variables":{}}`), 200)
		at := func(name, moment string) string {
			return url.Values{name: {"2000-01-01 " + moment + " +0000"}}.Encode()
		}
		for _, tt := range []struct{ query, want string }{
			{"state=new", "held"},
			{"state=processed", "paid"},
			{"accepted=true", "paid held"},
			{"accepted=false", "init"},
			{"acquirer=clearhaus", "paid held"},
			{"fraud_suspected=true", ""},
			{at("min_time", "01:00:00"), "paid held"},
			{at("max_time", "01:00:00"), "held init"},
			{at("min_time", "00:30:00") + "&" + at("max_time", "01:30:00"), "held"},
			{url.Values{"min_time": {"2000-01-01 04:00:00 +0300"}}.Encode(), "paid held"},
		} {
			if got := s.list(tt.query); got != tt.want {
				t.Errorf("%s: %s, want %s", tt.query, got, tt.want)
			}
		}
		if got := s.list("sort_by=updated_at"); got != "init paid held" {
			t.Errorf("by update: %s", got)
		}
		if a := s.ask("GET", "/payments?order_id=rt-paid&operations_size=1", ""); a.at("0.operations.0.type") != "capture" || a.at("0.operations.1") != "<none>" {
			t.Errorf("one operation: %s", a.Text)
		}
		s.switches(`{"times_are_updates":true}`)
		if got := s.list(at("min_time", "02:30:00")); got != "init" {
			t.Errorf("by update: %s", got)
		}
	})
}
