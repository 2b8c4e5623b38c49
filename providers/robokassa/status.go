package robokassa

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

var (
	errQuestion  = errors.New("robokassa: the question was refused; look at merchant_login, password_2 and hash")
	errTwo       = errors.New("robokassa: a test payment has the same number")
	errNoSum     = errors.New("robokassa: the answer names no sum")
	errOtherSum  = errors.New("robokassa: the answer is about another sum")
	errOtherTry  = errors.New("robokassa: a hold was seen, and this is another try at its number")
	errNoKey     = errors.New("robokassa: the answer has no operation key")
	errNoState   = errors.New("robokassa: the answer has no state")
	errBoth      = errors.New("robokassa: the answer finds nothing, and has a state")
	errRepeated  = errors.New("robokassa: the answer has an element twice")
	errNotNumber = errors.New("robokassa: not a number to ask about")
)

// Lookup asks OpStateExt by our number. Code 3 is Unknown with Absent: of an address it
// only says that nobody has opened it. Of an invoice, which exists because Robokassa gave
// it an id, it says that the link waits for its payer; a withdrawal that was lost is then
// seen as not carried out, and can be asked for again.
func (g *Gateway) Lookup(ctx context.Context, ref providers.Ref) providers.Result {
	_, result := g.look(ctx, ref)
	if result.Absent && isInvoice(ref) {
		return providers.Result{Verdict: providers.Pending, Reason: providers.AwaitingPayer, Code: result.Code}
	}
	return result
}

// look also returns the answer, for those who need more of it than the Result.
func (g *Gateway) look(ctx context.Context, ref providers.Ref) (standing, providers.Result) {
	if !isNumber(ref.Order) {
		return standing{}, providers.Doubt(providers.Ambiguous, "", errNotNumber)
	}
	said, result, ok := g.state(ctx, ref.Order)
	if !ok {
		if result.Verdict == providers.Unserved {
			result.Verdict = providers.Unknown // the question did not leave; the charge may have
		}
		return said, result
	}
	return said, g.about(said, ref, time.Now())
}

// state makes the exchange. It reports false when there is no answer to judge.
func (g *Gateway) state(ctx context.Context, number string) (standing, providers.Result, bool) {
	m := message{before: []string{g.config.MerchantLogin, number}}
	call := form(g.config.WSBase+"/Merchant/WebService/Service.asmx/OpStateExt", url.Values{
		"MerchantLogin": {g.config.MerchantLogin}, "InvoiceID": {number}, "Signature": {m.sign(g.config.Hash, g.config.Password2)},
	}, g.config.Timeouts.Status)
	call.MovesMoney = false
	body, result, ok := g.post(ctx, call)
	if !ok {
		return standing{}, result, false
	}
	said, err := parseState(body)
	if err != nil {
		return standing{}, providers.Doubt(providers.Unreadable, "", err), false
	}
	return said, providers.Result{}, true
}

// standing is what OpStateExt says.
type standing struct {
	result  string    // Result/Code: about the question
	state   string    // State/Code: about the payment
	sum     string    // Info/OutSum: ours, as decimal text
	key     string    // Info/OpKey: Robokassa's id of the operation, which a refund needs
	card    string    // Info/IncAccount: the masked card, or whatever account the payer used
	method  string    // Info/PaymentMethod/Code
	attempt string    // Shp_attempt, where the payment carries it
	since   time.Time // State/StateDate: when the state came about; zero where that cannot be read
}

