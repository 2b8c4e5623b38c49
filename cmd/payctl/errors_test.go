package main

import (
	"context"
	"net"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
)

const nobody = "019ac000-0000-7000-8000-000000000000" // a payment, or an instrument, that there is not

func TestAMistakeAtTheCommandLineNamesTheFlagAndSendsNothing(t *testing.T) {
	// Nobody listens there: whoever sends something exits with another status.
	for line, says := range map[string]string{
		"nonsense":         `payctl has no command "nonsense": see payctl --help`,
		"paymnet list":     `did you mean payment?`,
		"payment nonsense": `payctl payment has no command "nonsense"`,
		"instruments show": `payctl instruments has no command "show"`,
		"help nonsense":    `payctl has no command "nonsense"`,
		"help payment x":   `payctl payment has no command "x"`,
		"--bogus gateways": "unknown flag: --bogus",

		"payment create --method qr":                           "--amount is required",
		"payment create --amount 5":                            "--method is required: one or more of qr, link, page, push, account, instrument",
		"payment create --amount":                              "flag needs an argument: --amount",
		"payment create --amount abc --method qr":              "--amount abc --currency KZT: not a decimal amount",
		"payment create --amount 1.234 --method qr":            "more decimals than the currency has",
		"payment create --amount 0 --method qr":                "--amount 0: it must be more than zero",
		"payment create --amount -5 --method qr":               "--amount -5: it must be more than zero",
		"payment create --amount 5 --currency XYZ --method qr": "unknown currency",
		"payment create --amount 5 --method qr,cash":           "--method cash: there are qr, link, page, push, account, instrument",
		"payment create --amount 5 --method qr --deadline 5":   "--deadline 5: give how long from now, like 15m, or a time",
		"payment create --amount 5 --method qr --deadline -5m": "--deadline -5m: give how long",
		"payment create --amount 5 --method qr extra":          "1 arguments are given; usage: payctl payment create",
		"payment get":                                             "0 arguments are given; usage: payctl payment get PAYMENT",
		"payment get a b":                                         "2 arguments are given",
		"payment list --state lost":                               "--state lost: there are processing, awaiting-payer, held",
		"payment list --limit 0":                                  "--limit 0: it must be 1 or more",
		"payment list --limit x":                                  `invalid argument "x" for "--limit"`,
		"payment list --since -2h":                                "--since -2h0m0s: it must be more than zero",
		"payment refund " + nobody + " --amount 1,5":              "--amount 1,5",
		"payment capture " + nobody + " --amount 0":               "--amount 0: it must be more than zero",
		"gateways a b":                                            "2 arguments are given; usage: payctl gateways [GATEWAY]",
		"drain kaspi-main":                                        "--reason is required",
		"drain --reason trying":                                   "0 arguments are given; usage: payctl drain GATEWAY --reason TEXT",
		"drain kaspi-main --reason trying --for soon":             `invalid argument "soon" for "--for"`,
		"admit kaspi-main --reason trying --move-open":            "unknown flag: --move-open",
		"overrides --limit -1":                                    "--limit -1: it must be 1 or more",
		"resolve " + nobody + "/1 --reason trying":                "--verdict is required: charged, held, declined or not-charged",
		"resolve " + nobody + "/1 --verdict gone --reason trying": "--verdict gone: there are charged, held, declined and not-charged",
		"resolve " + nobody + "/1 --verdict charged":              "--reason is required: where you looked, and what you saw",
		"resolve " + nobody + " --verdict charged --reason seen":  "name the attempt, for example 019ac…/1",

		"-o yaml gateways":        "-o yaml: there are table and json",
		"--timeout 0 gateways":    "--timeout 0s: it must be more than zero",
		"--timeout soon gateways": `invalid argument "soon" for "--timeout"`,
		"--as Айда gateways":      `--as "Айда"`,
		"--as= gateways":          `--as ""`,
	} {
		t.Run(line, func(t *testing.T) {
			payctl(t, append([]string{"--address", "127.0.0.1:1"}, strings.Fields(line)...)...).fails(exitUsage, "payctl: ", says)
		})
	}
}

