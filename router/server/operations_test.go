package server

import (
	"context"
	"strings"
	"testing"
	"time"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/payment"
)

// doubtful makes a payment of which nobody knows whether it was charged.
func (d *door) doubtful() *pb.Payment {
	d.t.Helper()
	d.kaspi.answer(func(providers.Charge) providers.Result { return providers.Doubt(providers.Timeout, "", errBroken) })
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	p, err := d.payments.CreatePayment(ctx, d.byInstrument())
	d.must(err)
	if p.GetState() != pb.Payment_STATE_PROCESSING {
		d.t.Fatalf("state %s", p.GetState())
	}
	return p
}

func (d *door) resolve(who string, p *pb.Payment, verdict pb.ResolveAttemptRequest_Verdict, etag string) (*pb.Payment, error) {
	return d.operations.ResolveAttempt(as(operatorKey, who), &pb.ResolveAttemptRequest{Name: p.GetAttempts()[0].GetName(), Verdict: verdict,
		Reason: "looked in the cabinet at noon", Etag: etag})
}

func TestNotChargedNeedsASecondPerson(t *testing.T) {
	behind(t, func(d *door) {
		p := d.doubtful()
		_, err := d.resolve("aida", p, pb.ResolveAttemptRequest_VERDICT_NOT_CHARGED, p.GetEtag())
		info := d.refused(err, pb.ErrorReason_ERROR_REASON_SECOND_PERSON_NEEDED)
		if m := info.GetMetadata(); m["verdict"] != "NOT_CHARGED" || m["exposed_minor_units"] != "150000" || m["currency_code"] != "KZT" {
			t.Fatalf("metadata %v", m)
		}
		_, err = d.resolve("bolat", p, pb.ResolveAttemptRequest_VERDICT_NOT_CHARGED, p.GetEtag())
		d.refused(err, pb.ErrorReason_ERROR_REASON_STALE_ETAG)
		now := d.get(p.GetName())
		_, err = d.resolve("aida", p, pb.ResolveAttemptRequest_VERDICT_NOT_CHARGED, now.GetEtag())
		d.refused(err, pb.ErrorReason_ERROR_REASON_SECOND_PERSON_NEEDED) // the same person is no second one
		now = d.get(p.GetName())
		after, err := d.resolve("bolat", p, pb.ResolveAttemptRequest_VERDICT_NOT_CHARGED, now.GetEtag())
		d.must(err)
		a := after.GetAttempts()[0]
		if a.GetExposed() || a.GetClosedBy()[0].GetKind() != pb.Evidence_KIND_OPERATOR || a.GetClosedBy()[0].GetSource() != pb.Evidence_SOURCE_OPERATOR ||
			!strings.Contains(a.GetClosedBy()[0].GetDetail(), "cabinet") {
			t.Fatalf("%v", a)
		}
		_, err = d.resolve("bolat", p, pb.ResolveAttemptRequest_VERDICT_CHARGED, after.GetEtag())
		d.refused(err, pb.ErrorReason_ERROR_REASON_ATTEMPT_NOT_OPEN)
	})
}

func TestChargedIsOnePersonsWord(t *testing.T) {
	behind(t, func(d *door) {
		p := d.doubtful()
		after, err := d.resolve("aida", p, pb.ResolveAttemptRequest_VERDICT_CHARGED, p.GetEtag())
		if err != nil || after.GetState() != pb.Payment_STATE_PAID || after.GetPaid().GetMinorUnits() != 150000 {
			t.Fatalf("%v, error %v", after, err)
		}
		_, err = d.resolve("aida", p, pb.ResolveAttemptRequest_VERDICT_CHARGED, after.GetEtag())
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_ATTEMPT_NOT_OPEN); info.GetMetadata()["verdict"] != "APPROVED" {
			t.Fatalf("metadata %v", info.GetMetadata())
		}
	})
}

