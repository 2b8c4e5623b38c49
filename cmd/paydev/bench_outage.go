package main

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// The routers that are compared in an outage.
const (
	routerOurs = "payrouter"
	routerToy  = "gobreaker toy"
)

func allRouters() []string { return []string{routerOurs, routerToy} }

// outageRate is how many charges a second come before and during an outage.
const outageRate = 50

// outcome is what became of one charge before or in an outage.
type outcome struct {
	order        string
	began, ended time.Time
	vain         bool      // it asked the first gateway, and had no answer
	failed       time.Time // when that was, as the gateway knows; zero unknown
	backup       bool      // it was paid at the backup
	planned      time.Time // when that was decided; zero unknown
	paid         bool      // within its call
	twice        bool      // its money was taken twice in the end
}

// failedAt is when it failed at the first gateway. Where nothing listens it does so at once.
func (o outcome) failedAt() time.Time {
	if o.failed.IsZero() {
		return o.began
	}
	return o.failed
}

// sparedAt is when it was decided that a charge that was spared the first gateway goes to the
// backup.
func (o outcome) sparedAt() time.Time {
	if o.planned.IsZero() {
		return o.began
	}
	return o.planned
}

// outageRun is what one outage came to.
type outageRun struct {
	needed    int           // failures that had been seen when the first charge was spared the broken gateway
	first     time.Duration // from the outage to the first charge paid at the backup; never when there was none
	spared    time.Duration // from the outage until the first charge was sent to the backup at once; never when none was
	vain      int           // charges that asked the broken gateway
	penalties []time.Duration
	undecided int // charges that were not paid within their call
	since     int // of these, those that began when the gateway was broken for good
	twice     int // orders whose money was taken twice
	asked     int // charges since the outage began
	failed    int // calls that were refused or ended with an error
	why       error

	// firstAdded is by how much longer the first charge took that was paid at the backup after
	// it had asked the broken gateway in vain; opened is from the first failure at that gateway
	// until the first charge was spared it. Both may be never.
	firstAdded, opened time.Duration
	timeline           timeline
}

const never = time.Duration(math.MaxInt64)

// weigh reads an outage out of its outcomes. A penalty is by how much longer a charge took
// than half of those before the outage, for all that asked the broken gateway in vain or were
// not paid in the end. The gateway is broken for good a moment after the onset: who has a
// connection as it stops listening may be in doubt.
func weigh(all []outcome, onset, broken time.Time) outageRun {
	r := outageRun{first: never, spared: never, firstAdded: never, opened: never}
	failing, movedOn := never, never // since the outage began
	var healthy histogram
	for _, o := range all {
		if o.ended.Before(onset) && o.paid {
			healthy.add(o.ended.Sub(o.began))
		}
		if o.vain && !o.ended.Before(onset) {
			failing = min(failing, o.failedAt().Sub(onset))
		}
	}
	for _, o := range all {
		if o.ended.Before(onset) {
			continue
		}
		r.asked++
		if o.backup {
			r.first = min(r.first, o.ended.Sub(onset))
		}
		if at := o.sparedAt().Sub(onset); o.backup && !o.vain && at >= 0 {
			r.spared = min(r.spared, at)
		}
		if o.vain {
			r.vain++
		}
		if !o.paid {
			r.undecided++
			if !o.began.Before(broken) {
				r.since++
			}
		}
		if o.twice {
			r.twice++
		}
		penalty := max(0, o.ended.Sub(o.began)-healthy.quantile(p50))
		if o.vain || !o.paid {
			r.penalties = append(r.penalties, penalty)
		}
		if at := o.ended.Sub(onset); o.vain && o.backup && at < movedOn {
			movedOn, r.firstAdded = at, penalty
		}
	}
	for _, o := range all {
		if o.vain && r.spared != never && !o.failedAt().After(onset.Add(r.spared)) {
			r.needed++
		}
	}
	if r.spared != never && failing != never {
		r.opened = max(0, r.spared-failing) // those of a gateway that is busy are spared before it fails
	}
	slices.Sort(r.penalties)
	return r
}

