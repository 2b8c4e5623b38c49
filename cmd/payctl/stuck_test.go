package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

func TestWhoIsStuckIsShownByWhatTheyMayBeTold(t *testing.T) {
	w := newWorld(t)
	lives := w.create("--amount", "15490", "--method", "page", "--gateway", "wayforpay-main", "--order", "=4711")
	w.create("--amount", "510", "--method", "page", "--gateway", "wayforpay-main", "--order", "4712")
	w.paid("--amount", "700", "--order", "4713")
	from := time.Now().Add(-time.Hour).Format("2006-01-02 15:04")

	w.payctl("stuck", "wayforpay-main", "--from", from).done("TELL THE PAYER PAYMENTS MONEY", "finish it or wait, do not pay again 2 16000.00 KZT", last(lives.GetName()), "4712").lacks("4713")
	w.payctl("stuck", "wayforpay-main", "--from", from, "--all").done("nothing to do, it is paid 1 700.00 KZT", "4713")
	w.payctl("stuck", "kaspi-main", "--from", from).done("There are no such payments.")
	w.payctl("stuck", "wayforpay-main", "--from", from, "--to", from).done("There are no such payments.")
	if all := read(w, &payrouterv1.ListPaymentsResponse{}, "stuck", "wayforpay-main", "--from", from); len(all.GetPayments()) != 2 {
		t.Errorf("a program reads %v", all)
	}
	w.payctl("stuck", "wayforpay-main").fails(exitUsage, "--from is required")
	w.payctl("stuck", "wayforpay-main", "--from", "noon").fails(exitUsage, "--from noon: write a time as 14:05")

	file := filepath.Join(t.TempDir(), "incident.csv")
	w.payctl("stuck", "wayforpay-main", "--from", from, "--all", "--csv", file).done("3 payments")
	text, err := os.ReadFile(file)
	w.must(err)
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	w.must(err)
	if len(rows) != 4 || rows[0][0] != "tell_the_payer" || rows[3][0] != "nothing to do, it is paid" || !strings.Contains(string(text), ",'=4711,") {
		t.Errorf("the file says\n%s", text)
	}
}

func TestWhereNobodyIsStuckTheOthersAreCounted(t *testing.T) {
	w := newWorld(t)
	w.paid("--amount", "700", "--order", "4713")
	w.payctl("stuck", "wayforpay-main", "--from", time.Now().Add(-time.Hour).Format(time.RFC3339)).done("None waits. At their end: 1, which --all shows.")
}

func TestAMomentIsReadAsPeopleWriteIt(t *testing.T) {
	zone := time.FixedZone("Asia/Almaty", 5*60*60)
	now := time.Date(2026, 11, 24, 15, 0, 0, 0, zone)
	for text, want := range map[string]string{"14:05": "2026-11-24T14:05:00+05:00", "14:05:30": "2026-11-24T14:05:30+05:00",
		"2026-11-23 23:59": "2026-11-23T23:59:00+05:00", "2026-11-24T09:05:00Z": "2026-11-24T09:05:00Z"} {
		if at, err := moment(text, now); err != nil || at.Format(time.RFC3339) != want {
			t.Errorf("%s is %s, %v", text, at.Format(time.RFC3339), err)
		}
	}
	for _, text := range []string{"", "25:00", "2026-11-24", "yesterday"} {
		if at, err := moment(text, now); err == nil {
			t.Errorf("%q is %s", text, at)
		}
	}
}

func TestEveryAdviceHasItsPlace(t *testing.T) {
	for _, of := range payrouterv1.PayerAdvice_name {
		if p := (&payrouterv1.Payment{Resolution: &payrouterv1.Resolution{PayerAdvice: payrouterv1.PayerAdvice(payrouterv1.PayerAdvice_value[of])}}); urgency(p) < 0 {
			t.Errorf("%s has none", of)
		}
	}
}
