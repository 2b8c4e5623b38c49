package router_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
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

// The ten tests of FAILOVER section 8, under those names, over real HTTP to the
// simulated bank, with the real adapters and the real time-outs in virtual time.

const patience = 20 * time.Second // a caller's deadline

// flow is a payment whose first gateway is named.
type flow struct {
	name    string
	gateway string
	op      sim.Op
	wish    func() router.Wish
}

// sent are the flows in which money can move before the payer sees anything, at every
// gateway that has one.
func sent() []flow {
	all := []flow{{"kaspi push", kaspiMain, sim.OpCreate, func() router.Wish { return ask(providers.Push, providers.Page) }}}
	for _, provider := range accounts.Names {
		gateway := accounts.Gateway(provider)
		if _, saved := accounts.Card(provider); saved {
			all = append(all, flow{provider + " saved card", gateway, sim.OpCharge, func() router.Wish { return byCard(gateway, providers.Page, providers.QR) }})
		}
	}
	return all
}

// first makes a gateway the tenant's first choice, before the three that every house has.
func first(gateway string) func(*setup) {
	return func(s *setup) {
		others := slices.DeleteFunc(slices.Clone(s.gateways), func(name string) bool { return name == faceOf(gateway) })
		s.gateways = append([]string{faceOf(gateway)}, others...)
	}
}

// callPeopleSoon keeps the virtual time short that a payment nobody can decide takes.
func callPeopleSoon(s *setup) { s.terms.ResolveLimit = time.Hour }

func TestTimeoutAfterSendNeverReachesSecondGateway(t *testing.T) {
	for _, flow := range sent() {
		for _, kind := range []sim.FaultKind{sim.FaultHang, sim.FaultActHang, sim.FaultActDrop, sim.FaultActHTTPError, sim.FaultTruncate} {
			t.Run(fmt.Sprintf("%s/%s", flow.name, kind), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := build(t, first(flow.gateway), callPeopleSoon)
					h.fault(sim.Fault{Face: faceOf(flow.gateway), Op: flow.op, Kind: kind, Times: 1})
					p := h.create(flow.wish(), patience)
					// Nobody else is asked before the books hold evidence, however long it takes.
					for range 12 {
						p = h.get(p)
						a := p.Attempts[0]
						if a.Closed == nil && len(p.Attempts) > 1 {
							t.Fatalf("a second gateway without evidence\n%s", h.story(p))
						}
						if p.Status().Final() {
							break
						}
						time.Sleep(10 * time.Minute)
					}
					h.truth(p, flow.gateway, kind != sim.FaultHang)
				})
			})
		}
	}
}

// truth fails the test unless the payment ended as the ledger says: paid where the
// gateway acted, and at most once in any case.
func (h *house) truth(p payment.Payment, gateway string, acted bool) {
	h.t.Helper()
	p = h.get(p)
	a := p.Attempts[0]
	// Kaspi's invoices on a phone carry no reference of ours, so nothing can be asked by; and
	// Freedom Pay shows an order whose charge never came as one that is at work, for ever. The
	// payment waits for a person, and says so (FAILOVER section 3, push).
	if a.Flow == providers.Pushed || !acted && a.Gateway == accounts.Gateway("freedompay") {
		if len(p.Attempts) != 1 || p.Status() != payment.StatusProcessing || !p.Found(payment.Undecided, 1) {
			h.t.Fatalf("payment is %s\n%s", p.Status(), h.story(p))
		}
		charged := providers.Unserved
		if h.held(a) > 0 {
			charged = providers.Approved
		}
		for _, who := range []string{"operator:aida", "operator:berik"} {
			p = h.get(p)
			if p.Status() == payment.StatusProcessing {
				h.router.Resolve(context.Background(), router.Word{Tenant: "shop", Payment: p.ID, Attempt: 1, Verdict: charged, Actor: who, Reason: "cabinet", Seq: p.Seq})
			}
		}
		if p = h.get(p); p.Status() == payment.StatusProcessing {
			h.t.Fatalf("two people's word left the payment %s\n%s", p.Status(), h.story(p))
		}
		return
	}
	if acted {
		h.want(p, payment.StatusPaid, p.Amount.Minor)
		if len(p.Attempts) != 1 {
			h.t.Fatalf("%d attempts at a gateway that charged\n%s", len(p.Attempts), h.story(p))
		}
		return
	}
	if a.Closed == nil || a.Closed.Kind != payment.AbsentConfirmed {
		h.t.Fatalf("attempt 1 closed by %+v\n%s", a.Closed, h.story(p))
	}
	if net := h.net(p); net > p.Amount.Minor {
		h.t.Fatalf("%d at the gateways\n%s", net, h.story(p))
	}
}

