package tiptoppay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Values of Status (notes, section 5).
const (
	awaiting       literal = "AwaitingAuthentication"
	authorized     literal = "Authorized"
	completed      literal = "Completed"
	cancelled      literal = "Cancelled"
	statusDeclined literal = "Declined"
)

// documentedCodes are the StatusCodes that stand in official samples; the others are
// inferred, and contradict nothing.
var documentedCodes = map[literal]literal{"2": authorized, "3": completed, "5": statusDeclined}

var (
	errNoOrder    = errors.New("tiptoppay: no order number to ask by")
	errAmount     = errors.New("tiptoppay: amount or currency cannot be read")
	errNameless   = errors.New("tiptoppay: a transaction without an id or an order number")
	errContradict = errors.New("tiptoppay: status and code contradict each other")
	errTestMode   = errors.New("tiptoppay: TEST AND LIVE ARE MIXED UP: the transaction's mode is not that of test_mode")
	errModeless   = errors.New("tiptoppay: the transaction does not say whether it is a test")
)

// sight is what a look-up showed: a transaction, unless the Result says why there is none.
type sight struct {
	tx transaction
	providers.Result
}

// Lookup asks for the last payment under our order number, and for all of them where it
// may hide another. "Not found" is Unknown with Absent: of a page it means that nobody has
// tried yet.
func (g *Gateway) Lookup(ctx context.Context, ref providers.Ref) providers.Result {
	return g.look(ctx, ref).Result
}

// look also returns the transaction. It asks two questions at most, each with the time
// limit of a look-up. A page whose last try has no money is looked at as a whole. A charge
// by token whose first transaction is known is asked for by that id too, if another one is
// found or none: TipTop Pay may have tried a second bank, and whichever has the money
// speaks.
func (g *Gateway) look(ctx context.Context, ref providers.Ref) sight {
	if ref.Order == "" {
		return sight{Result: providers.Doubt(providers.NotSent, "", errNoOrder)}
	}
	last := g.see(ctx, ref, call{path: paymentsFind, body: byOrder{ref.Order}})
	known := ref.External
	switch {
	case last.Verdict.HasMoney(), last.Verdict == providers.Unknown && !last.Absent:
		return last
	case ref.Method != providers.Instrument && !last.Absent:
		return g.whole(ctx, ref, last)
	case ref.Method != providers.Instrument, !aTransactionID.MatchString(known), string(last.tx.TransactionID) == known:
		return last
	}
	first := g.see(ctx, ref, call{path: paymentsGet, body: byTransaction{json.Number(known)}})
	switch {
	case first.Absent: // it was there, so this is no absence
		first.Result = providers.Doubt(providers.Ambiguous, first.Code, errors.New("tiptoppay: a known transaction is not found"))
		if last.Absent {
			return first
		}
		return last
	case string(first.tx.TransactionID) != known && first.Verdict != providers.Unknown:
		return sight{Result: providers.Doubt(providers.Mismatch, first.Code, errors.New("tiptoppay: another transaction than the one asked for"))}
	case first.Verdict.HasMoney(), first.Verdict == providers.Unknown, first.Verdict == providers.Pending, last.Absent:
		return first
	}
	return last
}

// see makes one look-up.
func (g *Gateway) see(ctx context.Context, ref providers.Ref, c call) sight {
	said, result, ok := g.ask(ctx, c, time.Now().Add(g.config.Timeouts.Status))
	switch {
	case !ok:
		result.Verdict = providers.Unknown // the question failed; it says nothing about the money
		return sight{Result: result}
	case said.Model == nil:
		return sight{Result: said.missing()}
	}
	var t transaction
	if err := readModel(said.Model, &t); err != nil {
		return sight{Result: providers.Doubt(providers.Unreadable, "", err)}
	}
	return sight{t, g.reads(ref, t, view{
		offer:   ref.Method != providers.Instrument,
		settled: !ref.Planned.IsZero() && time.Since(ref.Planned) >= g.config.Timeouts.Charge+max(lastMoment, g.config.Absent.After),
	})}
}

// missing reads a look-up's answer without a model.
func (a answer) missing() providers.Result {
	if !a.Success && strings.EqualFold(strings.TrimRight(string(a.Message), ". "), "not found") {
		result := providers.Doubt(providers.Ambiguous, "not found", nil)
		result.Absent = true
		return result
	}
	return providers.Doubt(providers.Ambiguous, "", errors.New("tiptoppay: neither found nor not found"))
}

// view says how a transaction is to be read.
type view struct {
	offer   bool // of a page: a payer whose card was declined may try again
	settled bool // by a look so late that no second bank is being tried any more
}

// about reads the model of a charge's answer.
func (g *Gateway) about(ref providers.Ref, model json.RawMessage, v view) providers.Result {
	var t transaction
	if err := readModel(model, &t); err != nil {
		return providers.Doubt(providers.Unreadable, "", err)
	}
	if t.AcsURL != "" || t.PaReq != "" {
		return t.stepUp()
	}
	return g.reads(ref, t, v)
}

