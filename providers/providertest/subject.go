package providertest

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
)

// NotifyURL is the gateway's webhook address in every question. A face that is told
// by its options where notices go must be given this one.
const NotifyURL = "http://merchant.example/webhooks/gateway"

// Dial is an adapter's only way to its bank.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Subject is one configured account under test.
type Subject struct {
	// Gateway names the account in records and tables: "kaspi r3". A variant, which is
	// another account or bank of the same kind, adds itself after a comma: "kaspi r3, own
	// device".
	Gateway string
	// Bank makes the bank's side for a question about the method, anew for every
	// question. The method is empty where the question is about none.
	Bank func(m providers.Method) sim.Face
	// New makes the adapter, which must reach the bank through dial alone.
	New func(dial Dial) (providers.Provider, error)
	// Secrets are the values that must be printed nowhere, the saved cards included.
	Secrets []string

	// Only restricts the questions to these methods, for a second bank that differs in
	// little. Default: all that are claimed.
	Only []providers.Method
	// Amount is what is asked for. Default 15 490.37 of the first currency claimed: a
	// sum that binary floating point cannot hold.
	Amount providers.Money
	// Card is a saved instrument that pays, Hard and Soft are two that decline for
	// good and for now. Required where providers.Instrument is claimed.
	Card, Hard, Soft providers.Token
	// Customer is whose saved instruments they are.
	Customer string
	// Holds says that this account takes nothing but holds, so that only two-stage
	// payments are asked for.
	Holds bool

	// ByExternal says that the provider finds an attempt by its own id alone: when the
	// id is lost nothing can be asked.
	ByExternal bool
	// Inert are methods whose creating call fetches only what the payer would be handed,
	// while nothing comes into being at the provider. Its loss then proves that nothing
	// was offered, so that Unserved is true and not only Unknown.
	Inert []providers.Method
	// Composed are methods whose offers we compose alone: nothing arrives at the bank until a
	// payer opens the address.
	Composed []providers.Method
	// Wordless says that captures, voids and refunds are documented to succeed by HTTP 200
	// alone, whatever the answer says or does not say.
	Wordless bool
	// HidesRefunds says that no look-up need tell the sum returned, so that Unknown is an
	// honest answer about a refund.
	HidesRefunds bool
	// Ask plays the bank of an ask-first method. Required where one is claimed.
	Ask func(bank *sim.Bank, q Question) (Made, error)
	// Elsewhere is another merchant's account at the same provider, with the same
	// secrets: what it is told is not meant for the subject. Nil where notices name no
	// account.
	Elsewhere *Subject
}

// Question is what the bank of an ask-first method does: it asks us, or it debits the
// payer and tells us.
type Question struct {
	Debit   bool
	Account string // what the payer typed
	Amount  providers.Money
}

// Made is what that bank made of our answer.
type Made struct {
	Allowed  bool // to a question: the payer may pay. To a debit: the money is ours
	Returned bool // the payer has the money back
	Waiting  bool // the bank asks again
}

func (s Subject) withDefaults(c providers.Claims) Subject {
	if s.Amount.Currency == "" && len(c.Currencies) > 0 {
		s.Amount = providers.Money{Minor: 15490_37, Currency: c.Currencies[0]}
	}
	return s
}

// validate says what the suite could not work with.
func (s Subject) validate(c providers.Claims) error {
	var wrong []error
	if s.Gateway == "" || s.Bank == nil || s.New == nil {
		return errors.New("providertest: Gateway, Bank and New are required")
	}
	if c.Method(providers.Instrument).Flow != providers.Unclaimed {
		for _, card := range []providers.Token{s.Card, s.Hard, s.Soft} {
			if card.Value.Empty() {
				wrong = append(wrong, errors.New("providertest: saved instruments are claimed: Card, Hard and Soft are required"))
				break
			}
		}
	}
	for _, m := range c.Methods {
		if m.Flow == providers.AskFirst && s.Ask == nil {
			wrong = append(wrong, errors.New("providertest: an ask-first method is claimed: Ask is required"))
		}
	}
	if len(c.Currencies) == 0 {
		wrong = append(wrong, errors.New("providertest: no currency is claimed"))
	}
	return errors.Join(wrong...)
}

// Run asks everything that the subject claims, and returns what was verified.
func Run(t *testing.T, s Subject) Record {
	t.Helper()
	if s.New == nil {
		t.Fatal("providertest: New is required")
	}
	p, err := s.New(func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed })
	if err != nil {
		t.Fatal(err)
	}
	claims := p.Claims()
	if err := s.validate(claims); err != nil {
		t.Fatal(err)
	}
	s = s.withDefaults(claims)
	q := &suite{subject: s, claims: claims, provider: p, record: &Record{Gateway: s.Gateway}}
	for _, ask := range []func(*testing.T){
		q.promises, q.references, q.sendings, q.offers, q.withdrawals, q.directs, q.questions, q.lookups, q.holds, q.refunds,
		q.repeats, q.notices, q.forgeries, q.strangeNotices, q.probes, q.forgettings, q.statements, q.blanks, q.confidences, q.crowds,
	} {
		ask(t)
	}
	q.record.fill(q)
	return *q.record
}
