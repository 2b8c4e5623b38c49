package simulation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest/accounts"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// world is everything in one bubble.
type world struct {
	t     *testing.T
	seed  uint64
	began time.Time

	swarm    swarm
	gateways []string // the providers of this seed, in the order of their priority
	accounts *accounts.All
	pace     pace
	twoStage bool
	names    []string // of the replicas

	bank *sim.Bank
	db   *database
	keep *books
	log  *slog.Logger
	logs bytes.Buffer

	healed atomic.Bool
	buried sync.WaitGroup // processes that died
	timers sync.WaitGroup

	mu        sync.Mutex
	processes map[string]*process // the latest incarnation of each replica
	moments   map[int64]bool      // instants at which something happens
	trace     []string
	counts    map[string]int
	delivered []delivered
	told      []told          // what the clients were told
	handed    map[string]bool // references of offers that a client got to show
	broken    []violation
	lost      window
	ruled     map[string]bool // payments of which people said how they stand
}

// pace is how often the house looks around: drawn, for the order of things depends on it.
type pace struct{ poll, watch, probe time.Duration }

// violation is a promise that was not kept.
type violation struct {
	Invariant string
	Text      string
}

const (
	customer = "c-88"
	phone    = "+77011234567"
	email    = "aida.s@example.kz"
)

// newWorld builds the house of a seed. Call it inside the bubble.
func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, seed: seed, began: time.Now(), processes: map[string]*process{}, moments: map[int64]bool{}, counts: map[string]int{}, handed: map[string]bool{}, ruled: map[string]bool{}}
	draw := w.draw("world")
	w.swarm, w.gateways = drawSwarm(draw).withRushes(seed), drawGateways(w.draw("gateways"))
	w.pace = pace{poll: between(draw, 500*time.Millisecond, 6*time.Second), watch: between(draw, time.Second, 10*time.Second),
		probe: between(draw, 10*time.Second, time.Minute)}
	w.twoStage = chance(draw, 30)
	w.names = []string{"a", "b", "c"}[:2+draw.IntN(2)]
	w.openAccounts()
	w.log = slog.New(slog.NewTextHandler(locked{&w.mu, &w.logs}, nil))
	w.keep = newBooks(w)

	schema, err := empty()
	w.must(err)
	w.db, err = openDatabase(schema)
	w.must(err)
	w.db.w = w
	w.bank = sim.New(sim.Options{Seed: seed, Client: &http.Client{Transport: post{w}}, Witness: w.witness, PaymentOf: w.paymentOf,
		OnViolation: w.objection}, w.accounts.Faces(w.gateways...)...)
	w.saveCards()
	for _, name := range w.names {
		time.Sleep(w.latency(100*time.Millisecond, name, "start", nil))
		w.start(name)
	}
	return w
}

// saveCards puts saved cards into the books as earlier payments would have.
func (w *world) saveCards() {
	store, err := journal.Open(journal.Options{Connector: connector{d: w.db}, Due: never, MaxConns: 1})
	w.must(err)
	defer store.Close()
	for _, name := range w.withCards() {
		card, _ := accounts.Card(name)
		w.must(store.SaveInstrument(context.Background(), journal.Instrument{ID: instrument(name), Tenant: "shop", Customer: customer,
			Gateway: accounts.Gateway(name), Token: card, Payment: "earlier", Created: time.Now()}))
	}
}

// instrument is the id of the card saved at a provider.
func instrument(provider string) string {
	return fmt.Sprintf("0190a1b2-0000-7000-8000-%012d", slices.Index(accounts.Names, provider))
}

// tenants are two shops, who must never see each other's keys.
func (w *world) tenants() map[string]router.Tenant {
	var rules []router.Rule
	for i, name := range w.gateways {
		rules = append(rules, router.Rule{Gateway: accounts.Gateway(name), Priority: i + 1})
	}
	other := slices.Clone(rules)
	slices.Reverse(other)
	for i := range other {
		other[i].Priority = i + 1
	}
	return map[string]router.Tenant{"shop": {Rules: rules}, "other": {Rules: other}}
}

func (w *world) must(err error) {
	if err != nil {
		panic(err)
	}
}

// draw is a source of numbers for one purpose, the same for the same seed.
func (w *world) draw(purpose string) *rand.Rand { return drawn(w.seed, purpose) }

// drawn is a seed's source of numbers for one purpose.
func drawn(seed uint64, purpose string) *rand.Rand {
	return rand.New(rand.NewPCG(seed, hashed(purpose)))
}

func hashed(words ...any) uint64 {
	h := fnv.New64a()
	for _, word := range words {
		fmt.Fprint(h, word, "\x00")
	}
	return h.Sum64()
}

// latency is a time below most, drawn from what it is for.
func (w *world) latency(most time.Duration, who string, about any, args []driver.NamedValue) time.Duration {
	h := fnv.New64a()
	fmt.Fprint(h, w.seed, "\x00", who, "\x00", about)
	for _, a := range args {
		fmt.Fprint(h, "\x00", a.Value)
	}
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return time.Duration(x % uint64(most))
}