func TestConnectRefusedReachesSecondGatewayWithinDeadline(t *testing.T) {
	for _, gateway := range []string{kaspiMain, halykMain, wayforpayMain} {
		for _, wish := range []struct {
			name string
			make func() router.Wish
		}{
			{"offer", func() router.Wish { return ask(providers.QR, providers.Page, providers.Link) }},
			{"saved card", func() router.Wish { return byCard(wayforpayMain, providers.QR, providers.Page) }},
			{"push", func() router.Wish { return ask(providers.Push, providers.Page, providers.Link) }},
		} {
			t.Run(gateway+"/"+wish.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := build(t, first(gateway))
					h.fault(sim.Fault{Face: faceOf(gateway), Kind: sim.FaultRefuse})
					began := time.Now()
					p := h.create(wish.make(), patience)
					if took := time.Since(began); took > patience/2 {
						t.Errorf("took %s", took)
					}
					last, _ := p.Last()
					if last.Gateway == gateway || p.Status() != payment.StatusAwaitingPayer && p.Status() != payment.StatusPaid {
						t.Fatalf("payment is %s\n%s", p.Status(), h.story(p))
					}
					if len(p.Attempts) > 1 && p.Attempts[0].Closed.Kind != payment.NotSent {
						t.Fatalf("attempt 1 closed by %+v", p.Attempts[0].Closed)
					}
				})
			})
		}
	}
}

func TestLostCreateAnswerOfQrIsReplacedWithoutWaiting(t *testing.T) {
	for _, c := range []struct {
		gateway string
		method  providers.Method
	}{
		{kaspiMain, providers.QR}, {kaspiMain, providers.Link}, {halykMain, providers.Link}, {halykMain, providers.QR}, {wayforpayMain, providers.Link},
	} {
		t.Run(fmt.Sprintf("%s/%s", c.gateway, c.method), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := build(t, first(c.gateway))
				after := 0
				if c.gateway == halykMain {
					after = 1 // its token comes first, which the bank's hosted page needs and so counts as a create
				}
				h.fault(sim.Fault{Face: faceOf(c.gateway), Op: sim.OpCreate, Kind: sim.FaultActDrop, After: after, Times: 1})
				began := time.Now()
				wish := ask(c.method)
				wish.Deadline = time.Now().Add(72 * time.Hour) // links of Halyk live for days
				p := h.create(wish, patience)
				if took := time.Since(began); took > time.Second {
					t.Errorf("took %s", took)
				}
				if len(p.Attempts) != 2 || p.Attempts[0].Closed == nil || p.Attempts[0].Closed.Kind != payment.NeverShown || p.Status() != payment.StatusAwaitingPayer {
					t.Fatalf("payment is %s\n%s", p.Status(), h.story(p))
				}
				// The orphan is known by its reference, for reconciliation.
				orphan := p.Attempts[0].Reference
				if !slices.ContainsFunc(h.bank.Ledger().Objects, func(o sim.Object) bool { return o.Reference == orphan }) {
					t.Fatalf("the bank has no orphan under %s", orphan)
				}
			})
		})
	}
}

// drain orders new payments away from a gateway, and open ones as each is proved dead.
func (h *house) drain(gateway string, moveOpen bool) {
	h.t.Helper()
	_, err := h.router.CreateOverride(context.Background(), journal.Override{ID: uuid.NewString(), Gateway: gateway, Mode: string(health.Drain),
		MoveOpen: moveOpen, Actor: "operator:aida", Reason: "rehearsal", End: time.Now().Add(time.Hour)})
	h.must(err)
}

