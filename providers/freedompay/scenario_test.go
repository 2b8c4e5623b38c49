package freedompay_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/freedompay"
	"github.com/payrouter/payrouter/providers/sim"
)

// shop is one account in front of the simulated Freedom Pay, in one bubble. Notices are
// heard, ruled on by rule, and answered.
type shop struct {
	t       *testing.T
	bank    *sim.Bank
	gateway *freedompay.Gateway

	mu    sync.Mutex
	rule  func(providers.Heard) providers.Ruling
	heard map[string][]providers.Heard // by the last segment of the address
}

const home = "http://merchant.example/webhooks/freedompay-main"

// RoundTrip brings one notice.
func (s *shop) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	path := strings.TrimPrefix(r.URL.Path, "/webhooks/freedompay-main/")
	heard := s.gateway.Hear(providers.Notice{Method: r.Method, Path: path, Query: r.URL.RawQuery, Header: r.Header, Body: body})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard[path] = append(s.heard[path], heard)
	reply := s.gateway.Answer(heard, s.rule(heard))
	return &http.Response{StatusCode: reply.Status, Header: http.Header{"Content-Type": {reply.ContentType}}, Body: io.NopCloser(bytes.NewReader(reply.Body)), Request: r}, nil
}

// payable rules as the router does about a payment that is owed.
func (s *shop) payable(amount providers.Money) func(providers.Heard) providers.Ruling {
	return func(h providers.Heard) providers.Ruling {
		r := providers.Ruling{Kind: providers.Accepted, Amount: amount}
		if h.Kind == providers.Question {
			r.Kind = providers.Payable
		}
		return r
	}
}

func (s *shop) notices(path string) []providers.Heard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]providers.Heard{}, s.heard[path]...)
}

var price = providers.Money{Minor: 14500_37, Currency: "KZT"}

// atShop runs a story.
func atShop(t *testing.T, options sim.FreedomPayOptions, change func(*freedompay.Config), story func(s *shop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		options.Tokens = []sim.FreedomPayToken{{Token: goodCard, UserID: customer}, {Token: softCard, UserID: customer, Declines: "10009"}}
		s := &shop{t: t, heard: map[string][]providers.Heard{}}
		s.rule = s.payable(price)
		s.bank = sim.New(sim.Options{Seed: 1, Client: &http.Client{Transport: s}}, sim.FreedomPay(options))
		config := freedompay.Config{BaseURL: "http://127.0.0.1:1", MerchantID: sim.FreedomPayDefaultMerchant,
			Secret: providers.NewSecret(sim.FreedomPayDefaultSecret), Cards: true}
		if change != nil {
			change(&config)
		}
		var err error
		s.gateway, err = freedompay.New(config, freedompay.Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return s.bank.Dial(ctx, freedompay.Name)
		}})
		if err != nil {
			t.Fatal(err)
		}
		story(s)
		s.gateway.Close()
		s.bank.Close()
	})
}

// wish is a charge of the price under a number of its own.
func wish(method providers.Method, hold bool) providers.Charge {
	c := providers.Charge{Ref: providers.Ref{Order: "q3ncb5xeusdk7a2mzt4w", Method: method, Amount: price, Planned: time.Now(), TwoStage: hold},
		Description: "Order 4711", NotifyURL: home}
	if method == providers.Instrument {
		c.Instrument, c.CustomerID = providers.Token{Value: providers.NewSecret(goodCard)}, customer
	}
	return c
}

// begin charges, and keeps the id as the router does.
func (s *shop) begin(c providers.Charge) (providers.Ref, providers.Result) {
	r := s.gateway.Charge(context.Background(), c)
	ref := c.Ref
	ref.External = r.External
	return ref, r
}

func (s *shop) act(ref providers.Ref, what string) {
	s.t.Helper()
	if err := s.bank.Act(freedompay.Name, s.object(ref).ID, what); err != nil {
		s.t.Fatalf("the payer cannot %s: %v", what, err)
	}
}

func (s *shop) object(ref providers.Ref) sim.Object {
	s.t.Helper()
	for _, o := range s.bank.Ledger().Objects {
		if o.Reference == ref.Order {
			return o
		}
	}
	s.t.Fatal("the bank has nothing")
	return sim.Object{}
}

func (s *shop) net(ref providers.Ref) int64 { return s.bank.Ledger().Net(freedompay.Name, ref.Order) }

// sees fails unless a look-up says so.
func (s *shop) sees(ref providers.Ref, want providers.Verdict, reason providers.Reason) providers.Result {
	s.t.Helper()
	return s.says(s.gateway.Lookup(context.Background(), ref), want, reason)
}

