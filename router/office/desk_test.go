package office

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

var (
	almaty = time.FixedZone("Asia/Almaty", 5*60*60)
	noon   = time.Date(2026, 11, 23, 12, 0, 0, 0, almaty).UTC()
	today  = "2026-11-23"
	dawn   = time.Date(2026, 11, 24, 6, 0, 0, 0, almaty).UTC() // of the day after
)

const gateway = "bank-main"

func tenge(minor int64) providers.Money { return providers.Money{Minor: minor, Currency: "KZT"} }

// bank is a provider that tells its books, and nothing else.
type bank struct {
	sync.Mutex
	walks   bool // it lists nothing, and can be asked about each payment
	lines   []providers.StatementLine
	asked   []providers.Window
	broken  int // after how many lines of a call it breaks off; 0 never
	refunds providers.RefundClaims
	teller
}

func (b *bank) Claims() providers.Claims {
	source := providers.StatementList
	if b.walks {
		source = providers.StatementWalk
	}
	return providers.Claims{Provider: "bank", Currencies: []string{"KZT"}, Statement: source, Refund: b.refunds, Reference: providers.ReferenceRule{Length: 20},
		Methods: []providers.MethodClaims{{Method: providers.QR, Flow: providers.Offer, OfferLife: time.Minute},
			{Method: providers.Account, Flow: providers.AskFirst, Unasked: true}},
		Timeouts: providers.Timeouts{Charge: time.Second, Create: time.Second, Status: time.Second, Refund: time.Second}}
}

func (b *bank) Charge(context.Context, providers.Charge) providers.Result { return providers.Result{} }
func (b *bank) Lookup(context.Context, providers.Ref) providers.Result    { return providers.Result{} }

func (b *bank) Report(_ context.Context, w providers.Window, line func(providers.StatementLine) error) error {
	b.Lock()
	b.asked = append(b.asked, w)
	lines := slices.Clone(b.lines)
	b.Unlock()
	n := 0
	for _, l := range lines {
		if l.At.Before(w.From) || !l.At.Before(w.To) {
			continue
		}
		if n++; b.broken > 0 && n > b.broken {
			return errors.New("the line broke")
		}
		if err := line(l); err != nil {
			return err
		}
	}
	return nil
}

// desk is an office with its books, a bank, and a clock that stands still.
type desk struct {
	*Office
	t        testing.TB
	bank     *bank
	provider providers.Provider // which is the bank, or tells books of its own
	out      io.Writer          // of the log
	store    *journal.Store
	clock    *time.Time
}

// at runs a test on both engines.
func at(t *testing.T, test func(t *testing.T, d *desk)) {
	for name, url := range map[string]func(t *testing.T) string{
		"sqlite":     func(*testing.T) string { return "sqlite:" },
		"postgresql": func(t *testing.T) string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) { test(t, sit(t, url(t))) })
	}
}

func sit(t testing.TB, url string, change ...func(*Options, *Books)) *desk {
	t.Helper()
	d := &desk{t: t, bank: &bank{}, out: t.Output()}
	d.provider = d.bank
	return d.opens(url, change...)
}