// wait passes the time, and lets nothing else happen at the instant of its end.
func (w *world) wait(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	until := time.Now().Add(d)
	for w.moments[until.UnixNano()] {
		until = until.Add(1)
	}
	w.moments[until.UnixNano()] = true
	w.mu.Unlock()
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// later does something after d, at an instant of its own.
func (w *world) later(d time.Duration, do func()) {
	w.timers.Go(func() {
		_ = w.wait(context.Background(), d)
		do()
	})
}

// any is one of the replicas that are up, or nil.
func (w *world) any(n int) *process {
	up := w.up()
	if len(up) == 0 {
		return nil
	}
	return up[n%len(up)]
}

func (w *world) up() []*process {
	w.mu.Lock()
	defer w.mu.Unlock()
	var up []*process
	for _, name := range w.names {
		if p := w.processes[name]; p != nil && !p.dead.Load() {
			up = append(up, p)
		}
	}
	return up
}

// note adds a line to the trace.
func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trace = append(w.trace, fmt.Sprintf("%13.6f  ", time.Since(w.began).Seconds())+fmt.Sprintf(format, args...))
}

// count counts a fault that was injected, or whatever else a run is asked for.
func (w *world) count(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[what]++
}

// violated records a promise that was not kept, once.
func (w *world) violated(invariant, format string, args ...any) {
	v := violation{invariant, fmt.Sprintf(format, args...)}
	w.note("VIOLATED %s: %s", v.Invariant, v.Text)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(w.broken, v) {
		w.broken = append(w.broken, v)
	}
}

// objection takes in what the bank saw. It counts I9 by reference; an operation that was
// proved not to be carried out is made anew, under a record of its own. And it
// cannot know that an answer which reached a process went no further: an offer that the
// books never showed is in nobody's hands.
func (w *world) objection(v sim.Violation) {
	if (v.Invariant == "I9" || v.Invariant == "I11" && v.Op == sim.OpCreate) && !counts(v.Face) && w.isLost(v.Face, v.Reference) {
		return // a derived reference, and a request id with it, is the same when the caller comes again, at another time
	}
	if v.Invariant == "I9" && v.Op == sim.OpRefund && w.lostWindow().payments[w.paymentOf(v.Face, v.Reference)] {
		return // a refund that the books lost, and the caller asked for again: people must tell them (docs/safety.md)
	}
	if v.Invariant == "I7" && w.isLost(w.faceOf(v.Beside), v.Beside) {
		return // what stands beside is of the lost window, and was settled by people
	}
	if v.Invariant == "I7" {
		for _, p := range w.keep.all() {
			for _, a := range p.Attempts {
				net, held := w.money(a)
				if a.Reference == order(v.Beside) && a.Flow != providers.Pushed && a.Flow != providers.AskFirst && !a.Shown && !w.isHanded(a.Reference) && net+held == 0 && !w.moves(a) {
					return
				}
			}
		}
	}
	if v.Invariant == "I9" && w.isNew(v) {
		return
	}
	if v.Invariant == "I8" && v.Reference == "" {
		return // about an id that a lying answer had given us: no money can move by it
	}
	w.violated(v.Invariant, "%s %s at %s: %s", v.Op, v.Reference, v.Face, v.Text)
}

// isNew reports whether each of the operations on an attempt that arrived has a record of
// its own.
func (w *world) isNew(v sim.Violation) bool {
	ours, known := map[sim.Op]payment.OperationKind{sim.OpCapture: payment.OpCapture, sim.OpVoid: payment.OpVoid, sim.OpRefund: payment.OpRefund}[v.Op]
	if !known {
		return false
	}
	where, p, _ := w.keep.find(v.Face, v.Reference)
	records := 0
	for _, o := range p.Operations {
		if o.Attempt == where.n && o.Op == ours {
			records++
		}
	}
	return w.bank.Ledger().Count(v.Face, v.Op, v.Reference) <= records
}

// counts reports whether references at the gateway are counted, and not derived.
func counts(face string) bool { return face == "halyk" || face == "robokassa" }

// isHanded reports whether a client got the offer to show.
func (w *world) isHanded(reference string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.handed[reference]
}

// moves reports whether a charge is on its way at the gateway: what only an offer's
// creation left there is no such thing.
func (w *world) moves(a payment.Attempt) bool {
	return a.Flow == providers.Direct && w.bank.Ledger().Count(strings.TrimSuffix(a.Gateway, "-main"), sim.OpCharge, a.Reference) > 0
}

// hash is the fingerprint of everything that happened.
func (w *world) hash() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := slices.Clone(w.trace)
	for _, e := range w.bank.Ledger().Entries {
		lines = append(lines, fmt.Sprintf("%s %s %s %d", e.Face, e.Kind, order(e.Reference), e.AmountMinor))
	}
	slices.Sort(lines) // what happens at one instant has no order
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:8])
}

// locked is a writer of one at a time.
type locked struct {
	mu *sync.Mutex
	to *bytes.Buffer
}

// Write writes.
func (l locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(b)
}

// between draws a time.
func between(draw *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(draw.Int64N(int64(to-from)))
}

// chance is true so many times in a hundred.
func chance(draw *rand.Rand, percent int) bool { return draw.IntN(100) < percent }

// pick draws one of several.
func pick[T any](draw *rand.Rand, from ...T) T { return from[draw.IntN(len(from))] }
