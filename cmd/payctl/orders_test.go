package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
)

func TestADrainIsTriedThenOrderedThenEnded(t *testing.T) {
	w := newWorld(t)
	w.create("--amount", "15490", "--method", "qr")
	drain := []string{"drain", "kaspi-main", "--for", "30m", "--reason", "bank reports an outage", "--as", "aida"}

	w.payctl(append(drain, "--dry-run")...).done("kaspi-main: 100.00 % of new payments, then 0.00 %", "halyk-main: 0.00 % of new payments, then 100.00 %",
		"can still be paid at kaspi-main", "! judged by few payments, 1 of the last", "Nothing was changed.")
	w.payctl("overrides").done("There are no such orders.")
	w.payctl("gateways").done("kaspi-main admitting")

	w.payctl(drain...).done("kaspi-main drain in force", "aida bank reports an outage", "Offers that can still be paid there: 1, of which 0 opened or scanned",
		"End it before its time with: payctl restore kaspi-main")
	w.payctl("gateways").done("kaspi-main drained", "kaspi-main ordered by aida until ", "bank reports an outage")
	w.payctl("payment", "create", "--amount", "5", "--method", "qr").done("The payer pays at halyk-main", "kaspi-main qr drained")
	w.payctl("gateways", "kaspi-main").done("new payments drained: ordered by aida", "kaspi-main drain in force")

	w.payctl("restore", "kaspi-main", "--reason", "bank is back", "--as", "boris").done("kaspi-main drain ended by boris", "New payments at kaspi-main now: ramping, 5 %")
	w.payctl("overrides", "kaspi-main").done("kaspi-main drain ended by boris", "aida bank reports an outage")
	w.payctl("overrides", "--active").done("There are no such orders.")
	w.payctl("restore", "kaspi-main").done("No order about kaspi-main is in force or to come.", "New payments at kaspi-main now: ")
}

func TestAnOrderSaysWhatElseIsOrderedAndRestoreEndsAll(t *testing.T) {
	w := newWorld(t)
	w.payctl("drain", "halyk-main", "--reason", "statement differs", "--move-open", "--as", "aida").done("halyk-main drain, move open in force")
	w.payctl("admit", "halyk-main", "--reason", "bank confirms", "--for", "10m", "--as", "boris").
		done("halyk-main admit in force", "boris bank confirms", "halyk-main drain, move open in force", "aida statement differs").lacks("Offers")
	w.payctl("observe", "wayforpay-main", "--reason", "new thresholds", "--for", "4h").done("wayforpay-main observe only in force")
	w.payctl("overrides", "--limit", "1").done("There are more: raise --limit.")
	w.payctl("overrides", "--active").done("halyk-main admit in force", "halyk-main drain, move open in force", "wayforpay-main observe only in force").lacks("There are more")

	ended := read(w, &payrouterv1.ListOverridesResponse{}, "restore", "halyk-main")
	if len(ended.GetOverrides()) != 2 {
		t.Errorf("restore ended %v", ended)
	}
	w.payctl("overrides", "--active").done("wayforpay-main").lacks("halyk-main")
}

func TestAdmitWarnsInItsDryRun(t *testing.T) {
	w := newWorld(t)
	w.payctl("admit", "kaspi-main", "--reason", "the probe is wrong", "--dry-run").done("! new payments go to kaspi-main whatever breakers and probes say", "Nothing was changed.")
}

func TestForcingTrafficToAFailingGatewayTakesTwoPeople(t *testing.T) {
	w := newWorld(t)
	w.create("--amount", "15490", "--method", "qr")
	w.fault(sim.Fault{Face: "kaspi", Kind: sim.FaultRefuse})
	w.eventually("the gateway is out", func() bool {
		w.create("--amount", "5", "--method", "qr")
		return strings.Contains(w.payctl("gateways", "-o", "json").out, "BREAKER_OPEN") || strings.Contains(w.payctl("gateways", "-o", "json").out, "PROBE_FAILING")
	})
	admit := func(person string, more ...string) []string {
		return append([]string{"admit", "kaspi-main", "--for", "10m", "--reason", "the probe is wrong", "--as", person}, more...)
	}
	w.payctl(admit("aida", "--dry-run")...).done("! another operator must give the same order within 15m0s")
	w.payctl(admit("aida")...).fails(exitRefused, "SECOND_PERSON_NEEDED", "recorded, and not in force", "exposed        15490.00 KZT", "live_offers    1", "payctl restore kaspi-main")
	w.payctl("overrides").done("kaspi-main admit waits for a second person until ")
	if r := w.answers("", admit("boris")...); r.exit != exitUsage || !strings.Contains(r.err, "nothing was ordered") {
		t.Fatalf("exit status %d: %s", r.exit, r.err)
	}
	r := w.answers("kaspi-main\n", admit("boris")...)
	if r.exit != exitDone {
		t.Fatalf("exit status %d: %s", r.exit, r.err)
	}
	r.says("At risk there: 15490.00 KZT is pending", "Offers that can still be paid there: 1", "kaspi-main admit in force", "aida and boris")
}

