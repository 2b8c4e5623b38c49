package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest/accounts"
	"github.com/payrouter/payrouter/providers/sim"
	"github.com/payrouter/payrouter/router/payment"
)

// payers are those whom the bank itself reaches, on their phones; the payers of offers
// are the clients' (see client.heard).
func (w *world) payers() {
	draw := w.draw("payers")
	rung := map[string]bool{}
	var turn sync.Mutex // one look after the other, also for the race detector
	for at := 5 * time.Second; at < 3*troubled; at += 5 * time.Second {
		w.later(at, func() {
			turn.Lock()
			defer turn.Unlock()
			for _, o := range w.bank.Ledger().Objects {
				if o.Style == sim.StylePush && !rung[o.ID] {
					rung[o.ID] = true
					w.meet(draw, o.Face, o.ID, "", pick(draw, 50*time.Second, 9*time.Minute)) // it rings, or lies in the app
				}
			}
		})
	}
}

// meet lets a payer decide, within some time, what to do with an offer that reached them.
// Where it reached them as an address, they open it first.
func (w *world) meet(draw *rand.Rand, face, which, address string, within time.Duration) {
	acts, after := []string{sim.ActPay}, between(draw, time.Second, within)
	if w.swarm.oddPayers {
		acts = pick(draw, acts, acts, []string{}, []string{sim.ActDecline}, []string{sim.ActDecline, sim.ActPay}, []string{sim.ActPayLate})
	} else if chance(draw, 15) {
		acts = nil
	}
	if face == "kaspi" && chance(draw, 30) && len(acts) > 0 && acts[0] == sim.ActPay {
		acts = pick(draw, []string{sim.ActScan}, []string{sim.ActScan, sim.ActConfirm})
	}
	if len(acts) > 0 && acts[0] == sim.ActPayLate {
		after = between(draw, 4*time.Minute, 16*time.Minute)
	}
	for _, act := range acts {
		w.later(after, func() {
			if err := w.bank.Open(face, address); address != "" && err != nil {
				w.note("payer at %s of %s cannot open the page", face, which)
				return
			}
			if err := w.bank.Act(face, which, act); err == nil {
				w.note("payer at %s of %s: %s", face, which, act)
				w.count("payer " + act)
			}
		})
		after += between(draw, time.Second, 100*time.Second)
	}
}

// typists are payers who type an account number into the bank's app: the bank asks us,
// debits them, and reports. Some take their time in between, and some come back.
func (w *world) typists() {
	draw := w.draw("typists")
	for range 25 {
		nth, thinks := draw.IntN(50), between(draw, time.Second, 40*time.Second)
		w.later(between(draw, 10*time.Second, 2*troubled), func() {
			account, amount := w.account(nth)
			if account == "" {
				return
			}
			if w.biller("check", account, amount) != "0" {
				return
			}
			_ = w.wait(context.Background(), thinks)
			w.biller("pay", account, amount)
		})
	}
}

// account is one of those that payers were given, and what they owe.
func (w *world) account(nth int) (string, string) {
	type owed struct{ account, amount string }
	var all []owed
	for _, p := range w.keep.all() {
		for _, a := range p.Attempts {
			if a.Flow == providers.AskFirst {
				all = append(all, owed{a.Reference, fmt.Sprintf("%d.%02d", p.Amount.Minor/100, p.Amount.Minor%100)})
			}
		}
	}
	if len(all) == 0 {
		return "", ""
	}
	o := all[nth%len(all)]
	return o.account, o.amount
}

// biller makes the bank call us, and returns our result.
func (w *world) biller(command, account, sum string) string {
	body := fmt.Sprintf(`{"command":%q,"account":%q,"sum":%q}`, command, account, sum)
	answer := httptest.NewRecorder()
	w.bank.Control().ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/kaspi/biller", strings.NewReader(body)))
	var report struct{ Result, Money string }
	w.must(json.Unmarshal(answer.Body.Bytes(), &report))
	w.note("biller %s %s %s: %q %s", command, account, sum, report.Result, report.Money)
	w.count("biller " + command)
	return report.Result
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
		gateway := accounts.Gateway(pick(draw, w.gateways...))
		request := &pb.CreateOverrideRequest{Parent: "gateways/" + gateway, RequestId: drawUUID(draw),
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
			if made == nil && request.GetOverride().GetMode() == pb.Override_MODE_ADMIT { // perhaps it takes two
				seconded := proto.Clone(request).(*pb.CreateOverrideRequest)
				seconded.RequestId = uuid.NewSHA1(uuid.NameSpaceOID, []byte(request.GetRequestId())).String()
				_ = operator{w, "bolat"}.do("the same of "+gateway, func(ctx context.Context, p *process) (err error) {
					made, err = p.operations.CreateOverride(ctx, seconded)
					return err
				})
			}
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
		if !withPeopleAbout(p, a.N) {
			w.violated("L1", "%s #%d is open for hours, and nobody was called", w.keep.name(p.ID), a.N)
		}
		word := pb.ResolveAttemptRequest_VERDICT_NOT_CHARGED
		if net, held := w.money(a); net > 0 {
			word = pb.ResolveAttemptRequest_VERDICT_CHARGED
		} else if held > 0 {
			word = pb.ResolveAttemptRequest_VERDICT_HELD
		}
		for _, name := range []string{"aida", "bolat"} {
			_ = w.resolve(operator{w, name}, p, a.N, word)
		}
	}
}

func (w *world) resolve(o operator, p payment.Payment, n int, word pb.ResolveAttemptRequest_Verdict) error {
	w.count("attempt resolved by people")
	w.mu.Lock()
	w.ruled[p.ID] = true
	w.mu.Unlock()
	return o.do("resolve "+word.String(), func(ctx context.Context, r *process) error {
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
		if o.Style == sim.StyleDebit && o.Status == "by-hand" {
			w.count("debit that the bank could report to nobody") // its people settle it, and a statement shows it
			continue
		}
		net += o.Captured - o.Refunded
		if o.Phase == sim.Held {
			held += o.Authorized - o.Captured
		}
	}
	return net, held
}

// byHand reports whether the bank, which debited the payer and heard no answer of ours to
// its last question, has left the debit to its people: it may be credited or given back.
func (w *world) byHand(a payment.Attempt) bool {
	return slices.ContainsFunc(w.bank.Ledger().Objects, func(o sim.Object) bool {
		return o.Face+"-main" == a.Gateway && order(o.Reference) == a.Reference && o.Style == sim.StyleDebit && o.Status == "by-hand"
	})
}

// never is for stores that nobody works for.
func never(payment.Payment, time.Time) time.Time { return time.Time{} }
