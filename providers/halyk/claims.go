package halyk

import (
	"time"

	"github.com/payrouter/payrouter/providers"
)

// visible is how long "no such number" (102) is not believed: the bank's own
// status may lag behind its card system. Two minutes is our reading; nothing is
// published.
const visible = 2 * time.Minute

// claims are ePay's promises, for the way the terminal is configured.
func claims(c Config) providers.Claims {
	offer := func(m providers.Method, life time.Duration) providers.MethodClaims {
		return providers.MethodClaims{
			Method: m, Flow: providers.Offer, OfferLife: life, Margin: visible,
			// No call is known that ends a token, a link or a QR early.
			Withdraw: providers.NoWithdrawal,
			// Only we hand it out: the bank is given no address of the payer.
			NeverShown: true,
			// 102 means that nobody has tried yet, not that nobody can.
			Absent:   providers.AbsentRule{},
			TwoStage: c.TwoStage,
		}
	}
	page := offer(providers.Page, c.PageTokenLife)
	page.Save = true
	methods := []providers.MethodClaims{page}
	if c.ShopID != "" {
		methods = append(methods, offer(providers.Link, c.LinkLife))
	}
	if c.QR {
		qr := offer(providers.QR, qrLife)
		qr.TwoStage = false // a held QR is in one SDK, in no document
		methods = append(methods, qr)
	}
	methods = append(methods, providers.MethodClaims{
		Method: providers.Instrument, Flow: providers.Direct, TwoStage: c.TwoStage,
		// 102 for two minutes without 107 or NEW in between, the first one no sooner
		// than two minutes after the last possible send.
		Absent: providers.AbsentRule{Counts: true, After: visible, Times: 3, Apart: visible},
	})
	return providers.Claims{
		Provider:   "halyk",
		Currencies: []string{currency},
		Reference: providers.ReferenceRule{
			Kind: providers.Counted, Prefix: c.ReferencePrefix, Length: len(c.ReferencePrefix) + 6,
			Account: c.TerminalID,
			Unique:  6, // "its last 6 digits must be unique too" (payment page)
		},
		Methods: methods,
		Capture: providers.CaptureClaims{Partial: true},
		Refund: providers.RefundClaims{
			API: true, Partial: true, Min: minRefund,
			// The bank takes our refund id (externalID) but shows it nowhere, so a lost
			// answer is settled by what the payment's status and the registry show:
			// a full refund by status REFUND, a partial one only where the registry lists
			// refunds as rows of their own. Else it stays Unknown, for people.
			OwnID:      false,
			SettleWait: 24 * time.Hour, // when the status follows a refund is not published
		},
		Webhook:        providers.HintOnly,
		Statement:      providers.StatementList,
		StatusShowsAll: false, // the last state of the number, no refunds of their own
		// A call is preceded by a token, and an operation by a look-up too; both share
		// one status limit.
		Timeouts: providers.Timeouts{
			Charge: c.Timeouts.Status + c.Timeouts.Charge,
			Create: c.Timeouts.Status + c.Timeouts.Create,
			Status: c.Timeouts.Status,
			Refund: c.Timeouts.Status + c.Timeouts.Refund,
		},
	}
}
