package sim

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Codes of operations (section 6.1). Any other can be had with FaultCode, "decline:<code>" or QuickPayCard.Code.
const (
	qpApproved    = "20000"
	qpWaiting     = "20200"
	qpWants3DS    = "30100"
	qpRejected    = "40000"
	qpHoldExpired = "40002"
	qpInvalidData = "40004"
)

// qpMessages are the documented codes and what their operations say.
var qpMessages = map[string]string{
	qpApproved: "Approved", qpWaiting: "Waiting approval", qpWants3DS: "3D Secure is required", "30101": "Strong customer authentication is required",
	qpRejected: "Rejected by acquirer", "40001": "Request data error", qpHoldExpired: "Authorization expired", "40003": "Aborted",
	qpInvalidData: "Invalid at acquirer", "40300": "Rejected by fraud filter", "41000": "Card deleted by scheme", "42300": "Card suspended",
	"50000": "Gateway error", "50300": "Communications error with acquirer",
}

const (
	qpRealNumber = "4571000000004242" // of payers and saved cards where test cards are not allowed
	qpQueue      = 60 * time.Second   // of QuickPayQueued
	qpTestRange  = "10000"            // every published test card begins so, and no real card does
	qpAcquirer   = "clearhaus"
	qpIssuedIn   = "DNK"
)

// qpPlastic is what stands behind a card number.
type qpPlastic struct {
	number, country, expiration string // expiration is YYMM
	code                        string // every authorize ends with it; empty leaves it to the number
	secure                      bool   // 3-D Secure was passed, in the window
	spent                       bool   // QuickPayOnce has paid
}

// plastic makes a card as the account's payers have it; an empty number is the usual card.
func (q *quickpay) plastic(number, code string) *qpPlastic {
	usual := qpRealNumber
	if q.opt.TestMode {
		usual = QuickPayApproved
	}
	return &qpPlastic{number: cmp.Or(number, usual), country: qpIssuedIn, expiration: "3009", code: code}
}

func (card *qpPlastic) test() bool { return strings.HasPrefix(card.number, qpTestRange) }

// answers is the code that the acquirer gives an operation with this card, and its own words.
func (q *quickpay) answers(card *qpPlastic, operation string) (code, why string) {
	if operation == qpAuthorize && card.code != "" {
		return card.code, qpMessages[card.code]
	}
	if card.test() && !q.opt.TestMode {
		return qpRejected, "Test cards are not allowed"
	}
	switch [2]string{card.number, operation} {
	case [2]string{QuickPayRejected, qpAuthorize}, [2]string{QuickPayCaptureRejected, qpCapture},
		[2]string{QuickPayRefundRejected, qpRefund}, [2]string{QuickPayCancelRejected, qpCancel}:
		return qpRejected, "Rejected test operation"
	case [2]string{QuickPayExpired, qpAuthorize}:
		return qpRejected, "Card expired"
	case [2]string{QuickPayWants3DS, qpAuthorize}:
		return qpWants3DS, "3D Secure is required"
	}
	if operation == qpAuthorize && card.expiration < time.Now().UTC().Format("0601") {
		return qpRejected, "Card expired"
	}
	if operation == qpAuthorize && card.spent {
		return qpRejected, "Card was used before"
	}
	return qpApproved, qpMessages[qpApproved]
}

// qpCountries are the cards' countries by the numeric code that test cards take as their CVD.
var qpCountries = map[string]string{
	"208": "DNK", "246": "FIN", "276": "DEU", "398": "KAZ", "578": "NOR", "752": "SWE", "826": "GBR", "840": "USA",
}

// typed reads a card from a request: number, expiration YYMM and CVD.
func (q *quickpay) typed(f qpFields) (*qpPlastic, *reply) {
	number, expiration := f.text("number"), f.text("expiration")
	switch {
	case !isDigits(number) || len(number) < 13 || len(number) > 19:
		no := qpInvalid("card.number", "is invalid")
		return nil, &no
	case !isDigits(expiration) || len(expiration) != 4 || expiration[2:] < "01" || expiration[2:] > "12":
		no := qpInvalid("card.expiration", "is invalid")
		return nil, &no
	}
	card := q.plastic(number, "")
	card.expiration, card.country = expiration, cmp.Or(qpCountries[f.text("cvd")], qpIssuedIn)
	return card, nil
}

