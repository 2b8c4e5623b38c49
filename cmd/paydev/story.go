package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"github.com/payrouter/payrouter/providers/sim"
)

// Result is what the story came to.
type Result struct {
	Payments      int     `json:"payments"`
	Paid          int     `json:"paid"`
	FailedOver    int     `json:"failed_over"`    // paid at a backup while Kaspi was cut off
	LookedUp      int     `json:"looked_up"`      // charges whose answer was lost, and which were found and not repeated
	GivenBack     int     `json:"given_back"`     // late payments that were returned
	DoubleCharged int     `json:"double_charged"` // payments with more money at gateways than they may have
	Lost          int     `json:"lost"`           // differences between our books and theirs
	Violations    int     `json:"violations"`     // of invariants, as the gateways saw them on arrival
	FailoverMS    int64   `json:"failover_ms"`    // from the first failure at Kaspi to the first payment paid at a backup
	Seconds       float64 `json:"seconds"`
	Agree         bool    `json:"agree"` // nothing twice, nothing lost, nothing violated
	Example       string  `json:"example"`
}

// verdict says in words whether the books agree.
func (r Result) verdict() string {
	if r.Agree {
		return "Books and ledgers agree."
	}
	return "BOOKS AND LEDGERS DO NOT AGREE."
}

// storyLimit ends a story that hangs.
const storyLimit = 90 * time.Second

// story is a story being told.
type story struct {
	*world
	*teller
	ctx     context.Context
	result  Result
	late    string // the payment whose payer looks away for too long
	numbers sync.Mutex
	order   int
}

// play tells the whole story.
func play(ctx context.Context, w *world, t *teller) (*Result, error) {
	ctx, cancel := context.WithTimeout(ctx, storyLimit)
	defer cancel()
	s := &story{world: w, teller: t, ctx: ctx}
	t.aside("A shop takes payments through kaspi-main; halyk-main and wayforpay-main stand by.")
	for _, act := range []func() error{s.kaspiWorks, s.kaspiIsCutOff, s.anAnswerIsLost, s.kaspiReturns, s.aLatePayerPays, s.compareBooks} {
		if err := act(); err != nil {
			return nil, err
		}
	}
	return &s.result, nil
}

func (s *story) kaspiWorks() error {
	s.act("1. Charges go to Kaspi")
	// One payer takes the QR code and puts the phone away; all others pay after a moment.
	if _, err := s.bank.AddPayer(sim.PayerRule{Face: "kaspi", Behaviour: sim.PayerNever, Times: 1}); err != nil {
		return err
	}
	if _, err := s.bank.AddPayer(sim.PayerRule{Behaviour: sim.PayerPays, After: sim.Duration(300 * time.Millisecond)}); err != nil {
		return err
	}
	late, err := s.create(s.wish(9900, payrouterv1.Method_METHOD_QR))
	if err != nil {
		return err
	}
	s.late = late.GetName()
	s.say("%s: a QR code at kaspi-main, and its payer puts the phone away", tail(s.late))
	if err := s.batch(5, func() error {
		_, err := s.pay(payrouterv1.Method_METHOD_QR, payrouterv1.Method_METHOD_PAGE)
		return err
	}); err != nil {
		return err
	}
	// A card is saved on the backup's page, for later.
	wish := s.wish(4500, payrouterv1.Method_METHOD_PAGE)
	wish.CustomerId, wish.SaveInstrument, wish.Gateways = "customer-88", true, []string{"gateways/halyk-main"}
	if _, err = s.settle(wish); err != nil {
		return err
	}
	s.aside("That payer asked for the bank's card page, and the card is saved for later.")
	return nil
}