func TestASecondOrderThatIsAnotherOneIsToldSo(t *testing.T) {
	w := newWorld(t)
	w.fault(sim.Fault{Face: "kaspi", Kind: sim.FaultRefuse})
	w.eventually("the gateway is out", func() bool {
		w.create("--amount", "5", "--method", "qr")
		return strings.Contains(w.payctl("gateways", "-o", "json").out, "BREAKER_OPEN") || strings.Contains(w.payctl("gateways", "-o", "json").out, "PROBE_FAILING")
	})
	admit := func(person, length, reason string) []string {
		return []string{"admit", "kaspi-main", "--for", length, "--reason", reason, "--as", person}
	}
	r := w.payctl(admit("aida", "10m", "the probe is wrong")...).fails(exitRefused, "before ", "A colleague who has looked too", "It must be for as long as yours")
	if strings.Contains(r.err, "SECOND PERSON NEEDED") || strings.Contains(r.err, "Z\n") {
		t.Errorf("what was said is said again, or in another way of writing time:\n%s", r.err)
	}
	w.payctl(admit("aida", "20m", "for longer")...).fails(exitRefused)
	r = w.answers("\n", admit("boris", "15m", "seen it")...)
	if r.exit != exitUsage || !strings.Contains(r.out, "Yours is another order") || !strings.Contains(r.out, "with --for 20m\n") {
		t.Errorf("exit status %d:\n%s%s", r.exit, r.out, r.err)
	}
	// What he is shown is what he confirms.
	r = w.answers("kaspi-main\n", admit("boris", "10m", "seen it")...)
	if r.exit != exitDone {
		t.Fatalf("exit status %d: %s", r.exit, r.err)
	}
	r.says("aida the probe is wrong", "Send new payments to kaspi-main all the same?", "aida and boris")
	w.payctl("restore", "kaspi-main", "--as", "aida").done("taken back by aida")
}

func TestTheSameOrderTwiceIsOne(t *testing.T) {
	w := newWorld(t)
	order := []string{"drain", "kaspi-main", "--for", "30m", "--reason", "an outage", "--request-id", "2f0c6f0a-6a55-4b0e-8a55-0c1d2e3f4a5b"}
	w.payctl(order...).done()
	w.payctl(order...).done()
	if all := read(w, &payrouterv1.ListOverridesResponse{}, "overrides"); len(all.GetOverrides()) != 1 {
		t.Errorf("there are %v", all)
	}
	order[3] = "31m"
	w.payctl(order...).fails(exitRefused, "REQUEST_ID_REUSED", "payctl overrides kaspi-main")
}

func TestAllGatewaysDrainedIsARefusalThatNamesTheWayOut(t *testing.T) {
	w := newWorld(t)
	for _, g := range []string{"kaspi-main", "halyk-main", "wayforpay-main"} {
		w.payctl("drain", g, "--reason", "rehearsal").done()
	}
	r := w.payctl("payment", "create", "--amount", "5", "--method", "qr").
		fails(exitRefused, "payctl: every gateway that could take this payment is out; nothing was sent", "ALL_GATEWAYS_UNAVAILABLE", "try again      in ", "See why with: payctl gateways")
	if r.lines("--request-id") != 0 {
		t.Errorf("nothing was sent, and the error asks for a repetition:\n%s", r.err)
	}
	w.payctl("payment", "create", "--amount", "5", "--method", "qr", "--dry-run").done("kaspi-main qr drained", "No gateway would take it now.")
}

