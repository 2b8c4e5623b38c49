package office

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest/accounts"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/reconcile"
)

// plant is a disagreement that can be planted: it does it, and says beforehand what it must come to.
type plant struct {
	name string
	does func(*month, house)
	not  map[string]string // gateways where it cannot be, and why
	// walked: it can be planted where payments are asked about one by one, too. There is no row
	// then that could be strange or told twice, and an answer that cannot be read is asked for again.
	walked bool
}

const (
	oneID   = "its adapter reads an id once, for pages move while they are read"
	noID    = "its rows have no ids"
	ordered = "it knows no payment without an order"
	hidden  = "its list may show nothing of a refund, so that none is ever missing"
	noFee   = "its books tell no fee of the contract"
	last    = "it is the last that payments come to"
	asks    = "it asks us before it takes money, and we say no"
	oneRow  = "a refund has no name of its own by which the row could be left out: it goes with its payment"
)

var plants = []plant{
	{"a charge of an order that nobody has", foreign, nil, false},
	{"a charge that is not told", omitted, nil, true},
	{"a charge that is told days late", writtenLate, nil, true},
	{"another sum", anotherSum, nil, true},
	{"another currency", tampered(reconcile.CurrencyDiffers, sim.Tamper{Kind: sim.TamperCurrency, Currency: "USD"}), nil, false},
	{"a state that nobody can read", unreadable, nil, false},
	{"a charge that was declined, they say", tampered(reconcile.StateDiffers, sim.Tamper{Kind: sim.TamperDeclined}), nil, false},
	{"a row that is there twice", tampered(reconcile.DuplicateLine, sim.Tamper{Kind: sim.TamperAgain}), map[string]string{"tiptoppay": oneID, "quickpay": oneID}, false},
	{"a row that is there once more under another id", tampered(reconcile.UnknownToUs, sim.Tamper{Kind: sim.TamperDouble}), map[string]string{"wayforpay": noID}, false},
	{"another fee", tampered(reconcile.FeeDiffers, sim.Tamper{Kind: sim.TamperFee, Amount: 300}), map[string]string{"quickpay": noFee}, false},
	{"a charge that is dated a day and a quarter late", datedLate, nil, false},
	{"a charge without its order", nameless, map[string]string{"quickpay": ordered}, false},
	{"a charge that was not paid out", func(m *month, h house) { m.tamper(h, m.charged(h, "not paid out"), sim.Tamper{Kind: sim.TamperUnpaid}) },
		map[string]string{"quickpay": "it tells nothing of payouts"}, false},
	{"a refund that is not told", refundOmitted, map[string]string{"halyk": hidden, "wayforpay": oneRow, "quickpay": oneRow}, false},
	{"a charge and its refund that are not told", bothOmitted, map[string]string{"halyk": hidden, "tiptoppay": "its refunds have names, and are left out alone"}, false},
	{"a refund that was made in the cabinet", cabinet, nil, true},
	{"a charge whose answer was lost", lost, nil, false},
	{"a charge that two people called dead", calledDead, nil, true},
	{"a charge that came hours after another gateway's", func(m *month, h house) { paidTwice(m, h, false) }, map[string]string{"quickpay": last}, false},
	{"such a charge, too large to be given back", func(m *month, h house) { paidTwice(m, h, true) }, map[string]string{"quickpay": last}, false},
	{"a payer who pays when the offer is over", paidLate, map[string]string{"tiptoppay": asks, "freedompay": asks}, true},
}

// tamper shows a payment's rows wrongly from now on.
func (m *month) tamper(h house, p payment.Payment, t sim.Tamper) string {
	m.t.Helper()
	t.Face = h.name
	if t.Match == "" {
		t.Match = p.Attempts[0].Reference
	}
	id, err := m.bank.AddTamper(t)
	m.must(err)
	return id
}

// hides leaves a payment out of the gateway's own books, until it is let go: out of its lists, or
// out of its answers where it is asked.
func (m *month) hides(h house, p payment.Payment) (lets func()) {
	m.t.Helper()
	if !h.walked {
		id := m.tamper(h, p, sim.Tamper{Kind: sim.TamperOmit})
		return func() { m.bank.RemoveTamper(id) }
	}
	id := m.fault(h, sim.Fault{Op: sim.OpStatus, Kind: sim.FaultNotFound, Match: p.Attempts[0].Reference})
	return func() { m.bank.RemoveFault(id) }
}

// fault breaks something at a gateway from now on.
func (m *month) fault(h house, f sim.Fault) string {
	m.t.Helper()
	f.Face = h.name
	id, err := m.bank.AddFault(f)
	m.must(err)
	return id
}

// silence loses a gateway's notices from now on.
func (m *month) silence(h house, match string) string {
	m.t.Helper()
	id, err := m.bank.AddNotice(sim.NoticeRule{Face: h.name, Mode: sim.NoticeLost, Match: match})
	m.must(err)
	return id
}

