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
	kept, ok := p.Kept()
	for _, a := range p.Attempts {
		if !ok || a.N != kept.N {
			s.Surplus += a.net(p)
		}
	}
	if !ok {
		return s
	}
	if kept.Verdict == providers.Held {
		s.Held = kept.Held
	} else {
		s.Paid, s.Refunded = kept.Captured, kept.Captured-kept.net(p)
	}
	return s
}

// owes reports whether the payer owes the amount: not after a cancel wish, and
// not after the caller was told that nothing was taken.
func (p Payment) owes() bool { return p.Cancel == nil && p.Finished == nil }

// Kept is the attempt whose money is the payment's: the one that showed money
// first. It reports false when there is none, or when nothing is owed.
func (p Payment) Kept() (Attempt, bool) {
	var kept Attempt
	for _, a := range p.Attempts {
		if a.Verdict.HasMoney() && (kept.N == 0 || a.MoneySeq < kept.MoneySeq) {
			kept = a
		}
	}
	return kept, kept.N > 0 && p.owes()
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
	if kept, ok := p.Kept(); ok && kept.Verdict == providers.Approved {
		return refuse("paid already: use a refund")
	}
	if p.Capture != nil {
		return refuse("being captured: use a refund")
	}
	return nil
}

// Refundable is what may still be refunded: captured less all refunds that are
// done, pending or unknown (I4).
func (p Payment) Refundable() int64 {
	kept, ok := p.Kept()
	if !ok || kept.Verdict != providers.Approved {
		return 0
	}
	asked := int64(0)
	for _, r := range p.Refunds {
		if r.State != RefundFailed {
			asked += r.Amount.Minor
		}
	}
	return kept.Captured - max(asked, kept.Returned)
}

// CanRefund refuses a refund beyond what is left.
func (p Payment) CanRefund(amount providers.Money) error {
	left := p.Refundable()
	if amount.Currency != p.Amount.Currency || amount.Minor <= 0 || amount.Minor > left {
		return refuse("refund of %s, left %s", amount, providers.Money{Minor: left, Currency: p.Amount.Currency})
	}
	return nil
}