// stepUp reads a charge that waits for 3-D Secure. Nobody is there to go through it, and
// as long as nobody does no money is taken; a look-up tells how it ended.
func (t transaction) stepUp() providers.Result {
	if !aTransactionID.MatchString(string(t.TransactionID)) {
		return providers.Doubt(providers.Unreadable, "3-D Secure", errNameless)
	}
	return providers.Result{Verdict: providers.Pending, Reason: providers.StepUp, External: string(t.TransactionID), Code: "3-D Secure"}
}

// reads says what a transaction means for the attempt that ref asked for. Any difference
// from what was asked for is doubt.
func (g *Gateway) reads(ref providers.Ref, t transaction, v view) providers.Result {
	if doubt, ok := g.vouch(ref, t); !ok {
		return doubt
	}
	result := t.standing(v)
	if result.Verdict == providers.Unknown {
		return result
	}
	sum, err := providers.ParseMoney(string(t.Amount), string(t.Currency))
	switch {
	case err != nil:
		return providers.Doubt(providers.Unreadable, t.code(), errAmount)
	case sum != ref.Amount && !(ref.TwoStage && t.Status == completed && sum.PartOf(ref.Amount)): // a part of a hold may have been captured
		return providers.Doubt(providers.Mismatch, t.code(), fmt.Errorf("tiptoppay: %s seen, %s asked for", sum, ref.Amount))
	}
	if result.Verdict.HasMoney() {
		result.Amount, result.Instrument, result.Movement = sum, t.token(), string(t.TransactionID)
	}
	if !v.offer {
		result.External = string(t.TransactionID) // of a page it is the order's Id, which only its creation tells
	}
	return result
}

// vouch checks that a transaction is the payment we asked about, on this terminal.
func (g *Gateway) vouch(ref providers.Ref, t transaction) (providers.Result, bool) {
	mode := "false"
	if g.config.TestMode {
		mode = "true"
	}
	switch {
	case !aTransactionID.MatchString(string(t.TransactionID)), t.InvoiceID == "":
		return providers.Doubt(providers.Unreadable, t.code(), errNameless), false
	case string(t.InvoiceID) != ref.Order:
		return providers.Doubt(providers.Mismatch, t.code(), errors.New("tiptoppay: another order than the one asked for")), false
	case t.PublicID != "" && string(t.PublicID) != g.config.PublicID:
		return providers.Doubt(providers.Mismatch, t.code(), errors.New("tiptoppay: another terminal's transaction")), false
	case t.TestMode == "":
		return providers.Doubt(providers.Unreadable, t.code(), errModeless), false
	case string(t.TestMode) != mode:
		return providers.Doubt(providers.Mismatch, t.code(), errTestMode), false
	case t.returns():
		return providers.Doubt(providers.Mismatch, t.code(), errors.New("tiptoppay: no payment, but something that goes back")), false
	}
	return providers.Result{}, true
}

// returns reports whether the transaction is a refund or a payout.
func (t transaction) returns() bool {
	return t.Type != "" && t.Type != "0" || t.OriginalID != "" && t.OriginalID != "0"
}

// standing is what status and reason code together say. It is the table of the notes,
// section 5, with the codes of section 6; whatever stands in neither is Unknown.
func (t transaction) standing(v view) providers.Result {
	result := providers.Result{Code: t.code()}
	if named, ok := documentedCodes[t.StatusCode]; ok && named != t.Status {
		return providers.Doubt(providers.Ambiguous, t.code(), errContradict)
	}
	switch t.Status {
	case awaiting:
		result.Verdict, result.Reason = providers.Pending, providers.StepUp
	case authorized, completed:
		if codes[t.ReasonCode].class != fine {
			return providers.Doubt(providers.UnknownCode, t.code(), errContradict)
		}
		result.Verdict = providers.Held
		if t.Status == completed {
			result.Verdict = providers.Approved
		}
	case cancelled:
		result.Verdict, result.Reason = providers.Declined, providers.Released
	case statusDeclined:
		return t.declined(v)
	default:
		return providers.Doubt(providers.UnknownCode, t.code(), nil)
	}
	return result
}

// declined reads the status Declined.
func (t transaction) declined(v view) providers.Result {
	meant := codes[t.ReasonCode]
	result := providers.Result{Code: t.code(), Reason: meant.reason}
	switch {
	case meant.class == fine:
		return providers.Doubt(providers.Ambiguous, t.code(), errContradict)
	case v.offer: // FAILOVER, row 11: the page lets the payer try again, and so does the reserve bank
		result.Verdict, result.Reason = providers.Pending, providers.AwaitingPayer
	case meant.class == undocumented && !v.settled:
		return providers.Doubt(providers.UnknownCode, t.code(), nil) // people hear of it, and a later look decides
	case meant.class == undocumented: // the status says that nothing was charged, and nobody knows why
		result.Verdict, result.Reason = providers.Declined, providers.DeclinedHard
	case meant.again && !v.settled:
		result.Reason = providers.Ambiguous
	case meant.class == declined:
		result.Verdict = providers.Declined
	default:
		result.Verdict = providers.Unserved
	}
	return result
}
