package office

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest/accounts"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// town is the whole house in virtual time: the simulated banks that list their books, the real
// adapters, the router, and a back office that runs by its schedule.
type town struct {
	t      *testing.T
	bank   *sim.Bank
	router *router.Router
	store  *journal.Store
	office *Office
}

const shopper = "c-88"

// settings is how the gateways' books are read, as the configuration has it by default.
func settings(provider string) Books {
	b := Books{Schedule: "30 5 * * *", Lag: 2 * time.Hour, CatchUp: 31, Reread: 3, Late: 24 * time.Hour, Zone: almaty}
	switch provider {
	case "halyk":
		b.Reread, b.NetFees, b.HidesRefunds = 8, true, true
	case "tiptoppay":
		b.Reread, b.NamesMovements = 8, true
	case "quickpay":
		b.Zone = time.UTC
	case "kaspi":
		b.Reread = 8
	case "freedompay":
		b.Reread, b.HidesRefunds, b.NamesMovements = 8, true, true
	case "robokassa":
		b.Reread, b.HidesRefunds = 8, true
	}
	return b
}

// plan is what towns may differ in.
type plan struct {
	poll     time.Duration // how often work is looked for
	books    func(provider string) Books
	accounts func(*accounts.All)
	limit    int64 // of what is given back without a person
}

// foundTown builds a town. Call it inside a bubble.
func foundTown(t *testing.T, names ...string) *town {
	t.Helper()
	return foundTownAs(t, plan{poll: time.Minute, books: settings, accounts: func(*accounts.All) {}}, names...)
}

func foundTownAs(t *testing.T, as plan, names ...string) *town {
	t.Helper()
	w := &town{t: t}
	all := accounts.New("http://payrouter/webhooks", shopper)
	as.accounts(all)
	all.WayForPay.Currencies, all.Bank.WayForPay.Currencies = []string{"KZT"}, []string{"KZT"}
	w.bank = sim.New(sim.Options{Seed: 1, Client: &http.Client{Transport: w}, OnViolation: func(v sim.Violation) {
		t.Errorf("%s violated at %s: %s %s: %s", v.Invariant, v.Face, v.Op, v.Reference, v.Text)
	}}, all.Faces(names...)...)
	var gateways []router.Gateway
	var watched []health.Gateway
	var rules []router.Rule
	read := map[string]Books{}
	for _, name := range names {
		adapter, err := all.Open(name, func(ctx context.Context, _, _ string) (net.Conn, error) { return w.bank.Dial(ctx, name) })
		w.must(err)
		gateway := accounts.Gateway(name)
		gateways = append(gateways, router.Gateway{Name: gateway, Credentials: router.Credentials{Provider: adapter}, NotifyURL: "http://payrouter/webhooks/" + gateway})
		c := adapter.Claims().Timeouts
		watched = append(watched, health.Gateway{Name: gateway, Timeout: map[health.Op]time.Duration{health.OpCharge: c.Charge, health.OpCreate: c.Create,
			health.OpStatus: c.Status, health.OpCapture: c.Refund, health.OpVoid: c.Refund, health.OpRefund: c.Refund}})
		rules = append(rules, router.Rule{Gateway: gateway, Priority: len(rules)})
		read[gateway] = as.books(name)
	}
	terms := router.TermsOf(payment.Terms{}, gateways)
	var err error
	w.store, err = journal.Open(journal.Options{URL: "sqlite:", Due: func(p payment.Payment, now time.Time) time.Time { return p.Due(now, terms) }})
	w.must(err)
	w.must(w.store.Migrate(t.Context()))
	board, err := health.New(health.Options{Gateways: watched, ProbeEvery: time.Hour})
	w.must(err)
	w.router, err = router.New(router.Options{Journal: w.store, Board: board, Gateways: gateways, PollEvery: as.poll, WatchEvery: as.poll,
		Tenants: map[string]router.Tenant{"shop": {Rules: rules, GiveBackLimit: as.limit}}})
	w.must(err)
	w.office, err = New(Options{Router: w.router, Journal: w.store, Books: read, PollEvery: as.poll})
	w.must(err)
	for _, name := range names {
		if card, saved := accounts.Card(name); saved {
			w.must(w.store.SaveInstrument(t.Context(), journal.Instrument{ID: "i-" + name, Tenant: "shop", Customer: shopper, Gateway: accounts.Gateway(name),
				Token: card, Payment: "earlier", Created: time.Now()}))
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- w.router.Run(ctx) }()
	go func() { done <- w.office.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		<-done
		<-done
		w.bank.Close()
		w.store.Close()
	})
	return w
}

