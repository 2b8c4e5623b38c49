package journal_test

import (
	"context"
	"errors"
	"math/bits"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/audit"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// user uses books in every way that there is.
type user struct {
	*journal.Store
	t   *testing.T
	ctx context.Context
	run journal.Run
	imp journal.Import
}

// use is one method of Store, called so that it sends all statements that it can.
type use struct {
	method string
	call   func(u *user)
}

// ok fails the test for an error that is no answer of the books.
func (u *user) ok(err error) {
	u.t.Helper()
	for _, answer := range []error{journal.ErrNotFound, journal.ErrStale, journal.ErrLost, journal.ErrRepeated, journal.ErrBusy, journal.ErrOffset, journal.ErrKnown} {
		if errors.Is(err, answer) {
			return
		}
	}
	must(u.t, err)
}

// each calls do with every choice of up to two of n things, and with all of them.
func each(n int, do func(has func(int) bool)) {
	for set := range 1 << n {
		if bits.OnesCount(uint(set)) <= 2 || set == 1<<n-1 {
			do(func(i int) bool { return set&(1<<i) != 0 })
		}
	}
}

// given is a value or, where it was not chosen, nothing.
func given[V any](has bool, v V) (zero V) {
	if has {
		return v
	}
	return zero
}

// append appends to a payment.
func (u *user) append(id string, bodies ...payment.Body) {
	u.t.Helper()
	p, err := u.Get(u.ctx, id)
	must(u.t, err)
	_, err = u.Advance(u.ctx, p, func(payment.Payment) (events []payment.Event, _ error) {
		for i, b := range bodies {
			events = append(events, payment.Event{At: start.Add(time.Duration(i+1) * time.Minute), Actor: "test", Body: b})
		}
		return events, nil
	})
	must(u.t, err)
}

// week is the time that questions are about, and page how much is asked for.
var week = providers.Window{From: start.Add(-7 * 24 * time.Hour), To: start}

const page = 50

// uses are the methods of Store in an order in which they find something to do.
func uses() []use {
	return append(append(usesOfPayments(), usesOfBooks()...), usesOfShelves()...)
}

func usesOfPayments() []use {
	return []use{
		{"Open", func(u *user) {
			for _, id := range []string{"a", "b", "w", "x"} {
				r, e := open(id, "order-"+id)
				_, err := u.Open(u.ctx, r, providers.Payer{}, e)
				must(u.t, err)
			}
			r, e := open("again", "order-a") // an order that is taken, and why
			var taken *journal.OrderTakenError
			if _, err := u.Open(u.ctx, r, providers.Payer{}, e); !errors.As(err, &taken) {
				u.t.Error(err)
			}
			r, e = open("b", "order-b")
			_, err := u.Open(u.ctx, r, providers.Payer{}, e)
			u.ok(err)
		}},
		{"Advance", func(u *user) {
			route := []payment.Choice{{Gateway: "halyk-main", Why: payment.WhyBreakerOpen}}
			u.append("a", payment.Planned{Attempt: 1, Gateway: shop, Provider: "kaspi", Method: providers.QR, Flow: providers.Offer, Reference: "ref-a", Route: route},
				payment.Observed{Attempt: 1, Source: payment.FromNotice, Verdict: providers.Approved, External: "x-a"})
			u.append("x", payment.Planned{Attempt: 1, Gateway: shop, Provider: "kaspi", Method: providers.QR, Flow: providers.Offer, Reference: "ref-x"},
				payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: providers.Unserved, Reason: providers.NotSent})
			old, err := u.Get(u.ctx, "a")
			must(u.t, err)
			u.append("a", payment.RefundRequested{Refund: "f", RequestID: "f", Amount: kzt(1500)},
				payment.OperationPlanned{Operation: 1, Op: payment.OpRefund, Attempt: 1, Amount: kzt(1500), Refund: "f", Reference: "own-a"})
			_, err = u.Store.Advance(u.ctx, old, func(p payment.Payment) ([]payment.Event, error) { // somebody was faster
				if p.Seq > old.Seq {
					return nil, nil
				}
				return []payment.Event{{At: start.Add(time.Hour), Actor: "test", Body: payment.Observed{Attempt: 1, Source: payment.FromLookup, Verdict: providers.Declined}}}, nil
			})
			must(u.t, err)
			u.append("a", payment.Observed{Attempt: 1, Source: payment.FromLookup, Verdict: providers.Declined, Reason: providers.UnknownCode, Code: "77"}) // a finding
			hungUp, cancel := context.WithCancel(u.ctx)
			_, err = u.Store.Advance(hungUp, old, func(p payment.Payment) ([]payment.Event, error) { // did it commit?
				cancel()
				return []payment.Event{{At: start, Actor: "test", Body: payment.Observed{Attempt: 1}}}, nil
			})
			if err == nil {
				u.t.Error("a commit for a caller that hung up before it")
			}
		}},
		{"AdvanceOnce", func(u *user) {
			p, err := u.Get(u.ctx, "b")
			must(u.t, err)
			for range 2 {
				_, err = u.AdvanceOnce(u.ctx, journal.Request{Tenant: "shop", ID: "once", Kind: "cancel"}, p, planned("ref-b"))
				u.ok(err)
			}
		}},
		{"Repeated", func(u *user) { _, err := u.Repeated(u.ctx, journal.Request{Tenant: "shop", ID: "r-a"}); u.expect(err) }},
		{"Request", func(u *user) { _, _, err := u.Request(u.ctx, "shop", "r-a"); u.ok(err) }},
		{"LookOver", func(u *user) { _, err := u.LookOver(u.ctx); u.ok(err) }},
		{"Clock", func(u *user) { _, err := u.Clock(u.ctx); u.ok(err) }},
		{"Events", func(u *user) { _, err := u.Events(u.ctx, "a"); u.ok(err) }},
		{"Get", func(u *user) { _, err := u.Get(u.ctx, "a"); u.ok(err) }},
		{"GetMany", func(u *user) { _, err := u.GetMany(u.ctx, []string{"a", "b"}); u.ok(err) }},
		{"Seq", func(u *user) { _, err := u.Seq(u.ctx, "a"); u.ok(err) }},
		{"Payer", func(u *user) { _, err := u.Payer(u.ctx, "a"); u.ok(err) }},
		{"Orders", func(u *user) { _, err := u.Orders(u.ctx, []string{"a", "b"}); u.ok(err) }},
		{"FindAttempt", func(u *user) {
			for _, ref := range []providers.Ref{{Order: "ref-a"}, {External: "x-a"}} {
				_, _, err := u.FindAttempt(u.ctx, shop, ref)
				u.ok(err)
			}
		}},
		{"List", func(u *user) {
			each(7, func(has func(int) bool) {
				f := journal.Filter{Tenant: "shop", Status: given(has(0), payment.StatusProcessing), Gateway: given(has(1), shop), Order: given(has(2), "order-a"),
					CreatedFrom: given(has(3), week.From), CreatedBefore: given(has(4), week.To), AtRisk: has(5)}
				for _, few := range []int{2000, 0} { // the gateway had few attempts, or many
					journal.Few(u.Store, few)
					_, err := u.List(u.ctx, f, given(has(6), journal.Cursor{Created: start, ID: "b"}), page)
					u.ok(err)
				}
			})
			_, err := u.List(u.ctx, journal.Filter{Tenant: "shop", Status: payment.StatusPaid}, journal.Cursor{}, page)
			u.ok(err)
		}},
		{"AtRisk", func(u *user) { _, err := u.AtRisk(u.ctx); u.ok(err) }},
		{"LiveOffers", func(u *user) { _, _, err := u.LiveOffers(u.ctx, shop); u.ok(err) }},
		{"LiveOfferPayments", func(u *user) { _, err := u.LiveOfferPayments(u.ctx, shop, page); u.ok(err) }},
		{"UnknownCodes", func(u *user) { _, err := u.UnknownCodes(u.ctx, shop, page); u.ok(err) }},
		{"DueAt", func(u *user) { _, err := u.DueAt(u.ctx, start); u.ok(err) }},
		{"Claim", func(u *user) {
			for _, gateways := range [][]string{nil, {shop}, {shop, "halyk-main"}} {
				_, err := u.Claim(u.ctx, start, start.Add(time.Minute), 16, gateways...)
				u.ok(err)
			}
		}},
		{"Defer", func(u *user) { u.ok(u.Defer(u.ctx, "a", 1, start, start)) }},
		{"Wake", func(u *user) { u.ok(u.Wake(u.ctx, "a", start)) }},
		{"WakeOpen", func(u *user) { _, err := u.WakeOpen(u.ctx, shop, start, map[string]bool{}); u.ok(err) }},
		{"Take", func(u *user) { _, err := u.Take(u.ctx, shop, 10); u.ok(err) }},
		{"Lease", func(u *user) { _, err := u.Lease(u.ctx, "sequencer", "me", start, time.Minute); u.ok(err) }},
		{"Release", func(u *user) { u.ok(u.Release(u.ctx, "sequencer", "me")) }},
		{"Number", func(u *user) { _, err := u.Number(u.ctx, start, 256); u.ok(err) }},
		{"Changes", func(u *user) { _, err := u.Changes(u.ctx, "shop", 1, page); u.ok(err) }},
		{"Signals", func(u *user) {
			for _, signal := range []journal.Signal{journal.Diverted, journal.Unserved} {
				_, err := u.Signals(u.ctx, shop, signal, business)
				u.ok(err)
			}
		}},
		{"Erased", func(u *user) { _, err := u.Erased(u.ctx, "a"); u.ok(err) }},
	}
}

