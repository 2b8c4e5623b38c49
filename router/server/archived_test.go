package server

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router/journal"
)

// toldOf is what callers and operators are told of payments, by all that tells of them.
func (d *door) toldOf(all []*pb.Payment, dispute string) string {
	d.t.Helper()
	ctx := context.Background()
	var told strings.Builder
	say := func(answer any, err error) { fmt.Fprintln(&told, answer, err) }
	for _, p := range all {
		say(d.payments.GetPayment(ctx, &pb.GetPaymentRequest{Name: p.GetName()}))
		say(d.operations.ExplainPayment(ctx, &pb.ExplainPaymentRequest{Name: p.GetName()}))
		say(d.payments.ListRefunds(ctx, &pb.ListRefundsRequest{Parent: p.GetName()}))
	}
	say(d.payments.ListPayments(ctx, &pb.ListPaymentsRequest{}))
	files, _ := d.evidence(dispute)
	say(files, nil)
	ready, _ := d.readiness()
	say(ready, nil)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := d.payments.WatchChanges(ctx, &pb.WatchChangesRequest{}) // from the very beginning
	d.must(err)
	numbered, err := d.store.Changes(ctx, "shop", 0, 1000)
	d.must(err)
	for range numbered {
		say(stream.Recv())
	}
	return told.String()
}

func (d *door) archive() (n int64) {
	d.t.Helper()
	now := time.Now()
	for w := (journal.ArchiveWalk{Tenant: "shop", Began: now}); ; {
		a, err := d.store.Archive(context.Background(), "pass", w, now, now, 10)
		d.must(err)
		if a.Rows == 0 {
			return n
		}
		w.After, n = a.Last, n+a.Done
	}
}

// Nobody is told anything else of a payment because it is archived, and what comes late is
// taken as ever.
func TestCallersAreToldTheSameOfAnArchivedPayment(t *testing.T) {
	behind(t, func(d *door) {
		ctx := context.Background()
		create := d.byInstrument()
		refunded, contested, offered := d.create(create), d.charged(), d.paid()
		refund := &pb.CreateRefundRequest{Parent: refunded.GetName(), RequestId: newID(), Amount: &pb.Money{MinorUnits: 100, CurrencyCode: "KZT"}}
		first, err := d.payments.CreateRefund(ctx, refund)
		d.must(err)
		claim := d.disputed(dispute(contested))
		_, err = d.disputes.CloseDispute(as(operatorKey, "aida"), &pb.CloseDisputeRequest{Name: claim.GetName(), Etag: claim.GetEtag(), Outcome: pb.Dispute_OUTCOME_WON, Reason: "they took it back"})
		d.must(err)
		time.Sleep(10 * time.Minute)
		all := []*pb.Payment{refunded, contested, offered}
		before := d.toldOf(all, claim.GetName())
		if n := d.archive(); n != 3 {
			t.Fatalf("%d of 3 are archived", n)
		}
		if diff := cmp.Diff(strings.Split(before, "\n"), strings.Split(d.toldOf(all, claim.GetName()), "\n")); diff != "" {
			t.Errorf("told (-before +archived):\n%s", diff)
		}

		// Requests that came before are known; new ones, and the gateway, are heard.
		if again, err := d.payments.CreatePayment(ctx, create); err != nil || again.GetName() != refunded.GetName() {
			t.Errorf("the same creation: %v, error %v", again, err)
		}
		if again, err := d.payments.CreateRefund(ctx, refund); err != nil || again.GetName() != first.GetName() || len(d.kaspi.refunds) != 1 {
			t.Errorf("the same refund: %v, error %v", again, err)
		}
		if _, err := d.refund(refunded, 200); err != nil || len(d.kaspi.refunds) != 2 {
			t.Errorf("another refund: error %v", err)
		}
		last := offered.GetAttempts()[0]
		if code, _ := d.notice("kaspi-main", "paid "+last.GetReference()); code != http.StatusOK {
			t.Errorf("a late notice is answered %d", code)
		}
		time.Sleep(10 * time.Minute)
		if p := d.get(refunded.GetName()); p.GetRefunded().GetMinorUnits() != 300 || p.GetSequence() <= refunded.GetSequence() {
			t.Errorf("%v", p)
		}
		if n := d.archive(); n < 1 {
			t.Errorf("%d are archived again", n)
		}
	})
}