func (s *shop) says(got providers.Result, want providers.Verdict, reason providers.Reason) providers.Result {
	s.t.Helper()
	if got.Verdict != want || got.Reason != reason {
		s.t.Errorf("got %s %q (code %q, error %v), want %s %q", got.Verdict, got.Reason, got.Code, got.Err, want, reason)
	}
	return got
}

// EX-1001: the direct call does its work and answers "wrong payment status".
func TestAnErrorOfACardThatWasChargedIsNoDecline(t *testing.T) {
	for _, hold := range []bool{false, true} {
		atShop(t, sim.FreedomPayOptions{Switches: sim.FreedomPaySwitches{WrongStatus: true}}, nil, func(s *shop) {
			ref, r := s.begin(wish(providers.Instrument, hold))
			want := providers.Approved
			if hold {
				want = providers.Held
			}
			s.says(r, want, providers.NoReason)
			s.sees(ref, want, providers.NoReason)
			time.Sleep(5 * time.Minute)
			if all := s.notices("result"); len(all) != 1 || all[0].Result.Verdict != want {
				s.t.Errorf("the late notice says %+v", all)
			}
		})
	}
}

// What nobody cancels in five days is captured by Freedom Pay itself.
func TestAHoldTakesTheMoneyByItself(t *testing.T) {
	atShop(t, sim.FreedomPayOptions{}, nil, func(s *shop) {
		ref, r := s.begin(wish(providers.Instrument, true))
		s.says(r, providers.Held, providers.NoReason)
		time.Sleep(4 * 24 * time.Hour)
		s.sees(ref, providers.Held, providers.NoReason)
		time.Sleep(25 * time.Hour)
		if r := s.sees(ref, providers.Approved, providers.NoReason); r.Amount != price || s.net(ref) != price.Minor {
			s.t.Errorf("a look says %s, the bank took %d", r.Amount, s.net(ref))
		}
		if all := s.notices("capture"); len(all) != 1 || all[0].Kind != providers.Hint || all[0].Ref.Order != ref.Order {
			s.t.Errorf("notices of captures: %+v", all)
		}
		s.says(s.gateway.Cancel(context.Background(), ref), providers.Declined, providers.Refused)
		s.says(s.gateway.Capture(context.Background(), ref, price), providers.Approved, providers.NoReason)
		if s.net(ref) != price.Minor {
			s.t.Errorf("the bank took %d", s.net(ref))
		}
	})
}

// For two seconds the status says what it said before. The router then repeats a capture
// whose answer was lost, which takes nothing twice, and waits before it repeats a refund.
func TestAStatusThatLagsCostsNothingTwice(t *testing.T) {
	atShop(t, sim.FreedomPayOptions{}, nil, func(s *shop) {
		ref, _ := s.begin(wish(providers.Instrument, true))
		half := providers.Money{Minor: price.Minor / 2, Currency: "KZT"}
		s.says(s.gateway.Capture(context.Background(), ref, half), providers.Approved, providers.NoReason)
		s.sees(ref, providers.Held, providers.NoReason)
		s.says(s.gateway.Capture(context.Background(), ref, half), providers.Unknown, providers.Ambiguous) // "already", and not seen yet
		time.Sleep(3 * time.Second)
		s.says(s.gateway.Capture(context.Background(), ref, half), providers.Approved, providers.NoReason)
		if r := s.sees(ref, providers.Approved, providers.NoReason); r.Amount != half || s.net(ref) != half.Minor {
			s.t.Errorf("a look says %s, the bank took %d", r.Amount, s.net(ref))
		}
		refund := providers.Refund{Ref: ref, ID: "r1", Amount: half, Before: providers.Money{Currency: "KZT"}}
		s.says(s.gateway.Refund(context.Background(), refund), providers.Approved, providers.NoReason)
		if r := s.gateway.LookupRefund(context.Background(), refund); !r.Absent && r.Verdict != providers.Pending {
			s.t.Errorf("within the lag it is %s %q", r.Verdict, r.Reason)
		}
		time.Sleep(s.gateway.Claims().Refund.SettleWait)
		s.says(s.gateway.LookupRefund(context.Background(), refund), providers.Approved, providers.NoReason)
	})
}