// expect takes a repetition for what it is.
func (u *user) expect(err error) {
	var reused *journal.ReusedError
	if !errors.As(err, &reused) {
		u.ok(err)
	}
}

// usesOfBooks are those of the gateways' own books, and of what is found in them.
func usesOfBooks() []use {
	return []use{
		{"StartRun", func(u *user) {
			for _, id := range []string{"one", "one", "two"} { // the same call again, and a day that is being run
				r := newRun(id)
				_, _, err := u.StartRun(u.ctx, r)
				u.ok(err)
			}
		}},
		{"RunDue", func(u *user) { _, err := u.RunDue(u.ctx, start); u.ok(err) }},
		{"ClaimRun", func(u *user) {
			var err error
			u.run, err = u.ClaimRun(u.ctx, "me", start, time.Minute, []string{shop})
			must(u.t, err)
		}},
		{"Run", func(u *user) { _, err := u.Run(u.ctx, "one"); u.ok(err) }},
		{"BeatRun", func(u *user) { u.ok(u.BeatRun(u.ctx, "one", "me", start)) }},
		{"KeepRun", func(u *user) { u.ok(u.KeepRun(u.ctx, u.run)) }},
		{"Assign", func(u *user) {
			lines := []journal.StagedLine{told(named("ref-a", "x-a")), told(named("own-a", "back-a"), ofRefund), told(named("", "x-strange")), told()}
			must(u.t, u.Assign(u.ctx, shop, lines))
		}},
		{"Stage", func(u *user) {
			lines := []journal.StagedLine{told(named("ref-a", "x-a")), told(named("own-a", "back-a"), ofRefund), told(named("s", "x-strange")), told()}
			must(u.t, u.Assign(u.ctx, shop, lines))
			for i := range lines {
				lines[i].Seq = int64(i)
			}
			must(u.t, u.Stage(u.ctx, u.run, lines))
		}},
		{"Unstage", func(u *user) { u.run.Staged = 4; _, err := u.Unstage(u.ctx, u.run, page); u.ok(err) }},
		{"Publish", func(u *user) { must(u.t, u.Publish(u.ctx, u.run, start)) }},
		{"Analyze", func(u *user) { must(u.t, u.Analyze(u.ctx)) }},
		{"Nameless", func(u *user) { _, err := u.Nameless(u.ctx, u.run, page); u.ok(err) }},
		{"Near", func(u *user) {
			for _, kind := range []providers.LineKind{providers.LineCharge, providers.LineRefund} {
				_, err := u.Near(u.ctx, kind, shop, providers.Window{From: start, To: start.Add(time.Hour)}, page)
				u.ok(err)
			}
		}},
		{"Doubted", func(u *user) { _, err := u.Doubted(u.ctx, shop, page); u.ok(err) }},
		{"Reassign", func(u *user) { must(u.t, u.Reassign(u.ctx, u.run, []journal.StagedLine{told()})) }},
		{"Groups", func(u *user) {
			for _, dated := range []providers.Window{{}, business} {
				_, err := u.Groups(u.ctx, "one", "2026-11-23", dated, "", page)
				u.ok(err)
			}
		}},
		{"LinesOf", func(u *user) { _, err := u.LinesOf(u.ctx, shop, []string{"a/1", "b/1"}, page); u.ok(err) }},
		{"LinesCounted", func(u *user) { _, err := u.LinesCounted(u.ctx, "one"); u.ok(err) }},
		{"Movements", func(u *user) { _, err := u.Movements(u.ctx, "one", "2026-11-23", -1, page); u.ok(err) }},
		{"Untold", func(u *user) {
			for _, kind := range []providers.LineKind{providers.LineCharge, providers.LineRefund} {
				_, _, err := u.Untold(u.ctx, kind, shop, "one", "2026-11-23", business, journal.Movement{}, page)
				u.ok(err)
			}
		}},
		{"Walk", func(u *user) {
			for _, kind := range []providers.LineKind{providers.LineCharge, providers.LineRefund} {
				_, _, err := u.Walk(u.ctx, kind, shop, business, journal.Movement{}, page)
				u.ok(err)
			}
		}},
		{"KeepJudged", func(u *user) {
			stray := found("stray", "?s", 1500)
			u.run = judged(u.t, u.Store, u.run, []string{"a/1", "?s"}, found("one", "a/1", 1000), stray)
			u.run = judged(u.t, u.Store, u.run, []string{"a/1"}, found("one", "a/1", 900)) // changed
			r, err := u.Store.KeepJudged(u.ctx, u.run, journal.Judged{Groups: []string{"a/1"}, Healed: []journal.Finding{found("one", "a/1", 900)}}, "explained")
			must(u.t, err)
			u.run = r
		}},
		{"Adopt", func(u *user) {
			stray := found("stray", "?s", 1500)
			f, err := u.Store.Finding(u.ctx, stray.ID())
			must(u.t, err)
			r, e := open("adopted", "")
			_, err = u.Store.Adopt(u.ctx, journal.Adoption{Finding: f, Request: r, Groups: []string{"?s"}, Actor: "aida", Reason: "paid", Events: []payment.Event{e,
				{At: start, Actor: "aida", Body: payment.Planned{Attempt: 1, Gateway: shop, Provider: "kaspi", Method: providers.QR, Flow: providers.Offer, Reference: "s"}}}})
			must(u.t, err)
		}},
		{"StrayGroups", func(u *user) { _, err := u.StrayGroups(u.ctx, shop, "s", page); u.ok(err) }},
		{"Finding", func(u *user) { _, err := u.Store.Finding(u.ctx, one); u.ok(err) }},
		{"ChangeFinding", func(u *user) {
			_, err := u.ChangeFinding(u.ctx, one, 0, "aida", "seen", start, func(f *journal.Finding) error { f.Note = "seen"; return nil })
			must(u.t, err)
		}},
		{"Findings", func(u *user) {
			each(10, func(has func(int) bool) {
				f := journal.FindingFilter{Tenant: given(has(0), "shop"), Gateway: given(has(1), shop), Kind: given(has(2), "line_amount_differs"), State: given(has(3), journal.FindingOpen),
					Payment: given(has(4), "a"), Owner: given(has(5), "aida"), Run: given(has(6), "one"), CreatedFrom: given(has(7), week.From), CreatedBefore: given(has(8), week.To)}
				_, err := u.Findings(u.ctx, f, given(has(9), journal.Cursor{Created: start, ID: one}), page)
				u.ok(err)
			})
		}},
		{"FindingGroups", func(u *user) { _, err := u.FindingGroups(u.ctx, shop, "", page); u.ok(err) }},
		{"OpenFindings", func(u *user) { _, err := u.OpenFindings(u.ctx); u.ok(err) }},
		{"OpenOfDays", func(u *user) { _, err := u.OpenOfDays(u.ctx, shop, "2026-11-01", "2026-11-23"); u.ok(err) }},
		{"Reconciled", func(u *user) { _, err := u.Reconciled(u.ctx); u.ok(err) }},
		{"Runs", func(u *user) {
			each(5, func(has func(int) bool) {
				f := journal.RunFilter{Gateway: given(has(0), shop), FromDay: given(has(1), "2026-11-01"), ToDay: given(has(2), "2026-11-23"), State: given(has(3), journal.RunDone)}
				_, err := u.Runs(u.ctx, f, given(has(4), journal.Cursor{Created: start, ID: "one"}), page)
				u.ok(err)
			})
		}},
		{"LastRuns", func(u *user) { _, err := u.LastRuns(u.ctx, shop, "2026-11-01"); u.ok(err) }},
		{"FirstScheduled", func(u *user) { _, err := u.FirstScheduled(u.ctx, shop); u.ok(err) }},
		{"ReleaseRun", func(u *user) { u.ok(u.ReleaseRun(u.ctx, u.run)) }},
		{"CancelRun", func(u *user) { _, err := u.CancelRun(u.ctx, "one", "aida", "wrong", start); u.ok(err) }},
		{"StatementDays", func(u *user) { _, err := u.StatementDays(u.ctx, shop); u.ok(err) }},
		{"LastStatement", func(u *user) { _, _, _, err := u.LastStatement(u.ctx, shop); u.ok(err) }},
		{"DropReplaced", func(u *user) { _, err := u.DropReplaced(u.ctx, shop, "2026-11-23", page); u.ok(err) }},
		{"StartImport", func(u *user) {
			_, err := u.StartImport(u.ctx, journal.Import{ID: "file", Gateway: shop, Size: 3, FromDay: "2026-11-22", ToDay: "2026-11-22", Created: start})
			must(u.t, err)
		}},
		{"Import", func(u *user) { _, err := u.Store.Import(u.ctx, "file"); u.ok(err) }},
		{"AddPiece", func(u *user) { _, err := u.AddPiece(u.ctx, "file", 0, []byte("abc"), start); must(u.t, err) }},
		{"Piece", func(u *user) { _, err := u.Piece(u.ctx, "file", 0); u.ok(err) }},
		{"ImportDue", func(u *user) { _, err := u.ImportDue(u.ctx, start); u.ok(err) }},
		{"ClaimImport", func(u *user) {
			var err error
			u.imp, err = u.ClaimImport(u.ctx, "me", start, time.Minute)
			must(u.t, err)
		}},
		{"BeatImport", func(u *user) { u.ok(u.BeatImport(u.ctx, "file", "me", start)) }},
		{"KeepImport", func(u *user) { u.ok(u.KeepImport(u.ctx, u.imp)) }},
		{"StageImport", func(u *user) { must(u.t, u.StageImport(u.ctx, u.imp, []journal.StagedLine{told()})) }},
		{"UnstageImport", func(u *user) { _, err := u.UnstageImport(u.ctx, u.imp, page); must(u.t, err) }},
		{"AcceptImport", func(u *user) {
			r := newRun("file")
			r.Day = "2026-11-22"
			must(u.t, u.AcceptImport(u.ctx, u.imp, []journal.Run{r}, start))
		}},
		{"DropPieces", func(u *user) { _, err := u.DropPieces(u.ctx, start, page); must(u.t, err) }},
	}
}