func TestShownQrIsNotReplacedBeforeItsDeath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		p := h.create(ask(providers.QR, providers.Page), patience)
		a := p.Attempts[0]
		if p.Status() != payment.StatusAwaitingPayer || a.Gateway != kaspiMain {
			t.Fatalf("payment is %s\n%s", p.Status(), h.story(p))
		}
		h.drain(kaspiMain, true)
		time.Sleep(179 * time.Second) // Kaspi says Error when its scan window of 180 s is over
		if p = h.get(p); len(p.Attempts) != 1 || p.Attempts[0].Closed != nil {
			t.Fatalf("replaced while a payer could scan it\n%s", h.story(p))
		}
		// Where the gateway never says so, only the end of both windows and the margin, and a
		// look after that, prove the offer dead: one millisecond decides.
		dead := p.Attempts[0].Until.Add(15 * time.Second)
		for _, c := range []struct {
			at   time.Time
			dead bool
		}{{dead.Add(-time.Millisecond), false}, {dead.Add(time.Millisecond), true}} {
			looked, err := p.Apply(payment.Event{At: c.at, Body: payment.Observed{Attempt: 1, Source: payment.FromLookup,
				Verdict: providers.Pending, Reason: providers.AwaitingPayer}})
			h.must(err)
			step := looked.Next(c.at, h.router.TermsFor("shop"))
			closed, ok := step.Event.(payment.Closed)
			if ok != c.dead || ok && closed.Evidence.Kind != payment.ExpiredUnpaid {
				t.Errorf("a look %s after the death: step %+v", c.at.Sub(dead), step)
			}
		}
		time.Sleep(20 * time.Second)
		if p = h.get(p); len(p.Attempts) != 2 || p.Attempts[1].Gateway != halykMain || p.Status() != payment.StatusAwaitingPayer {
			t.Fatalf("not replaced after its death\n%s", h.story(p))
		}
	})
}

func TestScannedQrBlocksSwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		p := h.create(ask(providers.QR, providers.Page), patience)
		h.payer(kaspiMain, p.Attempts[0].Reference, sim.ActScan)
		h.drain(kaspiMain, true)
		time.Sleep(60 * time.Second)
		if p = h.get(p); len(p.Attempts) != 1 || p.Attempts[0].Reason != providers.PayerConfirming {
			t.Fatalf("left a payer who is confirming\n%s", h.story(p))
		}
		h.payer(kaspiMain, p.Attempts[0].Reference, sim.ActConfirm)
		time.Sleep(10 * time.Second)
		h.want(p, payment.StatusPaid, p.Amount.Minor)
	})
}

func TestPayAfterMoveIsRefusedAtBillerCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		p := h.create(ask(providers.Account, providers.Page), patience)
		a := p.Attempts[0]
		if a.Gateway != kaspiMain || a.Action == nil || a.Action.Number != a.Reference {
			t.Fatalf("payment is %s\n%s", p.Status(), h.story(p))
		}
		if got := h.biller("check", a.Reference, "t1"); got != `"result":0` {
			t.Fatalf("check of a payable order: %s", got)
		}
		h.drain(kaspiMain, true)
		time.Sleep(3 * time.Second)
		if p = h.get(p); len(p.Attempts) != 2 || p.Attempts[0].Closed == nil || p.Attempts[0].Closed.Kind != payment.Withdrawn {
			t.Fatalf("our veto did not move the payment at once\n%s", h.story(p))
		}
		if got := h.biller("check", a.Reference, "t2"); got != `"result":2` {
			t.Fatalf("check after the move: %s", got)
		}
		// The check had passed before the move: the payer is debited, and the bank must return it.
		for range 3 {
			if got := h.biller("pay", a.Reference, "t3"); got != `"result":2` {
				t.Fatalf("pay after the move: %s", got)
			}
		}
		if p = h.get(p); !p.Found(payment.ReturnExpected, 1) || p.Attempts[0].Verdict.HasMoney() {
			t.Fatalf("findings %+v\n%s", p.Findings, h.story(p))
		}
	})
}

// biller is a request of the bank to us, as the biller protocol makes it.
func (h *house) biller(command, account, txn string) string {
	h.t.Helper()
	query := fmt.Sprintf("command=%s&txn_id=%s&account=%s&sum=15490.00", command, digits(txn), account)
	if command == "pay" {
		query += "&txn_date=20261123140212"
	}
	reply, err := h.router.Hear(context.Background(), kaspiMain, providers.Notice{Method: "GET", Path: "biller", Query: query, Source: "127.0.0.1"})
	h.must(err)
	body := string(reply.Body)
	for n := range 6 {
		if want := fmt.Sprintf(`"result":%d`, n); slices.Contains(tokens(body), want) {
			return want
		}
	}
	return body
}

