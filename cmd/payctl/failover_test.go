package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
)

var leave = []string{"failover", "kaspi-main", "--to", "halyk-main", "--for", "30m", "--reason", "bank reports an outage", "--as", "aida", "--every", "50ms"}

func TestAFailoverIsTriedAskedOrderedAndWatchedUntilItIsSafe(t *testing.T) {
	w := newWorld(t)
	w.create("--amount", "15490", "--method", "qr")
	w.payctl(append(leave, "--dry-run")...).done("kaspi-main: 100.00 % of new payments, then 0.00 %", "Nothing was changed.")
	w.payctl("overrides").done("There are no such orders.")

	r := w.answers("kaspi-main\n", leave...)
	if r.exit != exitDone {
		t.Fatalf("%s exits with %d\n%s%s", r.line, r.exit, r.out, r.err)
	}
	r.says("halyk-main: 0.00 % of new payments, then 100.00 %", "Send no new payments to kaspi-main for 30m?", "kaspi-main drain in force",
		"Offers that can still be paid at kaspi-main: 1", "may still take money: 1.", "Safe: nothing that was begun at kaspi-main can take money any more.", "payctl restore kaspi-main")
	w.payctl("overrides", "--active").done("kaspi-main drain in force", "aida bank reports an outage")
}

func TestAFailoverThatNobodyMeantIsNotOrdered(t *testing.T) {
	w := newWorld(t)
	w.create("--amount", "15490", "--method", "qr")
	for _, answer := range []string{"", "y\n", "halyk-main\n"} {
		if r := w.answers(answer, leave...); r.exit != exitUsage || !strings.Contains(r.err, "nothing was ordered") {
			t.Errorf("answered %q, it exits with %d: %s", answer, r.exit, r.err)
		}
	}
	w.payctl("failover", "kaspi-main", "--to", "halyk-main").fails(exitUsage, "--reason")
	w.payctl("failover", "kaspi-main", "--reason", "an outage").fails(exitUsage, "--to is required")
	w.payctl("failover", "kaspi-main", "--to", "gateways/kaspi-main", "--reason", "an outage").fails(exitUsage, "it is the gateway that is to be left")
	w.payctl("failover", "kaspi-main", "--to", "nobody-main", "--reason", "an outage").fails(exitRefused, "no such gateway")
	w.payctl(append(leave, "-o", "json")...).fails(exitUsage, "--yes is required")
	w.payctl("failover", "kaspi-main", "--to", "wayforpay-main", "--reason", "an outage", "--yes").fails(exitRefused, "most of these payments would go to halyk-main, not to wayforpay-main")
	w.payctl("drain", "halyk-main", "--reason", "rehearsal").done()
	w.payctl(append(leave, "--yes")...).fails(exitRefused, "halyk-main takes no new payments now (drained")
	w.payctl("overrides", "kaspi-main").done("There are no such orders.")
}

func TestAFailoverThatIsNotWatchedEndsOnceItIsOrdered(t *testing.T) {
	w := newWorld(t)
	w.payctl(append(leave, "--yes", "--no-watch")...).done("kaspi-main drain in force").lacks("Safe")
	o := read(w, &payrouterv1.Override{}, append([]string{"failover", "wayforpay-main", "--yes"}, leave[2:]...)...)
	if o.GetMode() != payrouterv1.Override_MODE_DRAIN || o.GetName() == "" {
		t.Errorf("ordered %v", o)
	}
}

func TestThePictureOfGatewaysFollowsWhatHappens(t *testing.T) {
	w := newWorld(t)
	said, printed := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan int, 1)
	go func() {
		ended <- execute(ctx, []string{"--address", w.address, "gateways", "--watch", "--every", "20ms"}, printed, os.Stderr)
		printed.Close()
	}()
	var seen bytes.Buffer
	until := func(text string) {
		t.Helper()
		part := make([]byte, 4096)
		for !strings.Contains(squeezed(seen.String()), text) {
			n, err := said.Read(part)
			if err != nil {
				t.Fatalf("it never says %q: %v\n%s", text, err, &seen)
			}
			seen.Write(part[:n])
		}
		seen.Reset()
	}
	until("All gateways take new payments")
	w.fault(sim.Fault{Face: "kaspi", Kind: sim.FaultRefuse})
	w.create("--amount", "15490", "--method", "qr")
	until("! OUT: kaspi-main")
	w.payctl("drain", "halyk-main", "--reason", "rehearsal").done()
	w.payctl("drain", "wayforpay-main", "--reason", "rehearsal").done()
	until("! ALL GATEWAYS ARE OUT")
	stop()
	go func() { _, _ = io.Copy(io.Discard, said) }()
	if exit := <-ended; exit != exitDone {
		t.Errorf("interrupted, it exits with %d", exit)
	}
}

// A tired person must see that the picture is old, and not lose it.
func TestAPictureThatIsOldSaysSo(t *testing.T) {
	var out bytes.Buffer
	c := &client{out: &out, width: 80, height: 3, address: "127.0.0.1:7070", timeout: time.Second}
	cmd := c.gatewaysCommand()
	cmd.SetContext(t.Context())
	n := 0
	err := c.live(cmd, time.Millisecond, func(_ context.Context, view *client) (bool, error) {
		if n++; n == 2 {
			return false, context.DeadlineExceeded
		}
		_, err := io.WriteString(view.out, "all is well\n")
		return n == 3, err
	})
	if err != nil {
		t.Fatal(err)
	}
	pictures := strings.Split(out.String(), clear)
	if len(pictures) != 4 || pictures[0] != "\n\n\n" || strings.Contains(out.String(), "\x1b[3J") || !strings.Contains(pictures[2], "all is well") || !strings.Contains(pictures[2], "! NO ANSWER since") || strings.Contains(pictures[3], "NO ANSWER") {
		t.Errorf("it draws %q", pictures)
	}
	if err := c.live(cmd, time.Millisecond, func(context.Context, *client) (bool, error) { return false, context.DeadlineExceeded }); err == nil {
		t.Error("a service that never answered is no picture")
	}
}

// answers runs a command for a person who types something when asked.
func (w *world) answers(typed string, args ...string) ran {
	w.Helper()
	in, out, err := os.Pipe()
	w.must(err)
	_, err = out.WriteString(typed)
	w.must(err)
	w.must(out.Close())
	before := os.Stdin
	os.Stdin = in
	defer func() { os.Stdin = before; in.Close() }()
	return w.payctl(args...)
}