// usesOfShelves are those of what is kept beside the payments.
func usesOfShelves() []use {
	return []use{
		{"StoreNotice", func(u *user) { must(u.t, u.StoreNotice(u.ctx, "n", shop, providers.Notice{Method: "POST"}, start)) }},
		{"MarkNotice", func(u *user) { must(u.t, u.MarkNotice(u.ctx, "n", "fact", "a", "")) }},
		{"WaitingHints", func(u *user) { _, err := u.WaitingHints(u.ctx, week.From, week.To, page); u.ok(err) }},
		{"HintsFollowed", func(u *user) { u.ok(u.HintsFollowed(u.ctx, "a", shop, start)) }},
		{"NoticesOf", func(u *user) { _, err := u.NoticesOf(u.ctx, "a", page); u.ok(err) }},
		{"NoticeGateways", func(u *user) { _, err := u.NoticeGateways(u.ctx); u.ok(err) }},
		{"KeepAnswer", func(u *user) {
			for range 2 {
				_, err := u.KeepAnswer(u.ctx, shop, "k", providers.Reply{Status: 200})
				must(u.t, err)
			}
		}},
		{"Answer", func(u *user) { _, err := u.Answer(u.ctx, shop, "k"); u.ok(err) }},
		{"CreateOverride", func(u *user) {
			for range 2 {
				_, err := u.CreateOverride(u.ctx, journal.Override{ID: "o", Gateway: shop, Mode: "drain", Created: start, Start: start, End: start.Add(time.Hour), ProposedUntil: start.Add(time.Hour)})
				must(u.t, err)
			}
		}},
		{"SecondOverride", func(u *user) {
			_, _, err := u.SecondOverride(u.ctx, journal.Override{ID: "o2", Gateway: shop, Mode: "drain", Created: start, Start: start, End: start.Add(time.Hour)}, "o")
			must(u.t, err)
		}},
		{"Hold", func(u *user) {
			must(u.t, u.Hold(u.ctx, []journal.Override{{ID: "h", Gateway: shop, Mode: "hold", Created: start, Start: start, End: start}}, func(g string) string { return g }, 10, true))
		}},
		{"EndOverride", func(u *user) { _, err := u.EndOverride(u.ctx, "o2", 1, "aida", start); u.ok(err) }},
		{"Override", func(u *user) { _, err := u.Store.Override(u.ctx, shop, "o"); u.ok(err) }},
		{"Overrides", func(u *user) { _, err := u.Overrides(u.ctx, start); u.ok(err) }},
		{"Proposals", func(u *user) { _, err := u.Proposals(u.ctx, shop, start); u.ok(err) }},
		{"ListOverrides", func(u *user) { _, err := u.ListOverrides(u.ctx, shop, start, journal.Cursor{}, page); u.ok(err) }},
		{"SaveInstrument", func(u *user) {
			must(u.t, u.SaveInstrument(u.ctx, journal.Instrument{ID: "i", Tenant: "shop", Customer: "c", Gateway: shop, Payment: "a", Created: start}))
		}},
		{"Instrument", func(u *user) { _, err := u.Store.Instrument(u.ctx, "shop", "i"); u.ok(err) }},
		{"Wallet", func(u *user) { _, err := u.Wallet(u.ctx, "shop", "i"); u.ok(err) }},
		{"Instruments", func(u *user) {
			for _, customer := range []string{"c", ""} {
				_, err := u.Instruments(u.ctx, "shop", customer, "", page)
				u.ok(err)
			}
		}},
		{"NewestInstruments", func(u *user) {
			for _, before := range []string{"", "i"} {
				_, err := u.NewestInstruments(u.ctx, "shop", "c", before, page)
				u.ok(err)
			}
		}},
		{"SavedInstrument", func(u *user) { _, err := u.SavedInstrument(u.ctx, "shop", "c", "a"); u.ok(err) }},
		{"DeleteInstrument", func(u *user) { _, err := u.DeleteInstrument(u.ctx, "shop", "i", start); u.ok(err) }},
		{"RecordDispute", func(u *user) {
			recorded(u.t, u.Store, disputed("d1", "81"))
			_, err := u.Store.RecordDispute(u.ctx, disputed("d2", "81"))
			var taken *journal.CaseTakenError
			if !errors.As(err, &taken) {
				u.t.Error(err)
			}
		}},
		{"Dispute", func(u *user) { _, err := u.Store.Dispute(u.ctx, "d1"); u.ok(err) }},
		{"ChangeDispute", func(u *user) {
			recorded(u.t, u.Store, disputed("d3", "83"))
			for _, number := range []string{"82", "83"} { // and one that another has
				_, err := u.ChangeDispute(u.ctx, "d1", map[string]int64{"82": 1, "83": 2}[number], "aida", "typo", start, func(d *journal.Dispute) error { d.Case = number; return nil })
				var taken *journal.CaseTakenError
				if !errors.As(err, &taken) {
					u.ok(err)
				}
			}
		}},
		{"Disputes", func(u *user) {
			each(8, func(has func(int) bool) {
				f := journal.DisputeFilter{Payment: given(has(0), "p-d1"), Gateway: given(has(1), shop), State: given(has(2), journal.DisputeOpen), Owner: given(has(3), "aida"),
					OverdueAt: given(has(4), start), CreatedFrom: given(has(5), week.From), CreatedBefore: given(has(6), week.To)}
				_, err := u.Disputes(u.ctx, f, given(has(7), journal.Cursor{Created: start, ID: "d1"}), page)
				u.ok(err)
			})
		}},
		{"OpenDisputes", func(u *user) { _, err := u.OpenDisputes(u.ctx, start); u.ok(err) }},
		{"Contested", func(u *user) { _, _, _, _, err := u.Contested(u.ctx, shop, start); u.ok(err) }},
		{"RecordEvidence", func(u *user) {
			_, err := u.RecordEvidence(u.ctx, journal.Evidence{ID: "e", Gateway: shop, Item: "backup", Shown: start, Created: start})
			must(u.t, err)
		}},
		{"ListEvidence", func(u *user) {
			_, err := u.ListEvidence(u.ctx, journal.EvidenceFilter{Gateway: shop}, journal.Cursor{}, page)
			u.ok(err)
		}},
		{"NewestEvidence", func(u *user) { _, _, err := u.NewestEvidence(u.ctx, shop); u.ok(err) }},
		{"LastRehearsal", func(u *user) { _, err := u.LastRehearsal(u.ctx, []string{shop, "halyk-main"}, start); u.ok(err) }},
		{"KnownGateways", func(u *user) { _, _, err := u.KnownGateways(u.ctx); u.ok(err) }},
		{"Successes", func(u *user) { _, _, err := u.Successes(u.ctx, []string{shop, "halyk-main"}, week); u.ok(err) }},
		{"LatestPaid", func(u *user) { _, _, _, err := u.LatestPaid(u.ctx, shop); u.ok(err) }},
		{"LatestCanceled", func(u *user) {
			for _, tenants := range [][]string{{"shop"}, {"shop", "cafe"}} {
				_, _, err := u.LatestCanceled(u.ctx, shop, tenants, 3)
				u.ok(err)
			}
		}},
		{"LatestUnknown", func(u *user) {
			for _, tenants := range [][]string{{"shop"}, {"shop", "cafe"}} {
				_, _, err := u.LatestUnknown(u.ctx, shop, tenants, 3)
				u.ok(err)
			}
		}},
		{"LatestRefunds", func(u *user) { _, _, err := u.LatestRefunds(u.ctx, shop, 3); u.ok(err) }},
		{"LatestTwice", func(u *user) { _, _, err := u.LatestTwice(u.ctx, shop, 3); u.ok(err) }},
		{"LatestDrains", func(u *user) { _, _, err := u.LatestDrains(u.ctx, shop, start, 3); u.ok(err) }},
		{"References", func(u *user) { _, _, _, _, err := u.References(u.ctx, shop); u.ok(err) }},
		{"NoticesKept", func(u *user) { _, _, err := u.NoticesKept(u.ctx, shop); u.ok(err) }},
		{"PaymentsKept", func(u *user) { _, _, err := u.PaymentsKept(u.ctx); u.ok(err) }},
		{"AppendAudit", func(u *user) {
			_, err := u.AppendAudit(u.ctx, audit.Record{Act: "act", Subject: "s", Time: start})
			must(u.t, err)
		}},
		{"NoteAudit", func(u *user) {
			_, err := u.NoteAudit(u.ctx, audit.Record{Act: "override warned", Subject: "s", Time: start})
			must(u.t, err)
		}},
		{"ListAudit", func(u *user) {
			each(5, func(has func(int) bool) {
				f := journal.AuditFilter{Actor: given(has(0), "aida"), Act: given(has(1), "act"), Subject: given(has(2), "s"), From: given(has(3), week.From), To: given(has(4), week.To)}
				_, err := u.ListAudit(u.ctx, f, 0, page)
				u.ok(err)
			})
		}},
		{"WalkAudit", func(u *user) {
			for _, err := range u.WalkAudit(u.ctx) {
				u.ok(err)
			}
		}},
		{"Oldest", func(u *user) { _, _, _, err := u.Oldest(u.ctx); u.ok(err) }},
		{"BeginPass", func(u *user) { must(u.t, u.BeginPass(u.ctx, journal.Pass{ID: "pass", Began: start})) }},
		{"DropNotices", func(u *user) {
			_, err := u.DropNotices(u.ctx, "pass", shop, journal.Cursor{}, start.Add(time.Hour), page)
			must(u.t, err)
		}},
		{"ErasePayers", func(u *user) {
			r, e := open("old", "")
			body, _ := e.Body.(payment.Opened)
			e.At, body.Description = start.Add(-time.Hour), "a book for Aida"
			e.Body = body
			_, err := u.Store.Open(u.ctx, r, providers.Payer{}, e)
			must(u.t, err)
			u.append("old", payment.CancelRequested{RequestID: "c"}, payment.Finished{Outcome: payment.OutcomeCanceled})
			rest(u, "old")
			a, err := u.Store.ErasePayers(u.ctx, "pass", journal.Cursor{}, start.Add(time.Hour), start, start, page)
			if err != nil || a.Done != 1 {
				u.t.Errorf("%+v, %v", a, err)
			}
		}},
		{"ArchiveWalks", func(u *user) { _, err := u.ArchiveWalks(u.ctx, start); must(u.t, err) }},
		{"Archive", func(u *user) {
			r, e := open("rests", "")
			body, _ := e.Body.(payment.Opened)
			e.At, body.Description = start.Add(-2*time.Hour), "a book for Aida"
			e.Body = body
			_, err := u.Store.Open(u.ctx, r, providers.Payer{}, e)
			must(u.t, err)
			u.append("rests", payment.CancelRequested{RequestID: "c"}, payment.Finished{Outcome: payment.OutcomeCanceled})
			rest(u, "rests")
			w := journal.ArchiveWalk{Tenant: r.Tenant, Began: start, After: journal.Cursor{Created: start.Add(-3 * time.Hour)}}
			if a, err := u.Store.Archive(u.ctx, "pass", w, start.Add(time.Hour), start, page); err != nil || a.Done == 0 {
				u.t.Errorf("%+v, %v", a, err)
			}
			_, err = u.Store.Get(u.ctx, "rests")
			must(u.t, err)
			_, err = u.Store.GetMany(u.ctx, []string{"rests"})
			must(u.t, err)
			_, err = u.Store.ErasePayers(u.ctx, "pass", journal.Cursor{}, start.Add(time.Hour), start, start, page)
			must(u.t, err)
		}},
		{"EndPass", func(u *user) { must(u.t, u.EndPass(u.ctx, "pass", 0, start)) }},
		{"LastPass", func(u *user) { _, err := u.LastPass(u.ctx); u.ok(err) }},
		{"SchemaReady", func(u *user) { must(u.t, u.SchemaReady(u.ctx)) }},
	}
}

// rest makes a payment of three events due no more.
func rest(u *user, id string) {
	u.t.Helper()
	must(u.t, u.Store.Wake(u.ctx, id, start))
	must(u.t, u.Store.Defer(u.ctx, id, 3, start, time.Time{}))
}
