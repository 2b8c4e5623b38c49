//go:build unix

package app_test

import (
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/pgtest"
)

// doubt is a COMMIT of which nobody knows for a while whether it happened.
type doubt struct {
	name    string
	prepare func(*world, *replica) call
	op      sim.Op
	hangs   bool   // the gateway acts and never answers
	event   string // which is written by the COMMIT
	refused bool   // the caller is told to come again, if the books cannot be read again
	is      truth
	sent    []int // how often the gateway of each attempt got the request, if the books can be read again
	blind   []int // and if they cannot
	slow    bool
}

// doubts are the COMMITs of a charge and of a refund. A charge whose plan may not stand
// is not sent; once nobody has seen it at the gateway, the next one is asked.
var doubts = []doubt{
	{name: "opening of a payment and plan of its charge", event: "planned", prepare: charge(wayforpayCard), op: sim.OpCharge, refused: true, is: paid, sent: []int{1}, blind: []int{0, 1}, slow: true},
	{name: "plan of a refund", event: "operation_planned", prepare: refund, op: sim.OpRefund, is: partReturned, sent: []int{1}, blind: []int{1}, slow: true},
	{name: "answer to a charge", event: "observed", prepare: charge(wayforpayCard), op: sim.OpCharge, is: paid, sent: []int{1}, blind: []int{1}},
	{name: "silence after a charge", event: "observed", prepare: charge(wayforpayCard), op: sim.OpCharge, hangs: true, is: paid, sent: []int{1}, blind: []int{1}},
	{name: "wish for a refund", event: "refund_requested", prepare: refund, op: sim.OpRefund, refused: true, is: partReturned, sent: []int{1}, blind: []int{1}},
	{name: "answer to a refund", event: "operation_observed", prepare: refund, op: sim.OpRefund, is: partReturned, sent: []int{1}, blind: []int{1}},
	{name: "silence after a refund", event: "operation_observed", prepare: refund, op: sim.OpRefund, hangs: true, is: partReturned, sent: []int{1}, blind: []int{1}},
}

// TestACommitWhoseAnswerIsLostIsReadAgain cuts the connection between a COMMIT and its
// answer (SAFETY sections 3 and 6: commit unclear). Where the books can be read again at
// once the payment goes on as if nothing had been; where they cannot, nothing is sent of
// which the books may say nothing.
func TestACommitWhoseAnswerIsLostIsReadAgain(t *testing.T) {
	t.Parallel()
	pgtest.URL(t) // without a server the test ends here
	var rows sync.WaitGroup
	for _, c := range []struct {
		name string
		fate fate
		dark bool
	}{ // the slow ones first
		{"it happened, and the books are out of reach", lost, true},
		{"it happened, and the books can be read", lost, false},
		{"it did not happen, and the books are out of reach", gone, true},
	} {
		for _, d := range doubts {
			rows.Go(func() {
				t.Run(d.name+"/"+c.name, func(t *testing.T) { d.loseAnswer(t, c.fate, c.dark) })
			})
		}
	}
	rows.Wait()
}

func (d doubt) loseAnswer(t *testing.T, f fate, dark bool) {
	w := newWorld(t, pgtest.URL(t))
	w.shaky = true
	wire := newWire(t, w.url)
	w.via = wire.URL
	r := w.replica(trap{})
	call := d.prepare(w, r)
	if d.hangs {
		w.fault(sim.Fault{Face: "wayforpay", Op: d.op, Kind: sim.FaultActHang, Times: 1})
	}
	commit := wire.catch(d.event, f, dark)
	answered := inBackground(r, call, patience)
	w.happens("the COMMIT", commit.caught)
	var a answer
	switch {
	case !dark:
		a = <-answered
	case d.refused || d.event == "operation_planned":
		a = <-answered // out of the dark
		wire.light()
	default: // whoever learnt something tries to write it down until the books are back
		w.eventually("another try", func() bool { return wire.turnedAway() > 3 })
		wire.light()
		a = <-answered
	}
	if want := dark && d.refused; want != (a.err != nil) || want && status.Code(a.err) != codes.Unavailable {
		t.Errorf("the caller heard of %q, error %v", a.payment, a.err)
	}
	name := w.repeat(r, call)
	p := w.follow(r, name, func(p *pb.Payment) bool { return d.is(w, p) })
	want := d.sent
	if dark && f == lost {
		want = d.blind
	}
	w.sentSo(r, p, d.op, want)
	w.audit(r, 1)
}