func (s *story) kaspiIsCutOff() error {
	s.act("2. Kaspi is cut off; the next charges succeed at the backup")
	if _, err := s.bank.AddFault(sim.Fault{Face: "kaspi", Kind: sim.FaultRefuse}); err != nil {
		return err
	}
	s.say("kaspi-main refuses connections")
	var failed, paid time.Time
	for range 8 {
		p, err := s.pay(payrouterv1.Method_METHOD_QR, payrouterv1.Method_METHOD_PAGE)
		if err != nil {
			return err
		}
		if p.GetState() != payrouterv1.Payment_STATE_PAID || lastAttempt(p).GetGateway() == "gateways/kaspi-main" {
			return fmt.Errorf("payment %s is %s at %s", p.GetName(), p.GetState(), lastAttempt(p).GetGateway())
		}
		s.result.FailedOver++
		if first := p.GetAttempts()[0]; failed.IsZero() && first.GetGateway() == "gateways/kaspi-main" {
			failed, s.result.Example = first.GetUpdateTime().AsTime(), p.GetName()
		}
		if paid.IsZero() {
			paid = p.GetUpdateTime().AsTime()
		}
	}
	if failed.IsZero() {
		return errors.New("no payment met the outage: the story proves nothing")
	}
	s.result.FailoverMS = paid.Sub(failed).Milliseconds()
	s.say("first failure to first payment paid at the backup: %d ms, of which the payer took 300", s.result.FailoverMS)
	return nil
}

func (s *story) anAnswerIsLost() error {
	s.act("3. A charge whose answer is lost is looked up, not repeated")
	instruments, err := s.client.ListInstruments(s.ctx, &payrouterv1.ListInstrumentsRequest{CustomerId: "customer-88"})
	if err != nil {
		return err
	}
	if len(instruments.GetInstruments()) == 0 {
		return errors.New("no card was saved")
	}
	if _, err := s.bank.AddFault(sim.Fault{Face: "halyk", Op: sim.OpCharge, Kind: sim.FaultActDrop, Times: 1}); err != nil {
		return err
	}
	wish := s.wish(7300, payrouterv1.Method_METHOD_INSTRUMENT)
	wish.CustomerId, wish.Instrument = "customer-88", instruments.GetInstruments()[0].GetName()
	s.say("%s at halyk-main is charged; the bank takes the money and the connection breaks", instruments.GetInstruments()[0].GetMask())
	p, err := s.settle(wish)
	if err != nil {
		return err
	}
	a := lastAttempt(p)
	times := s.bank.Ledger().Count("halyk", sim.OpCharge, a.GetReference())
	if p.GetState() != payrouterv1.Payment_STATE_PAID || len(p.GetAttempts()) != 1 || times != 1 {
		return fmt.Errorf("payment %s is %s after %d attempts, the charge arrived %d times", p.GetName(), p.GetState(), len(p.GetAttempts()), times)
	}
	s.result.LookedUp++
	s.aside("The charge arrived %d time. The look-up found it, and nobody else was asked.", times)
	return nil
}

func (s *story) kaspiReturns() error {
	s.act("4. Kaspi returns, and traffic comes back in steps")
	s.bank.ClearFaults()
	s.say("kaspi-main accepts connections again; probes go first, then a few real payments, then a growing share")
	back, elsewhere := 0, 0
	for range 60 {
		p, err := s.create(s.wish(2500, payrouterv1.Method_METHOD_QR, payrouterv1.Method_METHOD_PAGE))
		if err != nil {
			return err
		}
		if lastAttempt(p).GetGateway() == "gateways/kaspi-main" {
			g, err := s.operator.GetGateway(s.ctx, &payrouterv1.GetGatewayRequest{Name: "gateways/kaspi-main"})
			if err != nil {
				return err
			}
			back++
			s.say("%s goes to kaspi-main (%d %% of payments may)", tail(p.GetName()), g.GetSharePercent())
			if back >= 3 && g.GetSharePercent() == 100 {
				s.aside("Meanwhile %d payments went to the backup.", elsewhere)
				return nil
			}
		} else {
			elsewhere++
		}
		if !s.wait(150 * time.Millisecond) {
			return s.ctx.Err()
		}
	}
	return fmt.Errorf("only %d payments went back to kaspi-main", back)
}

