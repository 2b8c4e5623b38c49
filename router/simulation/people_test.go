package simulation

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/payment"
)

// payers decide what the payers of new offers do, and a few act by hand.
func (w *world) payers() {
	draw := w.draw("payers")
	for range 30 {
		rule := sim.PayerRule{Behaviour: sim.PayerPays, After: sim.Duration(between(draw, time.Second, 50*time.Second)), Times: 1}
		if w.swarm.oddPayers {
			rule.Behaviour = pick(draw, sim.PayerPays, sim.PayerPays, sim.PayerNever, sim.PayerDeclines, sim.PayerLate)
		} else if chance(draw, 15) {
			rule.Behaviour = sim.PayerNever
		}
		w.must2(w.bank.AddPayer(rule))
	}
	if !w.swarm.oddPayers {
		return
	}
	for range 10 {
		act := pick(draw, sim.ActScan, sim.ActScan, sim.ActPay, sim.ActDecline, sim.ActPayLate)
		nth := draw.IntN(20)
		w.later(between(draw, 10*time.Second, 2*troubled), func() { w.act(nth, act) })
	}
}

// act lets the payer of one of the offers that exist do something.
func (w *world) act(nth int, act string) {
	var offers []sim.Object
	for _, o := range w.bank.Ledger().Objects {
		if o.Style == sim.StyleOffer || o.Style == sim.StylePush {
			offers = append(offers, o)
		}
	}
	if len(offers) == 0 {
		return
	}
	o := offers[nth%len(offers)]
	if act == sim.ActScan && o.Face != "kaspi" {
		act = sim.ActPay
	}
	if err := w.bank.Act(o.Face, o.ID, act); err == nil {
		w.note("payer of %s at %s: %s", order(o.Reference), o.Face, act)
		w.count("payer acts by hand")
	}
}

// operator is the person on call.
type operator struct {
	w    *world
	name string
}

func (o operator) do(what string, call func(context.Context, *process) error) error {
	p := o.w.any(0)
	if p == nil {
		return fmt.Errorf("nobody is up")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "payrouter-tenant", "shop", "payrouter-caller", "payctl", "payrouter-operator", o.name)
	err := call(ctx, p)
	if err != nil {
		o.w.note("operator %s: %s is refused", o.name, what)
	} else {
		o.w.note("operator %s: %s", o.name, what)
	}
	return err
}

// drains orders gateways out, with or without their open offers, and back.
func (w *world) drains() {
	draw := w.draw("operator")
	for range 1 + draw.IntN(3) {
		gateway := pick(draw, kaspiMain, halykMain, wayforpayMain)
		request := &pb.CreateOverrideRequest{Parent: "gateways/" + gateway, RequestId: (&client{draw: draw}).uuid(),
			Override: &pb.Override{Mode: pick(draw, pb.Override_MODE_DRAIN, pb.Override_MODE_DRAIN, pb.Override_MODE_ADMIT), MoveOpen: chance(draw, 50),
				Reason: "the bank says so", Duration: durationpb.New(between(draw, time.Minute, 6*time.Minute))}}
		if request.Override.Mode != pb.Override_MODE_DRAIN {
			request.Override.MoveOpen = false
		}
		ends, early := between(draw, 10*time.Second, time.Minute), chance(draw, 40)
		w.later(between(draw, 0, troubled), func() {
			w.count("operator orders a gateway out or in")
			var made *pb.Override
			_ = operator{w, "aida"}.do("override of "+gateway, func(ctx context.Context, p *process) (err error) {
				made, err = p.operations.CreateOverride(ctx, request)
				return err
			})
			if made != nil && early {
				w.later(ends, func() {
					_ = operator{w, "bolat"}.do("end of the override", func(ctx context.Context, p *process) error {
						_, err := p.operations.EndOverride(ctx, &pb.EndOverrideRequest{Name: made.GetName(), Reason: "it is well again", Etag: made.GetEtag()})
						return err
					})
				})
			}
		})
	}
}

// review works through the payments that nobody could decide: two people look into the
// gateway's own books and say what they saw.
func (w *world) review() {
	for _, p := range w.keep.all() {
		a, open := p.OpenAttempt()
		if !open || p.Status().Final() {
			continue
		}
		word := pb.ResolveAttemptRequest_VERDICT_NOT_CHARGED
		if net, held := w.money(a); net > 0 {
			word = pb.ResolveAttemptRequest_VERDICT_CHARGED
		} else if held > 0 {
			word = pb.ResolveAttemptRequest_VERDICT_HELD
		}
		for _, name := range []string{"aida", "bolat"} {
			w.resolve(operator{w, name}, p, a.N, word)
		}
	}
}

func (w *world) resolve(o operator, p payment.Payment, n int, word pb.ResolveAttemptRequest_Verdict) {
	w.count("attempt resolved by people")
	_ = o.do("resolve "+word.String(), func(ctx context.Context, r *process) error {
		ctx = metadata.AppendToOutgoingContext(ctx) // a copy of its own
		md, _ := metadata.FromOutgoingContext(ctx)
		md.Set("payrouter-tenant", p.Tenant)
		ctx = metadata.NewOutgoingContext(ctx, md)
		now, err := r.payments.GetPayment(ctx, &pb.GetPaymentRequest{Name: "payments/" + p.ID})
		if err != nil {
			return err
		}
		_, err = r.operations.ResolveAttempt(ctx, &pb.ResolveAttemptRequest{Name: fmt.Sprintf("payments/%s/attempts/%d", p.ID, n), Verdict: word,
			Reason: "seen in the gateway's own books", Etag: now.GetEtag()})
		return err
	})
}

// money is what one gateway holds for an attempt: captured and not refunded, and held.
func (w *world) money(a payment.Attempt) (net, held int64) {
	ledger := w.bank.Ledger()
	for _, o := range ledger.Objects {
		if o.Face+"-main" != a.Gateway || order(o.Reference) != a.Reference {
			continue
		}
		net += o.Captured - o.Refunded
		if o.Phase == sim.Held {
			held += o.Authorized - o.Captured
		}
	}
	return net, held
}

// never is for stores that nobody works for.
func never(payment.Payment, time.Time) time.Time { return time.Time{} }

// hasMoney reads an attempt's verdict as the books have it.
func hasMoney(a payment.Attempt) bool { return a.Verdict == providers.Approved || a.Verdict == providers.Held }
