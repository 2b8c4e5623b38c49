package kaspi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync/atomic"

	"golang.org/x/sync/singleflight"

	"github.com/payrouter/payrouter/providers"
)

// device is the cash desk that every money call names. With a device_id it is
// registered on first use: the only call that the document allows to repeat.
type device struct {
	turn  singleflight.Group     // one registration at a time; who comes meanwhile waits for that one
	token atomic.Pointer[string] // nil: not registered yet
	own   bool                   // ours to register
}

func newDevice(c Config) *device {
	d := &device{own: c.DeviceID != ""}
	if token := c.DeviceToken.Reveal(); token != "" {
		d.token.Store(&token)
	}
	return d
}

// forget drops a token that the bank does not know (any more), if it can be had again.
func (d *device) forget() {
	if d.own {
		d.token.Store(nil)
	}
}

// desk returns the token of the cash desk, registering it if need be, which takes one
// status limit at the longest however many ask. When it reports false nothing of the
// operation itself was sent, and the Result says so.
func (g *Gateway) desk(ctx context.Context) (string, providers.Result, bool) {
	if token := g.device.token.Load(); token != nil {
		return *token, providers.Result{}, true
	}
	if err := ctx.Err(); err != nil {
		return "", providers.Unsent(err), false
	}
	var result providers.Result
	select {
	case <-ctx.Done():
		result = providers.Unsent(ctx.Err())
	case done := <-g.device.turn.DoChan("", func() (value any, _ error) {
		defer func() {
			if recover() != nil { // in a goroutine of its own: nobody above could catch it
				value = providers.Doubt(providers.Panicked, "", errors.New("the registration of the device panicked"))
			}
		}()
		if g.device.token.Load() != nil {
			return providers.Result{Verdict: providers.Approved}, nil // it landed while we came
		}
		token, result := g.register(context.WithoutCancel(ctx)) // others wait for it, too
		if result.Verdict == providers.Approved {
			g.device.token.Store(&token)
		}
		return result, nil
	}):
		result, _ = done.Val.(providers.Result)
	}
	switch token := g.device.token.Load(); {
	case result.Verdict == providers.Approved && token != nil:
		return *token, providers.Result{}, true
	case result.Verdict == providers.Unserved:
		return "", result, false
	}
	unsent := providers.Unsent(result.Err)
	unsent.Code = result.Code
	return "", unsent, false
}

// register makes the configured device known at the configured trade point.
func (g *Gateway) register(ctx context.Context) (string, providers.Result) {
	if g.config.DeviceID == "" {
		result := misconfigured.result("")
		result.Err = errors.New("device_id and trade_point_id name the device to register")
		return "", result
	}
	request := struct {
		OrganizationBIN string `json:"OrganizationBin,omitempty"`
		DeviceID        string `json:"DeviceId"`
		TradePointID    int64  `json:"TradePointId"`
	}{g.bin(), g.config.DeviceID, g.config.TradePointID}
	var answer struct{ DeviceToken string }
	result, ok := g.do(ctx, call{
		method: http.MethodPost, url: g.base + "/device/register", body: request, timeout: g.config.Timeouts.Status, codes: settingUp,
	}, &answer)
	switch {
	case !ok:
		return "", result
	case answer.DeviceToken == "":
		return "", providers.Doubt(providers.Unreadable, "", nil)
	}
	return answer.DeviceToken, providers.Result{Verdict: providers.Approved}
}

// bin is the organisation to act for; only r3 names one.
func (g *Gateway) bin() string {
	if g.config.Scheme != R3 {
		return ""
	}
	return g.config.OrganizationBIN
}

// TradePoint is one shop of the merchant.
type TradePoint struct {
	ID   int64  `json:"TradePointId"`
	Name string `json:"TradePointName"`
}

// TradePoints lists the merchant's shops, for whoever sets the account up.
// Approved: the list is complete.
func (g *Gateway) TradePoints(ctx context.Context) ([]TradePoint, providers.Result) {
	address := g.base + "/partner/tradepoints"
	if bin := g.bin(); bin != "" {
		address += "/" + url.PathEscape(bin)
	}
	var points []TradePoint
	result, ok := g.do(ctx, call{method: http.MethodGet, url: address, timeout: g.config.Timeouts.Status, codes: settingUp}, &points)
	if !ok {
		return nil, result
	}
	return points, providers.Result{Verdict: providers.Approved}
}

// RegisterDevice makes the configured device_id known and returns its token, for
// device_token. Approved: registered, now or before.
func (g *Gateway) RegisterDevice(ctx context.Context) (providers.Secret, providers.Result) {
	token, result := g.register(ctx)
	return providers.NewSecret(token), result
}

// DeleteDevice takes the cash desk out of service: until it is registered again,
// nothing can be created or refunded through it. Approved: gone.
func (g *Gateway) DeleteDevice(ctx context.Context) providers.Result {
	token, result, ok := g.desk(ctx)
	if !ok {
		return result
	}
	request := struct {
		OrganizationBIN string `json:"OrganizationBin,omitempty"`
		DeviceToken     string
	}{g.bin(), token}
	result, ok = g.do(ctx, call{
		method: http.MethodPost, url: g.base + "/device/delete", body: request, timeout: g.config.Timeouts.Create, codes: settingUp,
	}, nil)
	if !ok {
		return result
	}
	g.device.forget()
	return providers.Result{Verdict: providers.Approved}
}
