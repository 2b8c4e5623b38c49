package sim

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// ttpSale is what the bank calls an object: an order with its page, or a payment that the merchant's server makes. An order can
// see several transactions, of which one succeeds at most.
type ttpSale struct {
	*Object
	hold   bool // approval means a hold
	number int  // of an order
	closed bool // of an order: no new transaction can begin

	trying  *ttpTransaction // has begun and is not decided
	reserve bool            // the gateway is about to try its reserve bank
	tries   []*ttpTransaction
	paid    *ttpTransaction // the one that was authorised

	description, accountID, email, phone, name, ip, culture, data string
	saveCard                                                      bool
	success, failure                                              string // where the payer's browser goes
	link                                                          string // the page of an order
}

// ttpTransaction is one transaction: an attempt to pay, or a refund.
type ttpTransaction struct {
	id       int64
	sale     *ttpSale
	refundOf *ttpTransaction // of a refund: the payment
	fallback *ttpTransaction // the refused one after which the reserve bank was tried
	card     *ttpCard
	amount   int64
	status   string
	code     int  // ReasonCode
	agreed   bool // the payer agreed to 3-D Secure
	denied   bool // the payer did not

	created, authorized, confirmed time.Time
	authCode, rrn, token           string
}

// sale finds what has the given id of the bank: an order's Id, or the first TransactionId of a direct payment.
func (t *tiptoppay) sale(id string) *ttpSale {
	for _, s := range t.sales {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// transaction finds one that the gateway knows of.
func (t *tiptoppay) transaction(id int64) *ttpTransaction {
	for _, tx := range t.rows {
		if tx.id == id {
			return tx
		}
	}
	return nil
}

// open puts a new sale into the books.
func (t *tiptoppay) open(c *call, s *ttpSale, o *Object) {
	o.Face, o.Account, o.Phase = t.Name(), t.opt.PublicID, Live
	o.AsksFirst = t.asks(o.Style)
	s.Object = t.b.open(c, o)
	t.sales = append(t.sales, s)
}

func (t *tiptoppay) newID() int64 {
	t.lastID++
	return t.lastID
}

// begin makes a transaction that nobody can find before the merchant has been asked about it.
func (t *tiptoppay) begin(s *ttpSale, card *ttpCard) *ttpTransaction {
	tx := &ttpTransaction{id: t.newID(), sale: s, card: card, amount: s.Amount, status: ttpAwaiting, created: time.Now()}
	s.trying = tx
	return tx
}

// register shows a payment to look-ups and lists.
func (t *tiptoppay) register(tx *ttpTransaction) {
	t.show(tx)
	tx.sale.tries = append(tx.sale.tries, tx)
}

// show puts a transaction in its place among the rows, which is the last one unless the merchant took long to answer Check.
func (t *tiptoppay) show(tx *ttpTransaction) {
	i, _ := slices.BinarySearchFunc(t.rows, tx, func(a, b *ttpTransaction) int {
		return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.id, b.id))
	})
	t.rows = slices.Insert(t.rows, i, tx)
}

// submit lets a transaction go to its issuer, or to 3-D Secure first, unless the merchant's answer to Check refuses it.
func (t *tiptoppay) submit(tx *ttpTransaction, secure bool) {
	refusal := t.ask(tx)
	t.register(tx)
	switch {
	case refusal != 0:
		t.decline(tx, refusal)
	case secure:
		tx.sale.Status = ttpAwaiting
	default:
		t.decide(tx)
	}
}

// decide is the issuer's word.
func (t *tiptoppay) decide(tx *ttpTransaction) {
	if tx.card.declines != 0 {
		t.decline(tx, tx.card.declines)
		return
	}
	t.approve(tx)
}

// move is the only way from one status to the next.
func (t *tiptoppay) move(tx *ttpTransaction, status string, phase Phase) {
	tx.status, tx.sale.Status, tx.sale.Phase = status, status, phase
}

func (tx *ttpTransaction) name() string { return strconv.FormatInt(tx.id, 10) }

// approve takes the money or holds it.
func (t *tiptoppay) approve(tx *ttpTransaction) {
	s := tx.sale
	s.trying, s.paid, tx.code = nil, tx, 0
	tx.authorized, tx.authCode, tx.rrn = time.Now(), "A"+t.b.digits(5), t.b.digits(12)
	tx.token = t.keep(tx)
	if !s.hold {
		tx.confirmed = tx.authorized
		t.b.book(s.Object, KindCharge, tx.name(), tx.amount, "")
		t.move(tx, ttpCompleted, Charged)
		t.tell(TipTopPayPay, tx)
		return
	}
	t.b.book(s.Object, KindAuthorize, tx.name(), tx.amount, "")
	t.move(tx, ttpAuthorized, Held)
	t.tell(TipTopPayPay, tx)
	t.b.after(t.opt.HoldLife, func() { t.release(tx, "hold over") })
	if t.sw.AutoConfirm > 0 {
		t.b.after(time.Duration(t.sw.AutoConfirm), func() { t.capture(tx, tx.amount, "confirmed by the terminal") })
	}
}