func (w *town) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// RoundTrip carries the banks' notices to the router.
func (w *town) RoundTrip(r *http.Request) (*http.Response, error) {
	gateway, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/webhooks/"), "/")
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	reply, err := w.router.Hear(r.Context(), gateway, providers.Notice{Method: r.Method, Path: path, Query: r.URL.RawQuery, Header: r.Header, Body: body, Source: "127.0.0.1"})
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: reply.Status, Header: http.Header{"Content-Type": {reply.ContentType}}, Body: io.NopCloser(bytes.NewReader(reply.Body)), Request: r}, nil
}

// pays opens a payment of 10,000 tenge at one gateway.
func (w *town) pays(name string, method providers.Method, change ...func(*router.Wish)) payment.Payment {
	w.t.Helper()
	wish := router.Wish{Actor: "caller:test", Hash: "h", Payer: providers.Payer{Phone: "+77011234567", Email: "a@example.kz", Name: "Aida S", IP: "203.0.113.7"}}
	wish.Tenant, wish.RequestID, wish.Methods, wish.Customer, wish.Description = "shop", uuid.NewString(), []providers.Method{method}, shopper, "Order 4711"
	wish.Amount, wish.Gateways = tenge(1000000), []string{accounts.Gateway(name)}
	if method == providers.Instrument {
		wish.Instrument = "i-" + name
	}
	for _, c := range change {
		c(&wish)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	p, err := w.router.Create(ctx, wish)
	w.must(err)
	return p
}

func twoStage(w *router.Wish) { w.TwoStage = true }

// stage has money held: on a saved card, or where no hold can be put on one on a page.
func (w *town) stage(name string) payment.Payment {
	w.t.Helper()
	if name != "robokassa" {
		return w.pays(name, providers.Instrument, twoStage)
	}
	p := w.pays(name, providers.Page, twoStage)
	w.visits(p, sim.ActPay)
	return p
}

// visits lets the payer of an offer open it and do something.
func (w *town) visits(p payment.Payment, acts ...string) {
	w.t.Helper()
	a := p.Attempts[0]
	face := strings.TrimSuffix(a.Gateway, "-main")
	for _, act := range acts {
		if a.Action != nil && a.Action.Kind == providers.Redirect {
			_ = w.bank.Open(face, a.Action.URL)
		}
		w.must(w.bank.Act(face, a.Reference, act))
		time.Sleep(time.Minute)
	}
}

func (w *town) command(p payment.Payment) router.Command {
	return router.Command{Tenant: "shop", Payment: p.ID, RequestID: uuid.NewString(), Hash: uuid.NewString(), Actor: "caller:test"}
}

func (w *town) refunds(p payment.Payment, minor int64) {
	w.t.Helper()
	_, _, err := w.router.Refund(context.Background(), w.command(p), tenge(minor), "")
	w.must(err)
}

// findings lists the open findings of statements, each with its payment's story's end.
func (w *town) findings() []string {
	w.t.Helper()
	all, err := w.store.Findings(context.Background(), journal.FindingFilter{}, journal.Cursor{}, 1000)
	w.must(err)
	var said []string
	for _, f := range all {
		if f.Source == journal.OfStatement {
			said = append(said, fmt.Sprintf("%s at %s on %s of %s (%s, %s): %s", f.Kind, f.Gateway, f.Day, f.Payment, f.State, f.Resolution, f.Detail+w.lines(f.Gateway, f.Payment)))
		}
	}
	return said
}

// lines are all that the statements tell of a payment, for a test that fails.
func (w *town) lines(gateway, id string) string {
	all, err := w.store.LinesOf(context.Background(), gateway, []string{journal.GroupOf(id, 1)}, 100)
	w.must(err)
	var b strings.Builder
	for _, l := range all {
		fmt.Fprintf(&b, "\n    %s: %s %s %s %q %q at %s %s %s", l.Day, l.Kind, l.Verdict, l.Amount, l.Order, l.External, l.At.Format(time.RFC3339), l.Code, l.Reason)
	}
	return b.String()
}

// until lets the town live until a moment of November 2026, in Almaty.
func (w *town) until(day, hour int) {
	time.Sleep(time.Until(time.Date(2026, 11, day, hour, 0, 0, 0, almaty)))
}

// Whatever payers, callers and banks do in the ordinary course of things, no day of it makes
// a finding: not the morning after, and not when it is read again.
func TestAnOrdinaryWeekIsQuietAtEveryGatewayThatListsItsBooks(t *testing.T) {
	ordinaryWeek(t, "halyk", "wayforpay", "tiptoppay", "quickpay")
}

func TestAnOrdinaryWeekIsQuietAtEveryGatewayWhoseBooksAreWalked(t *testing.T) {
	ordinaryWeek(t, "kaspi", "freedompay", "robokassa")
}

// pay has money come at once: from a saved card, or where there are none from a payer who
// scans a code.
func (w *town) pay(name string, change ...func(*router.Wish)) payment.Payment {
	w.t.Helper()
	if name != "kaspi" {
		return w.pays(name, providers.Instrument, change...)
	}
	p := w.pays(name, providers.QR, change...)
	w.must(w.bank.Act(name, p.Attempts[0].Reference, sim.ActPay))
	return p
}

func ordinaryWeek(t *testing.T, names ...string) {
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(time.Date(2026, 11, 2, 9, 0, 0, 0, almaty))) // before anything is built: zones have a history
				w := foundTown(t, name)
				offer := providers.Page
				if name == "wayforpay" || name == "kaspi" {
					offer = providers.Link
				}
				w.until(2, 12)
				w.pay(name)
				whole, part, twice, late := w.pay(name), w.pay(name), w.pay(name), w.pay(name)
				page := w.pays(name, offer)
				w.visits(page, sim.ActPay)
				tried := w.pays(name, offer)
				w.visits(tried, sim.ActDecline)
				paid := []payment.Payment{whole, part, twice, late, page}
				if name != "kaspi" {
					w.visits(tried, sim.ActPay)
				}
				if name != "halyk" && name != "kaspi" && name != "freedompay" { // where an offer is over with the first try
					paid = append(paid, tried)
				}
				w.pays(name, offer) // nobody comes
				if name == "kaspi" {
					pushed := w.pays(name, providers.Push)
					w.must(w.bank.Act(name, pushed.Attempts[0].External, sim.ActPay)) // an invoice carries no number of ours
					paid = append(paid, pushed)
					w.pays(name, providers.Push) // it rings, and nobody looks
				}
				holds := name != "halyk" && name != "kaspi" // which have one stage
				var held, kept, over payment.Payment
				if holds {
					held, kept, over = w.stage(name), w.stage(name), w.stage(name)
					paid = append(paid, held, kept)
				}
				w.until(2, 14)
				w.refunds(whole, 1000000)
				w.refunds(part, 300000)
				w.refunds(twice, 200000)
				w.until(2, 15)
				w.refunds(twice, 200000)
				if holds {
					_, err := w.router.Capture(context.Background(), w.command(held), tenge(1000000))
					w.must(err)
				}
				w.until(2, 23)
				time.Sleep(59*time.Minute + 58*time.Second) // by a second, on either side of midnight
				for range 3 {
					w.pay(name)
					time.Sleep(time.Second)
				}
				w.until(3, 12)
				if holds {
					_, err := w.router.Capture(context.Background(), w.command(kept), tenge(1000000))
					w.must(err)
					_, err = w.router.Cancel(context.Background(), w.command(over), "out of stock")
					w.must(err)
				}
				w.until(5, 12)
				w.refunds(late, 1000000)
				w.until(8, 12)
				for _, p := range paid {
					if p, err := w.router.Get(context.Background(), "shop", p.ID); err != nil || p.Status() != payment.StatusPaid {
						t.Errorf("%s is %s, %v", p.ID, p.Status(), err)
					}
				}
				for _, said := range w.findings() {
					t.Error(said)
				}
				runs, err := w.store.Runs(context.Background(), journal.RunFilter{}, journal.Cursor{}, 100)
				w.must(err)
				var lines, matched, days int64
				for _, r := range runs {
					if r.State != journal.RunDone {
						t.Errorf("the run of %s is %s: %s", r.Day, r.State, r.Error)
					}
					lines, matched, days = lines+r.Counts.Lines, matched+r.Counts.Matched, days+1
				}
				if days < 6 || lines < 20 || matched < 20 {
					t.Errorf("%d runs read %d lines, of which %d matched", days, lines, matched)
				}
			})
		})
	}
}
