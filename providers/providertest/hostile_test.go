package providertest_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/wayforpay"
)

// hostilities are mistakes that real sockets must find.
var hostilities = map[string]mistake{
	"none": {},
	"a broken charge is sent again": {question: "charge_by_instrument$/a_connection_closed_after_the_whole_request$",
		charge: mistakes["a broken charge is sent again"].charge},
	"a broken charge is taken for not sent": {question: "charge_by_instrument$/a_reset_in_the_middle_of_the_request$",
		charge: onCharge(when(providers.Broken, unsent))},
	"a flood is a decline": {question: "charge_by_instrument$/200_MB_in_chunks$",
		charge: onCharge(when(providers.Unreadable, declined))},
	"a redirect is a decline": {question: "charge_by_instrument$/a_redirect_by_307$",
		charge: onCharge(when(providers.Unreadable, declined))},
	"another's answer is believed": {question: "charge_by_instrument$/the_answer_about_another_payment$",
		charge: onCharge(when(providers.Mismatch, approved))},
	"a stalled charge is taken for not sent": {question: "peers_that_stall$/charge_by_instrument,_an_answer_that_never_begins$",
		charge: onCharge(when(providers.Timeout, unsent))},
	"a stalled call outlives its limit": {question: "peers_that_stall$/charge_by_instrument,_a_body_byte_by_byte$",
		charge: onCharge(func(r providers.Result) providers.Result {
			if r.Reason == providers.Timeout {
				time.Sleep(3 * time.Second)
			}
			return r
		})},
	"a goroutine is left behind": {question: "charge_by_instrument$/a_reset_after_the_whole_request$",
		charge: onCharge(func(r providers.Result) providers.Result {
			go func() { time.Sleep(time.Minute) }()
			return r
		})},
	"memory is wasted on an answer": {question: "charge_by_instrument$/200_MB_with_their_length$",
		charge: onCharge(func(r providers.Result) providers.Result {
			r.Code += string(make([]byte, 32<<20)[:0])
			return r
		})},
	"a bad certificate is doubt": {question: "charge_by_instrument$/a_certificate_that_has_expired$",
		charge: onCharge(doubting)},
	"an unknown name is doubt": {question: "a_name_that_does_not_exist$",
		charge: onCharge(doubting)},
	"an echo is kept": {question: "charge_by_instrument$/the_question_as_the_whole_answer$",
		charge: func(_ *account, _ context.Context, c providers.Charge, r providers.Result) providers.Result {
			if r.Reason == providers.Broken {
				r.Code = c.Payer.Phone
			}
			return r
		}},
}

func doubting(r providers.Result) providers.Result {
	if r.Reason == providers.NotSent {
		return providers.Doubt(providers.Broken, "", r.Err)
	}
	return r
}

func TestHostilePeersFindEveryPlantedMistake(t *testing.T) {
	if os.Getenv(planting) != "" {
		t.Skip("a child process")
	}
	for name, m := range hostilities {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			child := exec.Command(os.Args[0], "-test.run", "^TestHostilePlanted$/^"+m.question, "-test.timeout", "60s", "-test.v")
			child.Env = append(os.Environ(), planting+"="+name)
			output, err := child.CombinedOutput()
			text := string(output)
			switch {
			case name == "none" && (err != nil || strings.Count(text, "--- PASS") < 500):
				t.Errorf("the correct adapter does not pass: %v\n%s", err, text)
			case name != "none" && err == nil:
				t.Errorf("it is not found, or not asked about:\n%s", text)
			case name != "none" && !strings.Contains(text, "--- FAIL: TestHostilePlanted/"+strings.ReplaceAll(m.question, "$", "")):
				t.Errorf("something else failed: %v\n%s", err, text)
			}
		})
	}
}

// TestHostilePlanted is the child's part.
func TestHostilePlanted(t *testing.T) {
	name, planted := os.LookupEnv(planting)
	if !planted {
		t.Skip("for TestHostilePeersFindEveryPlantedMistake")
	}
	m, known := hostilities[name]
	if !known {
		t.Fatalf("no mistake is called %q", name)
	}
	providertest.Hostile(t, providertest.Exposed{
		Subject: with(m),
		At: func(base string, limits providers.Timeouts) (providers.Provider, error) {
			g, err := wayforpay.New(wayforpay.Config{APIBaseURL: base, MerchantAccount: "test_merch_n1", MerchantSecret: providers.NewSecret(merchantKey),
				MerchantDomain: "shop.example.kz", Timeouts: limits}, wayforpay.Options{})
			return &account{Gateway: g, mistake: m}, err
		},
	})
}