func (s *story) aLatePayerPays() error {
	s.act("5. A late payment on an old QR is given back")
	p, err := s.follow(s.late)
	if err != nil {
		return err
	}
	s.say("%s is %s: nobody paid in time, and a look after its end proved it", tail(p.GetName()), stateOf(p))
	if err := s.bank.Act("kaspi", p.GetAttempts()[0].GetReference(), sim.ActPayLate); err != nil {
		return err
	}
	s.say("now the payer pays after all, and the bank takes it")
	reference := p.GetAttempts()[0].GetReference()
	for range 100 {
		held := s.bank.Ledger().Net("kaspi", reference)
		now, err := s.client.GetPayment(s.ctx, &payrouterv1.GetPaymentRequest{Name: p.GetName()})
		if err != nil {
			return err
		}
		if held == 0 && now.GetSurplus().GetMinorUnits() == 0 { // the bank's answer is on its way to our books for a moment
			s.result.GivenBack++
			s.say("%s: noticed and given back, once", tail(p.GetName()))
			return nil
		}
		if !s.wait(100 * time.Millisecond) {
			return s.ctx.Err()
		}
	}
	return errors.New("the late payment was not given back")
}

func (s *story) compareBooks() error {
	s.act("6. The books and the bank's ledgers, line by line")
	var all []*payrouterv1.Payment
	for token := ""; ; {
		page, err := s.client.ListPayments(s.ctx, &payrouterv1.ListPaymentsRequest{PageToken: token, PageSize: 1000})
		if err != nil {
			return err
		}
		for _, p := range page.GetPayments() {
			if !final(p) {
				var err error
				if p, err = s.follow(p.GetName()); err != nil {
					return err
				}
			}
			all = append(all, p)
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	ledger := s.bank.Ledger()
	a := compare(all, ledger)
	s.books(a)
	r := &s.result
	r.Payments, r.DoubleCharged, r.Lost, r.Violations = len(all), a.doubleCharged(), a.lost(), len(ledger.Violations)
	for _, p := range all {
		if p.GetState() == payrouterv1.Payment_STATE_PAID {
			r.Paid++
		}
	}
	r.Agree = r.DoubleCharged == 0 && r.Lost == 0 && r.Violations == 0
	r.Seconds = time.Since(s.began).Round(100 * time.Millisecond).Seconds()
	for _, v := range ledger.Violations {
		s.say("VIOLATED %s at %s: %s", v.Invariant, v.Face, v.Text)
	}
	fmt.Fprintln(s.out)
	s.say("%d payments, %d paid, %d of them at a backup while Kaspi was away; charged twice %d, lost %d", r.Payments, r.Paid, r.FailedOver, r.DoubleCharged, r.Lost)
	s.aside("%s", r.verdict())
	return nil
}

// wish is a request as an internal service makes it.
func (s *story) wish(tenge int64, methods ...payrouterv1.Method) *payrouterv1.CreatePaymentRequest {
	s.numbers.Lock()
	defer s.numbers.Unlock()
	s.order++
	return &payrouterv1.CreatePaymentRequest{RequestId: uuid.NewString(), OrderId: fmt.Sprintf("order-%03d-%d", s.order, s.began.UnixMilli()),
		Amount: &payrouterv1.Money{MinorUnits: tenge * 100, CurrencyCode: "KZT"}, Methods: methods, Description: "Books",
		Payer: &payrouterv1.Payer{Phone: "+77010000000", DisplayName: "Aida", Email: "aida@example.kz", IpAddress: "203.0.113.7"}}
}

func (s *story) create(wish *payrouterv1.CreatePaymentRequest) (*payrouterv1.Payment, error) {
	ctx, cancel := context.WithTimeout(s.ctx, 15*time.Second)
	defer cancel()
	return s.client.CreatePayment(ctx, wish)
}

// pay creates a payment, follows it to its end, and tells it in one line.
func (s *story) pay(methods ...payrouterv1.Method) (*payrouterv1.Payment, error) {
	return s.settle(s.wish(15490, methods...))
}

func (s *story) settle(wish *payrouterv1.CreatePaymentRequest) (*payrouterv1.Payment, error) {
	began := time.Now()
	p, err := s.create(wish)
	if err != nil {
		return nil, err
	}
	if err := s.browse(p); err != nil {
		return nil, err
	}
	if !final(p) {
		if p, err = s.follow(p.GetName()); err != nil {
			return nil, err
		}
	}
	text := fmt.Sprintf("%s  %9s KZT  %s at %s", tail(p.GetName()), decimal(p.GetAmount().GetMinorUnits()), stateOf(p), gatewayOf(p))
	if len(p.GetAttempts()) > 1 {
		text += ", after kaspi-main could not be reached"
	} else if slices.ContainsFunc(p.GetRoute(), func(c *payrouterv1.RouteChoice) bool {
		return c.GetGateway() == "gateways/kaspi-main" && (c.GetReason() == "breaker_open" || c.GetReason() == "probe_failing")
	}) {
		text += ", kaspi-main not even asked"
	}
	s.say("%s (%d ms)", text, time.Since(began).Milliseconds())
	return p, nil
}

// browse does what the payer's browser does with a widget: it hands the object to the
// bank's page, which there learns, for one, whether to save the card.
func (s *story) browse(p *payrouterv1.Payment) error {
	widget := p.GetAction().GetWidget()
	if widget == nil {
		return nil
	}
	page, err := url.Parse(widget.GetScriptUrl())
	if err != nil {
		return err
	}
	page.Path = "/payform"
	request, err := http.NewRequestWithContext(s.ctx, http.MethodPost, page.String(), strings.NewReader(url.Values{"payment": {widget.GetObjectJson()}}.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the bank's page answers %s", response.Status)
	}
	return nil
}

// follow watches a payment until it is decided.
func (s *story) follow(name string) (*payrouterv1.Payment, error) {
	stream, err := s.client.WatchPayment(s.ctx, &payrouterv1.WatchPaymentRequest{Name: name})
	if err != nil {
		return nil, err
	}
	for {
		message, err := stream.Recv()
		if err != nil {
			return nil, fmt.Errorf("follow %s: %w", name, err)
		}
		if p := message.GetPayment(); p != nil && final(p) {
			return p, nil
		}
	}
}

// batch does n things at once.
func (s *story) batch(n int, do func() error) error {
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { errs[i] = do() })
	}
	group.Wait()
	return errors.Join(errs...)
}

// wait pauses and reports whether the story may go on.
func (s *story) wait(d time.Duration) bool {
	select {
	case <-s.ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func final(p *payrouterv1.Payment) bool {
	switch p.GetState() {
	case payrouterv1.Payment_STATE_PAID, payrouterv1.Payment_STATE_DECLINED, payrouterv1.Payment_STATE_FAILED, payrouterv1.Payment_STATE_CANCELED:
		return true
	}
	return false
}

func lastAttempt(p *payrouterv1.Payment) *payrouterv1.Attempt {
	if n := len(p.GetAttempts()); n > 0 {
		return p.GetAttempts()[n-1]
	}
	return nil
}

func gatewayOf(p *payrouterv1.Payment) string {
	return lastAttempt(p).GetGateway()[len("gateways/"):]
}

var stateWords = map[payrouterv1.Payment_State]string{payrouterv1.Payment_STATE_PAID: "paid", payrouterv1.Payment_STATE_FAILED: "over without money",
	payrouterv1.Payment_STATE_DECLINED: "over without money", payrouterv1.Payment_STATE_CANCELED: "canceled"}

func stateOf(p *payrouterv1.Payment) string { return stateWords[p.GetState()] }
