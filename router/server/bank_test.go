package server

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// bank is a gateway that behaves: it keeps a ledger of what it was asked for, and its
// look-ups tell the same story. A test may script what the next charges answer.
type bank struct {
	claims providers.Claims

	mu      sync.Mutex
	orders  map[string]*order // by reference
	sent    []providers.Charge
	script  []func(providers.Charge) providers.Result // answers of the next charges
	takes   time.Duration                             // how long a charge runs
	forgot  []string
	refunds map[string]providers.Money
	refund  providers.Result // what a refund answers; the zero Result: done
	books   []providers.StatementLine
}

type order struct {
	charge            providers.Charge
	verdict           providers.Verdict
	reason            providers.Reason
	captured, returns int64
}

func newBank(name string, change func(*providers.Claims)) *bank {
	c := providers.Claims{
		Provider: name, Currencies: []string{"KZT", "USD"}, Reference: providers.ReferenceRule{Length: 20},
		Methods: []providers.MethodClaims{
			{Method: providers.QR, Flow: providers.Offer, OfferLife: 3 * time.Minute, Withdraw: providers.Binding},
			{Method: providers.Page, Flow: providers.Offer, OfferLife: 10 * time.Minute, Withdraw: providers.Binding, TwoStage: true, Save: true},
			{Method: providers.Push, Flow: providers.Pushed, OfferLife: time.Hour, Withdraw: providers.Binding},
			{Method: providers.Account, Flow: providers.AskFirst, Withdraw: providers.Veto},
			{Method: providers.Instrument, Flow: providers.Direct, TwoStage: true},
		},
		Capture: providers.CaptureClaims{Partial: true}, Refund: providers.RefundClaims{API: true, Partial: true},
		Webhook: providers.Signed, Timeouts: providers.Timeouts{Charge: 10 * time.Second, Create: 10 * time.Second, Status: 5 * time.Second, Refund: 10 * time.Second},
	}
	if change != nil {
		change(&c)
	}
	return &bank{claims: c, orders: map[string]*order{}, refunds: map[string]providers.Money{}}
}

func (b *bank) Claims() providers.Claims { return b.claims }

// Report tells the bank's books.
func (b *bank) Report(_ context.Context, w providers.Window, line func(providers.StatementLine) error) error {
	for _, l := range b.books {
		if !l.At.Before(w.From) && l.At.Before(w.To) {
			if err := line(l); err != nil {
				return err
			}
		}
	}
	return nil
}

// Charge does what it was scripted to, or what a healthy gateway does.
func (b *bank) Charge(ctx context.Context, c providers.Charge) providers.Result {
	if b.takes > 0 {
		select {
		case <-time.After(b.takes):
		case <-ctx.Done():
			return providers.Doubt(providers.Timeout, "", ctx.Err())
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = append(b.sent, c)
	var result providers.Result
	if len(b.script) > 0 {
		next := b.script[0]
		b.script = b.script[1:]
		result = next(c)
	} else {
		result = b.healthy(c)
	}
	b.orders[c.Ref.Order] = &order{charge: c, verdict: result.Verdict, reason: result.Reason}
	if result.Verdict == providers.Approved {
		b.orders[c.Ref.Order].captured = c.Ref.Amount.Minor
	}
	return result
}

func (b *bank) healthy(c providers.Charge) providers.Result {
	until := time.Now().Add(b.claims.Method(c.Ref.Method).OfferLife)
	pending := func(a providers.Action) providers.Result {
		a.Expires = until
		return providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer, External: "x-" + c.Ref.Order, Action: &a, Until: until}
	}
	switch c.Ref.Method {
	case providers.QR:
		return pending(providers.Action{Kind: providers.ShowQR, Text: "qr:" + c.Ref.Order})
	case providers.Page:
		return pending(providers.Action{Kind: providers.Redirect, URL: "https://" + b.claims.Provider + ".example/" + c.Ref.Order})
	case providers.Push:
		return pending(providers.Action{Kind: providers.ConfirmPush, Service: "Bank App"})
	case providers.Account:
		return providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer, Action: &providers.Action{Kind: providers.TypeAccount, Service: "Shop", Number: "4242"}}
	}
	if c.Ref.TwoStage {
		return providers.Result{Verdict: providers.Held, External: "x-" + c.Ref.Order, Amount: c.Ref.Amount}
	}
	return providers.Result{Verdict: providers.Approved, External: "x-" + c.Ref.Order, Amount: c.Ref.Amount}
}