// keep saves the card behind a token, if the payer has an account and asked for it on the merchant's page; the gateway's own page
// always does. A card that has a token keeps it.
func (t *tiptoppay) keep(tx *ttpTransaction) string {
	s := tx.sale
	if tx.card.token != "" || s.accountID == "" || s.Style == StyleCharge && !s.saveCard {
		return tx.card.token
	}
	saved := *tx.card
	saved.token, saved.account, saved.declines, saved.secure = "tk_"+t.b.guid(), s.accountID, tx.card.later, false
	t.cards = append(t.cards, &saved)
	return saved.token
}

// decline ends a transaction without money. An order stays payable, and the gateway itself may go on (notes, section 10).
func (t *tiptoppay) decline(tx *ttpTransaction, code int) {
	s := tx.sale
	s.trying, tx.code = nil, code
	s.reserve = t.sw.ReserveBank > 0 && tx.fallback == nil && ttpTechnical(code)
	t.move(tx, ttpDeclined, s.open())
	if !ttpByCheck(code) || t.sw.FailAfterCheck {
		t.tell(TipTopPayFail, tx)
	}
	if s.reserve {
		t.b.after(time.Duration(t.sw.ReserveBank), func() { t.fallBack(tx) })
	}
}

// fallBack pays a refused transaction at the reserve bank, as a transaction of its own.
func (t *tiptoppay) fallBack(refused *ttpTransaction) {
	s, card := refused.sale, *refused.card
	card.declines = 0
	s.reserve = false
	tx := t.begin(s, &card)
	tx.fallback = refused
	t.register(tx)
	t.approve(tx)
}

// open says whether a sale without money can still get some.
func (s *ttpSale) open() Phase {
	if s.reserve || s.trying != nil || s.Style != StyleCharge && !s.closed {
		return Live
	}
	return Dead
}

// capture takes a hold, or a part of it, and lets go of the rest. It does nothing where nothing is held.
func (t *tiptoppay) capture(tx *ttpTransaction, minor int64, note string) {
	s := tx.sale
	if tx.status != ttpAuthorized {
		return
	}
	t.b.book(s.Object, KindCapture, tx.name(), minor, note)
	if rest := s.Authorized - minor; rest > 0 {
		t.b.book(s.Object, KindVoid, tx.name(), rest, "not confirmed")
	}
	tx.amount, tx.confirmed = minor, time.Now()
	t.move(tx, ttpCompleted, Charged)
	t.tell(TipTopPayConfirm, tx)
}

// release gives a whole hold back. It does nothing where nothing is held.
func (t *tiptoppay) release(tx *ttpTransaction, note string) {
	if tx.status != ttpAuthorized {
		return
	}
	t.b.book(tx.sale.Object, KindVoid, tx.name(), tx.amount, note)
	t.move(tx, ttpCancelled, Dead)
	t.tell(TipTopPayCancel, tx)
}

// giveBack makes a refund: a transaction of its own, which leaves the payment Completed.
func (t *tiptoppay) giveBack(tx *ttpTransaction, minor int64, note string) *ttpTransaction {
	now := time.Now()
	back := &ttpTransaction{
		id: t.newID(), sale: tx.sale, refundOf: tx, card: tx.card, amount: minor, status: ttpCompleted,
		created: now, authorized: now, confirmed: now, authCode: tx.authCode, rrn: t.b.digits(12),
	}
	t.show(back)
	if t.sw.RefundsFail {
		back.status, back.code = ttpDeclined, ttpRefundFailed
	} else {
		t.b.book(tx.sale.Object, KindRefund, back.name(), minor, note)
	}
	t.tell(TipTopPayRefund, back)
	return back
}

// shut ends an order: nobody can begin to pay it any more. Who has begun is not stopped.
func (t *tiptoppay) shut(s *ttpSale, status string) {
	s.closed = true
	if len(s.tries) == 0 && s.trying == nil {
		s.Status = status
	}
	if s.Phase == Live {
		s.Phase = s.open()
	}
}

func (t *tiptoppay) settleByHand(o *Object) {
	s := t.sale(o.ID)
	switch {
	case s == nil:
	case s.Phase == Held:
		t.release(s.paid, byHand)
	case s.Phase == Charged && s.Refunded < s.Captured:
		t.giveBack(s.paid, s.Captured-s.Refunded, byHand)
	case s.Phase == Live && s.Style != StyleCharge:
		t.shut(s, ttpCancelled)
	}
}