// opens gives a desk its books, a clock and its office.
func (d *desk) opens(url string, change ...func(*Options, *Books)) *desk {
	d.t.Helper()
	d.clock = new(time.Time)
	*d.clock = dawn
	var err error
	d.store, err = journal.Open(journal.Options{URL: url, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	d.must(err)
	d.t.Cleanup(func() { d.store.Close() })
	d.must(d.store.Migrate(d.t.Context()))
	d.Office = d.another(change...)
	return d
}

// another is one more process on the same books.
func (d *desk) another(change ...func(*Options, *Books)) *Office {
	d.t.Helper()
	log := slog.New(slog.NewTextHandler(d.out, nil))
	board, err := health.New(health.Options{Gateways: []health.Gateway{{Name: gateway, Timeout: map[health.Op]time.Duration{
		health.OpCharge: time.Second, health.OpCreate: time.Second, health.OpStatus: time.Second, health.OpCapture: time.Second, health.OpVoid: time.Second, health.OpRefund: time.Second}}}, Log: log})
	d.must(err)
	r, err := router.New(router.Options{Journal: d.store, Board: board, Log: log, Tenants: map[string]router.Tenant{"shop": {}, "kiosk": {}},
		Gateways: []router.Gateway{{Name: gateway, Credentials: router.Credentials{Provider: d.provider}}}})
	d.must(err)
	books := Books{Zone: almaty}
	o := Options{Router: r, Journal: d.store, Log: log, Page: 2, Clock: func(context.Context) (time.Time, error) { return *d.clock, nil }}
	for _, c := range change {
		c(&o, &books)
	}
	o.Books = map[string]Books{gateway: books}
	office, err := New(o)
	d.must(err)
	return office
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// pay writes a payment of 1000 with one attempt at noon, and what else happened to it.
func (d *desk) pay(id string, more ...payment.Body) {
	d.t.Helper()
	d.payBy(providers.QR, id, more...)
}

func (d *desk) payBy(method providers.Method, id string, more ...payment.Body) {
	d.t.Helper()
	d.payOf(tenge(1000), method, id, more...)
}

func (d *desk) payOf(sum providers.Money, method providers.Method, id string, more ...payment.Body) {
	d.t.Helper()
	d.write(noon, sum, id, append([]payment.Body{payment.Planned{Attempt: 1, Gateway: gateway, Provider: "bank", Method: method, Flow: providers.Direct, Reference: "ref-" + id}}, more...)...)
}

// write writes a payment that is opened at a time, and its events.
func (d *desk) write(at time.Time, sum providers.Money, id string, bodies ...payment.Body) {
	d.t.Helper()
	e := payment.Event{At: at, Actor: "caller", Body: payment.Opened{ID: id, Tenant: "shop", RequestID: id, Amount: sum,
		Methods: []providers.Method{providers.QR}, Deadline: at.Add(time.Hour)}}
	p, err := d.store.Open(d.t.Context(), journal.Request{Tenant: "shop", ID: id, Kind: "create", Hash: "h"}, providers.Payer{}, e)
	d.must(err)
	for i, b := range bodies {
		p, err = d.store.Advance(d.t.Context(), p, func(payment.Payment) ([]payment.Event, error) {
			return []payment.Event{{At: at.Add(time.Duration(i) * time.Second), Actor: "test", Body: b}}, nil
		})
		d.must(err)
	}
}

func learnt(v providers.Verdict) payment.Body {
	return payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: v}
}

// refunded are the events of a refund that went through.
func refunded(minor int64) []payment.Body {
	return []payment.Body{learnt(providers.Approved), payment.RefundRequested{Refund: "f", RequestID: "f", Amount: tenge(minor)},
		payment.OperationPlanned{Operation: 1, Op: payment.OpRefund, Attempt: 1, Amount: tenge(minor), Refund: "f"},
		payment.OperationObserved{Operation: 1, Source: payment.FromResponse, Verdict: providers.Approved}}
}

// tell adds lines to the bank's books.
func (d *desk) tell(lines ...providers.StatementLine) {
	d.bank.Lock()
	defer d.bank.Unlock()
	d.bank.lines = append(d.bank.lines, lines...)
}

func charged(id string, minor int64, change ...func(*providers.StatementLine)) providers.StatementLine {
	l := providers.StatementLine{Kind: providers.LineCharge, Order: "ref-" + id, External: "x-" + id, Verdict: providers.Approved, Amount: tenge(minor), At: noon.Add(time.Second)}
	for _, c := range change {
		c(&l)
	}
	return l
}

// order asks for a run of the day by hand.
func (d *desk) order(day string) journal.Run {
	d.t.Helper()
	r, err := d.Start(d.t.Context(), Order{Gateway: gateway, Day: day, Cause: CauseOperator, Actor: "aida", Reason: "a test"})
	d.must(err)
	return r
}

// run does a run of the day and returns it as it ended.
func (d *desk) run(day string) journal.Run {
	d.t.Helper()
	r := d.order(day)
	d.works(d.Office)
	r, err := d.store.Run(d.t.Context(), r.ID)
	d.must(err)
	if r.State != journal.RunDone {
		d.t.Fatalf("the run is %s: %s", r.State, r.Error)
	}
	return r
}

// works lets an office do what is due.
func (d *desk) works(o *Office) {
	d.t.Helper()
	for {
		more, err := o.work(d.t.Context(), *d.clock)
		d.must(err)
		if !more {
			return
		}
	}
}

// open lists the open findings: their kinds, and what each is about.
func (d *desk) open() string { return d.findings(journal.FindingOpen) }

func (d *desk) findings(state journal.FindingState) string {
	d.t.Helper()
	all, err := d.store.Findings(d.t.Context(), journal.FindingFilter{State: state}, journal.Cursor{}, 1000)
	d.must(err)
	var said []string
	for _, f := range all {
		if f.Source == journal.OfStatement {
			name := f.Payment
			if name == "" {
				name = f.Order + f.External
			}
			said = append(said, f.Kind+":"+name)
		}
	}
	slices.Sort(said)
	return strings.Join(said, " ")
}

// dump is all that a run may have changed: findings, and the payments' events.
func (d *desk) dump(payments ...string) string {
	d.t.Helper()
	all, err := d.store.Findings(d.t.Context(), journal.FindingFilter{}, journal.Cursor{}, 1000)
	d.must(err)
	var said []string
	for _, f := range all {
		said = append(said, fmt.Sprint(f.ID(), f.State, f.Resolution, f.Version, f.Ours, f.Theirs, f.Detail, f.Group, f.Day))
	}
	slices.Sort(said)
	for _, id := range payments {
		events, err := d.store.Events(d.t.Context(), id)
		d.must(err)
		for _, e := range events {
			said = append(said, fmt.Sprintf("%s %d %s %+v", id, e.Seq, e.Actor, e.Body))
		}
	}
	return strings.Join(said, "\n")
}
