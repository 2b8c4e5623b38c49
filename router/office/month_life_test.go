package office

import (
	"context"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/payment"
)

// lives writes a day of ordinary life at a gateway into the agenda. Nothing of it is a finding.
func (m *month) lives(h house, day int) {
	stories := []func(house){m.cardIsCharged, m.pageIsPaid, m.nobodyComes, m.allGoesBack, m.someGoesBack, m.declineIsFinal}
	if h.again {
		stories = append(stories, m.secondTryIsPaid)
	}
	if h.holds {
		stories = append(stories, m.holdIsCaptured, m.holdIsReleased)
	}
	for range 2 {
		story := stories[m.chance.IntN(len(stories))]
		m.later(m.on(day), func() { story(h) })
	}
	if m.chance.IntN(4) == 0 {
		b := m.town.office.Books[h.name+"-main"]
		midnight := time.Date(2026, 11, day+1, 0, 0, 0, 0, b.Zone)
		for _, apart := range []time.Duration{-2 * time.Second, -time.Second, 0} {
			m.later(midnight.Add(apart), func() { m.cardIsCharged(h) })
		}
	}
}

func (m *month) cardIsCharged(h house) { m.charged(h, "charged") }

func (m *month) pageIsPaid(h house) { m.visits(m.buys(h, "page", h.offer), sim.ActPay) }

func (m *month) nobodyComes(h house) { m.buys(h, "left alone", h.offer) }

func (m *month) declineIsFinal(h house) {
	m.visits(m.buys(h, "declined", h.offer), sim.ActDecline)
}

func (m *month) secondTryIsPaid(h house) {
	m.visits(m.buys(h, "tried twice", h.offer), sim.ActDecline, sim.ActPay)
}

func (m *month) allGoesBack(h house) {
	p := m.charged(h, "refunded")
	m.in(m.within(70*time.Hour), func() { m.refunds(p, p.Amount.Minor) })
}

func (m *month) someGoesBack(h house) {
	p := m.charged(h, "partly refunded")
	m.in(m.within(40*time.Hour), func() { m.refunds(p, 200000) })
	if m.chance.IntN(2) == 0 {
		m.in(41*time.Hour+m.within(20*time.Hour), func() { m.refunds(p, 200000) })
	}
}

func (m *month) holdIsCaptured(h house) {
	p := m.staged(h, "captured")
	m.in(m.within(40*time.Hour), func() {
		_, err := m.router.Capture(context.Background(), m.command(p), p.Amount)
		m.must(err)
	})
}

func (m *month) holdIsReleased(h house) {
	p := m.staged(h, "released")
	m.in(m.within(40*time.Hour), func() {
		_, err := m.router.Cancel(context.Background(), m.command(p), "out of stock")
		m.must(err)
	})
}

// staged is a payment whose money is held: on a saved card, or where no hold can be put on one on a
// page.
func (m *month) staged(h house, what string) payment.Payment {
	m.t.Helper()
	if h.name != "robokassa" {
		return m.buys(h, what, providers.Instrument, twoStage)
	}
	p := m.buys(h, what, h.offer, twoStage)
	m.visits(p, sim.ActPay)
	return p
}

// within is some time that is not longer than another, and not at once.
func (m *month) within(longest time.Duration) time.Duration {
	return 10*time.Minute + time.Duration(m.chance.Int64N(int64(longest)))
}

// charged is a payment that was paid: by a saved card, or by a payer who came at once.
func (m *month) charged(h house, what string) (p payment.Payment) {
	m.t.Helper()
	if h.card {
		p = m.buys(h, what, providers.Instrument)
	} else {
		p = m.buys(h, what, h.offer)
		m.visits(p, sim.ActPay)
		p = m.now(p)
	}
	if p.Status() != payment.StatusPaid {
		m.t.Fatalf("%s at %s is %s", m.names[p.ID], h.name, p.Status())
	}
	return p
}
