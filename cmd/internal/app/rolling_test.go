//go:build unix

package app_test

import (
	"database/sql"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/payment"
)

// TestReplicasAreReplacedOneByOneAndBack brings three replicas under steady load from the
// version before to this one and back, one at a time as the runbook says, while gateways are
// in trouble part of the time (PRODUCT K6). Callers hear UNAVAILABLE at most, and come again.
func TestReplicasAreReplacedOneByOneAndBack(t *testing.T) {
	f, before, after := newFleet(t, 3)
	callers, followers := f.callers(), []*follower{f.follower(), f.follower()}
	f.eventually("the first changes", func() bool { return followers[0].reached() > 20 && followers[1].reached() > 20 })
	for _, to := range []build{after, before} {
		for i, s := range f.seats {
			clear := func() {}
			if i == 1 {
				clear = f.trouble()
			}
			drained := f.replace(s, to)
			callers.waits(2 * time.Second)
			clear()
			t.Logf("version %s at seat %d: the replica before it ended after %s, no change was told for %s at most", to.version, i+1, drained.Round(10*time.Millisecond), followers[0].longest())
			want := []string{before.version, before.version, before.version}
			for j := range f.seats {
				want[j] = f.seats[j].build.version
			}
			slices.Sort(want)
			if said := f.versions(); !slices.Equal(said, want) {
				t.Errorf("the replicas say that they are %v, want %v", said, want)
			}
		}
	}
	callers.leave()
	if len(callers.wrong) > 0 {
		t.Errorf("callers heard %q", callers.wrong)
	}
	if f.arrived("wayforpay", sim.OpStatus) == 0 {
		t.Error("no charge was looked up: the trouble put nothing to the test")
	}
	t.Logf("%d payments and %d refunds; callers came again %d times", len(callers.payments), len(callers.refunds), callers.again)
	f.settles()
	f.acknowledged(callers)
	f.feedIsWhole(followers)
	f.audit(f.seats[0].replica, len(callers.payments))
	if lines := regexp.MustCompile(`.*(SQLSTATE (42|23)|panicked|later version|unknown event kind|cannot be driven|cannot be numbered).*`).FindAllString(f.logs(), 3); lines != nil {
		t.Errorf("a replica says %q", lines)
	}
}

// settles waits until nothing more happens to any payment.
func (f *fleet) settles() {
	f.t.Helper()
	f.eventually("the end of all payments", func() bool {
		for _, h := range f.histories() {
			if p := h.now(); !p.Status().Final() || slices.ContainsFunc(p.Refunds, func(r payment.Refund) bool { return r.State != payment.RefundDone }) {
				return false
			}
		}
		return true
	})
}

// acknowledged compares what callers were answered with the books: each request is there, made
// what it was said to make, and was paid once.
func (f *fleet) acknowledged(c *callers) {
	f.t.Helper()
	books, refunds := f.histories(), 0
	for request, name := range c.payments {
		h, kept := books[name[len("payments/"):]]
		if !kept || h.now().RequestID != request || h.now().Status() != payment.StatusPaid {
			f.t.Errorf("%s, of request %s, is %s in the books", name, request, h.status())
		}
	}
	for _, h := range books {
		refunds += len(h.now().Refunds)
	}
	if refunds != len(c.refunds) {
		f.t.Errorf("%d refunds are in the books, and %d were acknowledged", refunds, len(c.refunds))
	}
}

func (h history) status() payment.Status {
	if len(h.after) == 0 {
		return "missing"
	}
	return h.now().Status()
}

// feedIsWhole sees that the feed tells of every last change, each number once and none left
// out, and that every follower got it all.
func (f *fleet) feedIsWhole(followers []*follower) {
	f.t.Helper()
	db, err := sql.Open("pgx", f.url)
	f.must(err)
	defer db.Close()
	number := func(query string) (n int64) {
		f.t.Helper()
		f.must(db.QueryRowContext(f.t.Context(), query).Scan(&n))
		return n
	}
	f.eventually("the numbering of all changes", func() bool { return number(`SELECT COUNT(*) FROM outbox`) == 0 })
	end := number(`SELECT MAX(seq) FROM feed`)
	if n := number(`SELECT COUNT(DISTINCT seq) FROM feed`); n != end {
		f.t.Errorf("the feed has %d numbers and ends with %d", n, end)
	}
	if n := number(`SELECT COUNT(*) - COUNT(DISTINCT (payment_id, event_seq)) FROM feed`); n != 0 {
		f.t.Errorf("%d changes were numbered twice", n)
	}
	if n := number(`SELECT COUNT(*) FROM payments p WHERE NOT EXISTS (SELECT 1 FROM feed f WHERE f.payment_id = p.id AND f.event_seq = p.seq)`); n != 0 {
		f.t.Errorf("the last change of %d payments is not in the feed", n)
	}
	for i, o := range followers {
		f.eventually("the end of the feed", func() bool { return o.reached() == end })
		if wrong := o.leave(); len(wrong) > 0 {
			f.t.Errorf("follower %d: %q", i, wrong)
		}
	}
}
