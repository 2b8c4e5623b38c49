package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// killedRun is what became of the work of a replica that was killed.
type killedRun struct {
	Charged int `json:"charges"`     // answered before
	Left    int `json:"left_behind"` // charges whose money the gateway had taken, which nobody wrote down
	// The median and the last of these, from the kill until the books said that they are paid.
	P50MS  float64 `json:"taken_over_p50_ms"`
	LastMS float64 `json:"taken_over_last_ms"`
	// FeedMS is from the kill until every change had its number. The killed replica had begun
	// first, and so numbered them.
	FeedMS float64 `json:"feed_taken_over_ms"`
	Twice  int     `json:"orders_charged_twice"`
}

const (
	killCallers  = 16
	killPause    = 300 * time.Millisecond // between the money and the answer: most charges are killed there
	killTimeout  = time.Second            // of calls to the gateway: nobody asks about a charge before it is over, and five seconds more
	killPatience = 30 * time.Second
)

// killOne kills the first of two replicas while it charges, and waits until the other one,
// which nobody asks for anything, has found out about everything that was under way.
func (b *benchmark) killOne(ctx context.Context, e engine) (run *killedRun, err error) {
	shared := &takings{orders: map[string]int{}}
	g, err := openFrailGateway(ctx, "", shared)
	if err != nil {
		return nil, err
	}
	defer g.close()
	g.pause = killPause
	orders := serviceOrders{Gateways: []gatewayAt{{mainGateway, g.url}}, MaxConcurrent: scaleCallers, Timeout: killTimeout}
	err = b.replicasOn(ctx, e, orders, 2, func(books string, all []*process) error {
		f, err := openFeed(books)
		if err != nil {
			return err
		}
		defer f.close()
		s := b.chargeUntilKilled(ctx, all[0], g)
		killed := time.Now()
		run = &killedRun{Charged: s.all}
		if run.Left, err = f.unwritten(ctx, g); err != nil {
			return err
		}
		var took []time.Duration
		for left := run.Left; left > 0 || run.FeedMS == 0; away(ctx, 20*time.Millisecond) {
			if time.Since(killed) > killPatience || ctx.Err() != nil {
				return fmt.Errorf("%d charges are not taken over, or the feed is not, after %s", left, killPatience)
			}
			now, err := f.unwritten(ctx, g)
			if err != nil {
				return err
			}
			for ; left > now; left-- {
				took = append(took, time.Since(killed))
			}
			// What was taken over is to be numbered too.
			waiting, err := f.count(ctx, changesWaiting)
			if err != nil {
				return err
			}
			if waiting == 0 && left == 0 && run.FeedMS == 0 {
				run.FeedMS = inMillis(time.Since(killed))
			}
		}
		slices.Sort(took)
		if len(took) > 0 {
			run.P50MS, run.LastMS = inMillis(median(took)), inMillis(took[len(took)-1])
		}
		run.Twice = shared.twice()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return run, nil
}

// chargeUntilKilled charges at a replica and kills it in the middle of it.
func (b *benchmark) chargeUntilKilled(ctx context.Context, p *process, g *frailGateway) (s sample) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	group.Go(func() {
		s = load(ctx, killCallers, time.Minute, func(ctx context.Context) error {
			_, err := p.client.CreatePayment(ctx, orderedByDescription())
			return err
		})
	})
	// All have been answered once, and the money of most of the second round is taken.
	for began := time.Now(); g.taken() < 2*killCallers-killCallers/4 && time.Since(began) < killPatience && ctx.Err() == nil; {
		away(ctx, 5*time.Millisecond)
	}
	p.kill()
	cancel()
	group.Wait()
	return s
}

// unwritten counts the charges whose money the gateway has taken and the books do not know of.
func (f *feed) unwritten(ctx context.Context, g *frailGateway) (n int, err error) {
	rows, err := f.db.QueryContext(ctx, `SELECT reference FROM attempts WHERE verdict <> 'approved'`)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var reference string
		if err := rows.Scan(&reference); err != nil {
			return 0, err
		}
		if g.took(reference) {
			n++
		}
	}
	return n, rows.Err()
}