func TestLateApprovalIsGivenBackOnce(t *testing.T) {
	sources := []payment.Source{payment.FromNotice, payment.FromLookup, payment.FromStatement}
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := build(t, func(s *setup) {
					s.accounts.Bank.Kaspi.LateSuccess, s.accounts.Bank.Kaspi.NotifyURL, s.broken = true, "", true
				})
				p := h.create(ask(providers.QR, providers.Page), patience)
				qr := p.Attempts[0]
				h.drain(kaspiMain, true)
				time.Sleep(200 * time.Second)
				if p = h.get(p); len(p.Attempts) != 2 {
					t.Fatalf("not moved\n%s", h.story(p))
				}
				h.payer(halykMain, p.Attempts[1].Reference, sim.ActPay)
				time.Sleep(time.Minute)
				h.want(p, payment.StatusPaid, p.Amount.Minor)
				h.payer(kaspiMain, qr.Reference, sim.ActPayLate)
				if net := h.net(p); net != 2*p.Amount.Minor {
					t.Fatalf("the late payer paid nothing: %d", net)
				}
				late := providers.Result{Verdict: providers.Approved, External: qr.External, Amount: p.Amount, Code: "Processed"}
				for _, i := range order {
					times := 1
					if sources[i] == payment.FromNotice {
						times = 3
					}
					for range times {
						h.must(h.router.Observe(context.Background(), h.get(p), 1, sources[i], late))
					}
					time.Sleep(5 * time.Second)
				}
				time.Sleep(time.Minute)
				p = h.want(p, payment.StatusPaid, p.Amount.Minor)
				if n := h.bank.Ledger().Count("kaspi", sim.OpRefund, qr.Reference); n != 1 {
					t.Errorf("%d refunds were sent", n)
				}
				if !p.Found(payment.MoneyAfterClose, 1) || p.Sums().Surplus != 0 {
					t.Errorf("findings %+v, surplus %d", p.Findings, p.Sums().Surplus)
				}
			})
		})
	}
}

func TestDrainKeepsPollingRefundsAndWebhooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		paid := h.create(ask(providers.QR), patience)
		open := h.create(ask(providers.QR), patience)
		heard := h.create(at(ask(providers.Link), wayforpayMain), patience)
		h.payer(kaspiMain, paid.Attempts[0].Reference, sim.ActPay)
		time.Sleep(10 * time.Second)
		h.want(paid, payment.StatusPaid, paid.Amount.Minor)
		h.drain(kaspiMain, false)
		h.drain(wayforpayMain, false)
		if p := h.create(ask(providers.QR, providers.Page), patience); p.Attempts[0].Gateway != halykMain {
			t.Fatalf("a new payment went to %s", p.Attempts[0].Gateway)
		}
		h.payer(kaspiMain, open.Attempts[0].Reference, sim.ActPay)
		h.payer(wayforpayMain, heard.Attempts[0].Reference, sim.ActPay)
		time.Sleep(time.Second)
		h.want(heard, payment.StatusPaid, heard.Amount.Minor) // by its webhook: no look is due yet
		time.Sleep(10 * time.Second)
		h.want(open, payment.StatusPaid, open.Amount.Minor)
		_, _, err := h.router.Refund(t.Context(), router.Command{Tenant: "shop", Payment: paid.ID, Actor: "caller:test", RequestID: uuid.NewString(), Hash: "r"},
			providers.Money{Minor: 500000, Currency: "KZT"}, "returned goods")
		h.must(err)
		if p := h.want(paid, payment.StatusPaid, paid.Amount.Minor-500000); p.Sums().Refunded != 500000 {
			t.Fatalf("sums %+v\n%s", p.Sums(), h.story(p))
		}
	})
}

func TestGatewayDownDuringExpiryLeavesPaymentUndecided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		p := h.create(ask(providers.QR, providers.Page), patience)
		time.Sleep(30 * time.Second)
		down := h.fault(sim.Fault{Face: "kaspi", Kind: sim.FaultRefuse})
		time.Sleep(20 * time.Minute) // all windows close while nobody can be asked
		p = h.get(p)
		if a := p.Attempts[0]; len(p.Attempts) != 1 || a.Closed != nil || a.Switch == "" || p.Status().Final() {
			t.Fatalf("decided without having looked\n%s", h.story(p))
		}
		if advice := p.Resolution(time.Now(), h.router.TermsFor("shop")).Advice; advice != payment.AdviceWait {
			t.Errorf("advice %q", advice)
		}
		h.bank.RemoveFault(down)
		time.Sleep(5 * time.Minute)
		if p = h.get(p); len(p.Attempts) != 2 || p.Attempts[0].Closed == nil {
			t.Fatalf("not moved once a look was possible\n%s", h.story(p))
		}
	})
}

func TestOldAndNewBinaryShareOneDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		other, _, otherBoard := h.replica()
		ctx, stop := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { other.Run(ctx) })
		running.Go(func() { otherBoard.Run(ctx) })
		defer running.Wait()
		defer stop()
		h.fault(sim.Fault{Face: "halyk", Op: sim.OpCharge, Kind: sim.FaultActHang, After: 3, Times: 3})
		h.repeatOn(20, h.router, other, h.router)
	})
}

func TestWhileKaspiRefusesConnectionsEveryPaymentSucceedsAtABackup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.fault(sim.Fault{Face: "kaspi", Kind: sim.FaultRefuse})
		for i := range 100 {
			p := h.create(ask(providers.QR, providers.Page), patience)
			last, _ := p.Last()
			if p.Status() != payment.StatusAwaitingPayer || last.Gateway == kaspiMain {
				t.Fatalf("payment %d is %s\n%s", i, p.Status(), h.story(p))
			}
			h.payer(last.Gateway, last.Reference, sim.ActPay)
			time.Sleep(time.Second)
			if i%10 == 0 {
				time.Sleep(10 * time.Second)
				h.want(p, payment.StatusPaid, p.Amount.Minor)
			}
		}
	})
}

func TestWhileAGatewayHangsAfterChargingNobodyElseIsAsked(t *testing.T) {
	for _, flow := range sent() {
		t.Run(flow.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := build(t, first(flow.gateway), callPeopleSoon, func(s *setup) { s.atOnce, s.accounts.TipTopPay.MaxConcurrent = 200, 200 })
				h.fault(sim.Fault{Face: faceOf(flow.gateway), Op: flow.op, Kind: sim.FaultActHang})
				// The order keeps the gateway in use: this is about payments, not about breakers.
				_, err := h.router.CreateOverride(t.Context(), journal.Override{ID: uuid.NewString(), Gateway: flow.gateway, Mode: string(health.Admit),
					Actor: "operator:aida", Reason: "test", End: time.Now().Add(24 * time.Hour)})
				h.must(err)
				var group sync.WaitGroup
				all := make([]payment.Payment, 100)
				if flow.gateway == accounts.Gateway("quickpay") {
					all = all[:60] // each keeps a connection for its three requests: what found none is not sent, and may move
				}
				for i := range all {
					group.Go(func() {
						time.Sleep(time.Duration(i) * 50 * time.Millisecond)
						all[i] = h.create(flow.wish(), patience)
					})
				}
				group.Wait()
				for _, name := range h.settings.gateways {
					if gateway := accounts.Gateway(name); gateway != flow.gateway && h.arrivals(gateway) != 0 {
						n := h.arrivals(gateway)
						t.Fatalf("%d requests reached %s", n, gateway)
					}
				}
				time.Sleep(2 * time.Hour)
				for _, p := range all {
					h.truth(p, flow.gateway, true)
				}
			})
		})
	}
}

func digits(txn string) string { return "74001234567" + txn[1:] }

// tokens cuts a JSON object into its members, for looking at one of them.
func tokens(body string) []string {
	var all []string
	start := 0
	for i, c := range body {
		if c == ',' || c == '{' || c == '}' {
			all = append(all, body[start:i])
			start = i + 1
		}
	}
	return all
}

func TestWhileAGatewayComesBackItTakesAllPaymentsThatNoOtherCanServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		h.drain(kaspiMain, false)
		time.Sleep(time.Hour + time.Second) // the drain is over, and 5 % of payments may
		shared := 0
		for range 20 {
			if p := h.create(ask(providers.QR, providers.Page), patience); p.Attempts[0].Gateway == kaspiMain {
				shared++
			}
			alone := at(ask(providers.QR), kaspiMain)
			if p := h.create(alone, patience); p.Attempts[0].Gateway != kaspiMain || p.Status() != payment.StatusAwaitingPayer {
				t.Fatalf("payment is %s\n%s", p.Status(), h.story(p))
			}
		}
		if shared > 8 {
			t.Errorf("%d of 20 payments that a backup could serve went to a gateway at 5 %%", shared)
		}
	})
}

func TestAnotherCustomersCardIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t)
		wish := byCard(halykMain)
		wish.Customer = "somebody-else"
		if _, err := h.router.Create(t.Context(), wish); !errors.Is(err, router.ErrUnknownInstrument) {
			t.Fatalf("error %v", err)
		}
	})
}
