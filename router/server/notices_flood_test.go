package server

import (
	"context"
	"database/sql"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
)

// slowEar hears notices only when it is let.
type slowEar struct {
	ear
	in  atomic.Int32
	let chan struct{}
}

func (e *slowEar) Hear(providers.Notice) providers.Heard {
	e.in.Add(1)
	<-e.let
	return providers.Heard{Kind: providers.Noise, Forged: true}
}

// SAFETY section 6, webhook: what is not stored is not acknowledged.
func TestAFloodOfNoticesIsToldToComeAgainAndStopsNoCharge(t *testing.T) {
	e := &slowEar{ear: ear{silent: silent{newBank("kaspi", nil)}, reply: providers.Reply{Status: 202}}}
	behind(t, func(d *door) {
		e.let = make(chan struct{})
		var flood sync.WaitGroup
		answers := make(chan *recorder, 20)
		for range cap(answers) {
			flood.Go(func() { answers <- d.send("POST", "http://p/webhooks/kaspi-main/x", "forged") })
		}
		synctest.Wait()
		if len(answers) != 12 || e.in.Load() != 2 {
			t.Errorf("%d were turned away at once and %d are being heard", len(answers), e.in.Load())
		}
		d.create(qr())
		time.Sleep(noticePatience)
		synctest.Wait()
		if len(answers) != 18 {
			t.Errorf("%d were turned away", len(answers))
		}
		d.create(qr())
		close(e.let)
		flood.Wait()
		close(answers)
		heard := 0
		for w := range answers {
			switch {
			case w.code == 202:
				heard++
			case w.code != http.StatusServiceUnavailable || w.header.Get("Retry-After") == "":
				t.Errorf("answered %d, %v", w.code, w.header)
			}
		}
		if stored := d.rows("notices"); heard != 2 || stored != 2 {
			t.Errorf("%d acknowledged, %d stored", heard, stored)
		}
		if w := d.send("POST", "http://p/webhooks/kaspi-main/x", "forged"); w.code != 202 {
			t.Errorf("after the flood: %d", w.code)
		}
	}, most(0, 2, 0), func(_ *Options, ro *router.Options) { ro.Gateways[0].Provider = e })
}

// rows counts what a table holds.
func (d *door) rows(table string) (n int) {
	d.t.Helper()
	db, err := sql.Open("sqlite", "file:"+d.books+"?mode=ro")
	d.must(err)
	defer db.Close()
	d.must(db.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n))
	return n
}

// A burst that is over in a moment is no flood: gateways that are refused repeat only
// after minutes.
func TestABurstOfNoticesWaitsItsTurn(t *testing.T) {
	e := &slowEar{ear: ear{silent: silent{newBank("kaspi", nil)}, reply: providers.Reply{Status: 202}}}
	behind(t, func(d *door) {
		e.let = make(chan struct{})
		var burst sync.WaitGroup
		for range 8 {
			burst.Go(func() {
				if w := d.send("POST", "http://p/webhooks/kaspi-main/x", "forged"); w.code != 202 {
					t.Errorf("answered %d", w.code)
				}
			})
		}
		time.Sleep(noticePatience / 2)
		close(e.let)
		burst.Wait()
	}, most(0, 2, 0), func(_ *Options, ro *router.Options) { ro.Gateways[0].Provider = e })
}

// dripping is a body that never ends and hardly begins.
type dripping struct{ ctx context.Context }

func (b dripping) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		return copy(p, "x"), nil
	case <-b.ctx.Done():
		return 0, io.ErrUnexpectedEOF
	}
}

func TestSlowSendersTakeSeatsOfReadersAndNoMore(t *testing.T) {
	listening(t, func(d *door, e *ear) {
		ctx, hangUp := context.WithCancel(context.Background())
		var senders sync.WaitGroup
		for range 8 {
			senders.Go(func() {
				d.send("POST", "http://p/webhooks/kaspi-main/x", "", func(r *http.Request) { r.Body = io.NopCloser(dripping{ctx}) })
			})
		}
		time.Sleep(3500 * time.Millisecond)
		if w := d.send("POST", "http://p/webhooks/kaspi-main/x", "x"); w.code != http.StatusServiceUnavailable {
			t.Errorf("a ninth body is read: %d", w.code)
		}
		d.create(qr())
		hangUp()
		senders.Wait()
		if w := d.send("POST", "http://p/webhooks/kaspi-main/x", "x"); w.code != 202 || len(e.heard) != 1 {
			t.Errorf("answered %d, heard %d", w.code, len(e.heard))
		}
	}, most(0, 2, 0))
}