// qpMetadata is what an object shows of its card.
type qpMetadata struct {
	Type       string `json:"type,omitempty"`
	Brand      string `json:"brand,omitempty"`
	Last4      string `json:"last4,omitempty"`
	ExpMonth   int    `json:"exp_month,omitempty"`
	ExpYear    int    `json:"exp_year,omitempty"`
	Country    string `json:"country,omitempty"`
	Is3DSecure *bool  `json:"is_3d_secure,omitempty"`
}

func (card *qpPlastic) metadata() qpMetadata {
	brand := "visa"
	if card.number == QuickPayMastercard || card.number[0] == '5' {
		brand = "mastercard"
	}
	year, _ := strconv.Atoi(card.expiration[:2]) // typed has let nothing but digits in
	month, _ := strconv.Atoi(card.expiration[2:])
	return qpMetadata{
		Type: "card", Brand: brand, Last4: card.number[len(card.number)-4:], ExpMonth: month, ExpYear: 2000 + year, Country: card.country,
		Is3DSecure: &card.secure,
	}
}

// qpCard is a saved card, or one that waits for its number.
type qpCard struct {
	id        int64
	plastic   *qpPlastic
	accepted  bool
	variables json.RawMessage
	created   time.Time
}

// qpToken stands for a saved card in one authorize.
type qpToken struct {
	card *qpCard
	used bool
}

func (q *quickpay) card(id int64) *qpCard {
	for _, card := range q.cards {
		if card.id == id {
			return card
		}
	}
	return nil
}

func (q *quickpay) makeCard(_ *call, w *qpWish) reply {
	card := &qpCard{id: q.newID(), variables: json.RawMessage("{}"), created: time.Now()}
	if w.fields.given("variables") {
		card.variables = w.fields["variables"]
	}
	q.cards = append(q.cards, card)
	return q.showCard(http.StatusCreated, card)
}

func (q *quickpay) getCard(_ *call, w *qpWish) reply {
	return q.showCard(http.StatusOK, w.card)
}

// saveCard authorizes a saved card: the acquirer checks its number, and no money is asked for.
func (q *quickpay) saveCard(_ *call, w *qpWish) reply {
	if w.card.accepted {
		return q.wrongState(qpAuthorize)
	}
	card, no := q.typed(w.fields.object("card"))
	if no != nil {
		return *no
	}
	code, _ := q.answers(card, qpAuthorize)
	w.card.plastic, w.card.accepted = card, code == qpApproved
	return q.showCard(q.doneStatus(), w.card)
}

func (q *quickpay) makeToken(_ *call, w *qpWish) reply {
	if !w.card.accepted {
		return q.wrongState("token")
	}
	name := strings.ReplaceAll(q.b.guid(), "-", "")
	q.tokens[name] = &qpToken{card: w.card}
	return qpJSON(http.StatusOK, map[string]any{"token": name, "is_used": false, "created_at": qpTime(time.Now())})
}

// spend takes the card behind a one-time token.
func (q *quickpay) spend(name string) (*qpPlastic, *reply) {
	token := q.tokens[name]
	if token == nil || token.used {
		no := qpInvalid("card.token", "is invalid or used")
		return nil, &no
	}
	token.used = true
	return token.card.plastic, nil
}

func (q *quickpay) showCard(status int, card *qpCard) reply {
	body := struct {
		ID         int64           `json:"id"`
		MerchantID int64           `json:"merchant_id"`
		Accepted   bool            `json:"accepted"`
		Type       string          `json:"type"`
		Variables  json.RawMessage `json:"variables"`
		State      string          `json:"state"`
		Metadata   qpMetadata      `json:"metadata"`
		TestMode   bool            `json:"test_mode"`
		CreatedAt  string          `json:"created_at"`
	}{
		ID: card.id, MerchantID: q.opt.MerchantID, Accepted: card.accepted, Type: "Card", Variables: card.variables, State: "initial",
		CreatedAt: qpTime(card.created),
	}
	if card.plastic != nil {
		body.Metadata, body.TestMode, body.State = card.plastic.metadata(), card.plastic.test(), "rejected"
	}
	if card.accepted {
		body.State = "active"
	}
	return qpJSON(status, body)
}
