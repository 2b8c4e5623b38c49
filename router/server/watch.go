package server

import (
	"google.golang.org/grpc"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router/payment"
)

// WatchPayment follows one payment: its state first, then each change. Changes that
// follow each other faster than they can be sent come as one, the newest.
func (s payments) WatchPayment(r *pb.WatchPaymentRequest, stream grpc.ServerStreamingServer[pb.WatchPaymentResponse]) error {
	ctx := stream.Context()
	p, err := s.read(ctx, r.GetName())
	if err != nil {
		return err
	}
	f := newFeed(ctx, s.options.WatchFor, s.draining, stream.Send)
	defer f.stop()
	for seen := int64(0); ; {
		if p.Seq > seen {
			if err := f.send(&pb.WatchPaymentResponse{Payment: s.view(ctx, p)}); err != nil {
				return err
			}
			seen = p.Seq
		}
		if over(p) {
			return f.finish()
		}
		// Asked before the payment is read again, so that no change slips in between.
		changed := s.router.Changed(p.ID)
		if p, err = s.read(ctx, r.GetName()); err != nil {
			return err
		}
		if p.Seq > seen {
			continue
		}
		silent, err := f.wait(changed)
		if err != nil {
			return err
		}
		if silent {
			if err := f.send(&pb.WatchPaymentResponse{Heartbeat: true}); err != nil {
				return err
			}
		}
	}
}

// over reports that nothing more is to be expected of the payment: it is final, and no
// money is on its way back.
func over(p payment.Payment) bool { return p.Status().Final() && p.Sums().Surplus == 0 }

// changesAtOnce is how much of the feed is read at a time.
const changesAtOnce = 100

// WatchChanges follows all payments of the tenant.
func (s payments) WatchChanges(r *pb.WatchChangesRequest, stream grpc.ServerStreamingServer[pb.Change]) error {
	ctx, tenant, after := stream.Context(), identityOf(stream.Context()).tenant, r.GetAfterSequence()
	if err := s.checkPlace(stream, tenant, after); err != nil {
		return err
	}
	f := newFeed(ctx, s.options.WatchFor, s.draining, stream.Send)
	defer f.stop()
	for {
		numbered := s.router.Numbered()
		changes, err := s.router.Journal.Changes(ctx, tenant, after, changesAtOnce)
		if err != nil {
			return s.refusal(ctx, err, about{})
		}
		views := map[string]*pb.Payment{} // one reading serves all of a payment's changes in the batch
		for _, c := range changes {
			view, ok := views[c.Payment]
			if !ok {
				p, err := s.router.Journal.Get(ctx, c.Payment)
				if err != nil {
					return s.refusal(ctx, err, about{name: paymentName(c.Payment)})
				}
				view = s.view(ctx, p)
				views[c.Payment] = view
			}
			if err := f.send(&pb.Change{Sequence: c.Seq, Payment: view}); err != nil {
				return err
			}
			after = c.Seq
		}
		if len(changes) == changesAtOnce && !s.isDraining() {
			continue
		}
		silent, err := f.wait(numbered)
		if err != nil {
			return err
		}
		if silent {
			if err := f.send(&pb.Change{Sequence: after, Heartbeat: true}); err != nil {
				return err
			}
		}
	}
}

// checkPlace refuses a place that the feed has not reached: the consumer holds another
// feed's number, or the books were restored from before it. Silence would hide that.
func (s payments) checkPlace(stream grpc.ServerStream, tenant string, after int64) error {
	if after == 0 {
		return nil
	}
	ctx := stream.Context()
	reached, err := s.router.Journal.Changes(ctx, tenant, after-1, 1)
	if err != nil {
		return s.refusal(ctx, err, about{})
	}
	if len(reached) == 0 {
		v := &violations{}
		v.wrong("after_sequence", "is beyond the end of the feed")
		return v.fault()
	}
	return nil
}
