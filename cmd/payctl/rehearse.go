package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/status"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// rehearsing is an outage that is made on purpose.
type rehearsing struct {
	*client
	rehearsal
	cmd                     *cobra.Command
	control, face, file     string
	amount                  *payrouterv1.Money
	methods                 []payrouterv1.Method
	length, every, patience time.Duration
	record                  bool

	mu     sync.Mutex // of what payments came to
	flying sync.WaitGroup
	seats  chan struct{}
}

// mostFlying is how many payments are waited for at once: a gateway that hangs holds each of them.
const mostFlying = 64

// faultKinds are what a simulated gateway may be made to do.
var faultKinds = []string{"refuse", "hang", "act-hang", "http-error"}

func (c *client) rehearseCommand() *cobra.Command {
	r := rehearsing{client: c, seats: make(chan struct{}, mostFlying)}
	var amount, currency string
	var methods []string
	cmd := &cobra.Command{
		Use: "rehearse GATEWAY --to GATEWAY", Short: "Make an outage at a simulated gateway, and report what came of it", Args: arguments(1, 1),
		Long: `Breaks a simulated gateway for a while, makes payments all the time, mends it, and waits until
it has all of its payments again. The report, a page of Markdown, says how long it took to
see the outage, when the backup took the first payment, what it cost the payers, and which
payments were exposed. It exits with 3 when something on it is not as it should be.

It needs the control surface of a simulated bank, as "make run" starts one: a real gateway
cannot be broken. There, at a quiet hour, order "payctl failover" for some minutes: what others
took meanwhile is evidence for "payctl kaspi readiness" by itself. --record writes this
rehearsal down as such.

  refuse      the gateway refuses connections
  hang        it takes a request and never answers
  act-hang    it takes the money and never answers
  http-error  it answers 503`,
		Example: `  payctl rehearse kaspi-main --to halyk-main --for 30s
  payctl rehearse kaspi-main --to halyk-main --fault hang --for 2m --report rehearsal.md --record`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			switch {
			case r.to == "" || last(r.to) == last(args[0]):
				return usagef("--to is required: the gateway that takes over")
			case !slices.Contains(faultKinds, r.fault):
				return usagef("--fault %s: there are %s", r.fault, strings.Join(faultKinds, ", "))
			case r.length <= 0 || r.every <= 0:
				return usagef("--for and --every must be more than zero")
			}
			if r.amount, err = parseMoney(amount, currency); err != nil {
				return err
			}
			if r.methods, err = parseMethods(methods); err != nil {
				return err
			}
			r.cmd, r.from, r.to = cmd, last(args[0]), last(r.to)
			return r.run()
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&r.to, "to", "", "the gateway that takes over (required)")
	flags.StringVar(&r.control, "control", "http://127.0.0.1:7080", "the simulated bank's control surface")
	flags.StringVar(&r.fault, "fault", "refuse", strings.Join(faultKinds, ", "))
	flags.DurationVar(&r.length, "for", 30*time.Second, "how long the gateway is broken")
	flags.DurationVar(&r.every, "every", 500*time.Millisecond, "a payment is made so often")
	flags.DurationVar(&r.patience, "patience", 10*time.Minute, "how long to wait for its return, and for payments that are exposed")
	flags.StringVar(&amount, "amount", "100", "of each payment")
	flags.StringVar(&currency, "currency", "KZT", "ISO 4217 code")
	flags.StringSliceVar(&methods, "method", []string{"qr", "page"}, "which both gateways serve one of")
	flags.StringVar(&r.file, "report", "", "write the report to this file, too")
	flags.BoolVar(&r.record, "record", false, "record it as evidence for payctl kaspi readiness")
	return cmd
}

func (r *rehearsing) run() error {
	ctx, cancel := r.call(r.cmd)
	g, err := r.gateway(ctx, r.from)
	cancel()
	if err != nil {
		return err
	}
	r.face, r.begun = g.GetProvider(), time.Now()
	if s := r.pays(); s.failed != "" || s.gateway != r.from {
		return fmt.Errorf("nothing was broken: a payment does not go to %s now: %s", r.from, cmp.Or(s.failed, "it goes to "+s.gateway))
	}
	id, err := r.breaks()
	if err != nil {
		return fmt.Errorf("nothing was broken: %w (is it a simulated bank's control surface, as make run prints it?)", err)
	}
	r.broke = time.Now()
	r.say("%s is broken (%s) for %s", r.from, r.fault, r.length)
	r.until(r.broke.Add(r.length), func(g *payrouterv1.Gateway) bool {
		if r.gone.IsZero() && !g.GetAdmitting() {
			r.gone = time.Now()
			r.say("%s is out of new payments: %s", r.from, g.GetAdmissionDetail())
		}
		return false
	})
	if err := r.mends(id); err != nil { // not by the context, which may be over: a broken gateway must not stay behind
		return fmt.Errorf("%s is STILL BROKEN: %w; mend it with: curl -X DELETE %s/faults/%s", r.from, err, r.control, id)
	}
	r.ended = time.Now()
	r.say("%s is mended", r.from)
	r.until(r.ended.Add(r.patience), func(g *payrouterv1.Gateway) bool {
		if g.GetAdmitting() && g.GetSharePercent() >= 100 {
			r.whole = time.Now()
			r.say("%s takes all of its payments again", r.from)
		}
		return !r.whole.IsZero()
	})
	r.settle()
	return r.tell()
}