func TestARefundThatTakesTimeIsSeenOnItsWay(t *testing.T) {
	for _, call := range []string{"revoke", "g2g"} {
		atShop(t, sim.FreedomPayOptions{Switches: sim.FreedomPaySwitches{RefundsTake: sim.Duration(time.Hour), StatusLag: now}},
			func(c *freedompay.Config) { c.RefundCall = call }, func(s *shop) {
				ref, _ := s.begin(wish(providers.Instrument, false))
				refund := providers.Refund{Ref: ref, ID: "r1", Amount: price, Before: providers.Money{Currency: "KZT"}}
				if r := s.gateway.Refund(context.Background(), refund); r.Verdict != providers.Pending && r.Verdict != providers.Approved {
					s.t.Errorf("%s: it is %s %q", call, r.Verdict, r.Reason)
				}
				s.says(s.gateway.LookupRefund(context.Background(), refund), providers.Pending, providers.Processing)
				time.Sleep(2 * time.Hour)
				s.says(s.gateway.LookupRefund(context.Background(), refund), providers.Approved, providers.NoReason)
			})
	}
}

func TestANewPaymentThatIsHiddenIsNeverProvedAbsent(t *testing.T) {
	for _, zero := range []bool{false, true} {
		atShop(t, sim.FreedomPayOptions{Switches: sim.FreedomPaySwitches{HiddenFor: sim.Duration(time.Minute), ZeroID: zero}}, nil, func(s *shop) {
			ref, r := s.begin(wish(providers.Page, false))
			s.says(r, providers.Pending, providers.AwaitingPayer)
			for range 5 {
				if r := s.gateway.Lookup(context.Background(), ref); r.Absent || r.Verdict != providers.Unknown {
					s.t.Errorf("hidden, it is %s %q", r.Verdict, r.Reason)
				}
				time.Sleep(10 * time.Second)
			}
			time.Sleep(30 * time.Second)
			s.sees(ref, providers.Pending, providers.AwaitingPayer)
			if s.gateway.Claims().Method(providers.Page).Absent.Counts {
				s.t.Error("an absence of a page counts")
			}
		})
	}
}

func TestAPayerWhoMayTryAgainIsWaitedFor(t *testing.T) {
	atShop(t, sim.FreedomPayOptions{Switches: sim.FreedomPaySwitches{RetryAfterDecline: true}}, nil, func(s *shop) {
		ref, _ := s.begin(wish(providers.Page, false))
		s.act(ref, sim.ActDecline)
		s.sees(ref, providers.Pending, providers.AwaitingPayer)
		s.act(ref, sim.ActPay)
		s.sees(ref, providers.Approved, providers.NoReason)
	})
}

func TestAWordThatNobodyKnowsSettlesNothing(t *testing.T) {
	atShop(t, sim.FreedomPayOptions{Switches: sim.FreedomPaySwitches{StatusWord: "quantum"}}, nil, func(s *shop) {
		ref, r := s.begin(wish(providers.Instrument, false))
		s.says(r, providers.Unknown, providers.UnknownCode)
		s.sees(ref, providers.Unknown, providers.UnknownCode)
	})
}

func TestADirectChargeThatPendsIsWaitedFor(t *testing.T) {
	atShop(t, sim.FreedomPayOptions{Switches: sim.FreedomPaySwitches{DirectPends: sim.Duration(time.Minute)}}, nil, func(s *shop) {
		ref, r := s.begin(wish(providers.Instrument, false))
		s.says(r, providers.Pending, providers.Processing)
		time.Sleep(2 * time.Minute)
		s.sees(ref, providers.Approved, providers.NoReason)
	})
}

// The check is our veto: what has moved on to another gateway is not paid here, too.
func TestACheckLetsUsRefuse(t *testing.T) {
	for kind, paid := range map[providers.RulingKind]bool{providers.Payable: true, providers.Gone: false, providers.AlreadyPaid: false, providers.Busy: false, providers.TryLater: false} {
		atShop(t, sim.FreedomPayOptions{}, func(c *freedompay.Config) { c.Check = true }, func(s *shop) {
			s.rule = func(h providers.Heard) providers.Ruling {
				if h.Kind == providers.Question {
					return providers.Ruling{Kind: kind, Amount: price}
				}
				return providers.Ruling{Kind: providers.Accepted}
			}
			ref, _ := s.begin(wish(providers.Page, false))
			_ = s.bank.Act(freedompay.Name, s.object(ref).ID, sim.ActPay) // refused by the bank where we refuse
			time.Sleep(time.Minute)
			if all := s.notices("check"); len(all) == 0 || all[0].Kind != providers.Question || all[0].Ref.Order != ref.Order {
				s.t.Errorf("ruling %d: asked %+v", kind, all)
			}
			if took := s.net(ref) != 0; took != paid {
				s.t.Errorf("ruling %d: the bank took %d", kind, s.net(ref))
			}
		})
	}
}

