package sim

import (
	"net/http"
	"slices"
	"time"
)

// wrongStatusLater is when the callback of a card/direct comes that was answered with EX-1001.
const wrongStatusLater = time.Minute

// readCardInit begins nothing that anybody could pay: only card/direct and card/pay do, and the invariants are asked there.
func (f *freedompay) readCardInit(c *call, q *fpRequest) {
	q.begins(c)
	c.money, c.create, c.once = false, false, ""
}

// cardInit is card/init: no money moves, and nobody but the merchant can go on.
func (f *freedompay) cardInit(c *call, q *fpRequest) fpMessage {
	w, no := f.wish(q.m)
	card := f.card(q.m.text("pg_card_token"), w.user)
	switch {
	case no != "":
	case w.order == "" || w.user == "" || q.m.text("pg_card_token") == "":
		no = fpMissing
	case card == nil:
		no = fpBadCard
	case f.sw.UniqueOrders && q.p != nil:
		no = fpNotUnique
	}
	if no != "" {
		return fpSorry(no)
	}
	p := f.open(c, w, StyleCharge)
	p.saved, p.Unseen = card, true
	return fpFine(fpLeaf("pg_payment_id", p.ID))
}

// card finds a saved card of a user.
func (f *freedompay) card(token, user string) *fpCard {
	i := slices.IndexFunc(f.cards, func(card *fpCard) bool { return card.token == token && card.user == user })
	if i < 0 {
		return nil
	}
	return f.cards[i]
}

// readDirect fills a call that goes on from card/init: now the payment begins.
func (f *freedompay) readDirect(c *call, q *fpRequest) {
	q.about(c)
	c.money, c.create, c.inert = true, true, q.route.op == OpCreate
	if q.p != nil && q.p.saved != nil && c.reference != "" {
		c.once = "order/" + c.reference
	}
}

// goOn takes a payment from card/init on, once.
func (f *freedompay) goOn(c *call, q *fpRequest) (no string) {
	p := q.p
	switch {
	case q.m.text("pg_payment_id") == "":
		return fpMissing
	case p == nil:
		return fpNotFound
	case p.saved == nil:
		return fpIncorrect
	case p.Status == fpIncomplete:
		return fpLifetimeOver
	case p.Status != fpNew || p.Style == StyleOffer:
		return fpWrongStatus
	}
	p.Unseen, p.Payment, p.Excused = false, c.payment, p.Excused || c.excused
	return ""
}

// direct is card/direct: the money moves inside the call, unless the merchant wants to be asked first or the switch makes it wait.
func (f *freedompay) direct(c *call, q *fpRequest) fpMessage {
	if no := f.goOn(c, q); no != "" {
		return fpSorry(no)
	}
	f.chargeSaved(q.p, q.p.saved)
	return f.charged(q.p)
}

// chargeSaved takes the money of a saved card now or later.
func (f *freedompay) chargeSaved(p *fpPayment, card *fpCard) {
	f.begin(p, card)
	if f.sw.DirectPends > 0 {
		f.b.after(time.Duration(f.sw.DirectPends), func() { f.decide(p) })
		return
	}
	f.decide(p)
}

// charged answers with what became of a charge.
func (f *freedompay) charged(p *fpPayment) fpMessage {
	switch {
	case f.sw.WrongStatus:
		return fpSorry(fpWrongStatus)
	case f.sw.BareErrors && p.Status == fpError:
		return fpSorry(p.failure)
	}
	return fpFine(f.view(p)...)
}

// cardPay is card/pay: the payer confirms on a page.
func (f *freedompay) cardPay(c *call, q *fpRequest) fpMessage {
	if no := f.goOn(c, q); no != "" {
		return fpSorry(no)
	}
	q.p.Style, c.created = StyleOffer, q.p.Object
	return f.offered(c, q.p)
}

func (f *freedompay) readRecurring(c *call, q *fpRequest) {
	q.begins(c)
	c.currency = f.opt.Currencies[0]
}

// recur is make_recurring_payment. Its answer is short: what became of the payment is for status calls and callbacks to say.
func (f *freedompay) recur(c *call, q *fpRequest) fpMessage {
	w, no := f.wish(q.m)
	card := f.profiles[q.m.text("pg_recurring_profile")]
	switch {
	case no != "":
	case w.order == "" || q.m.text("pg_recurring_profile") == "":
		no = fpMissing
	case card == nil:
		no = fpBadCard
	case !card.until.IsZero() && !time.Now().Before(card.until):
		no = fpProfileOver
	case f.sw.UniqueOrders && q.p != nil:
		no = fpNotUnique
	}
	if no != "" {
		return fpSorry(no)
	}
	p := f.open(c, w, StyleCharge)
	f.chargeSaved(p, card)
	if m := f.charged(p); m.text("pg_status") != "ok" {
		return m
	}
	return fpFine(fpLeaf("pg_payment_id", p.ID))
}

// addCard is cardstorage/add and add2: a page on which the payer enters a card.
func (f *freedompay) addCard(c *call, q *fpRequest) fpMessage {
	user, post := q.m.text("pg_user_id"), q.m.text("pg_post_link")
	switch {
	case user == "":
		return fpSorry(fpMissing)
	case !fpUserID.MatchString(user), !fpURLs(post, q.m.text("pg_back_link")):
		return fpSorry(fpBadParameter)
	}
	customer := f.b.guid()
	f.pages[customer] = &fpPage{user: user, post: post, back: q.m.text("pg_back_link")}
	return fpFine(
		fpLeaf("pg_redirect_url", f.address(c.r, customer)),
		fpLeaf("pg_redirect_url_type", "need data"),
	)
}

// save keeps a card for a user and tells the merchant its token.
func (f *freedompay) save(page *fpPage) {
	card := &fpCard{token: f.b.guid(), user: page.user, pan: fpUsualPan, brand: fpUsualBrand}
	f.cards = append(f.cards, card)
	page.saved = true
	f.tell(&fpDispatch{kind: fpCardSaved, url: page.post, method: http.MethodPost, content: append(fpMessage{fpLeaf("pg_result", "1")}, card.fields()...)})
}

// fields are how a saved card is told.
func (card *fpCard) fields() fpMessage {
	m := fpMessage{}
	m.add("pg_user_id", card.user)
	m.add("pg_card_token", card.token)
	m.add("pg_card_pan", card.pan)
	m.add("pg_card_exp", fpUsualExp)
	m.add("pg_card_brand", card.brand)
	return m
}

func (f *freedompay) listCards(_ *call, q *fpRequest) fpMessage {
	user := q.m.text("pg_user_id")
	if user == "" {
		return fpSorry(fpMissing)
	}
	m := fpFine()
	for _, card := range f.cards {
		if card.user == user {
			m = append(m, fpField{name: "card", inner: card.fields()})
		}
	}
	return m
}

func (f *freedompay) removeCard(_ *call, q *fpRequest) fpMessage {
	card := f.card(q.m.text("pg_card_token"), q.m.text("pg_user_id"))
	if card == nil {
		return fpSorry(fpBadCard)
	}
	f.cards = slices.DeleteFunc(f.cards, func(other *fpCard) bool { return other == card })
	return fpFine(fpLeaf("pg_card_token", card.token))
}
