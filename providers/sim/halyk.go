package sim

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What a Halyk face knows when its options name nothing else: the sandbox merchant that the bank publishes.
const (
	HalykDefaultClient   = "test"
	HalykDefaultSecret   = "yF587AV9Ms94qN2QShFzVR3vFnWkhjbAK3sG"
	HalykDefaultTerminal = "67e34d63-102f-4bd1-898e-370781d0074d"
)

// The two spellings of the field that carries an encrypted card. The documentation and the bank's SDK begin it with the Cyrillic
// letter U+0441, which looks like c; other clients write plain Latin.
const (
	HalykCyrillicCryptogram = "\u0441ryptogram"
	HalykLatinCryptogram    = "cryptogram"
)

// HalykOptions are the settings of the Halyk face. The zero value works: the published sandbox merchant on a one-step terminal.
type HalykOptions struct {
	// Terminals are the merchants' terminals. Empty is one, made of the HalykDefault constants.
	Terminals []HalykTerminal
	// Cards exist besides the five published test cards; one with the number of a published card replaces it.
	Cards []HalykCard
	// SavedCards are saved before the first request. POST /halyk/cards of the control surface saves more.
	SavedCards []HalykSavedCard

	TokenLife time.Duration // of a token, and so of the page behind it; whole seconds; 0 is 2 h, as published
	HoldLife  time.Duration // after which an uncaptured hold becomes CANCEL_OLD; 0 is never, because nothing is published
	// FeeBasisPoints is kept back from payoutAmount in the list of operations, in hundredths of a percent. 0 is none.
	FeeBasisPoints int64

	// LateSuccess breaks the promise that an offer is dead once its time is over: pay-late then takes money.
	LateSuccess bool
	// NumericExpiry writes expires_in as a number, as documented, and not as text, as the bank's SDK expects it.
	NumericExpiry bool
	// OtherSpellings writes the variants that clients also see: invoiceID, accountID, cardID, secretHash and numbers as text in
	// notices; secure as text and terminal as a number in statuses; and the terminal's number, not its UUID, in the answer to a charge.
	OtherSpellings bool
	// BlankFailures reports amount 0 and no currency for a transaction that failed.
	BlankFailures bool
	// RefundAtFirstPartial names a transaction REFUND from its first partial refund on, not only when all of it went back.
	RefundAtFirstPartial bool
	// RefundRows gives every refund its own row in the list of operations.
	RefundRows bool
	// RefuseExternalID refuses the second refund with one externalID. Otherwise it is made again, up to the rest.
	RefuseExternalID bool
	// OperationNotices tells the merchant about charge, cancel and refund too.
	OperationNotices bool
	// ForgedAmount makes the forged copy of a notice bear the right secret hash and another amount: the hash covers no field.
	ForgedAmount bool
	// PagesFromZero counts the pages of the list of operations from 0 instead of 1: no document says which.
	PagesFromZero bool
	// CryptogramField is the only spelling accepted: HalykCyrillicCryptogram or HalykLatinCryptogram. Empty accepts both.
	CryptogramField string
}

// HalykTerminal is one terminal of a merchant. Terminals of one Client must agree on Secret, Login and Password.
type HalykTerminal struct {
	ID     string // UUID: terminal, terminalId and terminalID of the protocol
	Number string // 8 digits, shown in statuses and notices; empty is 98120001
	Client string
	Secret string
	// Login and Password of the merchant's cabinet get tokens for invoice links (grant_type=password). Empty: no such tokens.
	Login, Password string
	TwoStep         bool // payments are held until charged
	NoQR            bool
	// NoPage makes payment tokens mere credentials: for a merchant who never gives them to a browser. On other terminals a token
	// is an offer until its life ends, because nobody can take it back; only presenting it in a payment call withdraws the page.
	// There a token that never gets so far counts for I7, and a PayerRule may send its payer to the page before a QR is made.
	NoPage bool
}

