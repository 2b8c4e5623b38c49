package kaspi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// Charge makes the QR, the link or the invoice, or for an account payment only the
// words that tell the payer where to type what.
func (g *Gateway) Charge(ctx context.Context, c providers.Charge) providers.Result {
	switch {
	case !payable(c.Ref.Amount):
		return cannot("Kaspi takes positive amounts of tenge only")
	case c.Ref.TwoStage:
		return cannot("Kaspi has no holds")
	case c.Ref.Order == "":
		return cannot("a charge needs a reference")
	}
	switch c.Ref.Method {
	case providers.QR, providers.Link:
		return g.offer(ctx, c)
	case providers.Push:
		return g.invite(ctx, c)
	case providers.Account:
		return g.await(c)
	}
	return cannot("Kaspi has no such method")
}

// cannot refuses before anything is sent.
func cannot(why string) providers.Result {
	result := unsupported.result("")
	result.Err = errors.New(why)
	return result
}

// outlives reports whether something payable until end would outlive the charge.
func outlives(c providers.Charge, end time.Time) bool {
	return !c.Expires.IsZero() && end.After(c.Expires)
}

// offered is the Data of qr/create and qr/create-link. The two name the number and
// the options differently, and clients mix them up: both names are read for both.
type offered struct {
	QRToken     string `json:"QrToken"`
	PaymentLink string
	ExpireDate  moment
	QRPaymentID number   `json:"QrPaymentId"`
	PaymentID   number   `json:"PaymentId"`
	QROptions   *windows `json:"QrPaymentBehaviorOptions"`
	Options     *windows `json:"PaymentBehaviorOptions"`
}

type windows struct {
	StatusPollingInterval      seconds
	QRCodeScanWaitTimeout      seconds `json:"QrCodeScanWaitTimeout"`
	LinkActivationWaitTimeout  seconds
	PaymentConfirmationTimeout seconds
}

func (o offered) number() number {
	if o.QRPaymentID != "" {
		return o.QRPaymentID
	}
	return o.PaymentID
}

func (o offered) windows() windows {
	switch {
	case o.QROptions != nil:
		return *o.QROptions
	case o.Options != nil:
		return *o.Options
	}
	return windows{}
}

// offer makes a QR or a link. Whatever goes wrong after sending leaves at most an
// orphan: only we could have handed it out.
func (g *Gateway) offer(ctx context.Context, c providers.Charge) providers.Result {
	if outlives(c, time.Now().Add(g.config.OfferLife)) {
		return cannot("the offer would outlive the payment")
	}
	token, result, ok := g.desk(ctx)
	if !ok {
		return result
	}
	request := struct {
		OrganizationBIN string `json:"OrganizationBin,omitempty"`
		DeviceToken     string
		Amount          tenge
		ExternalID      string `json:"ExternalId"`
	}{g.bin(), token, tenge{money: c.Ref.Amount}, c.Ref.Order}
	path := "/qr/create"
	if c.Ref.Method == providers.Link {
		path = "/qr/create-link"
	}
	var answer offered
	result, ok = g.do(ctx, call{
		method: http.MethodPost, url: g.base + path, body: request,
		timeout: g.config.Timeouts.Create, codes: creating, moves: true,
	}, &answer)
	if !ok {
		return result
	}
	return g.show(c, answer, time.Now())
}

// farthest is more than any offer of the bank lives. An end beyond it is no end that
// payments could wait for, and one beyond the year 9999 none that the books could keep.
const farthest = 366 * 24 * time.Hour

// show turns the answer into what the payer sees. An offer that we could not look
// up, or whose end we do not know, is shown to nobody.
func (g *Gateway) show(c providers.Charge, o offered, now time.Time) providers.Result {
	result := providers.Result{External: string(o.number())}
	action, err := o.action(c.Ref.Method)
	switch {
	case err != nil:
	case result.External == "":
		err = errors.New("an offer without its number")
	case !o.ExpireDate.After(now):
		err = errors.New("an offer without an end, or ended already")
	}
	if err != nil {
		result.Reason, result.Err = providers.Unreadable, err
		return result
	}
	windows := o.windows()
	begin := o.ExpireDate.Time
	scan := windows.QRCodeScanWaitTimeout.or(windows.LinkActivationWaitTimeout.or(0))
	if late := now.Add(scan); late.Sub(begin) > g.config.Margin {
		// The answer's date and its own window disagree by more than the margin: our
		// clock is ahead, or the date's zone was not what we took it for. The later
		// end is the careful one.
		begin = late
	}
	until := begin.Add(windows.PaymentConfirmationTimeout.or(g.config.ConfirmWindow))
	if until.Sub(now) > farthest {
		result.Reason, result.Err = providers.Unreadable, errors.New("an offer without a believable end")
		return result
	}
	result.Until = until
	if outlives(c, result.Until) {
		result.Verdict, result.Reason = providers.Unserved, providers.Unsupported
		result.Err = errors.New("the offer made would outlive the payment; nobody has seen it")
		return result
	}
	action.Expires = begin
	result.Verdict, result.Reason, result.Action = providers.Pending, providers.AwaitingPayer, &action
	result.AskIn = windows.StatusPollingInterval.or(g.config.PollInterval)
	return result
}

func (o offered) action(m providers.Method) (providers.Action, error) {
	if m == providers.QR {
		if o.QRToken == "" {
			return providers.Action{}, errors.New("a QR without its text")
		}
		return providers.Action{Kind: providers.ShowQR, Text: o.QRToken}, nil
	}
	link, err := url.Parse(o.PaymentLink)
	if err != nil || link.Host == "" || link.Scheme != "https" && link.Scheme != "http" {
		return providers.Action{}, errors.New("a link that is no address")
	}
	return providers.Action{Kind: providers.Redirect, URL: o.PaymentLink}, nil
}

// await sends nothing: the payer types our number in the app, and the bank asks us.
// Our veto ends the offer whenever we like, so it cannot outlive the payment.
func (g *Gateway) await(c providers.Charge) providers.Result {
	if g.config.Biller.Service == "" {
		return cannot("biller.service is not configured")
	}
	return providers.Result{
		Verdict: providers.Pending, Reason: providers.AwaitingPayer,
		Action: &providers.Action{
			Kind: providers.TypeAccount, Number: c.Ref.Order, Service: g.config.Biller.Service, Expires: c.Expires,
		},
	}
}
