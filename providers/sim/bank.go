package sim

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
)

// Options are the settings of one Bank. The zero value works: no checks against a store, no payers, notices at their real pace.
type Options struct {
	// Log receives violations at error level and everything else at debug level. Nil throws it away.
	Log *slog.Logger
	// Seed makes every invented id repeatable. Two banks with one seed and one order of requests invent the same ids.
	Seed uint64
	// TimeScale multiplies the retry cadences of notices: 0.001 turns an hour into 3.6 s. Zero means 1.
	TimeScale float64
	// Client delivers notices and biller calls to the merchant, who has 15 s to answer. Nil is a client that follows no redirects.
	Client *http.Client
	// Witness is asked when a money-moving request arrives, before the bank acts. An error is recorded as a violation of I8.
	Witness func(Move) error
	// PaymentOf names the payment behind a merchant reference, so that I7 can be checked across faces. Nil, or an empty answer, checks nothing.
	PaymentOf func(face, reference string) string
	// OnViolation is called for every violation, after it stands in the ledger and without any lock held. Tests fail here.
	OnViolation func(Violation)
}

// Move is a money-moving request as it arrived: what Witness must be able to find in the store.
type Move struct {
	Face        string
	Account     string
	Op          Op
	Reference   string
	AmountMinor int64
	Currency    string
}

// Bank is one simulated bank: a ledger, and one face per provider. Every method is safe for concurrent use.
type Bank struct {
	opt    Options
	log    *slog.Logger
	client *http.Client
	ctx    context.Context
	stop   context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex // never held across a sleep, a request or a callback
	closed  bool
	faces   []Face
	rng     *rand.Rand
	serial  int
	agenda  agenda
	books   books
	faults  []*Fault
	tampers []*Tamper
	payers  []*PayerRule
	post    postbox
	doors   []*door
}

// New makes a bank that shows the given faces. Two faces of one name are a programming mistake and panic.
func New(opt Options, faces ...Face) *Bank {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.TimeScale == 0 {
		opt.TimeScale = 1
	}
	client := opt.Client
	if client == nil {
		client = &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	b := &Bank{
		opt: opt, log: opt.Log, client: client, ctx: ctx, stop: stop,
		rng:   rand.New(rand.NewPCG(opt.Seed, 0x70617962616e6b)),
		books: newBooks(),
	}
	for _, f := range faces {
		if b.face(f.Name()) != nil {
			panic("sim: two faces are called " + f.Name())
		}
		b.faces = append(b.faces, f)
		f.attach(b)
	}
	return b
}

// Close stops every timer, delivery and hanging answer, closes every door, and waits for the deliveries to end. The ledger stays.
func (b *Bank) Close() {
	b.mu.Lock()
	b.closed = true
	b.agenda.clear()
	doors := b.doors
	b.doors = nil
	b.mu.Unlock()
	b.stop()
	for _, d := range doors {
		d.close()
	}
	b.work.Wait()
}

// Faces lists the names of the faces in the order given to New.
func (b *Bank) Faces() []string {
	names := make([]string, 0, len(b.faces))
	for _, f := range b.faces {
		names = append(names, f.Name())
	}
	return names
}

// face finds a face by name; nil when there is none. The list never changes after New.
func (b *Bank) face(name string) Face {
	for _, f := range b.faces {
		if f.Name() == name {
			return f
		}
	}
	return nil
}

// digits invents n decimal digits that do not begin with 0. The caller holds the lock.
func (b *Bank) digits(n int) string { return digits(b.rng, n) }

// guid invents a version 4 UUID. The caller holds the lock.
func (b *Bank) guid() string { return guid(b.rng) }

func digits(chance *rand.Rand, n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte('0' + chance.IntN(10))
	}
	if n > 0 && out[0] == '0' {
		out[0] = '1'
	}
	return string(out)
}

func guid(chance *rand.Rand) string {
	hi, lo := chance.Uint64(), chance.Uint64()
	hi = hi&^0xf000 | 0x4000
	lo = lo&^(3<<62) | 2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", hi>>32, hi>>16&0xffff, hi&0xffff, lo>>48, lo&0xffffffffffff)
}

// next counts up from 1: the source of ids that must grow. The caller holds the lock.
func (b *Bank) next() int {
	b.serial++
	return b.serial
}
