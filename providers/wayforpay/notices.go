package wayforpay

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

var (
	errNotPosted    = errors.New("wayforpay: a notice is posted")
	errForged       = errors.New("wayforpay: the notice's signature is missing or wrong")
	errNoticeOthers = errors.New("wayforpay: the notice is about another merchant account")
	errNoOrder      = errors.New("wayforpay: the notice names no order")
)

// acceptance is what Answer needs of a notice that was authentic.
type acceptance struct{ order string }

// Hear reads a serviceUrl callback. An authentic one is a Fact, with three exceptions,
// which only wake a look-up: what would be Unknown; refunds, since nobody documents
// whether their amount is the payment's or the refund's; and the approval of what is not
// said to be one-stage, since nobody documents whether its amount is what was captured or
// what was held. That the stage is not under the signature does no harm: a look is right
// about either.
//
// The token of a saved card is not under the signature, and is kept all the same: of an
// invoice it is told nowhere else, since CHECK_STATUS does not have it (notes, section
// 4.4), and only who has seen a genuine notice could put another in its place.
//
// There is neither time nor nonce under the signature: a replayed notice verifies for
// ever. Key makes repeats recognisable; that a status never moves backwards is the
// router's merge.
func (g *Gateway) Hear(n providers.Notice) providers.Heard {
	if n.Method != http.MethodPost {
		return providers.Heard{Err: errNotPosted}
	}
	said, err := readNotice(n.Body)
	if err != nil {
		return providers.Heard{Err: err}
	}
	if !said.signedBy(g.config.MerchantSecret, eight) {
		return providers.Heard{Forged: true, Err: errForged}
	}
	switch order := string(said.OrderReference); {
	case string(said.MerchantAccount) != g.config.MerchantAccount:
		return providers.Heard{Err: errNoticeOthers}
	case order == "":
		return providers.Heard{Err: errNoOrder}
	}
	heard := providers.Heard{
		Kind:   providers.Hint,
		Ref:    providers.Ref{Order: string(said.OrderReference)},
		Key:    said.key(),
		Detail: acceptance{string(said.OrderReference)},
	}
	switch {
	case said.TransactionStatus == refunded, said.TransactionStatus == refundInProcessing,
		said.TransactionStatus == approved && said.TransactionType != "" && said.TransactionType != oneStage:
		return heard
	}
	direct := strings.HasPrefix(string(said.OrderReference), tokenPrefix)
	if result := said.standing(view{offer: !direct}); result.Verdict != providers.Unknown {
		result.Returned = providers.Money{} // refundAmount is not under the signature
		heard.Kind, heard.Result = providers.Fact, result
	}
	return heard
}

// key names a delivery by what the notes, section 7, deduplicate by.
func (a answer) key() string {
	amount := string(a.Amount)
	if m, err := providers.ParseMoney(amount, string(a.Currency)); err == nil {
		amount = m.Shortest()
	}
	return strings.Join([]string{string(a.OrderReference), string(a.TransactionStatus), string(a.ReasonCode), string(a.AuthCode), amount}, ";")
}

// readNotice ignores the content type, which is usually wrong: the body is a JSON
// object although a form is announced. A proxy may have made it the one key of a form,
// and a real form is accepted too.
func readNotice(body []byte) (answer, error) {
	if body = bytes.TrimSpace(body); len(body) > 0 && body[0] == '{' {
		return parseAnswer(body)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form) == 0 {
		return answer{}, errMalformed
	}
	for key := range form {
		if strings.HasPrefix(strings.TrimSpace(key), "{") && len(form) == 1 {
			return parseAnswer([]byte(key))
		}
	}
	field := func(name string) literal { return literal(form.Get(name)) }
	return answer{
		MerchantAccount: field("merchantAccount"), OrderReference: field("orderReference"),
		MerchantSignature: field("merchantSignature"), Amount: field("amount"), Currency: field("currency"),
		AuthCode: field("authCode"), CardPan: field("cardPan"), CardType: field("cardType"), RecToken: field("recToken"),
		TransactionStatus: field("transactionStatus"), ReasonCode: field("reasonCode"), RefundAmount: field("refundAmount"),
		TransactionType: field("merchantTransactionType"),
	}, nil
}

// accept is the one answer that ends WayForPay's repeating, for up to four days.
type accept struct {
	OrderReference string `json:"orderReference"`
	Status         string `json:"status"`
	Time           int64  `json:"time"` // unix seconds
	Signature      string `json:"signature"`
}

// Answer accepts only what was authentic and is stored. Anything else is answered so
// that WayForPay repeats it.
func (g *Gateway) Answer(h providers.Heard, r providers.Ruling) providers.Reply {
	authentic, ok := h.Detail.(acceptance)
	switch {
	case r.Kind == providers.Unmatched:
		return reply(http.StatusNotFound, "no such order")
	case r.Kind == providers.Rejected || r.Kind == providers.Accepted && !ok:
		return reply(http.StatusBadRequest, "refused")
	case r.Kind != providers.Accepted:
		return reply(http.StatusServiceUnavailable, "try later")
	}
	yes := accept{OrderReference: authentic.order, Status: "accept", Time: time.Now().Unix()}
	yes.Signature = sign(g.config.MerchantSecret, yes.OrderReference, yes.Status, strconv.FormatInt(yes.Time, 10))
	body, err := json.Marshal(yes)
	if err != nil {
		return reply(http.StatusServiceUnavailable, "try later")
	}
	return providers.Reply{Status: http.StatusOK, ContentType: "application/json", Body: body}
}

func reply(status int, text string) providers.Reply {
	return providers.Reply{Status: status, ContentType: "text/plain; charset=utf-8", Body: []byte(text + "\n")}
}