func TestARefusalSpeaksTheCommandLinesWords(t *testing.T) {
	w := newWorld(t)
	for line, says := range map[string][]string{
		"payment create --amount 5 --method push":                              {"payctl: --phone is required for METHOD_PUSH", "INVALID_FIELD"},
		"payment create --amount 5 --method push --phone 87011234567":          {"payctl: --phone is not a phone number"},
		"payment create --amount 5 --method qr --save --email nope":            {"payctl: --customer is required", "        --email is not an e-mail address"},
		"payment create --amount 5 --method qr,qr":                             {"payctl: --method[1] is named twice"},
		"payment create --amount 5 --method qr --request-id 1":                 {"payctl: --request-id is not a UUID"},
		"payment create --amount 5 --method qr --return-url shop":              {"payctl: --return-url is not"},
		"payment create --amount 5 --method qr --description 4111111111111111": {"payctl: --description contains what looks like a card number", "CARD_NUMBER_REFUSED"},
		"payment create --amount 5 --method qr --gateway nope":                 {"payctl: no such gateway", "gateways/nope"},
		"payment create --amount 5 --method qr --gateway _":                    {"payctl: --gateway[0] is not the name of a gateway"},
		"payment create --amount 5 --method instrument --instrument " + nobody: {"payctl: no such instrument", "instruments/" + nobody},
		"payment create --amount 5 --method qr --currency JPY":                 {"payctl: no gateway", "kaspi-main     does not take the currency: JPY", "wayforpay-main does not take the currency: JPY"},
		"payment get x":                                            {`payctl: "x" is not the name of a payment, payments/{payment}`},
		"payment get " + nobody:                                    {"payctl: no such payment", "payments/" + nobody},
		"payment watch " + nobody:                                  {"payctl: no such payment"},
		"payment cancel " + nobody:                                 {"payctl: no such payment"},
		"payment capture " + nobody:                                {"payctl: no such payment"},
		"payment refund " + nobody:                                 {"payctl: no such payment"},
		"payment refunds " + nobody:                                {"payctl: no such payment"},
		"payment list --gateway _":                                 {"payctl: --gateway is not the name of a gateway"},
		"explain " + nobody:                                        {"payctl: no such payment"},
		"resolve " + nobody + "/1 --verdict charged --reason seen": {"payctl: no such payment"},
		"instruments delete x":                                     {`payctl: "x" is not the name of an instrument`},
		"gateways _":                                               {`payctl: "_" is not the name of a gateway`},
		"drain kaspi-main --reason x":                              {"payctl: --reason has fewer than 3 characters"},
		"drain kaspi-main --reason trying --for 25h":               {"payctl: --for is not more than zero and at most 24 h", "OVERRIDE_NEEDS_END"},
		"--as a@b gateways":                                        {"payctl: --as is not a name", "UNAUTHENTICATED"},
		"--tenant nobody payment list":                             {"payctl: --tenant names no tenant", "UNAUTHENTICATED"},
	} {
		t.Run(line, func(t *testing.T) {
			r := (&world{T: t, address: w.address}).payctl(strings.Fields(line)...).fails(exitRefused, says...)
			if r.lines("  --request-id ") > 0 {
				t.Errorf("what was refused is not to be repeated:\n%s", r.err)
			}
		})
	}
	w.payctl("payment", "list").done("There are no such payments.")
}

func TestAnErrorIsReadByPrograms(t *testing.T) {
	w := newWorld(t)
	r := w.payctl("payment", "create", "--amount", "5", "--method", "push", "-o", "json").fails(exitRefused)
	var s statuspb.Status
	w.must(protojson.Unmarshal([]byte(r.err), &s))
	var info errdetails.ErrorInfo
	w.must(s.GetDetails()[0].UnmarshalTo(&info))
	if info.GetReason() != "INVALID_FIELD" || info.GetDomain() != "payrouter" {
		t.Errorf("the error says %v", &info)
	}
}

// The flags that an error names when the outcome is not known.
var repetition = regexp.MustCompile(`(?m)^  (--request-id \S+ --deadline \S+)$`)

func TestAWishWhoseAnswerWasLostCanBeRepeated(t *testing.T) {
	create := []string{"payment", "create", "--amount", "5", "--method", "qr", "--deadline", "15m"}
	r := payctl(t, append(create, "--address", "127.0.0.1:1")...).
		fails(exitRefused, "payctl: payrouter cannot be reached at 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused", "--address or PAYROUTER_ADDRESS")
	found := repetition.FindStringSubmatch(r.err)
	if found == nil {
		t.Fatalf("the error names no flags for a repetition:\n%s", r.err)
	}
	w := newWorld(t)
	repeat := append([]string{"--amount", "5", "--method", "qr"}, strings.Fields(found[1])...)
	if first, again := w.create(repeat...), w.create(repeat...); first.GetName() != again.GetName() {
		t.Errorf("the repetition made %s, then %s", first.GetName(), again.GetName())
	}
	// What changes nothing is not to be repeated with care.
	for _, args := range [][]string{{"gateways"}, {"payment", "watch", nobody}, {"drain", "kaspi-main", "--reason", "trying", "--dry-run"}} {
		if r := payctl(t, append(args, "--address", "127.0.0.1:1")...).fails(exitRefused, "cannot be reached"); r.lines("--request-id") > 0 {
			t.Errorf("%s", r.err)
		}
	}
}

// silent is a server that takes connections and says nothing. It tells of each.
func silent(t *testing.T) (address string, taken <-chan struct{}) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	told, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
			select {
			case told <- struct{}{}:
			default:
			}
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return listener.Addr().String(), told
}

func TestSilenceAndAnInterruptionNameTheRequestId(t *testing.T) {
	address, taken := silent(t)
	payctl(t, "--address", address, "--timeout", "50ms", "payment", "cancel", nobody).
		fails(exitRefused, "payctl: "+address+" gave no answer within 50ms (--timeout)", "It may be going on without you", "  --request-id ")
	<-taken

	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"payment", "refund", nobody, "--request-id", "2f0c6f0a-6a55-4b0e-8a55-0c1d2e3f4a5b"}, "payctl: interrupted\nIt may be going on without you. Repeat the command with these flags, and it is not done twice:\n  --request-id 2f0c6f0a-6a55-4b0e-8a55-0c1d2e3f4a5b\n"},
		{[]string{"gateways"}, ""},
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		go func() { <-taken; interrupt() }()
		var out, errs strings.Builder
		if exit := execute(ctx, append(c.args, "--address", address), &out, &errs); exit != exitInterrupted || errs.String() != c.says {
			t.Errorf("%v: exit status %d, standard error %q", c.args, exit, errs.String())
		}
		interrupt()
	}
}
