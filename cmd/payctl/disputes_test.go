package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
)

func TestADisputeIsTakenAnsweredProvedAndClosed(t *testing.T) {
	w := newWorld(t)
	t.Chdir(t.TempDir())
	p := w.paid("--amount", "4500", "--order", "4711")
	w.eventually("the gateway's own notice is in the books", func() bool {
		notices := w.bank.Deliveries()
		return len(notices) > 0 && !slices.ContainsFunc(notices, func(n sim.Notice) bool { return n.State == "waiting" })
	})
	record := []string{"dispute", "record", last(p.GetName()), "--kind", "chargeback", "--case-number", "81", "--detail", "тауар жеткізілмеді", "--as", "aida"}
	d := read(w, &payrouterv1.Dispute{}, record...)
	id := last(d.GetName())
	w.payctl(record...).fails(exitRefused, "another dispute of the gateway has this case number", "payctl dispute show "+id)
	w.payctl("dispute", "list", "--state", "open", "--payment", last(p.GetName()), "--gateway", "wayforpay-main", "--since", "1h").done("wayforpay-main chargeback 81 4500.00 KZT open due in 23h59m0s", id)
	w.payctl("dispute", "list", "--overdue").done("There are no such disputes.")
	w.payctl("dispute", "take", id, "--note", "delivery note asked for", "--as", "bolat").done("owner bolat", "note delivery note asked for", "state open")
	w.payctl("dispute", "show", d.GetName()).done("kind chargeback", "case number 81", "attempt 1 at wayforpay-main", "amount 4500.00 KZT", "recorded", "aida")

	file := "dispute-" + id + ".zip"
	w.payctl("dispute", "evidence", id).done(file+": evidence about chargeback "+id, "SHA-256")
	archive, err := zip.OpenReader(file)
	w.must(err)
	var names []string
	for _, f := range archive.File {
		names = append(names, f.Name)
	}
	w.must(archive.Close())
	if got := strings.Join(names, " "); got != "README.txt timeline.txt timeline.csv payment.json notices.csv statement.csv manifest.txt" {
		t.Errorf("files %s", got)
	}
	w.payctl("dispute", "evidence", id).fails(exitUsage, "it is there already", "--force")
	w.payctl("dispute", "evidence", id, "--out", file).fails(exitUsage, "it is there already", "--force")
	before, err := os.ReadFile(file)
	w.must(err)
	elsewhere := filepath.Join(t.TempDir(), "case-81.zip")
	w.payctl("dispute", "evidence", id, "--out", elsewhere).done(elsewhere)
	w.payctl("dispute", "evidence", id, "--out", file, "--force").done(file)
	for _, path := range []string{file, elsewhere} {
		if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
			t.Errorf("%s: the same books give other bytes, %v", path, err)
		}
	}
	if r := w.payctl("dispute", "evidence", id, "--out", "-").done(); r.out != string(before) {
		t.Error("the output is another archive")
	}

	w.payctl("dispute", "answer", id, "--answer", "delivered, evidence sent", "--as", "bolat").done("state answered", "given in time", "delivered, evidence sent", "answered by bolat")
	w.payctl("dispute", "answer", id, "--answer", "once more").fails(exitRefused, "DISPUTE_ANSWERED", "payctl dispute show "+id)
	w.payctl("dispute", "close", id, "--outcome", "lost", "--reason", "letter of 26 Nov", "--as", "dana").done("state closed: lost", "letter of 26 Nov", "closed by dana")
	w.payctl("dispute", "close", id, "--outcome", "won", "--reason", "letter of 26 Nov").fails(exitRefused, "DISPUTE_CLOSED", "payctl dispute show "+id)
	if now := w.get(p.GetName()); now.GetEtag() != p.GetEtag() || now.GetState() != payrouterv1.Payment_STATE_PAID {
		t.Errorf("a lost dispute changed the payment: %v", now)
	}
}

func TestADisputeThatCannotBeSaysWhatToType(t *testing.T) {
	w := newWorld(t)
	p := w.create("--amount", "4500", "--method", "qr")
	w.payctl("dispute", "record", p.GetName(), "--kind", "claim").fails(exitRefused, "name the attempt that the dispute is about", "payctl explain", "--attempt")
	w.payctl("dispute", "record", p.GetName(), "--kind", "claim", "--attempt", "1", "--amount", "4500.01").fails(exitRefused, "--amount is more than the attempt took or was to take, 4500.00 KZT")
	w.payctl("dispute", "record", p.GetName(), "--kind", "claim", "--attempt", "1", "--open-time", "2999-01-01T00:00:00Z").fails(exitRefused, "--open-time is in the future")
	w.payctl("dispute", "record", p.GetName(), "--kind", "refund").fails(exitUsage, "--kind refund: there are chargeback, claim and inquiry")
	w.payctl("dispute", "record", p.GetName(), "--kind", "claim", "--open-time", "yesterday").fails(exitUsage, "write a time with its zone")
	w.payctl("dispute", "list", "--state", "new").fails(exitUsage, "there are open, answered and closed")
	w.payctl("dispute", "answer", "019ac").fails(exitUsage, "--answer is required")
	w.payctl("dispute", "close", "019ac", "--outcome", "lost").fails(exitUsage, "--reason is required")
	w.payctl("dispute", "close", "019ac", "--outcome", "drawn", "--reason", "x").fails(exitUsage, "there are won, lost and withdrawn")
	w.payctl("dispute", "show", "019ac").fails(exitRefused, `"019ac" is not the name of a dispute`)
	w.payctl("dispute", "evidence", "019ac").fails(exitRefused, `"019ac" is not the name of a dispute`)
}

func TestTheClockOfADisputeIsToldAsPeopleSayIt(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(now.Add(d)) }
	for want, d := range map[string]*payrouterv1.Dispute{
		"due in 3h12m0s":     {AnswerDueTime: at(3*time.Hour + 12*time.Minute + time.Second)},
		"OVERDUE by 25h0m0s": {AnswerDueTime: at(-25 * time.Hour)},
		"given in time":      {AnswerDueTime: at(-time.Hour), AnswerTime: at(-time.Hour)},
		"given late":         {AnswerDueTime: at(-time.Hour), AnswerTime: at(-time.Minute)},
		"never given":        {AnswerDueTime: at(-time.Hour), State: payrouterv1.Dispute_STATE_CLOSED},
	} {
		if got := answerClock(d, now); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
