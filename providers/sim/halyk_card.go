package sim

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	halykUsualCard = "4405639704015096" // what payers pay with unless told otherwise
	halykIssuer    = "HALYK BANK"
)

// HalykCard is a card that payers and encrypted cards can use. Its expiry is a password, not a date: the published ones are past.
type HalykCard struct {
	PAN    string
	Expiry string // MMYY
	CVC    string
	// Decline is the code, of section 6 of the bank's list, with which the issuer always declines. Empty pays.
	Decline string
	// Secure asks for 3-D Secure when the card comes encrypted.
	Secure bool
}

// HalykSavedCard is a card that a customer of the merchant saved with an earlier payment.
type HalykSavedCard struct {
	ID      string // cardId; empty is invented
	Account string // accountId
	PAN     string // of a test card or of one of HalykOptions.Cards
}

// halykTestCards are the five that the bank publishes. Two of them are locked.
func halykTestCards() []HalykCard {
	return []HalykCard{
		{PAN: halykUsualCard, Expiry: "0127", CVC: "321"},
		{PAN: "5522042705066736", Expiry: "0127", CVC: "775"},
		{PAN: "377514500004820", Expiry: "0128", CVC: "0198"},
		{PAN: "4003032704547597", Expiry: "0920", CVC: "170", Decline: halykLocked},
		{PAN: "5578342710750560", Expiry: "0920", CVC: "254", Decline: halykLocked},
	}
}

// mask has three dots in the middle, not asterisks.
func (card *HalykCard) mask() string {
	if len(card.PAN) < 10 {
		return ""
	}
	return card.PAN[:6] + "..." + card.PAN[len(card.PAN)-4:]
}

func (card *HalykCard) brand() string {
	switch card.PAN[:min(1, len(card.PAN))] {
	case "4":
		return "VISA"
	case "5":
		return "MASTERCARD"
	case "3":
		return "AMEX"
	}
	return "OTHER"
}

// halykSaved is a saved card.
type halykSaved struct {
	id, account string
	card        *HalykCard
	created     time.Time
	gone        bool
}

// save saves a card for a customer and returns its id, the same one for the same card.
func (h *halyk) save(account string, card *HalykCard) string {
	for _, s := range h.saved {
		if s.account == account && s.card == card && !s.gone {
			return s.id
		}
	}
	s := &halykSaved{id: h.b.guid(), account: account, card: card, created: time.Now()}
	h.saved = append(h.saved, s)
	return s.id
}

func (h *halyk) savedCard(id string) *halykSaved {
	for _, s := range h.saved {
		if s.id == id && !s.gone {
			return s
		}
	}
	return nil
}

func halykNoCards() reply { return halykRefusal(halykNoSaved, "") }

func (h *halyk) listCards(c *call, w *halykWish) reply {
	halykTwists(c)
	list := []map[string]any{}
	for _, s := range h.saved {
		if s.account == w.id && !s.gone {
			list = append(list, map[string]any{
				"id": s.id, "accountId": s.account, "cardMask": s.card.mask(), "cardType": s.card.brand(), "issuer": halykIssuer,
				"createdDate": halykDate(s.created),
			})
		}
	}
	if len(list) == 0 {
		return halykNoCards()
	}
	return halykJSON(http.StatusOK, list)
}

func (h *halyk) deactivateCard(c *call, w *halykWish) reply {
	halykTwists(c, FaultUnknownStatus)
	s := h.savedCard(w.id)
	if s == nil {
		halykTwists(c)
		return halykNoCards()
	}
	s.gone = true
	return halykDone(c, "")
}

// halykKeyPair is made at its first use and shared by all faces: making one is slow.
var halykKeyPair = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic("sim: halyk key: " + err.Error())
	}
	return key
})

func (h *halyk) showKey(c *call, _ *halykWish) reply {
	halykTwists(c)
	der, err := x509.MarshalPKIXPublicKey(&halykKeyPair().PublicKey)
	if err != nil {
		panic("sim: halyk key: " + err.Error())
	}
	return reply{contentType: "application/x-pem-file", body: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}
}

// cryptogram opens an encrypted card. What is missing or cannot be opened is nil.
func (h *halyk) cryptogram(f halykBody) halykBody {
	for _, name := range []string{HalykCyrillicCryptogram, HalykLatinCryptogram} {
		if f.text(name) == "" || name != cmp.Or(h.opt.CryptogramField, name) {
			continue
		}
		sealed, err := base64.StdEncoding.DecodeString(f.text(name))
		if err != nil {
			return nil
		}
		//nolint:staticcheck // The bank asks for this padding.
		open, err := rsa.DecryptPKCS1v15(nil, halykKeyPair(), sealed)
		if err != nil {
			return nil
		}
		card, _ := readHalykBody(open)
		return card
	}
	return nil
}

// serveSavedCards lists the saved cards on the control surface.
func (h *halyk) serveSavedCards(w http.ResponseWriter, _ *http.Request) {
	h.b.mu.Lock()
	list := []HalykSavedCard{}
	for _, s := range h.saved {
		if !s.gone {
			list = append(list, HalykSavedCard{ID: s.id, Account: s.account, PAN: s.card.PAN})
		}
	}
	h.b.mu.Unlock()
	writeJSON(w, http.StatusOK, list)
}

// saveCard saves a card from the control surface: {"account":"cust-88","pan":"4405639704015096"}.
func (h *halyk) saveCard(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		Account string `json:"account"`
		PAN     string `json:"pan"`
	}
	if err := readJSON(r, &wanted); err != nil {
		badRequest(w, err)
		return
	}
	h.b.mu.Lock()
	card := h.pans[wanted.PAN]
	id := ""
	if card != nil {
		id = h.save(wanted.Account, card)
	}
	h.b.mu.Unlock()
	if card == nil {
		badRequest(w, fmt.Errorf("halyk has no card with this number"))
		return
	}
	writeJSON(w, http.StatusCreated, HalykSavedCard{ID: id, Account: wanted.Account, PAN: wanted.PAN})
}