// breakOne breaks the first of two gateways under one router and looks on. Calls of gateways
// end after a quarter of the outage at the latest.
func (b *benchmark) breakOne(ctx context.Context, e engine, router, fault string) (outageRun, error) {
	shared := &takings{orders: map[string]int{}}
	first, err := openFrailGateway(ctx, fault, shared)
	if err != nil {
		return outageRun{}, err
	}
	defer first.close()
	backup, err := openFrailGateway(ctx, "", shared)
	if err != nil {
		return outageRun{}, err
	}
	defer backup.close()
	timeout := b.outage / 4
	var r outageRun
	if router == routerToy {
		r = b.lookOn(ctx, first, shared, newToy(timeout, first.url, backup.url).charge)
	} else {
		orders := serviceOrders{Gateways: []gatewayAt{{mainGateway, first.url}, {backupGateway, backup.url}}, Timeout: timeout}
		_, err = b.house(ctx, e, orders, func(p *process) (sample, error) {
			r = b.lookOn(ctx, first, shared, p.chargeInOutage)
			first.close() // whoever still hangs there would keep the service from ending
			return sample{}, nil
		})
	}
	return r, err
}

// lookOn charges at a fixed rate while the gateway breaks.
func (b *benchmark) lookOn(ctx context.Context, g *frailGateway, shared *takings, charge func(context.Context) (outcome, error)) outageRun {
	var (
		mu            sync.Mutex
		all           []outcome
		lost          []time.Time // when those began that were refused or ended with an error
		onset, broken time.Time
	)
	breaks := time.AfterFunc(warmUp(b.outage), func() {
		begun := time.Now()
		g.breakDown(ctx)
		mu.Lock()
		onset, broken = begun, time.Now()
		mu.Unlock()
	})
	defer breaks.Stop()
	s := paced(ctx, outageRate, mostCallers, b.outage, func(ctx context.Context) error {
		began := time.Now()
		o, err := charge(ctx)
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			lost = append(lost, began)
			return err
		}
		o.began, o.ended = began, time.Now()
		if at, ok := g.failed(o.order); ok {
			o.vain, o.failed = true, at
		}
		mu.Lock()
		all = append(all, o)
		mu.Unlock()
		return nil
	})
	mu.Lock()
	defer mu.Unlock()
	for i := range all {
		all[i].twice = shared.times(all[i].order) > 1
	}
	r := weigh(all, onset, broken)
	r.timeline = drawTimeline(all, lost, onset, warmUp(b.outage), b.outage)
	r.failed, r.why = s.failed+s.refused, s.why
	return r
}

// outagePatience is how long a caller waits in an outage: enough for the service to begin a
// second attempt, for which it wants five seconds. Who is not told by then what became of a
// charge has waited all of it.
const outagePatience = 8 * time.Second

// orderedByDescription is a charge whose order the gateway can tell, whichever attempt it is of.
func orderedByDescription() *payrouterv1.CreatePaymentRequest {
	request := chargeRequest()
	request.Description = request.GetOrderId()
	return request
}

// chargeInOutage charges the saved card and says where the money was taken.
func (p *process) chargeInOutage(ctx context.Context) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, outagePatience)
	defer cancel()
	request := orderedByDescription()
	payment, err := p.client.CreatePayment(ctx, request)
	if err != nil {
		return outcome{}, refusedOr(err)
	}
	o := readOutcome(payment)
	o.order = request.GetOrderId()
	return o, nil
}

// readOutcome says where the money of a payment was taken, if it was.
func readOutcome(p *payrouterv1.Payment) outcome {
	o := outcome{paid: p.GetState() == payrouterv1.Payment_STATE_PAID}
	attempts := p.GetAttempts()
	for i, a := range attempts {
		last := i == len(attempts)-1
		switch a.GetGateway() {
		case "gateways/" + mainGateway:
			o.vain = o.vain || !last || !o.paid
		case "gateways/" + backupGateway:
			o.backup, o.planned = o.paid && last, a.GetCreateTime().AsTime()
		}
	}
	return o
}