// tampered plants what makes one finding about the payment, which stays.
func tampered(kind reconcile.Kind, t sim.Tamper) func(*month, house) {
	return func(m *month, h house) {
		p := m.charged(h, string(t.Kind))
		m.tamper(h, p, t)
		m.shows(kind, h, time.Now(), m.names[p.ID], stays)
	}
}

func foreign(m *month, h house) {
	p := m.charged(h, "neighbour")
	order := fmt.Sprintf("nobody-%d", m.serial)
	m.tamper(h, p, sim.Tamper{Kind: sim.TamperForeign, Word: order})
	m.shows(reconcile.UnknownToUs, h, time.Now(), order, stays)
}

func omitted(m *month, h house) {
	p := m.charged(h, "left out")
	m.hides(h, p)
	m.shows(reconcile.UnknownToThem, h, time.Now(), m.names[p.ID], stays)
}

// anotherSum is one finding, but for Kaspi: there the payment itself is told so, too, and a sum of
// which less is left than of ours has gone back in part.
func anotherSum(m *month, h house) {
	p := m.charged(h, "another sum")
	if h.walked {
		m.fault(h, sim.Fault{Op: sim.OpStatus, Kind: sim.FaultWrongAmount, Match: p.Attempts[0].Reference})
	} else {
		m.tamper(h, p, sim.Tamper{Kind: sim.TamperAmount, Amount: 70000})
	}
	m.shows(reconcile.AmountDiffers, h, time.Now(), m.names[p.ID], stays)
	if h.name == "kaspi" {
		m.shows(reconcile.RefundUnknownToUs, h, time.Now(), m.names[p.ID], stays)
		m.raises(payment.AmountDiffers, h, p)
		m.raises(payment.ReturnedElsewhere, h, p)
	}
}

func writtenLate(m *month, h house) {
	p := m.charged(h, "written late")
	m.shows(reconcile.UnknownToThem, h, time.Now(), m.names[p.ID], settled)
	m.in(48*time.Hour, m.hides(h, p))
}

// unreadable is one finding, also at QuickPay, where the hold and its capture are rows of their
// own: one that captures itself is no money of its own.
func unreadable(m *month, h house) {
	p := m.charged(h, "unreadable")
	m.tamper(h, p, sim.Tamper{Kind: sim.TamperWord})
	m.shows(reconcile.StateDiffers, h, time.Now(), m.names[p.ID], stays)
}

// datedLate is missing on its day, and explained by the next one, which shows it too late.
func datedLate(m *month, h house) {
	const by = 30 * time.Hour
	p := m.charged(h, "dated late")
	m.tamper(h, p, sim.Tamper{Kind: sim.TamperLate, By: sim.Duration(by)})
	m.shows(reconcile.UnknownToThem, h, time.Now(), m.names[p.ID], settled)
	m.shows(reconcile.SettledLate, h, time.Now().Add(by), m.names[p.ID], stays)
}

// nameless is no finding: the row's id says whose it is, or where it has none its sum and time.
func nameless(m *month, h house) {
	m.tamper(h, m.charged(h, "nameless"), sim.Tamper{Kind: sim.TamperNameless})
}

func refundOmitted(m *month, h house) {
	p := m.charged(h, "refund left out")
	m.in(time.Hour, func() {
		m.refunds(p, 300000)
		id := m.now(p).Operations[0].External
		if id == "" {
			m.t.Fatal("a refund without an id")
		}
		m.tamper(h, p, sim.Tamper{Kind: sim.TamperOmit, Match: id})
		m.shows(reconcile.RefundMissing, h, time.Now(), m.names[p.ID], stays)
	})
}

func bothOmitted(m *month, h house) {
	p := m.charged(h, "left out with its refund")
	m.tamper(h, p, sim.Tamper{Kind: sim.TamperOmit})
	m.shows(reconcile.UnknownToThem, h, time.Now(), m.names[p.ID], stays)
	m.in(time.Hour, func() {
		m.refunds(p, 300000)
		m.shows(reconcile.RefundMissing, h, time.Now(), m.names[p.ID], stays)
	})
}

// cabinet is a refund by the merchant's own people. Halyk dates it as the payment, and an answer
// about one payment dates it not at all.
func cabinet(m *month, h house) {
	p := m.charged(h, "refunded in the cabinet")
	paid := time.Now()
	m.in(2*time.Hour, func() { m.settles(h, p, paid) })
}

func (m *month) settles(h house, p payment.Payment, paid time.Time) {
	m.t.Helper()
	_, err := m.bank.Settle(h.name, p.Attempts[0].Reference)
	m.must(err)
	at := time.Now()
	if h.name == "halyk" || h.walked {
		at = paid
	}
	m.shows(reconcile.RefundUnknownToUs, h, at, m.names[p.ID], stays)
	m.raises(payment.ReturnedElsewhere, h, p)
}

