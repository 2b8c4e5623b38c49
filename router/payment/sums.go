package payment

import "github.com/payrouter/payrouter/providers"

// Sums are a payment's money in minor units of its currency.
type Sums struct {
	Held     int64 // authorised and not captured, on the attempt we keep
	Paid     int64 // captured on the attempt we keep
	Refunded int64 // of Paid, given back on the caller's wish
	Surplus  int64 // held for us beyond what the payment owes: being given back
}

// Sums computes the payment's money.
func (p Payment) Sums() Sums {
	var s Sums
	for _, a := range p.Attempts {
		s.Surplus += p.Surplus(a)
	}
	kept, ok := p.Kept()
	if !ok {
		return s
	}
	if kept.Verdict == providers.Held {
		s.Held = kept.Held
	} else {
		s.Paid, s.Refunded = kept.Captured, kept.Captured-kept.net(&p)
	}
	return s
}

// Surplus is what an attempt holds for us beyond what the payment owes, in minor units.
func (p Payment) Surplus(a Attempt) int64 {
	if kept, ok := p.Kept(); ok && a.N == kept.N {
		return 0
	}
	return max(a.net(&p), 0)
}

// owes reports whether the payer owes the amount: not after a cancel wish, and
// not after the caller was told that nothing was taken.
func (p *Payment) owes() bool { return p.Cancel == nil && p.Finished == nil }

// elect chooses the attempt whose money is the payment's: the one that showed money
// first and is not being given back. The choice stands as long as both are true, so
// that a refund asked for is never forgotten beside other money.
func (p *Payment) elect() {
	if p.Keeps > 0 && p.keepable(&p.Attempts[p.Keeps-1]) {
		return
	}
	p.Keeps = 0
	for i := range p.Attempts {
		if a := &p.Attempts[i]; p.keepable(a) && (p.Keeps == 0 || a.MoneySeq < p.Attempts[p.Keeps-1].MoneySeq) {
			p.Keeps = a.N
		}
	}
}

func (p *Payment) keepable(a *Attempt) bool { return a.Verdict.HasMoney() && !p.surrendered(a.N) }

// Kept is the attempt whose money is the payment's. It reports false when there is
// none, or when nothing is owed.
func (p Payment) Kept() (Attempt, bool) {
	if p.Keeps == 0 {
		return Attempt{}, false
	}
	return p.Attempts[p.Keeps-1], p.owes()
}

// CanCapture refuses a capture that the state does not allow.
func (p Payment) CanCapture(amount providers.Money) error {
	kept, ok := p.Kept()
	switch {
	case p.Capture != nil:
		return refuse("a capture of %s was asked for already", p.Capture.Amount)
	case !ok || kept.Verdict != providers.Held:
		return refuse("nothing is held")
	case amount.Currency != p.Amount.Currency || amount.Minor <= 0 || amount.Minor > kept.Held:
		return refuse("capture of %s, held %s", amount, providers.Money{Minor: kept.Held, Currency: p.Amount.Currency})
	}
	return nil
}

// CanCancel refuses to cancel what is paid or over.
func (p Payment) CanCancel() error {
	if p.Cancel != nil || p.Finished != nil {
		return refuse("over already")
	}
	kept, ok := p.Kept()
	if ok && kept.Verdict == providers.Approved {
		return refuse("paid already: use a refund")
	}
	if capture, made := p.lastOperation(kept.N, OpCapture); p.Capture != nil && (!made || !capture.Settled() || capture.Verdict == providers.Approved) {
		return refuse("being captured: use a refund")
	}
	return nil
}

// Refundable is what may still be refunded: captured less what went back and less
// all refunds that are pending or unknown (I4).
func (p Payment) Refundable() int64 {
	kept, ok := p.Kept()
	if !ok || kept.Verdict != providers.Approved {
		return 0
	}
	left := kept.net(&p)
	for _, r := range p.Refunds {
		if r.State == RefundPending {
			left -= r.Amount.Minor
		}
	}
	return max(left, 0)
}

// CanRefund refuses a refund beyond what is left.
func (p Payment) CanRefund(amount providers.Money) error {
	left := p.Refundable()
	if amount.Currency != p.Amount.Currency || amount.Minor <= 0 || amount.Minor > left {
		return refuse("refund of %s, left %s", amount, providers.Money{Minor: left, Currency: p.Amount.Currency})
	}
	return nil
}