// Halyk is the face of Halyk ePay: OAuth tokens, hosted page, invoice links, QR, saved and encrypted cards, statuses, the three
// operations on a transaction, the list of operations and postLink notices.
//
// The reference is invoiceId, and an offer's id is the UUID that its transaction will have. Until a payer acts there is no
// transaction: statuses answer 102. A payment token is an offer (OpCreate) where its terminal shows pages, and OpToken otherwise.
//
// Besides the acts that every face knows, payers can: scan (open the page: NEW; scan a QR: SCANNED), fingerprint and 3d (stop in
// 3-D Secure), confirm (go on and pay), "pay:<card number>", pay-bonus (a tenth by bonuses), "decline:<code>", reject (REJECT instead
// of FAILED), and with a QR leave (RETURN), close (CLOSED) and block (BLOCKED).
//
// Options that make no sense are a programming mistake and panic.
func Halyk(opt HalykOptions) Face {
	if len(opt.Terminals) == 0 {
		opt.Terminals = []HalykTerminal{{ID: HalykDefaultTerminal, Client: HalykDefaultClient, Secret: HalykDefaultSecret}}
	}
	opt.TokenLife = cmp.Or(opt.TokenLife, 2*time.Hour)
	switch opt.CryptogramField {
	case "", HalykCyrillicCryptogram, HalykLatinCryptogram:
	default:
		panic(fmt.Sprintf("sim: HalykOptions.CryptogramField is %q", opt.CryptogramField))
	}
	if opt.TokenLife < time.Second || opt.HoldLife < 0 {
		panic("sim: HalykOptions.TokenLife is shorter than a second, or HoldLife is negative")
	}
	h := &halyk{
		opt: opt, routesOf: halykRoutes(), grants: map[string]*halykGrant{}, pans: map[string]*HalykCard{}, statusIDs: map[string]string{},
	}
	for _, t := range opt.Terminals {
		t.Number = cmp.Or(t.Number, "98120001")
		h.terminals = append(h.terminals, &t)
	}
	for _, card := range append(halykTestCards(), opt.Cards...) {
		h.pans[card.PAN] = &card
	}
	for _, s := range opt.SavedCards {
		if h.pans[s.PAN] == nil {
			panic("sim: a saved card of Halyk is none of its cards")
		}
	}
	return h
}

// halyk is the face. Bank.mu guards everything in it.
type halyk struct {
	opt      HalykOptions
	b        *Bank
	routesOf []halykRoute

	terminals []*HalykTerminal
	grants    map[string]*halykGrant // by token
	payments  []*halykPayment
	rows      []*halykRow // of the list of operations, oldest first
	pans      map[string]*HalykCard
	saved     []*halykSaved
	statusIDs map[string]string // statusID by statusName
}

func (h *halyk) Name() string { return "halyk" }

func (h *halyk) attach(b *Bank) {
	h.b = b
	for _, s := range h.opt.SavedCards {
		h.saved = append(h.saved, &halykSaved{id: cmp.Or(s.ID, b.guid()), account: s.Account, card: h.pans[s.PAN], created: time.Now()})
	}
}

func (h *halyk) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /halyk/cards":  h.serveSavedCards,
		"POST /halyk/cards": h.saveCard,
	}
}

// retry repeats what was not answered 2xx. Nothing is published; the project decided on three repetitions.
func (h *halyk) retry(n int) (time.Duration, bool) {
	pauses := []time.Duration{5 * time.Second, 30 * time.Second, 5 * time.Minute}
	if n > len(pauses) {
		return 0, false
	}
	return pauses[n-1], true
}

func (h *halyk) terminal(id string) *HalykTerminal {
	for _, t := range h.terminals {
		if t.ID == id {
			return t
		}
	}
	return nil
}

// payment finds what has the given UUID; nil when there is nothing.
func (h *halyk) payment(id string) *halykPayment {
	for _, p := range h.payments {
		if p.o.ID == id {
			return p
		}
	}
	return nil
}

// transaction finds a transaction that a client of the bank may see. An offer that nobody has tried to pay is none.
func (h *halyk) transaction(id, client string) *halykPayment {
	if p := h.payment(id); p != nil && p.begun() && p.terminal.Client == client {
		return p
	}
	return nil
}

// statusID invents the UUID that goes with a status name, once.
func (h *halyk) statusID(name string) string {
	if h.statusIDs[name] == "" {
		h.statusIDs[name] = h.b.guid()
	}
	return h.statusIDs[name]
}

// halykTail is what must be unique of an invoice number: its last six digits.
func halykTail(invoice string) string { return invoice[max(len(invoice)-6, 0):] }

// halykURL is an address of the face as the merchant reaches it.
func halykURL(r *http.Request, path string) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + "/" + strings.TrimPrefix(path, "/")
}