// parseState reads OpStateExt. Only codes are required: when the question was refused the
// rest is absent.
func parseState(body []byte) (standing, error) {
	t, err := parseXML(body, "OperationStateResponse")
	if err != nil {
		return standing{}, err
	}
	var s standing
	var since string
	for path, field := range map[string]*string{
		"Result/Code": &s.result, "State/Code": &s.state, "State/StateDate": &since, "Info/OutSum": &s.sum, "Info/OpKey": &s.key,
		"Info/IncAccount": &s.card, "Info/PaymentMethod/Code": &s.method,
	} {
		text, once := t.one(path)
		if !once {
			return standing{}, errRepeated
		}
		*field = text
	}
	if at, err := time.Parse(time.RFC3339, since); err == nil { // a time without an offset could be any
		s.since = at
	}
	names, values := t["UserField/Field/Name"], t["UserField/Field/Value"]
	if len(names) != len(values) {
		return standing{}, errXML
	}
	for i, name := range names {
		if !strings.EqualFold(name, attemptName) {
			continue
		}
		if s.attempt != "" && s.attempt != values[i] {
			return standing{}, errRepeated
		}
		s.attempt = values[i]
	}
	switch {
	case !isCode(s.result), s.result == resultOK && !isCode(s.state):
		return standing{}, errNoState
	case s.result == resultNotFound && s.state != "": // an absence may let the next gateway charge
		return standing{}, errBoth
	}
	return s, nil
}

func isCode(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && strconv.Itoa(n) == text
}

// code is the provider's word for people.
func (s standing) code() string {
	if s.result != resultOK {
		return "result " + shown(s.result)
	}
	return shown(s.state)
}

// about reads an answer about the payment that ref asked for. Any difference from what was
// asked for is doubt.
func (g *Gateway) about(s standing, ref providers.Ref, now time.Time) providers.Result {
	if result, refused := s.unanswered(); refused {
		return result
	}
	if err := s.foreign(ref); err != nil {
		return providers.Doubt(providers.Mismatch, s.code(), err)
	}
	result := g.standing(s, ref, now)
	captured := result.Verdict == providers.Approved
	switch {
	case result.Verdict == providers.Unknown:
		return result
	case result.Verdict.HasMoney() && s.attempt == "" && s.since.IsZero():
		return providers.Doubt(providers.Unreadable, s.code(), errNoDate)
	case result.Verdict.HasMoney() && !aKey.MatchString(s.key):
		return providers.Doubt(providers.Unreadable, s.code(), errNoKey)
	case result.Verdict.HasMoney() && ref.External != "" && !isInvoice(ref) && s.key != ref.External:
		return providers.Doubt(providers.Mismatch, s.code(), errOtherOne)
	case s.sum == "" && result.Verdict.HasMoney():
		return providers.Doubt(providers.Unreadable, s.code(), errNoSum)
	case s.sum == "":
		return result
	}
	sum, err := providers.ParseMoney(s.sum, g.config.Currency)
	switch {
	case err != nil:
		return providers.Doubt(providers.Mismatch, s.code(), errOtherSum)
	case sum == ref.Amount, ref.TwoStage && captured && sum.PartOf(ref.Amount):
	default:
		return providers.Doubt(providers.Mismatch, s.code(), fmt.Errorf("%w: %s seen, %s asked for", errOtherSum, sum, ref.Amount))
	}
	if !result.Verdict.HasMoney() {
		return result
	}
	return g.money(s, ref, result, sum)
}

// unanswered reads a Result/Code other than 0.
func (s standing) unanswered() (providers.Result, bool) {
	switch s.result {
	case resultOK:
		return providers.Result{}, false
	case resultSignature, resultNoShop:
		return providers.Doubt(providers.Misconfigured, s.code(), errQuestion), true
	case resultNotFound:
		return providers.Result{Absent: true, Reason: providers.Ambiguous, Code: s.code()}, true
	case resultTwo:
		return providers.Doubt(providers.Ambiguous, s.code(), errTwo), true
	case resultInternal:
		return providers.Doubt(providers.Ambiguous, s.code(), nil), true
	}
	return providers.Doubt(providers.UnknownCode, s.code(), nil), true
}

// standing is the table of the notes, section 5. Whatever does not stand in it is Unknown.
func (g *Gateway) standing(s standing, ref providers.Ref, now time.Time) providers.Result {
	result := providers.Result{Code: s.code()}
	switch s.state {
	case stateStarted:
		result.Verdict, result.Reason = providers.Pending, providers.PayerConfirming
		if ref.Method == providers.Instrument {
			result.Reason = providers.Processing
		}
	case stateStopped:
		result.Verdict, result.Reason = providers.Pending, providers.Review
	case stateNoMoney:
		return g.noMoney(s, ref, now, result)
	case stateHeld:
		result.Verdict = providers.Held
	case stateReceived, stateSuccess, stateReturned:
		result.Verdict = providers.Approved
	default:
		return providers.Doubt(providers.UnknownCode, s.code(), nil)
	}
	return result
}