// A first delivery can be refused: the bank gives the money back.
func TestARefusedResultGivesTheMoneyBack(t *testing.T) {
	for _, rejectable := range []bool{true, false} {
		atShop(t, sim.FreedomPayOptions{Switches: sim.FreedomPaySwitches{NeverRejectable: !rejectable}}, nil, func(s *shop) {
			s.rule = func(providers.Heard) providers.Ruling { return providers.Ruling{Kind: providers.AlreadyPaid} }
			ref, _ := s.begin(wish(providers.Page, false))
			s.act(ref, sim.ActPay)
			time.Sleep(time.Minute)
			if returned := s.net(ref) == 0; returned != rejectable {
				s.t.Errorf("rejectable %t: the bank has %d", rejectable, s.net(ref))
			}
		})
	}
}

// A shop with test status makes every payment a test, whatever we ask for.
func TestTestMoneyIsNoMoney(t *testing.T) {
	atShop(t, sim.FreedomPayOptions{TestMode: true}, nil, func(s *shop) {
		ref, _ := s.begin(wish(providers.Page, false))
		s.act(ref, sim.ActPay)
		time.Sleep(time.Minute)
		all := s.notices("result")
		if len(all) != 1 || all[0].Kind != providers.Fact {
			s.t.Fatalf("heard %+v", all)
		}
		s.says(all[0].Result, providers.Unknown, providers.Mismatch)
	})
	atShop(t, sim.FreedomPayOptions{TestMode: true}, func(c *freedompay.Config) { c.TestMode = true }, func(s *shop) {
		ref, _ := s.begin(wish(providers.Page, false))
		s.act(ref, sim.ActPay)
		time.Sleep(time.Minute)
		if all := s.notices("result"); len(all) != 1 || all[0].Result.Verdict != providers.Approved {
			s.t.Errorf("heard %+v", all)
		}
	})
}

// The genuine notices of a payment by page, hold and part of it, are what they should be.
func TestNoticesOfAPaymentFromBeginToEnd(t *testing.T) {
	atShop(t, sim.FreedomPayOptions{}, nil, func(s *shop) {
		ref, _ := s.begin(wish(providers.Page, true))
		s.act(ref, sim.ActPay)
		time.Sleep(time.Minute)
		half := providers.Money{Minor: price.Minor / 2, Currency: "KZT"}
		s.says(s.gateway.Capture(context.Background(), ref, half), providers.Approved, providers.NoReason)
		time.Sleep(time.Minute)
		s.says(s.gateway.Refund(context.Background(), providers.Refund{Ref: ref, ID: "r1", Amount: half}), providers.Approved, providers.NoReason)
		time.Sleep(time.Minute)
		if all := s.notices("result"); len(all) != 1 || all[0].Kind != providers.Fact || all[0].Result.Verdict != providers.Held || all[0].Result.Amount != price {
			s.t.Errorf("result: %+v", all)
		}
		for _, path := range []string{"capture", "refund"} {
			if all := s.notices(path); len(all) != 1 || all[0].Kind != providers.Hint || all[0].Ref.External != ref.External {
				s.t.Errorf("%s: %+v", path, all)
			}
		}
		for _, d := range s.bank.Deliveries() {
			if d.State != "accepted" || d.Tries != 1 {
				s.t.Errorf("the bank made %q of our answer %q", d.State, d.Answer)
			}
		}
	})
}

// Freedom Pay counts a page's life from when it hears of the page. While the request is on its
// way the payment comes nearer to its end, and the page's end does not.
func TestAPageEndsWithItsPaymentHoweverLongTheRequestWasOnItsWay(t *testing.T) {
	for pause, want := range map[time.Duration]providers.Verdict{0: providers.Pending, 4 * time.Second: providers.Pending, 12 * time.Second: providers.Unknown} {
		atShop(t, sim.FreedomPayOptions{}, nil, func(s *shop) {
			g, err := freedompay.New(freedompay.Config{BaseURL: "http://127.0.0.1:1", MerchantID: sim.FreedomPayDefaultMerchant,
				Secret: providers.NewSecret(sim.FreedomPayDefaultSecret)}, freedompay.Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				time.Sleep(pause)
				return s.bank.Dial(ctx, freedompay.Name)
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			c := wish(providers.Link, false)
			c.Expires = time.Now().Add(10 * time.Minute)
			got := g.Charge(context.Background(), c)
			if got.Verdict != want {
				t.Errorf("after %s it is %+v", pause, got)
			}
			if end := s.object(c.Ref).LiveUntil; got.Verdict == providers.Pending && (end.After(c.Expires) || got.Until.After(c.Expires) || end.After(got.Until)) {
				t.Errorf("after %s it can be paid until %s, is said to end at %s, and the payment ends at %s", pause, end, got.Until, c.Expires)
			}
		})
	}
}
