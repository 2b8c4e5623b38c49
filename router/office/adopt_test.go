package office

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
	"github.com/payrouter/payrouter/router/reconcile"
)

// stray tells of money that is nobody's, and returns the finding of it.
func (d *desk) stray(lines ...providers.StatementLine) journal.Finding {
	d.t.Helper()
	d.tell(lines...)
	d.run(today)
	all, err := d.store.Findings(d.t.Context(), journal.FindingFilter{Kind: string(reconcile.UnknownToUs)}, journal.Cursor{}, 10)
	d.must(err)
	for _, f := range all {
		if f.External == "x-stranger" {
			return f
		}
	}
	d.t.Fatalf("found %+v", all)
	return journal.Finding{}
}

var adopted = router.Adoption{Tenant: "shop", Order: "4711", Actor: "operator:aida", Reason: "paid at the till"}

func back(minor int64, change ...func(*providers.StatementLine)) providers.StatementLine {
	l := charged("stranger", minor)
	l.Kind, l.External, l.At = providers.LineRefund, "back-1", l.At.Add(time.Hour)
	for _, c := range change {
		c(&l)
	}
	return l
}

func TestMoneyThatIsNobodysBecomesAPaymentByAPersonsWord(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		f := d.stray(charged("stranger", 700), back(200))
		p, err := d.Adopt(t.Context(), f.ID(), f.Version, adopted)
		d.must(err)
		if a := p.Attempts[0]; p.Status() != payment.StatusPaid || p.Amount != tenge(700) || p.Order != "4711" || p.Refundable() != 500 || a.Reference != "ref-stranger" ||
			a.External != "x-stranger" || a.Source != payment.FromStatement || a.Route[0].Why != router.WhyAdopted || !strings.Contains(a.Route[0].Detail, "paid at the till") {
			t.Errorf("the payment is %+v", p)
		}
		kept, err := d.store.Get(t.Context(), p.ID)
		d.must(err)
		if kept.Seq != p.Seq || kept.Status() != payment.StatusPaid {
			t.Errorf("kept: %+v", kept)
		}
		closed, err := d.store.Finding(t.Context(), f.ID())
		d.must(err)
		if closed.State != journal.FindingClosed || closed.Resolution != journal.Adopted || closed.AdoptedAs != p.ID || closed.ClosedBy != "operator:aida" {
			t.Errorf("the finding: %+v", closed)
		}
		for range 2 { // as the lines stand, and as they are read anew
			*d.clock = d.clock.Add(time.Hour)
			d.run(today)
			if got, want := d.open(), "refund_unknown_to_us:"+p.ID; got != want { // who gave it back is still to be asked
				t.Errorf("open after a later run: %s, want %s", got, want)
			}
		}
		if got, err := d.store.LinesOf(t.Context(), gateway, []string{journal.GroupOf(p.ID, 1)}, 10); err != nil || len(got) != 2 {
			t.Errorf("lines of the payment: %+v, %v", got, err)
		}
		again, err := d.Adopt(t.Context(), f.ID(), f.Version, adopted)
		if err != nil || again.ID != p.ID {
			t.Errorf("adopted again: %s, %v, want %s", again.ID, err, p.ID)
		}
		other := adopted
		other.Order = "4712"
		if _, err := d.Adopt(t.Context(), f.ID(), f.Version, other); !errors.As(err, new(*journal.ReusedError)) {
			t.Errorf("as another order: %v", err)
		}
		other.Tenant = "kiosk"
		if _, err := d.Adopt(t.Context(), f.ID(), f.Version, other); !errors.Is(err, ErrFindingClosed) {
			t.Errorf("for another tenant: %v", err)
		}
	})
}

