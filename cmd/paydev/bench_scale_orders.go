package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

const (
	orderTrials   = 5                    // in a repetition
	orderTarget   = time.Second          // an order is to be obeyed everywhere within it
	orderPatience = 10 * time.Second     // after which an order was not seen at all
	orderEvery    = 5 * time.Millisecond // between charges at the other replica: so exact are the figures
)

// ordersSeen measures how long another replica goes on as if an order had not been given. The
// first of two gateways is drained at one replica, and the other replica is charged again and
// again until a charge goes to the backup; then the order is ended, until one goes to the
// first again. Time counts from when the order was sent, with the way to the replica that
// takes it, until the first charge began that went by it.
func (b *benchmark) ordersSeen(ctx context.Context, e engine) (seen []time.Duration, err error) {
	orders := serviceOrders{Gateways: []gatewayAt{{mainGateway, b.quick().url}, {backupGateway, b.quick().url}}, MaxConcurrent: scaleCallers, NoRamp: true}
	err = b.replicasOn(ctx, e, orders, 2, func(_ string, all []*process) error {
		operator := payrouterv1.NewOperationsClient(all[0].conn)
		if at, err := all[1].chargedAt(ctx); err != nil || at != mainGateway {
			return fmt.Errorf("before any order a charge went to %q, error %w", at, err)
		}
		// Replicas look every half second, and an order is followed just after a look: each next
		// one waits another while, so that they fall evenly between two looks.
		const look = 500 * time.Millisecond
		for i := range time.Duration(orderTrials) {
			away(ctx, 2*i*look/(2*orderTrials))
			var o *payrouterv1.Override
			drain, err := all[1].follows(ctx, backupGateway, func() (err error) {
				o, err = operator.CreateOverride(ctx, &payrouterv1.CreateOverrideRequest{Parent: "gateways/" + mainGateway, RequestId: uuid.NewString(),
					Override: &payrouterv1.Override{Mode: payrouterv1.Override_MODE_DRAIN, Reason: "measured"}})
				return err
			})
			if err != nil {
				return err
			}
			away(ctx, (2*i+1)*look/(2*orderTrials))
			end, err := all[1].follows(ctx, mainGateway, func() error {
				_, err := operator.EndOverride(ctx, &payrouterv1.EndOverrideRequest{Name: o.GetName(), Reason: "measured"})
				return err
			})
			if err != nil {
				return err
			}
			seen = append(seen, drain, end)
		}
		return nil
	})
	return seen, err
}

// follows gives an order elsewhere, and says how long it was until a charge began here that
// went to the gateway it was to go to. An order that is not followed in time is an error,
// and not a figure.
func (p *process) follows(ctx context.Context, gateway string, order func() error) (time.Duration, error) {
	sent := time.Now()
	if err := order(); err != nil {
		return 0, err
	}
	for ; time.Since(sent) < orderPatience && ctx.Err() == nil; away(ctx, orderEvery) {
		took := time.Since(sent)
		at, err := p.chargedAt(ctx)
		if err != nil {
			return 0, err
		}
		if at == gateway {
			return took, nil
		}
	}
	return 0, fmt.Errorf("an order was not followed by another replica within %s", orderPatience)
}

// chargedAt charges once and says where.
func (p *process) chargedAt(ctx context.Context) (gateway string, err error) {
	payment, err := p.charge(ctx)
	if err != nil {
		return "", err
	}
	o := readOutcome(payment)
	switch {
	case o.backup:
		return backupGateway, nil
	case !o.vain:
		return mainGateway, nil
	}
	return "", errors.New("a charge went to both gateways")
}
