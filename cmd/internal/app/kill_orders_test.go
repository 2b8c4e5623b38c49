//go:build unix

package app_test

import (
	"context"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/router/pgtest"
)

// obeyedWithin is how soon an order at one replica is obeyed by the others (PRODUCT N4).
const obeyedWithin = time.Second

func (w *world) drain(r *replica, gateway string) *pb.Override {
	w.t.Helper()
	o, err := r.people.CreateOverride(asPerson(w.t, "aida"), &pb.CreateOverrideRequest{Parent: "gateways/" + gateway, RequestId: uuid.NewString(),
		Override: &pb.Override{Mode: pb.Override_MODE_DRAIN, Reason: "it does not answer", Duration: durationpb.New(time.Hour)}})
	w.must(err)
	return o
}

func (w *world) restore(r *replica, o *pb.Override) {
	w.t.Helper()
	_, err := r.people.EndOverride(asPerson(w.t, "bolat"), &pb.EndOverrideRequest{Name: o.GetName(), Etag: o.GetEtag(), Reason: "back"})
	w.must(err)
}

// charged makes a payment and returns the gateway that it went to.
func (w *world) charged(r *replica) (gateway string, err error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	p, err := r.payments.CreatePayment(ctx, wishOfCard(wayforpayCard))
	if err != nil {
		return "", err
	}
	return p.GetAttempts()[0].GetGateway(), nil
}

// charges is charged where nothing may fail.
func (w *world) charges(r *replica) string {
	w.t.Helper()
	gateway, err := w.charged(r)
	w.must(err)
	return gateway
}

// until charges at a replica until they go to the gateway, and returns how long after the
// moment the last that did not was asked for: how long charges take is none of it. From a
// second after the moment all must.
func (w *world) until(r *replica, moment time.Time, gateway string) (last time.Duration) {
	w.t.Helper()
	for {
		asked := time.Since(moment)
		went := w.charges(r)
		if went == "gateways/"+gateway {
			return last
		}
		if last = asked; asked > obeyedWithin {
			w.t.Fatalf("a charge asked for %v after the order went to %s", asked, went)
		}
	}
}

// TestAnOrderAtOneReplicaIsObeyedByTheOthersWithinASecond gives orders at one process and
// measures when another obeys: by charges, the only thing that counts.
func TestAnOrderAtOneReplicaIsObeyedByTheOthersWithinASecond(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.URL(t))
	// What comes back from a drain comes in steps; here at once.
	w.configure("health: {probe_every: 1m}", "health: {probe_every: 1m, ramp: [100]}")
	a, b := w.replica(trap{}), w.replica(trap{})
	if went := w.charges(b); went != "gateways/wayforpay-main" {
		t.Fatalf("without an order a charge goes to %s", went)
	}
	var given, ended []time.Duration
	const trials = 10
	for range trials {
		o := w.drain(a, "wayforpay-main")
		given = append(given, w.until(b, time.Now(), "halyk-main"))
		for range 3 { // and it stays so
			if went := w.charges(b); went != "gateways/halyk-main" {
				t.Fatalf("a later charge goes to %s", went)
			}
		}
		w.restore(b, o)
		ended = append(ended, w.until(a, time.Now(), "wayforpay-main"))
	}
	t.Logf("the other replica's last charge that did not obey was asked for at most %v after an order, and %v after its end, in %d trials", slices.Max(given), slices.Max(ended), trials)

	// It survives the end of all replicas: the first charge of the next one goes by it.
	o := w.drain(a, "wayforpay-main")
	for _, r := range []*replica{a, b} {
		r.signal(syscall.SIGKILL)
		r.ended()
	}
	b = w.replica(trap{})
	if went := w.charges(b); went != "gateways/halyk-main" {
		t.Fatalf("after a restart the first charge goes to %s", went)
	}
	a = w.replica(trap{})
	w.restore(b, o)
	w.until(a, time.Now(), "wayforpay-main")
	w.audit(a, len(w.histories()))
}

// TestAnOrderGivenWhileAReplicaSleptIsObeyedByItsFirstCharge stops a replica, as a long
// pause of its machine does: what it knew of orders is old when it wakes.
func TestAnOrderGivenWhileAReplicaSleptIsObeyedByItsFirstCharge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.URL(t))
	a, b := w.replica(trap{}), w.replica(trap{})
	w.charges(b)
	for range 3 {
		b.signal(syscall.SIGSTOP)
		w.eventually("sleep", b.asleep)
		o := w.drain(a, "wayforpay-main")
		time.Sleep(obeyedWithin) // its sleep is real time
		var went string
		var err error
		first := make(chan struct{})
		go func() {
			defer close(first)
			went, err = w.charged(b)
		}()
		b.signal(syscall.SIGCONT)
		<-first
		if w.must(err); went != "gateways/halyk-main" {
			t.Fatalf("the first charge after the sleep went to %s", went)
		}
		w.restore(a, o)
	}
}

// TestAnOrderGivenWhileTheBooksWereAwayIsObeyedByTheFirstChargeThatCanBeMade cuts one
// replica off from the books, as a broken network does.
func TestAnOrderGivenWhileTheBooksWereAwayIsObeyedByTheFirstChargeThatCanBeMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.URL(t))
	a := w.replica(trap{})
	wire := newWire(t, w.url)
	w.via = wire.URL
	b := w.replica(trap{})
	w.charges(b)
	wire.cutAll()
	o := w.drain(a, "wayforpay-main")
	given := time.Now()
	w.eventually("a look that finds no books", func() bool { return wire.turnedAway() > 2 && time.Since(given) > obeyedWithin })
	wire.light()
	lit := time.Now()
	w.eventually("a charge", func() bool {
		went, err := w.charged(b)
		if err != nil {
			return false // nothing is sent while the books are looked over
		}
		if went != "gateways/halyk-main" {
			t.Fatalf("the first charge after the books were back went to %s", went)
		}
		return true
	})
	t.Logf("the first charge was made %v after the books were back", time.Since(lit))
	w.restore(a, o)
}