func TestMoneyThatIsAdoptedToBeGivenBackIsAWishInTheSameCommit(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.bank.refunds = providers.RefundClaims{API: true, Partial: true}
		d.Office = d.another()
		f := d.stray(charged("stranger", 700), back(200))
		wish := adopted
		wish.Order, wish.Refund = "", true
		p, err := d.Adopt(t.Context(), f.ID(), f.Version, wish)
		d.must(err)
		if len(p.Refunds) != 1 || p.Refunds[0].Amount != tenge(500) || p.Refundable() != 0 || p.Refunds[0].State != payment.RefundPending {
			t.Errorf("refunds: %+v, %d left", p.Refunds, p.Refundable())
		}
		events, err := d.store.Events(t.Context(), p.ID)
		d.must(err)
		for _, e := range events[:4] {
			if e.Actor != "operator:aida" {
				t.Errorf("%s is by %s", e.Body.Kind(), e.Actor)
			}
		}
	})
}

// That a person has closed the finding of a refund brings none of its money back.
func TestWhatWentBackAlreadyIsNotGivenBackAgainThoughItsFindingIsClosed(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.bank.refunds = providers.RefundClaims{API: true, Partial: true}
		d.Office = d.another()
		f := d.stray(charged("stranger", 700), back(200))
		all, err := d.store.Findings(t.Context(), journal.FindingFilter{Kind: string(reconcile.RefundUnknownToUs)}, journal.Cursor{}, 10)
		d.must(err)
		_, err = d.store.ChangeFinding(t.Context(), all[0].ID(), all[0].Version, "operator:aida", "the bank gave it back for us", *d.clock, func(f *journal.Finding) error {
			f.State, f.Resolution, f.ClosedBy = journal.FindingClosed, journal.ByPerson, "operator:aida"
			return nil
		})
		d.must(err)
		wish := adopted
		wish.Refund = true
		p, err := d.Adopt(t.Context(), f.ID(), f.Version, wish)
		d.must(err)
		if len(p.Refunds) != 1 || p.Refunds[0].Amount != tenge(500) || p.Attempts[0].Returned != 200 {
			t.Errorf("of 700, of which 200 went back, %+v is given back", p.Refunds)
		}
		if lines, err := d.store.LinesOf(t.Context(), gateway, []string{journal.GroupOf(p.ID, 1)}, 10); err != nil || len(lines) != 2 {
			t.Errorf("lines of the payment: %+v, %v", lines, err)
		}
	})
}

func TestWhatCannotBeAdoptedIsRefusedAndStaysAFinding(t *testing.T) {
	at(t, func(t *testing.T, d *desk) {
		d.pay("differs", learnt(providers.Approved))
		d.tell(charged("differs", 999))
		f := d.stray(charged("stranger", 700), charged("stranger", 700, func(l *providers.StatementLine) { l.External = "x-2" }))
		all, err := d.store.Findings(t.Context(), journal.FindingFilter{Kind: string(reconcile.AmountDiffers)}, journal.Cursor{}, 10)
		d.must(err)
		refund, nobody := adopted, adopted
		refund.Refund, nobody.Tenant = true, "stranger"
		for name, c := range map[string]struct {
			finding string
			version int64
			wish    router.Adoption
			want    string
		}{
			"two charges under one name": {f.ID(), f.Version, adopted, "more than one movement bears this name"},
			"another version":            {f.ID(), f.Version + 1, adopted, journal.ErrStale.Error()},
			"another kind":               {all[0].ID(), all[0].Version, adopted, "it is not of a charge that is nobody's"},
			"no finding":                 {"-.unknown_to_us.0.x", 1, adopted, journal.ErrNotFound.Error()},
		} {
			if _, err := d.Adopt(t.Context(), c.finding, c.version, c.wish); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
		}
		d.bank.lines = []providers.StatementLine{charged("differs", 999), charged("stranger", 700)}
		d.run(today)
		f, err = d.store.Finding(t.Context(), f.ID())
		d.must(err)
		for name, c := range map[string]struct {
			wish router.Adoption
			want error
		}{
			"a refund that the gateway does not offer": {refund, router.ErrNotOffered},
			"a tenant that is none":                    {nobody, router.ErrUnknownTenant},
		} {
			if _, err := d.Adopt(t.Context(), f.ID(), f.Version, c.wish); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		if kept, err := d.store.Finding(t.Context(), f.ID()); err != nil || kept != f {
			t.Errorf("the finding became %+v, %v", kept, err)
		}
	})
}
