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
	paid         bool      // within its call
}

// outageRun is what one outage came to.
type outageRun struct {
	needed    int           // failures that had been seen when the first charge was spared the broken gateway
	first     time.Duration // from the outage to the first charge paid at the backup; never when there was none
	spared    time.Duration // from the outage to the first charge that went to the backup at once; never when none did
	vain      int           // charges that asked the broken gateway
	penalties []time.Duration
	undecided int // charges that were not paid within their call
	twice     int // orders whose money was taken twice
	asked     int // charges since the outage began
	failed    int // calls that were refused or ended with an error
	why       error
}

const never = time.Duration(math.MaxInt64)

// weigh reads an outage out of its outcomes. A penalty is by how much longer a charge took
// than half of those before the outage, for all that asked the broken gateway in vain or were
// not paid in the end.
func weigh(all []outcome, onset time.Time) outageRun {
	r := outageRun{first: never, spared: never}
	var healthy histogram
	for _, o := range all {
		if o.ended.Before(onset) && o.paid {
			healthy.add(o.ended.Sub(o.began))
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
		if o.backup && !o.vain && !o.began.Before(onset) {
			r.spared = min(r.spared, o.began.Sub(onset))
		}
		if o.vain {
			r.vain++
		}
		if !o.paid {
			r.undecided++
		}
		if o.vain || !o.paid {
			r.penalties = append(r.penalties, max(0, o.ended.Sub(o.began)-healthy.quantile(p50)))
		}
	}
	for _, o := range all {
		at := o.failed
		if at.IsZero() {
			at = o.began // refused connections fail at once
		}
		if o.vain && r.spared != never && !at.After(onset.Add(r.spared)) {
			r.needed++
		}
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
		r = b.lookOn(ctx, first, newToy(timeout, first.url, backup.url).charge)
	} else {
		orders := serviceOrders{Gateways: []gatewayAt{{mainGateway, first.url}, {backupGateway, backup.url}}, MaxConcurrent: mostCallers, Timeout: timeout}
		_, err = b.house(ctx, e, orders, func(p *process) (sample, error) {
			r = b.lookOn(ctx, first, p.chargeInOutage)
			first.close() // whoever still hangs there would keep the service from ending
			return sample{}, nil
		})
	}
	r.twice = shared.twice()
	return r, err
}

// lookOn charges at a fixed rate while the gateway breaks.
func (b *benchmark) lookOn(ctx context.Context, g *frailGateway, charge func(context.Context) (outcome, error)) outageRun {
	var (
		mu    sync.Mutex
		all   []outcome
		onset time.Time
	)
	breaks := time.AfterFunc(warmUp(b.outage), func() {
		mu.Lock()
		onset = time.Now()
		mu.Unlock()
		g.breakDown(ctx)
	})
	defer breaks.Stop()
	s := paced(ctx, outageRate, mostCallers, b.outage, func(ctx context.Context) error {
		began := time.Now()
		o, err := charge(ctx)
		if err != nil {
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
	r := weigh(all, onset)
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
			o.backup = o.paid && last
		}
	}
	return o
}
