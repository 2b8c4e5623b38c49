package server

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"

	"github.com/payrouter/payrouter/providers"
)

// One payer goes through everything the server does; then nothing that was said of
// this person, and no token, stands in any answer or log line.
func TestPersonalDataAndTokensAreInNoAnswerAndNoLog(t *testing.T) {
	canaries := []string{"+77015550199", "77015550199", "canary@example.kz", "Канарейка", "192.0.2.199", "tok-", "token-", "a key for tests"}
	behind(t, func(d *door) {
		var answers strings.Builder
		keep := func(answer any, err error) { fmt.Fprintln(&answers, answer, err) }
		ctx := context.Background()
		person := func(r *pb.CreatePaymentRequest) {
			r.Payer = &pb.Payer{Phone: "+77015550199", Email: "canary@example.kz", DisplayName: "Канарейка", IpAddress: "192.0.2.199"}
			r.CustomerId = "c-1"
		}
		pushed := d.create(qr(person, func(r *pb.CreatePaymentRequest) { r.Methods = []pb.Method{pb.Method_METHOD_PUSH} }))
		if pushed.GetAction().GetPush().GetPhoneMasked() != "+7 701 *** ** 99" || pushed.GetAction().GetPush().GetService() != "Bank App" {
			t.Fatalf("%v", pushed.GetAction())
		}
		if sent := d.kaspi.charges()[0].Payer; sent.Phone != "+77015550199" || sent.Email != "canary@example.kz" || sent.Name != "Канарейка" || sent.IP != "192.0.2.199" {
			t.Fatalf("the gateway was told %+v", sent)
		}
		saved := d.create(qr(person, func(r *pb.CreatePaymentRequest) {
			r.Methods, r.SaveInstrument = []pb.Method{pb.Method_METHOD_PAGE}, true
		}))
		d.pay(saved)
		keep(pushed, nil)
		keep(saved, nil)
		for _, p := range []*pb.Payment{pushed, saved} {
			keep(d.payments.GetPayment(ctx, &pb.GetPaymentRequest{Name: p.GetName()}))
			keep(d.operations.ExplainPayment(ctx, &pb.ExplainPaymentRequest{Name: p.GetName()}))
			keep(d.refund(p, 100))
			messages, cancel := d.watch(p, 0)
			m := <-messages
			keep(m.message, m.err)
			cancel()
		}
		keep(d.payments.ListPayments(ctx, &pb.ListPaymentsRequest{}))
		instruments, err := d.payments.ListInstruments(ctx, &pb.ListInstrumentsRequest{CustomerId: "c-1"})
		keep(instruments, err)
		keep(d.payments.DeleteInstrument(ctx, &pb.DeleteInstrumentRequest{Name: instruments.GetInstruments()[0].GetName()}))
		keep(d.operations.ListGateways(ctx, &pb.ListGatewaysRequest{}))
		// Refused requests, of all kinds: bad shape, other body, gateways that fail.
		bad := qr(person, func(r *pb.CreatePaymentRequest) {
			r.Payer.Phone, r.Payer.Email, r.Amount = "tel:+77015550199", "<canary@example.kz>", nil
		})
		keep(d.payments.CreatePayment(ctx, bad))
		again := qr(person, func(r *pb.CreatePaymentRequest) { r.RequestId = pushed.GetRequestId() })
		keep(d.payments.CreatePayment(ctx, again))
		d.kaspi.answer(always(providers.Doubt(providers.Timeout, "", errBroken)))
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		keep(d.payments.CreatePayment(short, d.byInstrument(person)))
		d.breakStore()
		keep(d.payments.CreatePayment(ctx, qr(person)))

		for _, canary := range canaries {
			if where := answers.String(); strings.Contains(where, canary) {
				t.Errorf("%s stands in an answer: …%s…", canary, around(where, canary))
			}
			if where := d.log.String(); strings.Contains(where, canary) {
				t.Errorf("%s stands in the log: …%s…", canary, around(where, canary))
			}
			if where := d.ask("/metrics").body.String(); strings.Contains(where, canary) {
				t.Errorf("%s stands in the metrics", canary)
			}
		}
	})
}

func around(text, word string) string {
	i := strings.Index(text, word)
	return text[max(0, i-200):min(len(text), i+100)]
}

func TestEveryCallIsOneLogLineWithConstantText(t *testing.T) {
	behind(t, func(d *door) {
		p := d.create(qr())
		_, err := d.payments.GetPayment(as(callerKey, "checkout"), &pb.GetPaymentRequest{Name: paymentName(newID())})
		d.refused(err, pb.ErrorReason_ERROR_REASON_NOT_FOUND)
		_, err = d.operations.ListGateways(as(operatorKey, "aida"), &pb.ListGatewaysRequest{})
		d.must(err)
		d.serving("") // is not worth a line
		var calls []map[string]any
		for _, line := range d.logged() {
			if line["msg"] == "call" {
				calls = append(calls, line)
			}
		}
		if len(calls) != 3 {
			t.Fatalf("%d lines: %v", len(calls), calls)
		}
		if c := calls[0]; c["method"] != "CreatePayment" || c["code"] != "OK" || c["tenant"] != "shop" || c["caller"] != "unnamed" || c["payment"] != p.GetName()[len("payments/"):] || c["level"] != "INFO" {
			t.Errorf("%v", c)
		}
		if c := calls[1]; c["code"] != "NotFound" || c["reason"] != "NOT_FOUND" || c["caller"] != "checkout" || c["payment"] != nil {
			t.Errorf("%v", c)
		}
		if c := calls[2]; c["operator"] != "aida" || c["took"] == nil {
			t.Errorf("%v", c)
		}
	})
}

// The rule is one sentence, so a test can hold it: codes are chosen in one file.
func TestGRPCCodesAreChosenInOneFile(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	chooses := regexp.MustCompile(`status\.(New|Newf|Error|Errorf)\(`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || file == "errors.go" || file == "ready.go" { // grpc.health.v1 has its own contract
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if chooses.Match(source) {
			t.Errorf("%s makes a status by itself", file)
		}
	}
}
