package simulation

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/payment"
)

// atRest holds everything against everything, once all trouble is over and all that can
// be decided is decided: the gateways' ledgers, the events, what the clients were told,
// and the database's by-products.
func (w *world) atRest() {
	ledger := w.bank.Ledger()
	for _, p := range w.keep.all() {
		w.restOf(p, ledger)
	}
	w.orphans(ledger)
	w.restOfWindow(ledger)
	w.notices()
	w.clientsLog()
	w.byProducts()
	w.canary()
}

// chargedTwice counts payments for which two attempts took money, and no gateway had
// broken its promise.
const chargedTwice = "payments charged twice"

// restOf is I1, I6 and L1 for one payment.
func (w *world) restOf(p payment.Payment, ledger sim.Ledger) {
	name, excused := w.keep.name(p.ID), w.excused(p.ID)
	taken, charged, unheard := 0, 0, 0
	status := p.Status()
	over := status == payment.StatusCanceled || status == payment.StatusFailed || status == payment.StatusDeclined
	var all int64
	for _, a := range p.Attempts {
		net, held := w.money(a)
		w.givenBack(p, a)
		all += net + held
		if net+held > 0 {
			taken++
		}
		if w.everCharged(a, ledger) && !w.excusedAttempt(a) {
			charged++
		}
		open := disputed(p, a)
		known, holds := int64(0), int64(0)
		switch a.Verdict {
		case providers.Approved:
			known = a.Captured - returnedOf(p, a)
		case providers.Held:
			holds = a.Held
		}
		switch {
		case known == net && (holds == held || holds > 0 && held > 0):
		case w.excusedAttempt(a) && !a.Verdict.HasMoney() && !w.toldOf(a):
			unheard++
			w.count("money that only a statement can show") // the gateway broke its word, and its notice was lost
		case open:
			w.count("difference with an open finding")
		case w.byHand(a):
			w.count("debit of our books that the bank's people settle") // our answer never reached it, and a statement shows it
		case w.lostWindow().payments[p.ID]:
			w.count("difference of a lost window")
		default:
			w.violated("I6", "%s #%d at %s: the gateway has %d (held %d), the books say %s %d (held %d)", name, a.N, a.Gateway, net, held, a.Verdict, known, holds)
		}
		if over && known+holds > 0 && !withPeopleAbout(p, a.N) {
			w.violated("I1", "%s is %s, and %s keeps %d (held %d) of it with nobody told", name, status, a.Gateway, known, holds)
		}
	}
	if charged > 1 {
		w.count(chargedTwice)
		w.violated("I1", "%s: %d attempts were charged", name, charged)
	}
	if taken > 1 && !excused || all > p.Amount.Minor && !excused {
		w.violated("I1", "%s: %d attempts hold money, %d of %d in all", name, taken, all, p.Amount.Minor)
	}
	if excused && taken-unheard > 1 && len(p.Findings) == 0 {
		w.violated("I1", "%s: a gateway broke its promise and no finding says so", name)
	}
	_, open := p.OpenAttempt()
	if (open || !status.Final() && status != payment.StatusHeld) && !withPeople(p) {
		w.violated("L1", "%s is %s long after all trouble is over, and with nobody", name, status)
	}
	if refundWaits(p) {
		w.violated("L1", "%s: a refund is pending long after all trouble is over, and with nobody", name)
	}
}

// disputed reports whether people have yet to say what the money of an attempt is.
func disputed(p payment.Payment, a payment.Attempt) bool {
	undecided := a.Open() || slices.ContainsFunc(p.Operations, func(o payment.Operation) bool { return o.Attempt == a.N && !o.Settled() })
	return p.Found(payment.Undecided, a.N) && undecided || p.Found(payment.AmountDiffers, a.N) && (a.Differs || a.WasHeld) || // of a hold less may be captured, and a lying answer says how much
		p.Found(payment.ReturnExpected, a.N) && a.Flow == providers.AskFirst
}

// givenBack is I6 for refunds: a gateway gave back what our refunds asked for and nothing
// else. Only a bank that asked us first takes back its own debits.
func (w *world) givenBack(p payment.Payment, a payment.Attempt) {
	lost := w.lostWindow() // whose refunds the books do not know, and people gave back what they did not know
	if a.Flow == providers.AskFirst || lost.payments[p.ID] || lost.attempts[a.Gateway+"\x00"+a.Reference] {
		return
	}
	var asked, given int64
	for _, o := range p.Operations {
		if o.Attempt == a.N && o.Op == payment.OpRefund && o.Verdict != providers.Declined && o.Verdict != providers.Unserved {
			asked += o.Amount.Minor
		}
	}
	for _, o := range w.bank.Ledger().Objects {
		if o.Face+"-main" == a.Gateway && order(o.Reference) == a.Reference {
			given += o.Refunded
		}
	}
	if given > asked {
		w.violated("I6", "%s #%d: %s gave back %d, and the refunds that may have been made come to %d", w.keep.name(p.ID), a.N, a.Gateway, given, asked)
	}
}