// TestACommitOfAFrozenStoreHappensAtTheThaw freezes PostgreSQL between the sending of a
// COMMIT and its execution, for so long that whoever sent it has given up, cannot read the
// books again, and tries anew. At the thaw the COMMIT is carried out, for nobody.
func TestACommitOfAFrozenStoreHappensAtTheThaw(t *testing.T) {
	t.Parallel()
	server := ownServer(t)
	var frozen, gaveUp sync.WaitGroup // the store, and all who wait for it
	frozen.Add(len(doubts))
	gaveUp.Add(len(doubts))
	freeze, thawed := make(chan struct{}), make(chan struct{})
	var rows sync.WaitGroup
	for i, d := range doubts {
		rows.Go(func() {
			reached, past := sync.OnceFunc(frozen.Done), sync.OnceFunc(gaveUp.Done)
			defer past() // should the test fail, the others go on
			defer reached()
			t.Run(d.name, func(t *testing.T) {
				w := newWorld(t, schemaOf(t, server.URL, i))
				w.shaky = true
				w.lease = 15 * time.Second // a claim that is carried out at the thaw is nobody's for as long
				w.configure("migrate: false", "migrate: false, commit_timeout: 1s")
				// By itself the server would let go of what has waited so long for its COMMIT.
				wire := newWire(t, w.url+"&idle_in_transaction_session_timeout=1h")
				w.via = wire.URL
				r := w.replica(trap{})
				call := d.prepare(w, r)
				if d.hangs {
					w.fault(sim.Fault{Face: "wayforpay", Op: d.op, Kind: sim.FaultActHang, Times: 1})
				}
				commit := wire.catch(d.event, late, false)
				answered := inBackground(r, call, patience)
				w.happens("the COMMIT", commit.caught)
				reached()
				<-freeze
				before := wire.connections()
				close(commit.release)
				var a answer
				if d.refused || d.event == "operation_planned" {
					a = <-answered
				} else { // each try that was given up costs a connection; while the others were slow all may have been
					w.eventually("another try", func() bool { return wire.connections() > before+4 || len(answered) > 0 })
				}
				past()
				<-thawed
				if !d.refused && d.event != "operation_planned" {
					a = <-answered
				}
				if d.refused != (a.err != nil) || d.refused && status.Code(a.err) != codes.Unavailable {
					t.Errorf("the caller heard of %q, error %v", a.payment, a.err)
				}
				name := w.repeat(r, call)
				p := w.follow(r, name, func(p *pb.Payment) bool { return d.is(w, p) })
				w.sentSo(r, p, d.op, d.blind)
				w.audit(r, 1)
			})
		})
	}
	frozen.Wait()
	if err := server.Freeze(); err != nil {
		t.Error(err)
	}
	close(freeze)
	gaveUp.Wait()
	if err := server.Thaw(); err != nil {
		t.Error(err)
	}
	close(thawed)
	rows.Wait()
}

// schemaOf makes books of their own on a server.
func schemaOf(t *testing.T, books string, n int) string {
	t.Helper()
	db, err := sql.Open("pgx", books)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	schema := fmt.Sprintf("books%d", n)
	if _, err := db.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	return books + "&search_path=" + schema
}

// sentSo compares how often the gateway of each attempt got a request.
func (w *world) sentSo(r *replica, p *pb.Payment, op sim.Op, want []int) {
	w.t.Helper()
	if sent := w.sent(p, op); !slices.Equal(sent, want) {
		w.t.Errorf("the gateways of the attempts got the request %v times, want %v\n%s", sent, want, w.story(r, p.GetName()))
	}
}

// happens waits for a channel's closing.
func (w *world) happens(what string, is <-chan struct{}) {
	w.t.Helper()
	select {
	case <-is:
	case <-time.After(patience):
		w.t.Fatalf("never came true: %s", what)
	}
}
