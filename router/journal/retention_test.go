package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/pgtest"
)

var (
	bought = time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	later  = bought.AddDate(2, 0, 0) // long after every term
	term   = later.AddDate(-1, 0, 0) // what came before it is old
)

// canaries are the payer's data, as bytes may hold them.
var canaries = []string{"77015550199", "7015550199", "canary.personal@example.kz", "Kanareika", "Privatova", "192.0.2.199"}

var canary = providers.Payer{Phone: "+77015550199", Email: "canary.personal@example.kz", Name: "Kanareika Privatova", IP: "192.0.2.199"}

// shelf is books with old payments in them.
type shelf struct {
	*Store
	t   *testing.T
	url string
}

// aging runs a test on both engines.
func aging(t *testing.T, test func(s shelf)) {
	for name, url := range map[string]func(*testing.T) string{
		"sqlite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "books.db") },
		"postgresql": func(t *testing.T) string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) { test(shelfAt(t, url(t))) })
	}
}

func shelfAt(t *testing.T, url string) shelf {
	t.Helper()
	store, err := Open(Options{URL: url, Due: func(payment.Payment, time.Time) time.Time { return time.Time{} }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	s := shelf{store, t, url}
	s.must(store.Migrate(t.Context()))
	s.must(store.BeginPass(t.Context(), Pass{ID: "pass", Actor: "test", NoticesBefore: term, PayersBefore: term, Began: later}))
	return s
}

func (s shelf) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func wish(id string) (Request, payment.Event) {
	return Request{Tenant: "shop", ID: "r-" + id, Kind: "create", Hash: "h-" + id}, payment.Event{At: bought, Actor: "caller:test", Body: payment.Opened{
		ID: id, Tenant: "shop", RequestID: "r-" + id, Order: "order-" + id, Amount: providers.Money{Minor: 1500, Currency: "KZT"}, Methods: []providers.Method{providers.Page},
		Customer: "c-7", Description: "a book for " + canary.Name, ReturnURL: "https://shop.example.kz/?e=" + canary.Email, Deadline: bought.Add(time.Hour)}}
}

// paid is what happens to a payment by a page that shows the payer's data, with a refund.
func paid() []payment.Body {
	money := providers.Money{Minor: 500, Currency: "KZT"}
	return []payment.Body{
		payment.Planned{Attempt: 1, Gateway: "bank", Provider: "halyk", Method: providers.Page, Flow: providers.Offer, Reference: "ref"},
		payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: providers.Pending, Reason: providers.AwaitingPayer, Until: bought.Add(time.Hour),
			Action: &providers.Action{Kind: providers.RunWidget, URL: "https://bank.example.kz/" + canary.IP, Text: fmt.Sprintf(`{"phone":%q,"email":%q}`, canary.Phone, canary.Email),
				Fields: map[string]string{"name": canary.Name}, Expires: bought.Add(time.Hour)}},
		payment.Observed{Attempt: 1, Source: payment.FromNotice, Verdict: providers.Approved, External: "x-1"},
		payment.RefundRequested{Refund: "f", RequestID: "f", Amount: money, Reason: "returned"},
		payment.OperationPlanned{Operation: 1, Op: payment.OpRefund, Attempt: 1, Amount: money, Refund: "f"},
		payment.OperationObserved{Operation: 1, Source: payment.FromResponse, Verdict: providers.Approved, External: "x-2"},
	}
}

// write stores a payment of the canary and what happened to it.
func (s shelf) write(id string, bodies ...payment.Body) payment.Payment {
	s.t.Helper()
	request, opened := wish(id)
	p, err := s.Open(s.t.Context(), request, canary, opened)
	s.must(err)
	return s.add(p, bodies...)
}

func (s shelf) add(p payment.Payment, bodies ...payment.Body) payment.Payment {
	s.t.Helper()
	for _, b := range bodies {
		if planned, ok := b.(payment.Planned); ok {
			planned.Reference += "-" + p.ID
			b = planned
		}
		var err error
		p, err = s.Advance(s.t.Context(), p, func(payment.Payment) ([]payment.Event, error) {
			return []payment.Event{{At: bought.Add(time.Minute), Actor: "test", Body: b}}, nil
		})
		s.must(err)
	}
	return p
}

// notice stores a notice of the canary about a payment, and what became of it.
func (s shelf) notice(id, state, payment string) {
	s.t.Helper()
	s.must(s.StoreNotice(s.t.Context(), id, "bank", providers.Notice{Method: "POST", Query: "name=" + canary.Name, Header: map[string][]string{"X-Payer": {canary.Phone}},
		Body: []byte(canary.Email), Source: canary.IP}, bought.Add(time.Minute)))
	if state != "" {
		s.must(s.MarkNotice(s.t.Context(), id, state, payment, ""))
	}
}

func (s shelf) exec(query string, args ...any) {
	s.t.Helper()
	_, err := s.Store.write.ExecContext(s.t.Context(), query, args...)
	s.must(err)
}

func (s shelf) erase(pass string) Aged {
	s.t.Helper()
	a, err := s.ErasePayers(s.t.Context(), pass, Cursor{}, term, term, later, 10)
	s.must(err)
	return a
}

func (s shelf) drop(pass string) Aged {
	s.t.Helper()
	a, err := s.DropNotices(s.t.Context(), pass, "bank", Cursor{}, term, 10)
	s.must(err)
	return a
}

func (s shelf) want(got Aged, done int64, kept map[string]int64) {
	s.t.Helper()
	if kept == nil {
		kept = map[string]int64{}
	}
	if got.Done != done || !reflect.DeepEqual(got.Kept, kept) {
		s.t.Errorf("%d done and %v kept, want %d and %v", got.Done, got.Kept, done, kept)
	}
}

// dump is every byte of every table, a line for each row: "table column=value …".
func (s shelf) dump() []string {
	s.t.Helper()
	names := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`
	if s.postgres {
		names = `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY table_name`
	}
	tables, err := s.ids(s.t.Context(), names)
	s.must(err)
	var all []string
	for _, table := range tables {
		rows, err := s.read.QueryContext(s.t.Context(), `SELECT * FROM `+table)
		s.must(err)
		all = append(all, lines(s.t, table, rows)...)
	}
	if len(tables) < 15 {
		s.t.Fatalf("only %v were read", tables)
	}
	slices.Sort(all)
	return all
}

func lines(t *testing.T, table string, rows *sql.Rows) []string {
	t.Helper()
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		line := table
		for i, v := range values {
			value := *(v.(*any))
			if bytes, ok := value.([]byte); ok {
				value = string(bytes)
			}
			line += fmt.Sprintf(" %s=%v", columns[i], value)
		}
		all = append(all, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func sings(lines []string) (found []string) {
	for _, line := range lines {
		for _, c := range canaries {
			if strings.Contains(line, c) {
				found = append(found, line)
				break
			}
		}
	}
	return found
}

// After a pass no byte of the payer is left in any table, and the record of the money is
// what it was: the same events but for what was shown to the payer, the same rows, the same
// numbers of the feed.
func TestAnErasedPaymentHoldsNoByteOfItsPayerAndAllOfItsMoney(t *testing.T) {
	aging(t, func(s shelf) {
		p := s.write("p1", paid()...)
		s.notice("n1", "fact", p.ID)
		s.notice("n2", "unmatched", "")
		s.must(s.SaveInstrument(t.Context(), Instrument{ID: "i", Tenant: "shop", Customer: "c-7", Gateway: "bank",
			Token: providers.Token{Value: providers.NewSecret("token"), Mask: "4405 **** 5096"}, Payment: p.ID, Created: bought}))
		for {
			n, err := s.Number(t.Context(), bought, 100)
			s.must(err)
			if n == 0 {
				break
			}
		}
		before := s.dump()
		if len(sings(before)) != 5 { // the row, two events, two notices
			t.Fatalf("before: %q", sings(before))
		}
		s.want(s.erase(""), 1, nil) // as if the notices were gone
		s.want(s.drop(""), 2, nil)
		if diff := cmp.Diff(before, s.dump()); diff != "" {
			t.Errorf("a dry run changed (-before +after):\n%s", diff)
		}
		s.want(s.drop("pass"), 2, nil)
		s.want(s.erase("pass"), 1, nil)
		after := s.dump()
		if left := sings(after); left != nil {
			t.Errorf("left: %q", left)
		}
		same := func(lines []string) (all []string) { // what is no payer's
			for _, line := range lines {
				switch table, _, _ := strings.Cut(line, " "); table {
				case "notices", "retention_passes":
				case "payments":
					line, _, _ = strings.Cut(line, " payer=") // the last column but erased_at
					all = append(all, line)
				case "events":
					for _, gone := range []string{`,"description":"a book for Kanareika Privatova","return_url":"https://shop.example.kz/?e=canary.personal@example.kz"`,
						`"url":"https://bank.example.kz/192.0.2.199","text":"{\"phone\":\"+77015550199\",\"email\":\"canary.personal@example.kz\"}","fields":{"name":"Kanareika Privatova"},`,
						`,"erased":"2028-03-14T09:00:00Z"`} {
						line = strings.Replace(line, gone, "", 1)
					}
					all = append(all, line)
				default:
					all = append(all, line)
				}
			}
			slices.Sort(all)
			return all
		}
		if diff := cmp.Diff(same(before), same(after)); diff != "" {
			t.Errorf("money changed (-before +after):\n%s", diff)
		}
		q, err := s.Get(t.Context(), p.ID)
		s.must(err)
		if diff := cmp.Diff(p.Impersonal(), q); diff != "" {
			t.Errorf("folded (-before +after):\n%s", diff)
		}
		if payer, err := s.Payer(t.Context(), p.ID); err != nil || payer != (providers.Payer{}) {
			t.Errorf("payer %v, error %v", payer, err)
		}
		if at, err := s.Erased(t.Context(), p.ID); err != nil || !at.Equal(later) {
			t.Errorf("erased at %s, error %v", at, err)
		}
		s.must(s.EndPass(t.Context(), "pass", 0, later))
		if pass, err := s.LastPass(t.Context()); err != nil || pass.Notices != 2 || pass.Payers != 1 || !pass.Ended.Equal(later) {
			t.Errorf("%+v, error %v", pass, err)
		}
		s.want(s.erase("pass"), 0, nil)
	})
}

// Requests are told from others by a hash that was made of the whole request when it came:
// it does not need what was erased.
func TestARepeatedRequestFindsItsErasedPayment(t *testing.T) {
	aging(t, func(s shelf) {
		first := s.write("p1", paid()...)
		s.want(s.erase("pass"), 1, nil)
		request, opened := wish("p1")
		body := opened.Body.(payment.Opened)
		body.ID = "p2"
		opened.Body = body
		if p, err := s.Open(t.Context(), request, canary, opened); !errors.Is(err, ErrRepeated) || p.ID != first.ID || p.Status() != payment.StatusPaid {
			t.Errorf("payment %s is %s, error %v", p.ID, p.Status(), err)
		}
		if left := sings(s.dump()); left != nil {
			t.Errorf("a repeat brought back %q", left)
		}
		request.Hash = "another body"
		reused := (*ReusedError)(nil)
		if _, err := s.Open(t.Context(), request, canary, opened); !errors.As(err, &reused) || reused.Payment != first.ID {
			t.Errorf("another body: error %v", err)
		}
		// Money may still go back: no gateway asks who the payer was.
		p, err := s.Get(t.Context(), first.ID)
		s.must(err)
		p = s.add(p, payment.RefundRequested{Refund: "g", RequestID: "g", Amount: providers.Money{Minor: 1000, Currency: "KZT"}})
		if p.Refundable() != 0 || p.Seq != first.Seq+1 {
			t.Errorf("%d are left to refund at event %d", p.Refundable(), p.Seq)
		}
	})
}

// notOver are payments of which something is not over, and why they are kept.
func notOver() []unfinished {
	closed := payment.Evidence{Attempt: 1, Kind: payment.AbsentConfirmed}
	second := payment.Planned{Attempt: 2, Gateway: "bank", Provider: "halyk", Method: providers.Page, Flow: providers.Offer, Reference: "second", Evidence: []payment.Evidence{closed}}
	approved := payment.Observed{Attempt: 1, Source: payment.FromNotice, Verdict: providers.Approved}
	return []unfinished{
		{"a payment that is not decided", KeptUndecided, func(s shelf, id string) { s.write(id, paid()[:2]...) }},
		{"money beside an open attempt", KeptAtRisk, func(s shelf, id string) {
			if p := s.write(id, paid()[0], payment.Closed{Attempt: 1, Evidence: closed}, second, approved); p.Status() != payment.StatusPaid {
				s.t.Fatalf("it is %s", p.Status())
			}
			s.exec(`UPDATE findings SET state = 'closed' WHERE payment_id = $1`, id)
		}},
		{"work that is due", KeptDue, func(s shelf, id string) { s.write(id, paid()...); s.must(s.Wake(s.t.Context(), id, later)) }},
		{"an open finding", KeptFinding, func(s shelf, id string) {
			s.write(id, append(paid(), payment.Noted{Finding: payment.ReturnedElsewhere, Attempt: 1, Detail: "x"})...)
		}},
		{"a statement's finding", KeptFinding, func(s shelf, id string) {
			s.write(id, paid()...)
			s.must(s.transact(s.t.Context(), func(ctx context.Context, tx *sql.Tx) error {
				_, err := addFinding(ctx, tx, Finding{Payment: id, Kind: "amount_differs", Source: OfStatement, State: FindingOpen, At: bought})
				return err
			}))
		}},
		{"a dispute that is not over", KeptDispute, func(s shelf, id string) {
			s.write(id, paid()...)
			_, err := s.RecordDispute(s.t.Context(), Dispute{ID: "d-" + id, Payment: id, Attempt: 1, Gateway: "kaspi-main", Kind: Claim, Opened: bought, Created: bought})
			s.must(err)
		}},
		{"a hint that nobody followed", KeptWithNotice, func(s shelf, id string) { s.write(id, paid()...); s.notice("n-"+id, "hint", id) }},
		{"a notice that is not old", KeptWithNotice, func(s shelf, id string) {
			s.write(id, paid()...)
			s.notice("n-"+id, "fact", id)
			s.exec(`UPDATE notices SET received_at = $1 WHERE payment_id = $2`, micros(term), id)
		}},
		{"a refund that is not made", KeptMoving, func(s shelf, id string) { s.write(id, paid()[:4]...) }},
		{"a refund of which nobody knows", KeptMoving, func(s shelf, id string) {
			s.write(id, append(paid()[:5], payment.OperationObserved{Operation: 1, Source: payment.FromResponse, Verdict: providers.Unknown})...)
		}},
		{"a surplus", KeptMoving, func(s shelf, id string) {
			s.write(id, paid()[0], payment.CancelRequested{RequestID: "c"}, approved)
			s.exec(`UPDATE payments SET status = 'canceled' WHERE id = $1`, id)
			s.exec(`UPDATE findings SET state = 'closed' WHERE payment_id = $1`, id)
		}},
		{"what this version cannot read", KeptUnfolded, func(s shelf, id string) {
			s.write(id, paid()...)
			s.exec(`UPDATE events SET kind = 'dreamt' WHERE seq = 4 AND payment_id = $1`, id)
		}},
	}
}

type unfinished struct {
	name, why string
	make      func(s shelf, id string)
}

func TestWhatMayStillNeedItsPayerKeepsIt(t *testing.T) {
	cases := notOver()
	aging(t, func(s shelf) {
		for i, c := range cases {
			c.make(s, fmt.Sprintf("p%02d", i))
		}
		before := s.dump()
		for _, pass := range []string{"", "pass"} {
			after := Cursor{}
			for i, c := range cases {
				a, err := s.ErasePayers(t.Context(), pass, after, term, term, later, 1)
				s.must(err)
				if after = a.Last; after.ID != fmt.Sprintf("p%02d", i) || a.Done != 0 || a.Kept[c.why] != 1 {
					t.Errorf("pass %q, %s: %+v", pass, c.name, a)
				}
			}
		}
		if diff := cmp.Diff(before, s.dump()); diff != "" {
			t.Errorf("changed (-before +after):\n%s", diff)
		}
	})
}

// Nobody can say in which order a pass and a payment that wakes come: whichever it is, a
// payment that is awake has its payer, or was whole when it was erased.
func TestAPaymentThatIsWokenWhileItIsErasedKeepsItsPayer(t *testing.T) {
	wakes := map[string]func(s shelf, p payment.Payment){
		"woken":   func(s shelf, p payment.Payment) { s.must(s.Wake(s.t.Context(), p.ID, later)) },
		"changed": func(s shelf, p payment.Payment) { s.add(p, payment.Noted{Finding: payment.MoneyFlipped, Attempt: 1}) },
		"replaced": func(s shelf, p payment.Payment) {
			s.exec(`UPDATE events SET writer = 'other' WHERE payment_id = $1 AND seq = $2`, p.ID, p.Seq)
			s.StartAnew() // or this process would say that its books went back
		},
		"erased": func(s shelf, p payment.Payment) { s.exec(`UPDATE payments SET erased_at = 1 WHERE id = $1`, p.ID) },
	}
	aging(t, func(s shelf) {
		for name, wake := range wakes {
			p := s.write(name, paid()...)
			e, why, err := s.erasure(t.Context(), agedRow{id: p.ID, seq: p.Seq}, later)
			if err != nil || why != "" {
				t.Fatalf("%s: %s, error %v", name, why, err)
			}
			wake(s, p)
			before := s.dump()
			var done bool
			s.must(s.transact(t.Context(), func(ctx context.Context, tx *sql.Tx) (err error) {
				done, err = e.write(ctx, tx, "{}", later)
				return err
			}))
			if diff := cmp.Diff(before, s.dump()); done || diff != "" {
				t.Errorf("%s: erased %t (-before +after):\n%s", name, done, diff)
			}
		}
	})
}

// The same, with somebody who has woken it and whose commit is still to come.
func TestErasingWaitsForWhoeverIsAtThePayment(t *testing.T) {
	aging(t, func(s shelf) {
		if !s.postgres {
			return // one writer: nobody is between
		}
		p := s.write("p", paid()...)
		tx, err := s.Store.write.BeginTx(t.Context(), nil)
		s.must(err)
		_, err = tx.ExecContext(t.Context(), `UPDATE payments SET due_at = $2 WHERE id = $1`, p.ID, micros(later))
		s.must(err)
		ended := make(chan Aged)
		go func() {
			a, err := s.ErasePayers(context.Background(), "pass", Cursor{}, term, term, later, 10)
			if err != nil {
				t.Error(err)
			}
			ended <- a
		}()
		s.must(tx.Commit())
		if a := <-ended; a.Done != 0 || len(a.Kept) != 1 || len(sings(s.dump())) != 3 {
			t.Errorf("%+v, left %q", a, sings(s.dump()))
		}
	})
}

// An event that is not the one that was read ends the whole batch: nothing is half erased.
func TestABatchIsErasedWholeOrNotAtAll(t *testing.T) {
	aging(t, func(s shelf) {
		s.write("a", paid()...)
		s.write("b", paid()...)
		raise := `CREATE TRIGGER refused BEFORE UPDATE ON events WHEN NEW.payment_id = 'b' BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`
		if s.postgres {
			s.exec(`CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$`)
			raise = `CREATE TRIGGER refused BEFORE UPDATE ON events FOR EACH ROW WHEN (NEW.payment_id = 'b') EXECUTE FUNCTION refused()`
		}
		s.exec(raise)
		before := s.dump()
		if a, err := s.ErasePayers(t.Context(), "pass", Cursor{}, term, term, later, 10); err == nil {
			t.Errorf("erased: %+v", a)
		}
		if diff := cmp.Diff(before, s.dump()); diff != "" {
			t.Errorf("changed (-before +after):\n%s", diff)
		}
	})
}

func TestNoticesThatWaitAreKept(t *testing.T) {
	aging(t, func(s shelf) {
		p := s.write("p", paid()...)
		for i, state := range []string{"fact", "hint", "", "unmatched", "followed", "repeated", "not_stored"} {
			s.notice(fmt.Sprint("n", i), state, p.ID)
		}
		s.must(s.StoreNotice(t.Context(), "young", "bank", providers.Notice{}, term))
		s.must(s.StoreNotice(t.Context(), "other", "other", providers.Notice{}, bought))
		want := map[string]int64{KeptHint: 1, KeptUnread: 1}
		s.want(s.drop(""), 5, want)
		s.want(s.drop("pass"), 5, want)
		left, err := s.ids(t.Context(), `SELECT id FROM notices ORDER BY id`)
		s.must(err)
		if diff := cmp.Diff([]string{"n1", "n2", "other", "young"}, left); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
		if gateways, err := s.NoticeGateways(t.Context()); err != nil || fmt.Sprint(gateways) != "[bank other]" {
			t.Errorf("gateways %v, error %v", gateways, err)
		}
		notice, payer, record, err := s.Oldest(t.Context())
		if err != nil || !notice.Equal(bought) || !payer.Equal(bought) || !record.Equal(bought) {
			t.Errorf("oldest %s, %s, %s, error %v", notice, payer, record, err)
		}
	})
}

// Pages are as small as they are told to be, and together they are everything.
func TestPagesComeToTheEndAndMissNothing(t *testing.T) {
	aging(t, func(s shelf) {
		for i := range 7 {
			bodies := paid()
			if i%3 == 1 {
				bodies = bodies[:2]
			}
			p := s.write(fmt.Sprint("p", i), bodies...)
			s.notice(fmt.Sprint("n", i), "fact", p.ID)
		}
		total, kept, pages := int64(0), int64(0), 0
		for _, do := range []func(Cursor) (Aged, error){
			func(after Cursor) (Aged, error) { return s.DropNotices(t.Context(), "pass", "bank", after, term, 2) },
			func(after Cursor) (Aged, error) {
				return s.ErasePayers(t.Context(), "pass", after, term, term, later, 2)
			},
		} {
			for after := (Cursor{}); ; pages++ {
				a, err := do(after)
				s.must(err)
				total, kept, after = total+a.Done, kept+a.Kept[KeptUndecided], a.Last
				if a.Rows < 2 {
					break
				}
			}
		}
		if total != 7+5 || kept != 2 || pages != 6 {
			t.Errorf("%d done, %d kept, in %d full pages", total, kept, pages)
		}
	})
}