// say tells a person how far it is.
func (r *rehearsing) say(format string, args ...any) {
	if r.output == "table" {
		fmt.Fprintf(r.out, "%s  %s\n", clock(time.Now()), plain(fmt.Sprintf(format, args...)))
	}
}

// until makes payments and looks at the gateway, up to a time or until it has seen enough. Payers
// do not wait for each other.
func (r *rehearsing) until(end time.Time, seen func(*payrouterv1.Gateway) bool) {
	ticker := time.NewTicker(r.every)
	defer ticker.Stop()
	for time.Now().Before(end) && r.cmd.Context().Err() == nil {
		select {
		case r.seats <- struct{}{}:
			r.flying.Go(func() {
				r.pays()
				<-r.seats
			})
		default:
		}
		ctx, cancel := r.call(r.cmd)
		g, err := r.gateway(ctx, r.from)
		cancel()
		if err == nil && seen(g) {
			return
		}
		select {
		case <-ticker.C:
		case <-r.cmd.Context().Done():
		}
	}
}

// pays makes one payment, and keeps what came of it.
func (r *rehearsing) pays() sample {
	request := &payrouterv1.CreatePaymentRequest{RequestId: uuid.NewString(), Amount: r.amount, Methods: r.methods, Description: "rehearsal"}
	s := sample{at: time.Now()}
	ctx, cancel := r.call(r.cmd)
	defer cancel()
	p, err := r.payments().CreatePayment(ctx, request)
	s.took = time.Since(s.at)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		s.failed = status.Convert(err).Message()
	}
	if n := len(p.GetAttempts()); n > 0 {
		s.gateway, s.tries = last(p.GetAttempts()[n-1].GetGateway()), n
	}
	switch p.GetState() {
	case payrouterv1.Payment_STATE_FAILED, payrouterv1.Payment_STATE_DECLINED:
		s.failed = "it is " + stateOf(p)
	case payrouterv1.Payment_STATE_PROCESSING:
		if p.GetAction() == nil {
			r.exposed = append(r.exposed, p)
		}
	}
	r.samples = append(r.samples, s)
	return s
}

// settle waits for all answers, and until it is known how the exposed payments stand.
func (r *rehearsing) settle() {
	r.flying.Wait()
	for end := time.Now().Add(r.patience); ; {
		r.open = 0
		for i, p := range r.exposed {
			ctx, cancel := r.call(r.cmd)
			now, err := r.payments().GetPayment(ctx, &payrouterv1.GetPaymentRequest{Name: p.GetName()})
			cancel()
			if err == nil {
				r.exposed[i] = now
			}
			if now.GetState() == payrouterv1.Payment_STATE_PROCESSING && now.GetAction() == nil || err != nil {
				r.open++
			}
		}
		if r.open == 0 || time.Now().After(end) || r.cmd.Context().Err() != nil {
			return
		}
		select {
		case <-time.After(r.every):
		case <-r.cmd.Context().Done():
		}
	}
}

// tell prints the report, writes it, and records it.
func (r *rehearsing) tell() error {
	text := r.report()
	if r.file != "" {
		if err := written(r.file, func(to io.Writer) error { _, err := io.WriteString(to, text); return err }); err != nil {
			return err
		}
	}
	if r.output == "table" {
		fmt.Fprintf(r.out, "\n%s", text)
	} else if err := json.NewEncoder(r.out).Encode(map[string]any{"passed": len(r.faults()) == 0, "faults": r.faults(), "report": text}); err != nil {
		return err
	}
	if len(r.faults()) > 0 {
		return errNotMet
	}
	if !r.record {
		return nil
	}
	ctx, cancel := r.call(r.cmd)
	defer cancel()
	d, _ := r.first(r.to, r.broke)
	host, _ := os.Hostname()
	_, err := r.compliance().RecordEvidence(ctx, &payrouterv1.RecordEvidenceRequest{Item: "backup", Gateway: full("gateways", r.from), RequestId: r.once(""),
		Reference: cmp.Or(r.file, "payctl rehearse on "+host), Detail: fmt.Sprintf("%s for %s, first payment at %s after %s", r.fault, brief(r.ended.Sub(r.broke)), r.to, brief(d)),
		Reason: "rehearsal at simulated gateways"})
	return err
}

// breaks puts the fault in force and returns its id.
func (r *rehearsing) breaks() (string, error) {
	rule, err := json.Marshal(map[string]string{"face": r.face, "kind": r.fault})
	if err != nil {
		return "", err
	}
	var made struct {
		ID string `json:"id"`
	}
	text, err := r.asks(http.MethodPost, "faults", rule)
	if err == nil {
		err = json.Unmarshal(text, &made)
	}
	if err == nil && made.ID == "" {
		err = errors.New("it names no rule")
	}
	return made.ID, err
}

// mends takes the fault away.
func (r *rehearsing) mends(id string) error {
	_, err := r.asks(http.MethodDelete, "faults/"+url.PathEscape(id), nil)
	return err
}

// asks speaks to the control surface.
func (r *rehearsing) asks(method, path string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.cmd.Context()), r.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(r.control, "/")+"/"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err == nil && answer.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s: %s", answer.Status, strings.TrimSpace(plain(string(text))))
	}
	return text, err
}