// Lookup tells what the ledger says.
func (b *bank) Lookup(_ context.Context, ref providers.Ref) providers.Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	o, ok := b.orders[ref.Order]
	if !ok {
		return providers.Result{Absent: true}
	}
	r := providers.Result{Verdict: o.verdict, Reason: o.reason, External: "x-" + ref.Order}
	if o.verdict.HasMoney() {
		r.Amount = providers.Money{Minor: max(o.captured, 0), Currency: ref.Amount.Currency}
		if o.verdict == providers.Held {
			r.Amount = ref.Amount
		}
		r.Returned = providers.Money{Minor: o.returns, Currency: ref.Amount.Currency}
	}
	return r
}

// Capture takes held money.
func (b *bank) Capture(_ context.Context, ref providers.Ref, amount providers.Money) providers.Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.orders[ref.Order]
	o.verdict, o.captured = providers.Approved, amount.Minor
	return providers.Result{Verdict: providers.Approved, Amount: amount}
}

// Cancel releases or withdraws.
func (b *bank) Cancel(_ context.Context, ref providers.Ref) providers.Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.orders[ref.Order]
	if o.verdict == providers.Approved {
		return providers.Result{Verdict: providers.Declined, Reason: providers.Refused}
	}
	o.verdict, o.reason = providers.Declined, providers.Released
	return providers.Result{Verdict: providers.Approved}
}

// Refund gives back, or answers as scripted.
func (b *bank) Refund(_ context.Context, r providers.Refund) providers.Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refund.Verdict != providers.Unknown {
		return b.refund
	}
	b.refunds[r.ID] = r.Amount
	b.orders[r.Ref.Order].returns += r.Amount.Minor
	return providers.Result{Verdict: providers.Approved, External: "rx-" + r.ID}
}

// LookupRefund tells what the ledger says.
func (b *bank) LookupRefund(_ context.Context, r providers.Refund) providers.Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.refunds[r.ID]; ok {
		return providers.Result{Verdict: providers.Approved, External: "rx-" + r.ID}
	}
	if b.refund.Verdict != providers.Unknown {
		return b.refund
	}
	return providers.Result{Absent: true}
}

// Forget makes a token unusable.
func (b *bank) Forget(_ context.Context, token providers.Token) providers.Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forgot = append(b.forgot, token.Value.Reveal())
	return providers.Result{Verdict: providers.Approved}
}

// Hear understands "paid REFERENCE".
func (b *bank) Hear(n providers.Notice) providers.Heard {
	reference, ok := strings.CutPrefix(string(n.Body), "paid ")
	if !ok {
		return providers.Heard{Kind: providers.Noise, Forged: true}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	o, ok := b.orders[reference]
	if !ok {
		return providers.Heard{Kind: providers.Fact, Ref: providers.Ref{Order: reference}, Result: providers.Result{Verdict: providers.Approved}}
	}
	o.verdict, o.reason, o.captured = providers.Approved, providers.NoReason, o.charge.Ref.Amount.Minor
	result := providers.Result{Verdict: providers.Approved, Amount: o.charge.Ref.Amount}
	if o.charge.Save {
		result.Instrument = &providers.Token{Value: providers.NewSecret("token-" + reference), Mask: "4405 **** 5096", Brand: "VISA"}
	}
	return providers.Heard{Kind: providers.Fact, Ref: providers.Ref{Order: reference}, Result: result}
}

// Answer acknowledges as an HTTP status and names the ruling.
func (b *bank) Answer(h providers.Heard, r providers.Ruling) providers.Reply {
	status := map[providers.RulingKind]int{providers.Accepted: 200, providers.Unmatched: 200, providers.Rejected: 403, providers.TryLater: 503}[r.Kind]
	return providers.Reply{Status: status, ContentType: "text/plain", Body: fmt.Appendf(nil, "ruling %d", r.Kind)}
}

func (b *bank) answer(next ...func(providers.Charge) providers.Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.script = append(b.script, next...)
}

func always(r providers.Result) func(providers.Charge) providers.Result {
	return func(providers.Charge) providers.Result { return r }
}

func (b *bank) charges() []providers.Charge {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.sent)
}

// returns is how many refunds were made.
func (b *bank) returns() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.refunds)
}

// silent is a gateway that sends no notices and gives nothing back by API.
type silent struct{ bank *bank }

func (s silent) Claims() providers.Claims { return s.bank.Claims() }
func (s silent) Charge(ctx context.Context, c providers.Charge) providers.Result {
	return s.bank.Charge(ctx, c)
}
func (s silent) Lookup(ctx context.Context, ref providers.Ref) providers.Result {
	return s.bank.Lookup(ctx, ref)
}