func TestAnOrdersStatusIsToldByItsTimes(t *testing.T) {
	now := time.Date(2026, 7, 1, 14, 6, 20, 0, time.UTC)
	later := timestamppb.New(now.Add(time.Minute))
	for want, o := range map[string]*payrouterv1.Override{
		"in force":           {Active: true},
		"to come":            {StartTime: later},
		"over":               {StartTime: timestamppb.New(now.Add(-time.Hour))},
		"ended by aida":      {EndedBy: "operator:aida", StartTime: later},
		"answered by boris":  {EndedBy: "operator:boris", Actor: "operator:aida", ProposalExpireTime: later},
		"taken back by aida": {EndedBy: "operator:aida", Actor: "operator:aida", ProposalExpireTime: later},
	} {
		if got := overrideStatus(o, now); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// crossed is a service in which colleagues act at the same moment: of four orders about
// a gateway, the first ends by itself, a colleague ends the second, and the last is changed between read and end.
type crossed struct {
	payrouterv1.UnimplementedOperationsServer
}

func (crossed) GetGateway(_ context.Context, r *payrouterv1.GetGatewayRequest) (*payrouterv1.Gateway, error) {
	return &payrouterv1.Gateway{Name: r.GetName(), Admission: payrouterv1.Gateway_ADMISSION_DRAINED}, nil
}

func (crossed) ListOverrides(_ context.Context, r *payrouterv1.ListOverridesRequest) (*payrouterv1.ListOverridesResponse, error) {
	all := &payrouterv1.ListOverridesResponse{}
	for _, id := range []string{"over", "theirs", "mine", "changed"} {
		all.Overrides = append(all.Overrides, &payrouterv1.Override{Name: r.GetParent() + "/overrides/" + id, Gateway: r.GetParent(), Reason: id, Actor: "operator:dana"})
	}
	return all, nil
}

func (crossed) EndOverride(_ context.Context, r *payrouterv1.EndOverrideRequest) (*payrouterv1.Override, error) {
	switch last(r.GetName()) {
	case "over":
		return nil, refusal(codes.FailedPrecondition, "OVERRIDE_ENDED")
	case "theirs":
		return nil, refusal(codes.FailedPrecondition, "OVERRIDE_ENDED", "operator:bolat")
	case "changed":
		return nil, refusal(codes.Aborted, "STALE_ETAG")
	}
	return &payrouterv1.Override{Name: r.GetName(), Gateway: "gateways/kaspi-main", Reason: last(r.GetName()), EndedBy: "operator:aida"}, nil
}

func refusal(code codes.Code, reason string, endedBy ...string) error {
	s, err := status.New(code, "refused").WithDetails(&errdetails.ErrorInfo{Reason: reason, Domain: "payrouter", Metadata: map[string]string{"ended_by": strings.Join(endedBy, "")}})
	if err != nil {
		return err
	}
	return s.Err()
}

func TestRestoreShowsWhatItEndedBeforeItFailed(t *testing.T) {
	address := serve(t, func(s *grpc.Server) { payrouterv1.RegisterOperationsServer(s, crossed{}) })
	r := payctl(t, "--address", address, "restore", "kaspi-main")
	if r.exit != exitRefused || r.lines("STALE_ETAG") != 1 {
		t.Errorf("exit status %d, standard error %q", r.exit, r.err)
	}
	r.says(`bolat ended "theirs" at the same moment, the order of dana.`, "kaspi-main ended by aida", "mine", "New payments at kaspi-main now: drained").lacks("over", "changed")
}

// held is a service that lost a window, and whose configuration has lost a gateway, too.
type held struct {
	payrouterv1.UnimplementedOperationsServer
	ended *[]string
}

func (held) GetGateway(context.Context, *payrouterv1.GetGatewayRequest) (*payrouterv1.Gateway, error) {
	return nil, refusal(codes.NotFound, "GATEWAY_NOT_FOUND")
}

func (held) ListOverrides(_ context.Context, r *payrouterv1.ListOverridesRequest) (*payrouterv1.ListOverridesResponse, error) {
	return &payrouterv1.ListOverridesResponse{Overrides: []*payrouterv1.Override{
		{Name: r.GetParent() + "/overrides/window", Gateway: r.GetParent(), Mode: payrouterv1.Override_MODE_RECONCILE, Reason: "put back", Active: true},
		{Name: r.GetParent() + "/overrides/drain", Gateway: r.GetParent(), Mode: payrouterv1.Override_MODE_DRAIN, Reason: "down", Active: true},
	}}, nil
}

func (h held) EndOverride(_ context.Context, r *payrouterv1.EndOverrideRequest) (*payrouterv1.Override, error) {
	*h.ended = append(*h.ended, last(r.GetName()))
	return &payrouterv1.Override{Name: r.GetName(), Gateway: "gateways/old-main", Reason: r.GetReason(), EndedBy: "operator:aida"}, nil
}

// An order to reconcile is ended by those who have reconciled, also where the gateway is
// gone from the configuration, and by nobody in passing.
func TestOnlyReconciledEndsAnOrderToReconcile(t *testing.T) {
	var ended []string
	address := serve(t, func(s *grpc.Server) { payrouterv1.RegisterOperationsServer(s, held{ended: &ended}) })
	if r := payctl(t, "--address", address, "reconciled", "old-main"); r.exit != exitUsage || len(ended) != 0 {
		t.Errorf("without a reason: exit status %d, ended %v", r.exit, ended)
	}
	payctl(t, "--address", address, "restore", "old-main").says("ended by aida")
	if !slices.Equal(ended, []string{"drain"}) {
		t.Errorf("restore ended %v", ended)
	}
	payctl(t, "--address", address, "reconciled", "old-main", "--reason", "compared").says("ended by aida", "compared")
	if !slices.Equal(ended, []string{"drain", "window"}) {
		t.Errorf("reconciled ended %v", ended)
	}
}
