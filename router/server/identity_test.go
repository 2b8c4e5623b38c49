package server

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/router"
)

func TestACallWithoutATenantIsUnauthenticated(t *testing.T) {
	behind(t, func(d *door) {
		_, err := d.payments.CreatePayment(context.Background(), qr())
		d.refused(err, pb.ErrorReason_ERROR_REASON_UNAUTHENTICATED)
		_, err = d.operations.ExplainPayment(context.Background(), &pb.ExplainPaymentRequest{Name: paymentName(newID())})
		d.refused(err, pb.ErrorReason_ERROR_REASON_UNAUTHENTICATED)
		_, err = d.operations.CreateOverride(context.Background(), &pb.CreateOverrideRequest{Parent: "gateways/kaspi-main", ValidateOnly: true,
			Override: &pb.Override{Mode: pb.Override_MODE_DRAIN, Reason: "why not"}})
		d.refused(err, pb.ErrorReason_ERROR_REASON_UNAUTHENTICATED)
		stream, err := d.payments.WatchChanges(context.Background(), &pb.WatchChangesRequest{})
		d.must(err)
		_, err = stream.Recv()
		d.refused(err, pb.ErrorReason_ERROR_REASON_UNAUTHENTICATED)
		d.untouched()
		if _, err := d.operations.ListGateways(context.Background(), &pb.ListGatewaysRequest{}); err != nil {
			t.Fatalf("gateways are no tenant's: %v", err)
		}
	}, func(o *Options, _ *router.Options) { o.DefaultTenant = "" })
}

func TestAnIdentityThatDoesNotCheckOutIsUnauthenticated(t *testing.T) {
	behind(t, func(d *door) {
		for name, ctx := range map[string]context.Context{
			"an unknown tenant": as(tenantKey, "nobody"),
			"two tenants":       as(tenantKey, "shop", tenantKey, "other"),
			"a caller in words": as(callerKey, "the shop of +77011234567"),
			"a long caller":     as(callerKey, strings.Repeat("a", 65)),
			"a number":          as(operatorKey, "77011234567"),
		} {
			_, err := d.payments.CreatePayment(ctx, qr())
			info := d.refused(err, pb.ErrorReason_ERROR_REASON_UNAUTHENTICATED)
			for _, said := range []string{"nobody", "77011234567"} {
				if strings.Contains(err.Error(), said) || strings.Contains(info.String(), said) {
					t.Errorf("%s: what was sent comes back: %v", name, err)
				}
			}
		}
		d.untouched()
	})
}

func TestWhereAnOperatorMustBeNamedOthersAreDenied(t *testing.T) {
	behind(t, func(d *door) {
		_, err := d.operations.ListGateways(context.Background(), &pb.ListGatewaysRequest{})
		if info := d.refused(err, pb.ErrorReason_ERROR_REASON_PERMISSION_DENIED); info.GetMetadata()["method"] != pb.Operations_ListGateways_FullMethodName {
			t.Fatalf("metadata %v", info.GetMetadata())
		}
		if _, err := d.operations.ListGateways(as(operatorKey, "aida"), &pb.ListGatewaysRequest{}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.payments.CreatePayment(context.Background(), qr()); err != nil {
			t.Fatalf("a service needs no operator: %v", err)
		}
	}, func(o *Options, _ *router.Options) { o.RequireOperator = true })
}

func TestTheRecordNamesWhoActed(t *testing.T) {
	behind(t, func(d *door) {
		ctx := as(callerKey, "checkout", operatorKey, "aida")
		p, err := d.payments.CreatePayment(ctx, qr())
		d.must(err)
		story, err := d.operations.ExplainPayment(ctx, &pb.ExplainPaymentRequest{Name: p.GetName()})
		d.must(err)
		if actor := story.GetEvents()[0].GetActor(); actor != "caller:checkout" {
			t.Errorf("opened by %s", actor)
		}
		o, err := d.operations.CreateOverride(ctx, &pb.CreateOverrideRequest{Parent: "gateways/kaspi-main", RequestId: newID(),
			Override: &pb.Override{Mode: pb.Override_MODE_DRAIN, Reason: "slow today"}})
		d.must(err)
		if o.GetActor() != "operator:aida" {
			t.Errorf("ordered by %s", o.GetActor())
		}
		if _, err := d.payments.GetPayment(metadata.AppendToOutgoingContext(context.Background(), callerKey, ""), &pb.GetPaymentRequest{Name: p.GetName()}); err != nil {
			t.Errorf("an empty name is no name: %v", err)
		}
	})
}