// toldOf reports whether the gateway told us of the attempt after its last movement, and
// was thanked for it.
func (w *world) toldOf(a payment.Attempt) bool {
	var last time.Time
	for _, e := range w.bank.Ledger().Entries {
		if e.Face+"-main" == a.Gateway && order(e.Reference) == a.Reference {
			last = e.Time
		}
	}
	return slices.ContainsFunc(w.bank.Deliveries(), func(n sim.Notice) bool {
		return n.Face+"-main" == a.Gateway && order(n.Reference) == a.Reference && n.State == "accepted" && !n.Forged && !n.Created.Before(last)
	})
}

// notices is I2 for senders: a notice that we thanked for is in the books, raw.
func (w *world) notices() {
	stored := map[string]bool{}
	for _, row := range w.db.ask(`SELECT body FROM notices`) {
		if body, ok := row[0].([]byte); ok {
			stored[string(body)] = true
		}
	}
	for _, n := range w.bank.Deliveries() {
		if n.State == "accepted" && !stored[n.Body] && !n.Created.Before(w.lostWindow().cut) {
			w.violated("I2", "a notice of %s about %s was acknowledged and is not in the books", n.Face, n.Reference)
		}
	}
}

func returnedOf(p payment.Payment, a payment.Attempt) int64 {
	var known int64
	for _, o := range p.Operations {
		if o.Attempt == a.N && o.Op == payment.OpRefund && o.Verdict == providers.Approved {
			known += o.Amount.Minor
		}
	}
	return max(known, a.Returned)
}

func (w *world) everCharged(a payment.Attempt, ledger sim.Ledger) bool {
	return slices.ContainsFunc(ledger.Entries, func(e sim.Entry) bool {
		return e.Face+"-main" == a.Gateway && order(e.Reference) == a.Reference && (e.Kind == sim.KindCharge || e.Kind == sim.KindAuthorize)
	})
}

// orphans is I6 the other way round: whatever moved money is an attempt of ours.
func (w *world) orphans(ledger sim.Ledger) {
	for _, e := range ledger.Entries {
		where, p, ok := w.keep.find(e.Face, e.Reference)
		if !ok && w.isLost(e.Face, e.Reference) {
			continue
		}
		if !ok {
			w.violated("I6", "%s %s %s %d belongs to no attempt", e.Face, e.Kind, e.Reference, e.AmountMinor)
			continue
		}
		if e.AmountMinor > p.Amount.Minor || e.Currency != p.Amount.Currency {
			w.violated("I6", "%s #%d: %s %d %s of %s", w.keep.name(p.ID), where.n, e.Kind, e.AmountMinor, e.Currency, p.Amount)
		}
	}
}

// clientsLog is I2 and I3: what clients were told is in the books, one key is one
// payment, and nothing goes backward.
func (w *world) clientsLog() {
	all := map[string]payment.Payment{}
	for _, p := range w.keep.all() {
		all["payments/"+p.ID] = p
	}
	first := map[string]string{}
	byKey := map[string][]told{}
	for _, t := range w.told {
		if w.forgotten(t.about(), t.at) {
			continue
		}
		if t.refund != nil {
			w.refundKept(t, all)
			continue
		}
		p, ok := all[t.payment.GetName()]
		switch {
		case !ok:
			w.violated("I2", "%s was acknowledged and is not in the books", t.payment.GetName())
			continue
		case p.Seq < t.payment.GetSequence():
			w.violated("I2", "%s was acknowledged at %d and the books end at %d", w.keep.name(p.ID), t.payment.GetSequence(), p.Seq)
		case p.Tenant+"\x00"+p.RequestID != t.key:
			w.violated("I3", "the key of one payment was answered with another, %s", w.keep.name(p.ID))
		}
		if other, again := first[t.key]; again && other != t.payment.GetName() {
			w.violated("I3", "one key was answered with %s and %s", other, t.payment.GetName())
		}
		first[t.key] = t.payment.GetName()
		byKey[t.key] = append(byKey[t.key], t)
	}
	for _, answers := range byKey {
		w.newerOnly(answers)
		slices.SortStableFunc(answers, func(a, b told) int { return int(a.payment.GetSequence() - b.payment.GetSequence()) })
		for i := 1; i < len(answers); i++ {
			a, b := answers[i-1].payment, answers[i].payment
			backward := a.GetPaid().GetMinorUnits() > b.GetPaid().GetMinorUnits() || a.GetRefunded().GetMinorUnits() > b.GetRefunded().GetMinorUnits()
			if final := a.GetState() >= 4; final && a.GetState() != b.GetState() || backward {
				w.violated("I3", "a client heard %s and then %s of %s", a, b, a.GetName())
			}
		}
	}
}