// noMoney reads state 10. Robokassa gives no reason for it, and its people may still turn
// it into a success: so a declined card is declined for good, and the payment not tried
// elsewhere as after a soft decline.
//
// Of an offer it proves nothing: an unpaid number may be opened again (notes, section 8). Only
// the offer's own end, which the caller was told, or a withdrawal does. A hold that was seen
// under its key and is gone was released, since a number is paid once; of another try at the
// same number that is known only when no address can be alive any more.
func (g *Gateway) noMoney(s standing, ref providers.Ref, now time.Time, result providers.Result) providers.Result {
	switch {
	case ref.Method == providers.Instrument:
		result.Verdict, result.Reason = providers.Declined, providers.DeclinedHard
	case !ref.TwoStage || ref.External == "": // no hold was ever seen
		result.Verdict, result.Reason = providers.Pending, providers.AwaitingPayer
	case s.key != ref.External && now.Before(g.lastEnd(ref, now)):
		return providers.Doubt(providers.Ambiguous, s.code(), errOtherTry)
	default:
		result.Verdict, result.Reason = providers.Declined, providers.Released
	}
	return result
}

// lastEnd is when every address of the attempt is dead, whatever link_life was when it was
// composed.
func (g *Gateway) lastEnd(ref providers.Ref, now time.Time) time.Time {
	return begun(ref, now).Add(longestLink + g.claims.Method(ref.Method).Margin)
}

func isInvoice(ref providers.Ref) bool { return strings.HasPrefix(ref.External, invoiceKey) }

// money fills in a payment that is held or charged. Its key is told only now: a payer who
// tries twice may leave a key behind that has no money.
func (g *Gateway) money(s standing, ref providers.Ref, result providers.Result, sum providers.Money) providers.Result {
	result.Amount, result.External = sum, s.key
	switch {
	case ref.TwoStage && result.Verdict == providers.Approved && sum == ref.Amount:
		// Which sum a state shows after a partial Confirm is not documented: the whole may be
		// what was captured, or only what was held.
		result.Amount = providers.Money{}
	case s.wholeBack(g.config):
		result.Returned = sum
	}
	if g.config.Recurring && result.Verdict == providers.Approved && ref.Method != providers.Instrument && !ref.TwoStage && !isInvoice(ref) {
		// Usable if the payer agreed at the start (Recurring); the caller knows whether it asked.
		result.Instrument = savedCard(ref.Order)
		if aCard.MatchString(s.card) { // else it may be a phone or an e-mail
			result.Instrument.Mask = s.card
		}
		if aBrand.MatchString(s.method) {
			result.Instrument.Brand = s.method
		}
	}
	return result
}

// wholeBack reports whether all of a payment is known to have been returned, however much it was.
func (s standing) wholeBack(c Config) bool {
	return s.state == stateReturned && c.ReturnedState == wholeBack
}

// savedCard is what a first payment leaves: its number.
func savedCard(order string) *providers.Token {
	return &providers.Token{Value: providers.NewSecret(order)}
}

// probeNumber is a payment that never is: the largest number there is, longer than ours.
var probeNumber = strconv.FormatInt(math.MaxInt64, 10)

// Probe asks for a payment that does not exist. Being told so needs our shop and our
// signature to be accepted, and moves nothing.
func (g *Gateway) Probe(ctx context.Context) providers.Result {
	said, result, ok := g.state(ctx, probeNumber)
	if !ok {
		return result
	}
	switch said.result {
	case resultNotFound:
		return providers.Result{Verdict: providers.Approved, Code: said.code()}
	case resultSignature, resultNoShop:
		return providers.Result{Verdict: providers.Unserved, Reason: providers.Misconfigured, Code: said.code(), Err: errQuestion}
	case resultInternal:
		return providers.Doubt(providers.Ambiguous, said.code(), nil)
	}
	return providers.Doubt(providers.UnknownCode, said.code(), nil)
}
