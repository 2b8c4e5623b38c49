package main

import (
	"slices"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/wayforpay"
)

func TestTheQuickGatewayAnswersInTheProtocol(t *testing.T) {
	g, err := openQuickGateway(t.Context(), 0) // charges once, and insists on the money
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	adapter, err := wayforpay.New(quickConfig(g.url), wayforpay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer adapter.Close()
	if probe := adapter.Probe(t.Context()); probe.Verdict != providers.Approved {
		t.Errorf("the probe finds %s %s", probe.Verdict, probe.Reason)
	}
	if look := adapter.Lookup(t.Context(), providers.Ref{Order: "rec1", Method: providers.Instrument}); !look.Absent {
		t.Errorf("a look-up finds %s %s", look.Verdict, look.Reason)
	}
	if string(g.charge) == "" {
		t.Error("there is no charge to repeat")
	}
}

// The gateway takes the money, hangs up, and says so when it is asked.
func TestALostAnswerIsOfMoneyThatWasTaken(t *testing.T) {
	shared := &takings{orders: map[string]int{}}
	g, err := openFrailGateway(t.Context(), faultLost, shared)
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	adapter, err := wayforpay.New(quickConfig(g.url), wayforpay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer adapter.Close()
	g.breakDown(t.Context())
	ref := providers.Ref{Order: "rec-1", Method: providers.Instrument, Amount: providers.Money{Minor: quickSum, Currency: "KZT"}}
	charge := providers.Charge{Ref: ref, Instrument: providers.Token{Value: providers.NewSecret(quickToken)}, Description: "order 1"}
	if result := adapter.Charge(t.Context(), charge); result.Verdict != providers.Unknown {
		t.Errorf("the charge came to %s", result.Verdict)
	}
	if result := adapter.Lookup(t.Context(), ref); result.Verdict != providers.Approved {
		t.Errorf("the look-up finds %s %s", result.Verdict, result.Reason)
	}
	if _, ok := g.failed("order 1"); !ok {
		t.Error("the gateway does not know that its answer was lost")
	}
	if shared.times("order 1") != 1 || shared.times("order 2") != 0 {
		t.Errorf("taken: %v", shared.orders)
	}
}

func TestAnOutageIsWeighedByWhatItDidToCharges(t *testing.T) {
	onset := time.Now()
	at := func(began, took int, o outcome) outcome {
		o.began = onset.Add(time.Duration(began) * time.Millisecond)
		o.ended = o.began.Add(time.Duration(took) * time.Millisecond)
		return o
	}
	healthy, failedOver := outcome{paid: true}, outcome{paid: true, vain: true, backup: true}
	timedOut := outcome{paid: true, vain: true, failed: onset.Add(101 * time.Millisecond)} // too late to have been needed
	lost, spared := outcome{vain: true}, outcome{paid: true, backup: true}
	r := weigh([]outcome{
		at(-300, 10, healthy), at(-200, 10, healthy), at(-100, 10, healthy),
		at(0, 60, failedOver), at(10, 1000, lost), at(20, 40, failedOver), at(30, 10, healthy),
		at(-50, 80, spared), // stuck for another reason
		at(100, 10, spared), at(200, 10, spared), at(40, 200, timedOut),
	}, onset, onset)
	if r.needed != 3 || r.first != 30*time.Millisecond || r.spared != 100*time.Millisecond {
		t.Errorf("%d failures, first after %s, spared after %s", r.needed, r.first, r.spared)
	}
	if r.asked != 8 || r.vain != 4 || r.undecided != 1 || r.since != 1 || len(r.penalties) != 4 {
		t.Errorf("%+v", r)
	}
	// The charge that began at 0 ended at 60 and the one that began at 20 at the same time.
	if added := r.firstAdded.Round(time.Millisecond); added != 50*time.Millisecond || r.opened != 100*time.Millisecond {
		t.Errorf("the first that failed over took %s longer; spared %s after the first failure", added, r.opened)
	}
	for i, want := range []time.Duration{30, 50, 190, 990} { // beyond the 10 ms of a healthy one, to the width of a bucket
		if got := r.penalties[i]; got > want*time.Millisecond || got < want*time.Millisecond-100*time.Microsecond {
			t.Errorf("penalty %d is %s, not %d ms", i, got, want)
		}
	}
	if r = weigh([]outcome{at(-100, 10, healthy), at(0, 1000, lost)}, onset, onset); r.first != never || r.spared != never || r.needed != 0 {
		t.Errorf("where nothing failed over: %+v", r)
	}
}

// A charge that waited for the store has learnt meanwhile what happened to others.
func TestAChargeIsSparedWhenThatIsDecided(t *testing.T) {
	onset := time.Now()
	after := func(ms int) time.Time { return onset.Add(time.Duration(ms) * time.Millisecond) }
	r := weigh([]outcome{
		{began: after(0), ended: after(90), vain: true, failed: after(20)},
		{began: after(-5), ended: after(60), paid: true, backup: true, planned: after(30)},
		{began: after(40), ended: after(90), vain: true, failed: after(50)},
	}, onset, onset)
	if r.spared != 30*time.Millisecond || r.needed != 1 || r.opened != 10*time.Millisecond {
		t.Errorf("spared after %s and %d failures, %s after the first", r.spared, r.needed, r.opened)
	}
}

// The control charges twice where an answer is lost, and the service never does: it has the
// answer looked up.
func TestAnOutageTellsTheServiceFromTheToy(t *testing.T) {
	r := benched(t, "-engine", "sqlite", "-outage", "2400ms", "-parts", partOutages, "-faults", faultRefuse+","+faultLost)
	for _, router := range allRouters() {
		for _, fault := range []string{faultRefuse, faultLost} {
			i := slices.IndexFunc(r.Outages, func(o *outageCell) bool { return o.Router == router && o.Fault == fault })
			if i < 0 {
				t.Fatalf("there is no outage %s under %s: %q", fault, router, r.Warnings)
			}
			o := r.Outages[i]
			if o.Asked == 0 || o.Vain == 0 || o.FirstMS == nil {
				t.Errorf("%+v", o)
			}
			if wants := router == routerToy && fault == faultLost; wants != (o.Twice > 0) {
				t.Errorf("%s, %s: %d orders were charged twice", router, fault, o.Twice)
			}
			// Those that had their connection as the listener closed are in doubt, and rightly so;
			// and on a busy machine even the backup may once not answer in time.
			if fault == faultRefuse && o.UnpaidSince > 1 {
				t.Errorf("%s: %d of %d charges that nobody took were not paid at the backup", router, o.UnpaidSince, o.Undecided)
			}
		}
	}
}