func TestAWordAboutAnAttemptThatIsNotThereIsRefused(t *testing.T) {
	behind(t, func(d *door) {
		p := d.doubtful()
		for _, name := range []string{p.GetName() + "/attempts/2", paymentName(newID()) + "/attempts/1"} {
			_, err := d.operations.ResolveAttempt(context.Background(), &pb.ResolveAttemptRequest{Name: name,
				Verdict: pb.ResolveAttemptRequest_VERDICT_CHARGED, Reason: "looked", Etag: p.GetEtag()})
			if info := d.refused(err, pb.ErrorReason_ERROR_REASON_NOT_FOUND); info.GetMetadata()["name"] != name {
				t.Fatalf("metadata %v", info.GetMetadata())
			}
		}
	})
}

// Whose time ends while the books are slow is answered by what they say of this very word.
func TestAWordThatOutlastsItsCallerIsLookedForInTheBooks(t *testing.T) {
	behind(t, func(d *door) {
		p := d.doubtful()
		_, err := d.resolve("aida", p, pb.ResolveAttemptRequest_VERDICT_CHARGED, p.GetEtag())
		d.must(err)
		id, _ := parsePayment(p.GetName())
		for _, word := range []struct {
			attempt int
			verdict providers.Verdict
			reason  pb.ErrorReason
		}{
			{1, providers.Approved, 0},
			{1, providers.Declined, pb.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE}, // the same reason, and another word
			{2, providers.Approved, pb.ErrorReason_ERROR_REASON_NOT_FOUND},
		} {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			_, err := d.server.within(ctx, func(context.Context) (payment.Payment, error) { time.Sleep(time.Minute); return payment.Payment{}, nil },
				operations{Server: d.server}.resolved(router.Word{Tenant: "shop", Payment: id, Attempt: word.attempt, Verdict: word.verdict, Reason: "looked in the cabinet at noon"}))
			if err = d.server.refusal(ctx, err, about{name: p.GetName()}); word.reason != 0 {
				d.refused(err, word.reason)
			} else if err != nil {
				t.Errorf("the word stands: %v", err)
			}
			cancel()
		}
		d.must(d.server.Wait(context.Background()))
	})
}

func TestAPaymentsStoryTellsEveryFactAndTheProofOfEveryMove(t *testing.T) {
	behind(t, func(d *door) {
		d.kaspi.answer(func(providers.Charge) providers.Result { return providers.Unsent(errBroken) })
		p := d.create(qr())
		d.halyk.mu.Lock()
		for _, o := range d.halyk.orders {
			o.verdict, o.reason = providers.Unknown, providers.UnknownCode
		}
		d.halyk.mu.Unlock()
		time.Sleep(time.Minute)
		story, err := d.operations.ExplainPayment(context.Background(), &pb.ExplainPaymentRequest{Name: p.GetName()})
		d.must(err)
		kinds := map[string]int{}
		for i, e := range story.GetEvents() {
			if e.GetSequence() != int64(i+1) || e.GetTime() == nil || e.GetText() == "" || e.GetActor() == "" {
				t.Errorf("%v", e)
			}
			kinds[e.GetKind()]++
			switch r := e.GetRoute(); {
			case e.GetAttempt() == p.GetName()+"/attempts/1" && e.GetKind() == "observed" && (e.GetVerdict() != pb.Verdict_VERDICT_UNSERVED || e.GetReason() != pb.Reason_REASON_NOT_SENT),
				(e.GetKind() == "planned") != (len(r) > 0), len(r) > 0 && (!r[0].GetTaken() || r[0].GetReason() != "taken"):
				t.Errorf("its fields do not tell %v", e)
			}
		}
		if kinds["opened"] != 1 || kinds["planned"] != 2 || kinds["closed"] != 1 || story.GetPayment().GetName() != p.GetName() {
			t.Fatalf("kinds %v", kinds)
		}
		if len(story.GetEvidence()) != 1 || !strings.Contains(story.GetEvidence()[0], "attempt 1 at kaspi-main cannot take money") {
			t.Fatalf("evidence %v", story.GetEvidence())
		}
		if len(story.GetFindings()) == 0 || story.GetFindings()[0].GetKind() != "unknown_code" || story.GetFindings()[0].GetAttempt() != p.GetName()+"/attempts/2" {
			t.Fatalf("findings %v", story.GetFindings())
		}
		_, err = d.operations.ExplainPayment(context.Background(), &pb.ExplainPaymentRequest{Name: paymentName(newID())})
		d.refused(err, pb.ErrorReason_ERROR_REASON_NOT_FOUND)
	})
}