// newerOnly is I3 for one client after another: who asks after another was answered hears
// nothing older, whichever replica each of them asks.
func (w *world) newerOnly(answers []told) {
	for _, a := range answers {
		for _, b := range answers {
			if !b.began.Before(a.at) && b.payment.GetSequence() < a.payment.GetSequence() {
				w.violated("I3", "%s was told at %d, and later at %d", a.payment.GetName(), a.payment.GetSequence(), b.payment.GetSequence())
			}
		}
	}
}

func (w *world) refundKept(t told, all map[string]payment.Payment) {
	parent, id, _ := strings.Cut(t.refund.GetName(), "/refunds/")
	p, ok := all[parent]
	r, found := p.FindRefund(id)
	switch told := t.refund.GetState(); {
	case !ok || !found || r.Amount.Minor != t.refund.GetAmount().GetMinorUnits():
		w.violated("I2", "refund %s was acknowledged and is not in the books", t.refund.GetName())
	case told == pb.Refund_STATE_DONE && r.State != payment.RefundDone,
		told == pb.Refund_STATE_FAILED && r.State != payment.RefundFailed && !slices.ContainsFunc(p.Findings, func(f payment.Finding) bool { return f.Kind == payment.ReturnedElsewhere }):
		w.violated("I3", "refund %s was told to be %s, and is %s", t.refund.GetName(), told, r.State)
	}
}

// byProducts compares the rows that are derived from events with the events.
func (w *world) byProducts() {
	rows := map[string][]any{}
	for _, r := range w.db.ask(`SELECT id, status, seq, at_risk FROM payments`) {
		rows[r[0].(string)] = []any{r[1], r[2], r[3]}
	}
	for _, p := range w.keep.all() {
		risk := slices.ContainsFunc(p.Attempts, payment.Attempt.AtRisk)
		row, ok := rows[p.ID]
		if !ok || row[0] != string(p.Status()) || row[1] != p.Seq || (row[2] == true || row[2] == int64(1)) != risk {
			w.violated("I5", "the row of %s is %v, its events say %s %d %t", w.keep.name(p.ID), row, p.Status(), p.Seq, risk)
		}
	}
	for _, of := range []struct{ table, id string }{{"payments", "id"}, {"requests", "payment_id"}, {"attempts", "payment_id"}, {"outbox", "payment_id"}} {
		for _, r := range w.db.ask(`SELECT DISTINCT ` + of.id + ` FROM ` + of.table + ` WHERE ` + of.id + ` NOT IN (SELECT payment_id FROM events)`) {
			w.violated("I5", "%s holds a row of %s, which has no events", of.table, r[0]) // half of a write
		}
	}
}

// canary is I13: nothing that names the payer or opens a door stands in the logs.
func (w *world) canary() {
	w.mu.Lock()
	logs := w.logs.String()
	w.mu.Unlock()
	hidden := w.accounts.Secrets()
	hidden["payer's phone"], hidden["payer's e-mail"] = phone[2:], email
	for what, secret := range hidden {
		if i := strings.Index(logs, secret); i >= 0 {
			w.violated("I13", "the %s is in the log: …%s…", what, logs[max(0, i-80):min(len(logs), i+80)])
		}
	}
}

// tellAgain delivers every notice that was taken once more: nothing may change.
func (w *world) tellAgain() {
	before := w.standing()
	w.mu.Lock()
	again := slices.Clone(w.delivered)
	w.mu.Unlock()
	for i, d := range again {
		if !d.taken {
			continue
		}
		answer, err := w.deliver(d, i)
		if err != nil || answer.StatusCode >= http.StatusInternalServerError {
			w.violated("I5", "a repeated notice is not taken")
		}
		_ = w.wait(context.Background(), 50*time.Millisecond)
	}
	time.Sleep(time.Minute)
	for i, after := range w.standing() {
		if after != before[i] {
			w.violated("I5", "p%d stood as %s, and after all notices were delivered again as %s", i+1, before[i], after)
		}
	}
}

// standing says how each payment stands. A look that found nothing new is no change: a
// hint makes us look, and each look is written down.
func (w *world) standing() []string {
	var all []string
	lost := w.lostWindow().payments
	for _, p := range w.keep.all() {
		if lost[p.ID] || w.excused(p.ID) { // a notice may show what the books lost, or money that came against a gateway's word
			all = append(all, "it may")
			continue
		}
		if w.ruled[p.ID] { // a look may contradict people, and says so; the money stays what it was
			all = append(all, fmt.Sprint(p.Sums()))
			continue
		}
		text := fmt.Sprint(p.Status(), p.Sums(), len(p.Attempts), len(p.Operations), p.Refunds)
		for _, f := range p.Findings {
			if f.Kind != payment.Undecided { // which time brings, and no notice
				text += fmt.Sprint(" ", f.Kind, f.Attempt)
			}
		}
		all = append(all, text)
	}
	return all
}
