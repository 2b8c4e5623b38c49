package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// A payment shares its commit only with those that come while another commit is under way: in
// a shop of few sales and with a disk that takes no time, hardly ever. So half of the seeds
// have a disk whose commits take time, and rushes: callers who come to one process at once.
// All of it is drawn from numbers of its own, and the other seeds have the histories that they
// had before there were rushes.

// calm are seeds that were kept before there were rushes: with one, their histories would not
// be those that they are kept for.
var calm = map[uint64]bool{
	7: true, 6: true, 94: true, 530: true, 201: true, 340: true, 112: true, 765: true, 2541: true, 3240: true, 3651: true, 3698: true,
	3936: true, 5070: true, 11634: true, 13685: true, 19757: true, 4506: true, 23632: true, 23567: true, 386: true,
}

// swarmOf is all that a seed draws of kinds of trouble.
func swarmOf(seed uint64) swarm { return drawSwarm(drawn(seed, "world")).withRushes(seed) }

// withRushes adds those of a seed, and its disk.
func (s swarm) withRushes(seed uint64) swarm {
	draw := drawn(seed, "rushes")
	if !chance(draw, 50) || calm[seed] {
		return s
	}
	s.rushes, s.disk = 1+draw.IntN(3), between(draw, 10*time.Millisecond, 600*time.Millisecond)
	return s
}

// rushes plans them, with what befalls the commits that they share.
func (w *world) rushes() {
	w.db.disk.Store(int64(w.swarm.disk))
	draw := w.draw("rush")
	for n := range w.swarm.rushes {
		at, process := between(draw, time.Second, troubled*2/3), pick(draw, w.names...)
		r := &rush{w: w, name: fmt.Sprintf("rush-%d", n+1), process: process, draw: rand.New(rand.NewPCG(draw.Uint64(), 3))}
		faults := r.faults()
		w.later(at, func() {
			for _, strike := range faults {
				strike(w.processOf(process))
			}
			r.run()
		})
	}
}

// rush is several callers who come to one process at once.
type rush struct {
	w       *world
	name    string
	process string
	draw    *rand.Rand
}

// faults draws what befalls the shared commits of the process from then on.
func (r *rush) faults() []func(*process) {
	var all []func(*process)
	fates := []fate{answerLost, answerLate, commitLost, commitLost, commitRefused, commitRefused, dieBefore, dieAfter, dozes}
	if r.w.swarm.window == failedOver { // those whose commits are lost must be there to see it
		fates = []fate{commitRefused}
	}
	for range r.draw.IntN(4) {
		after, f := r.draw.IntN(3), pick(r.draw, fates...)
		all = append(all, func(p *process) { p.change(func() { p.shared.next(after, f) }) })
	}
	for range r.draw.IntN(4) {
		after, f := r.draw.IntN(8), pick(r.draw, refusedOne, refusedOne, refusedAll)
		all = append(all, func(p *process) { p.change(func() { p.members.next(after, f) }) })
	}
	return all
}

// run lets the callers come, and ends when the last of them is through.
func (r *rush) run() {
	r.w.count("rush")
	var callers sync.WaitGroup
	var last *pb.CreatePaymentRequest
	var key string
	for i := range 3 + r.draw.IntN(6) {
		c := &client{w: r.w, name: fmt.Sprintf("%s-%d", r.name, i+1), tenant: "shop", at: r.process,
			draw: rand.New(rand.NewPCG(r.draw.Uint64(), 4)), ids: rand.New(rand.NewPCG(r.draw.Uint64(), 5))}
		again := last != nil && chance(r.draw, 15) // the same, from a caller who clicked twice
		if !again {
			if chance(r.draw, 15) {
				c.tenant = "other"
			}
			last = c.wish()
			key = c.tenant + "\x00" + last.GetRequestId()
			if last.OrderId = ""; chance(r.draw, 25) { // of which one may be paid
				last.OrderId = r.name
			}
		} else {
			c.tenant, _, _ = strings.Cut(key, "\x00")
		}
		wish, key := last, key
		callers.Go(func() {
			if c.w.wait(context.Background(), between(c.draw, 0, 10*time.Millisecond)) == nil {
				c.sells(key, wish)
			}
		})
	}
	callers.Wait()
}

// dooms say what happens at one of the next things that are counted.
type dooms struct {
	seen  int
	fates map[int]fate
}

// next dooms the one that comes after so many.
func (d *dooms) next(after int, f fate) {
	if d.fates == nil {
		d.fates = map[int]fate{}
	}
	d.fates[d.seen+1+after] = f
}

// count counts one and says what happens at it.
func (d *dooms) count() fate {
	d.seen++
	f := d.fates[d.seen]
	delete(d.fates, d.seen)
	return f
}
