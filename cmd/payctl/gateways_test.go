package main

import (
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
)

func TestHealthyGatewaysAdmit(t *testing.T) {
	w := newWorld(t)
	w.payctl("gateways").done("GATEWAY NEW PAYMENTS", "halyk-main admitting", "kaspi-main admitting", "wayforpay-main admitting").
		lacks("UNKNOWN", "PENDING", "Why")
	all := read(w, &payrouterv1.ListGatewaysResponse{}, "gateways")
	if len(all.GetGateways()) != 3 || !all.GetGateways()[0].GetAdmitting() {
		t.Errorf("there are %v", all)
	}
}

func TestOneGatewayIsShownInFullAndItsClaimsWhenAskedFor(t *testing.T) {
	w := newWorld(t)
	w.create("--amount", "15490", "--method", "qr")
	w.payctl("gateways", "kaspi-main").done("gateway kaspi-main, provider kaspi", "takes KZT by qr, link, push, account", "new payments admitting",
		"pending 15490.00 KZT (1), the oldest since ", "live offers 1, of which 0 opened or scanned; the last one dies at ", "create closed", "status closed, only watches",
		"payctl gateways kaspi-main --claims").lacks("qr.withdraw")
	w.payctl("gateway", "gateways/kaspi-main", "--claims").done("What the provider of kaspi-main promises", "qr.withdraw none", "push.withdraw binding")
	w.payctl("gateways").done("kaspi-main admitting 15490.00 KZT (1) 1")
}

func TestCredentialsAreShownWithTheirEnd(t *testing.T) {
	w := newWorld(t)
	w.payctl("gateways", "halyk-main").done("credentials 2040-11, valid until 2040-12-01 ")
	w.payctl("gateways", "kaspi-main").done().lacks("credentials") // nobody has said anything about them
	p := w.create("--amount", "15490", "--method", "page", "--gateway", "halyk-main")
	w.payctl("payment", "get", last(p.GetName())).done("CREDENTIALS", " 2040-11 ")
}

func TestASickGatewayIsSeenWithTheReason(t *testing.T) {
	w := newWorld(t)
	w.fault(sim.Fault{Face: "kaspi", Kind: sim.FaultRefuse})
	p := w.create("--amount", "15490", "--method", "qr", "--order", "4711")
	w.payctl("gateways").done("Why, and what else is unusual").says("halyk-main admitting").lacks("kaspi-main admitting")
	g := read(w, &payrouterv1.Gateway{}, "gateways", "kaspi-main")
	if g.GetAdmitting() {
		t.Errorf("kaspi-main admits: %v", g)
	}
	// The story of the payment that met the outage: who was asked, and why the move was safe.
	w.payctl("explain", last(p.GetName())).done("1 kaspi-main qr", "unserved: not sent no: not sent", "2 halyk-main qr", "router attempt 2 at halyk-main by qr",
		"Proof that an attempt could not charge any more", "attempt 1 at kaspi-main cannot take money: no connection was obtained, so nothing was sent").
		lacks("Out of order")
	// The next one is not even sent there.
	w.payctl("payment", "create", "--amount", "5", "--method", "qr", "--dry-run").done("halyk-main qr taken").lacks("kaspi-main qr taken")
}

// While nobody can be reached gateways seem well: no breaker opens for it.
func TestThatOurOwnWayOutIsDownIsToldBeforeAllGateways(t *testing.T) {
	w := newWorld(t)
	const told = "! NO GATEWAY CAN BE REACHED: our own way out is down"
	w.payctl("gateways").done().lacks(told)
	for _, face := range []string{"kaspi", "halyk", "wayforpay"} {
		w.fault(sim.Fault{Face: face, Kind: sim.FaultRefuse})
	}
	w.payctl("payment", "create", "--amount", "5", "--method", "qr,page", "--order", "4712")
	w.payctl("gateways").done(told)
	w.payctl("drain", "kaspi-main", "--reason", "nothing works", "--dry-run").done("no gateway can be reached from here")
}

func TestAMisspeltGatewayIsNotCalledHealthyOrFree(t *testing.T) {
	w := newWorld(t)
	for _, args := range [][]string{{"gateways", "kapsi-main"}, {"restore", "kapsi-main"}, {"overrides", "kapsi-main"},
		{"drain", "kapsi-main", "--reason", "trying"}, {"drain", "kapsi-main", "--reason", "trying", "--dry-run"}} {
		w.payctl(args...).fails(exitRefused, "payctl: no such gateway", "GATEWAY_NOT_FOUND", "gateways/kapsi-main", "See all with: payctl gateways")
	}
}

func TestMoneyThatCameTooLateIsToldToBeGivenBack(t *testing.T) {
	w := newWorld(t)
	p := w.create("--amount", "9900", "--method", "qr")
	reference := p.GetAttempts()[0].GetReference()
	w.payctl("payment", "watch", p.GetName()).done("declined attempt 1 at kaspi-main: declined") // nobody scanned in time
	w.must(w.bank.Act("kaspi", reference, sim.ActPayLate))
	w.eventually("the late money is noticed and given back", func() bool {
		now := w.get(p.GetName())
		return now.GetAttempts()[0].GetVerdict() == payrouterv1.Verdict_VERDICT_APPROVED && now.GetSurplus().GetMinorUnits() == 0
	})
	w.payctl("explain", p.GetName()).done("state declined", "approved too late, given back", "refund of 9900.00 KZT", "Out of order", "attempt 1 money after close: ").
		lacks("paid 9900", "The payer pays")
}

func TestAdmissionIsToldInAFewWords(t *testing.T) {
	for want, g := range map[string]*payrouterv1.Gateway{
		"admitting":        {Admitting: true, SharePercent: 100, Admission: payrouterv1.Gateway_ADMISSION_ADMITTING},
		"ramping, 20 %":    {Admitting: true, SharePercent: 20, Admission: payrouterv1.Gateway_ADMISSION_RAMPING},
		"drained":          {Admission: payrouterv1.Gateway_ADMISSION_DRAINED},
		"no, for a moment": {},
	} {
		if got := admission(g); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	code := &payrouterv1.Gateway_UnknownCode{Code: "\x1b[2J-7", Count: 3, LastTime: timestamppb.Now()}
	if got := unknownCode(code); got != `sent a code that nobody documented, "\x1b[2J-7", seen 3 times, last at `+when(code.LastTime) {
		t.Errorf("%q", got)
	}
}