// loses opens a payment that the gateway takes although nobody hears of it: its answer is lost,
// its notices are, and nobody can ask about it until it is over.
func (m *month) loses(h house, what string) (p payment.Payment, over func()) {
	m.t.Helper()
	blind, silent := m.fault(h, sim.Fault{Op: sim.OpStatus, Kind: sim.FaultHTTPError}), m.silence(h, "")
	if !h.walked {
		charge := m.fault(h, sim.Fault{Op: sim.OpCharge, Kind: sim.FaultActDrop, Times: 1})
		p = m.buys(h, what, providers.Instrument)
		m.bank.RemoveFault(charge)
	} else { // a charge of a card may ask first, and would be sent nothing
		p = m.buys(h, what, h.offer)
		m.visits(p, sim.ActPay)
	}
	reference := p.Attempts[0].Reference
	alone, quiet := m.fault(h, sim.Fault{Op: sim.OpStatus, Kind: sim.FaultHTTPError, Match: reference}), m.silence(h, reference)
	m.bank.RemoveFault(blind)
	m.bank.RemoveNotice(silent)
	return p, func() {
		m.bank.RemoveFault(alone)
		m.bank.RemoveNotice(quiet)
	}
}

// lost is found and healed by the statement of its day.
func lost(m *month, h house) {
	p, over := m.loses(h, "lost")
	m.shows(reconcile.StateDiffers, h, time.Now(), m.names[p.ID], taught)
	m.in(24*time.Hour-time.Duration(time.Now().In(almaty).Hour()-13)*time.Hour, over) // all books of the day have been read
}

// calledDead is failed, since two people believed that the bank had nothing. The statement knows
// better, and the money goes back.
func calledDead(m *month, h house) {
	p, over := m.loses(h, "called dead")
	for _, who := range []string{"operator:aida", "operator:berik"} {
		err := router.ErrStale
		for errors.Is(err, router.ErrStale) {
			p = m.now(p)
			p, err = m.router.Resolve(context.Background(), router.Word{Tenant: "shop", Payment: p.ID, Attempt: 1, Verdict: providers.Unserved, Actor: who, Reason: "the bank says no", Seq: p.Seq})
		}
		if err != nil && !errors.Is(err, router.ErrSecondPerson) {
			m.t.Fatalf("%s at %s, which is %s %s: %v", m.names[p.ID], h.name, p.Attempts[0].Verdict, p.Attempts[0].Reason, err)
		}
	}
	m.in(8*time.Hour, over) // before anybody reads the books
	m.shows(reconcile.StateDiffers, h, time.Now(), m.names[p.ID], taught)
	m.raises(payment.MoneyAfterClose, h, p)
}

// paidTwice is paid at another gateway, since this one knew of nothing for as long as it ever
// promised to. It takes the money hours later, and only its statement tells.
func paidTwice(m *month, h house, large bool) {
	began := time.Now()
	late := m.fault(h, sim.Fault{Op: sim.OpCharge, Kind: sim.FaultActLate, Delay: sim.Duration(4 * time.Hour), Times: 1, BrokenPromise: true})
	what := "paid twice"
	if large {
		what = "paid twice, large"
	}
	p := m.buys(h, what, providers.Instrument, func(w *router.Wish) {
		w.Gateways = append(w.Gateways, accounts.Gateway(h.backup))
		w.Deadline = time.Now().Add(3 * time.Hour)
		if large {
			w.Amount.Minor += 2000000
		}
	})
	m.bank.RemoveFault(late)
	quiet := m.silence(h, p.Attempts[0].Reference)
	m.in(8*time.Hour, func() { m.bank.RemoveNotice(quiet) })
	m.in(3*time.Hour, func() {
		if p := m.now(p); p.Status() != payment.StatusPaid || len(p.Attempts) != 2 {
			m.t.Fatalf("%s at %s is %s after %d attempts, the first one %s %s", m.names[p.ID], h.name, p.Status(), len(p.Attempts), p.Attempts[0].Verdict, p.Attempts[0].Reason)
		}
	})
	m.shows(reconcile.StateDiffers, h, began, m.names[p.ID], taught)
	m.raises(payment.MoneyAfterClose, h, p)
	m.raises(payment.MoneyTwice, h, p)
	if large {
		m.raises(payment.CannotGiveBack, h, p)
		m.shows(reconcile.HeldTwice, h, began.Add(24*time.Hour), m.names[p.ID], settled) // what came in the morning may have been on its way back
		m.in(72*time.Hour, func() { m.settles(h, p, began) })
	}
}

// paidLate is given back by itself.
func paidLate(m *month, h house) {
	p := m.buys(h, "paid late", h.offer)
	m.in(50*time.Hour, func() {
		m.visits(p, sim.ActPayLate)
		m.raises(payment.MoneyAfterClose, h, p)
	})
}
