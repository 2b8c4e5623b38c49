package journal_test

import (
	"errors"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/audit"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

// scriptOfAll uses everything that writes, in an order in which it may be used.
func scriptOfAll() []step {
	return slicesOf(scriptOfPayments(), scriptOfNotices(), scriptOfPeople(), scriptOfStatements(), scriptOfAge())
}

func slicesOf(parts ...[]step) (all []step) {
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

func opens(id, order string) func(*testing.T, *journal.Store) {
	return func(t *testing.T, s *journal.Store) {
		t.Helper()
		r, e := open(id, order)
		_, err := s.Open(t.Context(), r, providers.Payer{Phone: "+77010000000"}, e)
		must(t, err)
	}
}

// appends appends events to a payment, read anew.
func appends(id string, bodies ...payment.Body) func(*testing.T, *journal.Store) {
	return func(t *testing.T, s *journal.Store) {
		t.Helper()
		_, err := s.Advance(t.Context(), payment.Payment{Opened: payment.Opened{ID: id}}, func(payment.Payment) (events []payment.Event, _ error) {
			for _, b := range bodies {
				events = append(events, payment.Event{At: start.Add(time.Minute), Actor: "test", Body: b})
			}
			return events, nil
		})
		must(t, err)
	}
}

func plan(attempt int, gateway, reference string) payment.Planned {
	return payment.Planned{Attempt: attempt, Gateway: gateway, Provider: "kaspi", Method: providers.QR, Flow: providers.Offer, Reference: reference}
}

var price = providers.Money{Minor: 1500, Currency: "KZT"}

func scriptOfPayments() []step {
	return []step{
		{"open a payment of an order", opens("p", "order-1")},
		{"open another", opens("q", "")},
		{"plan an attempt", appends("p", plan(1, shop, "ref-p"))},
		{"take the money in", appends("p", payment.Observed{Attempt: 1, Source: payment.FromResponse, Verdict: providers.Approved, External: "x-p"})},
		{"ask for a refund, and plan it, under a request id", func(t *testing.T, s *journal.Store) {
			p, err := s.Get(t.Context(), "p")
			must(t, err)
			_, err = s.AdvanceOnce(t.Context(), journal.Request{Tenant: "shop", ID: "r-refund", Kind: "refund", Hash: "h", Object: "f"}, p, func(payment.Payment) ([]payment.Event, error) {
				return []payment.Event{{At: start.Add(time.Minute), Actor: "caller:test", Body: payment.RefundRequested{Refund: "f", RequestID: "r-refund", Amount: price}},
					{At: start.Add(time.Minute), Actor: "router", Body: payment.OperationPlanned{Operation: 1, Op: payment.OpRefund, Attempt: 1, Amount: price, Refund: "f", Reference: "own-p"}}}, nil
			})
			must(t, err)
		}},
		{"see it given back", appends("p", payment.OperationObserved{Operation: 1, Source: payment.FromResponse, Verdict: providers.Approved, External: "back-p"})},
		{"plan an attempt that nothing is heard of", appends("q", plan(1, shop, "ref-q"))},
		{"number the feed", func(t *testing.T, s *journal.Store) {
			mine, err := s.Lease(t.Context(), "sequencer", "me", start, time.Minute)
			if err != nil || !mine {
				t.Errorf("the lease: %t, %v", mine, err)
			}
			n, err := s.Number(t.Context(), start, 10)
			if err != nil || n != 7 {
				t.Errorf("%d changes were numbered: %v", n, err)
			}
			must(t, s.Release(t.Context(), "sequencer", "me"))
		}},
		{"take numbers", func(t *testing.T, s *journal.Store) {
			if first, err := s.Take(t.Context(), "orders/kaspi-main", 10); err != nil || first != 1 {
				t.Errorf("from %d: %v", first, err)
			}
		}},
		{"claim what is due, and say when it is due again", func(t *testing.T, s *journal.Store) {
			claimed, leased := 0, start.Add(48*time.Hour+time.Minute)
			for range 2 { // an empty answer does not mean that there is no work
				ids, err := s.Claim(t.Context(), start.Add(48*time.Hour), leased, 10)
				must(t, err)
				claimed += len(ids)
			}
			if claimed != 1 {
				t.Errorf("%d payments were claimed", claimed)
			}
			must(t, s.Defer(t.Context(), "q", 2, leased, start.Add(5*time.Hour)))
			_, err := s.WakeOpen(t.Context(), shop, start.Add(6*time.Hour), map[string]bool{})
			must(t, err)
			must(t, s.Wake(t.Context(), "q", start.Add(7*time.Hour)))
		}},
	}
}

func scriptOfNotices() []step {
	return []step{
		{"keep a notice", func(t *testing.T, s *journal.Store) {
			must(t, s.StoreNotice(t.Context(), "n", shop, providers.Notice{Method: "POST", Body: []byte("paid")}, start))
			must(t, s.MarkNotice(t.Context(), "n", "hint", "q", ""))
			must(t, s.HintsFollowed(t.Context(), "q", shop, start.Add(time.Second)))
		}},
		{"keep an answer", func(t *testing.T, s *journal.Store) {
			if r, err := s.KeepAnswer(t.Context(), shop, "k", providers.Reply{Status: 200, ContentType: "text/plain", Body: []byte("OK")}); err != nil || r.Status != 200 {
				t.Errorf("%d, %v", r.Status, err)
			}
		}},
		{"save an instrument", func(t *testing.T, s *journal.Store) {
			i := journal.Instrument{ID: "i", Tenant: "shop", Customer: "c", Gateway: shop, Token: providers.Token{Value: providers.NewSecret("token"), Mask: "51**"}, Payment: "p", Created: start}
			must(t, s.SaveInstrument(t.Context(), i))
		}},
		{"delete it", func(t *testing.T, s *journal.Store) {
			if deleted, err := s.DeleteInstrument(t.Context(), "shop", "i", start); err != nil || !deleted {
				t.Errorf("deleted: %t, %v", deleted, err)
			}
		}},
	}
}

func drainOf(id string) journal.Override {
	return journal.Override{ID: id, Gateway: shop, Mode: "drain", Actor: "operator:aida", Reason: "a test", Created: start, Start: start, End: start.Add(time.Hour)}
}

func scriptOfPeople() []step {
	return []step{
		{"order, and end the order", func(t *testing.T, s *journal.Store) {
			_, err := s.CreateOverride(t.Context(), drainOf("o1"))
			must(t, err)
			if ended, err := s.EndOverride(t.Context(), "o1", 1, "operator:aida", start.Add(time.Minute)); err != nil || !ended {
				t.Errorf("ended: %t, %v", ended, err)
			}
		}},
		{"order as two", func(t *testing.T, s *journal.Store) {
			first := drainOf("o2")
			first.ProposedUntil = start.Add(time.Hour)
			_, err := s.CreateOverride(t.Context(), first)
			must(t, err)
			second := drainOf("o3")
			second.Actor, second.ProposedBy = "operator:bolat", "operator:aida"
			if _, taken, err := s.SecondOverride(t.Context(), second, "o2"); err != nil || !taken {
				t.Errorf("taken: %t, %v", taken, err)
			}
		}},
		{"hold all gateways", func(t *testing.T, s *journal.Store) {
			held := drainOf("o4")
			held.Mode = "reconcile"
			must(t, s.Hold(t.Context(), []journal.Override{held}, func(g string) string { return "orders/" + g }, 100, false))
		}},
		{"record in the audit", func(t *testing.T, s *journal.Store) {
			r := audit.Record{Time: start, Actor: "operator:aida", Act: "act", Subject: "one", Phase: audit.Asked}
			for range 2 {
				_, err := s.AppendAudit(t.Context(), r)
				must(t, err)
			}
			r.Act = audit.OverrideExpired
			if noted, err := s.NoteAudit(t.Context(), r); err != nil || !noted {
				t.Errorf("noted: %t, %v", noted, err)
			}
			if last, err := audit.Check(s.WalkAudit(t.Context()), audit.Anchor{}); err != nil || last.Number != 3 {
				t.Errorf("the chain ends at %d: %v", last.Number, err)
			}
		}},
		{"record a dispute, and answer it", func(t *testing.T, s *journal.Store) {
			recorded(t, s, disputed("d", "81"))
			_, err := s.ChangeDispute(t.Context(), "d", 1, "operator:aida", "a test", start, func(d *journal.Dispute) error { d.Answer = "sent"; return nil })
			must(t, err)
		}},
		{"record evidence", func(t *testing.T, s *journal.Store) {
			_, err := s.RecordEvidence(t.Context(), journal.Evidence{ID: "e", Gateway: shop, Item: "refund", Shown: start, Actor: "operator:aida", Reason: "a test", Created: start})
			must(t, err)
		}},
	}
}

// claimRun takes the run of the day up; it may be told that there is none just now.
func claimRun(t *testing.T, s *journal.Store) journal.Run {
	t.Helper()
	for {
		r, err := s.ClaimRun(t.Context(), "me", start, time.Minute, []string{shop})
		if !errors.Is(err, journal.ErrNotFound) {
			must(t, err)
			return r
		}
	}
}

func runOf(t *testing.T, s *journal.Store, id string) journal.Run {
	t.Helper()
	r, err := s.Run(t.Context(), id)
	must(t, err)
	r.Owner = "me"
	return r
}

func stray() journal.Finding {
	return journal.Finding{Kind: "stray", About: "x-else", Source: journal.OfStatement, Gateway: shop, Group: "?id/x-else/", Day: "2026-11-23", Run: "run",
		Theirs: price, External: "x-else", State: journal.FindingOpen, At: start}
}

func scriptOfStatements() []step {
	return []step{
		{"start a run", func(t *testing.T, s *journal.Store) {
			_, fresh, err := s.StartRun(t.Context(), newRun("run"))
			if err != nil || !fresh {
				t.Errorf("fresh: %t, %v", fresh, err)
			}
			claimRun(t, s)
			must(t, s.BeatRun(t.Context(), "run", "me", start.Add(2*time.Minute)))
		}},
		{"read its lines", func(t *testing.T, s *journal.Store) {
			lost := told(named("", "half"))
			lost.Group = "?id/half/"
			r := runOf(t, s, "run")
			must(t, s.Stage(t.Context(), r, []journal.StagedLine{lost}))
			if some, err := s.Unstage(t.Context(), r, 10); err != nil || !some {
				t.Errorf("unstaged: %t, %v", some, err)
			}
			stageAll(t, s, r, told(named("ref-p", "")), told(named("", "x-else")))
		}},
		{"keep what it found", func(t *testing.T, s *journal.Store) {
			r, err := s.KeepJudged(t.Context(), runOf(t, s, "run"), journal.Judged{Groups: []string{"p/1", "?id/x-else/"}, Findings: []journal.Finding{stray()}}, "explained")
			if err != nil || r.Counts.Opened != 1 {
				t.Errorf("%d were opened: %v", r.Counts.Opened, err)
			}
			r.State, r.Ended = journal.RunDone, start.Add(time.Minute)
			must(t, s.KeepRun(t.Context(), r))
		}},
		{"note something on a finding", func(t *testing.T, s *journal.Store) {
			_, err := s.ChangeFinding(t.Context(), stray().ID(), 0, "operator:aida", "a test", start, func(f *journal.Finding) error { f.Note = "asked the bank"; return nil })
			must(t, err)
		}},
		{"adopt it", func(t *testing.T, s *journal.Store) {
			f, err := s.Finding(t.Context(), stray().ID())
			must(t, err)
			r, e := open("a", "")
			r.Kind = "adopt"
			observed := payment.Observed{Attempt: 1, Source: payment.FromStatement, Verdict: providers.Approved, External: "x-else", Amount: price}
			_, err = s.Adopt(t.Context(), journal.Adoption{Finding: f, Request: r, Groups: []string{f.Group}, Actor: "operator:aida", Reason: "a test", Events: []payment.Event{
				e, {At: start, Actor: "operator:aida", Body: plan(1, shop, "x-else")}, {At: start, Actor: "operator:aida", Body: observed}}})
			must(t, err)
		}},
		{"read the day again, and drop the first reading", func(t *testing.T, s *journal.Store) {
			_, _, err := s.StartRun(t.Context(), newRun("again"))
			must(t, err)
			stageAll(t, s, claimRun(t, s), told(named("ref-p", "")))
			if n, err := s.DropReplaced(t.Context(), shop, "2026-11-23", 10); err != nil || n != 2 {
				t.Errorf("%d lines were dropped: %v", n, err)
			}
			must(t, s.ReleaseRun(t.Context(), runOf(t, s, "again")))
			if ended, err := s.CancelRun(t.Context(), "again", "operator:aida", "a test", start); err != nil || !ended {
				t.Errorf("ended: %t, %v", ended, err)
			}
		}},
		{"receive a file", func(t *testing.T, s *journal.Store) {
			_, err := s.StartImport(t.Context(), journal.Import{ID: "import", Gateway: shop, Format: "csv", Size: 4, FromDay: "2026-11-20", ToDay: "2026-11-20", Actor: "operator:aida", Reason: "a test", Created: start})
			must(t, err)
			for at := range int64(2) {
				_, err := s.AddPiece(t.Context(), "import", 2*at, []byte("ab"), start)
				must(t, err)
			}
		}},
		{"read the file", func(t *testing.T, s *journal.Store) {
			i, err := s.ClaimImport(t.Context(), "me", start, time.Minute)
			for errors.Is(err, journal.ErrNotFound) {
				i, err = s.ClaimImport(t.Context(), "me", start, time.Minute)
			}
			must(t, err)
			must(t, s.BeatImport(t.Context(), "import", "me", start.Add(2*time.Minute)))
			line := told(named("", "x-file"))
			line.Day, line.Group = "2026-11-20", "?id/x-file/"
			must(t, s.StageImport(t.Context(), i, []journal.StagedLine{line}))
			if some, err := s.UnstageImport(t.Context(), i, 10); err != nil || !some {
				t.Errorf("unstaged: %t, %v", some, err)
			}
			must(t, s.StageImport(t.Context(), i, []journal.StagedLine{line}))
			i.State, i.Ended, i.Due = journal.ImportAccepted, start, time.Time{}
			r := newRun("of-import")
			r.Day, r.Reading, r.Staged = "2026-11-20", "import", 1
			must(t, s.AcceptImport(t.Context(), i, []journal.Run{r}, start))
			if n, err := s.DropPieces(t.Context(), start, 10); err != nil || n != 2 {
				t.Errorf("%d pieces were dropped: %v", n, err)
			}
		}},
	}
}

func scriptOfAge() []step {
	old := start.AddDate(6, 0, 0)
	return []step{
		{"remove and erase what is old", func(t *testing.T, s *journal.Store) {
			must(t, s.BeginPass(t.Context(), journal.Pass{ID: "pass", Actor: "router", NoticesBefore: old, PayersBefore: old, Began: old}))
			if a, err := s.DropNotices(t.Context(), "pass", shop, journal.Cursor{}, old, 10); err != nil || a.Done != 1 {
				t.Errorf("%d notices were removed: %v", a.Done, err)
			}
			if a, err := s.ErasePayers(t.Context(), "pass", journal.Cursor{}, old, old, old, 10); err != nil || a.Done == 0 {
				t.Errorf("%d payers were erased: %v", a.Done, err)
			}
			must(t, s.EndPass(t.Context(), "pass", 0, old))
		}},
	}
}
