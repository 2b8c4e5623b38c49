package main

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// The ways in which a gateway breaks here.
const (
	faultRefuse = "refuse" // nothing listens any more
	faultHang   = "hang"   // it takes the request and never answers
	fault5xx    = "5xx"    // it answers 503
	faultLost   = "lost"   // it takes the money, and the connection ends before the answer
)

func allFaults() []string { return []string{faultRefuse, faultHang, fault5xx, faultLost} }

// takings are how often each order's money was taken, at all gateways together. Orders are
// told apart by what is sold, which a router passes on unchanged.
type takings struct {
	mu     sync.Mutex
	orders map[string]int
}

func (t *takings) take(order string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.orders[order]++
}

// twice counts the orders that were charged more than once.
func (t *takings) twice() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, times := range t.orders {
		if times > 1 {
			n++
		}
	}
	return n
}

// times is how often an order's money was taken.
func (t *takings) times(order string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.orders[order]
}

// frailGateway is the quick gateway's protocol with a memory, and with one way to break.
type frailGateway struct {
	server  *http.Server
	url     string
	fault   string
	broken  atomic.Bool
	takings *takings
	pause   time.Duration // between taking the money and saying so

	mu       sync.Mutex
	paid     map[string]question  // by order number
	failures map[string]time.Time // when a charge of each order failed here, by what is sold
}

func openFrailGateway(ctx context.Context, fault string, shared *takings) (*frailGateway, error) {
	g := &frailGateway{fault: fault, takings: shared, paid: map[string]question{}, failures: map[string]time.Time{}}
	var err error
	g.server, g.url, err = listenHTTP(ctx, g)
	return g, err
}

func (g *frailGateway) close() { _ = g.server.Close() }

// breakDown begins the outage. What is under way when nothing listens any more is answered.
func (g *frailGateway) breakDown(ctx context.Context) {
	g.broken.Store(true)
	if g.fault == faultRefuse {
		_ = g.server.Shutdown(ctx)
	}
}

func (g *frailGateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q, _, ok := readQuestion(w, r)
	if !ok {
		return
	}
	fault := ""
	if g.broken.Load() {
		fault = g.fault
	}
	switch fault {
	case faultHang:
		<-r.Context().Done()
		g.fail(q)
		return
	case fault5xx:
		g.fail(q)
		http.Error(w, "out of order", http.StatusServiceUnavailable)
		return
	}
	if q.TransactionType == "CHARGE" {
		g.take(q)
		if fault == faultLost {
			g.fail(q)
			panic(http.ErrAbortHandler) // the server hangs up
		}
		away(r.Context(), g.pause)
	}
	w.Header().Set("Content-Type", "application/json")
	g.mu.Lock()
	known, paid := g.paid[q.OrderReference]
	g.mu.Unlock()
	if paid {
		q = known
	}
	_, _ = w.Write(q.answer(paid))
}

// fail notes a charge that got no answer of use.
func (g *frailGateway) fail(q question) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if q.TransactionType == "CHARGE" && len(q.ProductName) > 0 {
		g.failures[q.ProductName[0]] = time.Now()
	}
}

// failed is when an order's charge failed here. Where nothing listens, nobody knows.
func (g *frailGateway) failed(order string) (at time.Time, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at, ok = g.failures[order]
	return at, ok
}

// took reports whether the money of an order number was taken here.
func (g *frailGateway) took(order string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, paid := g.paid[order]
	return paid
}

// taken is how many order numbers were charged here.
func (g *frailGateway) taken() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.paid)
}

// take charges an order number once, as WayForPay does.
func (g *frailGateway) take(q question) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, paid := g.paid[q.OrderReference]; paid {
		return
	}
	g.paid[q.OrderReference] = q
	if len(q.ProductName) > 0 {
		g.takings.take(q.ProductName[0])
	}
}
