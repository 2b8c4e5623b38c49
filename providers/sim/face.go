package sim

import (
	"net/http"
	"time"
)

// Op is an operation as faults and the ledger name it, the same words for every provider.
type Op string

// The operations. "test" marks a provider's own emulator calls and a payer's browser: no fault applies to them.
const (
	OpCreate  Op = "create"  // makes something the payer can pay
	OpCharge  Op = "charge"  // takes money inside the call
	OpStatus  Op = "status"  // asks about one object
	OpRefund  Op = "refund"  // gives money back, and the steps that lead there
	OpCapture Op = "capture" // takes held money
	OpVoid    Op = "void"    // cancels an unpaid object or releases a hold
	OpToken   Op = "token"   // credentials and set-up: tokens, devices, trade points, cards
	OpList    Op = "list"    // asks about many objects
	OpProbe   Op = "probe"   // asks whether the provider is there
	OpTest    Op = "test"
)

// Face is one provider's protocol on the one bank. Only this package can write faces: see Kaspi.
//
// The core calls read, then checks the invariants and the faults, then act or refuse. All of them run with the bank's lock
// held, so they must neither wait nor call the merchant.
type Face interface {
	// Name is the face's name in faults, ledger and addresses: "kaspi".
	Name() string
	// attach hands the face its bank, once, before the first request.
	attach(b *Bank)
	// read says what a request wants. It changes nothing. A request it cannot understand still gets an Op, and act answers it.
	read(r *http.Request, body []byte) *call
	// act does what the request wants and builds the answer, spoiled as c.twist asks
	// (wrong-amount, wrong-reference, bad-signature, unknown-status, or empty). It clears c.twist when the answer
	// has no place for it: a merchant who got a true answer can show the offer.
	act(c *call) reply
	// refuse builds the provider's own answer for a fault under which nothing may happen: FaultCode with code in the
	// provider's words, FaultNotFound, FaultUnauthorized or FaultThrottle (status is the rule's status; 0 means the provider's usual).
	refuse(c *call, kind FaultKind, code string, status int) reply
	// pay lets the payer of object id do something now. Every face understands ActPay, ActDecline, ActPayLate and ActPayAgain,
	// and refuses acts it does not know. An act that comes to nothing at the provider is not an error.
	pay(id, act string) error
	// settleByHand does what the merchant's people can do in the provider's cabinet: take down, release, give back.
	settleByHand(o *Object)
	// retry is the pause before the n-th repetition of a refused notice (n from 1), before TimeScale; false gives up.
	retry(n int) (time.Duration, bool)
	// routes lists extra control endpoints, as patterns of http.ServeMux. They are called without the lock.
	routes() map[string]http.HandlerFunc
}

// call is one request: what the face read from it, and what the core decided about it.
type call struct {
	r    *http.Request
	body []byte

	// Filled by Face.read.
	op        Op
	account   string
	reference string // the merchant's; empty where the protocol carries none
	money     bool   // moves money or makes something payable: Witness is asked (I8)
	create    bool   // begins a new object for the payment (I7)
	inert     bool   // the created object is an offer: nobody can pay it if the answer is lost
	amount    int64
	currency  string
	once      string // I9: may arrive once only, unless it was answered as unprocessed; empty is not checked
	unique    string // I11: the reference under the provider's own uniqueness rule; empty is not checked
	wants     any    // the face's own parsed form

	// Filled by the core.
	payment string
	twist   FaultKind // for act
	code    string    // for act: the rule's code, used by unknown-status
	excused bool

	// Filled by Bank.open.
	created *Object
}

// reply is an answer before faults spoil it.
type reply struct {
	status      int // 0 means 200
	contentType string
	body        []byte
	unprocessed bool // the provider documents that nothing happened and the same request may come again (I9)
	cut         bool // no answer at all: the connection breaks
}
